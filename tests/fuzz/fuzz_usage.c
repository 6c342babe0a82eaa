/* Usage by name. The first byte is how much is left of the hour; the rest is the frame's content. */
#include "schema/usage.h"
#include "tests/fuzz/fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct byte_writer again = { 0 };
    struct byte_reader r = { .data = data + 1, .size = size - 1 };
    struct build_shape shape;
    struct usage usage;
    struct error err = { 0 };

    if (size == 0)
        return 0;
    build_shape_of_table(&shape, TABLE_PROCESS, 0);
    usage_init(&usage, &shape);
    if (usage_decode(&usage, (enum usage_detail)(data[0] % USAGE_DETAIL_COUNT), &r, &err) ==
        STATUS_OK) {
        enum status st = usage_encode(&usage, &again, &err);

        fuzz_check(st, &err);
    }
    bytes_release(&again);
    usage_release(&usage);
    return 0;
}
