/* The sockets of the latest dump by inode, and what is known of each since an earlier one. */
#ifndef RECORDER_SOCKET_TABLE_H
#define RECORDER_SOCKET_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct socket_entry {
    uint32_t inode; /* 0: the cell is free */
    uint8_t kind, state;
    bool settled;   /* whose it is is known, or that nobody's it is that can be seen */
    uint32_t since; /* the dump that first had it */
    uint32_t receive_bytes, send_bytes;
};

/* Zeroed is empty. */
struct socket_table {
    struct socket_entry *cell, *before; /* the latest dump, and the one before while it is filled */
    size_t cell_count, before_count;    /* powers of two */
    size_t used, before_used;
    uint32_t dump;
    bool overflown; /* there were more than SOCKETS_MAX, or no memory */
};

enum { SOCKETS_MAX = 1 << 18 };

void socket_table_release(struct socket_table *table);

/* A new dump begins: put follows for each of its sockets, then end. */
void socket_table_begin(struct socket_table *table);
/* `socket` without settled and since: these are carried over. */
void socket_table_put(struct socket_table *table, const struct socket_entry *socket);
/* What a dump could not tell of stays as the one before had it. */
void socket_table_keep(struct socket_table *table, uint8_t kind);
void socket_table_end(struct socket_table *table);

/* NULL: not in the latest dump. */
struct socket_entry *socket_table_find(const struct socket_table *table, uint32_t inode);

#endif
