/*
 * Processes of a damaged recording. Versions without their process, and processes that the file cannot
 * tell of any more, get a row in which nothing is known; versions are numbered anew where some are gone.
 */
#include <stdlib.h>
#include <string.h>

#include "schema/recording_private.h"

enum { VERSION_STRIDE = 1024 };

static const struct process unknown_process = {
    .pid = -1, .ppid = -1, .end_ns = NO_TIME, .exit_code = -1
};

static int by_process_id(const void *a, const void *b)
{
    const struct process *x = a, *y = b;

    return (x->process_id > y->process_id) - (x->process_id < y->process_id);
}

/* A row for each process that versions are of and that has none. */
static enum status add_unknown(struct recording *rec, struct error *err)
{
    const struct database_ids *ids = &rec->damage->kept[CHECKED_PROCESS_VERSION];
    size_t known = rec->process_count, at = 0;
    struct process *all = recording_own(rec, malloc((known + ids->count + 1) * sizeof *all));
    int64_t last = 0;

    if (all == NULL)
        return error_set(err, STATUS_NO_MEMORY, "processes");
    for (size_t i = 0; i < known; i++)
        all[i] = rec->process[i];
    for (size_t i = 0; i < ids->count; i++) {
        int64_t id = ids->id[i] / VERSION_STRIDE;

        while (at < known && all[at].process_id < id)
            at++;
        if (id <= last || (at < known && all[at].process_id == id))
            continue;
        last = id;
        all[rec->process_count] = unknown_process;
        all[rec->process_count++].process_id = id;
    }
    rec->process = all;
    qsort(all, rec->process_count, sizeof *all, by_process_id);
    return STATUS_OK;
}

/* The versions [first, end) are those of a process; the ids that they are to have. */
static void give_versions(struct recording *rec, struct process *p, size_t first, size_t end)
{
    const int64_t *id = rec->damage->kept[CHECKED_PROCESS_VERSION].id;
    size_t count = end - first, expected = p->version_count;
    bool whole = count > 0 && id[end - 1] % VERSION_STRIDE == (int64_t)expected - 1 &&
                 id[end - 1] - id[first] == (int64_t)count - 1;

    for (size_t v = first; v < end; v++)
        rec->damage->version_id[v] =
            whole ? id[v] : p->process_id * VERSION_STRIDE + (int64_t)(v - first);
    p->versions = count == 0 ? NULL : &rec->version[first];
    p->version_count = count;
}

enum status recording_mend_processes(struct recording *rec, struct error *err)
{
    struct database_ids *ids = &rec->damage->kept[CHECKED_PROCESS_VERSION];
    void *processes = NULL, *versions = NULL;
    size_t version_count = 0, at = 0;
    enum status st = recording_read_damaged(rec, CHECKED_PROCESS, sizeof *rec->process, &processes,
                                            &rec->process_count, recording_take_process, err);

    rec->process = processes;
    if (st == STATUS_OK)
        st = recording_read_damaged(rec, CHECKED_PROCESS_VERSION, sizeof *rec->version, &versions,
                                    &version_count, recording_take_version, err);
    rec->version = versions;
    if (st == STATUS_OK)
        st = add_unknown(rec, err);
    if (st != STATUS_OK)
        return st;
    rec->damage->version_id = calloc(version_count + 1, sizeof *rec->damage->version_id);
    if (rec->damage->version_id == NULL)
        return error_set(err, STATUS_NO_MEMORY, "processes");
    for (size_t i = 0; i < rec->process_count; i++) {
        size_t first;

        while (at < ids->count && ids->id[at] / VERSION_STRIDE < rec->process[i].process_id)
            at++;
        for (first = at;
             at < ids->count && ids->id[at] / VERSION_STRIDE == rec->process[i].process_id;)
            at++;
        give_versions(rec, &rec->process[i], first, at);
    }
    rec->db.check[CHECKED_PROCESS_VERSION].row_count = (int64_t)version_count; /* for users */
    return STATUS_OK;
}
