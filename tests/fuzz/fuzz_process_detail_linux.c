/* What the details of processes are parsed from, on any bytes: texts of /proc and netlink answers. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "recorder/collectors/process_detail_linux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void visit(void *self, const struct socket_found *found)
{
    size_t *left = self;

    /* Each comes from at least a header's bytes: no more of them than fit. */
    if (found->inode == 0 || found->dump >= SOCKET_DUMP_COUNT || (*left)-- == 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    char frames[100];
    int64_t bytes = 0;

    if (detail_parse_pss(text, size, &bytes) == MISSING_NONE && (bytes < 0 || bytes % 1024 != 0))
        abort();
    (void)detail_parse_socket(text, size);
    if (detail_parse_stack(text, size, frames, sizeof frames) > sizeof frames)
        abort();
    for (unsigned d = 0; d < SOCKET_DUMP_COUNT; d++) {
        size_t left = size / 16;
        struct error err;
        bool done;

        if (sock_diag_parse(data, size, (enum socket_dump)d, d == 0 ? 1 : 0, visit, &left, &done,
                            &err) == STATUS_OK &&
            !done && size > 0 && left == size)
            abort();
    }
    return 0;
}
