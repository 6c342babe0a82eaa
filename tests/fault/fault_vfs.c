/* Each method that can fail asks fails() first, then calls the real one. */
#include "tests/fault/fault_vfs.h"

#include <assert.h>
#include <stddef.h>

#include <sqlite3.h>

struct fault_vfs fault_vfs;
static sqlite3_vfs *real;

struct fault_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct, as large as the real VFS wants */
};

void fault_vfs_arm(long at, bool lasting, bool full)
{
    fault_vfs = (struct fault_vfs){ .at = at, .lasting = lasting, .full = full };
}

static bool fails(void)
{
    fault_vfs.calls++;
    if (fault_vfs.at == 0 || fault_vfs.calls < fault_vfs.at)
        return false;
    if (fault_vfs.calls > fault_vfs.at && !fault_vfs.lasting)
        return false;
    fault_vfs.hit = true;
    return true;
}

static sqlite3_file *of(sqlite3_file *file)
{
    return ((struct fault_file *)file)->real;
}

/* --- a file --- */

static int f_close(sqlite3_file *file)
{
    return of(file)->pMethods->xClose(of(file));
}

static int f_read(sqlite3_file *file, void *to, int size, sqlite3_int64 at)
{
    return of(file)->pMethods->xRead(of(file), to, size, at);
}

static int f_write(sqlite3_file *file, const void *from, int size, sqlite3_int64 at)
{
    fault_vfs.writes++;
    if (fails()) {
        /* Half of it may have reached the disk. */
        (void)of(file)->pMethods->xWrite(of(file), from, size / 2, at);
        return fault_vfs.full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    }
    return of(file)->pMethods->xWrite(of(file), from, size, at);
}

static int f_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return fails() ? SQLITE_IOERR_TRUNCATE : of(file)->pMethods->xTruncate(of(file), size);
}

static int f_sync(sqlite3_file *file, int flags)
{
    return fails() ? SQLITE_IOERR_FSYNC : of(file)->pMethods->xSync(of(file), flags);
}

static int f_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return fails() ? SQLITE_IOERR_FSTAT : of(file)->pMethods->xFileSize(of(file), size);
}

static int f_lock(sqlite3_file *file, int how)
{
    return fails() ? SQLITE_IOERR_LOCK : of(file)->pMethods->xLock(of(file), how);
}

static int f_unlock(sqlite3_file *file, int how)
{
    return of(file)->pMethods->xUnlock(of(file), how);
}

static int f_reserved(sqlite3_file *file, int *result)
{
    return of(file)->pMethods->xCheckReservedLock(of(file), result);
}

/* The one request by which the system's VFS touches the disk: it may extend the file. */
static int f_control(sqlite3_file *file, int op, void *argument)
{
    if (op == SQLITE_FCNTL_SIZE_HINT && fails())
        return fault_vfs.full ? SQLITE_FULL : SQLITE_IOERR;
    return of(file)->pMethods->xFileControl(of(file), op, argument);
}

static int f_sector(sqlite3_file *file)
{
    return of(file)->pMethods->xSectorSize(of(file));
}

static int f_characteristics(sqlite3_file *file)
{
    return of(file)->pMethods->xDeviceCharacteristics(of(file));
}

static int f_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **at)
{
    if (fails())
        return SQLITE_IOERR_SHMMAP;
    return of(file)->pMethods->xShmMap(of(file), page, size, extend, at);
}

static int f_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    if ((flags & SQLITE_SHM_LOCK) != 0 && fails())
        return SQLITE_IOERR_SHMLOCK;
    return of(file)->pMethods->xShmLock(of(file), offset, n, flags);
}

static void f_shm_barrier(sqlite3_file *file)
{
    of(file)->pMethods->xShmBarrier(of(file));
}

static int f_shm_unmap(sqlite3_file *file, int remove)
{
    return of(file)->pMethods->xShmUnmap(of(file), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = f_close,
    .xRead = f_read,
    .xWrite = f_write,
    .xTruncate = f_truncate,
    .xSync = f_sync,
    .xFileSize = f_size,
    .xLock = f_lock,
    .xUnlock = f_unlock,
    .xCheckReservedLock = f_reserved,
    .xFileControl = f_control,
    .xSectorSize = f_sector,
    .xDeviceCharacteristics = f_characteristics,
    .xShmMap = f_shm_map,
    .xShmLock = f_shm_lock,
    .xShmBarrier = f_shm_barrier,
    .xShmUnmap = f_shm_unmap,
};

/* --- the file system --- */

static int v_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct fault_file *f = (struct fault_file *)file;
    int code;

    (void)vfs;
    *f = (struct fault_file){ .real = (sqlite3_file *)(f + 1) };
    if (fails())
        return SQLITE_CANTOPEN;
    code = real->xOpen(real, name, f->real, flags, out);
    if (f->real->pMethods != NULL)
        f->base.pMethods = &methods;
    return code;
}

static int v_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    return fails() ? SQLITE_IOERR_DELETE : real->xDelete(real, name, sync);
}

static int v_access(sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
    (void)vfs;
    return fails() ? SQLITE_IOERR_ACCESS : real->xAccess(real, name, flags, result);
}

void fault_vfs_install(void)
{
    static sqlite3_vfs vfs;

    assert(real == NULL);
    real = sqlite3_vfs_find(NULL);
    vfs = *real; /* its other methods ask for nothing of the struct they are in */
    vfs.pNext = NULL;
    vfs.zName = "fault";
    vfs.xOpen = v_open;
    vfs.xDelete = v_delete;
    vfs.xAccess = v_access;
    vfs.szOsFile = (int)sizeof(struct fault_file) + real->szOsFile;
    (void)sqlite3_vfs_register(&vfs, 1);
}
