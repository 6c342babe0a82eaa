/*
 * Confidential values in command lines, replaced before anything is written to disk.
 *
 * Best effort by well-known names and shapes: a password given as a plain argument to a program
 * that nothing here knows stays visible. `extra_regex` is for those.
 */
#ifndef RECORDER_REDACT_H
#define RECORDER_REDACT_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/bytes.h"
#include "schema/error.h"

#define REDACTED_TEXT "[redacted]"

/* Constant after redactor_init: any number of threads may use one at the same time. */
struct redactor {
    regex_t *extra;
    size_t extra_count;
};

/*
 * Compile the user's own patterns: POSIX extended, each match in the joined line is replaced.
 *
 *   shape   extra_regex[count], NUL-terminated; may be NULL when count is 0
 *   errors  INVALID with regcomp's explanation, NO_MEMORY; then `r` is empty and needs no release
 *   owns    the compiled patterns, until redactor_release
 */
MUST_USE enum status redactor_init(struct redactor *r, const char *const extra_regex[],
                                   size_t count, struct error *err);

/* Accepts a zeroed redactor. */
void redactor_release(struct redactor *r);

/*
 * Append the arguments to `out`, joined by single spaces, confidential values as "[redacted]".
 *
 *   shape   raw[size] as in /proc/PID/cmdline: NUL after each argument, the last one may lack it;
 *           `cut`: bytes were left off the end, so that the last argument may be incomplete
 *   errors  NO_MEMORY if `out` could not grow; then nothing was appended
 *   owns    nothing; keeps no pointer after the call
 *   source  the rules are the tables in recorder/redact_rules.c
 */
MUST_USE enum status redact_arguments(const struct redactor *r, const uint8_t *raw, size_t size,
                                      bool cut, struct byte_writer *out, struct error *err);

#endif
