/* Ground truth as CSV. */
#include "tools/generate_truth.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    FILE_PROCESSES,
    FILE_VERSIONS,
    FILE_TICKS,
    FILE_SAMPLES,
    FILE_GPU,
    FILE_POWER,
    FILE_GPU_PROCESS,
    FILE_COUNT
};

static const struct {
    const char *name, *header;
} files[FILE_COUNT] = {
    { "processes.csv", "truth_id,process_id,pid,start_ticks,start_ns,end_ns,born,end,"
                       "first_tick,last_tick,ppid" },
    { "versions.csv", "truth_id,from_ns,uid,user,comm,exe,cmdline,cgroup,container,cwd" },
    { "ticks.csv", "tick,session,seq,start_ns,gap_before,processes_us,busy_us" },
    { "samples.csv", "tick,truth_id,flags,cpu_us,resident_bytes,disk_read_bytes,"
                     "disk_written_bytes" },
    { "gpu.csv", "tick,gpu,power_mw,energy_uj,busy_us" },
    { "power.csv", "tick,package,energy_uj" },
    { "gpu_process.csv", "tick,gpu,truth_id,gpu_us,utilization_ppm,memory_bytes" },
};

struct truth {
    FILE *file[FILE_COUNT];
};

enum status truth_open(struct truth **truth, const char *directory, struct error *err)
{
    struct truth *t = *truth = calloc(1, sizeof *t);
    char path[4096];

    if (t == NULL)
        return error_set(err, STATUS_NO_MEMORY, "truth: out of memory");
    if (mkdir(directory, 0777) != 0 && errno != EEXIST)
        return error_set(err, STATUS_IO, "create %s: %s", directory, strerror(errno));
    for (int i = 0; i < FILE_COUNT; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, files[i].name);
        t->file[i] = fopen(path, "w");
        if (t->file[i] == NULL)
            return error_set(err, STATUS_IO, "create %s: %s", path, strerror(errno));
        fprintf(t->file[i], "%s\n", files[i].header);
    }
    return STATUS_OK;
}

enum status truth_close(struct truth *truth, struct error *err)
{
    enum status st = STATUS_OK;

    if (truth == NULL)
        return STATUS_OK;
    for (int i = 0; i < FILE_COUNT; i++) {
        bool failed = truth->file[i] != NULL && ferror(truth->file[i]) != 0;

        if (truth->file[i] != NULL)
            failed |= fclose(truth->file[i]) != 0;
        if (failed)
            st = error_set(err, STATUS_IO, "write %s: failed", files[i].name);
    }
    free(truth);
    return st;
}

void truth_process(struct truth *truth, const struct process *p)
{
    static const char *const ends[] = { "alive", "reported", "vanished", "unseen" };
    char end[24] = "";

    if (p->end == END_REPORTED)
        snprintf(end, sizeof end, "%" PRId64, p->end_ns);
    fprintf(truth->file[FILE_PROCESSES],
            "%" PRId64 ",%" PRId64 ",%d,%" PRIu64 ",%" PRId64 ",%s,%d,%s,%" PRId64 ",%" PRId64
            ",%d\n",
            p->truth_id, p->process_id, p->pid, p->start_ticks, p->start_ns, end, p->born,
            ends[p->end], p->first_tick, p->last_tick, p->ppid);
}

void truth_version(struct truth *truth, int64_t truth_id, int64_t from_ns,
                   const struct identity_texts *texts)
{
    static const enum process_text order[] = { PROCESS_USER,    PROCESS_COMM,   PROCESS_EXE,
                                               PROCESS_CMDLINE, PROCESS_CGROUP, PROCESS_CONTAINER,
                                               PROCESS_CWD };
    FILE *file = truth->file[FILE_VERSIONS];

    fprintf(file, "%" PRId64 ",%" PRId64 ",%u", truth_id, from_ns, texts->uid);
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        const char *text = texts->text[order[i]];

        putc(',', file);
        for (size_t b = 0; b < texts->size[order[i]]; b++)
            fprintf(file, "%02x", (unsigned char)text[b]);
    }
    putc('\n', file);
}

void truth_tick(struct truth *truth, const struct moment *moment, const struct tick *tick,
                int session, int64_t processes_us, int64_t busy_us)
{
    fprintf(truth->file[FILE_TICKS],
            "%" PRId64 ",%d,%" PRId64 ",%" PRId64 ",%d,%" PRId64 ",%" PRId64 "\n", moment->index,
            session, tick->seq, tick->start_ns, tick->gap_before, processes_us, busy_us);
}

static void put_value(FILE *file, int64_t value, uint8_t missing)
{
    if (missing != MISSING_NONE)
        fprintf(file, ",!%u", missing);
    else
        fprintf(file, ",%" PRId64, value);
}

void truth_sample(struct truth *truth, int64_t tick, int64_t truth_id, uint8_t flags,
                  const int64_t values[], const uint8_t missing[])
{
    static const enum process_metric columns[] = { PROCESS_CPU_NS_TOTAL, PROCESS_RESIDENT_BYTES,
                                                   PROCESS_DISK_READ_BYTES_TOTAL,
                                                   PROCESS_DISK_WRITTEN_BYTES_TOTAL };
    FILE *file = truth->file[FILE_SAMPLES];

    fprintf(file, "%" PRId64 ",%" PRId64 ",%u", tick, truth_id, flags);
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        put_value(file, values[columns[i]], missing[columns[i]]);
    putc('\n', file);
}

void truth_gpu(struct truth *truth, int64_t tick, uint32_t gpu, const int64_t values[],
               const uint8_t missing[])
{
    static const enum gpu_metric columns[] = { GPU_POWER_MW, GPU_ENERGY_UJ_TOTAL,
                                               GPU_BUSY_NS_TOTAL };
    FILE *file = truth->file[FILE_GPU];

    fprintf(file, "%" PRId64 ",%u", tick, gpu);
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        put_value(file, values[columns[i]], missing[columns[i]]);
    putc('\n', file);
}

void truth_gpu_process(struct truth *truth, int64_t tick, uint32_t gpu, int64_t truth_id,
                       const int64_t values[], const uint8_t missing[])
{
    static const enum gpu_process_metric columns[] = { GPU_PROCESS_GPU_NS_TOTAL,
                                                       GPU_PROCESS_UTILIZATION_PPM,
                                                       GPU_PROCESS_MEMORY_BYTES };
    FILE *file = truth->file[FILE_GPU_PROCESS];

    fprintf(file, "%" PRId64 ",%u,%" PRId64, tick, gpu, truth_id);
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        put_value(file, values[columns[i]], missing[columns[i]]);
    putc('\n', file);
}

void truth_power(struct truth *truth, int64_t tick, uint32_t package, int64_t energy_uj,
                 uint8_t missing)
{
    fprintf(truth->file[FILE_POWER], "%" PRId64 ",%u", tick, package);
    put_value(truth->file[FILE_POWER], energy_uj, missing);
    putc('\n', truth->file[FILE_POWER]);
}
