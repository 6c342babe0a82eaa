/* The files of a cgroup: a byte chooses which, the rest is its text. And the paths that name containers. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/cgroup_text_linux.h"
#include "recorder/collectors/container_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_even(void *self, int64_t major, int64_t minor)
{
    (void)self;
    if (major < 0 || minor < 0)
        abort();
    return minor % 2 == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct cgroup_devices devices = { is_even, NULL };
    char id[CONTAINER_ID_MAX];
    struct cgroup_values values;
    const struct cgroup_file *file;
    char *text;

    if (size == 0)
        return 0;
    text = malloc(size - 1 + (size == 1)); /* nothing behind it is read */
    if (text == NULL)
        return 0;
    memcpy(text, data + 1, size - 1);
    file = &cgroup_files[data[0] % cgroup_file_count];
    cgroup_values_clear(&values);
    file->parse(file, text, size - 1, &devices, &values);
    for (unsigned metric = 0; metric < CGROUP_METRIC_COUNT; metric++)
        if (values.missing[metric] >= MISSING_COUNT || values.value[metric] < 0 ||
            (values.missing[metric] != MISSING_NONE && values.value[metric] != 0))
            abort();
    if (container_id(text, size - 1, id) > size - 1)
        abort();
    free(text);
    return 0;
}
