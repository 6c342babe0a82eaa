/*
 * How far back every tick is kept, watched while a recording with limits is written: read from the
 * file itself, beside the writer, as anyone would.
 */
#ifndef TOOLS_GENERATE_REACH_H
#define TOOLS_GENERATE_REACH_H

#include <sqlite3.h>
#include <stdint.h>

#include "schema/error.h"

/* Zero-initialised is closed. */
struct reach {
    sqlite3 *handle;
    sqlite3_stmt *changed, *oldest;
    int64_t version;  /* of what was looked at last */
    int64_t first_ns; /* start of the first block there ever was; 0: none yet */
    int64_t least_ns; /* from the oldest tick kept to now, when it was shortest; 0: nothing went */
};

/* After a tick at now_ns; opens the recording when it is not open. */
MUST_USE enum status reach_look(struct reach *reach, const char *path, int64_t now_ns,
                                struct error *err);
/* Before the writer closes the recording, which it does alone; what was seen stays. */
void reach_close(struct reach *reach);

#endif
