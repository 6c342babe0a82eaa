/*
 *   source  proc_pid_rusage of ourselves: ri_resident_size, ri_diskio_byteswritten
 *   units   bytes
 *   absent  what the scheduler charged to all processes: there is no such sum on macOS
 */
#include "recorder/collectors/recorder_own.h"

#include <libproc.h>
#include <stdlib.h>
#include <unistd.h>

const char recorder_own_source[] = "own clocks and counts, proc_pid_rusage";
const char recorder_own_absence[] = "no cpuacct: macOS keeps no sum of all processes";

struct recorder_own {
    bool nothing;
};

static struct recorder_own stateless;

enum status recorder_own_open(struct recorder_own **own, const char *root,
                              struct capability *capability, struct error *err)
{
    (void)root;
    (void)capability;
    (void)err;
    *own = &stateless;
    return STATUS_OK;
}

void recorder_own_close(struct recorder_own *own)
{
    (void)own;
}

void recorder_own_read(struct recorder_own *own, struct own_numbers *numbers)
{
    struct rusage_info_v2 usage;

    (void)own;
    *numbers = (struct own_numbers){ .resident_bytes = { 0, MISSING_FAILED },
                                     .written_bytes = { 0, MISSING_FAILED },
                                     .busy_us = { 0, MISSING_UNSUPPORTED } };
    if (proc_pid_rusage(getpid(), RUSAGE_INFO_V2, (rusage_info_t *)&usage) != 0)
        return;
    numbers->resident_bytes = (struct own_number){ (int64_t)usage.ri_resident_size, MISSING_NONE };
    numbers->written_bytes =
        (struct own_number){ (int64_t)usage.ri_diskio_byteswritten, MISSING_NONE };
}
