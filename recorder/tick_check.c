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
    uint32_t announced; /* the round of what the tick announces */
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
        if (mark(&c->check->announced[ENTITY_PROCESS], tick->births[i].slot, c->announced, "births",
                 err) != STATUS_OK)
            return err->status;
    for (size_t i = 0; i < tick->entity_count; i++) {
        enum entity_kind kind = tick->entities[i].kind;

        if (kind <= ENTITY_PROCESS || kind >= ENTITY_KIND_COUNT)
            return error_set(err, STATUS_INVALID, "entity of kind %d", (int)kind);
        if (mark(&c->check->announced[kind], tick->entities[i].slot, c->announced,
                 entity_kind_name(kind), err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

/* Is the slot that of a process of this tick, or of one that the block still holds? */
static bool has_process(const struct checking *c, uint32_t slot)
{
    int64_t id;

    if (marked(&c->check->announced[ENTITY_PROCESS], slot, c->announced))
        return true;
    id = c->key_of(c->context, ENTITY_PROCESS, slot);
    return id != 0 && open_block_process(c->block, id) != NULL;
}

static bool has_entity(const struct checking *c, enum entity_kind kind, uint32_t slot)
{
    return kind == ENTITY_PROCESS ? has_process(c, slot)
                                  : marked(&c->check->announced[kind], slot, c->announced) ||
                                        c->key_of(c->context, kind, slot) != 0;
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

/* errors INVALID: the row begins a series of what was not announced */
static enum status check_first(const struct checking *c, enum table_id table,
                               const struct tick_row *row, struct error *err)
{
    const struct samples_table *declared = &samples_tables[table];
    bool known = declared->key[0] != ENTITY_NONE || row->slot == 0;

    for (unsigned k = 0; k < 2 && known && declared->key[k] != ENTITY_NONE; k++)
        known = has_entity(c, declared->key[k], tick_row_key(&c->tick->table[table], row, k));
    return known ? STATUS_OK
                 : error_set(err, STATUS_INVALID, "%s: slot %u was not announced", declared->name,
                             row->slot);
}

/* Each row once; *begun counts the announced processes among them. */
static enum status check_rows(const struct checking *c, enum table_id table, size_t *begun,
                              struct error *err)
{
    const struct tick_table *from = &c->tick->table[table];
    const struct build *build = &c->block->build[table];
    const char *name = samples_tables[table].name;
    uint32_t round = ++c->check->round;

    for (size_t i = 0; i < from->row_count; i++) {
        const struct tick_row *row = &from->rows[i];
        bool first = (row->flags & ROW_FIRST) != 0;

        if (mark(&c->check->rows, row->slot, round, name, err) != STATUS_OK)
            return err->status;
        if (row->at == ROW_SAME ? first : row->at >= from->value_count)
            return error_set(err, STATUS_INVALID, "%s: slot %u has no values", name, row->slot);
        if (!first &&
            (row->slot >= build->slot_size || build->slot_series[row->slot] == BUILD_NO_SERIES))
            return error_set(err, STATUS_INVALID, "%s: slot %u begins without ROW_FIRST", name,
                             row->slot);
        if (!first)
            continue;
        if (check_first(c, table, row, err) != STATUS_OK)
            return err->status;
        *begun += table == TABLE_PROCESS &&
                  marked(&c->check->announced[ENTITY_PROCESS], row->slot, c->announced);
    }
    return STATUS_OK;
}

static enum status check_reasons(const struct checking *c, enum table_id table, struct error *err)
{
    const struct tick_table *from = &c->tick->table[table];
    uint8_t most = 0;

    for (size_t i = 0; i < from->value_count * from->width; i++)
        most = from->missing[i] > most ? from->missing[i] : most;
    return most < MISSING_COUNT ? STATUS_OK
                                : error_set(err, STATUS_INVALID, "%s: missing code %u",
                                            samples_tables[table].name, most);
}

enum status tick_check(struct tick_check *check, const struct tick *tick, struct open_block *block,
                       slot_key *key_of, void *context, struct error *err)
{
    struct checking c = { .check = check,
                          .tick = tick,
                          .block = block,
                          .key_of = key_of,
                          .context = context,
                          .announced = ++check->round };
    size_t begun = 0;

    if (check_time(&c, err) != STATUS_OK || check_announced(&c, err) != STATUS_OK ||
        check_processes(&c, err) != STATUS_OK)
        return err->status;
    for (size_t t = 0; t < TABLE_COUNT; t++)
        if (tick->table[t].sampled && (check_rows(&c, (enum table_id)t, &begun, err) != STATUS_OK ||
                                       check_reasons(&c, (enum table_id)t, err) != STATUS_OK))
            return err->status;
    /* A process that is announced and has no row would be of no block. */
    return begun == tick->birth_count
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, "%zu processes announced, %zu of them sampled",
                           tick->birth_count, begun);
}
