/*
 * Only files opened as a WAL are wrapped. Writes are held back while they are frames one after
 * the other: a header of 24 bytes, its page, and so on, up to the page whose header says that it
 * ends a commit (https://sqlite.org/fileformat2.html, "WAL Frame Header": bytes 4 to 7 are not 0).
 * Whatever else is done to the file comes after what is held; a write that is none of these
 * goes through at once. So SQLite is told of an error before it tells anyone of the commit.
 */
#include "schema/gather.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME_HEADER_BYTES = 24, HELD_BYTES = 1 << 16 };

/* What the last write was. */
enum last { LAST_OTHER, LAST_HEADER, LAST_COMMIT_HEADER };

struct wal_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct, as large as the real VFS wants */
    uint8_t *held;      /* [HELD_BYTES], or NULL: there is no memory, all goes through */
    int held_count;
    sqlite3_int64 held_at; /* where in the file it goes */
    sqlite3_int64 next;    /* end of the last write */
    enum last last;
};

static sqlite3_vfs *real_vfs;

static struct wal_file *of(sqlite3_file *file)
{
    return (struct wal_file *)file;
}

static int flush(struct wal_file *f)
{
    int count = f->held_count;

    if (count == 0)
        return SQLITE_OK;
    f->held_count = 0; /* on an error too: the commit has failed */
    return f->real->pMethods->xWrite(f->real, f->held, count, f->held_at);
}

static enum last kind_of(const struct wal_file *f, const uint8_t *data, int size, sqlite3_int64 at)
{
    static const uint8_t none[4];

    if (size != FRAME_HEADER_BYTES || at != f->next)
        return LAST_OTHER;
    return memcmp(data + 4, none, sizeof none) == 0 ? LAST_HEADER : LAST_COMMIT_HEADER;
}

static int wal_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 at)
{
    struct wal_file *f = of(file);
    enum last kind = kind_of(f, data, size, at);
    bool page = f->last != LAST_OTHER && at == f->next;
    bool more = kind != LAST_OTHER || (page && f->last == LAST_HEADER);

    f->last = kind;
    if (f->held_count > 0 && (at != f->next || size > HELD_BYTES - f->held_count)) {
        int code = flush(f);

        if (code != SQLITE_OK)
            return code;
    }
    f->next = at + size;
    if ((!more && f->held_count == 0) || f->held == NULL || size > HELD_BYTES)
        return f->real->pMethods->xWrite(f->real, data, size, at);
    if (f->held_count == 0)
        f->held_at = at;
    memcpy(f->held + f->held_count, data, (size_t)size);
    f->held_count += size;
    return more ? SQLITE_OK : flush(f);
}

static int wal_read(sqlite3_file *file, void *to, int size, sqlite3_int64 at)
{
    int code = flush(of(file));

    return code != SQLITE_OK ? code : of(file)->real->pMethods->xRead(of(file)->real, to, size, at);
}

static int wal_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code = flush(of(file));

    return code != SQLITE_OK ? code : of(file)->real->pMethods->xTruncate(of(file)->real, size);
}

static int wal_sync(sqlite3_file *file, int flags)
{
    int code = flush(of(file));

    return code != SQLITE_OK ? code : of(file)->real->pMethods->xSync(of(file)->real, flags);
}

static int wal_size(sqlite3_file *file, sqlite3_int64 *size)
{
    int code = flush(of(file));

    return code != SQLITE_OK ? code : of(file)->real->pMethods->xFileSize(of(file)->real, size);
}

static int wal_close(sqlite3_file *file)
{
    int flushed = flush(of(file));
    int closed = of(file)->real->pMethods->xClose(of(file)->real);

    free(of(file)->held);
    return flushed != SQLITE_OK ? flushed : closed;
}

static int wal_lock(sqlite3_file *file, int how)
{
    return of(file)->real->pMethods->xLock(of(file)->real, how);
}

static int wal_unlock(sqlite3_file *file, int how)
{
    return of(file)->real->pMethods->xUnlock(of(file)->real, how);
}

static int wal_reserved(sqlite3_file *file, int *result)
{
    return of(file)->real->pMethods->xCheckReservedLock(of(file)->real, result);
}

static int wal_control(sqlite3_file *file, int op, void *argument)
{
    return of(file)->real->pMethods->xFileControl(of(file)->real, op, argument);
}

static int wal_sector(sqlite3_file *file)
{
    return of(file)->real->pMethods->xSectorSize(of(file)->real);
}

static int wal_characteristics(sqlite3_file *file)
{
    return of(file)->real->pMethods->xDeviceCharacteristics(of(file)->real);
}

static const sqlite3_io_methods wal_methods = {
    .iVersion = 1, /* shared memory and mapping are of the database's file */
    .xClose = wal_close,
    .xRead = wal_read,
    .xWrite = wal_write,
    .xTruncate = wal_truncate,
    .xSync = wal_sync,
    .xFileSize = wal_size,
    .xLock = wal_lock,
    .xUnlock = wal_unlock,
    .xCheckReservedLock = wal_reserved,
    .xFileControl = wal_control,
    .xSectorSize = wal_sector,
    .xDeviceCharacteristics = wal_characteristics,
};

static int gather_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct wal_file *f = of(file);
    int code;

    (void)vfs;
    if ((flags & SQLITE_OPEN_WAL) == 0)
        return real_vfs->xOpen(real_vfs, name, file, flags, out);
    *f = (struct wal_file){ .real = (sqlite3_file *)(f + 1), .next = -1 };
    code = real_vfs->xOpen(real_vfs, name, f->real, flags, out);
    if (f->real->pMethods == NULL)
        return code;
    f->base.pMethods = &wal_methods;
    f->held = malloc(HELD_BYTES);
    return code;
}

const char *gather_vfs(void)
{
    static sqlite3_vfs vfs;
    static const char name[] = "procscope-gather";

    if (real_vfs != NULL)
        return name;
    real_vfs = sqlite3_vfs_find(NULL);
    if (real_vfs == NULL)
        return NULL;
    vfs = *real_vfs; /* its methods but one ask for nothing of the struct they are in */
    vfs.pNext = NULL;
    vfs.zName = name;
    vfs.szOsFile = (int)sizeof(struct wal_file) + real_vfs->szOsFile;
    vfs.xOpen = gather_open;
    if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK)
        real_vfs = NULL;
    return real_vfs == NULL ? NULL : name;
}
