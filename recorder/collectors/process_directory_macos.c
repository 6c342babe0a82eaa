/* What other collectors may know of processes on a Mac, from what the process collector keeps. */
#include "recorder/process_directory.h"

#include "recorder/collectors/process_state_macos.h"

static uint32_t directory_end(const void *self)
{
    const struct process_state *s = self;

    return s->table.slot_end < s->process_size ? s->table.slot_end : (uint32_t)s->process_size;
}

static bool directory_glance(const void *self, uint32_t slot, struct process_glance *glance)
{
    const struct process_state *s = self;
    const struct process *p;

    if (slot >= directory_end(self))
        return false;
    p = &s->processes[slot];
    if (!p->used || (p->flags & PROCESS_OVER) != 0)
        return false;
    *glance = (struct process_glance){
        .slot = slot,
        .pid = p->pid,
        .start_ticks = p->start_us,
        .uid = p->uid,
        .resident_bytes = p->missing[PROCESS_RESIDENT_BYTES] == MISSING_NONE
                              ? p->values[PROCESS_RESIDENT_BYTES]
                              : -1,
        .state = p->missing[PROCESS_STATE] == MISSING_NONE ? p->values[PROCESS_STATE] : 0,
        .kernel_thread = p->pid == 0,
    };
    return true;
}

static bool directory_find(const void *self, int32_t pid, struct process_glance *glance)
{
    const struct process_state *s = self;
    uint32_t slot = process_table_find(&s->table, process_key(pid));

    return slot != SLOT_NONE && directory_glance(self, slot, glance);
}

void process_enter_directory(const struct process_state *s)
{
    if (s->context.processes != NULL)
        *s->context.processes = (struct process_directory){
            .self = s,
            .end = directory_end,
            .glance = directory_glance,
            .find = directory_find,
        };
}
