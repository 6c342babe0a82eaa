/*
 * --where EXPR: which processes are asked for, as an expression.
 *
 *   expr        = conjunction { "or" conjunction }
 *   conjunction = condition { "and" condition }
 *   condition   = "not" condition | "(" expr ")" | comparison
 *   comparison  = FIELD OPERATOR VALUE
 *   FIELD       = process_id | pid | ppid | uid                                numbers
 *               | user | comm | exe | cmdline | cgroup | unit | container      texts
 *               | start_time                                                   a time
 *   OPERATOR    = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~"
 *   VALUE       = digits, for a number | 'text' | "text", for the others
 *
 * Between quotes there is nothing special, so a text holds ' or ", not both. Texts are compared byte by
 * byte. "~" is for texts: the whole text is like a pattern, in which * is any bytes, also none, and ? one
 * byte. A user is as reports show it: the number, where there is no name. A container is its id; =, != and
 * ~ also take the name that its engine gave it. A time is written as for --from (analyzer/when.h).
 *
 * What is compared is what the process is called at the time of a sample. A comparison with something that
 * is not known is false, whatever the operator: `not` of it is true.
 */
#ifndef ANALYZER_WHERE_H
#define ANALYZER_WHERE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/when.h"
#include "schema/error.h"
#include "schema/identity.h"
#include "schema/recording.h"

enum { WHERE_NODES_MAX = 256, WHERE_DEPTH_MAX = 64 /* of parentheses and nots */ };

enum where_field {
    WHERE_PROCESS_ID,
    WHERE_PID,
    WHERE_PPID,
    WHERE_UID,
    WHERE_START_TIME, /* what follows: texts */
    WHERE_USER,
    WHERE_COMM,
    WHERE_EXE,
    WHERE_CMDLINE,
    WHERE_CGROUP,
    WHERE_UNIT,
    WHERE_CONTAINER,
    WHERE_FIELD_COUNT,
};

enum where_relation {
    WHERE_EQUAL,
    WHERE_NOT_EQUAL,
    WHERE_LESS,
    WHERE_AT_MOST,
    WHERE_GREATER,
    WHERE_AT_LEAST,
    WHERE_LIKE,
};

enum where_kind { WHERE_COMPARE, WHERE_AND, WHERE_OR, WHERE_NOT };

struct where_node {
    uint8_t kind, field, relation;
    uint16_t left, right; /* nodes; of WHERE_NOT the left one */
    uint16_t position;    /* of a value in the text, from 1, for messages */
    struct text text;     /* in what was parsed */
    int64_t number, last; /* of a time: its first moment on the timeline, and its last */
};

/* Zero-initialised: none was given, all is asked for. */
struct where {
    struct where_node node[WHERE_NODES_MAX];
    size_t count;
    uint16_t root;
    bool given;
};

/*
 * Understand an expression; its texts point into `text`.
 *
 *   errors  INVALID, saying at which character, and what is expected there
 */
MUST_USE enum status where_parse(struct where *where, const char *text, struct error *err);

/* Work out its times: before the first match. errors INVALID, as when_parse */
MUST_USE enum status where_bind(struct where *where, const struct when_context *context,
                                struct when_warning *warning, struct error *err);

/* Is it about anything else than the fields in `fields`, one bit each? */
bool where_needs_more(const struct where *where, unsigned fields);

/* Is it true of a process, called as `version` says (NULL: it has none)? True if none was given. */
bool where_match(const struct where *where, const struct recording *recording,
                 const struct process *process, const struct version *version);

/* Is the text like the pattern? */
bool where_like(const struct text *pattern, const struct text *text);

#endif
