/*
 * libproc, with its rules: who may ask, what a zombie still answers, which sizes are refused, and
 * that proc_pid_rusage fails by -1 while all others do by 0.
 */
#include "tests/darwin/fake_kernel.h"

#include <errno.h>
#include <libproc.h>
#include <string.h>

enum { UNIQUE_IDENTIFIER = 17, UNIQUE_SIZE = 56, PATH_LEAST = 1024, PATH_MOST = 4096 };

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

static uint64_t used(const struct fake_process *p, const struct curve *curve)
{
    return (uint64_t)curve_at(curve, fake_awake_at(p->start_ns), awake_now(p));
}

/* --- proc_pid_rusage --- */

static void fill_usage(const struct fake_process *p, struct rusage_info_v6 *usage)
{
    memset(usage, 0, sizeof *usage);
    memcpy(usage->ri_uuid, &p->unique_id, sizeof p->unique_id);
    usage->ri_uuid[15] = (uint8_t)(1 + (fake_program(p) - p->programs));
    usage->ri_user_time = fake_mach_ticks((int64_t)used(p, &p->cpu_user));
    usage->ri_system_time = fake_mach_ticks((int64_t)used(p, &p->cpu_system));
    usage->ri_interrupt_wkups = used(p, &p->wakeups);
    usage->ri_pageins = used(p, &p->pageins);
    usage->ri_resident_size = used(p, &p->resident);
    usage->ri_phys_footprint = used(p, &p->footprint);
    /* No two processes begin at the same tick of the Mach clock. */
    usage->ri_proc_start_abstime = fake_mach_at(p->start_ns) + (p->unique_id & 0xff);
    if (fake_is_zombie(p, fake_now_ns()))
        usage->ri_proc_exit_abstime = fake_mach_at(p->end_ns);
    usage->ri_diskio_bytesread = used(p, &p->disk_read);
    usage->ri_diskio_byteswritten = used(p, &p->disk_written);
    usage->ri_instructions = used(p, &p->instructions);
    usage->ri_cycles = used(p, &p->cycles);
    usage->ri_energy_nj = used(p, &p->energy);
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

/* --- proc_pidinfo --- */

static void fill_unique(const struct fake_process *p, uint8_t *buffer)
{
    memset(buffer, 0, UNIQUE_SIZE);
    memcpy(buffer + 16, &p->unique_id, sizeof p->unique_id);
}

static void fill_task(const struct fake_process *p, struct proc_taskinfo *task)
{
    uint64_t faults = used(p, &p->faults), pageins = used(p, &p->pageins);

    memset(task, 0, sizeof *task);
    task->pti_virtual_size = UINT64_C(400) << 30; /* as large as they are on Apple Silicon */
    task->pti_resident_size = used(p, &p->resident);
    task->pti_total_user = fake_mach_ticks((int64_t)used(p, &p->cpu_user));
    task->pti_total_system = fake_mach_ticks((int64_t)used(p, &p->cpu_system));
    task->pti_faults = faults > INT32_MAX ? INT32_MAX : (int32_t)faults;
    task->pti_pageins = pageins > INT32_MAX ? INT32_MAX : (int32_t)pageins;
    task->pti_threadnum = p->threads;
    task->pti_numrunning = p->cpu_user.count > 0;
}

static void fill_bsd(const struct fake_process *p, struct proc_bsdinfo *info)
{
    memset(info, 0, sizeof *info);
    info->pbi_pid = (uint32_t)p->pid;
    info->pbi_ppid = (uint32_t)p->ppid;
    info->pbi_uid = p->uid;
    info->pbi_xstatus = (uint32_t)p->status;
}

static void fill_directories(const struct fake_process *p, struct proc_vnodepathinfo *paths)
{
    memset(paths, 0, sizeof *paths);
    (void)snprintf(paths->pvi_cdir.vip_path, sizeof paths->pvi_cdir.vip_path, "%s",
                   fake_program(p)->cwd);
}

int proc_pidinfo(int pid, int flavor, uint64_t arg, void *buffer, int buffersize)
{
    const struct fake_process *p = fake_find(pid);
    bool anybody = flavor == UNIQUE_IDENTIFIER;
    bool zombies = arg != 0 && (anybody || flavor == PROC_PIDTBSDINFO);
    int size = flavor == UNIQUE_IDENTIFIER       ? UNIQUE_SIZE
               : flavor == PROC_PIDTASKINFO      ? (int)sizeof(struct proc_taskinfo)
               : flavor == PROC_PIDTBSDINFO      ? (int)sizeof(struct proc_bsdinfo)
               : flavor == PROC_PIDVNODEPATHINFO ? (int)sizeof(struct proc_vnodepathinfo)
                                                 : 0;

    fake_count(CALL_PIDINFO);
    if (size == 0 && flavor != PROC_PIDLISTFDS)
        return fail(EINVAL, 0);
    if (buffersize < size)
        return fail(ENOMEM, 0);
    if (p == NULL || (fake_is_zombie(p, fake_now_ns()) && !zombies))
        return fail(ESRCH, 0);
    if (!anybody && !fake_may_read(p))
        return fail(EPERM, 0);
    if (flavor == PROC_PIDLISTFDS)
        return fake_list_files(p, buffer, buffersize);
    if (flavor == PROC_PIDTASKINFO && span_has(&fake->task_fails, fake_now_ns()))
        return fail(EIO, 0);
    if (flavor == UNIQUE_IDENTIFIER)
        fill_unique(p, buffer);
    else if (flavor == PROC_PIDTASKINFO)
        fill_task(p, buffer);
    else if (flavor == PROC_PIDTBSDINFO)
        fill_bsd(p, buffer);
    else
        fill_directories(p, buffer);
    return size;
}

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
