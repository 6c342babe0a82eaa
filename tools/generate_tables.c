/* Goes over the tables that are asked for. */
#include "tools/generate_tables.h"

#include <stdio.h>
#include <string.h>

#define SECOND_NS INT64_C(1000000000)

static const struct made_table *const made[] = { &made_pressure, &made_disk,     &made_filesystem,
                                                 &made_network,  &made_thermal,  &made_power,
                                                 &made_cgroup,   &made_container };
_Static_assert(COUNT_OF(made) == MADE_TABLES_MAX, "a state for each");

void tables_init(struct tables *tables, const struct generate_options *options)
{
    *tables = (struct tables){ .options = options,
                               .random = { options->seed ^ UINT64_C(0x7461626c6573) } };
    for (size_t t = 0; t < COUNT_OF(made); t++)
        tables->state[t].set.kind = made[t]->kind;
}

static void forget_entities(struct tables *tables)
{
    for (size_t t = 0; t < COUNT_OF(made); t++) {
        entity_set_release(&tables->state[t].set);
        tables->state[t].set = (struct entity_set){ .kind = made[t]->kind };
        tables->state[t].sampled_ns = INT64_MIN;
    }
    memset(tables->detail_of, 0, sizeof tables->detail_of);
    tables->detail_ns = INT64_MIN;
}

void tables_release(struct tables *tables)
{
    for (size_t t = 0; t < COUNT_OF(made); t++)
        entity_set_release(&tables->state[t].set);
}

static bool wanted(const struct tables *tables, enum table_id table)
{
    return (tables->options->tables >> table & 1) != 0;
}

static bool is_due(int64_t sampled_ns, int64_t every_ns, int64_t now_ns)
{
    return sampled_ns == INT64_MIN || now_ns - sampled_ns >= every_ns - SECOND_NS / 100;
}

/* The last of a list is taken away now and then. */
static bool is_away(const struct tables *tables, const struct made_table *t, size_t number,
                    int64_t now_ns)
{
    return tables->options->missing && t->count > 1 && number + 1 == t->count &&
           now_ns / (50 * SECOND_NS) % 4 == 3;
}

static void add_row(struct tables *tables, size_t t, size_t number, uint32_t slot, uint8_t flags,
                    struct tick *tick)
{
    const struct made_table *of = made[t];
    const struct made_state *state = &tables->state[t];
    size_t count = samples_tables[of->table].metric_count;
    int64_t *values;
    uint8_t *missing;

    if (tick_row_values(tick, of->table, slot, flags, &values, &missing) == NULL)
        return;
    for (size_t m = 0; m < count; m++) {
        bool counts = samples_tables[of->table].metrics[m].kind == METRIC_COUNTER;

        missing[m] = of->shapes[m].move == MOVE_ABSENT  ? (uint8_t)of->shapes[m].low
                     : counts && state->failing[number] ? MISSING_FAILED
                                                        : MISSING_NONE;
        values[m] = missing[m] == MISSING_NONE ? state->values[number][m] : 0;
    }
}

static void move_entity(struct tables *tables, size_t t, size_t number, const struct strain *strain)
{
    struct made_state *state = &tables->state[t];
    size_t count = samples_tables[made[t]->table].metric_count;
    int64_t before[TABLE_METRICS_MAX], *values = state->values[number];
    struct making making = { .dt_ns = state->awake_ns,
                             .number = number,
                             .before = before,
                             .strain = strain,
                             .random = &tables->random };

    memcpy(before, values, sizeof before);
    if (state->begun)
        shapes_move(made[t]->shapes, count, state->awake_ns, values, &tables->random);
    else
        shapes_begin(made[t]->shapes, count, values, &tables->random);
    if (made[t]->derive != NULL)
        made[t]->derive(&making, values);
    if (!tables->options->missing)
        return;
    state->failing[number] =
        random_chance(&tables->random, state->failing[number] ? 500000 : 20000);
    if (random_chance(&tables->random, 3000)) /* as where a driver is loaded anew */
        for (size_t m = 0; m < count; m++)
            if (samples_tables[made[t]->table].metrics[m].kind == METRIC_COUNTER)
                values[m] = 0;
}

static void add_table(struct tables *tables, size_t t, const struct moment *moment,
                      const struct strain *strain, struct tick *tick)
{
    struct made_state *state = &tables->state[t];
    uint32_t slots[MADE_ENTITIES_MAX] = { 0 };

    if (moment->booted)
        state->begun = false;
    state->awake_ns += moment->awake_ns;
    if (!is_due(state->sampled_ns, made[t]->every_ns, moment->now_ns))
        return;
    tick_sampled(tick, made[t]->table);
    entity_set_begin(&state->set);
    for (size_t n = 0; n < made[t]->count; n++) {
        const struct made_name *name = &made[t]->names[n];
        struct entity_seen seen;

        move_entity(tables, t, n, strain);
        if (is_away(tables, made[t], n, moment->now_ns))
            continue;
        seen = entity_set_see(&state->set, tick, name->key, name->label,
                              name->parent < 0 ? ENTITY_NO_SLOT : slots[name->parent]);
        slots[n] = seen.slot;
        if (seen.slot != ENTITY_NO_SLOT)
            add_row(tables, t, n, seen.slot, seen.flags, tick);
    }
    entity_set_end(&state->set, tick);
    state->begun = true;
    state->awake_ns = 0;
    state->sampled_ns = moment->now_ns;
}

/* --- few processes, at few ticks --- */

static void add_detail_row(struct tables *tables, const struct process *p, uint32_t slot,
                           struct tick *tick)
{
    bool first = tables->detail_of[slot] != p->truth_id;
    int64_t n = p->truth_id, *v;
    uint8_t *missing;

    if (tick_row_values(tick, TABLE_PROCESS_DETAIL, slot, first ? ROW_FIRST : 0, &v, &missing) ==
        NULL)
        return;
    tables->detail_of[slot] = p->truth_id;
    memset(missing, p->io_denied ? MISSING_NOT_PERMITTED : MISSING_NONE, DETAIL_METRIC_COUNT);
    if (p->io_denied)
        return;
    v[DETAIL_PSS_BYTES] = p->activity.value[PROCESS_RESIDENT_BYTES] / 4096 * 4 / 5 * 4096;
    v[DETAIL_TCP_ESTABLISHED] = p->sockets + n % 5;
    v[DETAIL_TCP_LISTENING] = n % 3;
    v[DETAIL_TCP_OTHER] = random_below(&tables->random, 3);
    v[DETAIL_UDP] = n % 2;
    v[DETAIL_UNIX] = 1 + n % 4;
    v[DETAIL_SOCKETS] = v[DETAIL_TCP_ESTABLISHED] + v[DETAIL_TCP_LISTENING] + v[DETAIL_TCP_OTHER] +
                        v[DETAIL_UDP] + v[DETAIL_UNIX];
    v[DETAIL_OPEN_FDS] = 3 + v[DETAIL_SOCKETS] + n % 20 + random_below(&tables->random, 4);
    v[DETAIL_TCP_RECEIVE_QUEUE_BYTES] = random_below(&tables->random, 2000) * p->sockets;
    v[DETAIL_TCP_SEND_QUEUE_BYTES] = random_below(&tables->random, 100);
}

/* The first ones, and who is looked at closely: those of incidents. */
static bool is_detailed(const struct population *population, uint32_t slot)
{
    const struct process *p;

    if (slot >= population->slot_count)
        return false;
    p = &population->slots[slot];
    return p->live && (slot < DETAIL_SLOTS || p->driven);
}

static void add_details(struct tables *tables, const struct population *population,
                        const struct moment *moment, struct tick *tick)
{
    if (!is_due(tables->detail_ns, 10 * SECOND_NS, moment->now_ns))
        return;
    tick_sampled(tick, TABLE_PROCESS_DETAIL);
    for (uint32_t s = 0; s < DETAIL_SLOTS_MAX; s++) {
        if (is_detailed(population, s))
            add_detail_row(tables, &population->slots[s], s, tick);
        else
            tables->detail_of[s] = 0;
    }
    tables->detail_ns = moment->now_ns;
}

/* --- events --- */

static void add_event(struct tick *tick, const char *kind, const char *text, int64_t value)
{
    struct tick_text name = tick_add_text(tick, kind, strlen(kind));
    struct tick_text detail = tick_add_text(tick, text, strlen(text));
    struct tick_event *event = tick_add_event(tick);

    if (event != NULL)
        *event = (struct tick_event){
            .at_ns = tick->start_ns, .kind = name, .detail = detail, .value = value
        };
}

static void add_events(struct tables *tables, struct tick *tick)
{
    char text[64];

    if (!random_chance(&tables->random, tables->options->interval_ns / 60000)) /* one a minute */
        return;
    (void)snprintf(text, sizeof text, "made-up note of tick %lld", (long long)tick->seq);
    if (random_chance(&tables->random, 500000))
        add_event(tick, "mark", text, 0);
    else
        add_event(tick, "throttle", "package 0: heat slowed it down, and 2 of its cores", 2);
}

void tables_tick(struct tables *tables, const struct population *population,
                 const struct moment *moment, const struct strain *strain, struct tick *tick)
{
    if (moment->session_first)
        forget_entities(tables);
    for (size_t t = 0; t < COUNT_OF(made); t++)
        if (wanted(tables, made[t]->table) &&
            !(made[t]->table == TABLE_POWER && tables->options->packages > 0))
            add_table(tables, t, moment, strain, tick);
    if (wanted(tables, TABLE_PROCESS_DETAIL))
        add_details(tables, population, moment, tick);
    if (tables->options->events)
        add_events(tables, tick);
}
