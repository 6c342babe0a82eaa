/* An open-addressing map with linear probing from pid to slot, and a bitmap of slots. */
#include "recorder/collectors/process_table.h"

#include <stdlib.h>
#include <string.h>

void process_table_release(struct process_table *table)
{
    free(table->cells);
    free(table->taken);
    free(table->returned);
    *table = (struct process_table){ 0 };
}

static size_t home(const struct process_table *table, int32_t pid)
{
    return ((uint32_t)pid * UINT32_C(2654435769) >> 7) & (table->cell_count - 1);
}

/* The pid's cell, or the empty one where it belongs. */
static size_t probe(const struct process_table *table, int32_t pid)
{
    size_t at = home(table, pid);

    while (table->cells[at].pid != 0 && table->cells[at].pid != pid)
        at = (at + 1) & (table->cell_count - 1);
    return at;
}

uint32_t process_table_find(const struct process_table *table, int32_t pid)
{
    if (table->cell_count == 0)
        return SLOT_NONE;
    size_t at = probe(table, pid);
    return table->cells[at].pid == pid ? table->cells[at].slot : SLOT_NONE;
}

static bool reserve_cell(struct process_table *table)
{
    struct process_table larger = *table;

    if (table->used + 1 <= table->cell_count / 2)
        return true;
    larger.cell_count = table->cell_count == 0 ? 512 : table->cell_count * 2;
    larger.cells = calloc(larger.cell_count, sizeof *larger.cells);
    if (larger.cells == NULL)
        return false;
    for (size_t i = 0; i < table->cell_count; i++) {
        if (table->cells[i].pid != 0)
            larger.cells[probe(&larger, table->cells[i].pid)] = table->cells[i];
    }
    free(table->cells);
    *table = larger;
    return true;
}

static bool reserve_slot(struct process_table *table)
{
    size_t words = table->taken_words;

    while (table->first_free_word < words && table->taken[table->first_free_word] == UINT64_MAX)
        table->first_free_word++;
    if (table->first_free_word < words)
        return true;
    words = words == 0 ? 16 : words + words / 2;
    uint64_t *taken = realloc(table->taken, words * sizeof *taken);
    if (taken == NULL)
        return false;
    memset(taken + table->taken_words, 0, (words - table->taken_words) * sizeof *taken);
    table->taken = taken;
    table->taken_words = words;
    return true;
}

uint32_t process_table_add(struct process_table *table, int32_t pid)
{
    if (!reserve_cell(table) || !reserve_slot(table))
        return SLOT_NONE;
    uint64_t *word = &table->taken[table->first_free_word];
    unsigned bit = (unsigned)__builtin_ctzll(~*word);
    uint32_t slot = (uint32_t)(table->first_free_word * 64 + bit);
    size_t at = probe(table, pid);

    *word |= UINT64_C(1) << bit;
    if (slot >= table->slot_end)
        table->slot_end = slot + 1;
    table->used += table->cells[at].pid == 0;
    table->cells[at] = (struct table_cell){ pid, slot };
    return slot;
}

void process_table_lead(struct process_table *table, int32_t pid, uint32_t slot)
{
    table->cells[probe(table, pid)].slot = slot;
}

/* Close the hole by moving back each following cell that is not between its home and the hole. */
static void empty_cell(struct process_table *table, size_t hole)
{
    size_t mask = table->cell_count - 1;

    for (size_t at = (hole + 1) & mask; table->cells[at].pid != 0; at = (at + 1) & mask) {
        size_t wanted = home(table, table->cells[at].pid);

        if (((at - wanted) & mask) >= ((at - hole) & mask)) {
            table->cells[hole] = table->cells[at];
            hole = at;
        }
    }
    table->cells[hole].pid = 0;
    table->used--;
}

bool process_table_remove(struct process_table *table, int32_t pid, uint32_t slot)
{
    size_t at = probe(table, pid);

    if (table->cells[at].pid == pid && table->cells[at].slot == slot)
        empty_cell(table, at);
    if (table->returned_count == table->returned_size) {
        size_t size = table->returned_size == 0 ? 256 : table->returned_size * 2;
        uint32_t *returned = realloc(table->returned, size * sizeof *returned);

        if (returned == NULL)
            return false;
        table->returned = returned;
        table->returned_size = size;
    }
    table->returned[table->returned_count++] = slot;
    return true;
}

void process_table_clear(struct process_table *table)
{
    if (table->cell_count > 0)
        memset(table->cells, 0, table->cell_count * sizeof *table->cells);
    if (table->taken_words > 0)
        memset(table->taken, 0, table->taken_words * sizeof *table->taken);
    table->used = table->returned_count = table->first_free_word = 0;
    table->slot_end = 0;
}

void process_table_tick(struct process_table *table)
{
    for (size_t i = 0; i < table->returned_count; i++) {
        size_t word = table->returned[i] / 64;

        table->taken[word] &= ~(UINT64_C(1) << table->returned[i] % 64);
        if (word < table->first_free_word)
            table->first_free_word = word;
    }
    table->returned_count = 0;
    while (table->slot_end > 0) {
        uint32_t last = table->slot_end - 1;

        if (table->taken[last / 64] >> last % 64 & 1)
            break;
        table->slot_end = table->taken[last / 64] == 0 ? last / 64 * 64 : last;
    }
}
