/*
 * What keeps a stranger's file from having a say in what SQLite does: how a connection is set before
 * the first read, what the file's own SQL may hold, and what may lie beside it.
 */
#ifndef SCHEMA_DATABASE_GUARD_H
#define SCHEMA_DATABASE_GUARD_H

#include "schema/database.h"

/* Right after opening, for a connection that writes: no views, triggers or other code of the file. */
void database_guard_writer(struct database *db);
/*
 * The same for one that reads, and every value, statement and SQLite's own memory bounded by
 * db->all_bytes: a statement that needs more steps ends as CORRUPT.
 */
void database_guard_reader(struct database *db);

/*
 * A recording is made of plain tables: names, types, PRIMARY KEY. Views, virtual tables, triggers,
 * indexes and expressions could run whatever they say.
 *
 *   errors  CORRUPT naming what does not belong there
 */
MUST_USE enum status database_check_schema(struct database *db, struct error *err);

/*
 * The recording and its -wal, -shm and -journal must be files: a pipe would be waited for, a link
 * followed. Sets db->file_bytes and all_bytes; db->path and db->real_path are set.
 *
 *   errors  ABSENT (there is no recording), INVALID (it, or what lies beside it, is no file), IO
 */
MUST_USE enum status database_check_files(struct database *db, struct error *err);

/*
 * Does any process use the -shm? If none does it may hold anything, as a file beside a stranger's
 * recording, or of a recorder that was killed: SQLite would truncate it and write it anew.
 */
bool database_shm_is_live(const struct database *db);

#endif
