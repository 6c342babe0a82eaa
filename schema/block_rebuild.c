/* Decodes group by group, so that memory stays at one group's dense columns. */
#include "schema/block_rebuild.h"

#include <stdlib.h>

struct rebuilding {
    struct build *build;
    struct block_table table;
    chunk_source *source;
    void *source_context;
    struct decompressor *d;
    int64_t *value;   /* [row of the group][column] */
    uint8_t *missing; /* the same */
    int64_t *base;    /* [series of the group][column] */
    int64_t *base_ns; /* the same */
};

static enum status begin_ticks(struct rebuilding *r, struct error *err)
{
    struct build *build = r->build;
    unsigned metrics = build->shape->metric_count;

    memcpy(build->column_ns, r->table.column_previous_ns, metrics * sizeof *build->column_ns);
    memcpy(build->column_base_ns, r->table.column_previous_ns, metrics * sizeof *build->column_ns);
    for (uint32_t i = 0; i < r->table.tick_count; i++) {
        if (build_tick(build, r->table.tick[i], r->table.tick_ns[i],
                       r->table.mask == NULL ? UINT64_MAX : r->table.mask[i], err) != STATUS_OK)
            return err->status;
        if (r->table.covered_ns != NULL)
            memcpy(build->covered_ns + (size_t)i * metrics,
                   r->table.covered_ns + (size_t)i * metrics, metrics * sizeof *build->covered_ns);
    }
    return STATUS_OK;
}

static enum status decode_group(struct rebuilding *r, size_t first, size_t end, struct error *err)
{
    const struct block_table *table = &r->table;
    size_t columns = table->shape->column_count;
    size_t rows = table->row[end] - table->row[first];
    struct block_column column = { 0 };
    enum status st = STATUS_OK;

    for (size_t c = 0; c < columns && st == STATUS_OK; c++) {
        st = block_column_decode(&column, table, c, (struct series_range){ first, end }, r->source,
                                 r->source_context, r->d, err);
        for (size_t i = 0; st == STATUS_OK && i < rows; i++) {
            r->value[i * columns + c] = column.value[table->row[first] + i];
            r->missing[i * columns + c] =
                column.missing == NULL ? MISSING_NONE : column.missing[table->row[first] + i];
        }
        for (size_t i = first; st == STATUS_OK && i < end; i++) {
            r->base[(i - first) * columns + c] = column.base[i];
            r->base_ns[(i - first) * columns + c] = column.base_ns[i];
        }
    }
    block_column_release(&column);
    return st;
}

/* Before its first sample: base values, and what was missing there. */
static enum status open_series(struct rebuilding *r, size_t index, size_t in_group, uint32_t *at,
                               struct error *err)
{
    struct build *build = r->build;
    const struct series *from = &r->table.series[index];
    size_t columns = build->shape->column_count;
    struct series series = *from;

    series.count = 0;
    build->now = from->first;
    if (build_open(build, &series, BUILD_NO_SERIES, at, err) != STATUS_OK)
        return err->status;
    build->series[*at].since_ns = (from->flags & SERIES_YOUNG) != 0 ? from->start_ns
                                  : (from->flags & SERIES_FIRST) != 0
                                      ? r->table.tick_ns[from->first]
                                      : INT64_MIN;
    for (size_t c = 0; c < columns; c++) {
        unsigned metric = build->shape->column[c].metric;
        size_t cell = *at * build->shape->metric_count + metric;
        int64_t base_ns = r->base_ns[in_group * columns + c];

        if ((from->flags & SERIES_FIRST) != 0 || base_ns == r->table.column_previous_ns[metric])
            continue;
        build->missing[cell] = build->base_missing[cell] = MISSING_FAILED;
        if (!known_times_set_both(&build->known, *at, metric, base_ns))
            return error_set(err, STATUS_NO_MEMORY, "block of %s", build->shape->name);
    }
    return build_set_values(build, *at, r->base + in_group * columns, err);
}

static enum status add_group(struct rebuilding *r, size_t first, size_t end, struct error *err)
{
    struct build *build = r->build;
    const struct block_table *table = &r->table;
    size_t columns = build->shape->column_count;

    for (size_t i = first; i < end; i++) {
        const struct series *from = &table->series[i];
        size_t row = table->row[i] - table->row[first];
        uint32_t at;

        if (open_series(r, i, i - first, &at, err) != STATUS_OK)
            return err->status;
        for (uint32_t k = 0; k < from->count; k++, row++) {
            bool edge = k == 0 || k == from->count - 1;

            build->now = from->first + k;
            (void)build_compare(build, at, r->value + row * columns, r->missing + row * columns,
                                edge, NULL);
        }
        if (build->no_memory)
            return error_set(err, STATUS_NO_MEMORY, "block of %s", table->shape->name);
        if ((from->flags & SERIES_ENDED) != 0 || from->first + from->count < table->tick_count)
            build_close(build, at, from->flags & SERIES_ENDED, from->end_ns);
    }
    return STATUS_OK;
}

static enum status rebuild(struct rebuilding *r, struct error *err)
{
    const struct block_table *table = &r->table;
    size_t columns = table->shape->column_count;
    enum status st = begin_ticks(r, err);

    for (size_t first = 0; st == STATUS_OK && first < table->series_count; first += GROUP_SERIES) {
        size_t end =
            first + GROUP_SERIES < table->series_count ? first + GROUP_SERIES : table->series_count;
        size_t rows = table->row[end] - table->row[first];

        r->value = malloc(rows * columns * sizeof *r->value);
        r->missing = malloc(rows * columns);
        r->base = malloc(GROUP_SERIES * columns * sizeof *r->base);
        r->base_ns = malloc(GROUP_SERIES * columns * sizeof *r->base_ns);
        if (r->value == NULL || r->missing == NULL || r->base == NULL || r->base_ns == NULL)
            st = error_set(err, STATUS_NO_MEMORY, "block of %s", table->shape->name);
        if (st == STATUS_OK)
            st = decode_group(r, first, end, err);
        if (st == STATUS_OK)
            st = add_group(r, first, end, err);
        free(r->value);
        free(r->missing);
        free(r->base);
        free(r->base_ns);
    }
    return st;
}

enum status block_rebuild(struct build *build, const struct chunk_place *place,
                          const struct block_ticks *ticks, chunk_source *source,
                          void *source_context, struct decompressor *d, struct error *err)
{
    struct rebuilding r = {
        .build = build, .source = source, .source_context = source_context, .d = d
    };
    enum status st =
        block_table_decode(&r.table, place, build->shape, ticks, source, source_context, d, err);

    if (st == STATUS_OK)
        st = rebuild(&r, err);
    block_table_release(&r.table);
    return st;
}
