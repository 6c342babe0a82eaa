/*
 * Opening a recording for reading, in each of the states it may be found in:
 *
 *   clean          journal_mode=DELETE, one file                       plain read-only
 *   being written  -wal and -shm are there                             read-only, WAL
 *   killed         -wal is there, perhaps no -shm, perhaps a           read-only WAL; without -shm,
 *                  directory we cannot write                           or if SQLite cannot: its index
 *                                                                      in memory
 *   copied         marked WAL, but no -wal beside it                   immutable
 *   killed while   -journal is there, of the one change that a clean   immutable: the first page is
 *   it ended       end makes outside the WAL: its mode in the header   good before and after it
 *   killed while   -journal is there, of a file that was empty         nothing to read: the next
 *   it began                                                           recorder begins it anew
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema/database_guard.h"
#include "schema/database_private.h"

/* A file: URI for the path, its special characters escaped; NULL when memory is out. */
static char *uri_of(const char *path, const char *query)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t size = strlen(path) * 3 + strlen(query) + 16;
    char *uri = malloc(size);
    char *p = uri;

    if (uri == NULL)
        return NULL;
    p += snprintf(p, size, "file:%s", path[0] == '/' ? "" : "./");
    for (const char *c = path; *c != '\0'; c++) {
        if (strchr("?#%", *c) != NULL) {
            *p++ = '%';
            *p++ = hex[(unsigned char)*c >> 4];
            *p++ = hex[(unsigned char)*c & 15];
        } else {
            *p++ = *c;
        }
    }
    (void)snprintf(p, size - (size_t)(p - uri), "?%s", query);
    return uri;
}

/*
 * SQLite refuses a file with fewer pages than its header says, unless its schema may be written
 * (btree.c, lockBtree). Nothing of this file is written: it is opened for reading, and so is its VFS.
 */
static void accept_truncated(struct database *db)
{
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_WRITABLE_SCHEMA, 1, NULL);
}

static enum status try_open(struct database *db, const char *query, bool locks, const char *pragma,
                            struct error *err)
{
    const char *vfs = database_reading_vfs(locks);
    char *uri = uri_of(db->real_path, query);
    int code;

    if (uri == NULL || vfs == NULL) {
        free(uri);
        return error_set(err, STATUS_NO_MEMORY, "%s", db->path);
    }
    (void)sqlite3_close_v2(db->handle);
    db->handle = NULL;
    code = sqlite3_open_v2(
        uri, &db->handle,
        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
    free(uri);
    if (code != SQLITE_OK)
        return database_error(db, err, "open");
    (void)sqlite3_busy_timeout(db->handle, 5000);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    database_guard_reader(db);
    if (db->damaged)
        accept_truncated(db);
    /* The first read finds out whether the WAL can be used. */
    if (sqlite3_exec(db->handle, pragma, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(db->handle, "SELECT EXISTS(SELECT 1 FROM sqlite_schema)", NULL, NULL, NULL) !=
            SQLITE_OK)
        return database_error(
            db, err, "%s",
            sqlite3_errcode(db->handle) == SQLITE_CORRUPT
                ? "damaged or cut off (procscope verify --salvage OUT keeps the rest)"
                : "its first page");
    return STATUS_OK;
}

/* The journal mode in the file's header: true when it wants a WAL. https://sqlite.org/fileformat */
static enum status wants_wal(const char *path, bool *wal, struct error *err)
{
    unsigned char head[20] = { 0 };
    FILE *file = fopen(path, "rbe");
    size_t got;

    if (file == NULL)
        return error_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
    got = fread(head, 1, sizeof head, file);
    if (got == 0 && ferror(file)) {
        int code = errno;

        (void)fclose(file);
        return error_set(err, STATUS_IO, "%s: %s", path, strerror(code));
    }
    (void)fclose(file);
    if (got < sizeof head || memcmp(head, "SQLite format 3", 16) != 0)
        return error_set(err, STATUS_INVALID, "%s: not a procscope recording%s", path,
                         got == 0 ? " (it is empty)" : "");
    *wal = head[19] == 2;
    return STATUS_OK;
}

/* Is there such a file beside it, with anything in it? */
static bool has_beside(const char *path, const char *suffix)
{
    char name[4096];
    struct stat info;

    (void)snprintf(name, sizeof name, "%s%s", path, suffix);
    return stat(name, &info) == 0 && info.st_size > 0;
}

/*
 * Is it the journal of a change to an empty file? https://sqlite.org/fileformat2.html, "The
 * Rollback Journal": the size of the database before, in pages, follows magic, count and nonce.
 */
static bool was_empty_before(const char *path)
{
    static const unsigned char magic[] = { 0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7 };
    static const unsigned char none[4];
    unsigned char head[20] = { 0 };
    char name[4096];
    FILE *file;
    size_t got;

    (void)snprintf(name, sizeof name, "%s-journal", path);
    file = fopen(name, "rbe");
    if (file == NULL)
        return false;
    got = fread(head, 1, sizeof head, file);
    (void)fclose(file);
    return got == sizeof head && memcmp(head, magic, sizeof magic) == 0 &&
           memcmp(head + 16, none, sizeof none) == 0;
}

static enum status open_any(struct database *db, const char *path, bool damaged, struct error *err)
{
    static const char usual[] = "PRAGMA cell_size_check=1; PRAGMA mmap_size=0; "
                                "PRAGMA temp_store=MEMORY; "
                                "PRAGMA cache_size=-4096; PRAGMA query_only=1";
    /* With nolock=1 SQLite refuses a WAL; locks that do nothing let it keep its index in memory. */
    static const char in_memory[] = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA cell_size_check=1; "
                                    "PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; "
                                    "PRAGMA cache_size=-4096; PRAGMA query_only=1";
    bool wal = false, empty = false;
    enum status st;

    *db = (struct database){ .path = path, .real_path = realpath(path, NULL), .damaged = damaged };
    if (db->real_path == NULL)
        return error_set(err, errno == ENOMEM ? STATUS_NO_MEMORY : STATUS_IO, "%s: %s", path,
                         strerror(errno));
    if (database_check_files(db, err) != STATUS_OK || wants_wal(path, &wal, err) != STATUS_OK)
        return err->status == STATUS_ABSENT ? STATUS_IO : err->status;
    path = db->real_path;
    if (!wal && was_empty_before(path))
        return error_set(err, STATUS_INVALID,
                         "%s: no recording yet: its recorder ended while it began (procscoped -o "
                         "on it begins anew)",
                         db->path);
    /* SQLite would read any WAL that lies there; without the mark it is another file's. */
    if (wal != has_beside(path, "-wal") && (wal || !database_shm_is_live(db)))
        st = try_open(db, "immutable=1", true, usual, err);
    else if (wal && !database_shm_is_live(db)) /* no writer; SQLite would leave one behind */
        st = try_open(db, "mode=ro", false, in_memory, err);
    else
        st = try_open(db, "mode=ro", true, usual, err);
    if (st != STATUS_OK && st != STATUS_CORRUPT && wal && has_beside(path, "-wal"))
        st = try_open(db, "mode=ro", false, in_memory, err);
    /* Both beside it: that WAL was emptied into the file before the journal was begun. */
    if (st != STATUS_OK && st != STATUS_CORRUPT && has_beside(path, "-journal"))
        st = try_open(db, "immutable=1", true, usual, err);
    if (st == STATUS_OK)
        st = database_check_version(db, &empty, err);
    if (st == STATUS_OK && empty)
        st = error_set(err, STATUS_INVALID, "%s: not a procscope recording (no tables)", db->path);
    if (st == STATUS_OK)
        st = database_check_schema(db, err);
    if (st == STATUS_OK)
        st = database_functions(db, err);
    return st;
}

enum status database_open_read(struct database *db, const char *path, struct error *err)
{
    enum status st = open_any(db, path, false, err);

    return st == STATUS_OK ? database_read_checks(db, err) : st;
}

enum status database_open_damaged(struct database *db, const char *path, bool *checks_lost,
                                  struct error *err)
{
    enum status st = open_any(db, path, true, err);

    if (st == STATUS_OK)
        st = database_read_checks(db, err);
    *checks_lost = st == STATUS_CORRUPT && db->real_path != NULL && db->handle != NULL;
    return st;
}

void database_remove(const char *path)
{
    static const char *const endings[] = { "", "-journal", "-wal", "-shm" };

    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        char *name = sqlite3_mprintf("%s%s", path, endings[i]);

        if (name != NULL)
            (void)unlink(name);
        sqlite3_free(name);
    }
}
