/* The oldest block of level 0, looked up after each commit of the writer. */
#include "tools/generate_reach.h"

static enum status fail(const struct reach *reach, struct error *err)
{
    return error_set(err, STATUS_IO, "look at what is kept: %s", sqlite3_errmsg(reach->handle));
}

static enum status open_beside(struct reach *reach, const char *path, struct error *err)
{
    static const char oldest[] = "SELECT min(start_ns) FROM block WHERE level = 0";

    if (sqlite3_open_v2(path, &reach->handle, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(reach->handle, "PRAGMA data_version", -1, &reach->changed, NULL) !=
            SQLITE_OK ||
        sqlite3_prepare_v2(reach->handle, oldest, -1, &reach->oldest, NULL) != SQLITE_OK)
        return fail(reach, err);
    reach->version = -1;
    return STATUS_OK;
}

enum status reach_look(struct reach *reach, const char *path, int64_t now_ns, struct error *err)
{
    enum status st = reach->handle == NULL ? open_beside(reach, path, err) : STATUS_OK;
    int64_t version, start_ns;

    if (st != STATUS_OK)
        return st;
    if (sqlite3_step(reach->changed) != SQLITE_ROW)
        return fail(reach, err);
    version = sqlite3_column_int64(reach->changed, 0);
    (void)sqlite3_reset(reach->changed);
    if (version == reach->version)
        return STATUS_OK;
    reach->version = version;
    if (sqlite3_step(reach->oldest) != SQLITE_ROW)
        return fail(reach, err);
    start_ns = sqlite3_column_int64(reach->oldest, 0); /* 0: no block, NULL */
    (void)sqlite3_reset(reach->oldest);
    if (reach->first_ns == 0)
        reach->first_ns = start_ns;
    if (start_ns == 0 ? reach->first_ns != 0 : start_ns != reach->first_ns) {
        int64_t kept_ns = start_ns == 0 ? 0 : now_ns - start_ns;

        if (reach->least_ns == 0 || kept_ns < reach->least_ns)
            reach->least_ns = kept_ns;
    }
    return STATUS_OK;
}

void reach_close(struct reach *reach)
{
    (void)sqlite3_finalize(reach->changed);
    (void)sqlite3_finalize(reach->oldest);
    (void)sqlite3_close(reach->handle);
    reach->handle = NULL;
    reach->changed = reach->oldest = NULL;
}
