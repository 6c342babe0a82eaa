/* Cores, memory and the recorder of a made-up host. */
#include "tools/generate_host.h"

#include <stdio.h>
#include <string.h>

#define TICK_US INT64_C(10000) /* /proc/stat counts hundredths of a second */
#define MEBIBYTE (INT64_C(1) << 20)

enum { COLLECTOR_COUNT = 4 };
static const char *const collector_names[COLLECTOR_COUNT] = { "recorder", "process", "cpu",
                                                              "memory" };

void host_init(struct host *host, int64_t cores, struct random_source *random)
{
    *host = (struct host){ .cores = cores, .memory_used_bytes = 9000 * MEBIBYTE };
    for (int64_t c = 0; c < cores; c++) {
        host->core_us[c][CPU_IDLE_NS_TOTAL] = random_between(random, 1000000000, 2000000000);
        host->core_us[c][CPU_USER_NS_TOTAL] = random_between(random, 1000000, 900000000);
    }
}

void host_reboot(struct host *host, struct random_source *random)
{
    const struct host before = *host;

    host_init(host, before.cores, random);
    host->busy_us = host->booted_us = before.busy_us;
    host->processes_us = before.processes_us;
}

void host_restart(struct host *host)
{
    memset(host->recorder, 0, sizeof host->recorder);
}

static void announce(struct tick *tick, enum entity_kind kind, uint32_t slot, const char *key)
{
    struct tick_text text = tick_add_text(tick, key, strlen(key));
    struct tick_entity *entity = tick_add_entity(tick);

    if (entity == NULL)
        return;
    *entity = (struct tick_entity){
        .kind = kind, .slot = slot, .parent_slot = UINT32_MAX, .key = text, .label = text
    };
}

/* One core ran for run_us of awake_us. */
static void core_run(int64_t core_us[], int64_t run_us, int64_t awake_us,
                     struct random_source *random)
{
    int64_t system_us = run_us / 4, irq_us = run_us / 100, nice_us = run_us / 50;
    int64_t iowait_us = (awake_us - run_us) * random_below(random, 20) / 1000;

    core_us[CPU_SYSTEM_NS_TOTAL] += system_us;
    core_us[CPU_IRQ_NS_TOTAL] += irq_us;
    core_us[CPU_NICE_NS_TOTAL] += nice_us;
    core_us[CPU_USER_NS_TOTAL] += run_us - system_us - irq_us - nice_us;
    core_us[CPU_IOWAIT_NS_TOTAL] += iowait_us;
    core_us[CPU_IDLE_NS_TOTAL] += awake_us - run_us - iowait_us;
    core_us[CPU_FREQUENCY_HZ] = 800000000 + (run_us * 2 > awake_us ? 2400000000 : 0);
}

static void add_cores(struct host *host, struct tick *tick, int64_t awake_us, int64_t busy_us,
                      uint8_t flags, struct random_source *random)
{
    int64_t left_us = busy_us, done_us = 0;

    tick_sampled(tick, TABLE_CPU);
    for (int64_t c = 0; c < host->cores; c++) {
        int64_t share_us = left_us / (host->cores - c);
        int64_t *values;
        uint8_t *missing;

        if (c + 1 < host->cores)
            share_us = share_us * random_between(random, 950, 1050) / 1000;
        if (share_us > awake_us)
            share_us = awake_us;
        left_us -= share_us;
        done_us += share_us;
        core_run(host->core_us[c], share_us, awake_us, random);
        if (tick_row_values(tick, TABLE_CPU, (uint32_t)c, flags, &values, &missing) == NULL)
            return;
        memset(missing, MISSING_NONE, CPU_METRIC_COUNT);
        for (int m = 0; m < CPU_METRIC_COUNT; m++)
            values[m] = m == CPU_FREQUENCY_HZ ? host->core_us[c][m]
                                              : host->core_us[c][m] / TICK_US * TICK_US;
    }
    host->busy_us += done_us;
}

/* What incidents take: the cache goes before what is free. */
static void take_memory(struct host *host, int64_t v[])
{
    int64_t more = host->strain->memory_bytes, cached = v[MEMORY_CACHED_BYTES] - 100 * MEBIBYTE;
    int64_t dropped = more < cached ? more : cached;

    host->oom_kills += host->strain->oom_kills;
    v[MEMORY_OOM_KILLS_TOTAL] = host->oom_kills;
    v[MEMORY_ANONYMOUS_BYTES] += more;
    v[MEMORY_CACHED_BYTES] -= dropped;
    v[MEMORY_FREE_BYTES] -= more - dropped;
    v[MEMORY_AVAILABLE_BYTES] -= more;
    if (v[MEMORY_FREE_BYTES] < 60 * MEBIBYTE)
        v[MEMORY_FREE_BYTES] = 60 * MEBIBYTE;
    if (v[MEMORY_AVAILABLE_BYTES] < 80 * MEBIBYTE)
        v[MEMORY_AVAILABLE_BYTES] = 80 * MEBIBYTE;
}

static void add_memory(struct host *host, struct tick *tick, uint8_t flags,
                       struct random_source *random)
{
    const int64_t total = 16000 * MEBIBYTE;
    int64_t *v;
    uint8_t *missing;

    tick_sampled(tick, TABLE_MEMORY);
    if (tick_row_values(tick, TABLE_MEMORY, 0, flags, &v, &missing) == NULL)
        return;
    host->memory_used_bytes += random_between(random, -256, 256) * 4096;
    if (host->memory_used_bytes < 2000 * MEBIBYTE || host->memory_used_bytes > 12000 * MEBIBYTE)
        host->memory_used_bytes = 9000 * MEBIBYTE;
    memset(missing, MISSING_NONE, MEMORY_METRIC_COUNT);
    missing[MEMORY_WIRED_BYTES] = MISSING_UNSUPPORTED;
    missing[MEMORY_COMPRESSED_BYTES] = MISSING_UNSUPPORTED;
    v[MEMORY_TOTAL_BYTES] = total;
    v[MEMORY_CACHED_BYTES] = 3000 * MEBIBYTE;
    v[MEMORY_FREE_BYTES] = total - host->memory_used_bytes - 3200 * MEBIBYTE;
    v[MEMORY_AVAILABLE_BYTES] = total - host->memory_used_bytes - 400 * MEBIBYTE;
    v[MEMORY_BUFFERS_BYTES] = 200 * MEBIBYTE;
    v[MEMORY_DIRTY_BYTES] = random_below(random, 4000) * 4096;
    v[MEMORY_ANONYMOUS_BYTES] = host->memory_used_bytes - 500 * MEBIBYTE;
    v[MEMORY_SHARED_BYTES] = 100 * MEBIBYTE;
    v[MEMORY_SLAB_BYTES] = 350 * MEBIBYTE;
    v[MEMORY_SWAP_TOTAL_BYTES] = 4000 * MEBIBYTE;
    v[MEMORY_SWAP_FREE_BYTES] = 3900 * MEBIBYTE;
    if (host->strain != NULL)
        take_memory(host, v);
    v[MEMORY_PAGE_OUT_BYTES_TOTAL] = (host->busy_us - host->booted_us) / 4096 * 4096;
}

static void add_recorder(struct host *host, struct tick *tick, uint8_t flags, int64_t run_us,
                         struct random_source *random)
{
    int64_t *own = host->recorder[0];
    int64_t busy_us = host->busy_us - host->booted_us;

    tick_sampled(tick, TABLE_RECORDER);
    own[RECORDER_RESIDENT_BYTES] = 14 * MEBIBYTE;
    own[RECORDER_WRITTEN_BYTES_TOTAL] += 4096 * random_between(random, 1, 4);
    own[RECORDER_LATENESS_NS] = random_between(random, 20000, 90000);
    own[RECORDER_CPU_BUSY_CPUACCT_NS_TOTAL] = busy_us;
    own[RECORDER_CPU_BUSY_IDLE_NS_TOTAL] = busy_us / TICK_US * TICK_US;
    own[RECORDER_CPU_BUSY_TICKS_NS_TOTAL] = busy_us / TICK_US * TICK_US;
    own[RECORDER_CPU_PROCESSES_NS_TOTAL] += run_us;
    for (unsigned c = 0; c < COLLECTOR_COUNT; c++) {
        unsigned metrics = c == 0 ? RECORDER_METRIC_COUNT : RECORDER_RESIDENT_BYTES;
        int64_t *values;
        uint8_t *missing;

        host->recorder[c][RECORDER_CPU_NS_TOTAL] += random_between(random, 300, 5000) / (c + 1);
        host->recorder[c][RECORDER_CALLS_TOTAL]++;
        if (tick_row_values(tick, TABLE_RECORDER, c, flags, &values, &missing) == NULL)
            return;
        memcpy(values, host->recorder[c], metrics * sizeof *values);
        memset(missing, MISSING_NONE, metrics);
    }
}

void host_missed(struct host *host, int64_t ticks)
{
    host->recorder[0][RECORDER_TICKS_MISSED_TOTAL] += ticks;
}

void host_tick(struct host *host, struct tick *tick, int64_t awake_ns, int64_t run_us,
               struct random_source *random)
{
    int64_t remainder_us = 1500 + run_us / 32 + random_below(random, 900);
    uint8_t flags = tick->seq == 0 ? ROW_FIRST : 0;
    char key[24];

    for (uint32_t c = 0; flags != 0 && c < (uint32_t)host->cores; c++) {
        snprintf(key, sizeof key, "%u", c);
        announce(tick, ENTITY_CORE, c, key);
    }
    for (uint32_t c = 0; flags != 0 && c < COLLECTOR_COUNT; c++)
        announce(tick, ENTITY_COLLECTOR, c, collector_names[c]);
    host->processes_us += run_us;
    add_cores(host, tick, awake_ns / 1000, run_us + remainder_us, flags, random);
    add_memory(host, tick, flags, random);
    add_recorder(host, tick, flags, run_us, random);
}
