/* The whole recording as one line: how busy the cores were, column by column. */
#ifndef ANALYZER_REPLAY_STRIP_H
#define ANALYZER_REPLAY_STRIP_H

#include "analyzer/options.h"

enum { REPLAY_STRIP_MAX = 1000 };

struct replay_strip {
    size_t columns;
    int64_t from_ns, to_ns;        /* column i is the i-th of `columns` equal parts */
    double busy[REPLAY_STRIP_MAX]; /* cores, on average */
    bool known[REPLAY_STRIP_MAX];  /* some tick lies in it */
    double most;                   /* the largest of them */
};

/* Read the recording, the part that subject->window leaves, as that many columns. */
MUST_USE enum status replay_strip_read(struct replay_strip *strip, const struct subject *subject,
                                       size_t columns, struct error *err);

/* The column that a time lies in, and the time that a column ends with. */
size_t replay_strip_column(const struct replay_strip *strip, int64_t time_ns);
int64_t replay_strip_ns(const struct replay_strip *strip, size_t column);

/* Bars of eight heights, of `most`; as ASCII without UTF-8. Returns the end; 4 bytes a column. */
char *replay_strip_put(char *out, const struct replay_strip *strip, bool utf8);

#endif
