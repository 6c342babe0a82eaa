/* The lifetimes of a block into chunks. */
#include "schema/lifetime.h"

#include <stdlib.h>

#include "schema/column.h"

enum { LIFE_UNIT_NS = 1000 }; /* what the kernel tells a life in */

struct encoding {
    const struct lifetime_chunks *out;
    struct lifetime_columns *columns;
    const struct build_shape *shape; /* these as in the columns */
    const struct process *const *processes;
    size_t count;
    size_t version_count;
    int64_t block_seq;
    struct string_numbers strings;
    uint32_t *id;   /* [text kind][version] */
    int64_t *field; /* scratch: one of each life, or of each version */
    uint8_t metric_state[TABLE_METRICS_MAX];
    struct byte_writer raw, frame, chunk;
};

static uint32_t ticks_before(const struct block_ticks *ticks, int64_t time_ns)
{
    uint32_t low = 0, high = ticks->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (ticks->start_ns[middle] < time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct lifetime_expected lifetime_expect(const struct process *process,
                                         const struct block_ticks *ticks)
{
    struct lifetime_expected e = { .ticks_before = ticks_before(ticks, process->start_ns) };
    bool ended = process->end_ns != NO_TIME;

    e.ticks_seen = ended ? ticks_before(ticks, process->end_ns) : ticks->count;
    if (e.ticks_seen > e.ticks_before)
        e.covered_ns[0] = wrap_subtract(ticks->start_ns[e.ticks_seen - 1], process->start_ns);
    else if (ended)
        e.reason[0] = MISSING_EXITED;
    e.covered_ns[1] = ended ? wrap_subtract(process->end_ns, process->start_ns) : e.covered_ns[0];
    if (ended && e.covered_ns[1] < INTERVAL_MIN_NS)
        e.covered_ns[1] = INTERVAL_MIN_NS;
    return e;
}

/* --- the columns --- */

enum status lifetime_columns_begin(struct lifetime_columns *columns,
                                   const struct process *const processes[], size_t count,
                                   const struct block_ticks *ticks,
                                   const struct build_shape *rollup_shape, struct error *err)
{
    struct lifetime_columns *c = columns;

    if (count > c->size || build_less_room(c->size, count) < c->size) {
        size_t more = count + count / 4;

        lifetime_columns_release(c);
        c->expected = malloc(more * sizeof *c->expected);
        c->value = malloc(more * rollup_shape->column_count * sizeof *c->value);
        c->reason = malloc(more * rollup_shape->metric_count);
        if (c->expected == NULL || c->value == NULL || c->reason == NULL) {
            lifetime_columns_release(c);
            return error_set(err, STATUS_NO_MEMORY, "lifetimes");
        }
        c->size = more;
    }
    c->processes = processes;
    c->count = count;
    c->ticks = ticks;
    c->shape = rollup_shape;
    if (count == 0)
        return STATUS_OK;
    memset(c->value, 0, count * rollup_shape->column_count * sizeof *c->value);
    memset(c->reason, MISSING_NOT_SAMPLED, count * rollup_shape->metric_count);
    for (size_t i = 0; i < count; i++)
        c->expected[i] = lifetime_expect(processes[i], ticks);
    return STATUS_OK;
}

void lifetime_columns_release(struct lifetime_columns *columns)
{
    free(columns->expected);
    free(columns->value);
    free(columns->reason);
    *columns = (struct lifetime_columns){ 0 };
}

/* Of a counter's largest rate: ticks after the start, for the ms of other rollups. */
static int64_t ticks_after_start(const struct lifetime_columns *c, const struct rollup_cell *cell,
                                 const struct lifetime_expected *expected)
{
    int64_t at_ns = wrap_add(c->ticks->start_ns[0], cell->rate_max_at_ns);
    uint32_t first = expected->ticks_before;

    if (cell->rate_max == 0 || (first < c->ticks->count && c->ticks->start_ns[first] == at_ns))
        return 0; /* as of most */
    return (int64_t)ticks_before(c->ticks, at_ns) - first;
}

void lifetime_columns_put(struct lifetime_columns *columns, size_t life,
                          const struct rollup_cell cells[])
{
    const struct build_shape *shape = columns->shape;
    const struct lifetime_expected *expected = &columns->expected[life];

    for (unsigned m = 0; m < shape->metric_count; m++) {
        unsigned first = shape->first_column[m];
        enum metric_kind kind = (enum metric_kind)shape->column[first].kind;
        int64_t *value = columns->value + first * columns->count + life;
        bool counter = kind == METRIC_COUNTER;
        int64_t part[PART_COUNT];

        columns->reason[m * columns->count + life] =
            cells[m].present ? MISSING_NONE : cells[m].reason;
        if (!cells[m].present)
            continue;
        rollup_cell_to_parts(kind, &cells[m], expected->covered_ns[counter], 0, part);
        if (counter)
            part[PART_RATE_MAX_AT] = ticks_after_start(columns, &cells[m], expected);
        for (unsigned q = 0; q < metric_part_count(kind); q++)
            value[q * columns->count] = part[q];
    }
}

/* --- chunks --- */

static enum status emit(struct encoding *e, uint32_t table_id, uint32_t column_id,
                        struct error *err)
{
    struct chunk_place place = {
        .level = 0, .table_id = table_id, .block_seq = e->block_seq, .column_id = column_id
    };

    bytes_reset(&e->frame);
    bytes_reset(&e->chunk);
    if (e->raw.full)
        return error_set(err, STATUS_NO_MEMORY, "lifetimes");
    if (compress_frame(e->out->compressor, COMPRESS_SEAL, e->raw.data, e->raw.used, &e->frame,
                       err) != STATUS_OK)
        return err->status;
    chunk_put(&e->chunk, &place, &e->frame, NULL, 0, NULL);
    if (e->chunk.full)
        return error_set(err, STATUS_NO_MEMORY, "lifetimes");
    return e->out->sink(e->out->sink_context, &place, &e->chunk, err);
}

/* --- strings --- */

static void number_strings(struct encoding *e)
{
    for (size_t t = 0; t < PROCESS_TEXT_COUNT; t++) {
        uint32_t *id = e->id + t * e->version_count;

        for (size_t i = 0; i < e->count; i++)
            for (size_t k = 0; k < e->processes[i]->version_count; k++)
                *id++ = strings_number(&e->strings, &e->processes[i]->versions[k].text[t]);
    }
}

/* Texts kind by kind in order of first use: their numbers mostly ascend by one. */
static enum status put_strings(struct encoding *e, struct error *err)
{
    size_t texts;

    for (size_t i = 0; i < e->count; i++)
        e->version_count += e->processes[i]->version_count;
    texts = e->version_count * PROCESS_TEXT_COUNT;
    e->id = malloc((texts + 1) * sizeof *e->id);
    if (e->id == NULL)
        return error_set(err, STATUS_NO_MEMORY, "strings of lifetimes");
    if (strings_begin(&e->strings, texts, err) != STATUS_OK)
        return err->status;
    number_strings(e);
    bytes_reset(&e->raw);
    strings_put(&e->strings, &e->raw);
    return emit(e, STRING_TABLE, COLUMN_DIRECTORY, err);
}

/* --- who they were, and what they were called --- */

static int64_t who_field(const struct process *p, unsigned field, int64_t unit_ns)
{
    int64_t length;

    switch (field) {
    case LIFETIME_PROCESS_ID:
        return p->process_id;
    case LIFETIME_SESSION_ID:
        return p->session_id;
    case LIFETIME_PID:
        return p->pid;
    case LIFETIME_PPID:
        return p->ppid;
    case LIFETIME_START_TICKS:
        return (int64_t)p->start_ticks;
    case LIFETIME_START_REST:
        return (int64_t)((uint64_t)p->start_ns - p->start_ticks * START_TICK_NS);
    case LIFETIME_LENGTH:
        if (p->end_ns == NO_TIME)
            return 0;
        length = wrap_subtract(p->end_ns, p->start_ns) / unit_ns;
        return length < 0 ? length : length + 1;
    case LIFETIME_EXIT_CODE:
        return p->exit_code;
    case LIFETIME_HOW:
        return p->how;
    case LIFETIME_FLAGS:
        return p->flags;
    default:
        return (int64_t)p->version_count;
    }
}

/* Whole microseconds, if that is what all lives last. */
static int64_t life_unit(const struct encoding *e)
{
    for (size_t i = 0; i < e->count; i++) {
        const struct process *p = e->processes[i];

        if (p->end_ns != NO_TIME && wrap_subtract(p->end_ns, p->start_ns) % LIFE_UNIT_NS != 0)
            return 1;
    }
    return LIFE_UNIT_NS;
}

static enum status put_who(struct encoding *e, struct error *err)
{
    int64_t unit_ns = life_unit(e);

    bytes_reset(&e->raw);
    bytes_put_varint(&e->raw, e->count);
    bytes_put_varint(&e->raw, e->shape->metric_count);
    bytes_put(&e->raw, e->metric_state, e->shape->metric_count);
    bytes_put_varint(&e->raw, (uint64_t)unit_ns);
    for (unsigned field = 0; field < LIFETIME_FIELD_COUNT; field++) {
        int64_t last = 0;

        for (size_t i = 0; i < e->count; i++) {
            int64_t value = who_field(e->processes[i], field, unit_ns);

            e->field[i] = wrap_subtract(value, last);
            if (lifetime_ascends(field))
                last = value;
        }
        column_encode(e->field, e->count, &e->raw);
    }
    return emit(e, LIFETIME_TABLE, LIFETIME_WHO, err);
}

static int64_t called_field(const struct encoding *e, const struct process *p,
                            const struct version *v, size_t row, unsigned field)
{
    switch (field) {
    case LIFETIME_FROM:
        return wrap_subtract(v->from_ns, p->start_ns);
    case LIFETIME_UID:
        return v->uid_known ? (int64_t)v->uid + 1 : 0;
    case LIFETIME_CMDLINE_LENGTH: /* longer than the text only where that was cut */
        return (int64_t)v->cmdline_length - v->text[PROCESS_CMDLINE].size;
    case LIFETIME_CMDLINE_HASH:
        return (int64_t)v->cmdline_hash;
    default:
        return e->id[(field - LIFETIME_TEXT) * e->version_count + row];
    }
}

static enum status put_called(struct encoding *e, struct error *err)
{
    bytes_reset(&e->raw);
    bytes_put_varint(&e->raw, e->version_count);
    for (unsigned field = 0; field < LIFETIME_CALLED_COUNT; field++) {
        size_t row = 0;

        for (size_t i = 0; i < e->count; i++) {
            const struct process *p = e->processes[i];

            for (size_t k = 0; k < p->version_count; k++, row++)
                e->field[row] = called_field(e, p, &p->versions[k], row, field);
        }
        column_encode(e->field, row, &e->raw);
    }
    return emit(e, LIFETIME_TABLE, LIFETIME_CALLED, err);
}

/* --- metrics --- */

/*
 * What ends earlier than expected mostly does so at a tick, as it is read less often: then the ticks
 * between, times two; else the ns, times two and one. False if those are too many.
 */
static bool count_ticks(const struct lifetime_columns *e, int64_t part[], const uint8_t reason[])
{
    const int64_t most = INT64_MAX / 4;

    for (size_t i = 0; i < e->count; i++)
        if (part[i] > most || part[i] < -most)
            return false;
    for (size_t i = 0; i < e->count; i++) {
        const struct lifetime_expected *expected = &e->expected[i];
        int64_t until_ns =
            wrap_add(e->processes[i]->start_ns, wrap_subtract(expected->covered_ns[0], part[i]));
        uint32_t at;

        if (reason[i] != MISSING_NONE || (part[i] == 0 && expected->ticks_seen > 0 &&
                                          e->ticks->start_ns[expected->ticks_seen - 1] == until_ns))
            continue; /* as expected: no ticks between */
        at = ticks_before(e->ticks, until_ns);
        part[i] = at < expected->ticks_seen && e->ticks->start_ns[at] == until_ns
                      ? ((int64_t)expected->ticks_seen - 1 - at) * 2
                      : part[i] * 2 + 1;
    }
    return true;
}

/* What is to be said of a metric without a chunk, or 0. */
static uint8_t metric_state(const int64_t values[], size_t value_count, const uint8_t reason[],
                            size_t count)
{
    int64_t any = 0;

    for (size_t i = 1; i < count; i++)
        if (reason[i] != reason[0])
            return 0;
    if (reason[0] != MISSING_NONE)
        return (uint8_t)(2 + reason[0]);
    for (size_t i = 0; i < value_count; i++)
        any |= values[i];
    return any == 0;
}

static enum status put_metric(struct encoding *e, unsigned metric, struct error *err)
{
    unsigned first = e->shape->first_column[metric];
    enum metric_kind kind = (enum metric_kind)e->shape->column[first].kind;
    unsigned parts = metric_part_count(kind);
    int64_t *value = e->columns->value + first * e->count;
    uint8_t *reason = e->columns->reason + metric * e->count;

    e->metric_state[metric] = metric_state(value, parts * e->count, reason, e->count);
    if (e->metric_state[metric] != 0)
        return STATUS_OK;
    bytes_reset(&e->raw);
    bytes_put_u8(&e->raw, kind != METRIC_COUNTER &&
                              count_ticks(e->columns, value + PART_UNCOVERED * e->count, reason));
    for (size_t i = 0; i < e->count; i++)
        reason[i] ^= e->columns->expected[i].reason[kind == METRIC_COUNTER];
    bytes_put(&e->raw, reason, e->count);
    for (unsigned q = 0; q < parts; q++)
        column_encode(value + q * e->count, e->count, &e->raw);
    return emit(e, LIFETIME_TABLE, LIFETIME_METRICS_AT + e->shape->column[first].column_id, err);
}

static enum status put_metrics(struct encoding *e, struct error *err)
{
    for (unsigned m = 0; m < e->shape->metric_count; m++)
        if (put_metric(e, m, err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

static enum status encode(struct encoding *e, struct error *err)
{
    if (put_strings(e, err) != STATUS_OK)
        return err->status;
    e->field = malloc((e->count + e->version_count) * sizeof *e->field);
    if (e->field == NULL)
        return error_set(err, STATUS_NO_MEMORY, "lifetimes");
    if (put_metrics(e, err) != STATUS_OK || put_who(e, err) != STATUS_OK)
        return err->status;
    return put_called(e, err);
}

enum status lifetimes_encode(const struct lifetime_chunks *out, int64_t block_seq,
                             struct lifetime_columns *columns, struct error *err)
{
    struct encoding e = { .out = out,
                          .columns = columns,
                          .shape = columns->shape,
                          .processes = columns->processes,
                          .count = columns->count,
                          .block_seq = block_seq };
    enum status st;

    if (e.count == 0)
        return STATUS_OK;
    st = encode(&e, err);
    columns->count = 0;
    strings_release(&e.strings);
    free(e.id);
    free(e.field);
    bytes_release(&e.raw);
    bytes_release(&e.frame);
    bytes_release(&e.chunk);
    return st;
}

/* Whether the values that the series ends with, those of its last sample, follow from the cell. */
static bool tells_last(const struct series_changes *changes, unsigned c,
                       const struct rollup_cell *cell)
{
    const struct build *build = changes->build;
    size_t at = changes->index * build->shape->column_count + c;
    bool counter = build->shape->column[c].kind == METRIC_COUNTER;

    if (!cell->present)
        return build->missing[at] == cell->reason && (!counter || build->value[at] == 0);
    return counter ? build->missing[at] == MISSING_NONE && build->value[at] == cell->increase
                   : build->missing[at] == MISSING_EXITED;
}

void lifetime_tells(const struct series_changes *changes, const struct process *process,
                    const struct rollup_cell cells[], struct series_told *told)
{
    const struct build_shape *shape = changes->build->shape;
    const struct series *s = &changes->series->series;
    const uint8_t whole = SERIES_FIRST | SERIES_BORN | SERIES_ENDED;
    int64_t any = 0;

    told->all =
        s->flags == whole && s->start_ns == process->start_ns && s->end_ns == process->end_ns;
    for (unsigned c = 0; told->all && c < shape->column_count; c++) {
        const struct rollup_cell *cell = &cells[shape->column[c].metric];

        told->all = tells_last(changes, c, cell);
        told->base[c] = shape->column[c].kind != METRIC_COUNTER && cell->present ? cell->last : 0;
        any |= told->base[c];
    }
    /* Changes that are to begin with other values have to begin at the first sample. */
    told->all = told->all && (any == 0 || (changes->count > 0 && changes->sample[0] == 0));
}
