/* What the files of salvaging share. */
#ifndef SCHEMA_SALVAGE_PRIVATE_H
#define SCHEMA_SALVAGE_PRIVATE_H

#include "schema/extract_private.h"
#include "schema/lifetime.h"
#include "schema/salvage.h"

/* Reference values that are gone: of a column, or (column UINT32_MAX) whom all of them are of. */
struct lost_reference {
    uint32_t table_id;
    int64_t block_seq;
    uint32_t column;
};

/* An id that samples name and no row tells of, with the first block that does. */
struct unknown_id {
    int64_t id, session_id, start_ns;
    enum entity_kind kind;
};
struct unknown_ids {
    struct unknown_id *list;
    size_t count, size;
};

struct salvage {
    struct extract e;
    struct recording_damage damage;
    salvage_report *report;
    void *context;
    struct salvage_result *result;
    const struct recording_block *block;  /* in work */
    struct lifetime_who who;              /* its lifetimes; process NULL: none */
    uint8_t lost_life[TABLE_METRICS_MAX]; /* metrics that they no longer tell of */
    struct recording_block *hurt;         /* of rollups, as they are numbered in the new file */
    size_t hurt_count;
    struct lost_reference *lost;
    size_t lost_count, lost_size;
    int64_t *settled_seq;       /* [table] up to which block reference values are in the file */
    uint64_t settled_count;     /* chunks of that block */
    struct unknown_ids unknown; /* processes and entities */
    const char *path;           /* of what is damaged */
    int64_t block_id;           /* the last that was given */
    struct byte_writer base, groups, made;
};

/* Tell of something in the block that is in work (or in none), and count it. */
void salvage_tell(struct salvage *s, const char *table, const char *what, const char *why);

/* " of process 5-60 62", of the series of a table that are marked; "" if all are. */
void salvage_describe(const struct recording_table *table, const struct block_table *directory,
                      const uint8_t lost[], char *text, size_t size);

/* Use these bytes for a chunk from now on. */
enum status salvage_replace(struct salvage *s, const struct chunk_place *place,
                            const struct byte_writer *chunk, struct error *err);
/* No longer use those of blocks, but for reference values. */
void salvage_forget(struct salvage *s);

/* --- salvage_chunk.c: chunks made anew into s->made --- */

/* A base frame in s->base and no groups, or those in s->groups. */
enum status salvage_make(struct salvage *s, const struct chunk_place *place,
                         const size_t group_sizes[], size_t group_count, struct error *err);
/* A column of which the samples of some series are missing, and nothing else is known. */
enum status salvage_make_missing(struct salvage *s, const struct chunk_place *place, size_t series,
                                 const uint8_t lost[], struct error *err);
/*
 * A column that can be read but for some series: those are missing, and groups of them alone have no
 * frame. lost[series]; drop[group]: its frame cannot be read.
 */
enum status salvage_make_less(struct salvage *s, const struct chunk_place *place, size_t series,
                              const uint8_t lost[], const uint8_t drop[], struct error *err);
/* The same chunk as that of another block: at levels 60 and 3600 nothing in it refers to others. */
enum status salvage_renumber(struct salvage *s, const struct chunk_place *from,
                             const struct chunk_place *to, const uint8_t *data, size_t size,
                             struct error *err);
/* How a directory is to be changed. */
struct salvage_change {
    const struct block_table *table; /* as far as it is known */
    unsigned metrics;                /* that it was stored with */
    bool unrefer;                    /* no series refers to reference values */
    const uint8_t *idle;             /* [group] nothing changed in it; NULL: in none */
    const uint8_t *state;            /* [column] of the shape; NULL: as they are */
};
enum status salvage_make_directory(struct salvage *s, const struct chunk_place *place,
                                   const struct salvage_change *change, struct error *err);

/* --- salvage_reference.c --- */

/* Reference values of a block into the file, once. *count: how many chunks it has of them */
enum status salvage_references(struct salvage *s, const struct recording_table *table,
                               int64_t block_seq, sqlite3_stmt *stmt, uint64_t *count,
                               struct error *err);
bool salvage_reference_lost(const struct salvage *s, uint32_t table_id, int64_t block_seq,
                            uint32_t column);

/* --- salvage_table.c --- */

/* A table of the block in work, as block `as`. *count: chunks that it has now */
enum status salvage_table(struct salvage *s, const struct recording_table *table,
                          const struct block_ticks *ticks, int64_t as, uint64_t *count,
                          struct error *err);

/* --- salvage_lives.c --- */

/* The lifetimes of the block in work. */
enum status salvage_lives(struct salvage *s, const struct block_ticks *ticks, uint64_t *lifetimes,
                          uint64_t *count, struct error *err);
/* Those of s->who whose id it is, or NULL. */
const struct process *salvage_life(const struct salvage *s, int64_t process_id);

/* --- salvage_usage.c: of runs of blocks, or of hours --- */
enum status salvage_usages(struct salvage *s, bool runs, struct error *err);

/* --- salvage_events.c --- */
enum status salvage_events(struct salvage *s, struct error *err);

/* --- salvage_rows.c --- */

enum status salvage_rows(struct salvage *s, struct error *err);
/* Names of entities and processes that no row tells of. */
enum status salvage_name_keys(struct salvage *s, const struct recording_table *table,
                              const struct block_table *directory, struct error *err);
/* A block row: its number in its level, and what it has now. */
enum status salvage_block_row(struct salvage *s, int64_t as, const struct byte_writer *contents,
                              struct error *err);

#endif
