/* Chunks out of the database: the chunk_source of recordings and of recovery. */
#ifndef SCHEMA_CHUNK_STORE_H
#define SCHEMA_CHUNK_STORE_H

#include "schema/block.h"
#include "schema/database.h"
#include "schema/identity.h"

struct chunk_store {
    struct database *db;
    /* The samples table of that id, NULL if the file has none. */
    const char *(*table_name)(void *context, uint32_t table_id);
    void *context;
    struct chunk_statement {
        unsigned level;
        uint32_t table_id;
        sqlite3_stmt *get;
        sqlite3_blob *row; /* chunk_part.c: the chunk that was read last; NULL: none is open */
    } * statements;
    size_t statement_count;
    struct byte_writer part; /* what was read of one, where it is in there */
};

/* The table that holds a chunk; `table` is the name of the samples table. */
const char *chunk_store_table(const struct chunk_place *place, const char *table, char *name,
                              size_t size);

/*
 * A chunk without a statement: chunk_part.c. Where the place asks for some groups, only these with header and
 * base frame: SQLite reads page by page, and of a large chunk these are few.
 *
 *   errors  ABSENT: read it by the statement, that tells what is wrong; NO_MEMORY
 */
MUST_USE enum status chunk_part_get(struct chunk_store *store, struct chunk_statement *statement,
                                    const struct chunk_place *place, const uint8_t **data,
                                    size_t *size, struct error *err);
/* A chunk_source; context is the store. The bytes last until the next call. */
enum status chunk_store_get(void *context, const struct chunk_place *place, const uint8_t **data,
                            size_t *size, struct error *err);
/* End the read transactions that its statements hold open: before a long pause. */
void chunk_store_reset(struct chunk_store *store);
void chunk_store_release(struct chunk_store *store);

#endif
