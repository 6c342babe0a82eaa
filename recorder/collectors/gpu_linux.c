/*
 * GPUs and the processes on them, from all that knows of them: NVIDIA's library (recorder/collectors/gpu_nvidia.c) in
 * one thread; sysfs (gpu_sysfs_linux.c) and the clients of DRM devices (gpu_drm_linux.c) in another. A GPU
 * is one entity, named by its PCI address, whoever tells of it. See gpu.md beside this file.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "recorder/collectors/collectors_linux.h"
#include "recorder/collectors/gpu_rows.h"
#include "recorder/collectors/gpu_source_linux.h"

enum { SOURCE_NVML, SOURCE_DRM, SOURCES };
enum { FIRST_WAIT_MS = 2000, WAIT_STEP_MS = 5 };

static const ino_t initial_pid_namespace = 0xEFFFFFFC; /* PROC_PID_INIT_INO of the kernel */
static const char nvml_library[] = "libnvidia-ml.so.1";

struct gpu_state {
    const struct collect_context *context;
    struct gpu_source source[SOURCES];
    int64_t kicked_ns; /* the tick of the latest kick */
    struct gpu_rows rows;
    struct gpu_reading *merged; /* only its GPUs */
    uint32_t slot[GPU_MOST];    /* of those */
};

/* --- one GPU from several sources --- */

/* A value is better than none, and any reason better than "unsupported". */
static void merge_value(struct gpu_report *to, const struct gpu_report *from, size_t i, bool fresh)
{
    if (to->missing[i] == MISSING_NONE)
        return;
    if (from->missing[i] == MISSING_NONE && (fresh || i == GPU_POWER_STATE)) {
        to->values[i] = from->values[i];
        to->missing[i] = MISSING_NONE;
    } else if (from->missing[i] == MISSING_NONE) {
        to->missing[i] = MISSING_NOT_SAMPLED; /* its source does not answer */
    } else if (to->missing[i] == MISSING_UNSUPPORTED) {
        to->missing[i] = from->missing[i];
    }
}

static void merge_one(struct gpu_report *to, const struct gpu_report *from, bool fresh)
{
    if (to->label[0] == '\0')
        memcpy(to->label, from->label, sizeof to->label);
    if (to->slowed[0] == '\0')
        memcpy(to->slowed, from->slowed, sizeof to->slowed);
    to->lost = to->lost || from->lost;
    for (size_t i = 0; i < GPU_METRIC_COUNT; i++)
        merge_value(to, from, i, fresh);
}

static void merge(struct gpu_state *gpu)
{
    gpu_reading_reset(gpu->merged);
    for (size_t s = 0; s < SOURCES; s++) {
        const struct gpu_source *source = &gpu->source[s];

        for (size_t i = 0; source->ever && i < source->taken->gpu_count; i++) {
            const struct gpu_report *from = &source->taken->gpu[i];
            struct gpu_report *to = gpu_reading_gpu(gpu->merged, from->key);

            if (to != NULL)
                merge_one(to, from, source->fresh);
        }
    }
}

/* --- rows --- */

static uint32_t slot_of(const struct gpu_state *gpu, const char *key)
{
    for (size_t i = 0; i < gpu->merged->gpu_count; i++)
        if (strcmp(gpu->merged->gpu[i].key, key) == 0)
            return gpu->slot[i];
    return ENTITY_NO_SLOT;
}

static enum status add_uses(struct gpu_state *gpu, struct tick *tick,
                            const struct gpu_source *source)
{
    enum status st = STATUS_OK;

    for (size_t i = 0; st == STATUS_OK && source->ever && i < source->taken->use_count; i++) {
        const struct gpu_use *use = &source->taken->use[i];
        uint32_t slot = slot_of(gpu, source->taken->gpu[use->gpu].key);

        if (slot != ENTITY_NO_SLOT)
            st = gpu_rows_add_use(&gpu->rows, tick, use, slot, source->fresh);
    }
    return st;
}

static enum status add_rows(struct gpu_state *gpu, struct tick *tick, struct error *err)
{
    enum status st = STATUS_OK;

    merge(gpu);
    gpu_rows_begin(&gpu->rows);
    for (size_t i = 0; st == STATUS_OK && i < gpu->merged->gpu_count; i++)
        st = gpu_rows_add_gpu(&gpu->rows, tick, &gpu->merged->gpu[i], &gpu->slot[i]);
    for (size_t s = 0; st == STATUS_OK && s < SOURCES; s++)
        st = add_uses(gpu, tick, &gpu->source[s]);
    gpu_rows_end(&gpu->rows, tick);
    return st == STATUS_OK ? st : error_set(err, st, "rows of GPUs");
}

static void gpu_begin(void *state, const struct tick *tick)
{
    struct gpu_state *gpu = state;

    gpu->kicked_ns = tick->start_ns;
    for (size_t s = 0; s < SOURCES; s++) {
        gpu_source_take(&gpu->source[s]);
        gpu_source_kick(&gpu->source[s], tick->start_ns, gpu->context->processes);
    }
}

/*
 * What a thread has read is recorded with a later tick than that of its kick, also if it was quick: read
 * at one tick and then another, rates would be of two times as long, and of half as long.
 */
static enum status gpu_collect(void *state, struct tick *tick, struct error *err)
{
    struct gpu_state *gpu = state;
    bool late = tick->start_ns != gpu->kicked_ns || *gpu->context->root != '\0';
    bool fresh = false;
    enum status st;

    for (size_t s = 0; s < SOURCES; s++) {
        if (late)
            gpu_source_take(&gpu->source[s]);
        if (gpu->source[s].worker != NULL)
            worker_report(gpu->source[s].worker, tick);
        fresh = fresh || gpu->source[s].fresh;
    }
    if (!fresh)
        return STATUS_OK;
    st = add_rows(gpu, tick, err);
    for (size_t s = 0; s < SOURCES; s++)
        gpu_source_used(&gpu->source[s]);
    return st;
}

static int64_t gpu_not_answering(const void *state)
{
    const struct gpu_state *gpu = state;
    int64_t late = 0;

    for (size_t s = 0; s < SOURCES; s++)
        late += worker_late(gpu->source[s].worker);
    return late;
}

static int64_t gpu_other_cpu_ns(const void *state)
{
    const struct gpu_state *gpu = state;
    int64_t cpu_ns = 0;

    for (size_t s = 0; s < SOURCES; s++)
        cpu_ns += worker_cpu_ns(gpu->source[s].worker);
    return cpu_ns;
}

/* --- opening --- */

static void gpu_close(void *state)
{
    struct gpu_state *gpu = state;

    if (gpu == NULL)
        return;
    for (size_t s = 0; s < SOURCES; s++)
        gpu_source_close(&gpu->source[s]);
    gpu_rows_release(&gpu->rows);
    free(gpu->merged);
    free(gpu);
}

/* NVML tells pids as the initial namespace has them. */
static bool has_foreign_pids(const char *root)
{
    struct stat own;

    return root[0] == '\0' && stat("/proc/self/ns/pid", &own) == 0 &&
           own.st_ino != initial_pid_namespace;
}

static enum status open_sources(struct gpu_state *gpu, struct error why[SOURCES], struct error *err)
{
    char library[PATH_MAX]; /* a fixture has its own, if any */
    struct gpu_source_options options = {
        .name = "gpu: nvml",
        .root = gpu->context->root,
        .nvml_library = library,
        .backend = { &gpu_nvidia },
        .backend_count = 1,
        .thread = gpu->context->root[0] == '\0',
        .foreign_pids = has_foreign_pids(gpu->context->root),
    };

    (void)snprintf(library, sizeof library, "%s%s%s", gpu->context->root,
                   gpu->context->root[0] != '\0' ? "/" : "", nvml_library);
    for (size_t s = 0; s < SOURCES; s++) {
        enum status st = gpu_source_open(&gpu->source[s], &options, &why[s]);

        if (st == STATUS_NO_MEMORY) {
            *err = why[s];
            return st;
        }
        options.name = "gpu: drm";
        options.backend[0] = &gpu_sysfs;
        options.backend[1] = &gpu_drm;
        options.backend_count = 2;
    }
    return STATUS_OK;
}

/* The first reading, which says what works here. A source that does not answer is waited for later. */
static void read_first(struct gpu_state *gpu)
{
    const struct clock *clock = gpu->context->clock;
    int64_t now_ns = timebase_at(&gpu->context->timebase, clock->boot_ns(clock->self));
    const struct timespec step = { .tv_nsec = WAIT_STEP_MS * 1000000 };
    bool waiting = true;

    for (size_t s = 0; s < SOURCES; s++)
        gpu_source_kick(&gpu->source[s], now_ns, NULL);
    for (int ms = 0; waiting && ms < FIRST_WAIT_MS; ms += WAIT_STEP_MS) {
        waiting = false;
        for (size_t s = 0; s < SOURCES; s++) {
            gpu_source_take(&gpu->source[s]);
            waiting = waiting || gpu->source[s].kicked;
        }
        if (waiting)
            (void)nanosleep(&step, NULL);
    }
}

static void describe_source(struct capability *capability, const struct gpu_source *source,
                            const char *name)
{
    char reason[64];

    if (source->worker == NULL)
        return;
    if (source->kicked) {
        (void)snprintf(reason, sizeof reason, "%s does not answer yet", name);
        gpu_found(capability, CAPABILITY_PARTIAL, reason, "");
        return;
    }
    if (source->found.status != CAPABILITY_OK)
        gpu_found(capability, source->found.status, source->found.reason, source->found.enable);
}

static bool has_nvidia(const struct gpu_reading *reading)
{
    for (size_t i = 0; i < reading->gpu_count; i++)
        if (strncmp(reading->gpu[i].label, "nvidia ", 7) == 0)
            return true;
    return false;
}

static size_t count_gpus(const struct gpu_source *source)
{
    return source->ever ? source->taken->gpu_count : 0;
}

static void describe_sources(const struct gpu_state *gpu, struct capability *capability)
{
    const struct gpu_source *nvml = &gpu->source[SOURCE_NVML], *drm = &gpu->source[SOURCE_DRM];
    bool other = count_gpus(drm) > 0 && !has_nvidia(drm->taken);

    /* The library alone, beside another's GPU, is nothing that is missed. */
    if (!other || nvml->found.status != CAPABILITY_NOT_THERE)
        describe_source(capability, nvml, "NVML");
    describe_source(capability, drm, "a GPU's driver");
    if (nvml->worker == NULL && drm->ever && has_nvidia(drm->taken))
        gpu_found(capability, CAPABILITY_PARTIAL, "no libnvidia-ml.so.1 to read NVIDIA GPUs with",
                  "install the library that comes with NVIDIA's driver");
    if (count_gpus(nvml) + count_gpus(drm) > 0 && capability->status != CAPABILITY_OK)
        capability->status = CAPABILITY_PARTIAL;
}

static void describe_none(struct capability *capability)
{
    capability->status = CAPABILITY_NOT_THERE;
    (void)snprintf(capability->reason, sizeof capability->reason,
                   "no GPU with a driver that tells of its work (amdgpu, i915, xe, nouveau, "
                   "nvidia), no %s",
                   nvml_library);
    (void)snprintf(capability->enable, sizeof capability->enable,
                   "load the GPU's driver, then restart the recorder");
}

static void describe(const struct gpu_state *gpu, struct capability *capability)
{
    const struct gpu_source *nvml = &gpu->source[SOURCE_NVML], *drm = &gpu->source[SOURCE_DRM];
    const struct process_directory *processes = gpu->context->processes;

    *capability = (struct capability){ .status = CAPABILITY_OK };
    describe_sources(gpu, capability);
    if (count_gpus(nvml) + count_gpus(drm) == 0 && !nvml->kicked && !drm->kicked &&
        capability->status == CAPABILITY_OK) {
        if (drm->worker == NULL)
            describe_none(capability);
        else
            gpu_found(capability, CAPABILITY_PARTIAL,
                      "of this GPU only its use by processes can be told", "");
    }
    if (capability->status != CAPABILITY_OK && capability->status != CAPABILITY_PARTIAL)
        return;
    if (nvml->worker != NULL && has_foreign_pids(gpu->context->root))
        gpu_found(capability, CAPABILITY_PARTIAL,
                  "processes on NVIDIA GPUs are not known inside a pid namespace",
                  "run in the host's");
    if (processes == NULL || processes->find == NULL)
        gpu_found(capability, CAPABILITY_PARTIAL,
                  "no processes on GPUs without the collector \"process\"", "record process too");
}

static enum status gpu_open(void **state, const struct collect_context *context,
                            struct capability *capability, struct error *err)
{
    struct gpu_state *gpu = calloc(1, sizeof *gpu);
    struct error why[SOURCES] = { { 0 } };
    enum status st = STATUS_OK;

    if (gpu != NULL) {
        gpu->context = context;
        gpu_rows_init(&gpu->rows, context);
        gpu->merged = calloc(1, sizeof *gpu->merged);
    }
    if (gpu == NULL || gpu->merged == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "gpu collector");
    else
        st = open_sources(gpu, why, err);
    if (st != STATUS_OK) {
        gpu_close(gpu);
        return st;
    }
    read_first(gpu);
    describe(gpu, capability);
    *state = gpu;
    return STATUS_OK;
}

const struct collector gpu_collector = {
    .name = "gpu",
    .description = "work, memory, power, clocks and heat of GPUs, and the processes on them",
    .source = "NVML (libnvidia-ml.so.1), /proc/PID/fdinfo, /sys/class/drm",
    .needs =
        "nothing for sysfs; CAP_SYS_PTRACE for the clients of others; NVIDIA's devices for NVML",
    .absence =
        "not sampled: the GPU sleeps and is not woken; unsupported: its driver does not tell",
    .table = TABLE_GPU,
    .second_table = TABLE_GPU_PROCESS,
    .divisor = 1,
    .period_ns = INT64_C(1000000000),
    .optional = true,
    .open = gpu_open,
    .begin = gpu_begin,
    .collect = gpu_collect,
    .close = gpu_close,
    .not_answering = gpu_not_answering,
    .other_cpu_ns = gpu_other_cpu_ns,
};
