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
    size_t told; /* blocks of tables, for recording_watch */
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

#endif
