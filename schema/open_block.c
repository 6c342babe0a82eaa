/* The block being recorded: ticks, builds, and processes by id. */
#include "schema/open_block.h"

#include <stdlib.h>

enum status open_block_init(struct open_block *block, struct error *err)
{
    *block = (struct open_block){ .previous_ns = NO_TIME, .hash_size = 256 };
    block->hash = calloc(block->hash_size, sizeof *block->hash);
    if (block->hash == NULL)
        return error_set(err, STATUS_NO_MEMORY, "block");
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        build_shape_of_table(&block->shape[t], (enum table_id)t, 0);
        block->stored_metrics[t] = block->shape[t].metric_count;
        if (build_init(&block->build[t], &block->shape[t], err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

void open_block_release(struct open_block *block)
{
    for (size_t t = 0; t < TABLE_COUNT; t++)
        build_release(&block->build[t]);
    for (size_t i = 0; i < block->process_count; i++)
        process_release(&block->process[i].process);
    free(block->process);
    free(block->hash);
    bytes_release(&block->scratch);
    free(block->edge);
    block_ticks_release(&block->ticks);
    *block = (struct open_block){ 0 };
}

static uint32_t *find(const struct open_block *block, int64_t process_id)
{
    size_t at = (size_t)((uint64_t)process_id * 0x9e3779b97f4a7c15u >> 20) & (block->hash_size - 1);

    while (block->hash[at] != 0 &&
           block->process[block->hash[at] - 1].process.process_id != process_id)
        at = (at + 1) & (block->hash_size - 1);
    return &block->hash[at];
}

static enum status rehash(struct open_block *block, size_t size, struct error *err)
{
    uint32_t *hash = calloc(size, sizeof *hash);

    if (hash == NULL)
        return error_set(err, STATUS_NO_MEMORY, "processes");
    free(block->hash);
    block->hash = hash;
    block->hash_size = size;
    for (size_t i = 0; i < block->process_count; i++)
        *find(block, block->process[i].process.process_id) = (uint32_t)i + 1;
    return STATUS_OK;
}

struct open_process *open_block_process(const struct open_block *block, int64_t process_id)
{
    uint32_t *slot = find(block, process_id);

    return *slot == 0 ? NULL : &block->process[*slot - 1];
}

enum status open_block_add_process(struct open_block *block, const struct process *process,
                                   struct open_process **added, struct error *err)
{
    if (block->process_count == block->process_size) {
        size_t more = block->process_size == 0 ? 64 : block->process_size * 2;
        struct open_process *larger = realloc(block->process, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "processes");
        block->process = larger;
        block->process_size = more;
    }
    if ((block->process_count + 1) * 2 > block->hash_size &&
        rehash(block, block->hash_size * 4, err) != STATUS_OK)
        return err->status;
    block->process[block->process_count] = (struct open_process){ .process = *process };
    *find(block, process->process_id) = (uint32_t)block->process_count + 1;
    *added = &block->process[block->process_count++];
    return STATUS_OK;
}

/* A value read before a gap stays the base of the next, but no rate may be taken from it. */
static void remember_gap(struct open_block *block)
{
    for (uint32_t i = 0; i < block->ticks.count; i++)
        for (size_t t = 0; block->ticks.gap[i] && t < TABLE_COUNT; t++)
            block->build[t].last_gap_ns = block->ticks.start_ns[i];
}

/* Births in a storm made room that blocks since then do not need. */
static void shrink(struct open_block *block, size_t had)
{
    size_t size = build_less_room(block->process_size, had);
    struct open_process *smaller;

    block->shrunk = size < block->process_size;
    if (!block->shrunk)
        return;
    smaller = realloc(block->process, size * sizeof *smaller);
    if (smaller == NULL)
        return;
    block->process = smaller;
    block->process_size = size;
}

enum status open_block_restart(struct open_block *block, struct error *err)
{
    size_t kept = 0, had = block->process_count, hash_size = block->hash_size;

    remember_gap(block);
    for (size_t t = 0; t < TABLE_COUNT; t++)
        build_restart(&block->build[t], block->block_seq);
    for (size_t i = 0; i < block->process_count; i++) {
        if (block->process[i].gone) {
            process_release(&block->process[i].process);
            continue;
        }
        if (block->process[i].process.version_count > 1)
            block->process[i].first_number += block->process[i].process.version_count - 1;
        process_forget_names(&block->process[i].process);
        block->process[kept++] = block->process[i];
    }
    block->process_count = block->kept_count = kept;
    block->first_tick += block->ticks.count;
    if (block->ticks.count > 0)
        block->previous_ns = block->ticks.start_ns[block->ticks.count - 1];
    block->ticks.count = 0;
    block->samples = 0;
    block->block_seq++;
    shrink(block, had);
    while (block->shrunk && hash_size / 8 > block->process_size)
        hash_size /= 4;
    return rehash(block, hash_size, err);
}

enum status open_block_tick(struct open_block *block, int64_t start_ns, int64_t sweep_ns, bool gap,
                            struct error *err)
{
    struct block_ticks *ticks = &block->ticks;
    int64_t before = ticks->count > 0 ? ticks->start_ns[ticks->count - 1] : block->previous_ns;

    if (before != NO_TIME && start_ns <= before)
        return error_set(err, STATUS_INVALID, "tick %u is not after the one before", ticks->count);
    if (ticks->count == block->tick_size) {
        size_t more = block->tick_size == 0 ? 512 : block->tick_size * 2;
        int64_t *start = realloc(ticks->start_ns, more * sizeof *start);
        int64_t *sweep;
        uint8_t *gaps;

        if (start != NULL)
            ticks->start_ns = start;
        sweep = realloc(ticks->sweep_ns, more * sizeof *sweep);
        if (sweep != NULL)
            ticks->sweep_ns = sweep;
        gaps = realloc(ticks->gap, more);
        if (gaps != NULL)
            ticks->gap = gaps;
        if (start == NULL || sweep == NULL || gaps == NULL)
            return error_set(err, STATUS_NO_MEMORY, "ticks");
        block->tick_size = more;
    }
    ticks->start_ns[ticks->count] = start_ns;
    ticks->sweep_ns[ticks->count] = sweep_ns;
    ticks->gap[ticks->count] = gap;
    ticks->count++;
    return STATUS_OK;
}

void open_block_gaps(const struct open_block *block, enum table_id table, uint8_t gap[])
{
    const struct build *build = &block->build[table];

    for (uint32_t i = 0; i < build->tick_count; i++) {
        gap[i] = 0;
        for (uint32_t b = i == 0 ? 0 : build->block_tick[i - 1] + 1; b <= build->block_tick[i]; b++)
            gap[i] |= block->ticks.gap[b];
    }
    /* What was before the session's first tick, nobody watched. */
    if (build->tick_count > 0 && build->block_tick[0] == 0 && block->previous_ns == NO_TIME)
        gap[0] = 1;
}
