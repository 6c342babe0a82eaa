/*
 * Which slot a pid has, and which slots are free.
 *
 * A slot is the small number by which a tick names a process (schema/tick.h). The smallest free one
 * is given out, so that slots stay dense; one given back is free only from the next tick on.
 */
#ifndef RECORDER_PROCESS_TABLE_H
#define RECORDER_PROCESS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOT_NONE UINT32_MAX

/* Zero-initialised is empty. */
struct process_table {
    struct table_cell {
        int32_t pid; /* 0: empty cell */
        uint32_t slot;
    } * cells;
    size_t cell_count; /* a power of two, at least twice `used` */
    size_t used;

    uint64_t *taken; /* a bit per slot */
    size_t taken_words;
    size_t first_free_word; /* no word before it has a free slot */
    uint32_t slot_end;      /* every slot ever given out is below */

    uint32_t *returned; /* free from the next tick on */
    size_t returned_count, returned_size;
};

void process_table_release(struct process_table *table);

/* The slot of a pid, SLOT_NONE if it has none. */
uint32_t process_table_find(const struct process_table *table, int32_t pid);

/*
 * Give a pid the smallest free slot; an older slot of that pid is no longer found. SLOT_NONE:
 * memory is out.
 */
uint32_t process_table_add(struct process_table *table, int32_t pid);

/* Make the pid, which has an entry, lead to `slot` again. */
void process_table_lead(struct process_table *table, int32_t pid, uint32_t slot);

/*
 * Take the slot back, and the pid's entry if it still leads to that slot. False: memory is out,
 * the slot stays taken.
 */
bool process_table_remove(struct process_table *table, int32_t pid, uint32_t slot);

/* Forget all pids and slots; the memory is kept. */
void process_table_clear(struct process_table *table);

/* A new tick begins: slots given back may be used again. */
void process_table_tick(struct process_table *table);

#endif
