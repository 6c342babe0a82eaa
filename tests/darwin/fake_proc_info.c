/*
 * Lists of pids, and the flavors of proc_pidinfo with their rules: who may ask, what a zombie still
 * answers, which sizes are refused. 0 with errno is a failure, 0 without an empty answer.
 */
#include "tests/darwin/fake_kernel.h"

#include <errno.h>
#include <libproc.h>
#include <string.h>

enum {
    THREAD_INFO = 5,
    LIST_THREADS = 6,
    WORK_QUEUE = 12,
    THREAD_ID_INFO = 15,
    UNIQUE_IDENTIFIER = 17,
    WITH_UNIQUE = 18,
    ARCHITECTURE = 19,
    COALITION = 20,
    LIST_THREAD_IDS = 28,
    PLATFORM = 30,
    PATH_LEAST = 1024,
    LIST_SLOP = 20,
    PLATFORM_MACOS = 1,
    NO_DEVICE = -1,
    STATE_RUN = 2,
    ANSWER_MOST = 4096,
};

/* Sizes are those of the answers; 0: as many bytes as there are elements, of 8 each. */
static const struct rule {
    int flavor, size;
    bool anybody, zombies;
} rules[] = {
    { PROC_PIDLISTFDS, 0, false, false },
    { PROC_PIDTASKALLINFO, 232, false, false },
    { PROC_PIDTBSDINFO, sizeof(struct proc_bsdinfo), false, true },
    { PROC_PIDTASKINFO, sizeof(struct proc_taskinfo), false, false },
    { THREAD_INFO, 112, false, false },
    { LIST_THREADS, 0, false, false },
    { PROC_PIDVNODEPATHINFO, sizeof(struct proc_vnodepathinfo), false, false },
    { PROC_PIDPATHINFO, PATH_LEAST, true, false },
    { WORK_QUEUE, 16, false, false },
    { PROC_PIDT_SHORTBSDINFO, 64, true, true },
    { PROC_PIDLISTFILEPORTS, 0, false, false },
    { THREAD_ID_INFO, 112, false, false },
    { UNIQUE_IDENTIFIER, 56, true, true },
    { WITH_UNIQUE, 192, false, true },
    { ARCHITECTURE, 8, false, false },
    { COALITION, 40, true, false },
    { LIST_THREAD_IDS, 0, false, false },
    { PLATFORM, 4, true, true },
};

static int fail(int code)
{
    errno = code;
    return 0;
}

/* --- lists of pids --- */

static int32_t group_of(const struct fake_process *p)
{
    return p->group != 0 ? p->group : p->pid;
}

static bool matches(const struct fake_process *p, uint32_t type, uint32_t argument)
{
    switch (type) {
    case PROC_ALL_PIDS:
        return true;
    case PROC_PGRP_ONLY:
        return (uint32_t)group_of(p) == argument;
    case PROC_TTY_ONLY:
        return p->terminal != 0 && p->terminal == argument;
    case PROC_UID_ONLY:
        return p->uid == argument;
    case PROC_RUID_ONLY:
        return p->real_uid == argument;
    case PROC_PPID_ONLY:
        return (uint32_t)p->ppid == argument;
    default:
        return false; /* an unknown type is no error */
    }
}

static size_t count_processes(void)
{
    size_t count = 0;

    for (size_t i = 0; i < fake->process_count; i++)
        count += fake_exists(&fake->processes[i], fake_now_ns());
    return count;
}

/* The living before zombies, the youngest first; what does not fit is left out without a word. */
int proc_listpids(uint32_t type, uint32_t typeinfo, void *buffer, int buffersize)
{
    size_t all = count_processes(), count = 0, room;
    int32_t *pids = buffer;

    fake_count(CALL_LISTPIDS);
    if (buffer == NULL && span_has(&fake->pids_race, fake_now_ns())) /* they are born just after */
        all = 1;
    if (buffer == NULL)
        return (int)((all + LIST_SLOP) * sizeof *pids);
    if (buffersize < (int)sizeof *pids)
        return fail(ENOMEM);
    room = (size_t)buffersize / sizeof *pids;
    for (int zombies = 0; zombies < 2; zombies++)
        for (size_t i = fake->process_count; i-- > 0 && count < room;) {
            const struct fake_process *p = &fake->processes[i];

            if (fake_exists(p, fake_now_ns()) && matches(p, type, typeinfo) &&
                fake_is_zombie(p, fake_now_ns()) == (zombies == 1))
                pids[count++] = p->pid;
        }
    return (int)(count * sizeof *pids);
}

/* --- proc_pidinfo --- */

static void put(uint8_t *buffer, size_t at, const void *value, size_t size)
{
    memcpy(buffer + at, value, size);
}

static void put_narrow(uint8_t *buffer, size_t at, int64_t value)
{
    int32_t narrow = (int32_t)value;

    put(buffer, at, &narrow, sizeof narrow);
}

static void fill_unique(const struct fake_process *p, uint8_t *buffer)
{
    put(buffer, 16, &p->unique_id, sizeof p->unique_id);
    put_narrow(buffer, 32, (int64_t)p->unique_id * 16 + 1 + (fake_program(p) - p->programs));
}

static void fill_task(const struct fake_process *p, struct proc_taskinfo *task)
{
    uint64_t faults = fake_used(p, &p->faults), pageins = fake_used(p, &p->pageins);

    task->pti_virtual_size = UINT64_C(400) << 30; /* as large as they are on Apple Silicon */
    task->pti_resident_size = fake_used(p, &p->resident);
    task->pti_total_user = fake_mach_ticks((int64_t)fake_used(p, &p->cpu_user));
    task->pti_total_system = fake_mach_ticks((int64_t)fake_used(p, &p->cpu_system));
    task->pti_faults = faults > INT32_MAX ? INT32_MAX : (int32_t)faults;
    task->pti_pageins = pageins > INT32_MAX ? INT32_MAX : (int32_t)pageins;
    task->pti_threadnum = p->threads;
    task->pti_numrunning = p->cpu_user.count > 0;
}

static void fill_bsd(const struct fake_process *p, struct proc_bsdinfo *info)
{
    int64_t born_ns = fake_wall_at(p->start_ns);

    info->pbi_status = fake_is_zombie(p, fake_now_ns()) ? 5 : STATE_RUN;
    info->pbi_pid = (uint32_t)p->pid;
    info->pbi_ppid = (uint32_t)p->ppid;
    info->pbi_uid = p->uid;
    info->pbi_ruid = p->real_uid;
    info->pbi_xstatus = (uint32_t)p->status;
    (void)snprintf(info->pbi_comm, sizeof info->pbi_comm, "%.15s", fake_program(p)->comm);
    (void)snprintf(info->pbi_name, sizeof info->pbi_name, "%.31s", fake_program(p)->comm);
    info->pbi_pgid = (uint32_t)group_of(p);
    info->e_tdev = p->terminal != 0 ? p->terminal : (uint32_t)NO_DEVICE;
    info->pbi_nice = p->nice;
    info->pbi_start_tvsec = (uint64_t)(born_ns / 1000000000);
    info->pbi_start_tvusec = (uint64_t)(born_ns % 1000000000 / 1000);
}

static void fill_short(const struct fake_process *p, uint8_t *buffer)
{
    put_narrow(buffer, 0, p->pid);
    put_narrow(buffer, 4, p->ppid);
    put_narrow(buffer, 8, group_of(p));
    put_narrow(buffer, 12, fake_is_zombie(p, fake_now_ns()) ? 5 : STATE_RUN);
    (void)snprintf((char *)buffer + 16, 16, "%.15s", fake_program(p)->comm);
    put_narrow(buffer, 36, p->uid);
    put_narrow(buffer, 44, p->real_uid);
}

static uint64_t thread_of(const struct fake_process *p, int32_t index)
{
    return p->unique_id * 1000 + (uint64_t)index;
}

static int list_threads(const struct fake_process *p, uint64_t *to, int size)
{
    int32_t count = 0;

    while (count < p->threads && (size_t)count < (size_t)size / sizeof *to) {
        to[count] = thread_of(p, count);
        count++;
    }
    return (int)((size_t)count * sizeof *to);
}

static bool has_thread(const struct fake_process *p, uint64_t handle)
{
    return handle >= thread_of(p, 0) && handle < thread_of(p, p->threads);
}

static void fill(const struct fake_process *p, int flavor, uint8_t *buffer)
{
    switch (flavor) {
    case PROC_PIDTASKALLINFO:
        fill_bsd(p, (struct proc_bsdinfo *)buffer);
        fill_task(p, (struct proc_taskinfo *)(buffer + sizeof(struct proc_bsdinfo)));
        break;
    case PROC_PIDTBSDINFO:
        fill_bsd(p, (struct proc_bsdinfo *)buffer);
        break;
    case PROC_PIDTASKINFO:
        fill_task(p, (struct proc_taskinfo *)buffer);
        break;
    case PROC_PIDVNODEPATHINFO:
        (void)snprintf((char *)buffer + offsetof(struct proc_vnodepathinfo, pvi_cdir.vip_path),
                       PATH_LEAST, "%s", fake_program(p)->cwd);
        break;
    case PROC_PIDT_SHORTBSDINFO:
        fill_short(p, buffer);
        break;
    case UNIQUE_IDENTIFIER:
        fill_unique(p, buffer);
        break;
    case WITH_UNIQUE:
        fill_bsd(p, (struct proc_bsdinfo *)buffer);
        fill_unique(p, buffer + sizeof(struct proc_bsdinfo));
        break;
    case WORK_QUEUE:
        put_narrow(buffer, 0, p->threads);
        break;
    case ARCHITECTURE:
        put_narrow(buffer, 0, 0x0100000c);
        break;
    case COALITION:
        put(buffer, 0, &p->coalition, sizeof p->coalition);
        break;
    case PLATFORM:
        put_narrow(buffer, 0, PLATFORM_MACOS);
        break;
    default: /* threads: how long they ran is not part of a scenario */
        break;
    }
}

static int answer_path(const struct fake_process *p, char *buffer, int size)
{
    const char *path = fake_program(p)->path;

    if (size > PROC_PIDPATHINFO_MAXSIZE)
        return fail(EOVERFLOW);
    if (path == NULL)
        return fail(ESRCH);
    if (p->path_gone)
        return fail(ENOENT);
    (void)snprintf(buffer, (size_t)size, "%s", path);
    return 0; /* which is success: its size is not told */
}

static const struct rule *rule_of(int flavor)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].flavor == flavor)
            return &rules[i];
    return NULL;
}

int proc_pidinfo(int pid, int flavor, uint64_t arg, void *buffer, int buffersize)
{
    const struct fake_process *p = fake_find(pid);
    const struct rule *rule = rule_of(flavor);
    _Alignas(uint64_t) uint8_t answer[ANSWER_MOST] = { 0 };

    fake_count(CALL_PIDINFO);
    if (rule == NULL)
        return fail(EINVAL);
    if (buffersize < rule->size)
        return fail(ENOMEM);
    if (p == NULL || (fake_is_zombie(p, fake_now_ns()) && !(rule->zombies && arg != 0)))
        return fail(ESRCH);
    if (!rule->anybody && !fake_may_read(p))
        return fail(EPERM);
    if (flavor == PROC_PIDLISTFDS)
        return fake_list_files(p, buffer, buffersize);
    if (flavor == PROC_PIDLISTFILEPORTS)
        return fake_list_file_ports(p, buffer, buffersize);
    if (flavor == LIST_THREADS || flavor == LIST_THREAD_IDS)
        return list_threads(p, buffer, buffersize);
    if (flavor == PROC_PIDPATHINFO)
        return answer_path(p, buffer, buffersize);
    if ((flavor == THREAD_INFO || flavor == THREAD_ID_INFO) && !has_thread(p, arg))
        return fail(ESRCH);
    if (flavor == PROC_PIDTASKINFO && span_has(&fake->task_fails, fake_now_ns()))
        return fail(EIO);
    fill(p, flavor, answer);
    memcpy(buffer, answer, (size_t)rule->size);
    return rule->size;
}

/* --- coalitions --- */

/* Found by dlsym, as on a Mac. Whose it is is not asked. */
__attribute__((visibility("default"))) int coalition_info_resource_usage(uint64_t id, void *usage,
                                                                         size_t size);

int coalition_info_resource_usage(uint64_t id, void *usage, size_t size)
{
    const struct fake_coalition *one = NULL;
    uint64_t words[44] = { 0 };
    int64_t awake_ns = fake_awake_at(fake_now_ns());

    fake_count(CALL_COALITION);
    for (size_t i = 0; i < fake->coalition_count; i++)
        if (fake->coalitions[i].id == id)
            one = &fake->coalitions[i];
    if (fake->coalitions_refused || one == NULL) {
        errno = fake->coalitions_refused ? EPERM : ESRCH;
        return -1;
    }
    words[0] = (uint64_t)one->started;
    words[1] = (uint64_t)one->ended;
    words[3] = fake_mach_ticks(curve_at(&one->cpu, 0, awake_ns));
    words[6] = (uint64_t)curve_at(&one->read, 0, awake_ns);
    words[7] = (uint64_t)curve_at(&one->written, 0, awake_ns);
    words[40] = (uint64_t)curve_at(&one->footprint, 0, awake_ns);
    if (size > (size_t)fake->coalition_bytes)
        size = (size_t)fake->coalition_bytes;
    memcpy(usage, words, size < sizeof words ? size : sizeof words);
    return 0;
}
