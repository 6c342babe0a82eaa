/* A configuration file: refused with a line that it has, or printed and read back the same. */
#include "tests/fuzz/fuzz_input.h"

#include <string.h>

#include "recorder/config.h"

static void check_line(const char *message, const uint8_t *data, size_t size)
{
    const char *line = strstr(message, "line ");
    unsigned long lines = 1;

    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    if (message[0] == '\0' || (line == message && strtoul(line + 5, NULL, 10) - 1 >= lines))
        abort();
}

static void check_printed(const struct options *options)
{
    struct options again = { 0 };
    struct config *config = NULL;
    struct error err = { 0 };
    char *text = NULL, *second = NULL;

    if (config_text(options, &text, &err) == STATUS_OK) {
        if (config_parse(&config, text, strlen(text), &again, &err) != STATUS_OK ||
            config_text(&again, &second, &err) != STATUS_OK || strcmp(text, second) != 0)
            abort();
    }
    config_release(config);
    free(text);
    free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct options options = { .interval_ns = 1000000000, .process_source = "auto" };
    struct config *config = NULL;
    struct error err = { 0 };

    if (config_parse(&config, (const char *)data, size, &options, &err) == STATUS_OK)
        check_printed(&options);
    else
        check_line(err.message, data, size);
    config_release(config);
    return 0;
}
