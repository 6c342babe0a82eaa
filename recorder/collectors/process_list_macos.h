/* The table of all processes, which everybody may read: process_list_macos.c. */
#ifndef RECORDER_COLLECTORS_PROCESS_LIST_MACOS_H
#define RECORDER_COLLECTORS_PROCESS_LIST_MACOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/sysctl.h>

#include "schema/error.h"

/*
 * A process is told apart by pid and start, of which a recording keeps hundredths of seconds since
 * 1970.
 */
enum { PROCESS_START_HZ = 100 };

/* Zeroed is empty. The memory is used again at each read. */
struct process_list {
    struct kinfo_proc *items;
    size_t count;
    size_t room; /* for so many */
    bool complete;
};

/*
 * Read all. In a storm of new processes the list may end before they do: `complete` says so.
 *
 *   errors  IO, NO_MEMORY
 *   owns    the memory, until process_list_release
 */
MUST_USE enum status process_list_read(struct process_list *list, struct error *err);
void process_list_release(struct process_list *list);

/* One process; false: there is none with that pid. */
bool process_list_find(int32_t pid, struct kinfo_proc *item);

/* Wall clock at its fork, in microseconds: it does not move when the clock is set. */
static inline uint64_t process_list_start_us(const struct kinfo_proc *item)
{
    return (uint64_t)item->kp_proc.p_starttime.tv_sec * 1000000 +
           (uint64_t)item->kp_proc.p_starttime.tv_usec;
}

#endif
