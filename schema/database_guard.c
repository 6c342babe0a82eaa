/* https://sqlite.org/security.html, "Untrusted SQLite Database Files", and what it leaves to us. */
#include "schema/database_guard.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STEPS_BETWEEN_LOOKS = 100000,
    STEPS_PER_BYTE = 16, /* a checked row of 40 bytes takes 60; sorting them as many again */
    STEPS_FREE = 1 << 24,
    STEPS_MOST = INT32_MAX,      /* a file may claim to be larger than it is */
    VALUE_BYTES_LEAST = 1 << 20, /* texts of SQLite's own: a page, an error message */
    VALUE_BYTES_MOST = 1 << 28,
    CRC_PASSES = 8,            /* of reading every row; verify takes three */
    HEAP_BYTES_MOST = 3 << 27, /* a value of the most bytes, and the cache */
};

void database_guard_writer(struct database *db)
{
    static const struct {
        int id, on;
    } settings[] = {
        { SQLITE_DBCONFIG_DEFENSIVE, 1 },      { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
        { SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 }, { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
        { SQLITE_DBCONFIG_DQS_DDL, 0 },        { SQLITE_DBCONFIG_DQS_DML, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(settings); i++)
        (void)sqlite3_db_config(db->handle, settings[i].id, settings[i].on, NULL);
}

/*
 * Ends the statement when it returns 1. A tree whose branches meet again has few pages, many rows and
 * no loop that SQLite would find.
 */
static int too_many_steps(void *context)
{
    const struct database *db = context;

    for (sqlite3_stmt *stmt = sqlite3_next_stmt(db->handle, NULL); stmt != NULL;
         stmt = sqlite3_next_stmt(db->handle, stmt))
        if (sqlite3_stmt_busy(stmt) &&
            (uint32_t)sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 0) > db->steps_most)
            return 1;
    return 0;
}

/* By SQL: Apple's header does not have the function. What is older than 3.31 has no such limit. */
static void limit_heap(sqlite3 *handle)
{
    char sql[64];

    (void)snprintf(sql, sizeof sql, "PRAGMA hard_heap_limit = %d", HEAP_BYTES_MOST);
    (void)sqlite3_exec(handle, sql, NULL, NULL, NULL);
}

void database_guard_reader(struct database *db)
{
    /* What the file's SQL, or ours about its data, can ask for; ours needs less than half. */
    static const struct {
        int id, most;
    } limits[] = {
        { SQLITE_LIMIT_SQL_LENGTH, 1 << 16 },      { SQLITE_LIMIT_COLUMN, 256 },
        { SQLITE_LIMIT_EXPR_DEPTH, 64 },           { SQLITE_LIMIT_COMPOUND_SELECT, 4 },
        { SQLITE_LIMIT_FUNCTION_ARG, 64 },         { SQLITE_LIMIT_ATTACHED, 0 },
        { SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 100 }, { SQLITE_LIMIT_VARIABLE_NUMBER, 64 },
        { SQLITE_LIMIT_TRIGGER_DEPTH, 1 },         { SQLITE_LIMIT_WORKER_THREADS, 0 },
    };
    int64_t value = db->all_bytes;

    database_guard_writer(db);
    for (size_t i = 0; i < COUNT_OF(limits); i++)
        (void)sqlite3_limit(db->handle, limits[i].id, limits[i].most);
    /* No value is larger than the file that it is in. */
    value = value < VALUE_BYTES_LEAST ? VALUE_BYTES_LEAST : value;
    (void)sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH,
                        value > VALUE_BYTES_MOST ? VALUE_BYTES_MOST : (int)value);
    limit_heap(db->handle);
    db->steps_most = db->all_bytes < (STEPS_MOST - STEPS_FREE) / STEPS_PER_BYTE
                         ? (uint32_t)db->all_bytes * STEPS_PER_BYTE + STEPS_FREE
                         : STEPS_MOST;
    db->crc_bytes_left = db->all_bytes < INT64_MAX / CRC_PASSES - VALUE_BYTES_LEAST
                             ? db->all_bytes * CRC_PASSES + VALUE_BYTES_LEAST
                             : INT64_MAX;
    sqlite3_progress_handler(db->handle, STEPS_BETWEEN_LOOKS, too_many_steps, db);
}

/* --- what the file's SQL may hold --- */

/* The end of a name that needs no quotes; NULL if it is none. */
static const char *plain_name(const char *sql)
{
    const char *end = sql;

    while (isalnum((unsigned char)*end) || *end == '_')
        end++;
    return end == sql ? NULL : end;
}

/* "CREATE TABLE name(words, …)": without inner parentheses and quotes there is no expression in it. */
static bool plain_table(const char *sql)
{
    static const char begin[] = "CREATE TABLE ", without[] = " WITHOUT ROWID";
    const char *at =
        strncmp(sql, begin, strlen(begin)) == 0 ? plain_name(sql + strlen(begin)) : NULL;

    if (at == NULL || *at++ != '(')
        return false;
    while (isalnum((unsigned char)*at) || (*at != '\0' && strchr("_, \n\r\t", *at) != NULL))
        at++;
    return *at == ')' && (at[1] == '\0' || strcmp(at + 1, without) == 0);
}

static bool belongs(const char *type, const char *sql)
{
    if (strcmp(type, "index") == 0)
        return sql == NULL; /* that of a primary key */
    return strcmp(type, "table") == 0 && sql != NULL && plain_table(sql);
}

enum status database_check_schema(struct database *db, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum status st = database_prepare(db, &stmt, "SELECT type, name, sql FROM sqlite_schema", err);

    while (st == STATUS_OK && (st = database_step(db, stmt, err)) == STATUS_OK) {
        const char *type = (const char *)sqlite3_column_text(stmt, 0);
        const char *name = (const char *)sqlite3_column_text(stmt, 1);
        const char *sql = (const char *)sqlite3_column_text(stmt, 2);

        if (sqlite3_errcode(db->handle) == SQLITE_NOMEM)
            st = database_error(db, err, "its tables");
        else if (type == NULL || name == NULL || !belongs(type, sql))
            st = error_set(err, STATUS_CORRUPT,
                           "%s: it has a %s \"%.60s\" that is no plain table: no recorder made "
                           "that, and it could run anything, so nothing of the file is read",
                           db->path, type == NULL ? "thing" : type, name == NULL ? "" : name);
    }
    (void)sqlite3_finalize(stmt);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

/* --- what lies beside it --- */

static const char *kind_of(mode_t mode)
{
    return S_ISDIR(mode)    ? "a directory"
           : S_ISFIFO(mode) ? "a pipe"
           : S_ISLNK(mode)  ? "a link"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

enum status database_check_files(struct database *db, struct error *err)
{
    static const char *const suffix[] = { "-wal", "-shm", "-journal" };
    struct stat info;
    char path[4096];

    db->file_bytes = db->all_bytes = 0;
    if (stat(db->path, &info) != 0)
        return error_set(err, errno == ENOENT ? STATUS_ABSENT : STATUS_IO, "%s: %s", db->path,
                         strerror(errno));
    if (!S_ISREG(info.st_mode))
        return error_set(err, STATUS_INVALID, "%s: not a procscope recording, but %s", db->path,
                         kind_of(info.st_mode));
    db->file_bytes = db->all_bytes = info.st_size;
    for (size_t i = 0; i < COUNT_OF(suffix); i++) {
        if ((size_t)snprintf(path, sizeof path, "%s%s", db->real_path, suffix[i]) >= sizeof path)
            return error_set(err, STATUS_INVALID, "%.80s…: the path is too long", db->path);
        if (lstat(path, &info) != 0)
            continue;
        if (!S_ISREG(info.st_mode))
            return error_set(err, STATUS_INVALID,
                             "%s: %s beside it is %s; remove it, SQLite would follow it", db->path,
                             suffix[i], kind_of(info.st_mode));
        if (i == 0)
            db->all_bytes += info.st_size;
    }
    return STATUS_OK;
}

/*
 * SQLite holds byte 128 of the -shm for as long as a connection is open
 * (https://sqlite.org/walformat.html, "WAL Locks"; unixLockSharedMemory).
 */
bool database_shm_is_live(const struct database *db)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 128, .l_len = 1 };
    char path[4096];
    bool live;
    int fd;

    (void)snprintf(path, sizeof path, "%s-shm", db->real_path);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == EACCES; /* whoever can write it may be there */
#ifdef F_OFD_GETLK
    live = fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
#else
    live = fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
#endif
    (void)close(fd);
    return live;
}
