/*
 * Source: linux/taskstats.h, version 12 or later (ac_tgid and the flag of a group's last thread).
 *
 * One message per thread that exits. The last of a process carries AGROUP, and when the process
 * ever had other threads also the sum of the CPU time of all of them, exited before we listened
 * included.
 */
#include "recorder/collectors/exits_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/taskstats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/collectors/process_table.h"

enum {
    RECEIVE_BYTES = 8 * 1024 * 1024, /* about 13000 reports between two ticks */
    MESSAGE_SIZE = 8192,
    NEEDED_VERSION = 12,
    LAST_OF_GROUP = 0x20,   /* AGROUP of linux/acct.h, which older headers lack */
    THREAD_SUMS_MAX = 4096, /* processes that wait for their last thread */
};

/* Inode numbers of the initial namespaces: include/linux/proc_ns.h of the kernel. */
static const ino_t initial_pid_namespace = 0xEFFFFFFC;
static const ino_t initial_user_namespace = 0xEFFFFFFD;

/* NLA_HDRLEN and NLA_ALIGN, without their signed arithmetic. */
static const size_t attribute_header = 4;

static size_t attribute_padded(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

struct thread_sums {
    struct exit_totals totals;
    bool has_leader; /* the first thread left before the last one */
    int32_t leader_code;
    char leader_comm[16];
};

struct exits {
    int fd;
    uint16_t family;
    char cpus[256];
    struct process_table sums_of; /* process id to index in `sums` */
    struct thread_sums sums[THREAD_SUMS_MAX];
};

/* One message, still of one thread. */
struct thread_exit {
    bool has_thread, has_group;
    struct taskstats thread, group;
};

static bool send_command(const struct exits *exits, uint16_t type, uint8_t command,
                         uint16_t attribute, const void *data, size_t size)
{
    struct {
        struct nlmsghdr header;
        struct genlmsghdr generic;
        char attributes[320];
    } message = { 0 };
    struct nlattr attr = { (uint16_t)(attribute_header + size), attribute };

    if (size > sizeof message.attributes - attribute_header)
        return false;
    message.header.nlmsg_type = type;
    message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    message.generic.cmd = command;
    message.generic.version = 1;
    memcpy(message.attributes, &attr, sizeof attr);
    memcpy(message.attributes + attribute_header, data, size);
    message.header.nlmsg_len =
        (uint32_t)(NLMSG_LENGTH(GENL_HDRLEN) + attribute_padded(attr.nla_len));
    return send(exits->fd, &message, message.header.nlmsg_len, 0) ==
           (ssize_t)message.header.nlmsg_len;
}

/* The next attribute in [*at, end): its type, or -1 when there is none. */
static int next_attribute(const char **at, const char *end, const char **data, size_t *size)
{
    struct nlattr attr;

    if (end - *at < (ptrdiff_t)sizeof attr)
        return -1;
    memcpy(&attr, *at, sizeof attr);
    if (attr.nla_len < attribute_header || attr.nla_len > end - *at)
        return -1;
    *data = *at + attribute_header;
    *size = attr.nla_len - attribute_header;
    size_t step = attribute_padded(attr.nla_len);
    *at = step > (size_t)(end - *at) ? end : *at + step;
    return attr.nla_type & NLA_TYPE_MASK;
}

static bool find_stats(const char *at, const char *end, struct taskstats *stats)
{
    const char *data;
    size_t size;
    int type;

    while ((type = next_attribute(&at, end, &data, &size)) >= 0) {
        if (type != TASKSTATS_TYPE_STATS)
            continue;
        memset(stats, 0, sizeof *stats); /* an older kernel's is shorter, a newer one's longer */
        memcpy(stats, data, size < sizeof *stats ? size : sizeof *stats);
        return true;
    }
    return false;
}

static void parse_message(const char *at, const char *end, struct thread_exit *found)
{
    const char *data;
    size_t size;
    int type;

    found->has_thread = found->has_group = false;
    while ((type = next_attribute(&at, end, &data, &size)) >= 0) {
        if (type == TASKSTATS_TYPE_AGGR_PID)
            found->has_thread = find_stats(data, data + size, &found->thread);
        else if (type == TASKSTATS_TYPE_AGGR_TGID)
            found->has_group = find_stats(data, data + size, &found->group);
    }
}

static struct exit_totals totals_of(const struct taskstats *stats)
{
    return (struct exit_totals){
        .cpu_ns = stats->cpu_run_virtual_total,
        .run_delay_ns = stats->cpu_delay_total,
        .block_delay_ns = stats->blkio_delay_total,
        .minor_faults = stats->ac_minflt,
        .major_faults = stats->ac_majflt,
        .read_chars = stats->read_char,
        .written_chars = stats->write_char,
        .read_bytes = stats->read_bytes,
        .written_bytes = stats->write_bytes,
        .switches_voluntary = stats->nvcsw,
        .switches_involuntary = stats->nivcsw,
    };
}

static void add_totals(struct exit_totals *sum, const struct exit_totals *more)
{
    sum->cpu_ns += more->cpu_ns;
    sum->run_delay_ns += more->run_delay_ns;
    sum->block_delay_ns += more->block_delay_ns;
    sum->minor_faults += more->minor_faults;
    sum->major_faults += more->major_faults;
    sum->read_chars += more->read_chars;
    sum->written_chars += more->written_chars;
    sum->read_bytes += more->read_bytes;
    sum->written_bytes += more->written_bytes;
    sum->switches_voluntary += more->switches_voluntary;
    sum->switches_involuntary += more->switches_involuntary;
}

static void copy_comm(char comm[16], const struct taskstats *stats)
{
    memcpy(comm, stats->ac_comm, 15);
    comm[15] = '\0';
}

/* A thread left a process that goes on; when the table is full its sum is lost. */
static void add_thread(struct exits *exits, const struct taskstats *stats)
{
    int32_t pid = (int32_t)stats->ac_tgid;
    uint32_t at = process_table_find(&exits->sums_of, pid);
    struct exit_totals totals = totals_of(stats);

    if (at == SLOT_NONE) {
        if (exits->sums_of.used == THREAD_SUMS_MAX)
            return;
        process_table_tick(&exits->sums_of);
        at = process_table_add(&exits->sums_of, pid);
        if (at == SLOT_NONE || at >= THREAD_SUMS_MAX)
            return;
        exits->sums[at] = (struct thread_sums){ 0 };
    }
    struct thread_sums *sums = &exits->sums[at];
    add_totals(&sums->totals, &totals);
    if (stats->ac_pid == stats->ac_tgid) {
        sums->has_leader = true;
        sums->leader_code = (int32_t)stats->ac_exitcode;
        copy_comm(sums->leader_comm, stats);
    }
}

/* The last thread left: complete the record. */
static void finish(struct exits *exits, const struct thread_exit *last, struct exit_record *record)
{
    const struct taskstats *stats = &last->thread;
    uint32_t at = process_table_find(&exits->sums_of, (int32_t)stats->ac_tgid);

    *record = (struct exit_record){
        .pid = (int32_t)stats->ac_tgid,
        .ppid = (int32_t)stats->ac_ppid,
        .uid = stats->ac_uid,
        .code = (int32_t)stats->ac_exitcode,
        .threaded = last->has_group,
        .elapsed_us = (int64_t)stats->ac_tgetime,
        .begin_s = (int64_t)stats->ac_btime64 + (int64_t)(stats->ac_etime / 1000000) -
                   (int64_t)(stats->ac_tgetime / 1000000),
        .totals = totals_of(stats),
    };
    copy_comm(record->comm, stats);
    if (at != SLOT_NONE) {
        const struct thread_sums *sums = &exits->sums[at];

        add_totals(&record->totals, &sums->totals);
        record->threaded = true;
        if (sums->has_leader) {
            memcpy(record->comm, sums->leader_comm, sizeof record->comm);
            /* exit_group gives all threads one code; else the first thread's is the process's. */
            if (sums->leader_code != 0)
                record->code = sums->leader_code;
        }
        exits_forget(exits, record->pid);
    }
    if (last->has_group && last->group.cpu_run_virtual_total > record->totals.cpu_ns)
        record->totals.cpu_ns = last->group.cpu_run_virtual_total;
}

void exits_forget(struct exits *exits, int32_t pid)
{
    uint32_t at = process_table_find(&exits->sums_of, pid);

    if (at != SLOT_NONE)
        (void)process_table_remove(&exits->sums_of, pid, at);
}

int64_t exits_drain(struct exits *exits, exits_report *report, void *self)
{
    _Alignas(struct nlmsghdr) char buffer[MESSAGE_SIZE];
    struct thread_exit message;
    struct exit_record record;
    int64_t lost = 0;

    for (;;) {
        ssize_t got = recv(exits->fd, buffer, sizeof buffer, MSG_DONTWAIT);
        const struct nlmsghdr *header = (const void *)buffer;

        if (got < 0 && errno == ENOBUFS) {
            /* Sums whose last thread was lost would stay for ever; a group's CPU time is safe. */
            process_table_release(&exits->sums_of);
            lost++;
            continue;
        }
        if (got <= 0)
            return lost;
        if (got < (ssize_t)NLMSG_LENGTH(GENL_HDRLEN) || header->nlmsg_type != exits->family)
            continue;
        parse_message(buffer + NLMSG_LENGTH(GENL_HDRLEN), buffer + got, &message);
        if (!message.has_thread)
            continue;
        if (!(message.thread.ac_flag & LAST_OF_GROUP)) {
            add_thread(exits, &message.thread);
            continue;
        }
        finish(exits, &message, &record);
        report(self, &record);
    }
}

/* Wait for the kernel's answer to a command: 0, or a negative errno; with a reply in `buffer`. */
static int answer(const struct exits *exits, char *buffer, size_t size, size_t *reply_size)
{
    *reply_size = 0;
    for (;;) {
        char part[MESSAGE_SIZE];
        ssize_t got = recv(exits->fd, part, sizeof part, 0);
        struct nlmsghdr header;

        if (got < (ssize_t)sizeof header)
            return got < 0 ? -errno : -EIO;
        memcpy(&header, part, sizeof header);
        if (header.nlmsg_type == NLMSG_ERROR) {
            struct nlmsgerr end;

            if (got < (ssize_t)NLMSG_LENGTH(sizeof end))
                return -EIO;
            memcpy(&end, part + NLMSG_HDRLEN, sizeof end);
            return end.error;
        }
        if ((size_t)got <= size && got >= (ssize_t)NLMSG_LENGTH(GENL_HDRLEN)) {
            memcpy(buffer, part, (size_t)got);
            *reply_size = (size_t)got;
        }
    }
}

static int find_family(struct exits *exits)
{
    static const char name[] = TASKSTATS_GENL_NAME;
    char reply[MESSAGE_SIZE];
    const char *at = reply + NLMSG_LENGTH(GENL_HDRLEN), *data;
    size_t size, data_size;
    int type, failed;

    if (!send_command(exits, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, name,
                      sizeof name))
        return -errno;
    failed = answer(exits, reply, sizeof reply, &size);
    if (failed != 0 || size == 0)
        return failed != 0 ? failed : -ENOENT;
    while ((type = next_attribute(&at, reply + size, &data, &data_size)) >= 0) {
        if (type == CTRL_ATTR_FAMILY_ID && data_size >= sizeof exits->family) {
            memcpy(&exits->family, data, sizeof exits->family);
            return 0;
        }
    }
    return -ENOENT;
}

/* The version of the kernel's struct, learnt from a report on ourselves. */
static int find_version(const struct exits *exits, unsigned *version)
{
    uint32_t pid = (uint32_t)getpid();
    char reply[MESSAGE_SIZE];
    struct thread_exit message = { 0 };
    size_t size;
    int failed;

    if (!send_command(exits, exits->family, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_PID, &pid,
                      sizeof pid))
        return -errno;
    failed = answer(exits, reply, sizeof reply, &size);
    if (failed != 0)
        return failed;
    if (size > 0)
        parse_message(reply + NLMSG_LENGTH(GENL_HDRLEN), reply + size, &message);
    *version = message.has_thread ? message.thread.version : 0;
    return 0;
}

static int listen_to_all(struct exits *exits)
{
    int bytes = RECEIVE_BYTES;
    int fd = open("/sys/devices/system/cpu/possible", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, exits->cpus, sizeof exits->cpus - 1);
    char reply[64];
    size_t reply_size;

    if (fd >= 0)
        close(fd);
    if (size <= 0)
        return -ENOENT;
    exits->cpus[strcspn(exits->cpus, "\n")] = '\0';
    if (setsockopt(exits->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        (void)setsockopt(exits->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (!send_command(exits, exits->family, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_REGISTER_CPUMASK,
                      exits->cpus, strlen(exits->cpus) + 1))
        return -errno;
    return answer(exits, reply, sizeof reply, &reply_size);
}

/* Reports name pids of the initial namespace and go to the initial network only. */
static enum status check_namespaces(struct error *err)
{
    struct stat own, first;

    if (stat("/proc/self/ns/pid", &own) != 0)
        return error_set(err, STATUS_ABSENT, "no exit reports: no /proc/self/ns");
    if (own.st_ino != initial_pid_namespace)
        return error_set(err, STATUS_ABSENT, "no exit reports in a pid namespace");
    if (stat("/proc/self/ns/user", &own) == 0 && own.st_ino != initial_user_namespace)
        return error_set(err, STATUS_ABSENT, "no exit reports in a user namespace");
    if (stat("/proc/self/ns/net", &own) == 0 && stat("/proc/1/ns/net", &first) == 0 &&
        own.st_ino != first.st_ino)
        return error_set(err, STATUS_ABSENT, "no exit reports in a network namespace");
    return STATUS_OK;
}

static enum status begin(struct exits *exits, struct error *err)
{
    struct timeval patience = { .tv_sec = 1 }; /* the kernel answers at once, or never */
    unsigned version = 0;
    int failed;

    exits->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
    if (exits->fd < 0)
        return error_set(err, STATUS_ABSENT, "no exit reports: netlink: %s", strerror(errno));
    (void)setsockopt(exits->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    failed = find_family(exits);
    if (failed != 0)
        return error_set(err, STATUS_UNSUPPORTED, "no exit reports: kernel without taskstats");
    failed = find_version(exits, &version);
    if (failed == 0 && version < NEEDED_VERSION)
        return error_set(err, STATUS_UNSUPPORTED, "no exit reports: taskstats version %u, needs %d",
                         version, NEEDED_VERSION);
    if (failed == 0)
        failed = listen_to_all(exits);
    if (failed != 0)
        return error_set(err, STATUS_ABSENT, "no exit reports: %s", strerror(-failed));
    return STATUS_OK;
}

enum status exits_open(struct exits **opened, char *enable, size_t enable_size, struct error *err)
{
    struct exits *exits = calloc(1, sizeof *exits);
    enum status st;

    *opened = NULL;
    if (exits == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for exit reports");
    exits->fd = -1;
    st = check_namespaces(err);
    if (st == STATUS_OK)
        st = begin(exits, err);
    if (st == STATUS_OK) {
        *opened = exits;
        return STATUS_OK;
    }
    if (st == STATUS_ABSENT)
        snprintf(
            enable, enable_size,
            "run as root or with CAP_NET_ADMIN, in the initial pid, user and network namespace");
    exits_close(exits);
    return st;
}

void exits_close(struct exits *exits)
{
    if (exits == NULL)
        return;
    if (exits->fd >= 0) {
        if (exits->cpus[0] != '\0')
            (void)send_command(exits, exits->family, TASKSTATS_CMD_GET,
                               TASKSTATS_CMD_ATTR_DEREGISTER_CPUMASK, exits->cpus,
                               strlen(exits->cpus) + 1);
        close(exits->fd);
    }
    process_table_release(&exits->sums_of);
    free(exits);
}
