/* The tick axis of a block. What decodes encodes, and then decodes to the same. */
#include "tests/fuzz/fuzz_input.h"

#include <string.h>

static void round_trip(const struct block_ticks *ticks)
{
    struct byte_writer w = { 0 };
    struct block_ticks back;
    struct error err = { 0 };
    size_t bytes = ticks->count * sizeof *ticks->start_ns;

    if (block_ticks_encode(ticks, &w, &err) != STATUS_OK ||
        block_ticks_decode(&back, w.data, w.used, &err) != STATUS_OK ||
        back.count != ticks->count || memcmp(back.start_ns, ticks->start_ns, bytes) != 0 ||
        memcmp(back.sweep_ns, ticks->sweep_ns, bytes) != 0 ||
        memcmp(back.gap, ticks->gap, ticks->count) != 0)
        abort();
    block_ticks_release(&back);
    bytes_release(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct block_ticks ticks;
    struct error err = { 0 };
    enum status st = block_ticks_decode(&ticks, data, size, &err);

    fuzz_check(st, &err);
    if (st == STATUS_OK)
        round_trip(&ticks);
    block_ticks_release(&ticks);
    return 0;
}
