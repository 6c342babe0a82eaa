/* See gpu_source_linux.h. There are two readings: one belongs to the thread, one to the sampling thread. */
#include "recorder/collectors/gpu_source_linux.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/gpu_files_linux.h"
#include "recorder/collectors/gpu_pci_linux.h"
#include "recorder/collectors/procfs_linux.h"

enum { STAT_ROOM = 1024, CANDIDATES_START = 1024 };

struct gpu_job {
    char root[sizeof((struct gpu_pci *)0)->root];
    char nvml_library[256];
    bool foreign_pids, wants_candidates;
    struct gpu_pci pci;
    struct gpu_candidates candidates;
    struct gpu_setting setting;
    struct {
        const struct gpu_backend *backend;
        void *state;
    } opened[GPU_BACKENDS_MOST];
    size_t count;
    struct gpu_reading *reading;
    struct capability found;
};

/* --- in the thread --- */

/* Which process of that pid it is: the one that has it now, right after it was told. */
static uint64_t start_of(const char *root, int32_t pid)
{
    char text[STAT_ROOM];
    struct proc_stat stat;
    struct error err;

    if (gpu_file_text(text, sizeof text, root, "/proc/%d/stat", (int)pid) != MISSING_NONE)
        return 0;
    return procfs_parse_stat(text, strlen(text), &stat, &err) == STATUS_OK ? stat.start_ticks : 0;
}

static void identify(struct gpu_job *job)
{
    struct gpu_reading *reading = job->reading;
    size_t kept = 0;

    for (size_t i = 0; i < reading->use_count; i++) {
        struct gpu_use *use = &reading->use[i];

        if (use->start_ticks == 0 && !job->foreign_pids)
            use->start_ticks = start_of(job->root, use->pid);
        if (use->start_ticks == 0)
            continue; /* gone already, or of another pid namespace */
        if (kept != i)
            reading->use[kept] = *use;
        kept++;
    }
    reading->use_count = kept;
}

static enum status job_read(void *self, struct error *err)
{
    struct gpu_job *job = self;

    (void)err;
    gpu_reading_reset(job->reading);
    job->found = (struct capability){ .status = CAPABILITY_OK };
    gpu_pci_look(&job->pci);
    for (size_t i = 0; i < job->count; i++)
        job->opened[i].backend->read(job->opened[i].state, job->reading, &job->found);
    identify(job);
    return STATUS_OK;
}

static void job_release(void *self)
{
    struct gpu_job *job = self;

    if (job == NULL)
        return;
    for (size_t i = job->count; i-- > 0;)
        job->opened[i].backend->close(job->opened[i].state);
    free(job->candidates.by_slot);
    free(job->reading);
    free(job);
}

/* --- opening --- */

static struct gpu_job *job_new(const struct gpu_source_options *options)
{
    struct gpu_job *job = calloc(1, sizeof *job);

    if (job == NULL)
        return NULL;
    (void)snprintf(job->root, sizeof job->root, "%s", options->root);
    (void)snprintf(job->pci.root, sizeof job->pci.root, "%s", options->root);
    (void)snprintf(job->nvml_library, sizeof job->nvml_library, "%s", options->nvml_library);
    job->foreign_pids = options->foreign_pids;
    job->setting = (struct gpu_setting){ .root = job->root,
                                         .nvml_library = job->nvml_library,
                                         .candidates = &job->candidates,
                                         .pci = &job->pci };
    job->reading = calloc(1, sizeof *job->reading);
    if (job->reading == NULL) {
        job_release(job);
        return NULL;
    }
    gpu_pci_look(&job->pci);
    return job;
}

/* errors ABSENT: none has anything here */
static enum status open_backends(struct gpu_job *job, const struct gpu_source_options *options,
                                 struct error *err)
{
    enum status first = STATUS_OK;

    for (size_t i = 0; i < options->backend_count; i++) {
        struct error why = { 0 };
        void *state = NULL;
        enum status st = options->backend[i]->open(&state, &job->setting, &why);

        if (st == STATUS_OK) {
            job->opened[job->count].backend = options->backend[i];
            job->opened[job->count++].state = state;
            job->wants_candidates = job->wants_candidates || options->backend[i] == &gpu_drm;
            continue;
        }
        if (first == STATUS_OK)
            *err = why;
        first = st;
        if (st == STATUS_NO_MEMORY)
            return st;
    }
    return job->count > 0 ? STATUS_OK : first;
}

enum status gpu_source_open(struct gpu_source *source, const struct gpu_source_options *options,
                            struct error *err)
{
    struct worker_job work = { .name = options->name, .read = job_read, .release = job_release };
    struct gpu_job *job = job_new(options);
    enum status st;

    *source = (struct gpu_source){ .taken = calloc(1, sizeof *source->taken) };
    if (job == NULL || source->taken == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "readings of GPUs");
    else
        st = open_backends(job, options, err);
    if (st != STATUS_OK) {
        job_release(job);
        gpu_source_close(source);
        return st;
    }
    work.self = source->job = job;
    st = worker_start(&source->worker, &work, options->thread, err);
    if (st != STATUS_OK)
        gpu_source_close(source);
    return st;
}

void gpu_source_close(struct gpu_source *source)
{
    worker_stop(source->worker);
    free(source->taken);
    *source = (struct gpu_source){ .kicked = false };
}

/* --- in the sampling thread --- */

static bool has_room(struct gpu_candidates *candidates, size_t count)
{
    size_t size = candidates->size == 0 ? CANDIDATES_START : candidates->size;
    struct gpu_candidate *larger;

    if (count <= candidates->size)
        return true;
    while (size < count)
        size *= 2;
    larger = realloc(candidates->by_slot, size * sizeof *larger);
    if (larger == NULL)
        return false;
    candidates->by_slot = larger;
    candidates->size = size;
    return true;
}

static void fill(struct gpu_candidates *candidates, const struct process_directory *processes)
{
    struct process_glance glance;
    size_t count;

    candidates->count = 0;
    if (processes == NULL || processes->glance == NULL)
        return;
    count = processes->end(processes->self);
    if (!has_room(candidates, count))
        return;
    for (size_t i = 0; i < count; i++) {
        struct gpu_candidate *to = &candidates->by_slot[i];

        *to = (struct gpu_candidate){ .pid = 0 };
        if (processes->glance(processes->self, (uint32_t)i, &glance) && !glance.kernel_thread)
            *to = (struct gpu_candidate){ .pid = glance.pid, .start_ticks = glance.start_ticks };
    }
    candidates->count = count;
}

void gpu_source_kick(struct gpu_source *source, int64_t now_ns,
                     const struct process_directory *processes)
{
    if (source->worker == NULL || source->kicked)
        return;
    source->job->candidates.now_ns = now_ns;
    if (source->job->wants_candidates)
        fill(&source->job->candidates, processes);
    source->kicked = worker_kick(source->worker, now_ns);
}

/* A reading that replaces one which nobody has used keeps what only that one told. */
static void keep_births(const struct gpu_reading *unused, struct gpu_reading *reading)
{
    for (size_t i = 0; i < unused->use_count; i++) {
        const struct gpu_use *old = &unused->use[i];
        const char *key = unused->gpu[old->gpu].key;

        for (size_t j = 0; old->born_ns != 0 && j < reading->use_count; j++) {
            struct gpu_use *use = &reading->use[j];

            if (use->pid == old->pid && use->start_ticks == old->start_ticks &&
                strcmp(reading->gpu[use->gpu].key, key) == 0)
                use->born_ns = old->born_ns;
        }
    }
}

void gpu_source_take(struct gpu_source *source)
{
    struct gpu_reading *taken = source->taken;
    struct error err;
    enum status st;

    if (source->worker == NULL || !source->kicked || !worker_take(source->worker, &st, &err))
        return;
    source->kicked = false;
    if (source->fresh)
        keep_births(taken, source->job->reading);
    source->taken = source->job->reading;
    source->job->reading = taken;
    source->found = source->job->found;
    source->fresh = source->ever = true;
}

void gpu_source_used(struct gpu_source *source)
{
    source->fresh = false;
}
