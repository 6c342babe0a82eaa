/*
 * Lifetimes of a block around what is damaged in their chunks. Series lean on them (TOLD), and samples
 * name them: where it is lost who they were, those that samples name stay as processes of which nothing
 * else is known. Layout: schema/FORMAT.md, "Lifetimes and strings".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/block_decode.h"
#include "schema/column.h"
#include "schema/salvage_private.h"

struct mending {
    struct salvage *s;
    const struct block_ticks *ticks;
    const struct recording_table *table; /* process_samples; NULL: there is none */
    struct lifetime_source from;
    struct process *named; /* found in the block's samples, when it is lost who they were */
    size_t named_count, named_size;
    sqlite3_stmt *put[2];
    uint64_t written;
};

static const char lives[] = "process_lifetime";

const struct process *salvage_life(const struct salvage *s, int64_t process_id)
{
    size_t low = 0, high = s->who.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (s->who.process[middle].process_id < process_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->who.count && s->who.process[low].process_id == process_id ? &s->who.process[low]
                                                                              : NULL;
}

static struct chunk_place place_of(const struct mending *m, uint32_t table_id, uint32_t column_id)
{
    return (struct chunk_place){ .table_id = table_id,
                                 .block_seq = m->s->block->block_seq,
                                 .column_id = column_id };
}

static enum status replace(struct mending *m, uint32_t table_id, uint32_t column_id,
                           struct error *err)
{
    const struct chunk_place place = place_of(m, table_id, column_id);

    bytes_reset(&m->s->groups);
    if (salvage_make(m->s, &place, NULL, 0, err) != STATUS_OK)
        return err->status;
    return salvage_replace(m->s, &place, &m->s->made, err);
}

/* --- who they were --- */

static enum status add_named(struct mending *m, const struct block_table *d, size_t i,
                             struct error *err)
{
    const struct series *s = &d->series[i];
    uint32_t last = s->first + s->count - 1;
    bool ended = (s->flags & (SERIES_ENDED | SERIES_TOLD)) != 0 ||
                 (d->told_at != NULL && d->told_at[i] != 0);
    struct process *p;

    if (m->named_count == m->named_size) {
        size_t more = m->named_size == 0 ? 64 : m->named_size * 2;
        struct process *larger = realloc(m->named, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "lifetimes");
        m->named = larger;
        m->named_size = more;
    }
    p = &m->named[m->named_count++];
    *p = (struct process){ .process_id = s->key[0],
                           .session_id =
                               m->s->e.rec->contents.sessions[m->s->block->session].session_id,
                           .pid = -1,
                           .ppid = -1,
                           .start_ns = s->first > 0 ? d->tick_ns[s->first - 1] : NO_TIME,
                           .end_ns = ended ? d->tick_ns[last] : NO_TIME,
                           .exit_code = -1 };
    if (p->start_ns == NO_TIME)
        p->start_ns = m->s->block->previous_ns != NO_TIME ? m->s->block->previous_ns
                                                          : wrap_subtract(d->tick_ns[0], 1000000);
    return STATUS_OK;
}

/* Processes that a table names and that have no row. */
static enum status find_named(struct mending *m, const struct recording_table *table,
                              struct error *err)
{
    struct recording *rec = m->s->e.rec;
    struct chunk_place place = { .table_id = table->table_id, .block_seq = m->s->block->block_seq };
    struct block_table d;
    struct error ignored;
    enum status st = block_table_open(&d, &place, &table->shape[0], m->ticks, &rec->reference_keys,
                                      recording_chunk, rec, &rec->d, &ignored);
    bool known = d.activity != NULL; /* it failed after the series were read, if at all */

    if (st == STATUS_NO_MEMORY)
        *err = ignored;
    else
        st = STATUS_OK;
    for (size_t i = 0; known && i < d.series_count && st == STATUS_OK; i++) {
        const struct process *row = NULL;

        if (recording_process(rec, NULL, d.series[i].key[0], &row, &ignored) != STATUS_OK &&
            d.series[i].key[0] > 0)
            st = add_named(m, &d, i, err);
    }
    block_table_release(&d);
    return st;
}

static int by_process_id(const void *a, const void *b)
{
    const struct process *x = a, *y = b;

    return (x->process_id > y->process_id) - (x->process_id < y->process_id);
}

/* Each once, from its first sample to its last. */
static void settle_named(struct mending *m)
{
    size_t kept = 0;

    if (m->named_count > 1)
        qsort(m->named, m->named_count, sizeof *m->named, by_process_id);
    for (size_t i = 0; i < m->named_count; i++) {
        struct process *last = kept > 0 ? &m->named[kept - 1] : NULL, *p = &m->named[i];

        if (last == NULL || last->process_id != p->process_id) {
            m->named[kept++] = *p;
            continue;
        }
        last->start_ns = p->start_ns < last->start_ns ? p->start_ns : last->start_ns;
        last->end_ns = p->end_ns > last->end_ns ? p->end_ns : last->end_ns;
    }
    m->named_count = kept;
}

static int64_t field_of(const struct process *p, unsigned field)
{
    switch (field) {
    case LIFETIME_PROCESS_ID:
        return p->process_id;
    case LIFETIME_SESSION_ID:
        return p->session_id;
    case LIFETIME_PID:
    case LIFETIME_PPID:
    case LIFETIME_EXIT_CODE:
        return -1;
    case LIFETIME_START_REST:
        return p->start_ns;
    case LIFETIME_LENGTH: /* the unit is 1 ns */
        return p->end_ns == NO_TIME ? 0 : wrap_add(wrap_subtract(p->end_ns, p->start_ns), 1);
    default:
        return 0;
    }
}

/* Who they were, as far as samples tell; all their metrics are missing. */
static enum status put_named(struct mending *m, struct error *err)
{
    struct byte_writer *w = &m->s->base;
    size_t n = m->named_count, metrics = m->table == NULL ? 0 : m->table->metric_count;
    int64_t *plane = calloc(n + 1, sizeof *plane);

    if (plane == NULL)
        return error_set(err, STATUS_NO_MEMORY, "lifetimes");
    bytes_reset(w);
    bytes_put_varint(w, n);
    bytes_put_varint(w, metrics);
    for (size_t i = 0; i < metrics; i++)
        bytes_put_u8(w, 2 + MISSING_DAMAGED);
    bytes_put_varint(w, 1);
    for (unsigned field = 0; field < LIFETIME_FIELD_COUNT; field++) {
        for (size_t i = 0; i < n; i++)
            plane[i] = wrap_subtract(
                field_of(&m->named[i], field),
                i > 0 && lifetime_ascends(field) ? field_of(&m->named[i - 1], field) : 0);
        column_encode(plane, n, w);
    }
    free(plane);
    return replace(m, LIFETIME_TABLE, LIFETIME_WHO, err);
}

static enum status put_nameless(struct mending *m, size_t rows, struct error *err);

static enum status lose_who(struct mending *m, const char *why, uint64_t *lifetimes,
                            struct error *err)
{
    const struct recording_contents *c = &m->s->e.rec->contents;
    char what[160];
    enum status st = STATUS_OK;

    for (size_t t = 0; t < c->table_count && st == STATUS_OK; t++)
        if (c->tables[t].key[0] == ENTITY_PROCESS)
            st = find_named(m, &c->tables[t], err);
    settle_named(m);
    memset(m->s->lost_life, 1, sizeof m->s->lost_life);
    (void)snprintf(what, sizeof what,
                   "who %llu processes were; %zu of them have samples, which stay",
                   (unsigned long long)*lifetimes, m->named_count);
    salvage_tell(m->s, lives, what, why);
    *lifetimes = m->named_count;
    if (st == STATUS_OK && m->named_count > 0)
        st = put_named(m, err);
    if (st == STATUS_OK && m->named_count > 0)
        st = put_nameless(m, 0, err);
    if (st == STATUS_OK && m->named_count > 0)
        st = lifetime_who_decode(&m->from, &m->s->who, err);
    return st;
}

/* --- what they were called --- */

/* Planes of what they were called, without texts; all 0 if they cannot be read. */
static enum status put_nameless(struct mending *m, size_t rows, struct error *err)
{
    struct chunk_place place = place_of(m, LIFETIME_TABLE, LIFETIME_CALLED);
    struct byte_writer *w = &m->s->base;
    int64_t *plane = calloc(rows * LIFETIME_CALLED_COUNT + 1, sizeof *plane);
    struct byte_reader r = { 0 };
    const uint8_t *data = NULL;
    struct error ignored;
    struct chunk chunk;
    size_t size = 0;
    bool ok;

    if (plane == NULL)
        return error_set(err, STATUS_NO_MEMORY, "lifetimes");
    ok = rows > 0 && recording_chunk(m->s->e.rec, &place, &data, &size, &ignored) == STATUS_OK &&
         chunk_get(&chunk, &place, data, size, &ignored) == STATUS_OK &&
         decompress_frame(&m->s->e.rec->d, chunk.base, chunk.base_size, BLOCK_FRAME_MAX, &r,
                          &ignored) == STATUS_OK &&
         bytes_get_varint(&r) == rows;
    for (unsigned f = 0; f < LIFETIME_CMDLINE_LENGTH && ok; f++)
        ok = column_decode(&r, plane + f * rows, rows, &ignored) == STATUS_OK;
    for (size_t i = 0; i < rows && ok; i++) /* only these are kept */
        ok = plane[LIFETIME_UID * rows + i] >= 0 &&
             plane[LIFETIME_UID * rows + i] <= (int64_t)UINT32_MAX + 1;
    if (!ok)
        memset(plane, 0, rows * LIFETIME_CALLED_COUNT * sizeof *plane);
    bytes_reset(w);
    bytes_put_varint(w, rows);
    for (unsigned f = 0; f < LIFETIME_CALLED_COUNT; f++)
        column_encode(plane + f * rows, rows, w);
    free(plane);
    m->s->result->chunks_kept -= rows == 0 ? 0 : ok ? 1 : 2; /* the strings; both */
    if (replace(m, LIFETIME_TABLE, LIFETIME_CALLED, err) != STATUS_OK)
        return err->status;
    bytes_reset(w);
    bytes_put_varint(w, 0);
    return replace(m, STRING_TABLE, COLUMN_DIRECTORY, err);
}

static enum status mend_names(struct mending *m, struct error *err)
{
    struct recording *rec = m->s->e.rec;
    struct lifetimes known;
    char why[300], what[120];
    size_t rows = 0;
    enum status st = lifetimes_decode(&known, m->s->block->block_seq, m->ticks, NULL,
                                      recording_chunk, rec, &rec->d, err);

    lifetimes_release(&known);
    if (st != STATUS_CORRUPT && st != STATUS_UNSUPPORTED)
        return st;
    for (size_t i = 0; i < m->s->who.count; i++)
        rows += m->s->who.process[i].version_count;
    (void)snprintf(why, sizeof why, "%.290s", err->message);
    (void)snprintf(what, sizeof what, "what %zu processes were called", m->s->who.count);
    salvage_tell(m->s, lives, what, why);
    return put_nameless(m, rows, err);
}

/* --- metrics --- */

/* All of them are missing; stored is what differs from what was to be expected. */
static enum status lose_metric(struct mending *m, unsigned metric, struct error *err)
{
    const struct lifetime_who *who = &m->s->who;
    enum metric_kind kind = m->table->metrics[metric].kind;
    struct byte_writer *w = &m->s->base;
    int64_t *zero = calloc(who->count, sizeof *zero);
    char why[300], what[200];

    if (zero == NULL)
        return error_set(err, STATUS_NO_MEMORY, "lifetimes");
    (void)snprintf(why, sizeof why, "%.290s", err->message);
    (void)snprintf(what, sizeof what, "%.100s of %zu processes", m->table->metrics[metric].name,
                   who->count);
    salvage_tell(m->s, lives, what, why);
    bytes_reset(w);
    bytes_put_u8(w, 0);
    for (size_t i = 0; i < who->count; i++)
        bytes_put_u8(
            w, MISSING_DAMAGED ^
                   lifetime_expect(&who->process[i], m->ticks).reason[kind == METRIC_COUNTER]);
    for (unsigned q = 0; q < metric_part_count(kind); q++)
        column_encode(zero, who->count, w);
    free(zero);
    m->s->result->chunks_kept--;
    m->s->lost_life[metric] = 1;
    return replace(m, LIFETIME_TABLE, LIFETIME_METRICS_AT + metric_column_id(metric, PART_LAST),
                   err);
}

static enum status mend_metrics(struct mending *m, struct error *err)
{
    const struct lifetime_who *who = &m->s->who;
    int64_t *parts = malloc((who->count + 1) * PART_COUNT * sizeof *parts);
    uint8_t *reason = malloc(who->count + 1);
    bool ticks;
    enum status st =
        parts == NULL || reason == NULL ? error_set(err, STATUS_NO_MEMORY, "lifetimes") : STATUS_OK;

    for (unsigned i = 0; i < who->metric_count && st == STATUS_OK; i++) {
        if (who->metric_state[i] != 0 || m->table == NULL || i >= m->table->metric_count)
            continue;
        st = lifetime_metric_decode(&m->from, who, i, metric_part_count(m->table->metrics[i].kind),
                                    parts, reason, &ticks, err);
        if (st == STATUS_CORRUPT || st == STATUS_UNSUPPORTED)
            st = lose_metric(m, i, err);
    }
    free(parts);
    free(reason);
    return st;
}

/* --- writing --- */

static enum status put_chunk(struct mending *m, uint32_t table_id, uint32_t column_id,
                             struct error *err)
{
    const struct chunk_place place = place_of(m, table_id, column_id);
    const uint8_t *data = NULL;
    size_t size = 0;
    enum status st = recording_chunk(m->s->e.rec, &place, &data, &size, err);

    if (st != STATUS_OK)
        return st;
    m->written++;
    return extract_put_chunk(&m->s->e, m->put[table_id == STRING_TABLE], &place, data, size, err);
}

static enum status put_all(struct mending *m, struct error *err)
{
    const struct lifetime_who *who = &m->s->who;
    enum status st = put_chunk(m, LIFETIME_TABLE, LIFETIME_WHO, err);

    if (st == STATUS_OK)
        st = put_chunk(m, LIFETIME_TABLE, LIFETIME_CALLED, err);
    if (st == STATUS_OK)
        st = put_chunk(m, STRING_TABLE, COLUMN_DIRECTORY, err);
    for (unsigned i = 0; i < who->metric_count && st == STATUS_OK; i++)
        if (who->metric_state[i] == 0 && m->table != NULL && i < m->table->metric_count)
            st = put_chunk(m, LIFETIME_TABLE, LIFETIME_METRICS_AT + metric_column_id(i, PART_LAST),
                           err);
    return st;
}

enum status salvage_lives(struct salvage *s, const struct block_ticks *ticks, uint64_t *lifetimes,
                          uint64_t *count, struct error *err)
{
    struct recording *rec = s->e.rec;
    struct mending m = { .s = s,
                         .ticks = ticks,
                         .table = recording_table(rec, samples_tables[TABLE_PROCESS].name),
                         .from = { .block_seq = s->block->block_seq,
                                   .source = recording_chunk,
                                   .source_context = rec,
                                   .d = &rec->d } };
    enum status st = STATUS_OK;

    *count = 0;
    if (*lifetimes == 0)
        return STATUS_OK;
    st = extract_prepare_put(&s->e, "process_lifetime_chunk", &m.put[0], err);
    if (st == STATUS_OK)
        st = extract_prepare_put(&s->e, "string_chunk", &m.put[1], err);
    if (st == STATUS_OK)
        st = lifetime_who_decode(&m.from, &s->who, err);
    if (st == STATUS_CORRUPT || st == STATUS_ABSENT || st == STATUS_UNSUPPORTED) {
        free(s->who.process);
        s->who = (struct lifetime_who){ 0 };
        st = lose_who(&m, st == STATUS_ABSENT ? "it is missing" : err->message, lifetimes, err);
        if (st == STATUS_OK && s->who.count > 0)
            st = put_all(&m, err);
    } else if (st == STATUS_OK) {
        st = mend_names(&m, err);
        if (st == STATUS_OK)
            st = mend_metrics(&m, err);
        if (st == STATUS_OK)
            st = put_all(&m, err);
        *lifetimes = s->who.count;
        s->result->chunks_kept += m.written;
    }
    *count = m.written;
    free(m.named);
    free(m.from.scratch);
    (void)sqlite3_finalize(m.put[0]);
    (void)sqlite3_finalize(m.put[1]);
    return st;
}
