/* The values of one group: a count, then planes. What decodes encodes to something as short. */
#include "tests/fuzz/fuzz_input.h"

#include "schema/column.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    size_t low = fuzz_byte(&in), count = low | (size_t)fuzz_byte(&in) << 8;
    struct byte_reader r = { .data = in.data, .size = in.size };
    struct byte_writer w = { 0 };
    int64_t *values = malloc((count + 1) * sizeof *values);
    struct error err = { 0 };
    enum status st;

    if (values == NULL)
        return 0;
    st = column_decode(&r, values, count, &err);
    fuzz_check(st, &err);
    if (st == STATUS_OK) {
        column_encode(values, count, &w);
        if (w.full || w.used > r.used)
            abort();
    }
    bytes_release(&w);
    free(values);
    return 0;
}
