/* Processes of a recording: rows for those that lived through a seal, lifetimes for the others. */
#include <stdlib.h>
#include <string.h>

#include "schema/recording_many.h"

/* The order of the text columns 4 to 10 of process_version. */
static const enum process_text text_order[] = { PROCESS_COMM, PROCESS_EXE,    PROCESS_CMDLINE,
                                                PROCESS_CWD,  PROCESS_CGROUP, PROCESS_CONTAINER,
                                                PROCESS_USER };

enum { VERSION_STRIDE = 1024 }; /* version_id = process_id * 1024 + ordinal */

enum status recording_take_process(struct recording *rec, sqlite3_stmt *stmt, void *element,
                                   struct error *err)
{
    struct process *p = element;

    (void)rec;
    *p = (struct process){ .process_id = sqlite3_column_int64(stmt, 0),
                           .session_id = sqlite3_column_int64(stmt, 1),
                           .pid = sqlite3_column_int(stmt, 2),
                           .ppid = sqlite3_column_int(stmt, 3),
                           .start_ticks = (uint64_t)sqlite3_column_int64(stmt, 4),
                           .start_ns = sqlite3_column_int64(stmt, 5),
                           .end_ns = sqlite3_column_type(stmt, 6) == SQLITE_NULL
                                         ? NO_TIME
                                         : sqlite3_column_int64(stmt, 6),
                           .exit_code = sqlite3_column_int(stmt, 7),
                           .how = (uint8_t)sqlite3_column_int(stmt, 8),
                           .flags = (uint32_t)sqlite3_column_int64(stmt, 9),
                           .version_count = (size_t)sqlite3_column_int64(stmt, 10) };
    if (p->process_id <= 0 || p->process_id > INT64_MAX / VERSION_STRIDE ||
        p->version_count >= VERSION_STRIDE)
        return error_set(err, STATUS_CORRUPT, "process %lld is impossible",
                         (long long)p->process_id);
    return STATUS_OK;
}

static enum status load_process_rows(struct recording *rec, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    int64_t sum = 0, previous = INT64_MIN;
    size_t size = 0;
    enum status st = database_select(&rec->db, CHECKED_PROCESS, &stmt, "ORDER BY process_id", err);

    while (st == STATUS_OK && (st = database_step(&rec->db, stmt, err)) == STATUS_OK) {
        st = recording_next_row(rec, CHECKED_PROCESS, (int64_t)rec->process_count, &previous,
                                sqlite3_column_int64(stmt, 0), err);
        if (st != STATUS_OK)
            break;
        if (rec->process_count == size) {
            struct process *larger;

            size = size == 0 ? 256 : size * 2;
            larger = realloc(rec->process, size * sizeof *larger);
            if (larger == NULL) {
                st = error_set(err, STATUS_NO_MEMORY, "processes");
                break;
            }
            rec->process = larger;
        }
        st = database_check_row(&rec->db, CHECKED_PROCESS, stmt, err);
        sum += sqlite3_column_int64(stmt, 11);
        if (recording_take_process(rec, stmt, &rec->process[rec->process_count++], err) !=
                STATUS_OK &&
            st == STATUS_OK)
            st = err->status;
    }
    (void)sqlite3_finalize(stmt);
    if (st == STATUS_ABSENT)
        st = recording_check_table(rec, CHECKED_PROCESS, (int64_t)rec->process_count, sum, err);
    return st;
}

/*
 * The process at `at` has got versions first to first + taken - 1: up to the last that its row says. The
 * oldest may have been evicted.
 */
static enum status end_versions(struct recording *rec, size_t at, size_t first, size_t taken,
                                struct error *err)
{
    struct process *p = &rec->process[at];

    if (first + taken != p->version_count)
        return error_set(err, STATUS_CORRUPT, "process %lld: %zu versions where there were %zu",
                         (long long)p->process_id, first + taken, p->version_count);
    p->version_count = taken;
    return STATUS_OK;
}

enum status recording_take_version(struct recording *rec, sqlite3_stmt *stmt, void *element,
                                   struct error *err)
{
    struct version *v = element;
    size_t size = 0;
    char *p;

    *v = (struct version){ .from_ns = sqlite3_column_int64(stmt, 1),
                           .uid_known = sqlite3_column_type(stmt, 2) != SQLITE_NULL,
                           .uid = (uint32_t)sqlite3_column_int64(stmt, 2),
                           .cmdline_length = (uint32_t)sqlite3_column_int64(stmt, 10),
                           .cmdline_hash = (uint64_t)sqlite3_column_int64(stmt, 11) };
    for (int t = 0; t < (int)COUNT_OF(text_order); t++)
        size += (size_t)sqlite3_column_bytes(stmt, 3 + t);
    p = recording_own(rec, malloc(size + 1));
    if (p == NULL)
        return error_set(err, STATUS_NO_MEMORY, "processes");
    for (int t = 0; t < (int)COUNT_OF(text_order); t++) {
        size_t bytes = (size_t)sqlite3_column_bytes(stmt, 3 + t);

        if (sqlite3_column_type(stmt, 3 + t) == SQLITE_NULL)
            continue;
        if (bytes > 0)
            memcpy(p, sqlite3_column_blob(stmt, 3 + t), bytes);
        v->text[text_order[t]] = (struct text){ p, (uint32_t)bytes };
        p += bytes;
    }
    return STATUS_OK;
}

/* Versions come sorted by process, each process's by number without holes. */
static enum status load_version_rows(struct recording *rec, struct error *err)
{
    int64_t expected = rec->db.check[CHECKED_PROCESS_VERSION].row_count;
    sqlite3_stmt *stmt = NULL;
    int64_t sum = 0, rows = 0;
    size_t at = 0, first = 0, taken = 0;
    enum status st =
        database_select(&rec->db, CHECKED_PROCESS_VERSION, &stmt, "ORDER BY version_id", err);

    if (st == STATUS_OK && (expected < 0 || expected > rec->db.all_bytes))
        st = error_set(err, STATUS_CORRUPT, "process_version: an impossible number of rows");
    if (st == STATUS_OK &&
        (rec->version = calloc((size_t)expected + 1, sizeof *rec->version)) == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "processes");
    while (st == STATUS_OK && (st = database_step(&rec->db, stmt, err)) == STATUS_OK) {
        int64_t id = sqlite3_column_int64(stmt, 0);

        sum += sqlite3_column_int64(stmt, 12);
        if (rows == expected)
            break;
        for (; at < rec->process_count && rec->process[at].process_id < id / VERSION_STRIDE &&
               st == STATUS_OK;
             at++, first = taken = 0)
            st = end_versions(rec, at, first, taken, err);
        if (st != STATUS_OK)
            break;
        if (taken == 0)
            first = (size_t)(id % VERSION_STRIDE);
        if (id < 0 || at == rec->process_count ||
            id != rec->process[at].process_id * VERSION_STRIDE + (int64_t)(first + taken)) {
            st = error_set(err, STATUS_CORRUPT, "process_version %lld belongs to no process",
                           (long long)id);
            break;
        }
        if (taken++ == 0)
            rec->process[at].versions = &rec->version[rows];
        st = database_check_row(&rec->db, CHECKED_PROCESS_VERSION, stmt, err);
        if (st == STATUS_OK)
            st = recording_take_version(rec, stmt, &rec->version[rows], err);
        rows++;
    }
    (void)sqlite3_finalize(stmt);
    if (st == STATUS_ABSENT)
        st = recording_check_table(rec, CHECKED_PROCESS_VERSION, rows, sum, err);
    for (; at < rec->process_count && st == STATUS_OK; at++, first = taken = 0)
        st = end_versions(rec, at, first, taken, err);
    return st;
}

struct text recording_user(const struct recording *rec, uint32_t uid)
{
    size_t low = 0, high = rec->user_count;

    for (size_t i = 0; rec->many != NULL && i < rec->many->count; i++) {
        struct text name = recording_user(rec->many->part[i].recording, uid);

        if (name.data != NULL)
            return name;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (rec->users[middle].uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < rec->user_count && rec->users[low].uid == uid ? rec->users[low].name
                                                               : (struct text){ NULL, 0 };
}

/* By uid, those of one uid by age. */
static int by_uid(const void *a, const void *b)
{
    const struct version *x = *(const struct version *const *)a;
    const struct version *y = *(const struct version *const *)b;

    return x->uid != y->uid ? (x->uid > y->uid) - (x->uid < y->uid) : (x > y) - (x < y);
}

/* A process that lived between two ticks has a uid but no name for it: others know it. */
static enum status learn_users(struct recording *rec, struct error *err)
{
    size_t rows = (size_t)rec->db.check[CHECKED_PROCESS_VERSION].row_count, named = 0;
    const struct version **list = malloc((rows + 1) * sizeof *list);

    rec->users = malloc((rows + 1) * sizeof *rec->users);
    if (list == NULL || rec->users == NULL) {
        free(list);
        return error_set(err, STATUS_NO_MEMORY, "users");
    }
    for (size_t i = 0; i < rows; i++)
        if (rec->version[i].uid_known && rec->version[i].text[PROCESS_USER].data != NULL)
            list[named++] = &rec->version[i];
    if (named > 1)
        qsort(list, named, sizeof *list, by_uid);
    for (size_t i = 0; i < named; i++)
        if (i == 0 || list[i]->uid != list[i - 1]->uid)
            rec->users[rec->user_count++] =
                (struct user_name){ list[i]->uid, list[i]->text[PROCESS_USER] };
    free(list);
    return STATUS_OK;
}

enum status recording_load_processes(struct recording *rec, struct error *err)
{
    enum status st;
    bool held;

    if (rec->processes_loaded) {
        *err = rec->processes_error;
        return rec->processes_error.status;
    }
    held = sqlite3_get_autocommit(rec->db.handle) == 0;
    st = held ? STATUS_OK : database_begin_reading(&rec->db, err);
    if (st == STATUS_OK && rec->damage == NULL)
        st = database_read_checks(&rec->db, err);
    if (st == STATUS_OK)
        st = rec->damage != NULL ? recording_mend_processes(rec, err) : load_process_rows(rec, err);
    if (st == STATUS_OK && rec->damage == NULL)
        st = load_version_rows(rec, err);
    if (st == STATUS_OK)
        st = learn_users(rec, err);
    if (!held)
        recording_let_go(rec);
    if (rec->damage == NULL) {
        (void)recording_own(rec, rec->process);
        (void)recording_own(rec, rec->version);
    }
    for (size_t i = 0; st == STATUS_OK && i < rec->process_count; i++) {
        rec->process[i].process_id += rec->process_offset;
        rec->process[i].session_id = wrap_add(rec->process[i].session_id, rec->session_offset);
    }
    rec->processes_loaded = true;
    if (st != STATUS_OK) {
        (void)error_prefix(err, "%s", rec->contents.path);
        rec->processes_error = *err;
    }
    return st;
}

static const struct process *find(const struct process *list, size_t count, int64_t process_id)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (list[middle].process_id < process_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && list[low].process_id == process_id ? &list[low] : NULL;
}

static enum status load_lifetimes(struct recording *rec, const struct recording_block *block,
                                  bool cells, struct lifetimes *to, struct error *err)
{
    const struct recording_table *table = recording_table(rec, samples_tables[TABLE_PROCESS].name);
    uint64_t lifetimes, expected;
    struct block_ticks ticks;
    enum status st;

    if (block->level != 0 || block->lifetime_count == 0 || table == NULL)
        return STATUS_OK;
    expected = recording_chunk_count(rec, block, LIFETIME_TABLE, &lifetimes);
    st = recording_ticks(rec, block, &ticks, err);
    if (st != STATUS_OK)
        return st;
    st = lifetimes_decode(to, block->block_seq, &ticks, cells ? &table->shape[1] : NULL,
                          recording_chunk, rec, &rec->d, err);
    block_ticks_release(&ticks);
    if (st == STATUS_ABSENT || (st == STATUS_OK && to->count != block->lifetime_count))
        st = error_set(err, STATUS_CORRUPT, "lifetimes of block %lld: %zu where there were %zu",
                       (long long)block->block_seq, to->count, block->lifetime_count);
    if (st == STATUS_OK && cells && to->chunk_count != expected)
        st = error_set(err, STATUS_CORRUPT,
                       "lifetimes of block %lld: %llu chunks where there "
                       "were %llu",
                       (long long)block->block_seq, (unsigned long long)to->chunk_count,
                       (unsigned long long)expected);
    for (size_t i = 0; st == STATUS_OK && i < to->count; i++) {
        to->process[i].process_id = wrap_add(to->process[i].process_id, rec->process_offset);
        to->process[i].session_id = wrap_add(to->process[i].session_id, rec->session_offset);
    }
    return st == STATUS_OK ? st : error_prefix(err, "%s", rec->contents.path);
}

/* Who they were; loaded once and kept, because processes are handed out that point into it. */
static enum status known_lifetimes(struct recording *rec, const struct recording_block *block,
                                   struct lifetimes **lifetimes, struct error *err)
{
    size_t index = (size_t)(block - rec->contents.blocks[0]);
    enum status st;

    if (rec->lifetimes == NULL)
        rec->lifetimes = calloc(rec->contents.block_count[0] + 1, sizeof(struct lifetimes *));
    if (rec->lifetimes == NULL)
        return error_set(err, STATUS_NO_MEMORY, "lifetimes");
    if (rec->lifetimes[index] == NULL) {
        struct lifetimes *fresh = calloc(1, sizeof *fresh);

        if (fresh == NULL)
            return error_set(err, STATUS_NO_MEMORY, "lifetimes");
        st = load_lifetimes(rec, block, false, fresh, err);
        if (st != STATUS_OK) {
            lifetimes_release(fresh);
            free(fresh);
            return st;
        }
        rec->lifetimes[index] = fresh;
    }
    *lifetimes = rec->lifetimes[index];
    return STATUS_OK;
}

enum status recording_lifetimes(struct recording *rec, const struct recording_block *block,
                                const struct lifetimes **lifetimes, struct error *err)
{
    struct lifetimes *known, again = { 0 };
    enum status st;

    if (rec->many != NULL)
        return many_lifetimes(rec, block, lifetimes, err);
    if (known_lifetimes(rec, block, &known, err) != STATUS_OK)
        return err->status;
    *lifetimes = known;
    if (known->cell != NULL)
        return STATUS_OK;
    if (rec->with_cells != NULL) {
        free(rec->with_cells->cell);
        rec->with_cells->cell = NULL;
    }
    rec->with_cells = known;
    st = load_lifetimes(rec, block, true, &again, err);
    known->cell = again.cell;
    known->chunk_count = again.chunk_count;
    again.cell = NULL;
    lifetimes_release(&again);
    return st;
}

void recording_forget_lives(struct recording *rec, const struct recording_block *block)
{
    struct lifetimes **known;

    if (rec->many != NULL) {
        const struct many_part *part = many_part_of(rec, &block);
        const struct recording_contents *c = &part->recording->contents;

        if (block->level == 0 && block != c->blocks[0] &&
            block != &c->blocks[0][c->block_count[0] - 1]) /* merged processes point there */
            recording_forget_lives(part->recording, block);
        return;
    }
    if (rec->lifetimes == NULL || block->level != 0)
        return;
    known = &rec->lifetimes[block - rec->contents.blocks[0]];
    if (*known == NULL)
        return;
    if (rec->with_cells == *known)
        rec->with_cells = NULL;
    lifetimes_release(*known);
    free(*known);
    *known = NULL;
}

/* The part to ask, and its block; NULL: the process is of several and known. */
static struct recording *many_find(struct recording *rec, const struct recording_block **block,
                                   int64_t process_id, const struct process **process)
{
    size_t at = rec->many->count;

    if ((*process = many_merged(rec, process_id)) != NULL)
        return NULL;
    if (*block != NULL)
        return many_part_of(rec, block)->recording;
    while (at > 1 && process_id <= rec->many->part[at - 1].recording->process_offset)
        at--;
    return rec->many->part[at - 1].recording;
}

enum status recording_process(struct recording *rec, const struct recording_block *block,
                              int64_t process_id, const struct process **process, struct error *err)
{
    struct lifetimes *lifetimes = NULL;

    if (rec->many != NULL) {
        struct recording *part = many_find(rec, &block, process_id, process);

        return part == NULL ? STATUS_OK : recording_process(part, block, process_id, process, err);
    }
    if (recording_load_processes(rec, err) != STATUS_OK)
        return err->status;
    *process = find(rec->process, rec->process_count, process_id);
    if (*process == NULL && block != NULL && block->level == 0) {
        if (known_lifetimes(rec, block, &lifetimes, err) != STATUS_OK)
            return err->status;
        *process = find(lifetimes->process, lifetimes->count, process_id);
    }
    if (*process == NULL)
        return error_set(err, STATUS_CORRUPT, "%s: process %lld of block %lld is not stored",
                         rec->contents.path, (long long)process_id,
                         block == NULL ? -1LL : (long long)block->block_seq);
    return STATUS_OK;
}

size_t recording_process_rows(const struct recording *rec)
{
    int64_t rows = rec->many == NULL ? rec->db.check[CHECKED_PROCESS].row_count : 0;
    size_t sum = rows > 0 ? (size_t)rows : 0;

    for (size_t i = 0; rec->many != NULL && i < rec->many->count; i++)
        sum += recording_process_rows(rec->many->part[i].recording);
    return sum;
}

enum status recording_processes(struct recording *rec, process_visit *visit, void *context,
                                struct error *err)
{
    if (rec->many != NULL)
        return many_processes(rec, visit, context, err);
    if (recording_load_processes(rec, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < rec->process_count; i++)
        if (visit(context, &rec->process[i], err) != STATUS_OK)
            return err->status;
    for (size_t b = 0; b < rec->contents.block_count[0]; b++) {
        struct lifetimes *lifetimes = NULL;

        if (known_lifetimes(rec, &rec->contents.blocks[0][b], &lifetimes, err) != STATUS_OK)
            return err->status;
        for (size_t i = 0; i < lifetimes->count; i++)
            if (visit(context, &lifetimes->process[i], err) != STATUS_OK)
                return err->status;
    }
    return STATUS_OK;
}
