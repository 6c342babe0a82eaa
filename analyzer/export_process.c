/* Processes as rows: who they were, what they were called when, and short lives as a whole. */
#include <stdlib.h>
#include <string.h>

#include "analyzer/export_part.h"

/* clang-format off */
#define IDENTITY_COLUMNS                                                                           \
    EXPORT_INTEGER("process_id"), EXPORT_INTEGER("session_id"), EXPORT_INTEGER("pid"),             \
    EXPORT_INTEGER("ppid"), EXPORT_INTEGER("start_ticks"), EXPORT_TIME("start_time"),              \
    EXPORT_INTEGER("start_ns"), EXPORT_TIME("end_time"), EXPORT_INTEGER("end_ns"),                 \
    EXPORT_INTEGER("exit_reported"), EXPORT_INTEGER("exit_code"),                                  \
    EXPORT_INTEGER("start_approximate"), EXPORT_INTEGER("kernel_thread")
#define VERSION_COLUMNS                                                                            \
    EXPORT_INTEGER("uid"), EXPORT_TEXT("user"), EXPORT_TEXT("comm"), EXPORT_TEXT("exe"),           \
    EXPORT_TEXT("cmdline"), EXPORT_INTEGER("cmdline_length"), EXPORT_TEXT("cmdline_hash"),         \
    EXPORT_TEXT("cwd"), EXPORT_TEXT("cgroup"), EXPORT_TEXT("container")
/* clang-format on */

enum { IDENTITY_COUNT = 13, VERSION_COUNT = 10, HASH_SIZE = 17 };

static const struct output_column process_columns[] = {
    IDENTITY_COLUMNS,
    EXPORT_INTEGER("version_count"),
    VERSION_COLUMNS,
};

static const struct output_column version_columns[] = {
    EXPORT_INTEGER("process_id"), EXPORT_INTEGER("pid"),     EXPORT_INTEGER("version"),
    EXPORT_TIME("from_time"),     EXPORT_INTEGER("from_ns"), VERSION_COLUMNS,
};

_Static_assert(COUNT_OF(process_columns) == IDENTITY_COUNT + 1 + VERSION_COUNT, "process");
_Static_assert(COUNT_OF(version_columns) == 5 + VERSION_COUNT, "process_version");

static struct output_cell integer(int64_t value)
{
    return (struct output_cell){ .integer = value };
}

static struct output_cell known(bool is_known, int64_t value)
{
    return (struct output_cell){ .missing = !is_known, .integer = value };
}

static struct output_cell *put_identity(const struct process *p, struct output_cell *cell)
{
    *cell++ = integer(p->process_id);
    *cell++ = integer(p->session_id);
    *cell++ = integer(p->pid);
    *cell++ = integer(p->ppid);
    *cell++ = integer((int64_t)p->start_ticks);
    *cell++ = integer(p->start_ns);
    *cell++ = integer(p->start_ns);
    *cell++ = known(p->end_ns != NO_TIME, p->end_ns);
    *cell++ = known(p->end_ns != NO_TIME, p->end_ns);
    *cell++ = known(p->end_ns != NO_TIME, p->how == EXIT_REPORTED);
    *cell++ = known(p->end_ns != NO_TIME && p->exit_code != -1, p->exit_code);
    *cell++ = integer((p->flags & BIRTH_START_APPROXIMATE) != 0);
    *cell++ = integer((p->flags & BIRTH_KERNEL_THREAD) != 0);
    return cell;
}

static struct output_cell *put_version(const struct version *v, char hash[HASH_SIZE],
                                       struct output_cell *cell)
{
    static const struct version none = { 0 };
    static const enum process_text texts[] = { PROCESS_USER, PROCESS_COMM, PROCESS_EXE,
                                               PROCESS_CMDLINE };
    static const enum process_text rest[] = { PROCESS_CWD, PROCESS_CGROUP, PROCESS_CONTAINER };

    if (v == NULL)
        v = &none;
    *cell++ = known(v->uid_known, v->uid);
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        *cell++ = (struct output_cell){ .missing = v->text[texts[i]].data == NULL,
                                        .text = v->text[texts[i]].data,
                                        .text_size = v->text[texts[i]].size };
    *cell++ = known(v->text[PROCESS_CMDLINE].data != NULL, v->cmdline_length);
    (void)snprintf(hash, HASH_SIZE, "%016llx", (unsigned long long)v->cmdline_hash);
    *cell++ = (struct output_cell){ .missing = v->cmdline_hash == 0,
                                    .text = hash,
                                    .text_size = HASH_SIZE - 1 };
    for (size_t i = 0; i < COUNT_OF(rest); i++)
        *cell++ = (struct output_cell){ .missing = v->text[rest[i]].data == NULL,
                                        .text = v->text[rest[i]].data,
                                        .text_size = v->text[rest[i]].size };
    return cell;
}

/* Is the process in the window, and selected by what it was called at any time? */
static bool wanted(const struct export *e, const struct process *p)
{
    const struct window *window = &e->subject->window;

    if (!e->subject->whole &&
        (p->start_ns > window->to_ns || (p->end_ns != NO_TIME && p->end_ns <= window->from_ns)))
        return false;
    for (size_t i = 0; i < p->version_count; i++)
        if (select_match(e->select, e->subject->recording, p, &p->versions[i]))
            return true;
    return p->version_count == 0 && select_match(e->select, e->subject->recording, p, NULL);
}

struct listing {
    struct export *e;
    struct output output;
};

static enum status put_process(void *context, const struct process *p, struct error *err)
{
    struct listing *l = context;
    struct output_cell cells[COUNT_OF(process_columns)];
    struct output_cell *next;
    char hash[HASH_SIZE];

    (void)err;
    if (!wanted(l->e, p))
        return STATUS_OK;
    next = put_identity(p, cells);
    *next++ = integer((int64_t)p->version_count);
    (void)put_version(p->version_count == 0 ? NULL : &p->versions[p->version_count - 1], hash,
                      next);
    output_row(&l->output, cells, OUTPUT_NORMAL);
    l->e->row_count++;
    return output_broken(&l->output) ? STATUS_FULL : STATUS_OK;
}

static enum status put_versions(void *context, const struct process *p, struct error *err)
{
    struct listing *l = context;
    struct output_cell cells[COUNT_OF(version_columns)];
    char hash[HASH_SIZE];

    (void)err;
    if (!wanted(l->e, p))
        return STATUS_OK;
    for (size_t i = 0; i < p->version_count; i++) {
        const struct version *v = &p->versions[i];

        cells[0] = integer(p->process_id);
        cells[1] = integer(p->pid);
        cells[2] = integer((int64_t)i);
        cells[3] = cells[4] = integer(v->from_ns);
        (void)put_version(v, hash, cells + 5);
        if (!select_match(l->e->select, l->e->subject->recording, p, v))
            continue;
        output_row(&l->output, cells, OUTPUT_NORMAL);
        l->e->row_count++;
    }
    return output_broken(&l->output) ? STATUS_FULL : STATUS_OK;
}

static enum status list(struct export *e, const struct output_column columns[], size_t count,
                        process_visit *visit, struct error *err)
{
    struct listing l = { .e = e };
    struct error closing;
    enum status st = output_open(&l.output, e->file, columns, count, &e->output, err);

    if (st == STATUS_OK)
        st = export_damage(e, recording_processes(e->subject->recording, visit, &l, err), err);
    if (output_close(&l.output, &closing) != STATUS_OK) {
        *err = closing;
        st = closing.status;
    }
    return st;
}

static enum status export_process(struct export *e, struct error *err)
{
    return list(e, process_columns, COUNT_OF(process_columns), put_process, err);
}

static enum status export_process_version(struct export *e, struct error *err)
{
    return list(e, version_columns, COUNT_OF(version_columns), put_versions, err);
}

/* --- lifetimes: identity, and each metric over the whole life --- */

struct lifetime_rows {
    struct export *e;
    struct export_layout layout;
    struct output output;
    struct output_cell *cell;
    char (*digits)[EXPORT_DIGITS];
};

static void put_lifetime(struct lifetime_rows *r, const struct recording_block *block,
                         const struct lifetimes *lifetimes, size_t index)
{
    const struct recording_table *table = r->layout.table;
    const struct process *p = &lifetimes->process[index];
    struct output_cell *cell = r->cell;

    *cell++ = integer(block->block_seq);
    cell = put_identity(p, cell);
    for (size_t m = 0; m < table->metric_count; m++)
        cell = export_part_cells(&r->layout.metric[m],
                                 &lifetimes->cell[index * table->metric_count + m], EXPORT_INCREASE,
                                 r->digits + (cell - r->cell), cell);
    output_row(&r->output, r->cell, OUTPUT_NORMAL);
    r->e->row_count++;
}

static enum status walk_lifetimes(struct lifetime_rows *r, struct error *err)
{
    const struct recording_contents *c = r->e->subject->contents;

    for (size_t b = 0; b < c->block_count[0] && !output_broken(&r->output); b++) {
        const struct recording_block *block = &c->blocks[0][b];
        const struct lifetimes *lifetimes = NULL;
        enum status st = recording_lifetimes(r->e->subject->recording, block, &lifetimes, err);

        r->e->block_count++;
        if (export_damage(r->e, st, err) != STATUS_OK)
            return st;
        for (size_t i = 0; st == STATUS_OK && i < lifetimes->count; i++)
            if (wanted(r->e, &lifetimes->process[i]))
                put_lifetime(r, block, lifetimes, i);
    }
    return STATUS_OK;
}

static enum status lifetime_columns(struct lifetime_rows *r, struct error *err)
{
    static const struct output_column columns[] = { EXPORT_INTEGER("block_seq"), IDENTITY_COLUMNS };
    struct export_layout *layout = &r->layout;
    size_t before = layout->count; /* time and the like: not of a life */

    for (size_t i = 0; i < COUNT_OF(columns); i++)
        if (export_layout_add(layout, columns[i].name, "", columns[i].type, columns[i].human, 0,
                              err) != STATUS_OK)
            return err->status;
    for (size_t m = 0; m < layout->table->metric_count; m++)
        if (export_part_columns(layout, m, EXPORT_INCREASE, err) != STATUS_OK)
            return err->status;
    r->cell = calloc(layout->count - before, sizeof *r->cell);
    r->digits = calloc(layout->count - before, sizeof *r->digits);
    if (r->cell == NULL || r->digits == NULL)
        return error_set(err, STATUS_NO_MEMORY, "a row of process_lifetime");
    return output_open(&r->output, r->e->file, layout->column + before, layout->count - before,
                       &r->e->output, err);
}

static enum status export_process_lifetime(struct export *e, struct error *err)
{
    const struct recording_table *table =
        recording_table(e->subject->recording, samples_tables[TABLE_PROCESS].name);
    struct lifetime_rows r = { .e = e };
    struct error closing;
    enum status st;

    if (table == NULL)
        return error_set(err, STATUS_ABSENT, "the recording has no processes");
    st = export_layout_init(&r.layout, table, err);
    if (st == STATUS_OK)
        st = lifetime_columns(&r, err);
    if (st == STATUS_OK)
        st = walk_lifetimes(&r, err);
    if (r.output.writer != NULL && output_close(&r.output, &closing) != STATUS_OK) {
        *err = closing;
        st = closing.status;
    }
    free(r.cell);
    free(r.digits);
    export_layout_release(&r.layout);
    return st;
}

const struct export_table export_process_tables[] = {
    { "process", "a process, called as it was last", export_process },
    { "process_version", "what a process was called from a time on", export_process_version },
    { "process_lifetime", "a process seen in one block only, and its whole life",
      export_process_lifetime },
    { "process_hour", "what processes of a comm, user and cgroup did in an hour that was evicted",
      export_process_hour },
};
