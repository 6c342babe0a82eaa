/*
 * Tail records written: each also adds its tick to the open block, so that whoever reads it comes to the same.
 * Layout: schema/FORMAT.md, "Tail".
 */
#include <stdlib.h>

#include "schema/tail_private.h"

static void put_missing(struct byte_writer *w, const uint8_t codes[], size_t count)
{
    for (size_t at = 0; at < count;) {
        size_t run = 1;

        while (at + run < count && codes[at + run] == codes[at])
            run++;
        bytes_put_u8(w, codes[at]);
        bytes_put_varint(w, run);
        at += run;
    }
}

static void put_time(struct byte_writer *w, int64_t time_ns, int64_t near_ns)
{
    bytes_put_varint(w, time_ns == NO_TIME ? 0 : 1 + zigzag((uint64_t)time_ns - (uint64_t)near_ns));
}

/* --- base record --- */

static void put_base_table(struct byte_writer *w, const struct build *build, int64_t near_ns)
{
    size_t columns = build->shape->column_count;

    bytes_put_varint(w, build->shape->metric_count);
    for (unsigned m = 0; m < build->shape->metric_count; m++)
        put_time(w, build->column_ns[m], near_ns);
    bytes_put_varint(w, build->series_count);
    for (size_t i = 0; i < build->series_count; i++) {
        const struct build_series *s = &build->series[i];

        bytes_put_zigzag(w, s->series.key[0]);
        bytes_put_zigzag(w, s->series.key[1]);
        put_time(w, s->since_ns, near_ns);
        put_missing(w, build->missing + i * columns, columns);
        for (size_t c = 0; c < columns; c++) {
            bytes_put_zigzag(w, build->value[i * columns + c]);
            if (build->missing[i * columns + c] != MISSING_NONE)
                put_time(w, known_now_ns(&build->known, i, c), near_ns);
        }
    }
}

enum status tail_put_base(struct open_block *block, struct byte_writer *w, struct error *err)
{
    int64_t near_ns = block->previous_ns == NO_TIME ? 0 : block->previous_ns;

    bytes_put_u8(w, RECORD_BASE);
    bytes_put_varint(w, (uint64_t)block->session_id);
    bytes_put_varint(w, (uint64_t)block->block_seq);
    bytes_put_varint(w, (uint64_t)block->first_tick);
    put_time(w, block->previous_ns, 0);
    bytes_put_varint(w, TABLE_COUNT);
    for (size_t t = 0; t < TABLE_COUNT; t++)
        put_base_table(w, &block->build[t], near_ns);
    return w->full ? error_set(err, STATUS_NO_MEMORY, "tail record") : STATUS_OK;
}

/* --- tick record: tables --- */

struct ticking {
    struct open_block *block;
    const struct tick *tick;
    slot_key *key_of;
    void *context;
    struct byte_writer *w;
    struct byte_writer changes; /* of one table */
    uint64_t change_count;
    uint32_t last_changed;
    size_t *edge; /* rows that begin or end a series */
    size_t edge_count, edge_size;
};

/* The identity of a series: processes and entities by the writer's ids. */
static enum status series_of_row(const struct ticking *t, enum table_id table,
                                 const struct tick_row *row, struct series *series,
                                 struct error *err)
{
    const struct samples_table *declared = &samples_tables[table];
    const struct build *build = &t->block->build[table];

    *series = (struct series){ .first = build->now, .flags = SERIES_FIRST };
    for (unsigned k = 0; k < build->shape->key_count; k++) {
        uint32_t slot = tick_row_key(&t->tick->table[table], row, k);

        series->key[k] = t->key_of(t->context, declared->key[k], slot);
        if (series->key[k] == 0)
            return error_set(err, STATUS_INVALID, "%s: %s in slot %u was not announced",
                             declared->name, entity_kind_name(declared->key[k]), slot);
    }
    if ((row->flags & ROW_BORN) != 0) {
        series->flags |= SERIES_BORN;
        series->start_ns = row->start_ns;
    }
    return STATUS_OK;
}

/* A series' first row: an unborn one takes its values as its base, a born one grows from 0. */
static enum status open_series(struct ticking *t, enum table_id table, const struct tick_row *row,
                               uint32_t *index, struct error *err)
{
    struct build *build = &t->block->build[table];
    const struct tick_table *from = &t->tick->table[table];
    size_t columns = from->width;
    const uint8_t *missing = from->missing + row->at * columns;
    struct series series;
    int64_t *value;

    if (row->at == ROW_SAME || (row->flags & ROW_FIRST) == 0)
        return error_set(err, STATUS_INVALID, "%s: slot %u begins without ROW_FIRST",
                         build->shape->name, row->slot);
    if (series_of_row(t, table, row, &series, err) != STATUS_OK ||
        build_open(build, &series, row->slot, index, err) != STATUS_OK)
        return err->status;
    value = build->value + *index * columns;
    memcpy(build->missing + *index * columns, missing, columns);
    memcpy(build->base_missing + *index * columns, missing, columns);
    for (size_t c = 0; c < columns; c++)
        if ((row->flags & ROW_BORN) == 0 && missing[c] == MISSING_NONE)
            value[c] = from->values[row->at * columns + c];
    bytes_put_u8(t->w, series.flags);
    bytes_put_zigzag(t->w, series.key[0]);
    bytes_put_zigzag(t->w, series.key[1]);
    if ((series.flags & SERIES_BORN) != 0)
        put_time(t->w, series.start_ns, t->tick->start_ns);
    put_missing(t->w, missing, columns);
    for (size_t c = 0; (row->flags & ROW_BORN) == 0 && c < columns; c++)
        bytes_put_zigzag(t->w, value[c]);
    return STATUS_OK;
}

static uint32_t series_at(const struct build *build, uint32_t slot)
{
    return slot < build->slot_size ? build->slot_series[slot] : BUILD_NO_SERIES;
}

/* The end of a series without notice. */
static void put_closing(struct byte_writer *w, struct build *build, uint32_t index, uint32_t *last)
{
    bytes_put_varint(w, 1 + zigzag((uint64_t)index - (uint64_t)*last));
    bytes_put_u8(w, 0);
    build_close(build, index, 0, 0);
    *last = index;
}

/* The rows that begin or end a series, which are few. */
static enum status find_edges(struct ticking *t, enum table_id table, struct error *err)
{
    const struct tick_table *from = &t->tick->table[table];

    t->edge_count = 0;
    for (size_t i = 0; i < from->row_count; i++) {
        if ((from->rows[i].flags & (ROW_FIRST | ROW_LAST)) == 0)
            continue;
        if (t->edge_count == t->edge_size) {
            size_t more = t->edge_size * 2 + 64;
            size_t *larger = realloc(t->edge, more * sizeof *larger);

            if (larger == NULL)
                return error_set(err, STATUS_NO_MEMORY, "rows of a tick");
            t->edge = larger;
            t->edge_size = more;
        }
        t->edge[t->edge_count++] = i;
    }
    return STATUS_OK;
}

/* All rows that begin a series, before any change is told: indices are given in this order. */
static enum status put_openings(struct ticking *t, enum table_id table, struct error *err)
{
    struct build *build = &t->block->build[table];
    const struct tick_row *rows = t->tick->table[table].rows;
    uint64_t count = 0;
    uint32_t last = 0;

    for (size_t e = 0; e < t->edge_count; e++) {
        const struct tick_row *row = &rows[t->edge[e]];
        uint32_t index = series_at(build, row->slot);

        count += (row->flags & ROW_FIRST) != 0;
        if ((row->flags & ROW_FIRST) != 0 && index != BUILD_NO_SERIES)
            put_closing(t->w, build, index, &last); /* its slot went to another entity */
    }
    bytes_put_varint(t->w, 0);
    bytes_put_varint(t->w, count);
    for (size_t e = 0; e < t->edge_count; e++) {
        const struct tick_row *row = &rows[t->edge[e]];
        uint32_t index;

        if ((row->flags & ROW_FIRST) != 0 && open_series(t, table, row, &index, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static enum status compare_row(struct ticking *t, enum table_id table, const struct tick_row *row,
                               struct error *err)
{
    struct build *build = &t->block->build[table];
    const struct tick_table *from = &t->tick->table[table];
    uint32_t index = series_at(build, row->slot);
    size_t mark = t->changes.used;

    if (index == BUILD_NO_SERIES)
        return error_set(err, STATUS_INVALID, "%s: slot %u has no series", build->shape->name,
                         row->slot);
    if (row->at == ROW_SAME) {
        build_same(build, index);
        return STATUS_OK;
    }
    bytes_put_zigzag(&t->changes, (int64_t)index - (int64_t)t->last_changed);
    if (!build_compare(build, index, from->values + row->at * from->width,
                       from->missing + row->at * from->width,
                       (row->flags & (ROW_FIRST | ROW_LAST)) != 0, &t->changes)) {
        t->changes.used = mark;
        return STATUS_OK;
    }
    t->last_changed = index;
    t->change_count++;
    return STATUS_OK;
}

/* Series that ended: told to by ROW_LAST, or by having no row now. */
static void put_closings(struct ticking *t, enum table_id table)
{
    struct build *build = &t->block->build[table];
    const struct tick_table *from = &t->tick->table[table];
    size_t sampled = from->row_count; /* open series that have this tick */
    uint32_t last = 0;

    for (size_t e = 0; e < t->edge_count; e++) {
        const struct tick_row *row = &from->rows[t->edge[e]];
        uint32_t index = series_at(build, row->slot);

        if ((row->flags & ROW_LAST) == 0 || index == BUILD_NO_SERIES)
            continue;
        bytes_put_varint(t->w, 1 + zigzag((uint64_t)index - (uint64_t)last));
        bytes_put_u8(t->w, SERIES_ENDED);
        put_time(t->w, row->end_ns, t->tick->start_ns);
        build_close(build, index, SERIES_ENDED, row->end_ns);
        last = index;
        sampled--;
    }
    for (uint32_t i = 0; build->open_count != sampled && i < build->series_count; i++) {
        if (build->series[i].open && build->series[i].end_tick != build->tick_count)
            put_closing(t->w, build, i, &last);
    }
    bytes_put_varint(t->w, 0);
}

static enum status put_table(struct ticking *t, enum table_id table, struct error *err)
{
    struct build *build = &t->block->build[table];
    const struct tick_table *from = &t->tick->table[table];

    bytes_put_u8(t->w, (uint8_t)(table + 1));
    bytes_put_varint(t->w, from->column_mask);
    if (build_tick(build, t->block->ticks.count - 1, t->tick->start_ns, from->column_mask, err) !=
            STATUS_OK ||
        find_edges(t, table, err) != STATUS_OK || put_openings(t, table, err) != STATUS_OK)
        return err->status;
    bytes_reset(&t->changes);
    t->change_count = 0;
    t->last_changed = 0;
    for (size_t i = 0; i < from->row_count; i++)
        if (compare_row(t, table, &from->rows[i], err) != STATUS_OK)
            return err->status;
    t->block->samples += from->row_count;
    bytes_put_varint(t->w, t->change_count);
    bytes_put(t->w, t->changes.data, t->changes.used);
    t->w->full |= t->changes.full;
    put_closings(t, table);
    return STATUS_OK;
}

/* --- tick record: processes --- */

static void put_text(struct byte_writer *w, const struct text *text)
{
    uint32_t size = text->size < PROCESS_TEXT_MAX ? text->size : PROCESS_TEXT_MAX;

    bytes_put_varint(w, text->data == NULL ? 0 : (uint64_t)size + 1);
    bytes_put(w, text->data, text->data == NULL ? 0 : size);
}

static enum status put_births(struct ticking *t, struct error *err)
{
    const struct tick *tick = t->tick;

    bytes_put_varint(t->w, tick->birth_count);
    for (size_t i = 0; i < tick->birth_count; i++) {
        const struct tick_birth *birth = &tick->births[i];
        struct process process = { .session_id = t->block->session_id,
                                   .pid = birth->pid,
                                   .ppid = birth->ppid,
                                   .start_ticks = birth->start_ticks,
                                   .start_ns = birth->start_ns,
                                   .end_ns = NO_TIME,
                                   .exit_code = -1,
                                   .flags = birth->flags };
        struct open_process *added;

        process.process_id = t->key_of(t->context, ENTITY_PROCESS, birth->slot);
        if (process.process_id == 0)
            return error_set(err, STATUS_INVALID, "process slot %u has no id", birth->slot);
        bytes_put_varint(t->w, (uint64_t)process.process_id);
        bytes_put_zigzag(t->w, process.pid);
        bytes_put_zigzag(t->w, process.ppid);
        bytes_put_varint(t->w, process.start_ticks);
        put_time(t->w, process.start_ns, tick->start_ns);
        added = open_block_process(t->block, process.process_id);
        bytes_put_varint(t->w, process.flags | (added != NULL && added->stored ? BIRTH_KNOWN : 0));
        if (added == NULL && open_block_add_process(t->block, &process, &added, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

/* What is not known is what its parent was called then. */
static void inherit(const struct process *parent, uint32_t texts, struct version *version)
{
    const struct version *theirs = process_version_at(parent, version->from_ns);

    for (size_t k = 0; theirs != NULL && k < PROCESS_TEXT_COUNT; k++) {
        if ((texts >> k & 1) == 0 || version->text[k].data != NULL)
            continue;
        version->text[k] = theirs->text[k];
        if (k == PROCESS_CMDLINE && theirs->text[k].data != NULL) {
            version->cmdline_length = theirs->cmdline_length;
            version->cmdline_hash = theirs->cmdline_hash;
        }
    }
}

static enum status put_versions(struct ticking *t, struct error *err)
{
    const struct tick *tick = t->tick;

    bytes_put_varint(t->w, tick->version_count);
    for (size_t i = 0; i < tick->version_count; i++) {
        const struct tick_version *from = &tick->versions[i];
        int64_t process_id = t->key_of(t->context, ENTITY_PROCESS, from->slot);
        struct version version = { .from_ns = from->from_ns,
                                   .uid_known = (from->known & VERSION_UID) != 0,
                                   .uid = from->uid };

        for (size_t k = 0; k < PROCESS_TEXT_COUNT; k++)
            if ((from->known >> k & 1) != 0)
                version.text[k] =
                    (struct text){ tick_text_at(tick, from->text[k]), from->text[k].size };
        if ((from->known >> PROCESS_CMDLINE & 1) != 0) {
            version.cmdline_length = from->cmdline_length;
            version.cmdline_hash =
                from->cmdline_length > from->text[PROCESS_CMDLINE].size ? from->cmdline_hash : 0;
        }
        if (from->like > 0) {
            const struct open_process *parent =
                open_block_process(t->block, t->key_of(t->context, ENTITY_PROCESS, from->like - 1));

            if (parent != NULL)
                inherit(&parent->process, from->inherited, &version);
        }
        bytes_put_varint(t->w, (uint64_t)process_id);
        put_time(t->w, version.from_ns, tick->start_ns);
        bytes_put_varint(t->w, version.uid_known ? (uint64_t)version.uid + 1 : 0);
        bytes_put_varint(t->w, version.cmdline_length);
        bytes_put_varint(t->w, version.cmdline_hash);
        for (size_t k = 0; k < PROCESS_TEXT_COUNT; k++)
            put_text(t->w, &version.text[k]);
        if (tail_apply_name(t->block, process_id, &version, STATUS_INVALID, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static enum status put_exits(struct ticking *t, struct error *err)
{
    const struct tick *tick = t->tick;

    bytes_put_varint(t->w, tick->exit_count);
    for (size_t i = 0; i < tick->exit_count; i++) {
        const struct tick_exit *from = &tick->exits[i];
        int64_t process_id = t->key_of(t->context, ENTITY_PROCESS, from->slot);
        struct open_process *p = open_block_process(t->block, process_id);

        if (p == NULL)
            return error_set(err, STATUS_INVALID, "exit of slot %u, which is no process",
                             from->slot);
        bytes_put_varint(t->w, (uint64_t)process_id);
        bytes_put_u8(t->w, from->how);
        bytes_put_zigzag(t->w, from->code);
        put_time(t->w, from->end_ns, tick->start_ns);
        tail_apply_exit(p, from->how, from->code, from->end_ns);
    }
    return STATUS_OK;
}

/* --- a whole one --- */

static enum status put_tick(struct ticking *t, struct error *err)
{
    const struct tick *tick = t->tick;

    bytes_put_u8(t->w, RECORD_TICK);
    bytes_put_varint(t->w, zigzag((uint64_t)tick->start_ns));
    bytes_put_zigzag(t->w, tick->end_ns - tick->start_ns);
    bytes_put_u8(t->w, tick->gap_before);
    if (open_block_tick(t->block, tick->start_ns, tick->end_ns - tick->start_ns, tick->gap_before,
                        err) != STATUS_OK ||
        put_births(t, err) != STATUS_OK || put_versions(t, err) != STATUS_OK)
        return err->status;
    for (size_t table = 0; table < TABLE_COUNT; table++)
        if (tick->table[table].sampled && put_table(t, (enum table_id)table, err) != STATUS_OK)
            return err->status;
    bytes_put_u8(t->w, 0);
    if (put_exits(t, err) != STATUS_OK)
        return err->status;
    return t->w->full ? error_set(err, STATUS_NO_MEMORY, "tail record") : STATUS_OK;
}

enum status tail_put_tick(struct open_block *block, const struct tick *tick, slot_key *key_of,
                          void *context, struct byte_writer *w, struct error *err)
{
    struct ticking t = { .block = block,
                         .tick = tick,
                         .key_of = key_of,
                         .context = context,
                         .w = w,
                         .changes = block->scratch,
                         .edge = block->edge,
                         .edge_size = block->edge_size };
    enum status st = put_tick(&t, err);

    block->scratch = t.changes;
    block->edge = t.edge;
    block->edge_size = t.edge_size;
    return st;
}
