/* Births, deaths and changes of identity of the made-up processes. */
#include "tools/generate_process.h"

#include <stdlib.h>
#include <string.h>

#include "tools/generate_incident.h"
#include "tools/generate_row.h"
#include "tools/generate_slots.h"
#include "tools/generate_truth.h"

#define SECOND_NS INT64_C(1000000000)
#define KERNEL_TICK_NS INT64_C(10000000)

enum { PID_LIMIT = 4194304, BIRTH_TRIALS = 4 };

/* Levels are stated for one process; `scale` makes all of them fit into the cores. */
static void fit_host(struct population *pop, const struct generate_options *o)
{
    int64_t hungry_permille = 0; /* of a core, all together */

    for (int b = 0; b < BEHAVIOUR_COUNT; b++)
        pop->mix_sum += o->mix[b];
    hungry_permille += o->processes * o->mix[BEHAVIOUR_BUSY] * 1000 / pop->mix_sum;
    hungry_permille += o->processes * o->mix[BEHAVIOUR_STEADY] * 12 / pop->mix_sum;
    hungry_permille += o->processes * o->mix[BEHAVIOUR_BURSTY] * 80 / pop->mix_sum;
    pop->host.cores = o->processes < 50 ? 2 : o->processes < 300 ? 4 : 8;
    pop->host.scale_ppm = 1000000;
    if (hungry_permille > pop->host.cores * 600)
        pop->host.scale_ppm = pop->host.cores * 600 * 1000000 / hungry_permille;
}

enum status population_init(struct population *pop, const struct generate_options *options,
                            int64_t boot_ns, struct truth *truth, struct error *err)
{
    *pop = (struct population){ .options = options,
                                .truth = truth,
                                .boot_ns = boot_ns,
                                .random = { options->seed },
                                .pid_next = PID_FIRST,
                                .pid_limit = PID_LIMIT };
    if (options->pid_reuse) {
        int64_t limit = 1500 + 4 * options->processes + options->births_ppm * 400 / 1000000;

        pop->pid_limit = limit < PID_LIMIT ? (int32_t)limit : PID_LIMIT;
    }
    pop->pid_used = calloc((size_t)pop->pid_limit, 1);
    if (pop->pid_used == NULL)
        return error_set(err, STATUS_NO_MEMORY, "processes: out of memory");
    fit_host(pop, options);
    return STATUS_OK;
}

void population_release(struct population *pop)
{
    free(pop->slots);
    free(pop->free.slot);
    free(pop->announced.slot);
    free(pop->gone.slot);
    free(pop->buried.slot);
    free(pop->pid_used);
    *pop = (struct population){ 0 };
}

/* Say who is in the slot; from_ns: since when it is called so. */
static void announce(struct population *pop, uint32_t slot, int64_t from_ns, struct tick *tick)
{
    const struct process *p = &pop->slots[slot];
    struct tick_birth *birth = tick_add_birth(tick);

    if (birth == NULL)
        return;
    *birth = (struct tick_birth){
        .slot = slot,
        .pid = p->pid,
        .ppid = p->ppid,
        .start_ticks = p->start_ticks,
        .start_ns = p->start_ns,
        .flags = p->identity.origin == PROGRAM_KERNEL ? BIRTH_KERNEL_THREAD : 0,
    };
    identity_texts(&pop->texts, &p->identity, pop->options->cmdline_bytes);
    identity_announce(&pop->texts, UINT32_MAX, slot, from_ns, tick);
    if (pop->truth != NULL)
        truth_version(pop->truth, p->truth_id, from_ns, &pop->texts);
    slots_push(pop, &pop->announced, slot);
}

static void set_user(const struct population *pop, struct process *p, unsigned user)
{
    p->identity.user = user;
    p->io_denied = pop->options->missing && user_id(user) != 0 && p->truth_id % 3 == 0;
}

/* A start as /proc tells it: rounded down to the kernel's clock tick. */
static int64_t kernel_tick(const struct population *pop, int64_t start_ns)
{
    return start_ns - (start_ns - pop->boot_ns) % KERNEL_TICK_NS;
}

static struct process *process_add(struct population *pop, uint32_t *slot, int64_t start_ns,
                                   enum behaviour behaviour, const struct moment *moment)
{
    struct process *p = slots_take(pop, slot);

    if (p == NULL)
        return NULL;
    *p = (struct process){ .live = true,
                           .fresh = true,
                           .status_due = true,
                           .start_ns = start_ns,
                           .end_ns = INT64_MAX,
                           .truth_id = ++pop->truth_count,
                           .ppid = 1,
                           .first_tick = moment->index };
    p->pid = slots_pid(pop);
    p->start_ticks = (uint64_t)((start_ns - pop->boot_ns) / KERNEL_TICK_NS);
    activity_init(&p->activity, behaviour, start_ns, &pop->host, &pop->random);
    p->identity.program_number = p->identity.origin_number = random_next(&pop->random);
    return p;
}

static enum behaviour choose_behaviour(struct population *pop)
{
    int64_t left = random_below(&pop->random, pop->mix_sum);
    int b = 0;

    while (left >= pop->options->mix[b])
        left -= pop->options->mix[b++];
    return (enum behaviour)b;
}

struct process *population_add(struct population *pop, const char *name, uint64_t number,
                               int32_t ppid, int64_t start_ns, const struct moment *moment,
                               struct tick *tick)
{
    uint32_t slot;
    struct process *p = process_add(pop, &slot, start_ns, BEHAVIOUR_ASLEEP, moment);

    if (p == NULL)
        return NULL;
    p->driven = true;
    p->ppid = ppid;
    p->in_view = start_ns > moment->before_ns && !moment->session_first;
    p->activity.wake_ns = INT64_MAX;
    p->identity.program = PROGRAM_NAMED;
    p->identity.origin = PROGRAM_SERVICE;
    p->identity.name = name;
    if (number != 0)
        p->identity.program_number = p->identity.origin_number = number;
    set_user(pop, p, 4);
    p->io_denied = false;
    announce(pop, slot, p->in_view ? start_ns : moment->now_ns, tick);
    return p;
}

struct process *population_find(struct population *pop, int64_t truth_id)
{
    for (size_t s = 0; s < pop->slot_count; s++)
        if (pop->slots[s].live && pop->slots[s].truth_id == truth_id)
            return &pop->slots[s];
    return NULL;
}

/* One of the processes that live on; every few hundred has a name to be careful with. */
static void add_lasting(struct population *pop, int64_t start_ns, bool in_view,
                        const struct moment *moment, struct tick *tick)
{
    enum behaviour behaviour = choose_behaviour(pop);
    int64_t nth = pop->base_count++ % 250, dice = random_below(&pop->random, 100);
    enum program_kind program = dice < 65   ? PROGRAM_SERVICE
                                : dice < 92 ? PROGRAM_SHELL
                                            : PROGRAM_COMPILER;
    uint32_t slot;
    struct process *p = process_add(pop, &slot, start_ns, behaviour, moment);

    if (p == NULL)
        return;
    if (nth == 3 || nth == 7 || nth == 11 || nth == 15) {
        program = PROGRAM_HOSTILE;
        p->identity.program_number = (uint64_t)(nth / 4);
    } else if (!in_view && behaviour <= BEHAVIOUR_PERIODIC && random_chance(&pop->random, 200000)) {
        program = PROGRAM_KERNEL;
    }
    p->identity.program = p->identity.origin = program;
    set_user(pop, p,
             program == PROGRAM_KERNEL ? 0 : (unsigned)random_below(&pop->random, USER_COUNT));
    p->in_view = in_view;
    if (!in_view)
        activity_age(&p->activity, moment->now_ns, &pop->random);
    announce(pop, slot, in_view ? start_ns : moment->now_ns, tick);
}

/* A short-lived process; one that began and ended while no recorder ran leaves no trace. */
static void add_short(struct population *pop, const struct moment *moment, struct tick *tick)
{
    static const enum behaviour behaviours[] = { BEHAVIOUR_BUSY, BEHAVIOUR_BUSY, BEHAVIOUR_STEADY,
                                                 BEHAVIOUR_IO, BEHAVIOUR_IDLE };
    struct random_source *random = &pop->random;
    int64_t start_ns =
        kernel_tick(pop, random_between(random, moment->before_ns + 1, moment->now_ns));
    int64_t life_ns = random_chance(random, 20000)
                          ? random_between(random, 200000, 2000000)
                          : random_log_middle(random, 5000000, 60 * SECOND_NS);
    struct process *p;
    uint32_t slot;

    if (moment->session_first && start_ns + life_ns <= moment->now_ns)
        return;
    p = process_add(pop, &slot, start_ns, behaviours[random_below(random, COUNT_OF(behaviours))],
                    moment);
    if (p == NULL)
        return;
    p->end_ns = start_ns + life_ns / 1000 * 1000; /* taskstats tells microseconds */
    p->in_view = !moment->session_first;
    p->ppid = (int32_t)random_between(random, 1, PID_FIRST);
    p->identity.program = p->identity.origin =
        random_chance(random, 700000) ? PROGRAM_COMPILER : PROGRAM_SHELL;
    set_user(pop, p, (unsigned)random_below(random, USER_COUNT));
    announce(pop, slot, p->in_view ? start_ns : moment->now_ns, tick);
}

static struct process *pick(struct population *pop, uint32_t *slot, const struct moment *moment)
{
    struct process *p;

    if (pop->slot_count == 0)
        return NULL;
    *slot = (uint32_t)random_below(&pop->random, (int64_t)pop->slot_count);
    p = &pop->slots[*slot];
    return p->live && !p->fresh && !p->driven && p->end_ns > moment->now_ns ? p : NULL;
}

static void add_births(struct population *pop, const struct moment *moment, struct tick *tick)
{
    int64_t mean_ppm =
        (moment->now_ns - moment->before_ns) / 1000 * pop->options->births_ppm / 1000000;
    int64_t trials = BIRTH_TRIALS * (mean_ppm / 1000000 + 1);
    struct process *p;
    uint32_t slot;

    for (int64_t i = 0; i < trials; i++) {
        if (random_chance(&pop->random, mean_ppm / trials))
            add_short(pop, moment, tick);
    }
    if (mean_ppm == 0 || moment->session_first ||
        !random_chance(&pop->random,
                       moment->awake_ns / 120000 < 1000000 ? moment->awake_ns / 120000 : 1000000))
        return;
    p = pick(pop, &slot, moment); /* a lasting one ends, another begins */
    if (p != NULL && p->end_ns == INT64_MAX) {
        p->end_ns = random_between(&pop->random, moment->before_ns + 1, moment->now_ns);
        add_lasting(pop, random_between(&pop->random, moment->before_ns + 1, moment->now_ns), true,
                    moment, tick);
    }
}

/* Another program or another user in mid-life. */
static void change_identity(struct population *pop, struct process *p, uint32_t slot,
                            const struct moment *moment, struct tick *tick)
{
    int64_t from_ns = random_between(&pop->random, moment->before_ns + 1, moment->now_ns);
    uint32_t mask = VERSION_UID | 1 << PROCESS_USER;

    if (p->identity.origin == PROGRAM_KERNEL)
        return;
    if (random_chance(&pop->random, 400000)) {
        set_user(pop, p, (unsigned)random_below(&pop->random, USER_COUNT));
        p->forced = true;
    } else {
        mask = 1 << PROCESS_COMM | 1 << PROCESS_EXE | 1 << PROCESS_CMDLINE;
        p->identity.program =
            random_chance(&pop->random, 500000) ? PROGRAM_SERVICE : PROGRAM_COMPILER;
        p->identity.program_number = random_next(&pop->random);
    }
    p->hours.row = 0; /* another name */
    identity_texts(&pop->texts, &p->identity, pop->options->cmdline_bytes);
    identity_announce(&pop->texts, mask, slot, from_ns, tick);
    if (pop->truth != NULL)
        truth_version(pop->truth, p->truth_id, from_ns, &pop->texts);
}

/* What goes wrong on real machines: unreadable files, counters that fall. */
static void add_trouble(struct population *pop, struct process *p)
{
    int64_t *v = p->activity.value;
    int64_t dice = random_below(&pop->random, 100);

    p->forced = true;
    if (dice < 6 && v[PROCESS_DISK_WRITTEN_BYTES_TOTAL] >= 4096) {
        v[PROCESS_DISK_WRITTEN_BYTES_TOTAL] -= 4096;
    } else if (dice < 12 && v[PROCESS_CPU_NS_TOTAL] >= 1500) {
        v[PROCESS_CPU_NS_TOTAL] -= 1500;
    } else {
        p->failure = (enum process_failure)(dice % FAILURE_COUNT);
        p->failure_ticks = (int)random_between(&pop->random, 1, 5);
    }
}

static void disturb(struct population *pop, const struct moment *moment, struct tick *tick)
{
    int64_t ppm = pop->options->interval_ns / 30000; /* once in 30 s */
    struct process *p;
    uint32_t slot;

    if (random_chance(&pop->random, ppm < 1000000 ? ppm : 1000000)) {
        p = pick(pop, &slot, moment);
        if (p != NULL)
            change_identity(pop, p, slot, moment, tick);
    }
    if (pop->options->missing) {
        p = pick(pop, &slot, moment);
        if (p != NULL)
            add_trouble(pop, p);
    }
}

/* A new session: those who died meanwhile are forgotten, the others get other slots. */
static void reopen(struct population *pop, const struct moment *moment, struct tick *tick)
{
    size_t low = 0;

    for (size_t i = 0; i < pop->buried.count; i++)
        slots_free_pid(pop, pop->slots[pop->buried.slot[i]].pid);
    for (size_t s = 0; s < pop->slot_count; s++) {
        struct process *p = &pop->slots[s];

        if (!p->live)
            continue;
        if (p->end_ns > moment->now_ns && !moment->booted) {
            pop->slots[low++] = *p;
            continue;
        }
        p->end = END_UNSEEN;
        p->last_tick = moment->index - 1;
        slots_free_pid(pop, p->pid);
        if (pop->truth != NULL)
            truth_process(pop->truth, p);
    }
    pop->slot_count = low;
    pop->free.count = pop->buried.count = 0;
    for (size_t s = 0; s < low / 2; s++) {
        struct process other = pop->slots[s];

        pop->slots[s] = pop->slots[low - 1 - s];
        pop->slots[low - 1 - s] = other;
    }
    for (uint32_t s = 0; s < low; s++) {
        pop->slots[s].fresh = pop->slots[s].status_due = true;
        pop->slots[s].in_view = false;
        announce(pop, s, moment->now_ns, tick);
    }
}

void population_reboot(struct population *pop, int64_t boot_ns)
{
    pop->boot_ns = boot_ns;
    pop->pid_next = PID_FIRST;
}

/* Those that were there before the recorder: of the host's whole life, or since it was restarted. */
static void add_first(struct population *pop, const struct moment *moment, struct tick *tick)
{
    int64_t oldest_ns =
        moment->booted ? moment->now_ns - pop->boot_ns : INT64_C(2500000) * SECOND_NS;
    int64_t youngest_ns = moment->booted ? SECOND_NS / 10 : 10 * SECOND_NS;

    for (int64_t i = 0; i < pop->options->processes; i++)
        add_lasting(pop, moment->now_ns - random_log_between(&pop->random, youngest_ns, oldest_ns),
                    false, moment, tick);
}

int64_t population_tick(struct population *pop, const struct moment *moment, struct tick *tick)
{
    int64_t budget_us = pop->host.cores * (moment->awake_ns / 1000) / 100 * 92;

    if (moment->index > 0 && moment->session_first)
        reopen(pop, moment, tick);
    if (moment->index == 0 || moment->booted) {
        add_first(pop, moment, tick);
    } else if (!moment->session_first) {
        disturb(pop, moment, tick);
    }
    if (moment->index > 0)
        add_births(pop, moment, tick);
    tick_sampled(tick, TABLE_PROCESS);
    tick->table[TABLE_PROCESS].column_mask = row_column_mask(tick);
    pop->host.budget_us = budget_us;
    pop->host.tick_ns = moment->awake_ns;
    if (pop->incidents != NULL)
        incidents_run(pop->incidents, pop, moment, tick);
    for (uint32_t s = 0; s < pop->slot_count; s++) {
        if (!pop->slots[s].live)
            continue;
        (void)row_add(pop, s, moment, tick);
        if (!pop->slots[s].live)
            slots_push(pop, &pop->gone, s);
    }
    return budget_us - pop->host.budget_us;
}

/* A slot and a pid may be used again two ticks after their process. */
static void bury(struct population *pop)
{
    struct slot_list old = pop->buried;

    for (size_t i = 0; i < old.count; i++) {
        slots_free_pid(pop, pop->slots[old.slot[i]].pid);
        slots_push(pop, &pop->free, old.slot[i]);
    }
    pop->buried = pop->gone;
    pop->gone = old;
    pop->gone.count = 0;
}

enum status population_after(struct population *pop, const struct moment *moment,
                             const struct writer *writer, struct error *err)
{
    if (pop->no_memory)
        return error_set(err, STATUS_NO_MEMORY, "processes: out of memory");
    for (size_t i = 0; i < pop->announced.count; i++) {
        uint32_t slot = pop->announced.slot[i];
        struct process *p = &pop->slots[slot];
        int64_t id = writer_process_id(writer, slot);

        if (p->process_id != 0 && id != p->process_id && !pop->options->split)
            return error_set(
                err, STATUS_CORRUPT, "tick %lld: process %lld of pid %d has got another id, %lld",
                (long long)moment->index, (long long)p->process_id, p->pid, (long long)id);
        p->process_id = id;
        p->born |= p->in_view;
        p->fresh = false;
    }
    pop->announced.count = 0;
    for (size_t i = 0; i < pop->gone.count && pop->truth != NULL; i++)
        truth_process(pop->truth, &pop->slots[pop->gone.slot[i]]);
    bury(pop);
    return STATUS_OK;
}

void population_finish(struct population *pop, int64_t last_tick)
{
    for (size_t s = 0; s < pop->slot_count; s++) {
        struct process *p = &pop->slots[s];

        if (!p->live || pop->truth == NULL)
            continue;
        p->last_tick = last_tick;
        truth_process(pop->truth, p);
    }
}
