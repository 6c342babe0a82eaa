/* The beginning and the end of a process on a Mac, and its rows. */
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/process_state_macos.h"
#include "recorder/sysctl_macos.h"

enum { NS_PER_US = 1000, START_US = 1000000 / PROCESS_START_HZ };

/* --- slots --- */

struct process *process_enter(struct process_state *s, int32_t pid, struct tick *tick)
{
    uint32_t slot = process_table_add(&s->table, process_key(pid));

    if (slot != SLOT_NONE && slot >= s->process_size) {
        size_t size = slot + 64 + s->process_size / 2;
        struct process *larger = realloc(s->processes, size * sizeof *larger);

        if (larger == NULL) {
            (void)process_table_remove(&s->table, process_key(pid), slot);
            slot = SLOT_NONE;
        } else {
            memset(larger + s->process_size, 0, (size - s->process_size) * sizeof *larger);
            s->processes = larger;
            s->process_size = size;
        }
    }
    if (slot == SLOT_NONE) {
        tick->no_memory = true;
        return NULL;
    }
    struct process *p = process_at(s, slot);
    *p = (struct process){ .used = true, .pid = pid, .generation = ++s->generation };
    memset(p->missing, MISSING_UNSUPPORTED, sizeof p->missing);
    return p;
}

static void leave(struct process_state *s, struct process *p)
{
    if (p->flags & PROCESS_WANTS_NAME && !(p->flags & PROCESS_NAMED))
        s->stats.identities_late++;
    (void)process_table_remove(&s->table, process_key(p->pid), process_slot(s, p));
    p->used = false;
}

static void end(struct process_state *s, struct process *p, enum exit_how how, int32_t code,
                int64_t end_ns, struct tick *tick)
{
    struct tick_exit *told = tick_add_exit(tick);

    p->flags |= PROCESS_OVER;
    if (told == NULL)
        return;
    told->slot = process_slot(s, p);
    told->how = (uint8_t)how;
    told->code = code;
    told->end_ns = end_ns;
}

/* It is gone, and nobody saw what it used at last. */
void process_vanish(struct process_state *s, struct process *p, struct tick *tick)
{
    if (!(p->flags & PROCESS_OVER)) {
        s->stats.exits_lost++;
        end(s, p, EXIT_UNKNOWN, -1, tick->start_ns, tick);
    }
    leave(s, p);
}

struct tick_row *process_put_row(struct process_state *s, struct process *p, uint8_t flags,
                                 struct tick *tick)
{
    int64_t *values;
    uint8_t *missing;
    struct tick_row *row =
        tick_row_values(tick, TABLE_PROCESS, process_slot(s, p), flags, &values, &missing);

    p->sampled_ns = tick->start_ns;
    if (row == NULL)
        return NULL;
    memcpy(values, p->values, sizeof p->values);
    memcpy(missing, p->missing, sizeof p->missing);
    return row;
}

/* --- the end of one --- */

static void end_gauges(struct process *p)
{
    for (size_t metric = 0; metric < PROCESS_METRIC_COUNT; metric++) {
        if (samples_tables[TABLE_PROCESS].metrics[metric].kind == METRIC_COUNTER ||
            p->missing[metric] == MISSING_UNSUPPORTED)
            continue;
        p->values[metric] = 0;
        p->missing[metric] = MISSING_EXITED;
    }
}

/*
 * By the Mach clock, which stood still if the Mac slept in between; after it was last seen alive.
 */
static int64_t end_of(const struct process_state *s, const struct process *p,
                      const struct reading *r, const struct tick *tick)
{
    const struct clock *clock = s->context.clock;
    int64_t exit_ns = (int64_t)mach_ns(r->usage.ri_proc_exit_abstime, s->source.hz);
    int64_t end_ns = tick->start_ns;

    if (r->answer == USAGE_OK && r->usage.ri_proc_exit_abstime != 0)
        end_ns -= clock->awake_ns(clock->self) - exit_ns;
    if (end_ns <= p->sampled_ns)
        end_ns = p->sampled_ns + 1;
    return end_ns < tick->start_ns ? end_ns : tick->start_ns;
}

/* A row with what a zombie used at last. */
void process_end_zombie(struct process_state *s, struct process *p, const struct reading *r,
                        uint8_t flags, struct tick *tick)
{
    int64_t end_ns = end_of(s, p, r, tick);
    struct tick_row *row;

    end_gauges(p);
    row = process_put_row(s, p, flags | ROW_LAST, tick);
    if (row != NULL) {
        row->end_ns = end_ns;
        row->start_ns = p->start_ns;
    }
    end(s, p, EXIT_REPORTED, usage_read_status(p->pid), end_ns, tick);
}

/* --- the beginning of one --- */

/*
 * Timeline of its start. The wall clock may have been set since the session began; and what no list
 * had before began after the tick before.
 */
static int64_t start_of(const struct process_state *s, const struct process *p,
                        const struct tick *tick)
{
    int64_t start_ns = (int64_t)p->start_us * NS_PER_US;

    if (!(p->flags & PROCESS_BORN_IN_VIEW))
        return start_ns;
    start_ns -= tick->wall_ns - tick->start_ns;
    if (start_ns <= s->previous_ns)
        start_ns = s->previous_ns + 1;
    return start_ns < tick->start_ns ? start_ns : tick->start_ns;
}

static void put_birth(struct process_state *s, struct process *p, const struct kinfo_proc *item,
                      struct tick *tick)
{
    struct tick_birth *birth = tick_add_birth(tick);

    if (birth == NULL)
        return;
    birth->slot = process_slot(s, p);
    birth->pid = p->pid;
    birth->ppid = item->kp_eproc.e_ppid;
    birth->start_ticks = p->start_us / START_US;
    birth->start_ns = p->start_ns;
    birth->flags = p->pid == 0 ? BIRTH_KERNEL_THREAD : 0;
}

void process_announce(struct process_state *s, struct process *p, const struct kinfo_proc *item,
                      const struct reading *r, struct tick *tick)
{
    bool born = (p->flags & PROCESS_BORN_IN_VIEW) != 0;
    uint8_t flags = born ? ROW_FIRST | ROW_BORN : ROW_FIRST;
    int64_t used_before = s->stats.cpu_processes_us;
    struct tick_row *row;

    p->start_ns = start_of(s, p, tick);
    if (r->answer == USAGE_OK)
        memcpy(p->program, r->usage.ri_uuid, sizeof p->program);
    (void)process_put_values(s, p, item, r);
    if (!born)
        s->stats.cpu_processes_us = used_before;
    p->sampled_ns = p->start_ns;
    put_birth(s, p, item, tick);
    process_rename(s, p, item, born ? p->start_ns : tick->start_ns, tick);
    if (item->kp_proc.p_stat == SZOMB) {
        process_end_zombie(s, p, r, flags, tick);
        return;
    }
    row = process_put_row(s, p, flags, tick);
    if (row != NULL && born)
        row->start_ns = p->start_ns;
    process_ask(s, p);
}
