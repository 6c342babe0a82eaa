/* Each rule of schema/tick.h that would leave a series nobody can read, or one that has no owner. */
#include "recorder/tick_check.h"

#include <stdlib.h>
#include <string.h>

struct checking {
    struct tick_check *check;
    const struct tick *tick;
    struct open_block *block;
    slot_key *key_of;
    void *context;
};

void tick_check_release(struct tick_check *check)
{
    for (size_t k = 0; k < ENTITY_KIND_COUNT; k++)
        free(check->announced[k].round);
    free(check->rows.round);
    *check = (struct tick_check){ 0 };
}

static bool marked(const struct slot_marks *marks, uint32_t slot, uint32_t round)
{
    return slot < marks->size && marks->round[slot] == round;
}

static enum status grow(struct slot_marks *marks, uint32_t slot, const char *what,
                        struct error *err)
{
    size_t more = (size_t)slot + slot / 2 + 64;
    uint32_t *larger;

    if (slot >= SLOTS_MAX)
        return error_set(err, STATUS_INVALID, "%s: slot %u", what, slot);
    larger = realloc(marks->round, more * sizeof *larger);
    if (larger == NULL)
        return error_set(err, STATUS_NO_MEMORY, "slots of a tick");
    memset(larger + marks->size, 0, (more - marks->size) * sizeof *larger);
    marks->round = larger;
    marks->size = more;
    return STATUS_OK;
}

/* errors INVALID: it was marked before, or is no slot */
static inline enum status mark(struct slot_marks *marks, uint32_t slot, uint32_t round,
                               const char *what, struct error *err)
{
    if (slot >= marks->size && grow(marks, slot, what, err) != STATUS_OK)
        return err->status;
    if (marks->round[slot] == round)
        return error_set(err, STATUS_INVALID, "%s: slot %u comes twice", what, slot);
    marks->round[slot] = round;
    return STATUS_OK;
}

static enum status check_time(const struct checking *c, struct error *err)
{
    const struct block_ticks *ticks = &c->block->ticks;
    int64_t before = ticks->count > 0 ? ticks->start_ns[ticks->count - 1] : c->block->previous_ns;

    if (before != NO_TIME && c->tick->start_ns <= before)
        return error_set(err, STATUS_INVALID, "tick %lld is not after the one before",
                         (long long)c->tick->seq);
    return STATUS_OK;
}

static enum status check_announced(const struct checking *c, struct error *err)
{
    const struct tick *tick = c->tick;

    for (size_t i = 0; i < tick->birth_count; i++)
        if (mark(&c->check->announced[ENTITY_PROCESS], tick->births[i].slot, c->check->round,
                 "births", err) != STATUS_OK)
            return err->status;
    for (size_t i = 0; i < tick->entity_count; i++) {
        enum entity_kind kind = tick->entities[i].kind;

        if (kind <= ENTITY_PROCESS || kind >= ENTITY_KIND_COUNT)
            return error_set(err, STATUS_INVALID, "entity of kind %d", (int)kind);
        if (mark(&c->check->announced[kind], tick->entities[i].slot, c->check->round,
                 entity_kind_name(kind), err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

/* Is the slot that of a process of this tick, or of one that the block still holds? */
static bool has_process(const struct checking *c, uint32_t slot)
{
    int64_t id;

    if (marked(&c->check->announced[ENTITY_PROCESS], slot, c->check->round))
        return true;
    id = c->key_of(c->context, ENTITY_PROCESS, slot);
    return id != 0 && open_block_process(c->block, id) != NULL;
}

static enum status check_processes(const struct checking *c, struct error *err)
{
    const struct tick *tick = c->tick;

    for (size_t i = 0; i < tick->version_count; i++)
        if (!has_process(c, tick->versions[i].slot))
            return error_set(err, STATUS_INVALID, "a name of slot %u, which is no process",
                             tick->versions[i].slot);
    for (size_t i = 0; i < tick->exit_count; i++)
        if (!has_process(c, tick->exits[i].slot))
            return error_set(err, STATUS_INVALID, "exit of slot %u, which is no process",
                             tick->exits[i].slot);
    return STATUS_OK;
}

static enum status check_row(const struct checking *c, enum table_id table,
                             const struct tick_row *row, struct error *err)
{
    const struct samples_table *declared = &samples_tables[table];
    const struct build *build = &c->block->build[table];
    enum entity_kind kind = declared->key[0];
    bool open = row->slot < build->slot_size && build->slot_series[row->slot] != BUILD_NO_SERIES;
    bool first = (row->flags & ROW_FIRST) != 0;

    if (row->at == ROW_SAME ? first : row->at >= c->tick->table[table].value_count)
        return error_set(err, STATUS_INVALID, "%s: slot %u has no values", declared->name,
                         row->slot);
    if (!first)
        return open ? STATUS_OK
                    : error_set(err, STATUS_INVALID, "%s: slot %u begins without ROW_FIRST",
                                declared->name, row->slot);
    if (kind == ENTITY_NONE ? row->slot != 0
        : kind == ENTITY_PROCESS
            ? !has_process(c, row->slot)
            : !marked(&c->check->announced[kind], row->slot, c->check->round) &&
                  c->key_of(c->context, kind, row->slot) == 0)
        return error_set(err, STATUS_INVALID, "%s: slot %u was not announced", declared->name,
                         row->slot);
    return STATUS_OK;
}

static enum status check_table(const struct checking *c, enum table_id table, struct error *err)
{
    const struct tick_table *from = &c->tick->table[table];
    const char *name = samples_tables[table].name;
    uint8_t reasons = 0;

    c->check->round++; /* a table's rows are met once; what was announced is looked at before */
    for (size_t i = 0; i < from->row_count; i++)
        if (mark(&c->check->rows, from->rows[i].slot, c->check->round, name, err) != STATUS_OK)
            return err->status;
    for (size_t i = 0; i < from->value_count * from->width; i++)
        reasons = from->missing[i] > reasons ? from->missing[i] : reasons;
    return reasons < MISSING_COUNT
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, "%s: missing code %u", name, reasons);
}

/* A process that is announced and has no row would be of no block. */
static enum status check_births(const struct checking *c, struct error *err)
{
    const struct tick_table *from = &c->tick->table[TABLE_PROCESS];
    size_t begun = 0;

    for (size_t i = 0; c->tick->birth_count > 0 && from->sampled && i < from->row_count; i++)
        begun += (from->rows[i].flags & ROW_FIRST) != 0 &&
                 marked(&c->check->announced[ENTITY_PROCESS], from->rows[i].slot, c->check->round);
    return begun == c->tick->birth_count
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, "%zu processes announced, %zu of them sampled",
                           c->tick->birth_count, begun);
}

enum status tick_check(struct tick_check *check, const struct tick *tick, struct open_block *block,
                       slot_key *key_of, void *context, struct error *err)
{
    struct checking c = {
        .check = check, .tick = tick, .block = block, .key_of = key_of, .context = context
    };

    check->round++;
    if (check_time(&c, err) != STATUS_OK || check_announced(&c, err) != STATUS_OK ||
        check_processes(&c, err) != STATUS_OK || check_births(&c, err) != STATUS_OK)
        return err->status;
    for (size_t t = 0; t < TABLE_COUNT; t++)
        for (size_t i = 0; tick->table[t].sampled && i < tick->table[t].row_count; i++)
            if (check_row(&c, (enum table_id)t, &tick->table[t].rows[i], err) != STATUS_OK)
                return err->status;
    for (size_t t = 0; t < TABLE_COUNT; t++)
        if (tick->table[t].sampled && check_table(&c, (enum table_id)t, err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}
