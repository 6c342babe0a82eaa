/*
 * One JSON document (RFC 8259), put together piece by piece. Integers are exact: no detour through a double.
 *
 * A piece has a name in an object, NULL in an array. Once memory ran out `bytes.full` is set, and stays so.
 */
#ifndef ANALYZER_JSON_H
#define ANALYZER_JSON_H

#include "schema/bytes.h"

/* Zero-initialised is ready. owns: bytes_release(&j->bytes) */
struct json {
    struct byte_writer bytes;
    bool more; /* a comma goes before what comes next */
};

/* bracket: "{" or "[", and what closes it. */
void json_begin(struct json *j, const char *name, const char *bracket);
void json_end(struct json *j, const char *bracket);
/* The name alone; the caller puts its value into `bytes`. */
void json_name(struct json *j, const char *name);
void json_text(struct json *j, const char *name, const char *text);
void json_bytes(struct json *j, const char *name, const char *text, size_t size);
void json_bool(struct json *j, const char *name, bool value);
void json_integer(struct json *j, const char *name, int64_t value);
void json_real(struct json *j, const char *name, double value);
/* NAME_time in words and NAME_ns; null for NO_TIME. */
void json_time(struct json *j, const char *name, int64_t time_ns);

#endif
