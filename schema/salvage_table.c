/* One table of one block: what of it can be decoded is kept, the rest becomes missing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/block_decode.h"
#include "schema/salvage_private.h"

struct mending {
    struct salvage *s;
    const struct recording_table *table;
    const struct block_ticks *ticks;
    struct chunk_place place; /* of the directory */
    struct block_table directory;
    struct block_column column;
    sqlite3_stmt *put;
    int64_t as;
    uint64_t written;
    uint8_t *referred;                 /* [series] its bases are told by reference values */
    uint8_t *idle;                     /* [group] what changed in it is not known */
    uint8_t *drop;                     /* [group] of a column: its frame cannot be read */
    uint8_t *lost[TABLE_METRICS_MAX];  /* [series]; NULL: none */
    uint8_t unread[BUILD_COLUMNS_MAX]; /* columns of which nothing can be read */
};

static size_t groups_of(const struct mending *m)
{
    return (m->directory.series_count + GROUP_SERIES - 1) / GROUP_SERIES;
}

static void release(struct mending *m)
{
    block_table_release(&m->directory);
    block_column_release(&m->column);
    (void)sqlite3_finalize(m->put);
    free(m->referred);
    free(m->idle);
    free(m->drop);
    for (size_t i = 0; i < TABLE_METRICS_MAX; i++)
        free(m->lost[i]);
}

/* --- telling --- */

/* Metrics of which the marked series lose their samples. */
static void tell_metrics(struct mending *m, const uint8_t metric[], const uint8_t lost[],
                         const char *why)
{
    char what[6000] = "", series[3000];
    size_t used = 0;

    for (size_t i = 0; i < m->table->metric_count && used + 100 < sizeof what; i++)
        if (metric[i])
            used += (size_t)snprintf(what + used, sizeof what - used, "%s%.80s",
                                     used > 0 ? ", " : "", m->table->metrics[i].name);
    salvage_describe(m->table, &m->directory, lost, series, sizeof series);
    if (used < sizeof what)
        (void)snprintf(what + used, sizeof what - used, "%s", series);
    salvage_tell(m->s, m->table->name, what, why);
}

/* --- what is lost --- */

static enum status mark(struct mending *m, unsigned metric, const uint8_t lost[], struct error *err)
{
    size_t series = m->directory.series_count;

    if (m->lost[metric] == NULL)
        m->lost[metric] = calloc(series + 1, 1);
    if (m->lost[metric] == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%s", m->table->name);
    for (size_t i = 0; i < series; i++)
        m->lost[metric][i] |= lost == NULL ? 1 : lost[i];
    return STATUS_OK;
}

static enum status mark_group(struct mending *m, unsigned metric, size_t group, struct error *err)
{
    size_t series = m->directory.series_count;
    uint8_t *lost = calloc(series + 1, 1);
    enum status st;

    if (lost == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%s", m->table->name);
    for (size_t i = group * GROUP_SERIES; i < (group + 1) * GROUP_SERIES && i < series; i++)
        lost[i] = 1;
    st = mark(m, metric, lost, err);
    free(lost);
    return st;
}

/* --- the directory --- */

static enum status open_directory(struct mending *m, struct error *err)
{
    struct recording *rec = m->s->e.rec;

    block_table_release(&m->directory);
    return block_table_open(&m->directory, &m->place, &m->table->shape[m->place.level], m->ticks,
                            &rec->reference_keys, recording_chunk, rec, &rec->d, err);
}

static enum status change_directory(struct mending *m, const struct salvage_change *change,
                                    struct error *err)
{
    struct salvage_change complete = *change;
    enum status st;

    complete.table = &m->directory;
    complete.metrics = m->directory.stored_metrics;
    st = salvage_make_directory(m->s, &m->place, &complete, err);
    if (st == STATUS_OK)
        st = salvage_replace(m->s, &m->place, &m->s->made, err);
    return st == STATUS_OK ? open_directory(m, err) : st;
}

static enum status note_referred(struct mending *m, struct error *err)
{
    const struct block_table *d = &m->directory;

    m->referred = calloc(d->series_count + 1, 1);
    if (m->referred == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%s", m->table->name);
    for (size_t i = 0; i < d->series_count && d->reference_at != NULL; i++)
        m->referred[i] = d->reference_at[i] != 0 || (d->series[i].flags & SERIES_REFERRED) != 0;
    return STATUS_OK;
}

/* Nobody knows any more what bases are told by: series that are lose all that is not constant. */
static enum status lose_references(struct mending *m, struct error *err)
{
    struct salvage_change change = { .unrefer = true };
    uint8_t metric[TABLE_METRICS_MAX] = { 0 };
    char why[300];
    enum status st;

    (void)snprintf(why, sizeof why, "%.290s", err->message);
    st = change_directory(m, &change, err);
    for (size_t i = 0; i < m->table->metric_count && st == STATUS_OK; i++)
        if (m->directory.column_state[i] < 2) { /* level 0: one column each */
            metric[i] = 1;
            st = mark(m, (unsigned)i, m->referred, err);
        }
    if (st == STATUS_OK)
        tell_metrics(m, metric, m->referred, why);
    return st;
}

static enum status lose_activity(struct mending *m, struct error *err)
{
    struct salvage_change change = { .idle = m->idle };
    uint8_t metric[TABLE_METRICS_MAX] = { 0 };
    uint8_t *lost = calloc(m->directory.series_count + 1, 1);
    const struct build_shape *shape = &m->table->shape[m->place.level];
    enum status st = lost == NULL ? error_set(err, STATUS_NO_MEMORY, "%s", m->table->name)
                                  : change_directory(m, &change, err);

    for (size_t i = 0; i < m->directory.series_count && st == STATUS_OK; i++)
        lost[i] = m->idle[i / GROUP_SERIES];
    for (unsigned c = 0; c < shape->column_count && st == STATUS_OK; c++)
        if (m->directory.column_state[c] == 0) {
            metric[shape->column[c].metric] = 1;
            st = mark(m, shape->column[c].metric, lost, err);
        }
    if (st == STATUS_OK)
        tell_metrics(m, metric, lost, "which samples changed cannot be read");
    free(lost);
    return st;
}

static enum status read_activity(struct mending *m, struct error *err)
{
    struct recording *rec = m->s->e.rec;
    bool any = false;
    enum status st;

    m->idle = calloc(groups_of(m) + 1, 1);
    m->drop = calloc(groups_of(m) + 1, 1);
    if (m->idle == NULL || m->drop == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%s", m->table->name);
    for (size_t g = 0; g < groups_of(m); g++) {
        st = block_table_activity(&m->directory, series_group(g * GROUP_SERIES), &rec->d, err);
        if (st != STATUS_OK && st != STATUS_CORRUPT)
            return st;
        m->idle[g] = st == STATUS_CORRUPT;
        any |= m->idle[g];
    }
    if (any && lose_activity(m, err) != STATUS_OK)
        return err->status;
    return block_table_activity(&m->directory, series_all, &rec->d, err);
}

/* Open it as far as it goes. ABSENT: there is none, nothing of the table can be read. */
static enum status read_directory(struct mending *m, struct error *err)
{
    struct salvage *s = m->s;
    uint64_t own = 0, earlier = 0;
    enum status st = open_directory(m, err);
    bool known = m->directory.activity != NULL;
    struct error why = *err, ignored;

    if (st != STATUS_OK && st != STATUS_CORRUPT && st != STATUS_ABSENT && st != STATUS_UNSUPPORTED)
        return st;
    if (m->place.level == 0 && known && m->directory.reference_seq < m->place.block_seq &&
        m->directory.reference_seq > 0) {
        ignored = (struct error){ 0 };
        if (salvage_references(s, m->table, m->directory.reference_seq, m->put, &earlier,
                               &ignored) != STATUS_OK)
            return *err = ignored, ignored.status;
        s->result->chunk_count += earlier;
    }
    if (m->place.level == 0 &&
        salvage_references(s, m->table, m->place.block_seq, m->put, &own, &ignored) != STATUS_OK)
        return *err = ignored, ignored.status;
    m->written += own;
    if (known && note_referred(m, err) != STATUS_OK)
        return err->status;
    if (known && st == STATUS_CORRUPT && m->directory.reference_at != NULL) {
        *err = why;
        st = lose_references(m, err);
    }
    if (st == STATUS_OK)
        st = read_activity(m, err);
    if (st == STATUS_OK || st == STATUS_NO_MEMORY || st == STATUS_IO || st == STATUS_FULL)
        return st;
    salvage_tell(s, m->table->name, "all of it",
                 st == STATUS_ABSENT ? "its directory is missing" : err->message);
    return STATUS_ABSENT;
}

/* --- columns --- */

static enum status decode(struct mending *m, unsigned c, struct series_range which,
                          struct error *err)
{
    struct recording *rec = m->s->e.rec;
    enum status st = block_column_decode(&m->column, &m->directory, c, which, recording_chunk, rec,
                                         &rec->d, err);

    return st == STATUS_UNSUPPORTED ? STATUS_CORRUPT : st;
}

/* Which groups of a column cannot be read. */
static enum status probe_groups(struct mending *m, unsigned c, const char *why, struct error *err)
{
    unsigned metric = m->directory.shape->column[c].metric;
    uint8_t names[TABLE_METRICS_MAX] = { 0 };
    uint8_t *lost = calloc(m->directory.series_count + 1, 1);
    bool any = false;
    enum status st =
        lost == NULL ? error_set(err, STATUS_NO_MEMORY, "%s", m->table->name) : STATUS_OK;

    names[metric] = 1;
    for (size_t g = 0; g < groups_of(m) && st == STATUS_OK; g++) {
        struct series_range which = series_group(g * GROUP_SERIES);

        if (m->idle[g])
            continue;
        st = decode(m, c, which, err);
        if (st != STATUS_CORRUPT)
            continue;
        any = true;
        st = mark_group(m, metric, g, err);
        for (size_t i = which.first; i < which.end && i < m->directory.series_count; i++)
            lost[i] = 1;
    }
    if (st == STATUS_OK && any)
        tell_metrics(m, names, lost, why);
    free(lost);
    return st;
}

static enum status probe_column(struct mending *m, unsigned c, struct error *err)
{
    unsigned metric = m->directory.shape->column[c].metric;
    const struct series_range none = { 0, 0 };
    uint8_t names[TABLE_METRICS_MAX] = { 0 };
    uint8_t *all;
    char why[400];
    enum status st;

    if (m->directory.column_state[c] != 0)
        return STATUS_OK;
    st = decode(m, c, series_all, err);
    if (st != STATUS_CORRUPT)
        return st;
    (void)snprintf(why, sizeof why, "%.390s", err->message);
    st = decode(m, c, none, err);
    if (st == STATUS_OK)
        return probe_groups(m, c, why, err);
    if (st != STATUS_CORRUPT)
        return st;
    m->unread[c] = 1;
    names[metric] = 1;
    all = malloc(m->directory.series_count + 1);
    if (all == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%s", m->table->name);
    memset(all, 1, m->directory.series_count);
    tell_metrics(m, names, all, why);
    free(all);
    return mark(m, metric, NULL, err);
}

/* Reference values that are gone: what a series adds to them is of no use. */
static enum status probe_reference(struct mending *m, struct error *err)
{
    for (unsigned i = 0; i < m->table->metric_count; i++) {
        uint8_t names[TABLE_METRICS_MAX] = { 0 };

        if (m->place.level > 0 || m->directory.reference_at == NULL ||
            m->directory.column_state[i] >= 2 ||
            !salvage_reference_lost(m->s, m->table->table_id, m->directory.reference_seq, i))
            continue;
        names[i] = 1;
        tell_metrics(m, names, m->referred, "their reference values are gone");
        if (mark(m, i, m->referred, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

/* Of gauges that end with a lifetime all values are told from the one that it says. */
static enum status probe_told(struct mending *m, struct error *err)
{
    const struct block_table *d = &m->directory;
    uint8_t names[TABLE_METRICS_MAX] = { 0 };
    bool any = false;
    uint8_t *told;
    enum status st = STATUS_OK;

    if (d->told_at == NULL)
        return STATUS_OK;
    told = calloc(d->series_count + 1, 1);
    if (told == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%s", m->table->name);
    for (size_t i = 0; i < d->series_count; i++)
        told[i] = d->told_at[i] != 0;
    for (unsigned i = 0; i < m->table->metric_count && st == STATUS_OK; i++) {
        if (!m->s->lost_life[i] || m->table->metrics[i].kind == METRIC_COUNTER ||
            d->column_state[i] >= 2)
            continue;
        any = true;
        names[i] = 1;
        st = mark(m, i, told, err);
    }
    if (st == STATUS_OK && any)
        tell_metrics(m, names, told, "what their lifetimes tell of it is gone");
    free(told);
    return st;
}

/* A column that has no chunk because nothing is missing in it and nothing changes needs one now. */
static enum status give_states(struct mending *m, struct error *err)
{
    const struct build_shape *shape = m->directory.shape;
    uint8_t state[BUILD_COLUMNS_MAX];
    struct salvage_change change = { .state = state };
    bool any = false;

    for (unsigned c = 0; c < shape->column_count; c++) {
        bool needs = m->directory.column_state[c] == 1 && m->lost[shape->column[c].metric] != NULL;

        state[c] = needs ? 0 : m->directory.column_state[c];
        m->unread[c] |= needs;
        any |= needs;
    }
    if (!any)
        return STATUS_OK;
    if (change_directory(m, &change, err) != STATUS_OK)
        return err->status;
    return block_table_activity(&m->directory, series_all, &m->s->e.rec->d, err);
}

/* The column's chunk in s->made. */
static enum status make_column(struct mending *m, unsigned c, struct error *err)
{
    struct chunk_place place = m->place;
    const uint8_t *lost = m->lost[m->directory.shape->column[c].metric];
    enum status st = STATUS_OK;

    place.column_id = m->directory.shape->column[c].column_id;
    memset(m->drop, 0, groups_of(m));
    for (size_t g = 0; g < groups_of(m) && !m->unread[c] && st == STATUS_OK; g++) {
        st = m->idle[g] ? STATUS_CORRUPT : decode(m, c, series_group(g * GROUP_SERIES), err);
        m->drop[g] = st == STATUS_CORRUPT;
        st = st == STATUS_CORRUPT ? STATUS_OK : st;
    }
    if (st != STATUS_OK)
        return st;
    return m->unread[c]
               ? salvage_make_missing(m->s, &place, m->directory.series_count, lost, err)
               : salvage_make_less(m->s, &place, m->directory.series_count, lost, m->drop, err);
}

static enum status replace_column(struct mending *m, unsigned c, struct error *err)
{
    const struct build_shape *shape = m->directory.shape;
    struct chunk_place place = m->place;

    if (m->directory.column_state[c] != 0 || m->lost[shape->column[c].metric] == NULL)
        return STATUS_OK;
    place.column_id = shape->column[c].column_id;
    if (make_column(m, c, err) != STATUS_OK ||
        salvage_replace(m->s, &place, &m->s->made, err) != STATUS_OK)
        return err->status;
    return decode(m, c, series_all, err); /* now it can be */
}

/* --- writing --- */

/* A chunk as it is in the block that is written. */
static enum status put_chunk(struct mending *m, uint32_t column_id, struct error *err)
{
    struct chunk_place place = m->place, to = m->place;
    const uint8_t *data = NULL;
    size_t size = 0;
    enum status st;

    place.column_id = to.column_id = column_id;
    to.block_seq = m->as;
    st = recording_chunk(m->s->e.rec, &place, &data, &size, err);
    if (st == STATUS_OK && m->as != m->place.block_seq) {
        st = salvage_renumber(m->s, &place, &to, data, size, err);
        data = m->s->made.data;
        size = m->s->made.used;
    }
    m->written += st == STATUS_OK;
    return st == STATUS_OK ? extract_put_chunk(&m->s->e, m->put, &to, data, size, err) : st;
}

static enum status put_table(struct mending *m, struct error *err)
{
    const struct build_shape *shape = m->directory.shape;
    enum status st = put_chunk(m, COLUMN_DIRECTORY, err);

    m->s->result->chunks_kept++;
    for (unsigned c = 0; c < shape->column_count && st == STATUS_OK; c++)
        if (m->directory.column_state[c] == 0) {
            st = put_chunk(m, shape->column[c].column_id, err);
            m->s->result->chunks_kept += !m->unread[c];
        }
    return st == STATUS_OK ? salvage_name_keys(m->s, m->table, &m->directory, err) : st;
}

static enum status begin(struct mending *m, struct error *err)
{
    char name[160];

    return extract_prepare_put(
        &m->s->e, chunk_store_table(&m->place, m->table->name, name, sizeof name), &m->put, err);
}

enum status salvage_table(struct salvage *s, const struct recording_table *table,
                          const struct block_ticks *ticks, int64_t as, uint64_t *count,
                          struct error *err)
{
    struct mending m = { .s = s,
                         .table = table,
                         .ticks = ticks,
                         .place = { .level = s->block->level,
                                    .table_id = table->table_id,
                                    .block_seq = s->block->block_seq },
                         .as = as };
    enum status st = begin(&m, err);

    if (st == STATUS_OK)
        st = read_directory(&m, err);
    if (st == STATUS_OK)
        st = probe_reference(&m, err);
    if (st == STATUS_OK)
        st = probe_told(&m, err);
    for (unsigned c = 0; st == STATUS_OK && c < m.directory.shape->column_count; c++)
        st = probe_column(&m, c, err);
    if (st == STATUS_OK)
        st = give_states(&m, err);
    for (unsigned c = 0; st == STATUS_OK && c < m.directory.shape->column_count; c++)
        st = replace_column(&m, c, err);
    if (st == STATUS_OK)
        st = put_table(&m, err);
    *count = st == STATUS_ABSENT ? 0 : m.written; /* reference values alone are of no table */
    release(&m);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}
