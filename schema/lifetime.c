/*
 * Lifetimes: processes seen in one block only, as columns of that block. Each column is a chunk
 * without groups whose base frame is: varint row count, then a zigzag varint delta to the row
 * before, per row. Layout: schema/FORMAT.md, "Lifetimes".
 */
#include <stdlib.h>

#include "schema/chunk.h"
#include "schema/identity.h"

enum lifetime_column { /* stored: append only */
                       LIFETIME_PROCESS_ID = 1,
                       LIFETIME_SESSION_ID,
                       LIFETIME_PID,
                       LIFETIME_PPID,
                       LIFETIME_START_TICKS,
                       LIFETIME_START_NS, /* minus start_ticks * START_TICK_NS */
                       LIFETIME_END_NS,   /* ns after start, + 1; 0: not known */
                       LIFETIME_EXIT_CODE,
                       LIFETIME_HOW,
                       LIFETIME_FLAGS,
                       LIFETIME_VERSION_COUNT,
                       LIFETIME_ROW_COLUMNS,
                       /* one row per version of each process */
                       LIFETIME_FROM_NS = 32, /* ns after the process's start */
                       LIFETIME_UID,          /* + 1; 0: not known */
                       LIFETIME_CMDLINE_LENGTH,
                       LIFETIME_CMDLINE_HASH,
                       LIFETIME_TEXT, /* and PROCESS_TEXT_COUNT - 1 more: string number + 1; 0: not known */
                       LIFETIME_VERSION_END = LIFETIME_TEXT + PROCESS_TEXT_COUNT,
};

enum { START_TICK_NS = 10000000 };
enum { LIFETIMES_MAX = 1 << 22, STRINGS_BYTES_MAX = 1 << 27, LIFETIME_FRAME_MAX = 1 << 27 };

/* --- encoding --- */

struct string {
    struct text text;
    uint32_t *id; /* where its number goes */
};

struct encoding {
    const struct lifetime_chunks *out;
    unsigned metric_count;
    int64_t block_seq;
    const struct process *const *processes;
    size_t count, version_count;
    struct string *strings;
    size_t string_count;
    uint32_t *ids; /* [version][PROCESS_TEXT_COUNT] */
    struct byte_writer raw, frame, chunk;
};

static int by_text(const void *a, const void *b)
{
    const struct text *x = &((const struct string *)a)->text;
    const struct text *y = &((const struct string *)b)->text;
    uint32_t size = x->size < y->size ? x->size : y->size;
    int order = size == 0 ? 0 : memcmp(x->data, y->data, size);

    return order != 0 ? order : x->size < y->size ? -1 : x->size > y->size;
}

static enum status emit(struct encoding *e, uint32_t table_id, uint32_t column_id,
                        struct error *err)
{
    struct chunk_place place = {
        .level = 0, .table_id = table_id, .block_seq = e->block_seq, .column_id = column_id
    };
    struct byte_writer none = { 0 };

    bytes_reset(&e->frame);
    bytes_reset(&e->chunk);
    if (e->raw.full)
        return error_set(err, STATUS_NO_MEMORY, "lifetimes");
    if (compress_frame(e->out->compressor, COMPRESS_SEAL, e->raw.data, e->raw.used, &e->frame,
                       err) != STATUS_OK)
        return err->status;
    chunk_put(&e->chunk, &place, &e->frame, NULL, 0, &none);
    if (e->chunk.full)
        return error_set(err, STATUS_NO_MEMORY, "lifetimes");
    return e->out->sink(e->out->sink_context, &place, &e->chunk, err);
}

/* Number the distinct texts in sorted order and write them: varint count, lengths, bytes. */
static enum status put_strings(struct encoding *e, struct error *err)
{
    size_t distinct = 0;

    if (e->string_count > 1)
        qsort(e->strings, e->string_count, sizeof *e->strings, by_text);
    for (size_t i = 0; i < e->string_count; i++) {
        distinct += i == 0 || by_text(&e->strings[i - 1], &e->strings[i]) != 0;
        *e->strings[i].id = (uint32_t)distinct;
    }
    bytes_reset(&e->raw);
    bytes_put_varint(&e->raw, distinct);
    for (int bytes = 0; bytes < 2; bytes++)
        for (size_t i = 0; i < e->string_count; i++) {
            const struct text *text = &e->strings[i].text;

            if (i > 0 && *e->strings[i - 1].id == *e->strings[i].id)
                continue;
            if (bytes)
                bytes_put(&e->raw, text->data, text->size);
            else
                bytes_put_varint(&e->raw, text->size);
        }
    return emit(e, STRING_TABLE, COLUMN_DIRECTORY, err);
}

static enum status collect_strings(struct encoding *e, struct error *err)
{
    size_t v = 0;

    for (size_t i = 0; i < e->count; i++)
        e->version_count += e->processes[i]->version_count;
    e->strings = calloc(e->version_count * PROCESS_TEXT_COUNT + 1, sizeof *e->strings);
    e->ids = calloc(e->version_count * PROCESS_TEXT_COUNT + 1, sizeof *e->ids);
    if (e->strings == NULL || e->ids == NULL)
        return error_set(err, STATUS_NO_MEMORY, "strings of lifetimes");
    for (size_t i = 0; i < e->count; i++)
        for (size_t k = 0; k < e->processes[i]->version_count; k++, v++)
            for (size_t t = 0; t < PROCESS_TEXT_COUNT; t++) {
                const struct text *text = &e->processes[i]->versions[k].text[t];

                if (text->data != NULL)
                    e->strings[e->string_count++] =
                        (struct string){ *text, &e->ids[v * PROCESS_TEXT_COUNT + t] };
            }
    return put_strings(e, err);
}

static int64_t row_value(const struct process *p, unsigned column)
{
    switch (column) {
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
    case LIFETIME_START_NS: /* follows from the clock tick, but for what that rounded off */
        return (int64_t)((uint64_t)p->start_ns - p->start_ticks * START_TICK_NS);
    case LIFETIME_END_NS:
        return p->end_ns == NO_TIME ? 0
                                    : (int64_t)((uint64_t)p->end_ns - (uint64_t)p->start_ns + 1);
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

static int64_t version_value(const struct encoding *e, const struct process *p, size_t k,
                             size_t version, unsigned column)
{
    const struct version *v = &p->versions[k];

    switch (column) {
    case LIFETIME_FROM_NS:
        return (int64_t)((uint64_t)v->from_ns - (uint64_t)p->start_ns);
    case LIFETIME_UID:
        return v->uid_known ? (int64_t)v->uid + 1 : 0;
    case LIFETIME_CMDLINE_LENGTH:
        return v->cmdline_length;
    case LIFETIME_CMDLINE_HASH:
        return (int64_t)v->cmdline_hash;
    default:
        return e->ids[version * PROCESS_TEXT_COUNT + (column - LIFETIME_TEXT)];
    }
}

static enum status put_rows(struct encoding *e, struct error *err)
{
    for (unsigned c = 1; c < LIFETIME_VERSION_END; c++) {
        bool versions = c >= LIFETIME_FROM_NS;
        uint64_t last = 0;
        size_t v = 0;

        if (c >= LIFETIME_ROW_COLUMNS && !versions)
            continue;
        bytes_reset(&e->raw);
        bytes_put_varint(&e->raw, versions ? e->version_count : e->count);
        for (size_t i = 0; i < e->count; i++) {
            const struct process *p = e->processes[i];

            for (size_t k = 0; k < (versions ? p->version_count : 1); k++) {
                uint64_t value =
                    (uint64_t)(versions ? version_value(e, p, k, v++, c) : row_value(p, c));

                bytes_put_zigzag(&e->raw, (int64_t)(value - last));
                last = value;
            }
        }
        if (c == LIFETIME_PROCESS_ID) /* how many metrics the cells are of */
            bytes_put_varint(&e->raw, e->metric_count);
        if (emit(e, LIFETIME_TABLE, c, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

/*
 * Most metrics of a short life cover the same time, and are busiest at the same tick: those two
 * parts are kept as differences to the first present counter's, or the first present other's.
 * sign: UINT64_MAX to encode, 1 to decode.
 */
static void relate_to_first(const struct build_shape *shape, int64_t values[],
                            const uint8_t missing[], uint64_t sign)
{
    uint64_t uncovered[METRIC_GAUGE + 1], at = 0;
    bool seen[METRIC_GAUGE + 1] = { false };

    for (unsigned m = 0; m < shape->metric_count; m++) {
        unsigned first = shape->first_column[m];
        unsigned kind = shape->column[first].kind == METRIC_COUNTER ? METRIC_COUNTER : METRIC_GAUGE;
        int64_t *value = values + first;

        if (missing[first] != MISSING_NONE)
            continue;
        if (!seen[kind]) {
            seen[kind] = true;
            uncovered[kind] = (uint64_t)value[PART_UNCOVERED];
            at = kind == METRIC_COUNTER ? (uint64_t)value[PART_RATE_MAX_AT] : at;
            continue;
        }
        value[PART_UNCOVERED] = (int64_t)((uint64_t)value[PART_UNCOVERED] + sign * uncovered[kind]);
        if (kind == METRIC_COUNTER && value[PART_LAST] != 0)
            value[PART_RATE_MAX_AT] = (int64_t)((uint64_t)value[PART_RATE_MAX_AT] + sign * at);
    }
}

/*
 * The cells as rollup columns whose window covers nothing, and with running totals that start at
 * 0. A column that is 0 and present throughout is left out.
 */
static enum status put_cells(struct encoding *e, const struct build_shape *shape,
                             const struct rollup_cell *cells, struct error *err)
{
    static const int64_t covered[TABLE_METRICS_MAX];
    int64_t *values = calloc(e->count * shape->column_count, sizeof *values);
    uint8_t *missing = calloc(e->count * shape->column_count, 1);
    enum status st = STATUS_OK;

    if (values == NULL || missing == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "lifetimes");
    for (size_t i = 0; st == STATUS_OK && i < e->count; i++) {
        int64_t total[TABLE_METRICS_MAX] = { 0 };

        rollup_cells_to_row(shape, cells + i * shape->metric_count, covered, total,
                            values + i * shape->column_count, missing + i * shape->column_count);
        relate_to_first(shape, values + i * shape->column_count, missing + i * shape->column_count,
                        UINT64_MAX);
    }
    for (size_t c = 0; st == STATUS_OK && c < shape->column_count; c++) {
        uint64_t last = 0;
        bool any = false;

        bytes_reset(&e->raw);
        bytes_put_varint(&e->raw, e->count);
        for (size_t i = 0; i < e->count; i++) {
            uint64_t value = (uint64_t)values[i * shape->column_count + c];

            any |= value != 0 || missing[i * shape->column_count + c] != MISSING_NONE;
            bytes_put_zigzag(&e->raw, (int64_t)(value - last));
            last = value;
        }
        for (size_t i = 0; shape->column[c].part == PART_LAST && i < e->count; i++)
            bytes_put_u8(&e->raw, missing[i * shape->column_count + c]);
        if (any)
            st = emit(e, LIFETIME_TABLE, LIFETIME_METRICS_AT + shape->column[c].column_id, err);
    }
    free(values);
    free(missing);
    return st;
}

enum status lifetimes_encode(const struct lifetime_chunks *out, int64_t block_seq,
                             const struct process *const processes[],
                             const struct rollup_cell *cells, size_t count,
                             const struct build_shape *rollup_shape, struct error *err)
{
    struct encoding e = { .out = out,
                          .block_seq = block_seq,
                          .processes = processes,
                          .count = count,
                          .metric_count = rollup_shape->metric_count };
    enum status st;

    if (count == 0)
        return STATUS_OK;
    st = collect_strings(&e, err);
    if (st == STATUS_OK)
        st = put_rows(&e, err);
    if (st == STATUS_OK)
        st = put_cells(&e, rollup_shape, cells, err);
    free(e.strings);
    free(e.ids);
    bytes_release(&e.raw);
    bytes_release(&e.frame);
    bytes_release(&e.chunk);
    return st;
}

/* --- decoding --- */

struct decoding {
    struct lifetimes *to;
    uint64_t metric_count; /* of the catalog when the block was written */
    int64_t block_seq;
    chunk_source *source;
    void *source_context;
    struct decompressor *d;
    struct text *strings;
    size_t string_count;
};

static enum status corrupt(const struct decoding *e, uint32_t column, const char *what,
                           struct error *err)
{
    return error_set(err, STATUS_CORRUPT, "lifetimes of block %lld, column %u: %s",
                     (long long)e->block_seq, column, what);
}

/* The content of one chunk's base frame. */
static enum status fetch(struct decoding *e, uint32_t table_id, uint32_t column,
                         struct byte_reader *r, struct error *err)
{
    struct chunk_place place = {
        .level = 0, .table_id = table_id, .block_seq = e->block_seq, .column_id = column
    };
    const uint8_t *data = NULL;
    size_t size = 0;
    struct chunk chunk;
    enum status st = e->source(e->source_context, &place, &data, &size, err);

    e->to->chunk_count += st == STATUS_OK;
    if (st == STATUS_OK)
        st = chunk_get(&chunk, &place, data, size, err);
    if (st == STATUS_OK)
        st = decompress_frame(e->d, chunk.base, chunk.base_size, LIFETIME_FRAME_MAX, r, err);
    return st == STATUS_CORRUPT ? corrupt(e, column, "damaged chunk", err) : st;
}

static enum status get_strings(struct decoding *e, struct error *err)
{
    struct byte_reader r;
    uint64_t count, total = 0;
    enum status st = fetch(e, STRING_TABLE, COLUMN_DIRECTORY, &r, err);

    if (st != STATUS_OK)
        return st == STATUS_ABSENT ? corrupt(e, 0, "its strings are missing", err) : st;
    count = bytes_get_varint(&r);
    if (r.overrun || count > r.size)
        return corrupt(e, 0, "number of strings", err);
    e->strings = calloc((size_t)count + 1, sizeof *e->strings);
    e->to->strings = malloc(r.size + 1);
    if (e->strings == NULL || e->to->strings == NULL)
        return error_set(err, STATUS_NO_MEMORY, "strings");
    memcpy(e->to->strings, r.data, r.size);
    e->to->strings_size = r.size;
    e->string_count = (size_t)count;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t size = bytes_get_varint(&r);

        if (size > PROCESS_TEXT_MAX)
            return corrupt(e, 0, "a string is too long", err);
        e->strings[i].size = (uint32_t)size;
        total += size;
    }
    if (r.overrun || bytes_left(&r) != total)
        return corrupt(e, 0, "strings do not fill their chunk", err);
    total = r.used;
    for (uint64_t i = 0; i < count; i++) {
        e->strings[i].data = (const char *)e->to->strings + total;
        total += e->strings[i].size;
    }
    return STATUS_OK;
}

static void set_row(struct process *p, unsigned column, int64_t value)
{
    switch (column) {
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
    case LIFETIME_START_NS:
        p->start_ns = (int64_t)((uint64_t)value + p->start_ticks * START_TICK_NS);
        break;
    case LIFETIME_END_NS:
        p->end_ns = value == 0 ? NO_TIME : (int64_t)((uint64_t)p->start_ns + (uint64_t)value - 1);
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
        p->version_count = (size_t)value;
        break;
    }
}

static enum status get_rows(struct decoding *e, struct error *err)
{
    struct lifetimes *to = e->to;

    for (unsigned c = 1; c < LIFETIME_ROW_COLUMNS; c++) {
        struct byte_reader r;
        uint64_t value = 0, count;
        enum status st = fetch(e, LIFETIME_TABLE, c, &r, err);

        if (st == STATUS_ABSENT && c > 1)
            return corrupt(e, c, "it is missing", err);
        if (st != STATUS_OK)
            return st;
        count = bytes_get_varint(&r);
        if (count == 0 || count > LIFETIMES_MAX || count > r.size || (c > 1 && count != to->count))
            return corrupt(e, c, "number of rows", err);
        if (c == 1) {
            to->count = (size_t)count;
            to->process = calloc(to->count, sizeof *to->process);
            if (to->process == NULL)
                return error_set(err, STATUS_NO_MEMORY, "lifetimes");
        }
        for (size_t i = 0; i < to->count; i++)
            set_row(&to->process[i], c, (int64_t)(value += (uint64_t)bytes_get_zigzag(&r)));
        if (c == LIFETIME_PROCESS_ID)
            e->metric_count = bytes_get_varint(&r);
        if (r.overrun || bytes_left(&r) != 0)
            return corrupt(e, c, "its length is wrong", err);
    }
    for (size_t i = 0; i < to->count; i++) {
        if (to->process[i].version_count > PROCESS_VERSIONS_MAX ||
            (i > 0 && to->process[i].process_id <= to->process[i - 1].process_id))
            return corrupt(e, LIFETIME_VERSION_COUNT, "impossible rows", err);
        to->version_count += to->process[i].version_count;
    }
    return STATUS_OK;
}

static bool set_version(struct decoding *e, struct version *v, const struct process *p,
                        unsigned column, uint64_t value)
{
    switch (column) {
    case LIFETIME_FROM_NS:
        v->from_ns = (int64_t)((uint64_t)p->start_ns + value);
        return true;
    case LIFETIME_UID:
        v->uid_known = value != 0;
        v->uid = (uint32_t)(value - (value != 0));
        return true;
    case LIFETIME_CMDLINE_LENGTH:
        v->cmdline_length = (uint32_t)value;
        return true;
    case LIFETIME_CMDLINE_HASH:
        v->cmdline_hash = value;
        return true;
    default:
        if (value > e->string_count)
            return false;
        if (value > 0)
            v->text[column - LIFETIME_TEXT] = e->strings[value - 1];
        return true;
    }
}

static enum status allocate_versions(struct lifetimes *to, struct error *err)
{
    size_t at = 0;

    to->version = calloc(to->version_count + 1, sizeof *to->version);
    if (to->version == NULL)
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

    for (unsigned c = LIFETIME_FROM_NS; c < LIFETIME_VERSION_END; c++) {
        struct byte_reader r;
        uint64_t value = 0;
        enum status st = fetch(e, LIFETIME_TABLE, c, &r, err);

        if (st == STATUS_ABSENT || (st == STATUS_OK && (bytes_get_varint(&r) != to->version_count ||
                                                        to->version_count > r.size)))
            return corrupt(e, c, "its rows are missing", err);
        if (st == STATUS_OK && to->version == NULL)
            st = allocate_versions(to, err);
        if (st != STATUS_OK)
            return st;
        for (size_t i = 0; i < to->count; i++)
            for (size_t k = 0; k < to->process[i].version_count; k++) {
                value += (uint64_t)bytes_get_zigzag(&r);
                if (!set_version(e, &to->process[i].versions[k], &to->process[i], c, value))
                    return corrupt(e, c, "a string that is not there", err);
            }
        if (r.overrun || bytes_left(&r) != 0)
            return corrupt(e, c, "its length is wrong", err);
    }
    return STATUS_OK;
}

static enum status get_cells(struct decoding *e, const struct build_shape *shape, struct error *err)
{
    struct lifetimes *to = e->to;
    size_t columns = shape->column_count;
    int64_t *values = calloc(to->count * columns, sizeof *values);
    uint8_t *missing = calloc(to->count * columns, 1);
    enum status st = STATUS_OK;

    to->cell = calloc(to->count * shape->metric_count, sizeof *to->cell);
    if (values == NULL || missing == NULL || to->cell == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "lifetimes");
    for (size_t c = 0; st == STATUS_OK && c < columns; c++) {
        uint32_t id = LIFETIME_METRICS_AT + shape->column[c].column_id;
        struct byte_reader r;
        uint64_t value = 0;

        for (size_t i = 0; shape->column[c].metric >= e->metric_count && i < to->count; i++)
            missing[i * columns + c] = MISSING_UNSUPPORTED; /* the catalog has grown since */
        if (shape->column[c].metric >= e->metric_count)
            continue;
        st = fetch(e, LIFETIME_TABLE, id, &r, err);
        if (st == STATUS_ABSENT) {
            st = STATUS_OK;
            continue;
        }
        if (st == STATUS_OK && bytes_get_varint(&r) != to->count)
            st = corrupt(e, id, "number of rows", err);
        for (size_t i = 0; st == STATUS_OK && i < to->count; i++)
            values[i * columns + c] = (int64_t)(value += (uint64_t)bytes_get_zigzag(&r));
        for (size_t i = 0; st == STATUS_OK && shape->column[c].part == PART_LAST && i < to->count;
             i++)
            missing[i * columns + c] = bytes_get_u8(&r);
        if (st == STATUS_OK && (r.overrun || bytes_left(&r) != 0))
            st = corrupt(e, id, "its length is wrong", err);
    }
    for (size_t i = 0; st == STATUS_OK && i < to->count; i++)
        relate_to_first(shape, values + i * columns, missing + i * columns, 1);
    for (size_t i = 0; st == STATUS_OK && i < to->count; i++)
        for (unsigned m = 0; m < shape->metric_count; m++)
            rollup_cell_from_row(shape, m, values + i * columns, missing + i * columns, 0, 0,
                                 &to->cell[i * shape->metric_count + m]);
    free(values);
    free(missing);
    return st;
}

enum status lifetimes_decode(struct lifetimes *lifetimes, int64_t block_seq,
                             const struct build_shape *rollup_shape, chunk_source *source,
                             void *source_context, struct decompressor *d, struct error *err)
{
    struct decoding e = { .to = lifetimes,
                          .block_seq = block_seq,
                          .source = source,
                          .source_context = source_context,
                          .d = d };
    enum status st;

    *lifetimes = (struct lifetimes){ 0 };
    st = get_rows(&e, err);
    if (st == STATUS_OK)
        st = get_strings(&e, err);
    if (st == STATUS_OK)
        st = get_versions(&e, err);
    if (st == STATUS_OK)
        st = get_cells(&e, rollup_shape, err);
    free(e.strings);
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
