/* GPUs that draw more power the more they work. */
#include "tools/generate_gpu.h"

#include <stdio.h>
#include <string.h>

#include "tools/generate_truth.h"

#define MEBIBYTE (INT64_C(1) << 20)
#define IDLE_MW INT64_C(31000)
#define RANGE_MW INT64_C(270000)

void gpus_init(struct gpus *gpus, const struct generate_options *options, struct truth *truth)
{
    *gpus = (struct gpus){ .options = options,
                           .truth = truth,
                           .random = { options->seed ^ UINT64_C(0x677075) } };
    for (int64_t g = 0; g < options->gpus; g++) {
        gpus->gpu[g].energy_uj = random_between(&gpus->random, 0, INT64_C(90000000000));
        gpus->gpu[g].power_mw = IDLE_MW;
    }
}

static bool counts_energy(size_t g)
{
    return g % 2 == 0;
}

static bool is_due(const struct gpus *gpus, int64_t every_ns, const struct tick *tick)
{
    int64_t ticks = every_ns / gpus->options->interval_ns;

    return ticks <= 1 || tick->seq % ticks == 0;
}

/* --- who is on them --- */

/* The process that has a row in this tick and another in the next, as far as is known. */
static const struct process *process_of(const struct population *population, int64_t number)
{
    const struct process *p;

    if ((size_t)number >= population->slot_count)
        return NULL;
    p = &population->slots[number];
    return p->live ? p : NULL;
}

static void seat(struct gpus *gpus, struct gpu_use *use, const struct process *p)
{
    *use = (struct gpu_use){ .truth_id = p->truth_id,
                             .slot = gpus->next_slot++,
                             .memory_bytes = random_between(&gpus->random, 100, 900) * MEBIBYTE };
}

/* --- what they do --- */

/* Each works or pauses for a while; what they want is cut to what there is. */
static int64_t choose_shares(struct gpus *gpus, struct gpu *gpu)
{
    int64_t left_ppm = 1000000, last = gpus->options->gpu_processes - 1;

    for (int64_t k = 0; k <= last; k++) {
        struct gpu_use *use = &gpu->use[k];

        if (use->truth_id == 0 || (k == last && last > 0)) {
            use->share_ppm = 0;
            continue;
        }
        if (random_chance(&gpus->random, 150000))
            use->share_ppm = random_chance(&gpus->random, 400000)
                                 ? 0
                                 : random_between(&gpus->random, 1000, 700000);
        if (use->share_ppm > left_ppm)
            use->share_ppm = left_ppm;
        left_ppm -= use->share_ppm;
        if (random_chance(&gpus->random, 50000))
            use->memory_bytes += random_between(&gpus->random, -8, 64) * MEBIBYTE / 16;
    }
    return 1000000 - left_ppm;
}

static void work(struct gpus *gpus, size_t g, const struct moment *moment)
{
    struct gpu *gpu = &gpus->gpu[g];
    int64_t awake_us = moment->awake_ns / 1000;
    int64_t busy_ppm = choose_shares(gpus, gpu);
    int64_t hidden_ppm = counts_energy(g) ? (1000000 - busy_ppm) / 16 : 0;
    int64_t noise_mw = random_between(&gpus->random, -900, 900);

    for (int64_t k = 0; k < gpus->options->gpu_processes; k++) {
        struct gpu_use *use = &gpu->use[k];

        use->gpu_us += use->share_ppm * awake_us / 1000000;
        use->done_ppmns += use->share_ppm * moment->awake_ns;
        gpu->busy_us += use->share_ppm * awake_us / 1000000;
    }
    gpu->busy_us += hidden_ppm * awake_us / 1000000;
    gpu->power_mw = IDLE_MW + noise_mw + (busy_ppm + hidden_ppm) * RANGE_MW / 1000000;
    gpu->energy_uj += gpu->power_mw * awake_us / 1000;
}

/* Readings that fail, and a driver that was loaded anew: its counters begin at 0. */
static void disturb(struct gpus *gpus, struct gpu *gpu)
{
    gpu->failing = random_chance(&gpus->random, gpu->failing ? 500000 : 30000);
    gpu->silent = random_chance(&gpus->random, 30000);
    if (random_chance(&gpus->random, 8000))
        gpu->energy_uj = gpu->busy_us = 0;
}

/* --- rows --- */

static void announce(struct tick *tick, uint32_t g)
{
    struct tick_entity *entity;
    char key[24], label[32];
    struct tick_text key_text, label_text;

    (void)snprintf(key, sizeof key, "0000:%02x:00.0", (unsigned)g + 1);
    (void)snprintf(label, sizeof label, "made-up GPU %u", (unsigned)g);
    key_text = tick_add_text(tick, key, strlen(key));
    label_text = tick_add_text(tick, label, strlen(label));
    entity = tick_add_entity(tick);
    if (entity != NULL)
        *entity = (struct tick_entity){ .kind = ENTITY_GPU,
                                        .slot = g,
                                        .parent_slot = UINT32_MAX,
                                        .key = key_text,
                                        .label = label_text };
}

static void give(int64_t values[], uint8_t missing[], unsigned metric, bool failing, int64_t value)
{
    missing[metric] = failing ? MISSING_FAILED : MISSING_NONE;
    values[metric] = failing ? 0 : value;
}

/* What else a driver tells, as it follows from what the GPU does. */
static void add_details(const struct gpu *gpu, bool hot, int64_t v[], uint8_t missing[])
{
    static const enum gpu_metric told[] = {
        GPU_UTILIZATION_PPM,   GPU_MEMORY_UTILIZATION_PPM,
        GPU_MEMORY_USED_BYTES, GPU_MEMORY_TOTAL_BYTES,
        GPU_POWER_LIMIT_MW,    GPU_CORE_CLOCK_HZ,
        GPU_MEMORY_CLOCK_HZ,   GPU_TEMPERATURE_MILLICELSIUS,
        GPU_FAN_PPM,           GPU_THROTTLE_REASONS,
        GPU_ENCODER_PPM,       GPU_DECODER_PPM,
        GPU_ECC_ERRORS_TOTAL,
    };
    int64_t busy_ppm = (gpu->power_mw - IDLE_MW) * 1000000 / RANGE_MW;

    busy_ppm = busy_ppm < 0 ? 0 : busy_ppm > 1000000 ? 1000000 : busy_ppm;
    for (size_t i = 0; i < COUNT_OF(told); i++)
        missing[told[i]] = MISSING_NONE;
    v[GPU_UTILIZATION_PPM] = busy_ppm;
    v[GPU_MEMORY_UTILIZATION_PPM] = busy_ppm / 3;
    v[GPU_MEMORY_USED_BYTES] = 700 * MEBIBYTE;
    for (size_t k = 0; k < GPU_PROCESSES_MAX; k++)
        v[GPU_MEMORY_USED_BYTES] += gpu->use[k].truth_id != 0 ? gpu->use[k].memory_bytes : 0;
    v[GPU_MEMORY_TOTAL_BYTES] = 24576 * MEBIBYTE;
    v[GPU_POWER_LIMIT_MW] = 320000;
    v[GPU_CORE_CLOCK_HZ] = INT64_C(210000000) + busy_ppm * 1500;
    v[GPU_MEMORY_CLOCK_HZ] = busy_ppm > 0 ? INT64_C(9501000000) : INT64_C(405000000);
    v[GPU_TEMPERATURE_MILLICELSIUS] = 31000 + busy_ppm / 20;
    v[GPU_FAN_PPM] = busy_ppm / 2;
    v[GPU_ENCODER_PPM] = busy_ppm / 10;
    if (!hot)
        return;
    v[GPU_CORE_CLOCK_HZ] = INT64_C(300000000);
    v[GPU_TEMPERATURE_MILLICELSIUS] = 93000;
    v[GPU_FAN_PPM] = 1000000;
    v[GPU_THROTTLE_REASONS] = 0x40; /* as NVIDIA's driver has it: hardware, because of heat */
}

static void add_gpu(struct gpus *gpus, uint32_t g, const struct moment *moment, struct tick *tick)
{
    const struct gpu *gpu = &gpus->gpu[g];
    int64_t *values;
    uint8_t *missing;

    if (tick_row_values(tick, TABLE_GPU, g, tick->seq == 0 ? ROW_FIRST : 0, &values, &missing) ==
        NULL)
        return;
    give(values, missing, GPU_POWER_MW, gpu->failing, gpu->power_mw);
    give(values, missing, GPU_POWER_STATE, false, 1);
    if (counts_energy(g)) {
        give(values, missing, GPU_ENERGY_UJ_TOTAL, gpu->failing, gpu->energy_uj);
        give(values, missing, GPU_BUSY_NS_TOTAL, gpu->silent, gpu->busy_us);
    }
    if ((gpus->options->tables >> TABLE_GPU & 1) != 0)
        add_details(gpu, g == 0 && gpus->strain != NULL && gpus->strain->gpu_ppm > 0, values,
                    missing);
    if (gpus->truth != NULL)
        truth_gpu(gpus->truth, moment->index, g, values, missing);
}

/* A process without a row at one of these ticks has left the GPU, or was never there. */
static void add_use(struct gpus *gpus, uint32_t g, int64_t k, const struct moment *moment,
                    struct tick *tick)
{
    struct gpu_use *use = &gpus->gpu[g].use[k];
    int64_t elapsed_ns = moment->now_ns - gpus->used_ns;
    bool fails = gpus->options->missing && use->seen && random_chance(&gpus->random, 40000);
    int64_t *values;
    uint8_t *missing;

    if (use->truth_id == 0 || tick_row_values(tick, TABLE_GPU_PROCESS, use->slot,
                                              use->seen ? 0 : ROW_FIRST, &values, &missing) == NULL)
        return;
    tick_row_keys(tick, TABLE_GPU_PROCESS, g, (uint32_t)k);
    if (counts_energy(g))
        give(values, missing, GPU_PROCESS_GPU_NS_TOTAL, fails, use->gpu_us);
    else
        give(values, missing, GPU_PROCESS_UTILIZATION_PPM, fails,
             elapsed_ns > 0 ? use->done_ppmns / elapsed_ns : 0);
    give(values, missing, GPU_PROCESS_MEMORY_BYTES, false, use->memory_bytes);
    if ((gpus->options->tables >> TABLE_GPU_PROCESS & 1) != 0) {
        give(values, missing, GPU_PROCESS_MEMORY_UTILIZATION_PPM, false, use->share_ppm / 3);
        give(values, missing, GPU_PROCESS_ENCODER_PPM, false, use->share_ppm / 10);
        give(values, missing, GPU_PROCESS_DECODER_PPM, false, 0);
    }
    use->seen = true;
    use->done_ppmns = 0;
    if (gpus->truth != NULL)
        truth_gpu_process(gpus->truth, moment->index, g, use->truth_id, values, missing);
}

void gpus_tick(struct gpus *gpus, const struct population *population, const struct moment *moment,
               struct tick *tick)
{
    const struct generate_options *o = gpus->options;
    bool rails = is_due(gpus, o->gpu_interval_ns, tick);
    bool uses = is_due(gpus, o->gpu_process_interval_ns, tick);

    if (moment->session_first)
        gpus->next_slot = 0;
    if (rails && o->gpus > 0)
        tick_sampled(tick, TABLE_GPU);
    if (uses && o->gpus > 0)
        tick_sampled(tick, TABLE_GPU_PROCESS);
    for (uint32_t g = 0; g < (uint32_t)o->gpus; g++) {
        for (int64_t k = 0; k < o->gpu_processes; k++) {
            const struct process *p = process_of(population, k);
            struct gpu_use *use = &gpus->gpu[g].use[k];

            if (p == NULL)
                use->truth_id = 0;
            else if (use->truth_id != p->truth_id || moment->session_first)
                seat(gpus, use, p);
        }
        if (tick->seq == 0)
            announce(tick, g);
        work(gpus, g, moment);
        if (o->missing)
            disturb(gpus, &gpus->gpu[g]);
        if (rails)
            add_gpu(gpus, g, moment, tick);
        for (int64_t k = 0; uses && k < o->gpu_processes; k++)
            add_use(gpus, g, k, moment, tick);
    }
    if (uses)
        gpus->used_ns = moment->now_ns;
}
