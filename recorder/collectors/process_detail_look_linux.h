/* What the look keeps from run to run: private to process_detail_look_linux.c and _rows_linux.c. */
#ifndef RECORDER_PROCESS_DETAIL_LOOK_LINUX_H
#define RECORDER_PROCESS_DETAIL_LOOK_LINUX_H

#include "recorder/collectors/process_detail_linux.h"

/* A socket that a process had when its descriptors were last read. */
struct detail_link {
    uint32_t inode;
    bool met; /* a dump had it: once no dump has it, it is closed */
};

/* A process, by its slot. */
struct detail_known {
    struct detail_identity identity; /* pid 0: nobody */
    uint32_t run;                    /* the last that it was there */
    uint32_t counted, scanned; /* the last runs that counted and read its descriptors; 0: none */
    int64_t fds;               /* as counted, or -errno */
    int64_t scanned_fds;       /* as read, or -errno */
    bool foreign;              /* it is in another network namespace */
    bool has_row;              /* of the latest look */
    struct detail_link *links;
    uint32_t link_count, link_size;
};

/* What CPU time is spent on, each on a budget of its own: none can starve the others. */
enum detail_budget {
    BUDGET_DUMP,
    BUDGET_COUNT, /* of descriptors */
    BUDGET_FEW,   /* reading the descriptors of processes with up to DETAIL_FEW_FDS */
    BUDGET_MANY,  /* and of those with more */
    BUDGET_KINDS,
};

struct detail_look {
    int proc_fd;
    bool fds_are_sized;
    int32_t own_pid;  /* not scanned: it has three descriptors for each other process */
    uint64_t network; /* our namespace; 0: not known */
    uint32_t run;

    struct detail_list list;
    struct detail_known *known; /* by slot */
    size_t known_size;

    struct sock_diag diag;
    struct error refusal; /* why there is none */
    struct socket_table sockets;
    enum missing absent[SOCKET_DUMP_COUNT]; /* why a kind could not be listed */
    bool dumped;
    size_t unsettled; /* sockets whose owner is looked for */

    int64_t credit_ns,
        lent_ns; /* for BUDGET_FEW, once: what is left of it, and of that for this run */
    int64_t left_ns[BUDGET_KINDS];              /* below 0: overdrawn */
    uint32_t count_next, other_next, pass_next; /* slots */
    uint32_t scan_next[BUDGET_KINDS];
    size_t pass_left;   /* processes until all were read for the sake of sockets... */
    uint32_t pass_dump; /* ...that this dump or an earlier one had */

    struct detail_row *rows;
    size_t row_count;
    struct detail_pick *picks;
    size_t pick_size;
};

/* Choose the processes that have a row and fill the rows in; false: no memory. */
bool detail_look_put_rows(struct detail_look *look);

#endif
