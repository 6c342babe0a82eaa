/*
 * The recording's own file as SQLite reads it: page by page, of 1 KiB each, of which most lie behind
 * one another. Where a read goes on where the last one ended, more is read at once.
 *
 * What was read ahead is forgotten at each lock: a transaction that begins may find the file
 * changed, and during one nobody changes pages that it may read (https://sqlite.org/walformat.html,
 * "Locks": a checkpoint goes no further than the oldest reader's end of the WAL).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "schema/database_private.h"

enum { AHEAD_BYTES = 1 << 15 };

struct ahead_file {
    sqlite3_file base;
    sqlite3_file *real;    /* behind this struct, as large as the real VFS wants */
    uint8_t *held;         /* [AHEAD_BYTES], or NULL: there is no memory, nothing is read ahead */
    int held_count;        /* of them that are of the file */
    sqlite3_int64 held_at; /* where in it */
    sqlite3_int64 next;    /* end of the last read */
};

static struct ahead_file *of(sqlite3_file *file)
{
    return (struct ahead_file *)file;
}

static int real_read(struct ahead_file *f, void *to, int size, sqlite3_int64 at)
{
    return f->real->pMethods->xRead(f->real, to, size, at);
}

static int ahead_read(sqlite3_file *file, void *to, int size, sqlite3_int64 at)
{
    struct ahead_file *f = of(file);
    bool goes_on = at == f->next;

    f->next = at + size;
    if (at >= f->held_at && at + size <= f->held_at + f->held_count) {
        memcpy(to, f->held + (at - f->held_at), (size_t)size);
        return SQLITE_OK;
    }
    if (!goes_on || f->held == NULL || size > AHEAD_BYTES / 2)
        return real_read(f, to, size, at);
    f->held_count = 0;
    if (real_read(f, f->held, AHEAD_BYTES, at) != SQLITE_OK) /* the file's end */
        return real_read(f, to, size, at);
    f->held_at = at;
    f->held_count = AHEAD_BYTES;
    memcpy(to, f->held, (size_t)size);
    return SQLITE_OK;
}

static int ahead_lock(sqlite3_file *file, int how)
{
    of(file)->held_count = 0;
    return of(file)->real->pMethods->xLock(of(file)->real, how);
}

static int ahead_unlock(sqlite3_file *file, int how)
{
    of(file)->held_count = 0;
    return of(file)->real->pMethods->xUnlock(of(file)->real, how);
}

static int ahead_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    of(file)->held_count = 0;
    return of(file)->real->pMethods->xShmLock(of(file)->real, offset, count, flags);
}

static int ahead_close(sqlite3_file *file)
{
    free(of(file)->held);
    return of(file)->real->pMethods->xClose(of(file)->real);
}

static int ahead_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 at)
{
    of(file)->held_count = 0;
    return of(file)->real->pMethods->xWrite(of(file)->real, data, size, at);
}

static int ahead_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    of(file)->held_count = 0;
    return of(file)->real->pMethods->xTruncate(of(file)->real, size);
}

static int ahead_sync(sqlite3_file *file, int flags)
{
    return of(file)->real->pMethods->xSync(of(file)->real, flags);
}

static int ahead_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return of(file)->real->pMethods->xFileSize(of(file)->real, size);
}

static int ahead_reserved(sqlite3_file *file, int *result)
{
    return of(file)->real->pMethods->xCheckReservedLock(of(file)->real, result);
}

static int ahead_control(sqlite3_file *file, int op, void *argument)
{
    return of(file)->real->pMethods->xFileControl(of(file)->real, op, argument);
}

static int ahead_sector(sqlite3_file *file)
{
    return of(file)->real->pMethods->xSectorSize(of(file)->real);
}

static int ahead_characteristics(sqlite3_file *file)
{
    return of(file)->real->pMethods->xDeviceCharacteristics(of(file)->real);
}

static int ahead_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **at)
{
    return of(file)->real->pMethods->xShmMap(of(file)->real, region, size, extend, at);
}

static void ahead_shm_barrier(sqlite3_file *file)
{
    of(file)->real->pMethods->xShmBarrier(of(file)->real);
}

static int ahead_shm_unmap(sqlite3_file *file, int remove)
{
    return of(file)->real->pMethods->xShmUnmap(of(file)->real, remove);
}

/* With shared memory, or without where the real file has none. */
static const sqlite3_io_methods *methods(int version)
{
#define METHODS(version)                                                                           \
    {                                                                                              \
        .iVersion = (version), .xClose = ahead_close, .xRead = ahead_read, .xWrite = ahead_write,  \
        .xTruncate = ahead_truncate, .xSync = ahead_sync, .xFileSize = ahead_size,                 \
        .xLock = ahead_lock, .xUnlock = ahead_unlock, .xCheckReservedLock = ahead_reserved,        \
        .xFileControl = ahead_control, .xSectorSize = ahead_sector,                                \
        .xDeviceCharacteristics = ahead_characteristics, .xShmMap = ahead_shm_map,                 \
        .xShmLock = ahead_shm_lock, .xShmBarrier = ahead_shm_barrier,                              \
        .xShmUnmap = ahead_shm_unmap,                                                              \
    }
    static const sqlite3_io_methods with = METHODS(2), without = METHODS(1);

    return version >= 2 ? &with : &without;
}

int database_ahead_bytes(const sqlite3_vfs *real)
{
    return (int)sizeof(struct ahead_file) + real->szOsFile;
}

int database_ahead_open(sqlite3_vfs *real, const char *name, sqlite3_file *file, int flags,
                        int *out)
{
    struct ahead_file *f = of(file);
    int code;

    *f = (struct ahead_file){ .real = (sqlite3_file *)(f + 1), .next = -1 };
    f->real->pMethods = NULL;
    code = real->xOpen(real, name, f->real, flags, out);
    if (f->real->pMethods == NULL)
        return code;
    f->base.pMethods = methods(f->real->pMethods->iVersion);
    f->held = malloc(AHEAD_BYTES);
    return code;
}
