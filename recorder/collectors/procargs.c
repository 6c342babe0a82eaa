/*
 * The kernel writes "executable_path=" before the path and pads both to a multiple of a pointer's
 * size; that prefix has 16 bytes and is left out of what we get. All programs have pointers of 8
 * bytes since macOS 10.15. The padding is derived from the kernel's published text and not seen on
 * hardware yet.
 */
#include "recorder/collectors/procargs.h"

#include <string.h>

enum { COUNT_SIZE = 4, ALIGNMENT = 8 };

/* Whether all of data[size] is NUL. */
static bool is_empty(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i] != 0)
            return false;
    return true;
}

static void find_arguments(struct procargs *args, const uint8_t *at, size_t size, uint32_t wanted)
{
    const uint8_t *end = at + size;
    const uint8_t *next = at;

    while (args->count < wanted && next < end) {
        const uint8_t *nul = memchr(next, 0, (size_t)(end - next));

        args->cut = nul == NULL;
        next = nul == NULL ? end : nul + 1;
        args->count++;
    }
    args->cut = args->cut || args->count < wanted;
    args->arguments = at;
    args->size = (size_t)(next - at);
}

enum status procargs_parse(struct procargs *args, const uint8_t *block, size_t size, size_t room,
                           struct error *err)
{
    const uint8_t *path = block + COUNT_SIZE, *nul;
    size_t padded;
    int32_t count;

    *args = (struct procargs){ .count = 0 };
    if (size < COUNT_SIZE || size >= room)
        return error_set(err, STATUS_CORRUPT, "arguments: %zu bytes in room for %zu", size, room);
    memcpy(&count, block, sizeof count);
    size -= COUNT_SIZE;
    if (count < 0 || (size_t)count > size)
        return error_set(err, STATUS_CORRUPT, "arguments: %d in %zu bytes", count, size);
    nul = memchr(path, 0, size);
    if (nul == NULL)
        return error_set(err, STATUS_CORRUPT, "arguments: the path has no end");
    args->path = path;
    args->path_size = (size_t)(nul - path);
    if (count == 0)
        return STATUS_OK;
    padded = (args->path_size + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    if (padded > size || !is_empty(nul, padded - args->path_size))
        return error_set(err, STATUS_CORRUPT, "arguments: another padding than is known");
    find_arguments(args, path + padded, size - padded, (uint32_t)count);
    return STATUS_OK;
}
