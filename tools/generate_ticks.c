/* One session without gaps of the made-up host, as make_recording has it. */
#include "tools/generate_ticks.h"

#include <stdio.h>

#define SECOND_NS INT64_C(1000000000)

static void fill_facts(const struct generate_ticks *t, int64_t boot_ns, struct session_facts *facts)
{
    *facts = (struct session_facts){
        .boot_id = "00000000-0000-4000-8000-000000000000",
        .host = "generated",
        .os = "Linux",
        .process_source = "fds",
        .core_count = t->host.cores,
        .page_bytes = 4096,
        .memory_bytes = INT64_C(16000) << 20,
        .clock_ticks_per_second = 100,
        .interval_ns = t->options->interval_ns,
        .pid = 299,
        .timebase = { .boot_start_ns = t->options->start_ns - boot_ns,
                      .wall_start_ns = t->options->start_ns },
    };
}

enum status generate_ticks_init(struct generate_ticks *ticks,
                                const struct generate_options *options, struct session_facts *facts,
                                struct error *err)
{
    int64_t boot_ns = options->start_ns - 30 * 86400 * SECOND_NS;
    enum status st;

    *ticks = (struct generate_ticks){ .options = options, .moment = { .index = -1 } };
    ticks->random.state = options->seed;
    tick_init(&ticks->tick);
    st = population_init(&ticks->population, options, boot_ns, NULL, err);
    if (st != STATUS_OK)
        return st;
    host_init(&ticks->host, ticks->population.host.cores, &ticks->random);
    host_restart(&ticks->host);
    fill_facts(ticks, boot_ns, facts);
    return STATUS_OK;
}

void generate_ticks_release(struct generate_ticks *ticks)
{
    tick_release(&ticks->tick);
    population_release(&ticks->population);
}

enum status generate_ticks_next(struct generate_ticks *ticks, struct error *err)
{
    int64_t interval_ns = ticks->options->interval_ns;
    struct moment *moment = &ticks->moment;
    struct tick *tick = &ticks->tick;
    int64_t run_us;

    moment->index++;
    moment->session_first = moment->index == 0;
    moment->now_ns = ticks->options->start_ns + moment->index * interval_ns +
                     random_between(&ticks->random, 0, ticks->options->jitter_ns);
    if (moment->session_first)
        moment->before_ns = moment->now_ns - interval_ns;
    moment->awake_ns = moment->now_ns - moment->before_ns;
    tick_reset(tick);
    tick->seq = moment->index;
    tick->start_ns = tick->wall_ns = moment->now_ns;
    tick->end_ns = moment->now_ns + 3000 * (int64_t)ticks->population.slot_count;
    run_us = population_tick(&ticks->population, moment, tick);
    host_tick(&ticks->host, tick, moment->awake_ns, run_us, &ticks->random);
    return tick->no_memory ? error_set(err, STATUS_NO_MEMORY, "made-up tick") : STATUS_OK;
}

enum status generate_ticks_after(struct generate_ticks *ticks, const struct writer *writer,
                                 struct error *err)
{
    ticks->moment.before_ns = ticks->moment.now_ns;
    return population_after(&ticks->population, &ticks->moment, writer, err);
}
