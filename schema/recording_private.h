/* The recording's state, shared by its files. */
#ifndef SCHEMA_RECORDING_PRIVATE_H
#define SCHEMA_RECORDING_PRIVATE_H

#include "schema/chunk_store.h"
#include "schema/database.h"
#include "schema/database_walk.h"
#include "schema/open_block.h"
#include "schema/recording.h"

struct memory_chunk {
    struct chunk_place place;
    uint8_t *data;
    size_t size;
};

/* What a block row says of the block, beyond recording_block. */
struct block_row {
    uint8_t *ticks;
    size_t ticks_size;
    uint8_t *contents;
    size_t contents_size;
    bool lost; /* of a damaged recording: a block whose row is gone, with one tick and no samples */
};

/* How a damaged recording is read: recording_damaged.c. */
struct recording_damage {
    void (*row_gone)(void *context, enum checked_table table, int64_t id, const char *why);
    void (*part_gone)(void *context, const char *part, const char *what);
    void *context;
    struct database_ids kept[CHECKED_COUNT]; /* rows that are used */
    size_t tables_kept;         /* of contents.tables: those behind them are this program's */
    int64_t *version_id;        /* [versions kept] the id that each is to have */
    struct memory_chunk *chunk; /* instead of those that are stored */
    size_t chunk_count, chunk_size;
    size_t block_room; /* of level 0 */
    bool tables_lost, metrics_lost;
    int64_t tail_lost_ns; /* the last tick that is left, if some of the tail is not; else NO_TIME */
    size_t tail_records_lost;
    int64_t rows_vanished; /* that are not even there */
};

struct recording {
    struct recording_contents contents;
    struct many *many;                      /* recording_many.h; NULL: it is one file */
    int64_t process_offset, session_offset; /* added to ids of processes: it is a part */
    struct database db;
    struct chunk_store store;
    struct decompressor d;
    struct reference_keys reference_keys; /* of the table that was opened last */
    struct block_row *rows[LEVEL_COUNT];  /* parallel to contents.blocks */
    void **owned;                         /* texts and the like, freed at close */
    size_t owned_count, owned_size;
    bool no_memory;                  /* a text could not be copied */
    recording_progress *tell;        /* NULL: nobody asked */
    struct recording_damage *damage; /* NULL: whatever is damaged is an error */

    struct memory_chunk *tail_chunks; /* the unsealed block, encoded here */
    size_t tail_chunk_count, tail_chunk_size;
    struct open_block tail;
    bool has_tail;

    struct lifetimes **lifetimes; /* parallel to blocks[0], loaded when asked for */
    struct lifetimes *with_cells; /* the only one of them that has its metrics: they are large */
    struct process *process;      /* rows, by process_id; loaded when asked for */
    struct version *version;
    size_t process_count;
    bool processes_loaded;
    struct error processes_error; /* what became of it: told again to whoever asks again */
    struct user_name {            /* users that process rows name, by uid */
        uint32_t uid;
        struct text name;
    } * users;
    size_t user_count;
    const struct recording_entity **containers; /* by key, those of one key by age */
    size_t container_count;
};

/* Keep an allocation until close; returns it, or NULL (freeing it) when memory is out. */
void *recording_own(struct recording *rec, void *memory);

/* Takes one row into the element that was added for it. */
typedef enum status recording_take(struct recording *rec, sqlite3_stmt *stmt, void *element,
                                   struct error *err);

struct metric_row {
    uint32_t table_id;
    int64_t position;
    struct recording_metric metric;
};

struct any_block {
    struct recording_block block;
    int64_t session_id;
    struct block_row row;
};

/*
 * Open what can be read of a damaged recording; the rest is told to `damage`, which must outlive it.
 * It is held in one transaction until it is closed.
 *
 *   errors  as recording_open; CORRUPT if nothing of it can be read
 */
enum status recording_open_damaged(struct recording **recording, const char *path,
                                   struct recording_damage *damage, struct error *err);
/* recording_damaged.c: the rows of a table that can be used. shape: (*array)[*count], each `width` bytes */
enum status recording_read_damaged(struct recording *rec, enum checked_table table, size_t width,
                                   void **array, size_t *count, recording_take *take,
                                   struct error *err);
/* What the catalog has lost, from this program's, if it is the same but for that. */
enum status recording_mend_catalog(struct recording *rec, struct metric_row **metrics,
                                   size_t *metric_count, struct error *err);
/* Blocks into their levels; at level 0 one that stands for each that is lost. */
enum status recording_mend_blocks(struct recording *rec, struct any_block *all, size_t count,
                                  struct error *err);
/* Before a block of level 0 is added: stand-ins for those between the last and it. errors CORRUPT */
enum status recording_fill_blocks(struct recording *rec, const struct recording_block *next,
                                  struct error *err);
/* Room for the tail's block, which was read: the session it is of, and stand-ins before it. */
enum status recording_expect_tail(struct recording *rec, struct error *err);
/* recording_damaged_process.c */
enum status recording_mend_processes(struct recording *rec, struct error *err);
enum status recording_take_process(struct recording *rec, sqlite3_stmt *stmt, void *element,
                                   struct error *err);
enum status recording_take_version(struct recording *rec, sqlite3_stmt *stmt, void *element,
                                   struct error *err);

/* recording.c and recording_rows.c */
enum status recording_load_rows(struct recording *rec, struct error *err);
/* recording_tail.c: the unsealed block, if any, as a block like others */
enum status recording_load_tail(struct recording *rec, struct error *err);
/* recording_container.c */
enum status recording_sort_containers(struct recording *rec, struct error *err);
/* The rows that only verify looks at. */
enum status recording_check_columns(struct recording *rec, struct error *err);
enum status recording_load_processes(struct recording *rec, struct error *err);

/* A chunk_source over sealed blocks and the tail; context is the recording. */
enum status recording_chunk(void *context, const struct chunk_place *place, const uint8_t **data,
                            size_t *size, struct error *err);

/* How many chunks a block's row says it has of a table (LIFETIME_TABLE too). */
uint64_t recording_chunk_count(const struct recording *rec, const struct recording_block *block,
                               uint32_t table_id, uint64_t *lifetimes);

/*
 * Before a row of a checked table is taken: rows come by ascending id, and there are no more than
 * table_check says or the file has room for. `previous`: id of the row before, INT64_MIN at first.
 *
 *   errors  CORRUPT
 */
enum status recording_next_row(const struct recording *rec, enum checked_table table, int64_t rows,
                               int64_t *previous, int64_t id, struct error *err);

/* Compare what was read of a checked table with its table_check row. */
enum status recording_check_table(const struct recording *rec, enum checked_table table,
                                  int64_t rows, int64_t sum, struct error *err);

#endif
