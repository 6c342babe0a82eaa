/* Gathering what a recording holds: from its rows, tick axes and directories, not its columns. */
#include "analyzer/info.h"

#include <stdlib.h>
#include <string.h>

static enum status damage(struct info *info, enum status st, const struct error *err)
{
    if (st != STATUS_CORRUPT)
        return st;
    if (info->damaged_count++ == 0)
        info->damage = *err;
    return STATUS_OK;
}

/* Of times that a file made up, too. */
static int64_t between(int64_t from_ns, int64_t to_ns)
{
    return (int64_t)((uint64_t)to_ns - (uint64_t)from_ns);
}

static void lost(int64_t *sum_ns, int64_t from_ns, int64_t to_ns)
{
    *sum_ns = (int64_t)((uint64_t)*sum_ns + (uint64_t)between(from_ns, to_ns));
}

void info_release(struct info *info)
{
    free(info->samples);
    free(info->sizes);
    info->samples = NULL;
    info->sizes = NULL;
}

static void add_ticks(struct info *info, const struct recording_block *block,
                      const struct block_ticks *ticks)
{
    int64_t before_ns = block->previous_ns;

    info->tick_count += ticks->count;
    for (uint32_t i = 0; i < ticks->count; i++) {
        if (ticks->gap[i] && before_ns != NO_TIME) {
            info->gap_count++;
            lost(&info->gap_ns, before_ns, ticks->start_ns[i]);
        }
        before_ns = ticks->start_ns[i];
    }
}

/* Rows of every table; tables of which the block has no sample add none. */
static enum status count_samples(struct info *info, const struct recording_block *block,
                                 const struct block_ticks *ticks, struct error *err)
{
    const struct recording_contents *c = info->subject.contents;

    for (size_t t = 0; t < c->table_count; t++) {
        struct block_table directory;
        enum status st = recording_directory(info->subject.recording, block, &c->tables[t], ticks,
                                             &directory, err);

        if (st == STATUS_ABSENT)
            continue;
        if (st != STATUS_OK)
            return st;
        info->samples[t] += (int64_t)directory.row[directory.series_count];
        block_table_release(&directory);
    }
    return STATUS_OK;
}

static enum status read_block(struct info *info, const struct recording_block *block, bool count,
                              struct error *err)
{
    struct block_ticks ticks;
    enum status st = recording_ticks(info->subject.recording, block, &ticks, err);

    if (st != STATUS_OK)
        return st;
    add_ticks(info, block, &ticks);
    if (count)
        st = count_samples(info, block, &ticks, err);
    block_ticks_release(&ticks);
    return st;
}

static enum status read_blocks(struct info *info, struct error *err)
{
    const struct recording_contents *c = info->subject.contents;
    size_t step = (c->block_count[0] + INFO_BLOCKS_MAX - 1) / INFO_BLOCKS_MAX;
    int64_t counted_ticks = 0;

    info->exact = step <= 1;
    for (size_t b = 0; b < c->block_count[0]; b++) {
        const struct recording_block *block = &c->blocks[0][b];
        bool count = step <= 1 || b % step == 0;

        if (damage(info, read_block(info, block, count, err), err) != STATUS_OK)
            return err->status;
        counted_ticks += count ? block->tick_count : 0;
        info->lifetime_count += (int64_t)block->lifetime_count;
        if (b > 0 && block->previous_ns == NO_TIME)
            lost(&info->pause_ns, c->blocks[0][b - 1].end_ns, block->start_ns);
    }
    for (size_t t = 0; t < c->table_count && !info->exact && counted_ticks > 0; t++)
        info->samples[t] =
            (int64_t)((double)info->samples[t] * (double)info->tick_count / (double)counted_ticks);
    return STATUS_OK;
}

/* --- the recorder's own cost --- */

static size_t own_series(const struct info *info, const struct block_table *directory)
{
    for (size_t i = 0; i < directory->series_count; i++) {
        const struct recording_entity *e =
            recording_entity(info->subject.recording, directory->series[i].key[0]);

        if (e != NULL && strcmp(e->key, "recorder") == 0)
            return i;
    }
    return SIZE_MAX;
}

/* The first, or last, value of a metric in the block. */
static enum status own_value(struct info *info, const struct recording_table *table,
                             const struct block_table *directory, size_t series, const char *name,
                             bool last, struct info_own *own, struct error *err)
{
    struct block_column column = { 0 };
    size_t metric = recording_metric(table, name);
    uint32_t count = directory->series[series].count;
    size_t row = directory->row[series] + (last ? count - 1 : 0);
    int64_t value = 0;
    enum status st;

    if (metric == SIZE_MAX)
        return STATUS_OK;
    st =
        recording_column(info->subject.recording, directory, directory->shape->first_column[metric],
                         (struct series_range){ series, series + 1 }, &column, err);
    if (st == STATUS_OK && (column.missing == NULL || column.missing[row] == MISSING_NONE)) {
        own->known =
            !__builtin_mul_overflow(column.value[row], table->metrics[metric].scale, &value);
        *(last ? &own->last : &own->first) = value;
    }
    block_column_release(&column);
    return st;
}

static enum status own_values(struct info *info, const struct recording_table *table,
                              const struct block_table *directory, bool last, struct error *err)
{
    const struct {
        const char *name;
        struct info_own *own;
    } facts[] = {
        { "cpu_ns_total", &info->cpu_ns },
        { "resident_bytes", &info->resident_bytes },
        { "written_bytes_total", &info->written_bytes },
        { "ticks_missed_total", &info->ticks_missed },
        { "ticks_dropped_total", &info->ticks_dropped },
    };
    size_t series = own_series(info, directory);

    for (size_t i = 0; i < COUNT_OF(facts) && series != SIZE_MAX; i++)
        if (own_value(info, table, directory, series, facts[i].name, last, facts[i].own, err) !=
            STATUS_OK)
            return err->status;
    return STATUS_OK;
}

static enum status own_block(struct info *info, const struct recording_block *block, bool last,
                             struct error *err)
{
    const struct recording_table *table =
        recording_table(info->subject.recording, samples_tables[TABLE_RECORDER].name);
    struct block_ticks ticks;
    struct block_table directory;
    enum status st = table == NULL ? STATUS_ABSENT
                                   : recording_ticks(info->subject.recording, block, &ticks, err);

    if (st != STATUS_OK)
        return st == STATUS_ABSENT ? STATUS_OK : st;
    st = recording_directory(info->subject.recording, block, table, &ticks, &directory, err);
    if (st == STATUS_OK) {
        st = own_values(info, table, &directory, last, err);
        block_table_release(&directory);
    }
    block_ticks_release(&ticks);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

static enum status own_cost(struct info *info, struct error *err)
{
    const struct recording_contents *c = info->subject.contents;
    size_t count = c->block_count[0], first = count;

    while (first > 0 && c->blocks[0][first - 1].session == c->blocks[0][count - 1].session)
        first--;
    for (size_t b = first; b < count; b++)
        info->own_ticks += c->blocks[0][b].tick_count;
    if (count == 0)
        return STATUS_OK;
    info->own_ticks--; /* from the first tick to the last */
    if (damage(info, own_block(info, &c->blocks[0][first], false, err), err) != STATUS_OK)
        return err->status;
    return damage(info, own_block(info, &c->blocks[0][count - 1], true, err), err);
}

enum status info_gather(struct info *info, struct error *err)
{
    const struct recording_contents *c = info->subject.contents;
    const struct recording_table *table =
        recording_table(info->subject.recording, samples_tables[TABLE_PROCESS].name);

    info->process_table = table == NULL ? SIZE_MAX : (size_t)(table - c->tables);
    info->samples = calloc(c->table_count + 1, sizeof *info->samples);
    if (info->samples == NULL)
        return error_set(err, STATUS_NO_MEMORY, "info");
    if (read_blocks(info, err) != STATUS_OK || own_cost(info, err) != STATUS_OK)
        return err->status;
    info->span_ns = between(info->subject.first_ns, info->subject.last_ns);
    info->covered_ns = between(info->pause_ns, between(info->gap_ns, info->span_ns));
    info->cpu_used_ns = between(info->cpu_ns.first, info->cpu_ns.last);
    return damage(
        info, recording_sizes(info->subject.recording, &info->sizes, &info->size_count, err), err);
}
