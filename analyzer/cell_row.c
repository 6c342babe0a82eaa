/* Which cell is asked for. */
#include <stdio.h>
#include <string.h>

#include "analyzer/cell_private.h"
#include "analyzer/escape.h"

/* --- the question --- */

static enum status find_column(struct cell *cell, const char *name, bool devices, struct error *err)
{
    const char *formula = NULL;
    struct error ignored;

    if (devices && report_gpu_find(name, &cell->gpu_column, err) != STATUS_OK)
        return error_prefix(err, "--explain-cell");
    if (report_column_find(name, &cell->column, devices ? &ignored : err) != STATUS_OK && !devices)
        return error_prefix(err, "--explain-cell");
    if (cell->column != NULL && cell->column->fact != FACT_NOT_RECORDED)
        formula = devices ? cell_gpu_formula(cell->column) : cell_formula(cell->column, BY_PROCESS);
    if (formula == NULL)
        return error_set(
            err, STATUS_INVALID,
            "--explain-cell: %.40s is not made of samples of the window: there is no sum "
            "to redo; figures of CPU, memory, I/O, GPUs and energy are explained",
            name);
    return STATUS_OK;
}

enum status cell_parse(struct cell *cell, const char *text, bool devices, struct error *err)
{
    const char *colon = strrchr(text, ':');

    if (colon == NULL || colon == text || colon[1] == '\0')
        return error_set(err, STATUS_INVALID,
                         "--explain-cell %.80s: it is ROW:COLUMN, as in 4711:cpu_seconds", text);
    cell->row = text;
    cell->row_size = (size_t)(colon - text);
    return find_column(cell, colon + 1, devices, err);
}

/* The number behind NAME=, or all of the row's digits for NAME "". */
static bool is_number(const struct cell *cell, const char *name, int64_t *value)
{
    size_t at = strlen(name);

    if (cell->row_size <= at || cell->row_size - at > 18 || strncmp(cell->row, name, at) != 0)
        return false;
    *value = 0;
    for (; at < cell->row_size; at++) {
        if (cell->row[at] < '0' || cell->row[at] > '9')
            return false;
        *value = *value * 10 + (cell->row[at] - '0');
    }
    return true;
}

static bool is_text(const struct cell *cell, const char *text, size_t size)
{
    return size == cell->row_size && (size == 0 || memcmp(cell->row, text, size) == 0);
}

/* Is the group named so? "-" is what is not known, "[none]" what is known to have no name. */
static bool is_key(const struct cell *cell, const struct text *key)
{
    if (key->data == NULL)
        return is_text(cell, "-", 1);
    return is_text(cell, key->data, key->size) ||
           (key->size == 0 && is_text(cell, "[none]", strlen("[none]")));
}

static bool is_row(const struct cell *cell, const struct report *r, size_t place)
{
    const struct group *g = &r->aggregate.groups.group[r->ranked[place].group];
    const struct version *v;
    int64_t value;

    if (is_number(cell, "row=", &value))
        return value == (int64_t)place + 1;
    if (r->aggregate.by != BY_PROCESS)
        return is_key(cell, &g->key);
    if (is_number(cell, "process_id=", &value))
        return value == g->process_id;
    if (is_number(cell, "", &value) || is_number(cell, "pid=", &value))
        return value == g->process->pid;
    v = process_version_at(g->process, g->last_ns);
    return v != NULL && v->text[PROCESS_COMM].data != NULL &&
           is_text(cell, v->text[PROCESS_COMM].data, v->text[PROCESS_COMM].size);
}

static enum status no_row(const struct cell *cell, const struct report *r, struct error *err)
{
    bool processes = r->aggregate.by == BY_PROCESS;
    char row[100], shown[400];

    (void)snprintf(row, sizeof row, "%.*s", (int)(cell->row_size < 90 ? cell->row_size : 90),
                   cell->row);
    return error_set(err, STATUS_INVALID,
                     "--explain-cell: no row %s; %s, or row=N, the N-th of %zu; the rows below "
                     "them (others, idle, not attributed, total) are not explained one by one",
                     escape_show(shown, sizeof shown, row),
                     processes ? "a row is a pid, a comm, process_id=N"
                               : "a row is a name as the report prints it",
                     r->ranked_count);
}

static enum status several_rows(const struct cell *cell, const struct report *r, struct error *err)
{
    char known[200] = "";
    size_t used = 0;

    for (size_t i = 0; i < r->ranked_count && used < sizeof known - 40; i++)
        if (is_row(cell, r, i))
            used += (size_t)snprintf(known + used, sizeof known - used, " process_id=%lld",
                                     (long long)r->ranked[i].process_id);
    return error_set(err, STATUS_INVALID, "--explain-cell: several rows are called so:%s%s", known,
                     used >= sizeof known - 40 ? " …" : "");
}

enum status cell_find_row(const struct cell *cell, struct report *r, const struct subject *subject,
                          uint32_t *group, struct error *err)
{
    size_t found = 0;

    report_rank_others(r);
    for (size_t i = 0; i < r->ranked_count; i++)
        if (report_identify(r, subject, r->ranked[i].group, err) != STATUS_OK)
            return err->status;
    for (size_t i = 0; i < r->ranked_count; i++)
        if (is_row(cell, r, i)) {
            *group = r->ranked[i].group;
            found++;
        }
    if (found > 1)
        return several_rows(cell, r, err);
    return found == 1 ? STATUS_OK : no_row(cell, r, err);
}
