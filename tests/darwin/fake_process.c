/*
 * libproc, with its rules: who may ask, which sizes are refused, and
 * that proc_pid_rusage fails by -1 while all others do by 0.
 */
#include "tests/darwin/fake_kernel.h"

#include <errno.h>
#include <libproc.h>
#include <string.h>

enum { PATH_LEAST = 1024, PATH_MOST = 4096 };

bool fake_exists(const struct fake_process *p, int64_t at_ns)
{
    return at_ns >= p->start_ns && at_ns < p->reaped_ns;
}

bool fake_is_zombie(const struct fake_process *p, int64_t at_ns)
{
    return fake_exists(p, at_ns) && at_ns >= p->end_ns;
}

const struct fake_process *fake_find(int32_t pid)
{
    for (size_t i = 0; i < fake->process_count; i++)
        if (fake->processes[i].pid == pid && fake_exists(&fake->processes[i], fake_now_ns()))
            return &fake->processes[i];
    return NULL;
}

bool fake_may_read(const struct fake_process *p)
{
    uint32_t own = fake->processes[fake->self].uid;

    return own == 0 || own == p->uid;
}

const struct program *fake_program(const struct fake_process *p)
{
    const struct program *now = &p->programs[0];

    for (size_t i = 1; i < p->program_count; i++)
        if (p->programs[i].from_ns <= fake_now_ns())
            now = &p->programs[i];
    return now;
}

static int fail(int code, int result)
{
    errno = code;
    return result;
}

static int64_t awake_now(const struct fake_process *p)
{
    int64_t at_ns = fake_now_ns();

    return fake_awake_at(at_ns < p->end_ns ? at_ns : p->end_ns);
}

uint64_t fake_used(const struct fake_process *p, const struct curve *curve)
{
    return (uint64_t)curve_at(curve, fake_awake_at(p->start_ns), awake_now(p));
}

/* --- proc_pid_rusage --- */

/* The first program with that path: who becomes it again has the same uuid. */
static uint8_t program_number(const struct fake_process *p)
{
    const char *path = fake_program(p)->path;
    uint8_t number = 0;

    while (&p->programs[number] != fake_program(p) &&
           (path == NULL || p->programs[number].path == NULL ||
            strcmp(path, p->programs[number].path) != 0))
        number++;
    return number;
}

static void fill_usage(const struct fake_process *p, struct rusage_info_v6 *usage)
{
    memset(usage, 0, sizeof *usage);
    memcpy(usage->ri_uuid, &p->unique_id, sizeof p->unique_id);
    usage->ri_uuid[15] = (uint8_t)(1 + program_number(p));
    usage->ri_user_time = fake_mach_ticks((int64_t)fake_used(p, &p->cpu_user));
    usage->ri_system_time = fake_mach_ticks((int64_t)fake_used(p, &p->cpu_system));
    usage->ri_interrupt_wkups = fake_used(p, &p->wakeups);
    usage->ri_pageins = fake_used(p, &p->pageins);
    usage->ri_resident_size = fake_used(p, &p->resident);
    usage->ri_phys_footprint = fake_used(p, &p->footprint);
    /* No two processes begin at the same tick of the Mach clock. */
    usage->ri_proc_start_abstime = fake_mach_at(p->start_ns) + (p->unique_id & 0xff);
    if (fake_is_zombie(p, fake_now_ns()))
        usage->ri_proc_exit_abstime = fake_mach_at(p->end_ns);
    usage->ri_diskio_bytesread = fake_used(p, &p->disk_read);
    usage->ri_diskio_byteswritten = fake_used(p, &p->disk_written);
    usage->ri_instructions = fake_used(p, &p->instructions);
    usage->ri_cycles = fake_used(p, &p->cycles);
    usage->ri_energy_nj = fake_used(p, &p->energy);
}

static size_t usage_size(int flavor)
{
    static const size_t sizes[] = { 96, 144, 160, 232, 296, 304, 464 };

    return sizes[flavor];
}

int proc_pid_rusage(int pid, int flavor, rusage_info_t *buffer)
{
    const struct fake_process *p = fake_find(pid);
    struct rusage_info_v6 usage;

    fake_count(CALL_RUSAGE);
    if (flavor < 0 || flavor > fake->rusage_version || flavor > RUSAGE_INFO_V6)
        return fail(EINVAL, -1);
    if (p == NULL)
        return fail(ESRCH, -1);
    if (!fake_may_read(p))
        return fail(EPERM, -1);
    if (span_has(&fake->usage_fails, fake_now_ns()) && p != &fake->processes[fake->self])
        return fail(EIO, -1);
    fill_usage(p, &usage);
    memcpy(buffer, &usage, usage_size(flavor));
    return 0;
}

/* --- proc_pidpath --- */

int proc_pidpath(int pid, void *buffer, uint32_t buffersize)
{
    const struct fake_process *p = fake_find(pid);
    const char *path;
    size_t size;

    fake_count(CALL_PIDPATH);
    if (buffersize < PATH_LEAST)
        return fail(ENOMEM, 0);
    if (buffersize > PATH_MOST)
        return fail(EOVERFLOW, 0);
    if (p == NULL || fake_is_zombie(p, fake_now_ns()) || fake_program(p)->path == NULL)
        return fail(ESRCH, 0);
    if (p->path_gone)
        return fail(ENOENT, 0);
    path = fake_program(p)->path;
    size = strlen(path);
    if (size >= buffersize)
        return fail(ENOMEM, 0);
    memcpy(buffer, path, size + 1);
    return (int)size;
}
