/* Every parser of /proc/PID text, on any bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "recorder/collectors/container_id.h"
#include "recorder/collectors/identity_linux.h"
#include "recorder/collectors/procfs_linux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct proc_stat stat;
    struct proc_io io;
    struct proc_schedstat sched;
    struct proc_status status;
    struct identity_slice cgroup;
    char container[CONTAINER_ID_MAX];
    struct error err;

    if (procfs_parse_stat(text, size, &stat, &err) == STATUS_OK) {
        (void)procfs_state_label(stat.state);
        if (stat.comm_size > PROC_COMM_MAX || procfs_stable_comm(&stat) > stat.comm_size)
            abort();
    }
    (void)!procfs_parse_io(text, size, &io, &err);
    (void)!procfs_parse_schedstat(text, size, &sched, &err);
    (void)!procfs_parse_status(text, size, &status, &err);

    cgroup = identity_cgroup(text, size);
    if (cgroup.size > size)
        abort();
    if (container_id(cgroup.at, cgroup.size, container) > cgroup.size)
        abort();
    return 0;
}
