/* sysctl: single facts, the table of processes, and the block with a program's arguments. */
#include "tests/darwin/fake_kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysctl.h>

#include <net/if_mib.h>

enum {
    LIST_SLOP = 5, /* KERN_PROCSLOP: what a question for the size adds */
    ARGUMENTS_MOST = 1048576 + 4,
    BLOCK_MOST = 1 << 16,
    STATE_RUN = 2,
};

const uint8_t *fake_arguments_at;
size_t fake_arguments_size;

static int fail(int code)
{
    errno = code;
    return -1;
}

static int answer(const void *data, size_t size, void *old, size_t *old_size)
{
    if (old == NULL) {
        *old_size = size;
        return 0;
    }
    if (*old_size < size)
        return fail(ENOMEM);
    memcpy(old, data, size);
    *old_size = size;
    return 0;
}

/* --- the table of processes --- */

static void fill_item(const struct fake_process *p, struct kinfo_proc *item)
{
    int64_t born_ns = fake_wall_at(p->start_ns);

    memset(item, 0, sizeof *item);
    item->kp_proc.p_starttime.tv_sec = (time_t)(born_ns / 1000000000);
    item->kp_proc.p_starttime.tv_usec = born_ns % 1000000000 / 1000;
    item->kp_proc.p_pid = p->pid;
    item->kp_proc.p_stat = fake_is_zombie(p, fake_now_ns()) ? SZOMB : STATE_RUN;
    item->kp_proc.p_nice = (char)p->nice;
    (void)snprintf(item->kp_proc.p_comm, sizeof item->kp_proc.p_comm, "%.16s",
                   fake_program(p)->comm);
    item->kp_eproc.e_ppid = p->ppid;
    item->kp_eproc.e_ucred.cr_uid = p->uid;
    item->kp_eproc.e_pcred.p_ruid = p->uid;
}

/* The living before zombies, the youngest first. */
static size_t list(struct kinfo_proc *items, size_t room)
{
    size_t count = 0;

    for (int zombies = 0; zombies < 2; zombies++) {
        for (size_t i = fake->process_count; i-- > 0;) {
            const struct fake_process *p = &fake->processes[i];

            if (!fake_exists(p, fake_now_ns()) ||
                fake_is_zombie(p, fake_now_ns()) != (zombies == 1))
                continue;
            if (count < room)
                fill_item(p, &items[count]);
            count++;
        }
    }
    return count;
}

/* Too small: as many elements as fit are there, and the size says 0. */
static int list_all(struct kinfo_proc *items, size_t *bytes)
{
    size_t room = items == NULL ? 0 : *bytes / sizeof *items;
    size_t count = list(items, room);

    if (items == NULL && span_has(&fake->list_races, fake_now_ns())) /* they are born just after */
        count = 1;
    *bytes = (items == NULL ? count + LIST_SLOP : count) * sizeof *items;
    if (items == NULL || count <= room)
        return 0;
    *bytes = 0;
    return fail(ENOMEM);
}

static int list_one(int32_t pid, struct kinfo_proc *item, size_t *bytes)
{
    const struct fake_process *p = fake_find(pid);

    if (item == NULL || *bytes < sizeof *item)
        return fail(ENOMEM);
    *bytes = p == NULL ? 0 : sizeof *item;
    if (p != NULL)
        fill_item(p, item);
    return 0;
}

/* --- arguments --- */

static size_t add(uint8_t *block, size_t at, const char *text)
{
    size_t size = strlen(text) + 1;

    if (at + size > BLOCK_MOST)
        abort();
    memcpy(block + at, text, size);
    return at + size;
}

static size_t build_block(const struct fake_process *p, uint8_t *block)
{
    const struct program *program = fake_program(p);
    size_t align = (size_t)p->odd.alignment, at;
    int32_t count = 0;

    memset(block, 0, BLOCK_MOST);
    while (program->args[count] != NULL)
        count++;
    if (p->odd.count >= 0)
        count = (int32_t)p->odd.count;
    memcpy(block, &count, sizeof count);
    at = add(block, sizeof count, program->path == NULL ? "" : program->path);
    at = sizeof count + (at - sizeof count + align - 1) / align * align;
    for (size_t i = 0; program->args[i] != NULL; i++)
        at = add(block, at, program->args[i]);
    if (p->odd.no_final_nul)
        return at - 1;
    for (size_t i = 0; program->environment[i] != NULL; i++)
        at = add(block, at, program->environment[i]);
    return at + 8; /* NULs, and where the vector of Apple would begin */
}

static int arguments(int32_t pid, uint8_t *old, size_t *size)
{
    const struct fake_process *p = fake_find(pid);
    uint8_t block[BLOCK_MOST];
    size_t used;

    if (old != NULL && (*size <= 4 || *size > ARGUMENTS_MOST))
        return fail(EINVAL);
    if (p == NULL || pid == 0 || p->no_arguments || fake_is_zombie(p, fake_now_ns()) ||
        !fake_may_read(p))
        return fail(EINVAL);
    used = build_block(p, block);
    if (old == NULL) {
        *size = (used + 3) / 4 * 4;
        return 0;
    }
    fake_arguments_at = old;
    fake_arguments_size = used <= *size ? used : *size;
    if (used <= *size) {
        memcpy(old, block, used);
        *size = used;
        return 0;
    }
    memcpy(old, block, sizeof(int32_t)); /* the count, and then the end of the block */
    memcpy(old + sizeof(int32_t), block + used - (*size - sizeof(int32_t)),
           *size - sizeof(int32_t));
    return 0;
}

/* --- interfaces --- */

static void fill_interface(const struct fake_interface *from, struct ifmibdata *to)
{
    int64_t awake_ns = fake_awake_at(fake_now_ns());
    struct ifmibdata item = { .ifmd_flags = from->flags };

    (void)snprintf(item.ifmd_name, sizeof item.ifmd_name, "%.15s", from->name);
    item.ifmd_data.ifi_baudrate = (uint64_t)from->speed;
    item.ifmd_data.ifi_ibytes = (uint64_t)curve_at(&from->received_bytes, 0, awake_ns);
    item.ifmd_data.ifi_obytes = (uint64_t)curve_at(&from->sent_bytes, 0, awake_ns);
    item.ifmd_data.ifi_ipackets = (uint64_t)curve_at(&from->received_packets, 0, awake_ns);
    item.ifmd_data.ifi_opackets = (uint64_t)curve_at(&from->sent_packets, 0, awake_ns);
    if (from->name[0] == '\0')
        memset(&item, 0, sizeof item);
    memcpy(to, &item, sizeof item);
}

/* Too small: a prefix, and its size. The question for the size is answered exactly. */
static int list_interfaces(struct ifmibdata *items, size_t *bytes)
{
    size_t room = items == NULL ? SIZE_MAX : *bytes / sizeof *items, count = 0, all = 0;

    for (size_t i = 0; i < fake->interface_count; i++) {
        if (!span_has(&fake->interfaces[i].there, fake_now_ns()))
            continue;
        if (all++ >= room)
            continue;
        if (items != NULL)
            fill_interface(&fake->interfaces[i], &items[count]);
        count++;
    }
    if (items == NULL && span_has(&fake->interfaces_race, fake_now_ns())) /* attached just after */
        count = 0;
    *bytes = count * sizeof *items;
    return all > room ? fail(ENOMEM) : 0;
}

int sysctl(int *name, unsigned name_count, void *old, size_t *old_size, void *fresh,
           size_t fresh_size)
{
    (void)fresh, (void)fresh_size;
    fake_count(CALL_SYSCTL);
    if (name_count == 3 && name[0] == CTL_KERN && name[1] == KERN_PROC && name[2] == KERN_PROC_ALL)
        return list_all(old, old_size);
    if (name_count == 4 && name[0] == CTL_KERN && name[1] == KERN_PROC && name[2] == KERN_PROC_PID)
        return list_one(name[3], old, old_size);
    if (name_count == 3 && name[0] == CTL_KERN && name[1] == KERN_PROCARGS2)
        return arguments(name[2], old, old_size);
    if (name_count == 6 && name[0] == CTL_NET && name[1] == PF_LINK && name[2] == NETLINK_GENERIC &&
        name[3] == IFMIB_IFALLDATA && name[4] == 0 && name[5] == IFDATA_GENERAL)
        return list_interfaces(old, old_size);
    return fail(ENOENT);
}

/* --- single facts --- */

static int answer_text(const char *text, void *old, size_t *old_size)
{
    return answer(text, strlen(text) + 1, old, old_size);
}

static int answer_wide(int64_t value, void *old, size_t *old_size)
{
    return answer(&value, sizeof value, old, old_size);
}

static int answer_narrow(int64_t value, void *old, size_t *old_size)
{
    int32_t narrow = (int32_t)value;

    return answer(&narrow, sizeof narrow, old, old_size);
}

static int level(const char *rest, void *old, size_t *old_size)
{
    char *end;
    size_t index = strtoul(rest, &end, 10);

    if (index >= fake->cluster_count)
        return fail(ENOENT);
    if (strcmp(end, ".name") == 0)
        return answer_text(fake->clusters[index].name, old, old_size);
    if (strcmp(end, ".logicalcpu") == 0)
        return answer_narrow(fake->clusters[index].cores, old, old_size);
    return fail(ENOENT);
}

static int swap(void *old, size_t *old_size)
{
    struct xsw_usage usage = { .xsu_total = (uint64_t)fake->swap_total,
                               .xsu_avail = (uint64_t)(fake->swap_total - fake->swap_used),
                               .xsu_used = (uint64_t)fake->swap_used,
                               .xsu_pagesize = (uint32_t)fake->page_bytes };

    return answer(&usage, sizeof usage, old, old_size);
}

/* Every part of a load average is kept in 1/2048. */
static int load(void *old, size_t *old_size)
{
    struct loadavg answered = { .fscale = 2048 };

    for (int i = 0; i < 3; i++)
        answered.ldavg[i] = (uint32_t)curve_at(&fake->load[i], 0, fake_awake_at(fake_now_ns()));
    return answer(&answered, sizeof answered, old, old_size);
}

int sysctlbyname(const char *name, void *old, size_t *old_size, void *fresh, size_t fresh_size)
{
    static const char levels[] = "hw.perflevel";
    const struct {
        const char *name, *text;
    } texts[] = {
        { "kern.bootsessionuuid", fake->boot_id },
        { "kern.hostname", fake->host },
        { "kern.ostype", "Darwin" },
        { "kern.osrelease", fake->release },
        { "hw.machine", fake->arch },
        { "hw.model", fake->model },
        { "machdep.cpu.brand_string", fake->brand },
    };

    (void)fresh, (void)fresh_size;
    fake_count(CALL_SYSCTL);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(name, texts[i].name) == 0)
            return answer_text(texts[i].text, old, old_size);
    if (strcmp(name, "hw.tbfrequency") == 0)
        return answer_wide(fake->tb_hz, old, old_size);
    if (strcmp(name, "hw.memsize") == 0)
        return answer_wide(fake->memory_bytes, old, old_size);
    if (strcmp(name, "hw.activecpu") == 0)
        return answer_narrow((int64_t)fake->core_count, old, old_size);
    if (strcmp(name, "hw.nperflevels") == 0 && fake->cluster_count > 0)
        return answer_narrow((int64_t)fake->cluster_count, old, old_size);
    if (strcmp(name, "vm.swapusage") == 0)
        return swap(old, old_size);
    if (strcmp(name, "vm.loadavg") == 0)
        return load(old, old_size);
    if (strcmp(name, "kern.memorystatus_vm_pressure_level") == 0)
        return answer_narrow(curve_at(&fake->pressure_level, 0, fake_awake_at(fake_now_ns())), old,
                             old_size);
    if (strncmp(name, levels, sizeof levels - 1) == 0)
        return level(name + sizeof levels - 1, old, old_size);
    return fail(ENOENT);
}
