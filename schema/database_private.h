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

/* Open a file that is read ahead (database_ahead.c), with so many bytes for it. */
int database_ahead_open(sqlite3_vfs *real, const char *name, sqlite3_file *file, int flags,
                        int *out);
int database_ahead_bytes(const sqlite3_vfs *real);

#endif
