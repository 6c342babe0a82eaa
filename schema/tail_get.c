/*
 * Tail records read: a tail replayed is the block as it was. Whatever makes no sense is CORRUPT.
 * Layout: schema/FORMAT.md, "Tail".
 */
#include <stdlib.h>

#include "schema/tail_private.h"

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

static int64_t get_time(struct byte_reader *r, int64_t near_ns)
{
    uint64_t value = bytes_get_varint(r);

    return value == 0 ? NO_TIME : (int64_t)((uint64_t)near_ns + unzigzag(value - 1));
}

/* --- base record --- */

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
        if (tail_apply_name(block, process_id, &version, STATUS_CORRUPT, err) != STATUS_OK)
            return err->status;
    }
    return r->overrun ? error_set(err, STATUS_CORRUPT, "names") : STATUS_OK;
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
        tail_apply_exit(p, how, code, end_ns);
    }
    return r->overrun ? error_set(err, STATUS_CORRUPT, "exits") : STATUS_OK;
}

/* --- a whole one --- */

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
