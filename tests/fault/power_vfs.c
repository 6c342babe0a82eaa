/* The disk beside the files: for each file its bytes as of its last sync, and the changes since. */
#include "tests/fault/power_vfs.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tests/fault/power_disk.h"

struct power_vfs power_vfs;
static sqlite3_vfs *real;
static bool directory_synced; /* since it was last set to false */
static int (*open_directory)(const char *path, int *fd);

struct power_file {
    sqlite3_file base;
    sqlite3_file *real;        /* behind this struct, as large as the real VFS wants */
    struct power_inode *inode; /* NULL: a file without a name */
    bool synced;               /* by this handle: what is yet to come needs no real sync */
};

void power_vfs_arm(long at)
{
    power_disk_forget();
    power_vfs = (struct power_vfs){ .at = at };
}

void power_vfs_return(uint64_t seed)
{
    power_disk_restore(seed);
    power_vfs_arm(0);
}

/* Does the power go in the middle of this call, or has it gone? */
static bool goes(const char *call)
{
    if (power_vfs.off)
        return true;
    power_vfs.off = ++power_vfs.calls == power_vfs.at;
    if (power_vfs.off)
        power_vfs.cut = call;
    return power_vfs.off;
}

static struct power_file *of(sqlite3_file *file)
{
    return (struct power_file *)file;
}

/* --- a file --- */

static int p_close(sqlite3_file *file)
{
    return of(file)->real->pMethods->xClose(of(file)->real);
}

static int p_read(sqlite3_file *file, void *to, int size, sqlite3_int64 at)
{
    return of(file)->real->pMethods->xRead(of(file)->real, to, size, at);
}

static int p_write(sqlite3_file *file, const void *from, int size, sqlite3_int64 at)
{
    bool was_off = power_vfs.off;
    bool off = goes("write");

    if (!was_off && of(file)->inode != NULL)
        power_inode_write(of(file)->inode, from, (size_t)size, at);
    return off ? SQLITE_IOERR_WRITE
               : of(file)->real->pMethods->xWrite(of(file)->real, from, size, at);
}

static int p_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    bool was_off = power_vfs.off;
    bool off = goes("truncate");

    if (!was_off && of(file)->inode != NULL)
        power_inode_truncate(of(file)->inode, size);
    return off ? SQLITE_IOERR_TRUNCATE : of(file)->real->pMethods->xTruncate(of(file)->real, size);
}

/* The first sync of a journal or WAL that was created syncs its directory too. */
static int p_sync(sqlite3_file *file, int flags)
{
    int code = SQLITE_OK;

    if (goes("sync"))
        return SQLITE_IOERR_FSYNC;
    directory_synced = false;
    if (!of(file)->synced)
        code = of(file)->real->pMethods->xSync(of(file)->real, flags);
    if (code != SQLITE_OK)
        return code;
    of(file)->synced = true;
    if (of(file)->inode != NULL)
        power_inode_sync(of(file)->inode);
    if (directory_synced)
        power_directory_sync();
    return SQLITE_OK;
}

static int p_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return of(file)->real->pMethods->xFileSize(of(file)->real, size);
}

static int p_lock(sqlite3_file *file, int how)
{
    return of(file)->real->pMethods->xLock(of(file)->real, how);
}

static int p_unlock(sqlite3_file *file, int how)
{
    return of(file)->real->pMethods->xUnlock(of(file)->real, how);
}

static int p_reserved(sqlite3_file *file, int *result)
{
    return of(file)->real->pMethods->xCheckReservedLock(of(file)->real, result);
}

/* A hint to extend the file would change it behind our back, and is one only. */
static int p_control(sqlite3_file *file, int op, void *argument)
{
    if (op == SQLITE_FCNTL_SIZE_HINT)
        return SQLITE_NOTFOUND;
    return of(file)->real->pMethods->xFileControl(of(file)->real, op, argument);
}

static int p_sector(sqlite3_file *file)
{
    return of(file)->real->pMethods->xSectorSize(of(file)->real);
}

static int p_characteristics(sqlite3_file *file)
{
    return of(file)->real->pMethods->xDeviceCharacteristics(of(file)->real);
}

static int p_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **at)
{
    return of(file)->real->pMethods->xShmMap(of(file)->real, page, size, extend, at);
}

static int p_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return of(file)->real->pMethods->xShmLock(of(file)->real, offset, n, flags);
}

static void p_shm_barrier(sqlite3_file *file)
{
    of(file)->real->pMethods->xShmBarrier(of(file)->real);
}

static int p_shm_unmap(sqlite3_file *file, int remove)
{
    return of(file)->real->pMethods->xShmUnmap(of(file)->real, remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2, /* no mapping: it would write past us */
    .xClose = p_close,
    .xRead = p_read,
    .xWrite = p_write,
    .xTruncate = p_truncate,
    .xSync = p_sync,
    .xFileSize = p_size,
    .xLock = p_lock,
    .xUnlock = p_unlock,
    .xCheckReservedLock = p_reserved,
    .xFileControl = p_control,
    .xSectorSize = p_sector,
    .xDeviceCharacteristics = p_characteristics,
    .xShmMap = p_shm_map,
    .xShmLock = p_shm_lock,
    .xShmBarrier = p_shm_barrier,
    .xShmUnmap = p_shm_unmap,
};

/* --- the file system --- */

static int v_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct power_file *f = of(file);
    bool creates = name != NULL && (flags & SQLITE_OPEN_CREATE) != 0 && access(name, F_OK) != 0;
    int code;

    (void)vfs;
    *f = (struct power_file){ .real = (sqlite3_file *)(f + 1) };
    if (creates && !power_vfs.off)
        f->inode = power_disk_create(name);
    if ((creates && goes("create")) || power_vfs.off)
        return SQLITE_CANTOPEN;
    code = real->xOpen(real, name, f->real, flags, out);
    if (f->real->pMethods != NULL)
        f->base.pMethods = &methods;
    if (code == SQLITE_OK && name != NULL && !creates)
        f->inode = power_disk_find(name);
    return code;
}

static int v_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    int code;

    (void)vfs;
    if (power_vfs.off || access(name, F_OK) != 0)
        return power_vfs.off ? SQLITE_IOERR_DELETE : SQLITE_IOERR_DELETE_NOENT;
    power_disk_delete(name);
    if (goes("delete"))
        return SQLITE_IOERR_DELETE;
    directory_synced = false;
    code = real->xDelete(real, name, sync);
    if (code == SQLITE_OK && directory_synced)
        power_directory_sync();
    return code;
}

/* SQLite's own call on its way to sync a directory: so we need not know when it does. */
static int see_directory(const char *path, int *fd)
{
    directory_synced = true;
    return open_directory(path, fd);
}

void power_vfs_install(void)
{
    static sqlite3_vfs vfs;
    int code;

    assert(real == NULL);
    real = sqlite3_vfs_find(NULL);
    vfs = *real; /* its other methods ask for nothing of the struct they are in */
    vfs.pNext = NULL;
    vfs.zName = "power";
    vfs.xOpen = v_open;
    vfs.xDelete = v_delete;
    vfs.szOsFile = (int)sizeof(struct power_file) + real->szOsFile;
    open_directory = (int (*)(const char *, int *))real->xGetSystemCall(real, "openDirectory");
    code = real->xSetSystemCall(real, "openDirectory", (sqlite3_syscall_ptr)see_directory);
    assert(code == SQLITE_OK && open_directory != NULL);
    (void)code;
    (void)sqlite3_vfs_register(&vfs, 1);
}
