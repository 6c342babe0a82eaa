/*
 * Files as SQLite opens them to read a recording: never for writing, never created, none for
 * temporary data, and nothing is deleted. https://sqlite.org/c3ref/vfs.html
 *
 * SQLite alone would open a WAL for writing even where it only reads. The -shm of a recording that is
 * being written is not opened this way: who reads must lock it.
 */
#include "schema/database_private.h"

struct reading_vfs {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
};

static int open_to_read(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    sqlite3_vfs *real = ((struct reading_vfs *)(void *)vfs)->real;
    const int writing = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_DELETEONCLOSE |
                        SQLITE_OPEN_EXCLUSIVE;

    file->pMethods = NULL;
    if (name == NULL)
        return SQLITE_CANTOPEN;
    flags = (flags & ~writing) | SQLITE_OPEN_READONLY;
    return (flags & SQLITE_OPEN_MAIN_DB) != 0 ? database_ahead_open(real, name, file, flags, out)
                                              : real->xOpen(real, name, file, flags, out);
}

static int delete_nothing(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    (void)name;
    (void)sync;
    return SQLITE_READONLY;
}

static const char *register_vfs(struct reading_vfs *reading, const char *real, const char *name)
{
    if (reading->real != NULL)
        return name;
    reading->real = sqlite3_vfs_find(real);
    if (reading->real == NULL)
        return NULL;
    reading->vfs = *reading->real; /* its other methods ask for nothing of the struct they are in */
    reading->vfs.pNext = NULL;
    reading->vfs.zName = name;
    reading->vfs.szOsFile = database_ahead_bytes(reading->real);
    reading->vfs.xOpen = open_to_read;
    reading->vfs.xDelete = delete_nothing;
    if (sqlite3_vfs_register(&reading->vfs, 0) != SQLITE_OK)
        reading->real = NULL;
    return reading->real == NULL ? NULL : name;
}

const char *database_reading_vfs(bool locks)
{
    static struct reading_vfs usual, without_locks;

    return locks ? register_vfs(&usual, NULL, "procscope-read")
                 : register_vfs(&without_locks, "unix-none", "procscope-read-none");
}
