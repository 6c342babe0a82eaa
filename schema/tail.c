/*
 * Tail records: what one tick changed, as bytes. Writing one also adds the tick to the open
 * block; reading one does the same, so that a tail replayed is the block as it was.
 * Layout: schema/FORMAT.md, "Tail".
 */
#include <stdlib.h>

#include "schema/open_block.h"

enum record_kind { RECORD_BASE = 0, RECORD_TICK = 1 };

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

static bool get_missing(struct byte_reader *r, uint8_t codes[], size_t count)
{
    for (size_t at = 0; at < count;) {
        uint8_t code = bytes_get_u8(r);
        uint64_t run = bytes_get_varint(r);

        if (r->overrun || run == 0 || run > count - at || code >= MISSING_COUNT)
            return false;
        memset(codes + at, code, (size_t)run);
        at += (size_t)run;
    }
    return true;
}

static void put_time(struct byte_writer *w, int64_t time_ns, int64_t near_ns)
{
    bytes_put_varint(w, time_ns == NO_TIME ? 0 : 1 + zigzag((uint64_t)time_ns - (uint64_t)near_ns));
}

static int64_t get_time(struct byte_reader *r, int64_t near_ns)
{
    uint64_t value = bytes_get_varint(r);

    return value == 0 ? NO_TIME : (int64_t)((uint64_t)near_ns + unzigzag(value - 1));
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

/* Missing codes of a series; metrics that the tail's writer did not know are unsupported. */
static bool get_codes(struct build *build, uint32_t index, struct byte_reader *r, size_t stored)
{
    size_t columns = build->shape->column_count;
    uint8_t *codes = build->missing + index * columns;

    memset(codes + stored, MISSING_UNSUPPORTED, columns - stored);
    if (!get_missing(r, codes, stored))
        return false;
    memcpy(build->base_missing + index * columns, codes, columns);
    return true;
}

static enum status get_base_series(struct build *build, struct byte_reader *r, size_t stored,
                                   int64_t near_ns, struct error *err)
{
    size_t columns = build->shape->column_count;
    struct series series = { 0 };
    uint32_t index;
    int64_t since_ns;

    series.key[0] = bytes_get_zigzag(r);
    series.key[1] = bytes_get_zigzag(r);
    since_ns = get_time(r, near_ns);
    if (build_open(build, &series, BUILD_NO_SERIES, &index, err) != STATUS_OK)
        return err->status;
    build->series[index].end_tick = 0;
    build->series[index].since_ns = since_ns;
    build_go_on(build, index);
    if (!get_codes(build, index, r, stored))
        return error_set(err, STATUS_CORRUPT, "missing codes of %s", build->shape->name);
    for (size_t c = 0; c < stored; c++) {
        size_t at = index * columns + c;

        build->value[at] = bytes_get_zigzag(r);
        if (build->missing[at] != MISSING_NONE &&
            !known_times_set_both(&build->known, index, c, get_time(r, near_ns)))
            return error_set(err, STATUS_NO_MEMORY, "a base of %s", build->shape->name);
    }
    return r->overrun
               ? error_set(err, STATUS_CORRUPT, "a base of %s is cut short", build->shape->name)
               : STATUS_OK;
}

/* Processes that go on from the block before have rows: here their id is enough. */
static enum status stand_in(struct open_block *block, struct error *err)
{
    const struct build *build = &block->build[TABLE_PROCESS];

    for (size_t i = 0; i < build->series_count; i++) {
        struct process process = { .process_id = build->series[i].series.key[0],
                                   .end_ns = NO_TIME,
                                   .exit_code = -1 };
        struct open_process *added;

        if (open_block_process(block, process.process_id) != NULL)
            continue;
        if (open_block_add_process(block, &process, &added, err) != STATUS_OK)
            return err->status;
        added->stored = true;
    }
    return STATUS_OK;
}

static enum status get_base(struct open_block *block, struct byte_reader *r, struct error *err)
{
    int64_t near_ns;
    uint64_t tables;

    block->session_id = (int64_t)bytes_get_varint(r);
    block->block_seq = (int64_t)bytes_get_varint(r);
    block->first_tick = (int64_t)bytes_get_varint(r);
    block->previous_ns = get_time(r, 0);
    near_ns = block->previous_ns == NO_TIME ? 0 : block->previous_ns;
    tables = bytes_get_varint(r);
    if (tables > TABLE_COUNT)
        return error_set(err, STATUS_UNSUPPORTED, "written by a newer version, with %llu tables",
                         (unsigned long long)tables);
    for (size_t t = 0; t < tables; t++) {
        struct build *build = &block->build[t];
        uint64_t count, stored = bytes_get_varint(r);

        if (stored > build->shape->metric_count)
            return error_set(err, STATUS_UNSUPPORTED,
                             "written by a newer version, with %llu metrics of %s",
                             (unsigned long long)stored, build->shape->name);
        block->stored_metrics[t] = (unsigned)stored;
        for (unsigned m = 0; m < stored; m++)
            build->column_ns[m] = build->column_base_ns[m] = get_time(r, near_ns);
        count = bytes_get_varint(r);
        if (r->overrun || count > BLOCK_SERIES_MAX || count > r->size)
            return error_set(err, STATUS_CORRUPT, "number of series of %s", build->shape->name);
        for (; count > 0; count--)
            if (get_base_series(build, r, stored, near_ns, err) != STATUS_OK)
                return err->status;
    }
    return stand_in(block, err);
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

static enum status get_opening(struct build *build, struct byte_reader *r, size_t stored,
                               int64_t tick_ns, struct error *err)
{
    size_t columns = build->shape->column_count;
    struct series series = { .first = build->now };
    uint32_t index;

    series.flags = bytes_get_u8(r) & (SERIES_FIRST | SERIES_BORN);
    series.key[0] = bytes_get_zigzag(r);
    series.key[1] = bytes_get_zigzag(r);
    if ((series.flags & SERIES_BORN) != 0)
        series.start_ns = get_time(r, tick_ns);
    if (build_open(build, &series, BUILD_NO_SERIES, &index, err) != STATUS_OK)
        return err->status;
    build->series[index].end_tick = build->now + 1;
    if (!get_codes(build, index, r, stored))
        return error_set(err, STATUS_CORRUPT, "missing codes of %s", build->shape->name);
    for (size_t c = 0; (series.flags & SERIES_BORN) == 0 && c < stored; c++)
        build->value[index * columns + c] = bytes_get_zigzag(r);
    return r->overrun
               ? error_set(err, STATUS_CORRUPT, "a series of %s is cut short", build->shape->name)
               : STATUS_OK;
}

static enum status get_closings(struct build *build, struct byte_reader *r, int64_t tick_ns,
                                struct error *err)
{
    uint64_t index = 0;

    for (uint64_t step; (step = bytes_get_varint(r)) != 0;) {
        uint8_t flags = bytes_get_u8(r) & SERIES_ENDED;
        int64_t end_ns = flags != 0 ? get_time(r, tick_ns) : 0;

        index += unzigzag(step - 1);
        if (r->overrun || index >= build->series_count)
            return error_set(err, STATUS_CORRUPT, "end of a series of %s", build->shape->name);
        if (flags == 0 && build->series[index].end_tick == build->now + 1)
            build->series[index].end_tick--; /* it had no sample at this tick */
        build_close(build, (uint32_t)index, flags, end_ns);
    }
    return r->overrun ? error_set(err, STATUS_CORRUPT, "ends of %s", build->shape->name)
                      : STATUS_OK;
}

static enum status get_table(struct open_block *block, enum table_id table, struct byte_reader *r,
                             struct error *err)
{
    struct build *build = &block->build[table];
    int64_t tick_ns = block->ticks.start_ns[block->ticks.count - 1];
    uint64_t mask = bytes_get_varint(r);
    uint64_t count;
    uint64_t index = 0;

    if (build_tick(build, block->ticks.count - 1, tick_ns, mask, err) != STATUS_OK)
        return err->status;
    if (get_closings(build, r, tick_ns, err) != STATUS_OK)
        return err->status;
    count = bytes_get_varint(r);
    if (r->overrun || count > BLOCK_SERIES_MAX || count > r->size)
        return error_set(err, STATUS_CORRUPT, "new series of %s", build->shape->name);
    for (; count > 0; count--)
        if (get_opening(build, r, block->stored_metrics[table], tick_ns, err) != STATUS_OK)
            return err->status;
    for (uint32_t i = 0; i < build->series_count; i++)
        if (build->series[i].open)
            build_same(build, i);
    count = bytes_get_varint(r);
    for (; count > 0 && !r->overrun; count--) {
        index += (uint64_t)bytes_get_zigzag(r);
        if (index >= build->series_count)
            return error_set(err, STATUS_CORRUPT, "a change of no series of %s",
                             build->shape->name);
        if (build_apply(build, (uint32_t)index, r, err) != STATUS_OK)
            return err->status;
    }
    return get_closings(build, r, tick_ns, err);
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

static enum status get_births(struct open_block *block, struct byte_reader *r, int64_t tick_ns,
                              struct error *err)
{
    for (uint64_t count = bytes_get_varint(r); count > 0 && !r->overrun; count--) {
        struct process process = { .session_id = block->session_id,
                                   .end_ns = NO_TIME,
                                   .exit_code = -1 };
        struct open_process *added;

        process.process_id = (int64_t)bytes_get_varint(r);
        process.pid = (int32_t)bytes_get_zigzag(r);
        process.ppid = (int32_t)bytes_get_zigzag(r);
        process.start_ticks = bytes_get_varint(r);
        process.start_ns = get_time(r, tick_ns);
        process.flags = (uint32_t)bytes_get_varint(r);
        added = open_block_process(block, process.process_id);
        if (added == NULL && open_block_add_process(block, &process, &added, err) != STATUS_OK)
            return err->status;
        if ((process.flags & BIRTH_KNOWN) != 0)
            added->stored = true;
    }
    return r->overrun ? error_set(err, STATUS_CORRUPT, "births") : STATUS_OK;
}

/* Put a name on a process of the block; one that is not there is a rule broken, or damage. */
static enum status apply_name(struct open_block *block, int64_t process_id,
                              const struct version *version, enum status unknown, struct error *err)
{
    struct open_process *p = open_block_process(block, process_id);
    size_t index;
    enum status st;

    if (p == NULL)
        return error_set(err, unknown, "a name of process %lld, which is not there",
                         (long long)process_id);
    if (p->first_number + p->process.version_count >= PROCESS_VERSIONS_MAX)
        return STATUS_OK;
    st = process_name(&p->process, version, &index, err);
    if (st == STATUS_FULL)
        return STATUS_OK; /* the rest of an absurd life goes without names */
    if (st == STATUS_OK && index < p->changed_from)
        p->changed_from = index;
    return st;
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
        if (apply_name(t->block, process_id, &version, STATUS_INVALID, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static enum status get_versions(struct open_block *block, struct byte_reader *r, int64_t tick_ns,
                                struct error *err)
{
    for (uint64_t count = bytes_get_varint(r); count > 0 && !r->overrun; count--) {
        int64_t process_id = (int64_t)bytes_get_varint(r);
        struct version version = { .from_ns = get_time(r, tick_ns) };
        uint64_t uid = bytes_get_varint(r);

        version.uid_known = uid != 0;
        version.uid = (uint32_t)(uid - (uid != 0));
        version.cmdline_length = (uint32_t)bytes_get_varint(r);
        version.cmdline_hash = bytes_get_varint(r);
        for (size_t k = 0; k < PROCESS_TEXT_COUNT; k++) {
            uint64_t size = bytes_get_varint(r);

            if (size == 0)
                continue;
            if (size - 1 > PROCESS_TEXT_MAX)
                return error_set(err, STATUS_CORRUPT, "a name of %llu bytes",
                                 (unsigned long long)size);
            version.text[k].data = (const char *)bytes_get(r, (size_t)size - 1);
            version.text[k].size = (uint32_t)size - 1;
        }
        if (r->overrun)
            break;
        if (apply_name(block, process_id, &version, STATUS_CORRUPT, err) != STATUS_OK)
            return err->status;
    }
    return r->overrun ? error_set(err, STATUS_CORRUPT, "names") : STATUS_OK;
}

static void apply_exit(struct open_process *p, uint8_t how, int32_t code, int64_t end_ns)
{
    p->process.how = how;
    p->process.exit_code = code;
    p->process.end_ns = end_ns;
    p->gone = true;
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
        apply_exit(p, from->how, from->code, from->end_ns);
    }
    return STATUS_OK;
}

static enum status get_exits(struct open_block *block, struct byte_reader *r, int64_t tick_ns,
                             struct error *err)
{
    for (uint64_t count = bytes_get_varint(r); count > 0 && !r->overrun; count--) {
        struct open_process *p = open_block_process(block, (int64_t)bytes_get_varint(r));
        uint8_t how = bytes_get_u8(r);
        int32_t code = (int32_t)bytes_get_zigzag(r);
        int64_t end_ns = get_time(r, tick_ns);

        if (p == NULL || r->overrun)
            return error_set(err, STATUS_CORRUPT, "exit of an unknown process");
        apply_exit(p, how, code, end_ns);
    }
    return r->overrun ? error_set(err, STATUS_CORRUPT, "exits") : STATUS_OK;
}

/* --- whole records --- */

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

static enum status get_tick(struct open_block *block, struct byte_reader *r, struct error *err)
{
    int64_t start_ns = bytes_get_zigzag(r);
    int64_t sweep_ns = bytes_get_zigzag(r);
    bool gap = bytes_get_u8(r) != 0;

    if (r->overrun)
        return error_set(err, STATUS_CORRUPT, "a tick is cut short");
    if (open_block_tick(block, start_ns, sweep_ns, gap, err) != STATUS_OK)
        return err->status == STATUS_INVALID ? error_set(err, STATUS_CORRUPT, "a tick out of order")
                                             : err->status;
    if (get_births(block, r, start_ns, err) != STATUS_OK ||
        get_versions(block, r, start_ns, err) != STATUS_OK)
        return err->status;
    for (uint8_t table; (table = bytes_get_u8(r)) != 0;) {
        if (table > TABLE_COUNT)
            return error_set(err, STATUS_CORRUPT, "table %u", table);
        if (get_table(block, (enum table_id)(table - 1), r, err) != STATUS_OK)
            return err->status;
    }
    return get_exits(block, r, start_ns, err);
}

enum status tail_get(struct open_block *block, struct byte_reader *r, struct error *err)
{
    uint8_t kind = bytes_get_u8(r);
    enum status st;

    if (r->overrun || kind > RECORD_TICK)
        return error_set(err, STATUS_CORRUPT, "kind of record");
    st = kind == RECORD_BASE ? get_base(block, r, err) : get_tick(block, r, err);
    if (st == STATUS_OK && (r->overrun || bytes_left(r) != 0))
        st = error_set(err, STATUS_CORRUPT, "its length is wrong");
    return st;
}

static uint32_t record_crc(int64_t id, uint32_t previous, const uint8_t *frame, size_t size)
{
    uint8_t head[12];

    for (int i = 0; i < 8; i++)
        head[i] = (uint8_t)((uint64_t)id >> (8 * i));
    for (int i = 0; i < 4; i++)
        head[8 + i] = (uint8_t)(previous >> (8 * i));
    return crc32c(crc32c(0, head, sizeof head), frame, size);
}

enum status tail_seal(struct compressor *c, int64_t id, uint32_t *crc,
                      const struct byte_writer *record, struct byte_writer *out, struct error *err)
{
    size_t start = out->used;

    bytes_put_u32(out, 0);
    bytes_put_u32(out, *crc);
    if (compress_frame(c, COMPRESS_TAIL, record->data, record->used, out, err) != STATUS_OK)
        return err->status;
    *crc = record_crc(id, *crc, out->data + start + 8, out->used - start - 8);
    for (int i = 0; i < 4; i++)
        out->data[start + (size_t)i] = (uint8_t)(*crc >> (8 * i));
    return STATUS_OK;
}

enum status tail_unseal(struct decompressor *d, int64_t id, uint32_t *crc, const uint8_t *data,
                        size_t size, struct byte_reader *record, struct error *err)
{
    struct byte_reader r = { .data = data, .size = size };
    uint32_t stored = bytes_get_u32(&r);
    uint32_t previous = bytes_get_u32(&r);

    if (r.overrun || previous != *crc ||
        stored != record_crc(id, previous, data + r.used, size - r.used))
        return error_set(err, STATUS_CORRUPT,
                         "tail record %lld of block %lld: its checksum is wrong",
                         (long long)(id & 0xfffff), (long long)(id >> 20));
    *crc = stored;
    return decompress_frame(d, data + r.used, size - r.used, 1 << 28, record, err);
}
