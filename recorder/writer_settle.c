/* Processes at a seal: rows for those who go on, lifetimes for those who came and went. */
#include <stdlib.h>

#include "recorder/writer_private.h"

static int by_process_id(const void *a, const void *b)
{
    const struct process *x = *(const struct process *const *)a;
    const struct process *y = *(const struct process *const *)b;

    return x->process_id < y->process_id ? -1 : x->process_id > y->process_id;
}

static bool in_order(const struct writer *writer)
{
    for (size_t i = 1; i < writer->lifetime_count; i++)
        if (writer->lifetime[i - 1]->process_id > writer->lifetime[i]->process_id)
            return false;
    return true;
}

static enum status collect_lifetimes(struct writer *writer, struct error *err)
{
    struct open_block *block = &writer->block;

    writer->lifetime_count = 0;
    if (block->process_count > writer->lifetime_size) {
        free(writer->lifetime);
        writer->lifetime = malloc(block->process_count * sizeof *writer->lifetime);
        writer->lifetime_size = writer->lifetime == NULL ? 0 : block->process_count;
    }
    if (writer->lifetime == NULL && block->process_count > 0)
        return error_set(err, STATUS_NO_MEMORY, "lifetimes");
    for (size_t i = 0; i < block->process_count; i++)
        if (block->process[i].gone && !block->process[i].stored)
            writer->lifetime[writer->lifetime_count++] = &block->process[i].process;
    if (!in_order(writer))
        qsort(writer->lifetime, writer->lifetime_count, sizeof(struct process *), by_process_id);
    for (size_t i = 0; i < writer->lifetime_count; i++)
        open_block_process(block, writer->lifetime[i]->process_id)->lifetime = (uint32_t)i + 1;
    return lifetime_columns_begin(&writer->lives, writer->lifetime, writer->lifetime_count,
                                  &block->ticks, &writer->rollup[0][TABLE_PROCESS].shape, err);
}

/*
 * Rows that name no end though their process is gone: it vanished in this block, or while no
 * recorder ran, before the session's first.
 */
static enum status note_unseen_ends(struct writer *writer, struct error *err)
{
    struct open_block *block = &writer->block;
    int64_t last_ns = block->ticks.start_ns[block->ticks.count - 1];

    for (size_t i = 0; i < writer->known_count; i++)
        if (open_block_process(block, writer->known[i].process_id) == NULL &&
            retention_unseen_end(&writer->retention, writer->known[i].process_id, last_ns, err) !=
                STATUS_OK)
            return err->status;
    writer->known_count = 0; /* one that comes now is another */
    for (size_t i = 0; i < block->process_count; i++) {
        const struct open_process *p = &block->process[i];

        if (p->gone && p->stored && p->process.end_ns == NO_TIME &&
            retention_unseen_end(&writer->retention, p->process.process_id, last_ns, err) !=
                STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

enum status writer_settle(struct writer *writer, struct error *err)
{
    struct open_block *block = &writer->block;
    const struct build *build = &block->build[TABLE_PROCESS];

    for (size_t i = 0; i < block->process_count; i++)
        block->process[i].gone = true;
    for (size_t i = 0; i < build->series_count; i++) {
        struct open_process *p = open_block_process(block, build->series[i].series.key[0]);

        if (p != NULL && build->series[i].open)
            p->gone = false;
    }
    for (size_t i = 0; i < block->process_count; i++)
        if (!block->process[i].gone && !block->process[i].stored &&
            writer_store_process(writer, &block->process[i], err) != STATUS_OK)
            return err->status;
    if (note_unseen_ends(writer, err) != STATUS_OK)
        return err->status;
    return collect_lifetimes(writer, err);
}
