/*
 * What a record of rungs 1 and 2 says of one process.
 *
 *   source  recorder/bpf/records.h
 *   units   stored units of schema/catalog.c
 *   absent  IO of kernel threads; run delay of a process that has or had other threads, since the kernel
 *           keeps it of living threads only; what the running kernel does not count
 *
 * Records are read without locks. One that is torn between fields can show a counter a little lower than
 * before: counters never fall here.
 */
#include <string.h>

#include "recorder/collectors/process_state_linux.h"

enum {
    NS_PER_US = 1000,
    STATIC_PRIO_0 = 120, /* nice 0 */
};

static int64_t clamp(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void set(struct process *p, enum process_metric metric, int64_t value)
{
    p->values[metric] = value;
    p->missing[metric] = MISSING_NONE;
}

static void set_missing(struct process *p, enum process_metric metric, enum missing reason)
{
    p->values[metric] = 0;
    p->missing[metric] = (uint8_t)reason;
}

void process_walk_count(struct process *p, enum process_metric metric, uint64_t value)
{
    int64_t before = p->missing[metric] == MISSING_NONE ? p->values[metric] : 0;

    set(p, metric, larger(before, clamp(value)));
}

/* cputime_adjust() of kernel/sched/cputime.c; what was told before is not taken back. */
void process_walk_split(struct process *p, uint64_t exec_ns, uint64_t user_raw_ns,
                        uint64_t system_raw_ns, uint64_t user_told_ns, uint64_t system_told_ns)
{
    uint64_t user_before = (uint64_t)p->values[PROCESS_CPU_USER_NS_TOTAL] * NS_PER_US;
    uint64_t system_before = (uint64_t)p->values[PROCESS_CPU_SYSTEM_NS_TOTAL] * NS_PER_US;
    uint64_t user_ns, system_ns;

    if (user_told_ns > user_before)
        user_before = user_told_ns;
    if (system_told_ns > system_before)
        system_before = system_told_ns;
    user_ns = user_before;
    system_ns = system_before;
    if (user_before + system_before < exec_ns) {
        __extension__ typedef unsigned __int128 product;
        uint64_t raw_ns = user_raw_ns + system_raw_ns;

        system_ns = system_raw_ns == 0 ? 0
                    : user_raw_ns == 0 ? exec_ns
                                       : (uint64_t)((product)system_raw_ns * exec_ns / raw_ns);
        if (system_ns < system_before)
            system_ns = system_before;
        user_ns = exec_ns - system_ns;
        if (user_ns < user_before || system_ns > exec_ns) {
            user_ns = user_before;
            system_ns = exec_ns - user_ns;
        }
    }
    set(p, PROCESS_CPU_USER_NS_TOTAL, clamp(user_ns / NS_PER_US));
    set(p, PROCESS_CPU_SYSTEM_NS_TOTAL, clamp(system_ns / NS_PER_US));
}

/* As /proc/PID/stat tells it: indices of the labels in schema/catalog.c. */
static int64_t state_label(uint32_t bits)
{
    static const struct {
        uint32_t bit;
        int64_t label;
    } labels[] = {
        { 0x40, 9 }, /* parked */
        { 0x20, 6 }, /* zombie */
        { 0x10, 7 }, /* dead */
        { 0x08, 5 }, /* traced */
        { 0x04, 4 }, /* stopped */
        { 0x02, 3 }, /* disk sleep */
        { 0x01, 2 }, /* sleeping */
    };
    const uint32_t idle = 0x402, waits_for_lock = 0x1000, frozen = 0x8000;

    if ((bits & 0x7f) == 0x02 && (bits & idle) == idle)
        return 8;
    for (size_t i = 0; i < COUNT_OF(labels); i++) {
        if ((bits & labels[i].bit) != 0)
            return labels[i].label;
    }
    return (bits & (waits_for_lock | frozen)) != 0 ? 3 : 1;
}

static int64_t pages(const struct process_state *s, int64_t count)
{
    return count <= 0 ? 0 : count > INT64_MAX / s->page_bytes ? INT64_MAX : count * s->page_bytes;
}

/*
 * Where CPUs count pages apart and that was not asked for this time, what they held when it was asked
 * last is still the best guess.
 */
static void put_memory(const struct process_state *s, struct process *p, struct walked *w,
                       const struct walk_record *r)
{
    int64_t now[RSS_KINDS];

    set(p, PROCESS_VIRTUAL_BYTES, pages(s, clamp(r->virtual_pages)));
    for (int i = 0; i < RSS_KINDS; i++) {
        if ((r->flags & WALK_EXACT) != 0)
            w->apart[i] = r->apart[i];
        now[i] = r->resident[i] + w->apart[i];
    }
    set(p, PROCESS_RESIDENT_BYTES, pages(s, now[RSS_FILE] + now[RSS_ANONYMOUS] + now[RSS_SHARED]));
    if ((r->flags & (WALK_HAS_MEMORY | WALK_KERNEL_THREAD | WALK_ZOMBIE)) == 0) {
        /* Its first thread has left, and what handed it out did not look at the others' memory. */
        set_missing(p, PROCESS_VIRTUAL_BYTES, MISSING_NOT_THERE);
        set_missing(p, PROCESS_RESIDENT_BYTES, MISSING_NOT_THERE);
    }
    if ((r->flags & WALK_HAS_MEMORY) == 0) {
        set_missing(p, PROCESS_RESIDENT_ANONYMOUS_BYTES, MISSING_NOT_THERE);
        set_missing(p, PROCESS_RESIDENT_SHARED_BYTES, MISSING_NOT_THERE);
        set_missing(p, PROCESS_SWAP_BYTES, MISSING_NOT_THERE);
        return;
    }
    set(p, PROCESS_RESIDENT_ANONYMOUS_BYTES, pages(s, now[RSS_ANONYMOUS]));
    set(p, PROCESS_RESIDENT_SHARED_BYTES, pages(s, now[RSS_FILE] + now[RSS_SHARED]));
    set(p, PROCESS_SWAP_BYTES, pages(s, now[RSS_SWAP]));
}

static void put_io(struct process *p, const struct walk_record *r)
{
    bool kernel = (p->flags & PROCESS_KERNEL) != 0;
    enum missing why = kernel ? MISSING_NOT_THERE : MISSING_UNSUPPORTED;

    if (!kernel && (r->flags & WALK_IO_CHARS) != 0) {
        process_walk_count(p, PROCESS_IO_READ_CHARS_TOTAL, r->read_chars);
        process_walk_count(p, PROCESS_IO_WRITTEN_CHARS_TOTAL, r->written_chars);
    } else {
        set_missing(p, PROCESS_IO_READ_CHARS_TOTAL, why);
        set_missing(p, PROCESS_IO_WRITTEN_CHARS_TOTAL, why);
    }
    if (!kernel && (r->flags & WALK_IO_BYTES) != 0) {
        process_walk_count(p, PROCESS_DISK_READ_BYTES_TOTAL, r->read_bytes);
        process_walk_count(p, PROCESS_DISK_WRITTEN_BYTES_TOTAL, r->written_bytes);
    } else {
        set_missing(p, PROCESS_DISK_READ_BYTES_TOTAL, why);
        set_missing(p, PROCESS_DISK_WRITTEN_BYTES_TOTAL, why);
    }
}

static void put_delays(const struct process_state *s, struct process *p,
                       const struct walk_record *r)
{
    if ((r->flags & WALK_RUN_DELAY) == 0)
        set_missing(p, PROCESS_RUN_DELAY_NS_TOTAL, MISSING_UNSUPPORTED);
    else if (p->flags & PROCESS_THREADED)
        set_missing(p, PROCESS_RUN_DELAY_NS_TOTAL, MISSING_NOT_THERE);
    else
        process_walk_count(p, PROCESS_RUN_DELAY_NS_TOTAL, r->run_delay_ns / NS_PER_US);
    if (s->has_delayacct && (r->flags & WALK_BLOCK_DELAY) != 0)
        process_walk_count(p, PROCESS_BLOCK_DELAY_NS_TOTAL, r->block_delay_ns / NS_PER_US);
    else
        set_missing(p, PROCESS_BLOCK_DELAY_NS_TOTAL, MISSING_UNSUPPORTED);
}

void process_walk_values(struct process_state *s, struct process *p, const struct walk_record *r)
{
    if (r->threads > 1 || (r->flags & WALK_THREADS_LEFT) != 0)
        p->flags |= PROCESS_THREADED;
    if ((r->flags & WALK_KERNEL_THREAD) != 0)
        p->flags |= PROCESS_KERNEL;
    p->run_ns = r->exec_ns;
    process_walk_count(p, PROCESS_CPU_NS_TOTAL, r->exec_ns / NS_PER_US);
    process_walk_split(p, r->exec_ns, r->user_raw_ns, r->system_raw_ns, r->user_told_ns,
                       r->system_told_ns);
    process_walk_count(p, PROCESS_MINOR_FAULTS_TOTAL, r->minor_faults);
    process_walk_count(p, PROCESS_MAJOR_FAULTS_TOTAL, r->major_faults);
    process_walk_count(p, PROCESS_CONTEXT_SWITCHES_VOLUNTARY_TOTAL, r->switches_voluntary);
    process_walk_count(p, PROCESS_CONTEXT_SWITCHES_INVOLUNTARY_TOTAL, r->switches_involuntary);
    set(p, PROCESS_LAST_CPU, r->cpu);
    set(p, PROCESS_STATE, state_label(r->state));
    set(p, PROCESS_THREADS, r->threads);
    set(p, PROCESS_NICE, r->static_prio - STATIC_PRIO_0);
    put_memory(s, p, walked_at(s, p), r);
    put_io(p, r);
    put_delays(s, p, r);
}

/*
 * Stands for the record that it was made of (cgroups are told at some ticks only, and left out): to keep and compare that would be half of what a tick costs.
 * Four lanes, so that multiplications do not wait for each other.
 */
uint64_t process_walk_hash(const struct walk_record *r)
{
    enum { WORDS = offsetof(struct walk_record, cgroups) / sizeof(uint64_t), LANES = 4 };
    const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t words[WORDS], lane[LANES] = { 1, 2, 3, 4 };
    struct walk_record record = *r;

    _Static_assert(sizeof words + sizeof r->cgroups == sizeof *r, "whole words");
    record.flags &= (uint16_t)~WALK_SAME;
    memcpy(words, &record, sizeof words);
    for (size_t i = 0; i < WORDS; i++) {
        uint64_t mixed = (lane[i % LANES] ^ words[i]) * factor;

        lane[i % LANES] = mixed ^ mixed >> 29;
    }
    for (size_t i = 1; i < LANES; i++)
        lane[0] = (lane[0] ^ lane[i]) * factor ^ lane[0] >> 31;
    return lane[0];
}
