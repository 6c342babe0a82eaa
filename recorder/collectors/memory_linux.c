/*
 * Memory of the host.
 *
 *   source  /proc/meminfo, lines "Name: N kB"; /proc/vmstat, lines "name N"
 *   units   bytes; pgpgin and pgpgout count KiB, pswpin and pswpout pages (mm/vmstat.c,
 *           block/blk-core.c: sectors are halved on output)
 *   absent  oom_kill before Linux 4.13, MemAvailable before 3.14
 *
 * vmstat is read by a worker: the kernel takes cpus_read_lock for it (all_vm_events, mm/vmstat.c), which
 * a core that goes off line or comes back holds for seconds. Its fields are missing at those ticks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/collectors/collectors_linux.h"
#include "recorder/textfile.h"
#include "recorder/worker.h"

enum { MEMINFO_ROOM = 8192, VMSTAT_ROOM = 32768, ROOM_LIMIT = 1 << 20, KIB = 1024 };

struct field {
    const char *name;
    enum memory_metric metric;
    enum { TIMES_ONE, TIMES_KIB, TIMES_PAGE } multiplier;
};

static const struct field meminfo_fields[] = {
    { "MemTotal:", MEMORY_TOTAL_BYTES, TIMES_KIB },
    { "MemFree:", MEMORY_FREE_BYTES, TIMES_KIB },
    { "MemAvailable:", MEMORY_AVAILABLE_BYTES, TIMES_KIB },
    { "Buffers:", MEMORY_BUFFERS_BYTES, TIMES_KIB },
    { "Cached:", MEMORY_CACHED_BYTES, TIMES_KIB },
    { "SwapTotal:", MEMORY_SWAP_TOTAL_BYTES, TIMES_KIB },
    { "SwapFree:", MEMORY_SWAP_FREE_BYTES, TIMES_KIB },
    { "Dirty:", MEMORY_DIRTY_BYTES, TIMES_KIB },
    { "Writeback:", MEMORY_WRITEBACK_BYTES, TIMES_KIB },
    { "AnonPages:", MEMORY_ANONYMOUS_BYTES, TIMES_KIB },
    { "Shmem:", MEMORY_SHARED_BYTES, TIMES_KIB },
    { "Slab:", MEMORY_SLAB_BYTES, TIMES_KIB },
};

static const struct field vmstat_fields[] = {
    { "pgpgin", MEMORY_PAGE_IN_BYTES_TOTAL, TIMES_KIB },
    { "pgpgout", MEMORY_PAGE_OUT_BYTES_TOTAL, TIMES_KIB },
    { "pswpin", MEMORY_SWAP_IN_BYTES_TOTAL, TIMES_PAGE },
    { "pswpout", MEMORY_SWAP_OUT_BYTES_TOTAL, TIMES_PAGE },
    { "pgmajfault", MEMORY_MAJOR_FAULTS_TOTAL, TIMES_ONE },
    { "oom_kill", MEMORY_OOM_KILLS_TOTAL, TIMES_ONE },
};

struct memory_state {
    struct textfile meminfo;
    struct textfile *vmstat; /* the worker's while it reads */
    struct worker *worker;   /* NULL without vmstat */
    bool asked;              /* it was kicked at this tick */
    int64_t page_bytes;
    bool sampled_before;
    bool oom_kills_known;
    int64_t oom_kills; /* as of the latest tick that told them */
};

struct row {
    int64_t values[MEMORY_METRIC_COUNT];
    uint8_t missing[MEMORY_METRIC_COUNT];
};

static int64_t multiplier_of(const struct field *field, int64_t page_bytes)
{
    if (field->multiplier == TIMES_PAGE)
        return page_bytes;
    return field->multiplier == TIMES_KIB ? KIB : 1;
}

/* The line's field, or NULL; *at is moved behind the name. */
static const struct field *find_field(const struct field *fields, size_t count, const char **at,
                                      const char *end)
{
    size_t size = 0;

    while (*at + size < end && (*at)[size] != ' ' && (*at)[size] != '\t')
        size++;
    for (size_t i = 0; i < count; i++) {
        if (strlen(fields[i].name) == size && memcmp(fields[i].name, *at, size) == 0) {
            *at += size;
            return &fields[i];
        }
    }
    return NULL;
}

static void set_missing(struct row *row, const struct field *fields, size_t count,
                        enum missing absent)
{
    for (size_t i = 0; i < count; i++)
        row->missing[fields[i].metric] = (uint8_t)absent;
}

/* Fill in the fields that whole lines of the text have; the others are not there. */
static void parse(const struct textfile *file, const struct field *fields, size_t count,
                  int64_t page_bytes, struct row *row)
{
    const char *at = file->text;
    const char *end = at + file->size;
    const char *line_end;

    set_missing(row, fields, count, MISSING_NOT_THERE);
    for (; (line_end = textfile_line_end(at, end)) != NULL; at = line_end + 1) {
        const struct field *field = find_field(fields, count, &at, line_end);

        if (field != NULL)
            row->missing[field->metric] = (uint8_t)textfile_scaled(
                &at, line_end, multiplier_of(field, page_bytes), &row->values[field->metric]);
    }
}

/* The whole text, with more room where it takes that. */
static enum status read_whole(struct textfile *file, struct error *err)
{
    enum status st = textfile_read(file, err);

    while (st == STATUS_OK && file->cut && textfile_grow(file))
        st = textfile_read(file, err);
    return st;
}

/* How the fields of a file are recorded that could not be read. */
static enum missing absence(const struct textfile *file)
{
    return file->failure != 0 ? textfile_missing(file->failure) : MISSING_NOT_THERE;
}

static bool read_meminfo(struct memory_state *memory, struct row *row, struct error *err)
{
    struct textfile *file = &memory->meminfo;

    if (textfile_is_open(file) && read_whole(file, err) == STATUS_OK) {
        parse(file, meminfo_fields, COUNT_OF(meminfo_fields), memory->page_bytes, row);
        return true;
    }
    set_missing(row, meminfo_fields, COUNT_OF(meminfo_fields), absence(file));
    return false;
}

static enum status read_vmstat(void *self, struct error *err)
{
    return read_whole(self, err);
}

static void release_vmstat(void *self)
{
    textfile_close(self);
    free(self);
}

/* What the worker reads for this tick, if it is there in time; what came too late is of no tick. */
static bool take_vmstat(struct memory_state *memory, struct row *row, struct error *err)
{
    enum missing absent = MISSING_NOT_SAMPLED;
    enum status st = STATUS_OK;

    if (memory->worker == NULL) {
        absent = absence(memory->vmstat);
    } else if (memory->asked && worker_wait(memory->worker) &&
               worker_take(memory->worker, &st, err)) {
        if (st == STATUS_OK) {
            parse(memory->vmstat, vmstat_fields, COUNT_OF(vmstat_fields), memory->page_bytes, row);
            return true;
        }
        absent = absence(memory->vmstat);
    }
    set_missing(row, vmstat_fields, COUNT_OF(vmstat_fields), absent);
    return false;
}

/* The kernel says how many it killed, not whom: the exits of the tick tell by their code, 9. */
static void tell_oom_kills(struct memory_state *memory, const struct row *row, struct tick *tick)
{
    static const char kind[] = "oom_kill";
    int64_t total = row->values[MEMORY_OOM_KILLS_TOTAL];
    int64_t more = total - memory->oom_kills;
    bool known = memory->oom_kills_known;
    struct tick_event *event;
    char detail[96];
    int size;

    if (row->missing[MEMORY_OOM_KILLS_TOTAL] != MISSING_NONE)
        return;
    memory->oom_kills_known = true;
    memory->oom_kills = total;
    if (!known || more <= 0)
        return;
    event = tick_add_event(tick);
    if (event == NULL)
        return;
    size = snprintf(detail, sizeof detail, "%lld killed for lack of memory, %lld since boot",
                    (long long)more, (long long)total);
    event->at_ns = tick->start_ns;
    event->value = more;
    event->kind = tick_add_text(tick, kind, sizeof kind - 1);
    event->detail = tick_add_text(tick, detail, (size_t)size);
}

static void memory_close(void *state)
{
    struct memory_state *memory = state;

    if (memory == NULL)
        return;
    textfile_close(&memory->meminfo);
    if (memory->worker != NULL)
        worker_stop(memory->worker);
    else
        free(memory->vmstat);
    free(memory);
}

/* Which of the two files are missing, in the words of the failed open. */
static void describe(struct capability *capability, enum status meminfo, enum status vmstat,
                     const struct error *why)
{
    *capability = (struct capability){ .status = CAPABILITY_OK };
    if (meminfo == STATUS_OK && vmstat == STATUS_OK)
        return;
    capability->status = CAPABILITY_PARTIAL;
    if (meminfo != STATUS_OK && vmstat != STATUS_OK)
        capability->status = CAPABILITY_NOT_THERE;
    (void)snprintf(capability->reason, sizeof capability->reason, "%.190s", why->message);
    (void)snprintf(capability->enable, sizeof capability->enable, "mount procfs on /proc");
}

/* From here on the text is the worker's. */
static enum status start_worker(struct memory_state *memory, const char *root, struct error *err)
{
    const struct worker_job job = { .name = "memory",
                                    .read = read_vmstat,
                                    .release = release_vmstat,
                                    .self = memory->vmstat,
                                    .urgent = true };
    enum status st = worker_start(&memory->worker, &job, root[0] == '\0', err);

    if (st != STATUS_OK)
        memory->vmstat = NULL;
    return st;
}

static enum status memory_open(void **state, const struct collect_context *context,
                               struct capability *capability, struct error *err)
{
    struct memory_state *memory = calloc(1, sizeof *memory);
    struct error why = { 0 };
    enum status meminfo;
    enum status vmstat;

    *state = memory;
    if (memory == NULL || (memory->vmstat = calloc(1, sizeof *memory->vmstat)) == NULL)
        return error_set(err, STATUS_NO_MEMORY, "memory collector");
    memory->page_bytes = sysconf(_SC_PAGESIZE);
    meminfo = textfile_open(&memory->meminfo, context->root, "/proc/meminfo", MEMINFO_ROOM,
                            ROOM_LIMIT, &why);
    vmstat =
        textfile_open(memory->vmstat, context->root, "/proc/vmstat", VMSTAT_ROOM, ROOM_LIMIT, &why);
    describe(capability, meminfo, vmstat, &why);
    return vmstat == STATUS_OK ? start_worker(memory, context->root, err) : STATUS_OK;
}

/* An answer that came after its tick makes way. */
static void memory_begin(void *state, const struct tick *tick)
{
    struct memory_state *memory = state;
    struct error err;
    enum status st;

    if (memory->worker == NULL)
        return;
    memory->asked = worker_kick(memory->worker, tick->start_ns);
    if (!memory->asked && worker_take(memory->worker, &st, &err))
        memory->asked = worker_kick(memory->worker, tick->start_ns);
}

static int64_t memory_not_answering(const void *state)
{
    return worker_late(((const struct memory_state *)state)->worker);
}

static int64_t memory_other_cpu_ns(const void *state)
{
    return worker_cpu_ns(((const struct memory_state *)state)->worker);
}

static enum status memory_collect(void *state, struct tick *tick, struct error *err)
{
    struct memory_state *memory = state;
    struct row row;
    bool meminfo;
    bool vmstat;
    int64_t *values;
    uint8_t *missing;

    memset(row.values, 0, sizeof row.values);
    memset(row.missing, MISSING_UNSUPPORTED, sizeof row.missing);
    if (memory->worker != NULL)
        worker_report(memory->worker, tick);
    meminfo = read_meminfo(memory, &row, err);
    vmstat = take_vmstat(memory, &row, err);
    if (!meminfo && !vmstat)
        return STATUS_IO;
    if (tick_row_values(tick, TABLE_MEMORY, 0, memory->sampled_before ? 0 : ROW_FIRST, &values,
                        &missing) == NULL)
        return error_set(err, STATUS_NO_MEMORY, "row of memory_samples");
    tick_sampled(tick, TABLE_MEMORY);
    memory->sampled_before = true;
    tell_oom_kills(memory, &row, tick);
    memcpy(values, row.values, sizeof row.values);
    memcpy(missing, row.missing, sizeof row.missing);
    return STATUS_OK;
}

const struct collector memory_collector = {
    .name = "memory",
    .description = "memory, swap and paging of the host",
    .source = "/proc/meminfo, /proc/vmstat",
    .needs = "nothing",
    .absence = "a missing metric is not known to this kernel",
    .table = TABLE_MEMORY,
    .divisor = 1,
    .open = memory_open,
    .begin = memory_begin,
    .collect = memory_collect,
    .close = memory_close,
    .not_answering = memory_not_answering,
    .other_cpu_ns = memory_other_cpu_ns,
};
