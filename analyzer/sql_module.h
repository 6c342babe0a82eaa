/*
 * The tables of sql_table.h in SQLite: the module "procscope", of which a virtual table is made by
 *
 *   CREATE VIRTUAL TABLE temp.NAME USING procscope('FILE', 'TABLE');
 *
 * and the function procscope_open('FILE' [, 'PREFIX']), which makes all of them and the views top,
 * busiest_minutes and lifetimes, and returns how many tables there are. Compiled twice: into the program,
 * and with PROCSCOPE_EXTENSION into a loadable extension, which calls the SQLite that loads it.
 */
#ifndef ANALYZER_SQL_MODULE_H
#define ANALYZER_SQL_MODULE_H

#ifdef PROCSCOPE_EXTENSION
#include <sqlite3ext.h>
#else
#include <sqlite3.h>
#endif

/* A SQLite result code. Recordings that are opened stay so until the connection is closed. */
int sql_module_register(sqlite3 *db);

#ifdef PROCSCOPE_EXTENSION
/* What SQLite looks for in a file called procscope.so. */
__attribute__((visibility("default"))) int sqlite3_procscope_init(sqlite3 *db, char **message,
                                                                  const sqlite3_api_routines *api);
#endif

#endif
