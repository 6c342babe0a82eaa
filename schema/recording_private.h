/* The recording's state, shared by its files. */
#ifndef SCHEMA_RECORDING_PRIVATE_H
#define SCHEMA_RECORDING_PRIVATE_H

#include "schema/chunk_store.h"
#include "schema/database.h"
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
};

struct recording {
    struct recording_contents contents;
    struct database db;
    struct chunk_store store;
    struct decompressor d;
    struct reference_keys reference_keys; /* of the table that was opened last */
    struct block_row *rows[LEVEL_COUNT];  /* parallel to contents.blocks */
    void **owned;                         /* texts and the like, freed at close */
    size_t owned_count, owned_size;
    bool no_memory;           /* a text could not be copied */
    recording_progress *tell; /* NULL: nobody asked */

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
