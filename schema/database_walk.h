/*
 * Every row of a table of a damaged file that can still be found: around pages that cannot be read, by
 * asking for the rows on their other side, and row by row.
 */
#ifndef SCHEMA_DATABASE_WALK_H
#define SCHEMA_DATABASE_WALK_H

#include "schema/database.h"

/* Ids, ascending. */
struct database_ids {
    int64_t *id;
    size_t count, size;
    bool broken; /* some page could not be read: there may be more */
};

/*
 * The rowids of a table.
 *
 *   errors  NO_MEMORY, IO; damage is no error, but may leave ids out
 *   owns    free(ids->id), also after an error
 */
MUST_USE enum status database_walk_ids(struct database *db, const char *table,
                                       struct database_ids *ids, struct error *err);

/* Takes a row of database_select(), whose checksum is right. CORRUPT: it is of no use. */
typedef enum status database_take(void *context, sqlite3_stmt *row, struct error *err);
/* Told of a row that is there and cannot be used, with the reason. */
typedef void database_gone(void *context, enum checked_table table, int64_t id, const char *why);

/*
 * Those rows of a checked table that can be read and have the right checksum, by ascending id.
 *
 *   errors  NO_MEMORY, IO, and what `take` returns but CORRUPT
 *   owns    kept: ids of the rows that were taken; free(kept->id), also after an error
 */
MUST_USE enum status database_walk(struct database *db, enum checked_table table,
                                   database_take *take, database_gone *gone, void *context,
                                   struct database_ids *kept, struct error *err);

#endif
