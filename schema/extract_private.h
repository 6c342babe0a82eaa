/* What the files of an extraction share. */
#ifndef SCHEMA_EXTRACT_PRIVATE_H
#define SCHEMA_EXTRACT_PRIVATE_H

#include "schema/extract.h"
#include "schema/recording_private.h"

/* Ids that the kept blocks name. */
struct extract_ids {
    int64_t *id;
    size_t count, size;
};

struct extract {
    struct recording *rec;
    struct database out;
    const struct extract_redactor *redactor;
    size_t first, end;      /* blocks of level 0 */
    int64_t from_ns, to_ns; /* what they cover */
    struct extract_ids processes, entities;
    struct compressor compressor;
    struct byte_writer text, scratch, frame, chunk;
    size_t redacted_count;
    size_t told;            /* blocks of tables, for recording_watch */
    const char *end_reason; /* of a session that has none */
};

/* The blocks to take: extract_choose.c. errors ABSENT, CORRUPT, NO_MEMORY */
enum status extract_choose(struct extract *e, int64_t from_ns, int64_t to_ns, struct error *err);

/* Their chunks, and whom they name: extract_chunks.c */
enum status extract_chunks(struct extract *e, struct error *err);

/* Rows, those of the kept blocks included: extract_rows.c */
enum status extract_rows(struct extract *e, struct error *err);

/* Metrics that the file does not know, if the tail's block is among them: extract_catalog.c */
enum status extract_catalog(struct extract *e, struct error *err);

/* Is the id among them, which are sorted? */
bool extract_has(const struct extract_ids *ids, int64_t id);

/* What salvage.c shares. Make the file, and begin the one transaction that writes it: extract.c */
enum status extract_begin(struct extract *e, const char *path, struct error *err);
void extract_release(struct extract *e);
/* Chunks: extract_chunks.c */
enum status extract_make_tables(struct extract *e, const struct recording_table *table,
                                struct error *err);
enum status extract_prepare_put(struct extract *e, const char *table, sqlite3_stmt **put,
                                struct error *err);
enum status extract_put_chunk(struct extract *e, sqlite3_stmt *put, const struct chunk_place *place,
                              const uint8_t *data, size_t size, struct error *err);
enum status extract_add_id(struct extract_ids *ids, int64_t id, struct error *err);
void extract_settle(struct extract_ids *ids);
/* Bind a row of a checked table as it goes into the file; then database_insert: extract_rows.c */
enum status extract_bind_row(struct extract *e, enum checked_table table, sqlite3_stmt *row,
                             sqlite3_stmt **bound, struct error *err);
/* Rows of the catalog from this program's: extract_catalog.c */
enum status extract_put_metric(struct extract *e, int64_t id, uint32_t table_id, size_t position,
                               struct error *err);
enum status extract_put_columns(struct extract *e, int64_t *id, uint32_t table_id, size_t position,
                                enum metric_kind kind, struct error *err);

#endif
