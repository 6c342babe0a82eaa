/*
 * Chunks into the lifetimes of a block. Every count read here comes from a file that may be damaged
 * or hostile: each is bounded before it is used.
 */
#include <stdlib.h>

#include "schema/column.h"
#include "schema/lifetime.h"

enum { LIFETIME_FRAME_MAX = 1 << 27 };

static enum status corrupt(const struct lifetime_source *from, uint32_t column, const char *what,
                           struct error *err)
{
    return error_set(err, STATUS_CORRUPT, "lifetimes of block %lld, column %u: %s",
                     (long long)from->block_seq, column, what);
}

/* The content of one chunk's base frame. */
static enum status fetch(struct lifetime_source *from, uint32_t table_id, uint32_t column,
                         struct byte_reader *r, struct error *err)
{
    struct chunk_place place = {
        .level = 0, .table_id = table_id, .block_seq = from->block_seq, .column_id = column
    };
    const uint8_t *data = NULL;
    size_t size = 0;
    struct chunk chunk;
    enum status st = from->source(from->source_context, &place, &data, &size, err);

    from->chunk_count += st == STATUS_OK;
    if (st == STATUS_OK)
        st = chunk_get(&chunk, &place, data, size, err);
    if (st == STATUS_OK)
        st = decompress_frame(from->d, chunk.base, chunk.base_size, LIFETIME_FRAME_MAX, r, err);
    return st == STATUS_CORRUPT ? corrupt(from, column, "damaged chunk", err) : st;
}

/* --- who they were --- */

static void set_who(struct process *p, unsigned field, int64_t value, int64_t unit_ns)
{
    uint64_t length;

    switch (field) {
    case LIFETIME_PROCESS_ID:
        p->process_id = value;
        break;
    case LIFETIME_SESSION_ID:
        p->session_id = value;
        break;
    case LIFETIME_PID:
        p->pid = (int32_t)value;
        break;
    case LIFETIME_PPID:
        p->ppid = (int32_t)value;
        break;
    case LIFETIME_START_TICKS:
        p->start_ticks = (uint64_t)value;
        break;
    case LIFETIME_START_REST:
        p->start_ns = (int64_t)((uint64_t)value + p->start_ticks * START_TICK_NS);
        break;
    case LIFETIME_LENGTH:
        length = (uint64_t)(value > 0 ? value - 1 : value) * (uint64_t)unit_ns;
        p->end_ns = value == 0 ? NO_TIME : (int64_t)((uint64_t)p->start_ns + length);
        break;
    case LIFETIME_EXIT_CODE:
        p->exit_code = (int32_t)value;
        break;
    case LIFETIME_HOW:
        p->how = (uint8_t)value;
        break;
    case LIFETIME_FLAGS:
        p->flags = (uint32_t)value;
        break;
    default:
        p->version_count = value < 0 ? SIZE_MAX : (size_t)value;
        break;
    }
}

static enum status get_fields(struct lifetime_source *from, struct lifetime_who *who,
                              struct byte_reader *r, int64_t unit_ns, struct error *err)
{
    for (unsigned field = 0; field < LIFETIME_FIELD_COUNT; field++) {
        int64_t value = 0;

        if (column_decode(r, from->scratch, who->count, err) != STATUS_OK)
            return corrupt(from, LIFETIME_WHO, "planes", err);
        for (size_t i = 0; i < who->count; i++) {
            value = wrap_add(from->scratch[i], lifetime_ascends(field) ? value : 0);
            set_who(&who->process[i], field, value, unit_ns);
        }
    }
    if (r->overrun || bytes_left(r) != 0)
        return corrupt(from, LIFETIME_WHO, "its length is wrong", err);
    for (size_t i = 0; i < who->count; i++)
        if (who->process[i].version_count > PROCESS_VERSIONS_MAX ||
            (i > 0 && who->process[i].process_id <= who->process[i - 1].process_id))
            return corrupt(from, LIFETIME_WHO, "impossible rows", err);
    return STATUS_OK;
}

enum status lifetime_who_decode(struct lifetime_source *from, struct lifetime_who *who,
                                struct error *err)
{
    struct byte_reader r;
    uint64_t count, metrics;
    const uint8_t *state;
    enum status st = fetch(from, LIFETIME_TABLE, LIFETIME_WHO, &r, err);

    *who = (struct lifetime_who){ 0 };
    if (st != STATUS_OK)
        return st;
    count = bytes_get_varint(&r);
    metrics = bytes_get_varint(&r);
    if (count == 0 || count > LIFETIMES_MAX || count > r.size || metrics > TABLE_METRICS_MAX)
        return corrupt(from, LIFETIME_WHO, "number of rows", err);
    state = bytes_get(&r, (size_t)metrics);
    if (state == NULL)
        return corrupt(from, LIFETIME_WHO, "cut short", err);
    who->count = (size_t)count;
    who->metric_count = (unsigned)metrics;
    memcpy(who->metric_state, state, metrics);
    who->process = calloc(who->count, sizeof *who->process);
    free(from->scratch);
    from->scratch = malloc(who->count * sizeof *from->scratch);
    if (who->process == NULL || from->scratch == NULL)
        return error_set(err, STATUS_NO_MEMORY, "lifetimes");
    return get_fields(from, who, &r, (int64_t)bytes_get_varint(&r), err);
}

/* --- metrics --- */

enum status lifetime_metric_decode(struct lifetime_source *from, const struct lifetime_who *who,
                                   unsigned metric, unsigned part_count, int64_t parts[],
                                   uint8_t reason[], bool *ticks, struct error *err)
{
    uint32_t column = LIFETIME_METRICS_AT + metric_column_id(metric, PART_LAST);
    const uint8_t *stored;
    struct byte_reader r;
    enum status st = fetch(from, LIFETIME_TABLE, column, &r, err);

    if (st != STATUS_OK)
        return st == STATUS_ABSENT ? corrupt(from, column, "it is missing", err) : st;
    *ticks = bytes_get_u8(&r) != 0;
    stored = bytes_get(&r, who->count);
    if (stored == NULL)
        return corrupt(from, column, "cut short", err);
    memcpy(reason, stored, who->count);
    for (unsigned q = 0; q < part_count; q++)
        if (column_decode(&r, parts + q * who->count, who->count, err) != STATUS_OK)
            return corrupt(from, column, "planes", err);
    if (part_count > 1 && bytes_left(&r) != 0) /* else only the first part was asked for */
        return corrupt(from, column, "its length is wrong", err);
    return STATUS_OK;
}

struct decoding {
    struct lifetime_source from;
    struct lifetime_who who;
    struct lifetimes *to;
    const struct block_ticks *ticks;
    struct text *strings;
    size_t string_count;
    struct lifetime_expected *expected; /* [count] */
    int64_t *part;                      /* [part][count] */
    uint8_t *reason;
};

/* Part 1 of a gauge or state in ns, where it may count ticks. */
static int64_t uncovered_ns(const struct decoding *e, size_t i, int64_t part,
                            const struct lifetime_expected *expected)
{
    int64_t at = (int64_t)expected->ticks_seen - 1 - part / 2, covered_ns = 0;

    if (part & 1)
        return part >> 1;
    if (at >= 0 && at < e->ticks->count)
        covered_ns = wrap_subtract(e->ticks->start_ns[at], e->to->process[i].start_ns);
    return wrap_subtract(expected->covered_ns[0], covered_ns);
}

/* One metric of all lives into cells. */
static void set_cells(struct decoding *e, const struct build_shape *shape, unsigned metric,
                      bool ticks)
{
    enum metric_kind kind = (enum metric_kind)shape->column[shape->first_column[metric]].kind;
    bool counter = kind == METRIC_COUNTER;

    for (size_t i = 0; i < e->who.count; i++) {
        const struct lifetime_expected *expected = &e->expected[i];
        struct rollup_cell *cell = &e->to->cell[i * shape->metric_count + metric];
        int64_t part[PART_COUNT] = { 0 }, at;
        uint8_t reason = e->reason[i] ^ expected->reason[counter];

        *cell = (struct rollup_cell){ .present = reason == MISSING_NONE, .reason = reason };
        if (!cell->present)
            continue;
        for (unsigned q = 0; q < metric_part_count(kind); q++)
            part[q] = e->part[q * e->who.count + i];
        if (ticks && !counter)
            part[PART_UNCOVERED] = uncovered_ns(e, i, part[PART_UNCOVERED], expected);
        rollup_cell_from_parts(kind, part, expected->covered_ns[counter], 0, cell);
        if (!counter)
            continue;
        at = wrap_add(part[PART_RATE_MAX_AT], expected->ticks_before);
        cell->rate_max_at_ns = cell->rate_max != 0 && at >= 0 && at < e->ticks->count
                                   ? wrap_subtract(e->ticks->start_ns[at], e->ticks->start_ns[0])
                                   : 0;
    }
}

/* A metric without a chunk: missing in all for one reason, or there and 0. */
static void fill_constant(struct decoding *e, uint8_t state, bool counter)
{
    memset(e->part, 0, PART_COUNT * e->who.count * sizeof *e->part);
    for (size_t i = 0; i < e->who.count; i++)
        e->reason[i] =
            (state == 1 ? MISSING_NONE : (uint8_t)(state - 2)) ^ e->expected[i].reason[counter];
}

static enum status get_cells(struct decoding *e, const struct build_shape *shape, struct error *err)
{
    e->to->cell = calloc(e->who.count * shape->metric_count, sizeof *e->to->cell);
    e->part = malloc(e->who.count * PART_COUNT * sizeof *e->part);
    e->reason = malloc(e->who.count);
    e->expected = malloc(e->who.count * sizeof *e->expected);
    if (e->to->cell == NULL || e->part == NULL || e->reason == NULL || e->expected == NULL)
        return error_set(err, STATUS_NO_MEMORY, "lifetimes");
    for (size_t i = 0; i < e->who.count; i++)
        e->expected[i] = lifetime_expect(&e->to->process[i], e->ticks);
    for (unsigned m = 0; m < shape->metric_count; m++) {
        enum metric_kind kind = (enum metric_kind)shape->column[shape->first_column[m]].kind;
        uint8_t state = m < e->who.metric_count ? e->who.metric_state[m] : 2 + MISSING_UNSUPPORTED;

        bool ticks = false;

        if (state >= 2 + MISSING_COUNT)
            return corrupt(&e->from, LIFETIME_WHO, "an unknown metric state", err);
        if (state != 0)
            fill_constant(e, state, kind == METRIC_COUNTER);
        else if (lifetime_metric_decode(&e->from, &e->who, m, metric_part_count(kind), e->part,
                                        e->reason, &ticks, err) != STATUS_OK)
            return err->status;
        set_cells(e, shape, m, ticks);
    }
    return STATUS_OK;
}

/* --- what they were called --- */

static enum status get_strings(struct decoding *e, struct error *err)
{
    struct lifetime_source *from = &e->from;
    struct byte_reader r;
    enum status st = fetch(from, STRING_TABLE, COLUMN_DIRECTORY, &r, err);

    if (st != STATUS_OK)
        return st == STATUS_ABSENT ? corrupt(from, 0, "its strings are missing", err) : st;
    e->to->strings = malloc(r.size + 1);
    if (e->to->strings == NULL)
        return error_set(err, STATUS_NO_MEMORY, "strings");
    memcpy(e->to->strings, r.data, r.size);
    e->to->strings_size = r.size;
    r.data = e->to->strings;
    st = strings_get(&r, &e->strings, &e->string_count, err);
    if (st == STATUS_CORRUPT)
        return corrupt(from, 0, "its strings", err);
    if (st == STATUS_OK && bytes_left(&r) != 0)
        return corrupt(from, 0, "strings do not fill their chunk", err);
    return st;
}

static bool set_called(struct decoding *e, struct version *v, const struct process *p,
                       unsigned field, int64_t value)
{
    switch (field) {
    case LIFETIME_FROM:
        v->from_ns = wrap_add(p->start_ns, value);
        return true;
    case LIFETIME_UID:
        if (value < 0 || value > (int64_t)UINT32_MAX + 1)
            return false;
        v->uid_known = value != 0;
        v->uid = (uint32_t)(value - (value != 0));
        return true;
    case LIFETIME_CMDLINE_LENGTH: /* the text's own size is added when that is known */
        v->cmdline_length = (uint32_t)value;
        return true;
    case LIFETIME_CMDLINE_HASH:
        v->cmdline_hash = (uint64_t)value;
        return true;
    default:
        if (value < 0 || (uint64_t)value > e->string_count)
            return false;
        if (value > 0)
            v->text[field - LIFETIME_TEXT] = e->strings[value - 1];
        if (field - LIFETIME_TEXT == PROCESS_CMDLINE)
            v->cmdline_length += v->text[PROCESS_CMDLINE].size;
        return true;
    }
}

static enum status allocate_versions(struct decoding *e, struct error *err)
{
    struct lifetimes *to = e->to;
    int64_t *scratch;
    size_t at = 0;

    for (size_t i = 0; i < to->count; i++)
        to->version_count += to->process[i].version_count;
    to->version = calloc(to->version_count + 1, sizeof *to->version);
    scratch = realloc(e->from.scratch, (to->version_count + 1) * sizeof *scratch);
    if (scratch != NULL)
        e->from.scratch = scratch;
    if (to->version == NULL || scratch == NULL)
        return error_set(err, STATUS_NO_MEMORY, "lifetimes");
    for (size_t i = 0; i < to->count; i++) {
        to->process[i].versions = to->version + at;
        at += to->process[i].version_count;
    }
    return STATUS_OK;
}

static enum status get_versions(struct decoding *e, struct error *err)
{
    struct lifetimes *to = e->to;
    struct byte_reader r;
    enum status st = fetch(&e->from, LIFETIME_TABLE, LIFETIME_CALLED, &r, err);
    uint64_t rows = 0, count;

    if (st != STATUS_OK)
        return st == STATUS_ABSENT ? corrupt(&e->from, LIFETIME_CALLED, "it is missing", err) : st;
    for (size_t i = 0; i < to->count; i++)
        rows += to->process[i].version_count;
    count = bytes_get_varint(&r);
    if (count != rows || rows > r.size)
        return corrupt(&e->from, LIFETIME_CALLED, "number of rows", err);
    if (allocate_versions(e, err) != STATUS_OK)
        return err->status;
    for (unsigned field = 0; field < LIFETIME_CALLED_COUNT; field++) {
        size_t row = 0;

        if (column_decode(&r, e->from.scratch, to->version_count, err) != STATUS_OK)
            return corrupt(&e->from, LIFETIME_CALLED, "planes", err);
        for (size_t i = 0; i < to->count; i++)
            for (size_t k = 0; k < to->process[i].version_count; k++)
                if (!set_called(e, &to->process[i].versions[k], &to->process[i], field,
                                e->from.scratch[row++]))
                    return corrupt(&e->from, LIFETIME_CALLED, "a string or user that is not there",
                                   err);
    }
    return bytes_left(&r) == 0 ? STATUS_OK
                               : corrupt(&e->from, LIFETIME_CALLED, "its length is wrong", err);
}

enum status lifetimes_decode(struct lifetimes *lifetimes, int64_t block_seq,
                             const struct block_ticks *ticks,
                             const struct build_shape *rollup_shape, chunk_source *source,
                             void *source_context, struct decompressor *d, struct error *err)
{
    struct decoding e = { .from = { .block_seq = block_seq,
                                    .source = source,
                                    .source_context = source_context,
                                    .d = d },
                          .to = lifetimes,
                          .ticks = ticks };
    enum status st;

    *lifetimes = (struct lifetimes){ 0 };
    st = lifetime_who_decode(&e.from, &e.who, err);
    lifetimes->process = e.who.process;
    lifetimes->count = st == STATUS_OK ? e.who.count : 0;
    if (st == STATUS_OK)
        st = get_strings(&e, err);
    if (st == STATUS_OK)
        st = get_versions(&e, err);
    if (st == STATUS_OK && rollup_shape != NULL)
        st = get_cells(&e, rollup_shape, err);
    lifetimes->chunk_count = e.from.chunk_count;
    free(e.from.scratch);
    free(e.strings);
    free(e.expected);
    free(e.part);
    free(e.reason);
    return st;
}

void lifetimes_release(struct lifetimes *lifetimes)
{
    free(lifetimes->process);
    free(lifetimes->version);
    free(lifetimes->strings);
    free(lifetimes->cell);
    *lifetimes = (struct lifetimes){ 0 };
}
