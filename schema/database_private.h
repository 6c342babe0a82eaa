/* Shared by the writing and the reading half of database. */
#ifndef SCHEMA_DATABASE_PRIVATE_H
#define SCHEMA_DATABASE_PRIVATE_H

#include "schema/database.h"

/* Make row_crc() known to SQL. */
enum status database_functions(struct database *db, struct error *err);
/* Is this a recording of a version that we know, or an empty file? */
enum status database_check_version(struct database *db, bool *empty, struct error *err);

#endif
