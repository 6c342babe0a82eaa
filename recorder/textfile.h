/*
 * A kernel text file that is kept open and read anew at each tick, and the numbers in it.
 */
#ifndef RECORDER_TEXTFILE_H
#define RECORDER_TEXTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/error.h"
#include "schema/metric.h"

/* Zeroed is closed. */
struct textfile {
    int fd;
    char *text;  /* NUL-terminated; NULL while closed */
    size_t size; /* bytes of the last read */
    size_t room, limit;
    bool cut;    /* the file went on: `room` was as much as was asked for */
    int failure; /* errno of the last open or read that failed, else 0 */
};

/*
 * Open root + path.
 *
 *   shape   `room` bytes are read at most, or up to `limit` once textfile_grow was called
 *   errors  ABSENT (no such file or device), IO (see file->failure), NO_MEMORY
 *   owns    a descriptor and a buffer, until textfile_close
 */
MUST_USE enum status textfile_open(struct textfile *file, const char *root, const char *path,
                                   size_t room, size_t limit, struct error *err);

/* Read it from the start: text, size and cut. ABSENT where its subject is gone, else IO. */
MUST_USE enum status textfile_read(struct textfile *file, struct error *err);

/* Double the room; false at the limit or without memory. */
bool textfile_grow(struct textfile *file);

void textfile_close(struct textfile *file);

static inline bool textfile_is_open(const struct textfile *file)
{
    return file->text != NULL;
}

/* How a failed open or read is recorded. */
enum missing textfile_missing(int failure);

/*
 * The decimal number at *at, after blanks and before `end`; moves *at behind its digits.
 * NOT_THERE when there is no digit, FAILED when it does not fit.
 */
enum missing textfile_number(const char **at, const char *end, int64_t *value);

/* number * multiplier into *value, FAILED when that does not fit. */
enum missing textfile_scaled(const char **at, const char *end, int64_t multiplier, int64_t *value);

/* The end of the line at `at`: its newline, or NULL when the text ends first (a cut line). */
const char *textfile_line_end(const char *at, const char *end);

#endif
