/*
 * The block of KERN_PROCARGS2, twice: any bytes as it, and one laid out as the kernel does. For
 * that a byte says how many arguments there are, a word where the block ends, a piece is the path,
 * a piece for each argument, and the rest is the environment, of which nothing may be found among
 * the arguments.
 */
#include "tests/fuzz/fuzz_input.h"

#include <string.h>

#include "recorder/collectors/procargs.h"

enum { ARGUMENTS_MOST = 16, ALIGNMENT = 8 };

static void parse_any(const uint8_t *data, size_t size)
{
    struct procargs args;
    struct error err;

    if (procargs_parse(&args, data, size, size + 1, &err) != STATUS_OK)
        return;
    if (args.path < data || args.path + args.path_size >= data + size)
        abort();
    if (args.size > 0 && (args.arguments <= args.path + args.path_size ||
                          args.arguments + args.size > data + size || args.count > args.size))
        abort();
}

/* As a text: what the kernel copies ends at its first NUL. */
static void put_text(struct byte_writer *block, struct fuzz_input piece)
{
    const uint8_t *nul = piece.size == 0 ? NULL : memchr(piece.data, 0, piece.size);

    bytes_put(block, piece.data, nul == NULL ? piece.size : (size_t)(nul - piece.data));
    bytes_put_u8(block, 0);
}

static void check_block(const struct byte_writer *block, size_t begin, size_t environment,
                        size_t size, unsigned count)
{
    size_t end = environment < size ? environment : size;
    struct procargs args;
    struct error err;
    enum status st = procargs_parse(&args, block->data, size, size + 1, &err);

    if (size < begin || size - sizeof(int32_t) < count) {
        if (st == STATUS_OK && args.size > 0)
            abort();
        return;
    }
    if (st != STATUS_OK || args.count > count)
        abort();
    if (count > 0 && (args.arguments != block->data + begin || args.size != end - begin))
        abort();
    if (args.cut != (count > 0 && size < environment))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    struct byte_writer block = { 0 };
    unsigned count = fuzz_byte(&in) % ARGUMENTS_MOST;
    size_t cut = fuzz_word(&in), begin, environment;
    int32_t told = (int32_t)count;

    parse_any(data, size);
    bytes_put(&block, &told, sizeof told);
    put_text(&block, fuzz_piece(&in));
    while ((block.used - sizeof told) % ALIGNMENT != 0)
        bytes_put_u8(&block, 0);
    begin = block.used;
    for (unsigned i = 0; i < count; i++)
        put_text(&block, fuzz_piece(&in));
    environment = block.used;
    bytes_put(&block, in.data, in.size);
    bytes_put_u8(&block, 0);
    if (block.full)
        abort();
    check_block(&block, begin, environment, block.used - cut % (block.used + 1), count);
    bytes_release(&block);
    return 0;
}
