/*
 * Processes that /proc lists and the kernel does not hand out to BPF programs: some hosts keep their
 * first process from them. They are read from /proc at each tick, as on rungs 3 and 4.
 *
 * Looked for once, when recording begins: what comes later is told by events.
 */
#include "recorder/collectors/process_state_linux.h"

/* One that began later may have come after the walk. */
static const int64_t settled_ns = 1000000000;

static bool was_there(struct process_state *s, int32_t pid, const struct tick *tick)
{
    return process_read_stat(s, pid, NULL) == 0 && s->stat.state != 'Z' && s->stat.state != 'X' &&
           process_start_ns(s, s->stat.start_ticks) < tick->start_ns - settled_ns;
}

static void look(struct process_state *s, const struct tick *tick)
{
    struct error err; /* without the list, what is withheld stays missing */

    if (process_files_list(&s->files, true, tick->start_ns, &err) != STATUS_OK)
        return;
    for (size_t i = 0; i < s->files.pid_count && s->withheld_count < WITHHELD_MAX; i++) {
        int32_t pid = s->files.pids[i];

        if (process_table_find(&s->table, pid) == SLOT_NONE && pid != s->hidden_pid &&
            was_there(s, pid, tick))
            s->withheld[s->withheld_count++] = pid;
    }
}

bool process_is_withheld(const struct process_state *s, int32_t pid)
{
    for (size_t i = 0; i < s->withheld_count; i++)
        if (s->withheld[i] == pid)
            return true;
    return false;
}

void process_withheld(struct process_state *s, struct tick *tick)
{
    size_t kept = 0;

    if (!s->swept && s->files.real && !s->incomplete)
        look(s, tick);
    for (size_t i = 0; i < s->withheld_count; i++) {
        uint32_t slot = process_table_find(&s->table, s->withheld[i]);

        if (slot != SLOT_NONE && process_at(s, slot)->start_boot_ns != 0)
            continue; /* it is handed out after all */
        process_sweep_pid(s, s->withheld[i], tick);
        slot = process_table_find(&s->table, s->withheld[i]);
        if (slot == SLOT_NONE || process_at(s, slot)->row_seq != tick->seq)
            continue;
        s->seen++;
        s->withheld[kept++] = s->withheld[i];
    }
    s->withheld_count = kept;
}
