/*
 * GPUs of a Mac and the processes on them: recorder/collectors/macos.md. A worker reads
 * (recorder/collectors/gpu_accelerator_macos.h), so a row has what was read at the tick before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/collectors_macos.h"
#include "recorder/collectors/gpu_accelerator_macos.h"
#include "recorder/collectors/gpu_energy_macos.h"
#include "recorder/collectors/gpu_rows.h"
#include "recorder/collectors/ioregistry_macos.h"
#include "recorder/worker.h"

enum { BINDINGS_MAX = GPU_USES_MOST };

/* The worker's between kick and take. */
struct scan {
    struct gpu_accelerators *accelerators;
    struct gpu_energy *energy; /* NULL: it cannot be told here */
    struct gpu_reading reading;
    int64_t now_ns, wall_ns; /* of the kick */
};

/* Which process a user of a pid is: bound when it is first seen, and to none but that one. */
struct binding {
    int32_t pid;
    uint64_t number; /* which user of the pid, as the worker tells them apart */
    uint64_t start_ticks;
    bool seen;
};

struct gpu_state {
    const struct collect_context *context;
    struct worker *worker;
    struct scan *scan;
    struct gpu_rows rows;
    struct binding *binding;
    size_t binding_count;
    bool reading;     /* a reading goes on, or waits to be taken: `scan` is the worker's */
    int64_t again_ns; /* the tick at which the next one was due meanwhile */
};

/* --- the worker's side --- */

/* IOReport tells of Apple's own GPU, of which there is one. */
static void read_energy(struct scan *scan)
{
    for (size_t i = 0; scan->energy != NULL && i < scan->reading.gpu_count; i++) {
        struct gpu_report *gpu = &scan->reading.gpu[i];
        bool asleep = gpu->missing[GPU_POWER_STATE] == MISSING_NONE &&
                      gpu->values[GPU_POWER_STATE] == GPU_ASLEEP;

        if (strncmp(gpu->key, "AGX", 3) != 0)
            continue;
        if (!asleep)
            gpu_energy_read(scan->energy, gpu);
        return;
    }
}

static enum status scan_read(void *self, struct error *err)
{
    struct scan *scan = self;

    if (scan->accelerators == NULL)
        scan->accelerators = gpu_accelerators_open();
    if (scan->accelerators == NULL)
        return error_set(err, STATUS_NO_MEMORY, "accelerators");
    if (gpu_accelerators_read(scan->accelerators, scan->now_ns, &scan->reading, err) != STATUS_OK)
        return err->status;
    read_energy(scan);
    return STATUS_OK;
}

static void scan_release(void *self)
{
    struct scan *scan = self;

    gpu_accelerators_close(scan->accelerators);
    gpu_energy_close(scan->energy);
    free(scan);
}

/* --- whose a client is --- */

static struct binding *find_binding(struct gpu_state *gpu, const struct gpu_use *use)
{
    struct binding *binding;

    for (size_t i = 0; i < gpu->binding_count; i++) {
        binding = &gpu->binding[i];
        if (binding->pid == use->pid && binding->number == use->start_ticks)
            return binding;
    }
    if (gpu->binding_count == BINDINGS_MAX)
        return NULL;
    binding = &gpu->binding[gpu->binding_count++];
    *binding = (struct binding){ .pid = use->pid, .number = use->start_ticks };
    return binding;
}

/*
 * The process that has the pid now is the one that opened the client only if it was there when the
 * client was first read. (Starts are in microseconds of the wall clock.) False: it is another one.
 */
static bool bind_use(struct gpu_state *gpu, struct gpu_use *use)
{
    const struct process_directory *processes = gpu->context->processes;
    struct binding *binding = find_binding(gpu, use);
    struct process_glance glance;

    if (binding == NULL || processes == NULL || processes->find == NULL)
        return false;
    binding->seen = true;
    if (!processes->find(processes->self, use->pid, &glance))
        return false;
    if (binding->start_ticks == 0) {
        if ((int64_t)(glance.start_ticks * 1000) > gpu->scan->wall_ns)
            return false;
        binding->start_ticks = glance.start_ticks;
    }
    use->start_ticks = binding->start_ticks;
    return glance.start_ticks == binding->start_ticks;
}

static void drop_bindings(struct gpu_state *gpu)
{
    size_t kept = 0;

    for (size_t i = 0; i < gpu->binding_count; i++)
        if (gpu->binding[i].seen)
            gpu->binding[kept++] = gpu->binding[i];
    gpu->binding_count = kept;
}

/* --- the sampling thread's side --- */

static void note_kick(struct gpu_state *gpu, const struct tick *tick)
{
    gpu->scan->now_ns = tick->start_ns;
    gpu->scan->wall_ns = tick->wall_ns;
    gpu->reading = true;
}

static void gpu_begin(void *state, const struct tick *tick)
{
    struct gpu_state *gpu = state;

    if (gpu->reading)
        gpu->again_ns = tick->start_ns;
    else
        note_kick(gpu, tick);
    worker_due(gpu->worker, tick->start_ns);
}

static enum status add_rows(struct gpu_state *gpu, struct tick *tick, struct error *err)
{
    struct gpu_reading *reading = &gpu->scan->reading;
    uint32_t slot[GPU_MOST];
    enum status st = STATUS_OK;

    gpu_rows_begin(&gpu->rows);
    for (size_t i = 0; i < gpu->binding_count; i++)
        gpu->binding[i].seen = false;
    for (size_t i = 0; st == STATUS_OK && i < reading->gpu_count; i++)
        st = gpu_rows_add_gpu(&gpu->rows, tick, &reading->gpu[i], &slot[i]);
    for (size_t i = 0; st == STATUS_OK && i < reading->use_count; i++) {
        struct gpu_use *use = &reading->use[i];

        if (bind_use(gpu, use) && slot[use->gpu] != ENTITY_NO_SLOT)
            st = gpu_rows_add_use(&gpu->rows, tick, use, slot[use->gpu], true);
    }
    drop_bindings(gpu);
    gpu_rows_end(&gpu->rows, tick);
    return st == STATUS_OK ? st : error_set(err, st, "rows of GPUs");
}

static enum status gpu_collect(void *state, struct tick *tick, struct error *err)
{
    struct gpu_state *gpu = state;
    enum status st;

    worker_report(gpu->worker, tick);
    if (!worker_take_later(gpu->worker, tick->start_ns, &st, err))
        return STATUS_OK;
    if (st == STATUS_OK)
        st = add_rows(gpu, tick, err);
    gpu->reading = false;
    if (gpu->again_ns == tick->start_ns)
        note_kick(gpu, tick);
    worker_used(gpu->worker, tick->start_ns);
    return st;
}

static void gpu_close(void *state)
{
    struct gpu_state *gpu = state;

    if (gpu == NULL)
        return;
    worker_stop(gpu->worker);
    gpu_rows_release(&gpu->rows);
    free(gpu->binding);
    free(gpu);
}

static void describe(const struct collect_context *context, struct capability *capability)
{
    const struct process_directory *processes = context->processes;

    *capability = (struct capability){ .status = CAPABILITY_OK };
    if (!ioregistry_has("IOAccelerator")) {
        capability->status = CAPABILITY_NOT_THERE;
        (void)snprintf(capability->reason, sizeof capability->reason,
                       "no IOAccelerator in the IO registry, as in a virtual machine without a "
                       "display");
        (void)snprintf(capability->enable, sizeof capability->enable,
                       "of a GPU that comes later: restart the recorder");
    } else if (processes == NULL || processes->find == NULL) {
        gpu_found(capability, CAPABILITY_PARTIAL,
                  "no processes on GPUs without the collector \"process\"", "record process too");
    }
}

static void describe_no_energy(struct capability *capability, const struct error *why)
{
    char reason[160];

    (void)snprintf(reason, sizeof reason, "no energy and clock: %.120s", why->message);
    gpu_found(capability, CAPABILITY_PARTIAL, reason, "");
}

static enum status gpu_open(void **state, const struct collect_context *context,
                            struct capability *capability, struct error *err)
{
    struct gpu_state *gpu = calloc(1, sizeof *gpu);
    struct scan *scan = calloc(1, sizeof *scan);
    struct error why = { 0 };
    const struct worker_job job = {
        .name = "gpu", .read = scan_read, .release = scan_release, .self = scan
    };

    *state = gpu;
    if (gpu != NULL)
        gpu->again_ns = INT64_MIN;
    if (gpu != NULL)
        gpu->binding = calloc(BINDINGS_MAX, sizeof *gpu->binding);
    if (gpu == NULL || scan == NULL || gpu->binding == NULL) {
        free(scan);
        return error_set(err, STATUS_NO_MEMORY, "gpu collector");
    }
    gpu->context = context;
    gpu_rows_init(&gpu->rows, context);
    describe(context, capability);
    if (capability->status == CAPABILITY_NOT_THERE) {
        free(scan);
        return STATUS_OK;
    }
    /* Without it the GPU's energy and clock are missing. */
    if (ioregistry_has("AGXAccelerator") && gpu_energy_open(&scan->energy, &why) != STATUS_OK)
        describe_no_energy(capability, &why);
    gpu->scan = scan;
    return worker_start(&gpu->worker, &job, context->root[0] == '\0', err);
}

static int64_t gpu_not_answering(const void *state)
{
    return worker_late(((const struct gpu_state *)state)->worker);
}

static int64_t gpu_other_cpu_ns(const void *state)
{
    return worker_cpu_ns(((const struct gpu_state *)state)->worker);
}

const struct collector gpu_collector = {
    .name = "gpu",
    .description = "work, memory and heat of GPUs, and the processes on them",
    .source = "IOKit: IOAccelerator, its PerformanceStatistics and its user clients; IOReport",
    .needs = "nothing",
    .absence = "unsupported: the driver does not tell; not sampled: the GPU sleeps",
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
