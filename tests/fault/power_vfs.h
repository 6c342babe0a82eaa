/*
 * A SQLite VFS over the system's own that knows what the disk holds for certain: when the power
 * goes, every file is put into a state that the disk may be found in.
 *
 * Modelled: what was synced stays as it is. Of each write since the file's last sync all, nothing,
 * some of its 512-byte sectors, its first or its last bytes are there, whatever became of the
 * writes before and after it; a file may have grown without the bytes that made it grow, which
 * then are 0 or anything; each truncation happened or not. A file that was created or deleted
 * since the last sync of its directory is there or not. Each of these independently of the others.
 *
 * Not modelled: a disk that loses what it said it had synced, a write that damages bytes beside it
 * (SQLite relies on neither: "powersafe overwrite", https://sqlite.org/psow.html), power that goes
 * in the middle of a sync in an order that the choices above do not already give; other
 * directories; the WAL's index, which is no part of a recording and is gone.
 */
#ifndef TESTS_POWER_VFS_H
#define TESTS_POWER_VFS_H

#include <stdbool.h>
#include <stdint.h>

struct power_vfs {
    long at;         /* the call at which the power goes, from 1; 0: it stays */
    long calls;      /* made since it was armed: writes, truncations, syncs, creations, deletions */
    bool off;        /* all of these fail */
    const char *cut; /* what that call was; NULL: none was cut */
};
extern struct power_vfs power_vfs;

/* Make it the default of every database opened from now on; call it once. */
void power_vfs_install(void);
/* From now on all that is on the files counts as synced; count anew. */
void power_vfs_arm(long at);
/*
 * The power is back: each file is what the disk held, by the choices of `seed`. No database may
 * be open.
 */
void power_vfs_return(uint64_t seed);

#endif
