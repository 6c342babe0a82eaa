/*
 * The block that the sysctl KERN_PROCARGS2 of macOS answers: path and arguments of a program, and
 * its environment behind them, of which not one byte may ever be taken for an argument.
 *
 *   int32 count | path NUL | NULs to a multiple of 8 behind the count | argument NUL ... | environment
 */
#ifndef RECORDER_COLLECTORS_PROCARGS_H
#define RECORDER_COLLECTORS_PROCARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/error.h"

/* Slices of the block. */
struct procargs {
    const uint8_t *path;
    size_t path_size;
    const uint8_t *arguments; /* each ended by NUL, but the last one if `cut` */
    size_t size;
    uint32_t count; /* of those found */
    bool cut;       /* the block ends before they do */
};

/*
 * Find the arguments in block[size]. Empty ones are kept, also a first one: who skips NULs to find
 * it takes one string of the environment for an argument. Where the padding is not as above nothing
 * is taken.
 *
 *   shape   room: how many bytes were asked for. As many as that are the block's end, not its
 *           beginning.
 *   errors  CORRUPT
 */
MUST_USE enum status procargs_parse(struct procargs *args, const uint8_t *block, size_t size,
                                    size_t room, struct error *err);

#endif
