/* Open addressing; each dump fills the other of two tables. */
#include "recorder/collectors/socket_table.h"

#include <stdlib.h>
#include <string.h>

enum { CELLS_MIN = 256 };

static size_t place(uint32_t inode, size_t count)
{
    return (size_t)((uint64_t)inode * 0x9e3779b97f4a7c15u >> 32) & (count - 1);
}

static struct socket_entry *find(struct socket_entry *cell, size_t count, uint32_t inode)
{
    size_t at = place(inode, count);

    while (cell[at].inode != 0 && cell[at].inode != inode)
        at = (at + 1) & (count - 1);
    return &cell[at];
}

void socket_table_release(struct socket_table *table)
{
    free(table->cell);
    free(table->before);
    *table = (struct socket_table){ 0 };
}

void socket_table_begin(struct socket_table *table)
{
    struct socket_entry *cell = table->before;
    size_t count = table->before_count;

    table->before = table->cell;
    table->before_count = table->cell_count;
    table->before_used = table->used;
    table->cell = cell;
    table->cell_count = count;
    table->used = 0;
    table->overflown = false;
    table->dump++;
    if (cell != NULL)
        memset(cell, 0, count * sizeof *cell);
}

static bool grow(struct socket_table *table)
{
    size_t count = table->cell_count == 0 ? CELLS_MIN : table->cell_count * 2;
    struct socket_entry *cell = calloc(count, sizeof *cell);

    if (cell == NULL)
        return false;
    for (size_t i = 0; i < table->cell_count; i++)
        if (table->cell[i].inode != 0)
            *find(cell, count, table->cell[i].inode) = table->cell[i];
    free(table->cell);
    table->cell = cell;
    table->cell_count = count;
    return true;
}

void socket_table_put(struct socket_table *table, const struct socket_entry *socket)
{
    const struct socket_entry *known = NULL;
    struct socket_entry *to;

    if (socket->inode == 0)
        return;
    if (table->used >= SOCKETS_MAX || ((table->used + 1) * 2 > table->cell_count && !grow(table))) {
        table->overflown = true;
        return;
    }
    to = find(table->cell, table->cell_count, socket->inode);
    table->used += to->inode == 0;
    *to = *socket;
    to->settled = false;
    to->since = table->dump;
    if (table->before != NULL)
        known = find(table->before, table->before_count, socket->inode);
    if (known == NULL || known->inode == 0)
        return;
    to->settled = known->settled;
    to->since = known->since;
}

void socket_table_keep(struct socket_table *table, uint8_t kind)
{
    for (size_t i = 0; i < table->before_count; i++)
        if (table->before[i].inode != 0 && table->before[i].kind == kind)
            socket_table_put(table, &table->before[i]);
}

/* A table that was far too large for what it holds is given back. */
void socket_table_end(struct socket_table *table)
{
    size_t most = table->used > table->before_used ? table->used : table->before_used;

    if (table->before_count > CELLS_MIN && table->before_count > most * 16) {
        free(table->before);
        table->before = NULL;
        table->before_count = 0;
    }
}

struct socket_entry *socket_table_find(const struct socket_table *table, uint32_t inode)
{
    struct socket_entry *found;

    if (table->cell_count == 0 || inode == 0)
        return NULL;
    found = find(table->cell, table->cell_count, inode);
    return found->inode == 0 ? NULL : found;
}
