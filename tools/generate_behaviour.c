/* How made-up processes wake and work; the shares are those of the machines measured. */
#include "tools/generate_behaviour.h"

#include <string.h>

#define SECOND_NS INT64_C(1000000000)
#define PAGE_BYTES INT64_C(4096)
#define TICK_US INT64_C(10000) /* user and system time are known to 1/100 s only */

enum { STATE_RUNNING = 1, STATE_SLEEPING = 2, STATE_DISK_SLEEP = 3 };

static const char *const names[BEHAVIOUR_COUNT] = {
    "idle", "periodic", "bursty", "steady", "growing", "io", "churning", "busy", "asleep",
};

const char *behaviour_name(enum behaviour behaviour)
{
    return names[behaviour];
}

int behaviour_by_name(const char *name)
{
    for (int i = 0; i < BEHAVIOUR_COUNT; i++) {
        if (strcmp(name, names[i]) == 0)
            return i;
    }
    return -1;
}

static void choose_pace(struct activity *a, const struct activity_host *host,
                        struct random_source *random)
{
    switch (a->behaviour) {
    case BEHAVIOUR_IDLE:
        if (random_chance(random, 200000))
            a->period_ns = random_log_between(random, 60 * SECOND_NS, 600 * SECOND_NS);
        break;
    case BEHAVIOUR_PERIODIC:
        a->period_ns = random_log_between(random, SECOND_NS / 10, 30 * SECOND_NS);
        break;
    case BEHAVIOUR_STEADY:
        a->level_ppm = random_log_between(random, 300, 60000) * host->scale_ppm / 1000000;
        break;
    case BEHAVIOUR_BURSTY:
        a->level_ppm = random_between(random, 200000, 950000) * host->scale_ppm / 1000000;
        break;
    case BEHAVIOUR_BUSY:
        a->level_ppm = random_between(random, 600000, 1000000) * host->scale_ppm / 1000000;
        if (random_chance(random, 300000))
            a->level_ppm *= 2;
        break;
    default:
        break;
    }
}

void activity_init(struct activity *a, enum behaviour behaviour, int64_t start_ns,
                   const struct activity_host *host, struct random_source *random)
{
    int64_t pages = random_log_middle(random, 200, 200000);

    *a = (struct activity){ .wake_ns = start_ns, .done_ns = start_ns, .behaviour = behaviour };
    choose_pace(a, host, random);
    if (a->level_ppm == 0)
        a->level_ppm = random_log_between(random, 500, 50000);
    a->user_permille = random_between(random, 400, 980);
    a->value[PROCESS_RESIDENT_BYTES] = pages * PAGE_BYTES;
    a->value[PROCESS_VIRTUAL_BYTES] = pages * random_between(random, 2, 40) * PAGE_BYTES;
    a->value[PROCESS_THREADS] = a->level_ppm > 1000000 ? 2 : random_log_between(random, 1, 40);
    a->value[PROCESS_NICE] = random_chance(random, 30000) ? 10 : 0;
    a->value[PROCESS_STATE] = STATE_SLEEPING;
    a->value[PROCESS_LAST_CPU] = random_below(random, host->cores);
    a->value[PROCESS_MINOR_FAULTS_TOTAL] = pages / 4;
    a->value[PROCESS_SWAP_BYTES] = behaviour == BEHAVIOUR_GROWING ? 64 * PAGE_BYTES : 0;
}

/* What follows from other values. */
static void derive(struct activity *a)
{
    int64_t *v = a->value;
    int64_t user_us = v[PROCESS_CPU_NS_TOTAL] * a->user_permille / 1000;
    int64_t system_us = v[PROCESS_CPU_NS_TOTAL] - user_us;

    v[PROCESS_CPU_USER_NS_TOTAL] = user_us / TICK_US * TICK_US;
    v[PROCESS_CPU_SYSTEM_NS_TOTAL] = system_us / TICK_US * TICK_US;
    v[PROCESS_RESIDENT_ANONYMOUS_BYTES] =
        v[PROCESS_RESIDENT_BYTES] / PAGE_BYTES * 7 / 10 * PAGE_BYTES;
    v[PROCESS_RESIDENT_SHARED_BYTES] =
        v[PROCESS_RESIDENT_BYTES] - v[PROCESS_RESIDENT_ANONYMOUS_BYTES];
}

/* When it is next due, seen from now. */
static void sleep_on(struct activity *a, int64_t now_ns, struct random_source *random)
{
    int64_t nap_ns = 0;

    switch (a->behaviour) {
    case BEHAVIOUR_ASLEEP:
    case BEHAVIOUR_IDLE:
    case BEHAVIOUR_PERIODIC:
        if (a->period_ns == 0) {
            a->wake_ns = INT64_MAX;
            return;
        }
        nap_ns = a->period_ns;
        break;
    case BEHAVIOUR_BURSTY:
    case BEHAVIOUR_IO:
        if (now_ns < a->burst_end_ns)
            break;
        nap_ns = random_log_between(random, 5 * SECOND_NS, 40 * SECOND_NS);
        a->burst_end_ns = now_ns + nap_ns + random_log_between(random, SECOND_NS, 5 * SECOND_NS);
        break;
    case BEHAVIOUR_GROWING:
        nap_ns = random_between(random, 2 * SECOND_NS, 8 * SECOND_NS);
        break;
    case BEHAVIOUR_CHURNING:
        nap_ns = random_log_between(random, 2 * SECOND_NS, 30 * SECOND_NS);
        break;
    default:
        break;
    }
    a->wake_ns = now_ns + nap_ns;
}

void activity_age(struct activity *a, int64_t now_ns, struct random_source *random)
{
    int64_t *v = a->value;
    int64_t run_us = (now_ns - a->done_ns) / 1000000 * (a->level_ppm / 50 + 1) / 1000;

    v[PROCESS_CPU_NS_TOTAL] = run_us;
    v[PROCESS_RUN_DELAY_NS_TOTAL] = run_us / 20;
    v[PROCESS_CONTEXT_SWITCHES_VOLUNTARY_TOTAL] = run_us / 300 + random_below(random, 500);
    v[PROCESS_CONTEXT_SWITCHES_INVOLUNTARY_TOTAL] = run_us / 6000;
    v[PROCESS_MINOR_FAULTS_TOTAL] += run_us / 100;
    v[PROCESS_IO_READ_CHARS_TOTAL] = run_us * 3 + random_below(random, 100000);
    v[PROCESS_IO_WRITTEN_CHARS_TOTAL] = run_us + random_below(random, 10000);
    v[PROCESS_DISK_WRITTEN_BYTES_TOTAL] = run_us / 4096 * PAGE_BYTES;
    v[PROCESS_DISK_READ_BYTES_TOTAL] = run_us / 9000 * PAGE_BYTES;
    v[PROCESS_MAJOR_FAULTS_TOTAL] = random_below(random, 60);
    v[PROCESS_BLOCK_DELAY_NS_TOTAL] = random_below(random, 9000000);
    derive(a);
    a->done_ns = now_ns;
    sleep_on(a, now_ns, random);
    if (a->wake_ns > now_ns && a->wake_ns != INT64_MAX)
        a->wake_ns = random_between(random, now_ns, a->wake_ns);
}

/* CPU microseconds of one stretch awake. */
static int64_t run_time(const struct activity *a, int64_t awake_ns, int64_t wakes,
                        struct random_source *random)
{
    switch (a->behaviour) {
    case BEHAVIOUR_BURSTY:
    case BEHAVIOUR_STEADY:
    case BEHAVIOUR_BUSY:
        return awake_ns / 1000 * (a->level_ppm * random_between(random, 900, 1000) / 1000) /
               1000000;
    case BEHAVIOUR_IO:
    case BEHAVIOUR_CHURNING:
        return random_log_between(random, 1000, 20000);
    default:
        return wakes * (a->level_ppm / 10 + random_below(random, a->level_ppm / 40 + 10));
    }
}

static void use_memory(struct activity *a, struct random_source *random)
{
    int64_t pages = random_between(random, -8, 8);

    if (a->behaviour == BEHAVIOUR_GROWING)
        pages = random_between(random, 1, 64);
    else if (!random_chance(random, 130000))
        return;
    a->value[PROCESS_RESIDENT_BYTES] += pages * PAGE_BYTES;
    if (a->value[PROCESS_RESIDENT_BYTES] < 16 * PAGE_BYTES)
        a->value[PROCESS_RESIDENT_BYTES] = 16 * PAGE_BYTES;
    if (a->value[PROCESS_RESIDENT_BYTES] > a->value[PROCESS_VIRTUAL_BYTES] / 2)
        a->value[PROCESS_VIRTUAL_BYTES] += 1024 * PAGE_BYTES;
    if (pages > 0)
        a->value[PROCESS_MINOR_FAULTS_TOTAL] += pages;
}

static void use_disk(struct activity *a, struct random_source *random)
{
    bool much = a->behaviour == BEHAVIOUR_IO;
    int64_t *v = a->value;

    if (random_chance(random, much ? 600000 : 50000)) {
        v[PROCESS_IO_READ_CHARS_TOTAL] += random_log_between(random, 8, much ? 1000000 : 20000);
        v[PROCESS_IO_WRITTEN_CHARS_TOTAL] += random_log_between(random, 8, much ? 1000000 : 5000);
    }
    if (random_chance(random, much ? 400000 : 60000))
        v[PROCESS_DISK_WRITTEN_BYTES_TOTAL] += random_log_between(random, 1, 64) * PAGE_BYTES;
    if (random_chance(random, much ? 100000 : 2000)) {
        v[PROCESS_DISK_READ_BYTES_TOTAL] += random_log_between(random, 1, 256) * PAGE_BYTES;
        v[PROCESS_MAJOR_FAULTS_TOTAL] += random_below(random, 3);
        v[PROCESS_BLOCK_DELAY_NS_TOTAL] += random_between(random, 100, 8000);
    }
}

void activity_run(struct activity *a, int64_t now_ns, struct activity_host *host,
                  struct random_source *random)
{
    int64_t *v = a->value;
    int64_t asleep_ns = now_ns - a->done_ns;
    int64_t awake_ns = asleep_ns < host->tick_ns ? asleep_ns : host->tick_ns;
    int64_t wakes = a->period_ns > 0 && a->period_ns < awake_ns ? awake_ns / a->period_ns : 1;
    int64_t run_us = run_time(a, awake_ns, wakes, random);
    int64_t threads = v[PROCESS_THREADS] < host->cores ? v[PROCESS_THREADS] : host->cores;

    if (run_us > awake_ns / 1000 * threads)
        run_us = awake_ns / 1000 * threads;
    if (run_us > host->budget_us)
        run_us = host->budget_us;
    host->budget_us -= run_us;
    v[PROCESS_CPU_NS_TOTAL] += run_us;
    if (random_chance(random, 800000))
        v[PROCESS_RUN_DELAY_NS_TOTAL] += run_us * random_below(random, 20) / 1000 + wakes;
    v[PROCESS_CONTEXT_SWITCHES_VOLUNTARY_TOTAL] += wakes + run_us / 20000;
    v[PROCESS_CONTEXT_SWITCHES_INVOLUNTARY_TOTAL] += run_us / 6000;
    if (random_chance(random, 230000))
        v[PROCESS_MINOR_FAULTS_TOTAL] += random_log_between(random, 1, 100);
    if (random_chance(random, 170000))
        v[PROCESS_LAST_CPU] = random_below(random, host->cores);
    v[PROCESS_STATE] = run_us > awake_ns / 2000 ? STATE_RUNNING : STATE_SLEEPING;
    if (a->behaviour == BEHAVIOUR_IO && random_chance(random, 200000))
        v[PROCESS_STATE] = STATE_DISK_SLEEP;
    use_memory(a, random);
    use_disk(a, random);
    derive(a);
    a->done_ns = now_ns;
    sleep_on(a, now_ns, random);
}

int64_t activity_drive(struct activity *a, int64_t run_us, int64_t now_ns,
                       struct activity_host *host)
{
    int64_t *v = a->value;

    if (run_us > host->budget_us)
        run_us = host->budget_us;
    host->budget_us -= run_us;
    v[PROCESS_CPU_NS_TOTAL] += run_us;
    v[PROCESS_CONTEXT_SWITCHES_VOLUNTARY_TOTAL] += 1 + run_us / 20000;
    v[PROCESS_CONTEXT_SWITCHES_INVOLUNTARY_TOTAL] += run_us / 6000;
    derive(a);
    a->done_ns = now_ns;
    return run_us;
}
