/*
 * Details of processes: see process_detail.md beside this file.
 *
 *   source  /proc/PID/smaps_rollup, fd, wchan, stack; NETLINK_SOCK_DIAG
 *   units   bytes, counts
 *   absent  of others' processes without CAP_SYS_PTRACE; what the budget had no room for is "not sampled"
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder/collectors/collectors_linux.h"
#include "recorder/collectors/process_detail_linux.h"
#include "recorder/unanswered.h"

/* Reading PSS takes so much per page, and per process, until it is known better. */
enum { PAGE_COST_NS = 70, READ_COST_NS = 20000 };

/* What is kept of a process, by its slot. */
struct detail_slot {
    struct detail_identity identity; /* pid 0: nobody */
    int64_t row;                     /* the last sample of the table that had it; 0: none */
    int64_t cost_ns;                 /* of reading its PSS; 0: not known */
    int64_t read_run;                /* that last asked for its PSS */
    bool asked;                      /* that is not answered yet */
    bool answered;                   /* since the last sample */
    uint8_t missing;
    int64_t pss_bytes;
};

struct detail_state {
    const char *root;
    const struct process_directory *processes;
    bool real;
    int64_t page_bytes;
    struct detail_look *look; /* the worker's from kick to take */
    struct worker *worker;
    struct slow *slow;
    struct detail_slot *slots;
    size_t slot_size;
    struct detail_largest largest;
    struct blocked_list blocked;

    bool due, busy,
        ready;           /* a run is due; the look has not come back; it has, rows are to be made */
    int64_t run, sample; /* counted from 1 */
    int64_t kicked_ns;   /* the tick of the run */
    int64_t memory_left_ns; /* budget; below 0: overdrawn */
    int64_t look_cpu_ns;    /* of the latest look */
    int64_t look_cpu_total_ns;
    int64_t memory_cpu_ns; /* that the slow threads took in all */
    bool wake;             /* the slow threads, as there is something to do */
    unsigned unanswered;   /* PSS asked for in this run */
};

/* --- slots --- */

static struct detail_slot *slot_of(struct detail_state *s, const struct detail_identity *identity)
{
    struct detail_slot *slot;

    if (identity->slot >= s->slot_size) {
        size_t size = (size_t)identity->slot + identity->slot / 4 + 64;
        struct detail_slot *larger = realloc(s->slots, size * sizeof *larger);

        if (larger == NULL)
            return NULL;
        memset(larger + s->slot_size, 0, (size - s->slot_size) * sizeof *larger);
        s->slots = larger;
        s->slot_size = size;
    }
    slot = &s->slots[identity->slot];
    if (!detail_same(&slot->identity, identity))
        *slot = (struct detail_slot){ .identity = *identity };
    return slot;
}

/* --- PSS --- */

static int by_turn(const void *a, const void *b)
{
    const struct detail_large *x = a, *y = b;

    if (x->read_run != y->read_run)
        return x->read_run < y->read_run ? -1 : 1;
    return (x->resident_bytes < y->resident_bytes) - (x->resident_bytes > y->resident_bytes);
}

static int64_t cost_of(const struct detail_state *s, const struct detail_slot *slot,
                       int64_t resident_bytes)
{
    return slot->cost_ns > 0 ? slot->cost_ns
                             : READ_COST_NS + resident_bytes / s->page_bytes * PAGE_COST_NS;
}

static int64_t refill_memory(struct detail_state *s)
{
    int64_t budget_ns = DETAIL_BUDGET_NS - s->look_cpu_ns;

    if (s->run == 1)
        return s->memory_left_ns = DETAIL_FIRST_BUDGET_NS;
    if (budget_ns < DETAIL_BUDGET_NS / 5)
        budget_ns = DETAIL_BUDGET_NS / 5;
    s->memory_left_ns += budget_ns;
    if (s->memory_left_ns > budget_ns)
        s->memory_left_ns = budget_ns;
    return s->memory_left_ns;
}

/* Those whose turn it is: not read for the longest time, of these the largest; what the budget allows. */
static void ask_memory(struct detail_state *s, const struct detail_candidate *candidates)
{
    int64_t left_ns = refill_memory(s);

    s->unanswered = 0;
    for (size_t i = 0; i < s->largest.count; i++) {
        struct detail_slot *slot = slot_of(s, &candidates[s->largest.item[i].candidate].identity);

        s->largest.item[i].read_run = slot == NULL ? 0 : slot->read_run;
    }
    qsort(s->largest.item, s->largest.count, sizeof *s->largest.item, by_turn);
    for (size_t i = 0; i < s->largest.count && left_ns > 0; i++) {
        const struct detail_identity *identity = &candidates[s->largest.item[i].candidate].identity;
        struct detail_slot *slot = slot_of(s, identity);
        const struct slow_request request = { .slot = identity->slot,
                                              .pid = identity->pid,
                                              .start_ticks = identity->start_ticks };
        int64_t cost_ns;

        if (slot == NULL || slot->asked)
            continue;
        cost_ns = cost_of(s, slot, s->largest.item[i].resident_bytes);
        if (cost_ns > DETAIL_MEMORY_READ_MAX_NS || !slow_ask(s->slow, &request))
            continue;
        left_ns -= cost_ns;
        s->wake = slot->asked = true;
        slot->read_run = s->run;
        s->unanswered++;
    }
}

static void take_memory(struct detail_state *s, const struct slow_request *request,
                        const struct detail_memory *memory)
{
    struct detail_slot *slot = request->slot < s->slot_size ? &s->slots[request->slot] : NULL;

    s->memory_left_ns -= memory->cost_ns;
    if (slot == NULL || slot->identity.pid != request->pid ||
        slot->identity.start_ticks != request->start_ticks)
        return;
    if (slot->read_run == s->run && s->unanswered > 0)
        s->unanswered--;
    slot->asked = false;
    slot->answered = true;
    slot->cost_ns = memory->cost_ns;
    slot->missing = memory->missing;
    slot->pss_bytes = memory->pss_bytes;
}

static void take_answers(struct detail_state *s, struct tick *tick)
{
    const struct slow_answer *answer;

    while ((answer = slow_next(s->slow)) != NULL) {
        struct detail_memory memory;

        s->wake = true; /* there is room for more answers */
        if (answer->bytes.used < sizeof memory)
            continue;
        memcpy(&memory, answer->bytes.data, sizeof memory);
        s->memory_cpu_ns += memory.cost_ns;
        if (answer->request.first)
            blocked_answer(&s->blocked, answer, (const char *)answer->bytes.data + sizeof memory,
                           answer->bytes.used - sizeof memory, tick);
        else
            take_memory(s, &answer->request, &memory);
    }
}

static void tell_of_late_reads(struct detail_state *s, struct tick *tick)
{
    struct slow_notice notice;
    char what[160];

    while (slow_look(s->slow, tick->start_ns, &notice)) {
        (void)snprintf(what, sizeof what, "process_detail: memory of pid %d%s", notice.pid,
                       notice.late && notice.exhausted
                           ? "; too many such reads hang: no other memory is read until one is back"
                           : "");
        if (notice.late)
            unanswered_begins(tick, notice.since_ns, notice.pid, what);
        else
            unanswered_ends(tick, notice.since_ns, notice.pid, what);
    }
}

/* --- a run --- */

/* Who is there: for the look, for PSS, and who may be blocked. */
static bool list_processes(struct detail_state *s, const struct tick *tick,
                           struct detail_candidate **candidates)
{
    const struct process_directory *processes = s->processes;
    uint32_t end = processes->end(processes->self);
    struct detail_candidate *list = detail_look_candidates(s->look, end);
    size_t count = 0;

    if (list == NULL)
        return false;
    s->largest.count = 0;
    blocked_begin(&s->blocked);
    for (uint32_t slot = 0; slot < end; slot++) {
        struct process_glance glance;

        if (!processes->glance(processes->self, slot, &glance))
            continue;
        blocked_suspect(&s->blocked, &glance, tick->start_ns);
        if (glance.kernel_thread)
            continue;
        detail_largest_note(&s->largest, glance.resident_bytes, (uint32_t)count);
        list[count++] = (struct detail_candidate){
            .identity = { slot, glance.pid, glance.start_ticks },
            .resident_bytes = glance.resident_bytes,
        };
    }
    for (size_t i = 0; i < s->largest.count; i++)
        list[s->largest.item[i].candidate].largest = true;
    detail_look_set_count(s->look, count);
    *candidates = list;
    return true;
}

static enum status begin_run(struct detail_state *s, const struct tick *tick, struct error *err)
{
    struct detail_candidate *candidates;

    s->due = false;
    if (!list_processes(s, tick, &candidates))
        return error_set(err, STATUS_NO_MEMORY, "details of processes");
    s->run++;
    s->kicked_ns = tick->start_ns;
    ask_memory(s, candidates);
    s->busy = worker_kick(s->worker, tick->start_ns);
    return STATUS_OK;
}

/* --- rows --- */

static bool is_there(const struct detail_state *s, const struct detail_identity *identity)
{
    struct process_glance glance;

    return s->processes->glance(s->processes->self, identity->slot, &glance) &&
           glance.pid == identity->pid && glance.start_ticks == identity->start_ticks;
}

static bool add_row(struct detail_state *s, const struct detail_row *row, struct tick *tick)
{
    struct detail_slot *slot = slot_of(s, &row->identity);
    int64_t *values;
    uint8_t *missing;

    if (slot == NULL || tick_row_values(tick, TABLE_PROCESS_DETAIL, row->identity.slot,
                                        slot->row == s->sample - 1 && slot->row > 0 ? 0 : ROW_FIRST,
                                        &values, &missing) == NULL)
        return false;
    memcpy(values, row->values, sizeof row->values);
    memcpy(missing, row->missing, sizeof row->missing);
    if (slot->answered) {
        values[DETAIL_PSS_BYTES] = slot->pss_bytes;
        missing[DETAIL_PSS_BYTES] = slot->missing;
    }
    slot->answered = false;
    slot->row = s->sample;
    return true;
}

/* What no row was read of at this sample is left out of its mask: that is told once, not per row. */
static uint64_t columns_read(const struct detail_state *s, const struct tick *tick)
{
    const struct tick_table *table = &tick->table[TABLE_PROCESS_DETAIL];
    uint64_t read = UINT64_C(1) << DETAIL_OPEN_FDS;

    if (detail_look_dumped(s->look))
        for (unsigned m = DETAIL_SOCKETS; m < DETAIL_METRIC_COUNT; m++)
            read |= UINT64_C(1) << m;
    for (size_t i = 0; i < table->value_count; i++)
        if (table->missing[i * table->width + DETAIL_PSS_BYTES] != MISSING_NOT_SAMPLED)
            read |= UINT64_C(1) << DETAIL_PSS_BYTES;
    return read;
}

static enum status add_rows(struct detail_state *s, struct tick *tick, struct error *err)
{
    size_t count;
    const struct detail_row *rows = detail_look_rows(s->look, &count);

    s->ready = false;
    s->sample++;
    tick_sampled(tick, TABLE_PROCESS_DETAIL);
    for (size_t i = 0; i < count; i++)
        if (is_there(s, &rows[i].identity) && !add_row(s, &rows[i], tick))
            return error_set(err, STATUS_NO_MEMORY, "row of process_detail_samples");
    tick->table[TABLE_PROCESS_DETAIL].column_mask &= columns_read(s, tick);
    return STATUS_OK;
}

/* --- the collector --- */

static void detail_begin(void *state, const struct tick *tick)
{
    struct detail_state *s = state;

    (void)tick;
    s->due = true; /* begun in collect, when the processes of this tick are known */
}

static enum status detail_collect(void *state, struct tick *tick, struct error *err)
{
    struct detail_state *s = state;
    enum status st = STATUS_OK, look;

    tell_of_late_reads(s, tick);
    if (blocked_look(&s->blocked, s->processes, s->slow, tick))
        s->wake = true;
    if (s->due && !s->busy && !s->ready)
        st = begin_run(s, tick, err);
    if (!s->real)
        slow_run_pending(s->slow);
    else if (s->wake)
        slow_wake(s->slow);
    s->wake = false;
    take_answers(s, tick);
    if (s->busy && worker_take(s->worker, &look, err)) {
        s->busy = false;
        s->look_cpu_ns = worker_cpu_ns(s->worker) - s->look_cpu_total_ns;
        s->look_cpu_total_ns += s->look_cpu_ns;
        s->ready = look == STATUS_OK;
        st = look == STATUS_OK ? st : look;
    }
    worker_report(s->worker, tick);
    /* PSS that is still being read has a tick's time. */
    if (st == STATUS_OK && s->ready && (s->unanswered == 0 || tick->start_ns > s->kicked_ns))
        st = add_rows(s, tick, err);
    return st;
}

static void detail_close(void *state)
{
    struct detail_state *s = state;

    worker_stop(s->worker);
    slow_stop(s->slow);
    free(s->slots);
    free(s);
}

static int64_t detail_not_answering(const void *state)
{
    const struct detail_state *s = state;

    return slow_late_count(s->slow) + worker_late(s->worker);
}

static int64_t detail_other_cpu_ns(const void *state)
{
    const struct detail_state *s = state;

    return worker_cpu_ns(s->worker) + s->memory_cpu_ns;
}

static bool may_read_others(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

    return syscall(SYS_capget, &header, data) == 0 &&
           (data[0].effective & UINT32_C(1) << CAP_SYS_PTRACE) != 0;
}

static void describe(const struct detail_state *s, struct capability *capability)
{
    const struct error *refusal = detail_look_refusal(s->look);
    bool others = !s->real || may_read_others();

    *capability = (struct capability){ .status = CAPABILITY_OK };
    if (!others || refusal->status != STATUS_OK)
        capability->status = CAPABILITY_PARTIAL;
    (void)snprintf(capability->reason, sizeof capability->reason, "%s%s%.120s",
                   others ? "" : "PSS and sockets of our user's own processes only",
                   !others && refusal->status != STATUS_OK ? "; " : "",
                   refusal->status != STATUS_OK ? refusal->message : "");
    if (!others)
        (void)snprintf(capability->enable, sizeof capability->enable,
                       "run as root or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH");
}

static enum status start(struct detail_state *s, struct error *err)
{
    const struct slow_work work = {
        .open = detail_slow_open,
        .close = detail_slow_close,
        .read = detail_slow_read,
        .answer = detail_slow_answer,
        .self = &s->root,
    };
    struct worker_job job = { .name = "process_detail",
                              .read = detail_look_read,
                              .release = detail_look_close };

    if (detail_look_open(&s->look, s->root, err) != STATUS_OK)
        return err->status;
    job.self = s->look;
    if (worker_start(&s->worker, &job, s->real, err) != STATUS_OK)
        return err->status;
    return slow_start(&s->slow, &work, s->real, err);
}

static enum status detail_open(void **state, const struct collect_context *context,
                               struct capability *capability, struct error *err)
{
    struct detail_state *s;

    if (context->processes == NULL || context->processes->glance == NULL) {
        *capability = (struct capability){ .status = CAPABILITY_NOT_THERE,
                                           .reason = "processes are not recorded",
                                           .enable = "name process in --collectors, too" };
        return STATUS_OK;
    }
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_set(err, STATUS_NO_MEMORY, "details of processes");
    s->root = context->root;
    s->processes = context->processes;
    s->real = *context->root == '\0';
    s->page_bytes = sysconf(_SC_PAGESIZE);
    if (start(s, err) != STATUS_OK) {
        detail_close(s);
        return err->status;
    }
    describe(s, capability);
    *state = s;
    return STATUS_OK;
}

const struct collector process_detail_collector = {
    .name = "process_detail",
    .description = "shared memory, descriptors and sockets of processes; who is blocked where",
    .source = "/proc/PID/smaps_rollup, fd, wchan, stack; sock_diag",
    .needs = "nothing for own processes; CAP_SYS_PTRACE for others'",
    .absence = "not sampled: it was not its turn; not permitted: another user's process",
    .table = TABLE_PROCESS_DETAIL,
    .divisor = 1,
    .period_ns = DETAIL_PERIOD_NS,
    .optional = true,
    .open = detail_open,
    .begin = detail_begin,
    .collect = detail_collect,
    .close = detail_close,
    .not_answering = detail_not_answering,
    .other_cpu_ns = detail_other_cpu_ns,
};
