/* The beginning and the end of a process in the table, and its rows. */
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/process_state_linux.h"

static const int64_t ns_per_s = 1000000000;

int64_t process_start_ns(const struct process_state *s, uint64_t start_ticks)
{
    uint64_t hz = (uint64_t)s->ticks_per_second;
    uint64_t seconds = start_ticks / hz;

    if (seconds > (uint64_t)(INT64_MAX / ns_per_s / 4)) /* no host runs that long */
        seconds = 0;
    return timebase_at(&s->context.timebase,
                       (int64_t)seconds * ns_per_s +
                           (int64_t)(start_ticks % hz) * (ns_per_s / s->ticks_per_second));
}

struct process *process_enter(struct process_state *s, int32_t pid, struct tick *tick)
{
    uint32_t slot = process_table_add(&s->table, pid);

    if (slot != SLOT_NONE && slot >= s->process_size) {
        size_t size = slot + 64 + s->process_size / 2;
        struct process *larger = realloc(s->processes, size * sizeof *larger);

        if (larger == NULL) {
            (void)process_table_remove(&s->table, pid, slot);
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
    *p = (struct process){
        .pid = pid,
        .generation = ++s->generation,
        .fd = { -1, -1, -1 },
        .row_seq = -1,
    };
    return p;
}

void process_drop_files(struct process_state *s, struct process *p, bool keep_stat)
{
    for (enum process_file file = keep_stat ? FILE_STAT + 1 : FILE_STAT; file < FILE_COUNT; file++)
        process_files_drop(&s->files, file, &p->fd[file]);
}

void process_leave(struct process_state *s, struct process *p)
{
    if (p->flags & PROCESS_WANTS_NAME && !(p->flags & PROCESS_NAMED))
        s->stats.identities_late++;
    process_drop_files(s, p, false);
    (void)process_table_remove(&s->table, p->pid, process_slot(s, p));
    p->pid = 0;
}

bool process_was_zombie(const struct process *p)
{
    return p->missing[PROCESS_STATE] == MISSING_NONE &&
           p->values[PROCESS_STATE] == procfs_state_label('Z');
}

void process_vanished(struct process_state *s, struct process *p, struct tick *tick)
{
    struct tick_exit *end = tick_add_exit(tick);

    if (s->exits != NULL) { /* rungs 1 and 2 count what they lose */
        s->stats.exits_lost += !process_was_zombie(p);
        exits_forget(s->exits, p->pid);
    }
    if (end == NULL)
        return;
    end->slot = process_slot(s, p);
    end->how = EXIT_UNKNOWN;
    end->code = -1;
    end->end_ns = tick->start_ns;
}

struct tick_row *process_put_row(struct process_state *s, struct process *p, uint8_t flags,
                                 struct tick *tick)
{
    int64_t *values;
    uint8_t *missing;
    struct tick_row *row =
        tick_row_values(tick, TABLE_PROCESS, process_slot(s, p), flags, &values, &missing);

    p->row_seq = tick->seq;
    if (row == NULL)
        return NULL;
    memcpy(values, p->values, sizeof p->values);
    memcpy(missing, p->missing, sizeof p->missing);
    return row;
}

static void put_birth(struct process_state *s, struct process *p, struct tick *tick)
{
    struct tick_birth *birth = tick_add_birth(tick);

    if (birth == NULL)
        return;
    birth->slot = process_slot(s, p);
    birth->pid = p->pid;
    birth->ppid = s->stat.ppid;
    birth->start_ticks = p->start_ticks;
    birth->start_ns = p->start_ns;
    birth->flags = p->flags & PROCESS_KERNEL ? BIRTH_KERNEL_THREAD : 0;
}

void process_announce(struct process_state *s, struct process *p, struct tick *tick)
{
    struct tick_row *row;
    int64_t began;
    bool born;

    p->start_ticks = s->stat.start_ticks;
    p->start_ns = process_start_ns(s, p->start_ticks);
    /* Its start is rounded down, by up to one clock tick. */
    born = s->swept && p->start_ns + ns_per_s / s->ticks_per_second > s->previous_ns;
    began = p->start_ns > s->previous_ns ? p->start_ns : s->previous_ns + 1;
    if (began > tick->start_ns)
        began = tick->start_ns;
    if (s->stat.flags & PROC_FLAG_KERNEL_THREAD)
        p->flags |= PROCESS_KERNEL;
    if (born)
        p->flags |= PROCESS_BORN_IN_VIEW;
    (void)process_read_uid(s, p->pid, &p->uid);
    process_sample_first(s, p);
    p->sampled_ns = tick->start_ns;

    put_birth(s, p, tick);
    row = process_put_row(s, p, born ? ROW_FIRST | ROW_BORN : ROW_FIRST, tick);
    if (row != NULL && born)
        row->start_ns = began;
    process_rename(s, p, born ? began : tick->start_ns, tick);
}
