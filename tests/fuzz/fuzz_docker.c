/* What container engines answer, on any bytes: the list, a container's use, its restarts. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/docker_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct docker_container *container)
{
    if (memchr(container->label, '\0', sizeof container->label) == NULL ||
        memchr(container->id, '\0', sizeof container->id) == NULL)
        abort();
    for (unsigned metric = 0; metric < CONTAINER_METRIC_COUNT; metric++)
        if (container->missing[metric] >= MISSING_COUNT || container->value[metric] < 0 ||
            (container->missing[metric] != MISSING_NONE && container->value[metric] != 0))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct docker_list list;
    struct docker_container container = { .id = "0123456789ab" };
    char *text = malloc(size + 1);
    struct error err;

    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    docker_all_missing(&container, MISSING_NOT_SAMPLED);
    list.count = 0;
    list.left_out = 0;
    (void)!docker_parse_list(text, size, &list, &err);
    for (size_t i = 0; i < list.count; i++)
        check(&list.container[i]);
    (void)!docker_parse_stats(text, size, &container, &err);
    (void)!docker_parse_inspect(text, size, &container, &err);
    check(&container);
    free(text);
    return 0;
}
