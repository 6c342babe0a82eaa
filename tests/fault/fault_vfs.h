/*
 * A SQLite VFS over the system's own that fails on call N, and, when told to, on all that follow:
 * a disk that is full for a while. https://sqlite.org/vfs.html
 */
#ifndef TESTS_FAULT_VFS_H
#define TESTS_FAULT_VFS_H

#include <stdbool.h>

struct fault_vfs {
    long at;      /* the call that fails, from 1; 0: none */
    bool lasting; /* and all after it */
    bool full;    /* writes fail with SQLITE_FULL, not SQLITE_IOERR */
    long calls;   /* made so far: all but reads, unlocking and closing */
    long writes;  /* of these, writes */
    bool hit;     /* some call failed */
};
extern struct fault_vfs fault_vfs;

/* Make it the default of every database opened from now on; call it once. */
void fault_vfs_install(void);
/* Start counting anew. */
void fault_vfs_arm(long at, bool lasting, bool full);

#endif
