/*
 * Recordings of one host that follow each other, read as one. What it holds is its parts' in order of
 * time, with ids that are moved so that none comes twice; a process that goes on from one part to the
 * next, and an entity of the same kind and key, keeps the id that it had first.
 */
#ifndef SCHEMA_RECORDING_MANY_H
#define SCHEMA_RECORDING_MANY_H

#include "schema/recording_private.h"

/* One id of a part that means another one. */
struct many_alias {
    int64_t from, to;
};

struct many_part {
    struct recording *recording;
    size_t first_block[LEVEL_COUNT]; /* its first among all */
    struct many_alias *alias;        /* [alias_count] processes, ascending from */
    size_t alias_count;
    int64_t *entity; /* [its entities] their ids among all */
    int64_t next_process;
    struct lifetimes *view[2]; /* of its first and its last block, where ids are others' */
};

struct many {
    struct many_part *part; /* [count] */
    size_t count;
    struct process *merged; /* [merged_count] that are of several parts, by ascending process_id */
    size_t merged_count;
};

/* Whose the block is, and the block as that part has it. A recording of one file is its own. */
struct many_part *many_part_of(const struct recording *rec, const struct recording_block **block);
static inline struct recording *many_reader(const struct recording *rec,
                                            const struct recording_block **block)
{
    return rec->many == NULL ? (struct recording *)rec : many_part_of(rec, block)->recording;
}

/* recording_many_process.c: which processes go on from the part before. */
MUST_USE enum status many_link(struct recording *rec, size_t number, struct error *err);
const struct process *many_merged(const struct recording *rec, int64_t process_id);
int64_t many_process(const struct many_part *part, int64_t process_id);
/* Keys of a directory that the part has opened, as they are among all. */
void many_translate(const struct many_part *part, const struct recording_table *table,
                    struct block_table *directory);
MUST_USE enum status many_lifetimes(struct recording *rec, const struct recording_block *block,
                                    const struct lifetimes **lifetimes, struct error *err);
MUST_USE enum status many_processes(struct recording *rec, process_visit *visit, void *context,
                                    struct error *err);
void many_close(struct recording *rec);

#endif
