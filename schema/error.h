/* What can go wrong, and the one line a person reads about it. */
#ifndef SCHEMA_ERROR_H
#define SCHEMA_ERROR_H

#include <stdarg.h>
#include <stddef.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((__format__(__printf__, text, first)))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Every status and its text: X(NAME, text). ABSENT is an answer, not a failure. */
#define STATUS_LIST(X)                                                                             \
    X(OK, "ok")                                                                                    \
    X(ABSENT, "not there")                                                                         \
    X(INVALID, "invalid argument")                                                                 \
    X(IO, "input/output error")                                                                    \
    X(CORRUPT, "damaged data")                                                                     \
    X(UNSUPPORTED, "not supported")                                                                \
    X(FULL, "full")                                                                                \
    X(NO_MEMORY, "out of memory")

enum status {
#define STATUS_ENUM(name, text) STATUS_##name,
    STATUS_LIST(STATUS_ENUM)
#undef STATUS_ENUM
};

struct error {
    enum status status;
    char message[480];
};

/* The fixed text of a status. */
const char *status_text(enum status status);

/*
 * Write the message; the value is `status`, so that `return error_set(...)` reads as one step. A
 * macro, so that compilers and analyzers see that a failure is what the caller returns.
 */
#define error_set(err, code, ...) (error_write(err, code, __VA_ARGS__), (enum status)(code))
void error_write(struct error *err, enum status status, const char *format, ...) PRINTF_LIKE(3, 4);

/* Put "PREFIX: " before the message that is there; returns its status. */
enum status error_prefix(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
