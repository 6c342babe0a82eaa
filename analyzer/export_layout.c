/* The columns of an exported samples table, and the cells that say whose row it is. */
#include <stdlib.h>
#include <string.h>

#include "analyzer/export_rows.h"

static int exponent_of(int64_t scale)
{
    for (int k = 0; k < 19; k++)
        if ((uint64_t)scale == decimal_powers[k])
            return k;
    return -1;
}

static enum status split_labels(struct export_metric *m, struct error *err)
{
    const char *at = m->metric->labels;

    m->label_count = 1;
    for (const char *c = at; *c != '\0'; c++)
        m->label_count += *c == ',';
    m->label = calloc(m->label_count, sizeof *m->label);
    if (m->label == NULL)
        return error_set(err, STATUS_NO_MEMORY, "labels of %s", m->metric->name);
    for (size_t i = 0; i < m->label_count; i++) {
        size_t size = strcspn(at, ",");

        m->label[i] = (struct text){ at, (uint32_t)size };
        at += size + (at[size] == ',');
    }
    if (*m->metric->labels == '\0')
        m->label_count = 0;
    return STATUS_OK;
}

enum status export_layout_add(struct export_layout *layout, const char *name, const char *suffix,
                              enum output_type type, enum output_human human, int exponent,
                              struct error *err)
{
    size_t size = strlen(name) + strlen(suffix) + 1;
    char *whole = malloc(size);

    if (layout->count == layout->size) {
        size_t more = layout->size * 2 + 16;
        struct output_column *columns = realloc(layout->column, more * sizeof *columns);
        char **names = columns == NULL ? NULL : realloc(layout->name, more * sizeof *names);

        if (columns != NULL)
            layout->column = columns;
        if (names != NULL) {
            layout->name = names;
            layout->size = more;
        }
    }
    if (whole == NULL || layout->count == layout->size) {
        free(whole);
        return error_set(err, STATUS_NO_MEMORY, "columns of %s", layout->table->name);
    }
    (void)snprintf(whole, size, "%s%s", name, suffix);
    layout->name[layout->count] = whole;
    layout->column[layout->count++] = (struct output_column){ whole, type, human, exponent };
    return STATUS_OK;
}

enum status export_layout_metric(struct export_layout *layout, size_t metric, const char *suffix,
                                 struct error *err)
{
    const struct export_metric *m = &layout->metric[metric];
    bool bytes = strcmp(m->metric->unit, "bytes") == 0;
    bool state = m->metric->kind == METRIC_STATE;

    return export_layout_add(layout, m->metric->name, suffix,
                             state             ? OUTPUT_TEXT
                             : m->exponent > 0 ? OUTPUT_DECIMAL
                                               : OUTPUT_INTEGER,
                             bytes ? HUMAN_BYTES : HUMAN_PLAIN, m->exponent > 0 ? m->exponent : 0,
                             err);
}

/* process_id,pid,comm for a process; entity_id,KIND for anything else; a second key's end in 2. */
static enum status add_identity(struct export_layout *layout, int key, struct error *err)
{
    enum entity_kind kind = layout->table->key[key];
    const char *suffix =
        key == 1 && layout->table->key[0] != ENTITY_PROCESS && kind != ENTITY_PROCESS ? "2" : "";

    if (kind == ENTITY_NONE)
        return STATUS_OK;
    if (kind != ENTITY_PROCESS) {
        if (export_layout_add(layout, "entity_id", suffix, OUTPUT_INTEGER, HUMAN_PLAIN, 0, err) !=
            STATUS_OK)
            return err->status;
        return export_layout_add(layout, entity_kind_name(kind), suffix, OUTPUT_TEXT, HUMAN_PLAIN,
                                 0, err);
    }
    if (export_layout_add(layout, "process_id", suffix, OUTPUT_INTEGER, HUMAN_PLAIN, 0, err) !=
            STATUS_OK ||
        export_layout_add(layout, "pid", suffix, OUTPUT_INTEGER, HUMAN_PLAIN, 0, err) != STATUS_OK)
        return err->status;
    return export_layout_add(layout, "comm", suffix, OUTPUT_TEXT, HUMAN_PLAIN, 0, err);
}

enum status export_layout_init(struct export_layout *layout, const struct recording_table *table,
                               struct error *err)
{
    *layout = (struct export_layout){ .table = table };
    for (size_t m = 0; m < table->metric_count; m++) {
        struct export_metric *metric = &layout->metric[m];

        metric->metric = &table->metrics[m];
        metric->exponent = exponent_of(table->metrics[m].scale);
        if (split_labels(metric, err) != STATUS_OK)
            return err->status;
    }
    if (export_layout_add(layout, "time", "", OUTPUT_TIME, HUMAN_TIME, 0, err) != STATUS_OK ||
        export_layout_add(layout, "time_ns", "", OUTPUT_INTEGER, HUMAN_PLAIN, 0, err) != STATUS_OK)
        return err->status;
    layout->identity_at = layout->count;
    for (int key = 0; key < 2; key++)
        if (add_identity(layout, key, err) != STATUS_OK)
            return err->status;
    layout->metric_at = layout->count;
    return STATUS_OK;
}

void export_layout_release(struct export_layout *layout)
{
    for (size_t i = 0; i < TABLE_METRICS_MAX; i++)
        free(layout->metric[i].label);
    for (size_t i = 0; i < layout->count; i++)
        free(layout->name[i]);
    free(layout->name);
    free(layout->column);
    *layout = (struct export_layout){ 0 };
}

void export_value(const struct export_metric *metric, int64_t value, char digits[],
                  struct output_cell *cell)
{
    *cell = (struct output_cell){ .integer = value };
    if (metric->metric->kind == METRIC_STATE) {
        bool known = value >= 0 && (uint64_t)value < metric->label_count;

        cell->text = known ? metric->label[value].data : digits;
        cell->text_size =
            known ? metric->label[value].size : (size_t)(decimal_put_i64(digits, value) - digits);
    } else if (metric->exponent < 0) {
        cell->missing = __builtin_mul_overflow(value, metric->metric->scale, &cell->integer);
    }
}

enum status export_identify(struct export *e, const struct export_slice *slice,
                            const struct recording_table *table, size_t series,
                            struct export_identity *identity, struct error *err)
{
    int key = table->key[0] == ENTITY_PROCESS ? 0 : 1;
    enum status st;

    *identity = (struct export_identity){ .of_process = table->key[key] == ENTITY_PROCESS };
    if (!identity->of_process)
        return STATUS_OK;
    st = recording_process(e->subject->recording, slice->block,
                           slice->table->series[series].key[key], &identity->process, err);
    if (st != STATUS_OK)
        identity->process = NULL;
    return export_damage(e, st, err);
}

static void put_text(struct output_cell *cell, const struct text *text)
{
    *cell = (struct output_cell){ .missing = text->data == NULL,
                                  .text = text->data,
                                  .text_size = text->size };
}

void export_identity_cells(const struct export *e, const struct export_layout *layout,
                           const struct series *series, const struct export_identity *identity,
                           const struct version *version, struct output_cell cells[])
{
    static const struct text unknown = { NULL, 0 };

    for (int key = 0; key < 2; key++) {
        enum entity_kind kind = layout->table->key[key];
        const struct recording_entity *entity;

        if (kind == ENTITY_NONE)
            continue;
        *cells++ = (struct output_cell){ .integer = series->key[key] };
        if (kind == ENTITY_PROCESS) {
            *cells++ = (struct output_cell){
                .missing = identity->process == NULL,
                .integer = identity->process == NULL ? 0 : identity->process->pid,
            };
            put_text(cells++, version == NULL ? &unknown : &version->text[PROCESS_COMM]);
            continue;
        }
        entity = recording_entity(e->subject->recording, series->key[key]);
        *cells++ = (struct output_cell){ .missing = entity == NULL,
                                         .text = entity == NULL ? NULL : entity->label,
                                         .text_size = entity == NULL ? 0 : strlen(entity->label) };
    }
}

static int64_t later(int64_t time_ns, int64_t by_ns)
{
    return (int64_t)((uint64_t)time_ns + (uint64_t)by_ns);
}

/* Moves *sample to the first at which another version is valid. */
static const struct version *version_run(const struct export_slice *slice, const struct series *s,
                                         const struct process *process, int64_t late_ns,
                                         uint32_t *sample, uint32_t end)
{
    const int64_t *tick_ns = slice->table->tick_ns + s->first;
    const struct version *version, *next;

    version =
        process == NULL ? NULL : process_version_at(process, later(tick_ns[*sample], late_ns));
    if (version == NULL || version + 1 == process->versions + process->version_count) {
        *sample = end;
        return version;
    }
    next = version + 1;
    while (*sample < end && later(tick_ns[*sample], late_ns) < next->from_ns)
        ++*sample;
    return version;
}

bool export_run_next(const struct export *e, const struct export_slice *slice, size_t series,
                     const struct export_identity *identity, int64_t late_ns,
                     struct export_run *run)
{
    const struct series *s = &slice->table->series[series];
    uint32_t end = s->first + s->count < slice->end_tick ? s->count
                   : slice->end_tick > s->first          ? slice->end_tick - s->first
                                                         : 0;

    if (!run->begun)
        run->end = slice->first_tick > s->first ? slice->first_tick - s->first : 0;
    run->begun = true;
    while (run->end < end) {
        run->first = run->end;
        run->version = version_run(slice, s, identity->process, late_ns, &run->end, end);
        if (!identity->of_process || select_all(e->select) ||
            (identity->process != NULL &&
             select_match(e->select, e->subject->recording, identity->process, run->version)))
            return true;
    }
    return false;
}
