/* Shared by the writing and the reading half of database. */
#ifndef SCHEMA_DATABASE_PRIVATE_H
#define SCHEMA_DATABASE_PRIVATE_H

#include "schema/database.h"

/* Make row_crc() known to SQL. */
enum status database_functions(struct database *db, struct error *err);
/* Is this a recording of a version that we know, or an empty file? */
enum status database_check_version(struct database *db, bool *empty, struct error *err);

/*
 * The name of a VFS that opens nothing for writing (database_vfs.c), for sqlite3_open_v2; NULL if it
 * could not be registered. Without locks a WAL's index can be kept in memory.
 */
const char *database_reading_vfs(bool locks);

#endif
