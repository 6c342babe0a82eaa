/*
 *   source  /proc/self/statm field 2; /proc/self/io write_bytes; the root cgroup's cpuacct.usage
 *   units   pages; bytes; nanoseconds
 *   absent  cpuacct on hosts with cgroup v2 only
 */
#include "recorder/collectors/recorder_own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/textfile.h"

enum { SMALL_ROOM = 1024, NS_PER_US = 1000 };

const char recorder_own_source[] =
    "own clocks and counts, /proc/self, cpuacct.usage of the root group";
const char recorder_own_absence[] = "no cpuacct: the host has version 2 of control groups only";

struct recorder_own {
    struct textfile statm, io, cpuacct;
    int64_t page_bytes;
};

/* One number of a file: the first behind `name`, or with name "" behind `skip` other numbers. */
static struct own_number number(struct textfile *file, const char *name, int skip,
                                int64_t multiplier)
{
    struct error err;
    struct own_number got = { 0, MISSING_NOT_THERE };

    if (textfile_is_open(file) && textfile_read(file, &err) == STATUS_OK) {
        const char *at = strstr(file->text, name);
        const char *end = file->text + file->size;

        if (at != NULL)
            at += strlen(name);
        for (int i = 0; at != NULL && i < skip; i++)
            (void)textfile_number(&at, end, &got.value);
        if (at != NULL)
            got.why = textfile_scaled(&at, end, multiplier, &got.value);
    } else if (file->failure != 0) {
        got.why = textfile_missing(file->failure);
    }
    return got;
}

enum status recorder_own_open(struct recorder_own **opened, const char *root,
                              struct capability *capability, struct error *err)
{
    static const char *const cpuacct_paths[] = { "/sys/fs/cgroup/cpuacct/cpuacct.usage",
                                                 "/sys/fs/cgroup/cpu,cpuacct/cpuacct.usage" };
    struct recorder_own *own = calloc(1, sizeof *own);
    struct error why;

    *opened = own;
    if (own == NULL)
        return error_set(err, STATUS_NO_MEMORY, "recorder collector");
    own->page_bytes = sysconf(_SC_PAGESIZE);
    /* Each may fail: its metrics are then missing, with the reason from the failed open. */
    if (textfile_open(&own->statm, root, "/proc/self/statm", SMALL_ROOM, SMALL_ROOM, &why) !=
            STATUS_OK ||
        textfile_open(&own->io, root, "/proc/self/io", SMALL_ROOM, SMALL_ROOM, &why) != STATUS_OK) {
        capability->status = CAPABILITY_PARTIAL;
        (void)snprintf(capability->reason, sizeof capability->reason, "%.190s", why.message);
    }
    for (size_t i = 0; i < COUNT_OF(cpuacct_paths); i++) {
        if (textfile_open(&own->cpuacct, root, cpuacct_paths[i], SMALL_ROOM, SMALL_ROOM, &why) ==
            STATUS_OK)
            break;
    }
    return STATUS_OK;
}

void recorder_own_close(struct recorder_own *own)
{
    if (own == NULL)
        return;
    textfile_close(&own->statm);
    textfile_close(&own->io);
    textfile_close(&own->cpuacct);
    free(own);
}

void recorder_own_read(struct recorder_own *own, struct own_numbers *numbers)
{
    numbers->resident_bytes = number(&own->statm, "", 1, own->page_bytes);
    numbers->written_bytes = number(&own->io, "\nwrite_bytes:", 0, 1);
    numbers->busy_us = number(&own->cpuacct, "", 0, 1);
    numbers->busy_us.value /= NS_PER_US;
}
