/*
 * What a client says to a running recorder, and how it answers: schema/CONTROL.md.
 *
 *   request  "1 COMMAND\n" or "1 COMMAND TEXT\n"
 *   reply    "1 ok SIZE\n" or "1 error SIZE\n", then SIZE bytes
 */
#ifndef SCHEMA_CONTROL_H
#define SCHEMA_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "schema/error.h"

enum {
    CONTROL_VERSION = 1,
    CONTROL_TEXT_MAX = 1000,    /* bytes of a mark */
    CONTROL_REQUEST_MAX = 1024, /* the whole line, newline included */
    CONTROL_HEAD_MAX = 32,      /* the first line of a reply, newline included */
    CONTROL_BODY_MAX = 1 << 20,
};

enum control_command {
    CONTROL_STATUS,
    CONTROL_MARK,
    CONTROL_FLUSH,
    CONTROL_STOP,
    CONTROL_LIVE,
    CONTROL_COMMAND_COUNT,
};

struct control_request {
    enum control_command command;
    const char *text; /* of a mark; not terminated */
    size_t text_size;
};

/* The word of a command. */
const char *control_command_name(enum control_command command);

/*
 * Understand a request line, given without its newline.
 *
 *   errors  UNSUPPORTED: another version; INVALID: no such command, a text where none belongs, none
 *           where one does, one that is too long or holds control characters
 *   owns    nothing: the text points into `line`
 */
MUST_USE enum status control_request_parse(struct control_request *request, const char *line,
                                           size_t size, struct error *err);

/*
 * Write a request with its newline; *size is what it takes.
 *
 *   errors  INVALID as above
 */
MUST_USE enum status control_request_put(char line[CONTROL_REQUEST_MAX], size_t *size,
                                         const struct control_request *request, struct error *err);

struct control_reply {
    bool ok;
    size_t head_size; /* of the first line, newline included */
    size_t body_size;
};

/*
 * Understand the first line of a reply, of which `size` bytes have come.
 *
 *   errors  ABSENT: the line is not complete; UNSUPPORTED: another version; CORRUPT: no such line
 */
MUST_USE enum status control_reply_parse(struct control_reply *reply, const char *data, size_t size,
                                         struct error *err);
/* Write the first line of a reply; returns its size. */
size_t control_reply_put(char head[CONTROL_HEAD_MAX], bool ok, size_t body_size);

#endif
