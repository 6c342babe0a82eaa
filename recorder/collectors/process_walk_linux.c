/*
 * One tick of rungs 1 and 2: events, the walk, events once more if somebody is missing, ends.
 *
 *   source  recorder/collectors/bpf/process.bpf.c
 */
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/process_state_linux.h"

enum {
    FEW_CPUS = 8,      /* up to so many, summing what each counts apart is cheap */
    FORGET_WALKS = 30, /* an ended process that the kernel did not say it forgot */
    AHEAD = 6,         /* processes */
    LINE_BYTES = 64,   /* of a cache, on most machines */
};

static const int64_t large_bytes = INT64_C(256) << 20;
static const int64_t patience_ns = 1000000000;  /* for the kernel to forget what has ended */
static const int64_t birth_slack_ns = 10000000; /* a process is listed a moment after it began */
static const int64_t longest_part_ns =
    2000000000; /* ticks farther apart read all of every process */

static int64_t clamp(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* --- one process --- */

static int64_t start_ns_of(const struct process_state *s, uint64_t start_boot_ns)
{
    return timebase_at(&s->context.timebase, clamp(start_boot_ns));
}

struct process *process_walk_enter(struct process_state *s, int32_t pid, uint64_t start_boot_ns,
                                   struct tick *tick)
{
    struct process *p = process_enter(s, pid, tick);
    uint64_t clock_tick_ns = UINT64_C(1000000000) / (uint64_t)s->ticks_per_second;

    if (p == NULL)
        return NULL;
    if (s->walked_size < s->process_size) {
        struct walked *more = realloc(s->walked, s->process_size * sizeof *more);

        if (more == NULL) {
            tick->no_memory = true;
            process_leave(s, p);
            return NULL;
        }
        s->walked = more;
        s->walked_size = s->process_size;
    }
    p->start_ticks = start_boot_ns / clock_tick_ns;
    /* One that began while events were read belongs to this tick. */
    p->start_ns = smaller(start_ns_of(s, start_boot_ns), tick->start_ns);
    p->flags = PROCESS_UNSEEN;
    if (s->swept && p->start_ns + birth_slack_ns > s->previous_ns)
        p->flags |= PROCESS_BORN_IN_VIEW;
    p->sweep = s->sweep - 1;
    memset(p->missing, MISSING_NOT_THERE, sizeof p->missing);
    p->start_boot_ns = start_boot_ns;
    *walked_at(s, p) = (struct walked){ .announced = false };
    return p;
}

void process_walk_birth(struct process_state *s, struct process *p, int32_t ppid, bool kernel,
                        struct tick *tick)
{
    struct tick_birth *birth = tick_add_birth(tick);

    walked_at(s, p)->announced = true;
    if (kernel)
        p->flags |= PROCESS_KERNEL;
    if (birth == NULL)
        return;
    birth->slot = process_slot(s, p);
    birth->pid = p->pid;
    birth->ppid = ppid;
    birth->start_ticks = p->start_ticks;
    birth->start_ns = p->start_ns;
    birth->flags = kernel ? BIRTH_KERNEL_THREAD : 0;
}

/* The time from which on it is in view. */
static int64_t began(const struct process_state *s, const struct process *p,
                     const struct tick *tick)
{
    return smaller(larger(p->start_ns, s->previous_ns + 1), tick->start_ns);
}

/* A row with what its values are now. */
static struct tick_row *put_row(struct process_state *s, struct process *p, uint8_t flags,
                                struct tick *tick)
{
    bool first = (p->flags & PROCESS_UNSEEN) != 0, born = (p->flags & PROCESS_BORN_IN_VIEW) != 0;
    struct tick_row *row;

    if (first)
        flags |= born ? ROW_FIRST | ROW_BORN : ROW_FIRST;
    row = process_put_row(s, p, flags, tick);
    if (row != NULL && first && born)
        row->start_ns = began(s, p, tick);
    p->flags &= (uint16_t)~PROCESS_UNSEEN;
    p->sampled_ns = tick->start_ns;
    return row;
}

/* Kernel threads have longer names than the 15 bytes that fit here; the file has all of it. */
static void put_name(struct process_state *s, struct process *p, const struct walk_record *r,
                     int64_t from_ns, struct tick *tick)
{
    struct tick_version *version = tick_add_version(tick);
    size_t size = strnlen(r->comm, sizeof r->comm);
    const char *comm = r->comm;
    bool first = !walked_at(s, p)->named;

    walked_at(s, p)->program = r->program;
    walked_at(s, p)->named = true;
    p->uid = r->uid;
    p->flags |= PROCESS_WANTS_NAME;
    p->name_from_ns = from_ns;
    p->comm_hash = process_text_hash(r->comm, size);
    if ((r->flags & WALK_KERNEL_THREAD) != 0 && process_read_stat(s, p->pid, NULL) == 0) {
        comm = s->stat.comm;
        size = procfs_stable_comm(&s->stat);
    }
    if (version == NULL)
        return;
    version->slot = process_slot(s, p);
    version->from_ns = from_ns;
    version->known = 1u << PROCESS_COMM | VERSION_UID;
    version->uid = r->uid;
    version->text[PROCESS_COMM] = tick_add_text(tick, comm, size);
    if (first)
        process_inherit(s, p, r->ppid, r->cgroups, version); /* until there is an answer */
}

static bool is_moved(const struct walked *w, const struct walk_record *r)
{
    return r->cgroups != 0 && r->cgroups != w->cgroups;
}

static bool is_called_otherwise(const struct process *p, const struct walked *w,
                                const struct walk_record *r)
{
    return (r->program != 0 && r->program != w->program) || r->uid != p->uid ||
           process_text_hash(r->comm, strnlen(r->comm, sizeof r->comm)) != p->comm_hash;
}

/* Whether its name is another one than what is known of it says. */
static void check_name(struct process_state *s, struct process *p, const struct walk_record *r,
                       struct tick *tick)
{
    struct walked *w = walked_at(s, p);
    bool first = w->cgroups == 0, moved = is_moved(w, r);

    if (moved)
        w->cgroups = r->cgroups;
    if (is_called_otherwise(p, w, r)) {
        put_name(s, p, r, tick->start_ns, tick);
    } else if (moved && !first && !(p->flags & PROCESS_WANTS_NAME)) {
        p->flags |= PROCESS_WANTS_NAME;
        p->name_from_ns = tick->start_ns;
    }
}

static void announce(struct process_state *s, struct process *p, const struct walk_record *r,
                     struct tick *tick)
{
    struct walked *w = walked_at(s, p);
    bool born = (p->flags & PROCESS_BORN_IN_VIEW) != 0;
    int64_t counted = p->values[PROCESS_CPU_NS_TOTAL]; /* where its end was told before */

    if (!w->announced)
        process_walk_birth(s, p, r->ppid, (r->flags & WALK_KERNEL_THREAD) != 0, tick);
    if (!w->named || is_called_otherwise(p, w, r))
        put_name(s, p, r, born ? began(s, p, tick) : tick->start_ns, tick);
    w->cgroups = r->cgroups;
    process_walk_values(s, p, r);
    if (born)
        s->stats.cpu_processes_us += p->values[PROCESS_CPU_NS_TOTAL] - counted;
    (void)put_row(s, p, 0, tick);
}

static void update(struct process_state *s, struct process *p, const struct walk_record *r,
                   struct tick *tick)
{
    int64_t values[LINUX_METRICS];
    uint8_t missing[LINUX_METRICS];

    memcpy(values, p->values, sizeof values);
    memcpy(missing, p->missing, sizeof missing);
    process_walk_values(s, p, r);
    if (memcmp(values, p->values, sizeof values) == 0 &&
        memcmp(missing, p->missing, sizeof missing) == 0)
        tick_row_same(tick, TABLE_PROCESS, process_slot(s, p));
    else
        (void)process_put_row(s, p, 0, tick);
    p->row_seq = tick->seq;
    p->sampled_ns = tick->start_ns;
    s->stats.cpu_processes_us += p->values[PROCESS_CPU_NS_TOTAL] - values[PROCESS_CPU_NS_TOTAL];
    check_name(s, p, r, tick);
}

/* The list keeps its order, so that most often what comes next is known. */
static uint32_t find_slot(struct process_state *s, int32_t pid)
{
    uint32_t slot = s->expected;

    if (slot >= process_end(s) || process_at(s, slot)->pid != pid ||
        process_at(s, slot)->flags & PROCESS_DISPLACED)
        slot = process_table_find(&s->table, pid);
    s->expected = slot + 1; /* of SLOT_NONE 0 */
    return slot;
}

/* The process that a record is of; NULL: it is of no use now. */
static struct process *find_process(struct process_state *s, const struct walk_record *r,
                                    struct tick *tick)
{
    uint32_t slot = r->pid == s->hidden_pid ? SLOT_NONE : find_slot(s, r->pid);
    struct process *p = slot == SLOT_NONE ? NULL : process_at(s, slot);

    if (r->pid == s->hidden_pid)
        return NULL;
    if (p != NULL && p->start_boot_ns == r->start_boot_ns)
        return p;
    if (start_ns_of(s, r->start_boot_ns) > tick->start_ns)
        return NULL; /* it was not there at the time that this tick tells of */
    if (p != NULL)
        process_walk_displace(s, r->pid, r->start_boot_ns, tick);
    return process_walk_enter(s, r->pid, r->start_boot_ns, tick);
}

/* It has ended and was not reaped: what it used does not grow any more. */
static void settle(struct process_state *s, struct process *p, const struct walk_record *r)
{
    int64_t before = p->values[PROCESS_CPU_NS_TOTAL];
    bool counts = !(p->flags & PROCESS_UNSEEN) || (p->flags & PROCESS_BORN_IN_VIEW) != 0;

    process_walk_values(s, p, r);
    if (counts)
        s->stats.cpu_processes_us += p->values[PROCESS_CPU_NS_TOTAL] - before;
    p->flags |= PROCESS_FINAL;
    s->ending = true;
}

static void take_record(struct process_state *s, const struct walk_record *r, struct tick *tick)
{
    struct process *p = find_process(s, r, tick);
    uint64_t hash;

    if (p == NULL || p->sweep == s->sweep)
        return;
    p->sweep = s->sweep;
    s->seen++;
    if (p->flags & (PROCESS_OVER | PROCESS_FINAL))
        return;
    p->unseen = 0;
    if (p->flags & PROCESS_ENDING && (r->flags & WALK_ZOMBIE) != 0) {
        settle(s, p, r);
        return;
    }
    hash =
        (r->flags & WALK_SAME) != 0 && p->record_hash != 0 ? p->record_hash : process_walk_hash(r);
    if (p->flags & PROCESS_UNSEEN) {
        announce(s, p, r, tick);
    } else if (hash == p->record_hash && (r->cgroups == 0 || !is_moved(walked_at(s, p), r))) {
        tick_row_same(tick, TABLE_PROCESS, process_slot(s, p));
        p->row_seq = tick->seq;
        p->sampled_ns = tick->start_ns;
    } else {
        update(s, p, r, tick);
    }
    p->record_hash = hash;
    if (p->flags & PROCESS_WANTS_NAME)
        process_ask(s, p);
}

static void take_records(void *to, const struct walk_record *records, size_t count)
{
    struct process_state *s = to;

    for (size_t i = 0; i < count; i++) {
        /* Memory is what takes the time: ask for what comes a little later. */
        if (s->expected + AHEAD < process_end(s)) {
            const char *later = (const char *)process_at(s, s->expected + AHEAD);

            __builtin_prefetch(later);
            __builtin_prefetch(later + LINE_BYTES);
        }
        take_record(s, &records[i], s->walk_tick);
    }
}

/* --- ends --- */

struct process *process_walk_find(struct process_state *s, int32_t pid, uint64_t start_boot_ns)
{
    uint32_t slot = process_table_find(&s->table, pid);

    if (slot != SLOT_NONE && process_at(s, slot)->start_boot_ns == start_boot_ns)
        return process_at(s, slot);
    for (size_t i = 0; i < s->displaced_count; i++) {
        slot = s->displaced[i];
        if (process_at(s, slot)->pid == pid && process_at(s, slot)->start_boot_ns == start_boot_ns)
            return process_at(s, slot);
    }
    return NULL;
}

static void put_last_row(struct process_state *s, struct process *p, struct tick *tick)
{
    const struct walked *w = walked_at(s, p);
    bool short_lived = (p->flags & PROCESS_UNSEEN) != 0;
    int64_t since_ns = short_lived ? began(s, p, tick) : p->sampled_ns + 1;
    /* Its end was told before its memory was taken down, which is its CPU time, too. */
    int64_t taken_down_ns = (p->values[PROCESS_CPU_NS_TOTAL] - w->end_cpu_us) * 1000;
    int64_t end_ns = smaller(larger(w->end_ns + taken_down_ns, since_ns), tick->start_ns);
    struct tick_exit *end = tick_add_exit(tick);
    struct tick_row *row;

    process_end_gauges(p);
    if (short_lived && w->peak_bytes > 0) { /* nothing else tells how large it was */
        p->values[PROCESS_RESIDENT_BYTES] = w->peak_bytes;
        p->missing[PROCESS_RESIDENT_BYTES] = MISSING_NONE;
    }
    row = put_row(s, p, ROW_LAST, tick);
    if (row != NULL)
        row->end_ns = end_ns;
    p->flags |= PROCESS_OVER;
    if (end == NULL)
        return;
    end->slot = process_slot(s, p);
    end->how = EXIT_REPORTED;
    end->code = w->code;
    end->end_ns = end_ns;
}

static void vanish(struct process_state *s, struct process *p, struct tick *tick)
{
    if (s->losses_seq < tick->seq - 1) /* else it is among those that were counted */
        s->stats.exits_lost += !process_was_zombie(p);
    process_vanished(s, p, tick);
    process_leave(s, p);
}

/* The source has not handed it out, and has not said that it ended: once may be an error of its. */
static void miss(struct process_state *s, struct process *p, struct tick *tick)
{
    bool again = p->unseen++ > 0;

    if (p->flags & PROCESS_UNSEEN) {
        memset(p->missing, MISSING_FAILED, sizeof p->missing);
        (void)put_row(s, p, 0, tick);
    } else if (s->incomplete || !again) {
        tick_row_same(tick, TABLE_PROCESS, process_slot(s, p));
        p->row_seq = tick->seq;
        p->sampled_ns = tick->start_ns;
    } else {
        vanish(s, p, tick);
    }
}

static void end_over(struct process_state *s, struct process *p)
{
    if (p->sweep == s->sweep) /* a zombie */
        return;
    if (p->flags & PROCESS_FINAL || p->unseen++ > FORGET_WALKS)
        process_leave(s, p);
}

/* What is due at the end of the tick; each process has a row then, or has none any more. */
static void end_process(struct process_state *s, struct process *p, struct tick *tick)
{
    if (p->flags & PROCESS_OVER)
        end_over(s, p);
    else if (p->row_seq == tick->seq)
        return;
    else if (p->flags & PROCESS_FINAL)
        put_last_row(s, p, tick);
    else if (!(p->flags & PROCESS_ENDING))
        miss(s, p, tick);
    else if (tick->is_last ||
             tick->start_ns - walked_at(s, p)->end_ns > patience_ns) /* as good as known */
        put_last_row(s, p, tick);
    else
        (void)put_row(s, p, 0, tick);
}

static bool displace(struct process_state *s, const struct process *p)
{
    if (s->displaced_count == s->displaced_size) {
        size_t size = s->displaced_size == 0 ? 64 : s->displaced_size * 2;
        uint32_t *more = realloc(s->displaced, size * sizeof *more);

        if (more == NULL)
            return false;
        s->displaced = more;
        s->displaced_size = size;
    }
    s->displaced[s->displaced_count++] = process_slot(s, p);
    s->processes[process_slot(s, p)].flags |= PROCESS_DISPLACED;
    return true;
}

/* Its pid is another's: what is to come of it is looked for by its slot. */
static void end_displaced(struct process_state *s, struct process *p, struct tick *tick)
{
    if (p->flags & PROCESS_OVER && (p->flags & PROCESS_FINAL || !displace(s, p)))
        process_leave(s, p);
    else if (p->flags & PROCESS_OVER)
        return;
    else if (p->flags & PROCESS_UNSEEN || p->flags & PROCESS_ENDING || p->row_seq == tick->seq)
        (void)displace(s, p);
    else
        vanish(s, p, tick);
}

void process_walk_displace(struct process_state *s, int32_t pid, uint64_t start_boot_ns,
                           struct tick *tick)
{
    uint32_t slot = process_table_find(&s->table, pid);

    if (slot != SLOT_NONE && process_at(s, slot)->start_boot_ns != start_boot_ns)
        end_displaced(s, process_at(s, slot), tick);
}

static void forget_displaced(struct process_state *s)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->displaced_count; i++) {
        const struct process *p = process_at(s, s->displaced[i]);

        if (p->pid != 0 && process_table_find(&s->table, p->pid) != s->displaced[i])
            s->displaced[kept++] = s->displaced[i];
    }
    s->displaced_count = kept;
}

/* --- the tick --- */

static bool is_resident(const struct process_state *s, const char *how)
{
    return s->context.resident != NULL && strcmp(s->context.resident, how) == 0;
}

static struct walk_wish wish(const struct process_state *s)
{
    struct walk_wish wish = {
        .exact_all = s->full || s->cpu_count <= FEW_CPUS || is_resident(s, "exact"),
        .cgroups = s->full,
        .all = s->full || s->walk_tick->start_ns - s->previous_ns > longest_part_ns,
        .block_delay = s->has_delayacct,
        .exact_pages = large_bytes / s->page_bytes,
        .exact_since_ns = s->previous_ns - timebase_at(&s->context.timebase, 0),
    };

    if (is_resident(s, "approximate")) {
        wish.exact_all = false;
        wish.exact_pages = wish.exact_since_ns = INT64_MAX;
    }
    return wish;
}

static void end_all(struct process_state *s, struct tick *tick)
{
    s->ending = false;
    for (uint32_t slot = 0; slot < process_end(s); slot++) {
        struct process *p = process_at(s, slot);

        if (p->pid == 0)
            continue;
        end_process(s, p, tick);
        s->ending |= (p->flags & (PROCESS_ENDING | PROCESS_OVER)) == PROCESS_ENDING;
    }
    forget_displaced(s);
}

void process_walk(struct process_state *s, struct tick *tick)
{
    struct walk_wish wanted;
    struct error err;

    s->walk_tick = tick;
    wanted = wish(s);
    s->seen = 0;
    s->expected = 0;
    process_events(s, tick);
    tick_sampled(tick, TABLE_PROCESS);
    s->incomplete = s->source->walk(s->source->self, &wanted, take_records, s, &err) != STATUS_OK;
    s->stats.walks_incomplete += s->incomplete;
    process_withheld(s, tick);
    if (s->seen < s->table.used)
        process_events(s, tick);
    if (s->seen < s->table.used || s->ending || s->displaced_count > 0)
        end_all(s, tick);
}
