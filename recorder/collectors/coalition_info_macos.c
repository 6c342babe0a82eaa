/*
 *   source  coalition_info_resource_usage of libsystem_kernel, by dlsym; PROC_PIDCOALITIONINFO;
 *           PROC_PIDT_SHORTBSDINFO
 *
 * The kernel fills in as much as it knows and is asked for, and does not say how much that was: fields that
 * came later are 0 where it does not know them.
 */
#include "recorder/collectors/coalition_info_macos.h"

#include <dlfcn.h>
#include <errno.h>
#include <libproc.h>
#include <stddef.h>
#include <string.h>

/* Not in the system's headers: flavor 20 of proc_pidinfo, and the struct as of macOS 15. */
enum { COALITION_FLAVOR = 20, SHORT_COMM_AT = 16, SHORT_COMM_SIZE = 16 };

struct coalition_ids {
    uint64_t resource, jetsam, reserved[3];
};
_Static_assert(sizeof(struct coalition_ids) == 40, "flavor 20");

struct resource_usage {
    uint64_t tasks_started, tasks_exited, time_nonempty, cpu_time;
    uint64_t interrupt_wakeups, platform_idle_wakeups, bytesread, byteswritten;
    uint64_t reserved_until_footprint[32];
    uint64_t phys_footprint;
    uint64_t reserved_end[3];
};
_Static_assert(offsetof(struct resource_usage, cpu_time) == 24, "cpu_time");
_Static_assert(offsetof(struct resource_usage, bytesread) == 48, "bytesread");
_Static_assert(offsetof(struct resource_usage, phys_footprint) == 320, "phys_footprint");
_Static_assert(sizeof(struct resource_usage) == 352, "coalition_resource_usage");

typedef int ask_usage(uint64_t id, void *usage, size_t size);

uint64_t coalition_of(int32_t pid)
{
    struct coalition_ids ids;

    return proc_pidinfo(pid, COALITION_FLAVOR, 0, &ids, sizeof ids) == (int)sizeof ids
               ? ids.resource
               : 0;
}

bool coalition_name_of(int32_t pid, char name[17])
{
    uint8_t brief[64];

    memset(name, 0, 17);
    if (proc_pidinfo(pid, PROC_PIDT_SHORTBSDINFO, 0, brief, sizeof brief) != (int)sizeof brief)
        return false;
    memcpy(name, brief + SHORT_COMM_AT, SHORT_COMM_SIZE);
    return true;
}

enum coalition_answer coalition_read(uint64_t id, struct coalition_usage *usage)
{
    void *found = dlsym(RTLD_DEFAULT, "coalition_info_resource_usage");
    struct resource_usage answer = { .tasks_started = 0 };
    ask_usage *ask;

    if (found == NULL)
        return COALITION_UNKNOWN;
    memcpy(&ask, &found, sizeof ask);
    if (ask(id, &answer, sizeof answer) != 0)
        return errno == EPERM   ? COALITION_DENIED
               : errno == ESRCH ? COALITION_GONE
                                : COALITION_FAILED;
    *usage = (struct coalition_usage){
        .tasks_started = answer.tasks_started,
        .tasks_ended = answer.tasks_exited,
        .cpu_ticks = answer.cpu_time,
        .read_bytes = answer.bytesread,
        .written_bytes = answer.byteswritten,
        .footprint_bytes = answer.phys_footprint,
    };
    return COALITION_OK;
}
