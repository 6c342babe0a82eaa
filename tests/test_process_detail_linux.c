/* Details of processes, on a tree made up by the test and a directory of processes that it answers for. */
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/collectors/collectors_linux.h"
#include "recorder/collectors/process_detail_linux.h"
#include "recorder/collectors/procfs_linux.h"
#include "tests/support_root.h"

#define MIB INT64_C(1048576)

enum { SLOTS_MAX = 700, STATE_SLEEPING = 2 };

struct rig {
    struct test_root root;
    struct process_glance process[SLOTS_MAX]; /* pid 0: nobody */
    struct process_directory directory;
    struct clock clock;
    struct fake_clock fake;
    struct collect_context context;
    struct capability capability;
    void *state;
    struct tick tick;
};

static uint32_t fake_end(const void *self)
{
    (void)self;
    return SLOTS_MAX;
}

static bool fake_glance(const void *self, uint32_t slot, struct process_glance *glance)
{
    const struct rig *rig = self;

    *glance = rig->process[slot];
    return glance->pid != 0;
}

static bool fake_find(const void *self, int32_t pid, struct process_glance *glance)
{
    (void)self;
    (void)pid;
    (void)glance;
    return false;
}

static void put_process(struct rig *rig, uint32_t slot, int pid, int64_t resident_bytes)
{
    rig->process[slot] = (struct process_glance){ .slot = slot,
                                                  .pid = pid,
                                                  .start_ticks = 1000 + (uint64_t)pid,
                                                  .resident_bytes = resident_bytes,
                                                  .state = STATE_SLEEPING };
}

static void put_file(struct rig *rig, int pid, const char *name, const char *text)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    test_root_write(&rig->root, path, text);
}

static void put_pss(struct rig *rig, int pid, int kib)
{
    char text[200];

    snprintf(
        text, sizeof text,
        "55d0-7ffe ---p 00000000 00:00 0 [rollup]\nRss: 99 kB\nPss:    %d kB\nPss_Dirty: 1 kB\n",
        kib);
    put_file(rig, pid, "smaps_rollup", text);
}

/* A descriptor that leads to `target`. */
static void put_fd(struct rig *rig, int pid, int fd, const char *target)
{
    char path[200];

    put_file(rig, pid, "comm", "fake\n"); /* the directory of the process */
    snprintf(path, sizeof path, "%s/proc/%d/fd", rig->root.path, pid);
    (void)mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/proc/%d/fd/%d", rig->root.path, pid, fd);
    (void)unlink(path);
    assert_int_equal(symlink(target, path), 0);
}

/* --- the double of the kernel's lists --- */

struct fake_socket {
    uint32_t inode;
    uint8_t state;
    uint32_t receive_bytes, send_bytes;
};

static void put_bytes(FILE *file, uint16_t type, const void *body, size_t size)
{
    struct nlmsghdr header = { .nlmsg_len = (uint32_t)(sizeof header + size), .nlmsg_type = type };

    assert_int_equal(fwrite(&header, sizeof header, 1, file), 1);
    assert_int_equal(fwrite(body, 1, size, file), size);
}

static void put_dump(struct rig *rig, enum socket_dump dump, const struct fake_socket *sockets,
                     size_t count)
{
    char path[128];
    int32_t done = 0;
    FILE *file;

    test_root_write(&rig->root, "/sock_diag/here", "");
    snprintf(path, sizeof path, "%s/sock_diag/%s", rig->root.path, sock_diag_name(dump));
    file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < count; i++) {
        struct inet_diag_msg inet = { .idiag_family = dump == SOCKETS_TCP6 || dump == SOCKETS_UDP6
                                                          ? AF_INET6
                                                          : AF_INET,
                                      .idiag_state = sockets[i].state,
                                      .idiag_inode = sockets[i].inode,
                                      .idiag_rqueue = sockets[i].receive_bytes,
                                      .idiag_wqueue = sockets[i].send_bytes };
        struct unix_diag_msg local = { .udiag_family = AF_UNIX, .udiag_ino = sockets[i].inode };

        if (dump == SOCKETS_UNIX)
            put_bytes(file, SOCK_DIAG_BY_FAMILY, &local, sizeof local);
        else
            put_bytes(file, SOCK_DIAG_BY_FAMILY, &inet, sizeof inet);
    }
    put_bytes(file, NLMSG_DONE, &done, sizeof done);
    fclose(file);
}

static void put_no_sockets(struct rig *rig)
{
    for (unsigned d = 0; d < SOCKET_DUMP_COUNT; d++)
        put_dump(rig, (enum socket_dump)d, NULL, 0);
}

/* --- a collector --- */

static void rig_begin(struct rig *rig)
{
    *rig = (struct rig){ .fake = { .boot_ns = 5, .awake_ns = 5, .wall_ns = 1795183385000000000 } };
    test_root_open(&rig->root);
    test_root_write(&rig->root, "/proc/version", "");
    put_no_sockets(rig);
    rig->directory = (struct process_directory){ rig, fake_end, fake_glance, fake_find };
    rig->clock = fake_clock_interface(&rig->fake);
    rig->context = (struct collect_context){ .clock = &rig->clock,
                                             .root = rig->root.path,
                                             .interval_ns = 1000000000,
                                             .processes = &rig->directory };
    tick_init(&rig->tick);
    rig->tick.start_ns = rig->fake.wall_ns;
}

static void rig_open(struct rig *rig)
{
    struct error err = { 0 };

    if (process_detail_collector.open(&rig->state, &rig->context, &rig->capability, &err) !=
        STATUS_OK)
        fail_msg("%s", err.message);
}

static void rig_tick(struct rig *rig, bool due)
{
    struct error err = { 0 };
    int64_t start_ns = rig->tick.start_ns + 1000000000;

    tick_reset(&rig->tick);
    rig->tick.start_ns = start_ns;
    if (due)
        process_detail_collector.begin(rig->state, &rig->tick);
    if (process_detail_collector.collect(rig->state, &rig->tick, &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

/* Runs until one lists the sockets: on a machine that is too slow the budget may skip some. */
static void rig_run(struct rig *rig)
{
    int tries = 0;

    do {
        rig_tick(rig, true);
        assert_true(tries++ < 100);
    } while ((rig->tick.table[TABLE_PROCESS_DETAIL].column_mask >> DETAIL_SOCKETS & 1) == 0);
}

static void rig_end(struct rig *rig)
{
    process_detail_collector.close(rig->state);
    tick_release(&rig->tick);
    test_root_close(&rig->root);
}

static const struct tick_row *row_of(const struct rig *rig, uint32_t slot)
{
    const struct tick_table *table = &rig->tick.table[TABLE_PROCESS_DETAIL];

    for (size_t i = 0; i < table->row_count; i++)
        if (table->rows[i].slot == slot)
            return &table->rows[i];
    return NULL;
}

static enum missing missing(const struct rig *rig, uint32_t slot, enum process_detail_metric metric)
{
    const struct tick_table *table = &rig->tick.table[TABLE_PROCESS_DETAIL];
    const struct tick_row *row = row_of(rig, slot);

    assert_non_null(row);
    if ((row->flags & ROW_FIRST) == 0 && (table->column_mask >> metric & 1) == 0)
        return MISSING_NOT_SAMPLED;
    return (enum missing)table->missing[row->at * table->width + metric];
}

static int64_t value(const struct rig *rig, uint32_t slot, enum process_detail_metric metric)
{
    const struct tick_table *table = &rig->tick.table[TABLE_PROCESS_DETAIL];

    assert_int_equal(missing(rig, slot, metric), MISSING_NONE);
    return table->values[row_of(rig, slot)->at * table->width + metric];
}

static const struct tick_event *event_of(const struct rig *rig, const char *kind)
{
    for (size_t i = 0; i < rig->tick.event_count; i++) {
        const struct tick_event *event = &rig->tick.events[i];

        if (event->kind.size == strlen(kind) &&
            memcmp(tick_text_at(&rig->tick, event->kind), kind, strlen(kind)) == 0)
            return event;
    }
    return NULL;
}

static void assert_detail(const struct rig *rig, const struct tick_event *event, const char *text)
{
    assert_non_null(event);
    assert_int_equal(event->detail.size, strlen(text));
    assert_memory_equal(tick_text_at(&rig->tick, event->detail), text, strlen(text));
}

/* --- claims --- */

static void without_processes_there_is_nothing_to_tell_details_of(void **state)
{
    (void)state;
    struct rig rig;

    rig_begin(&rig);
    rig.directory.glance = NULL;
    rig_open(&rig);
    assert_int_equal(rig.capability.status, CAPABILITY_NOT_THERE);
    assert_string_equal(rig.capability.enable, "name process in --collectors, too");
    assert_null(rig.state);
    tick_release(&rig.tick);
    test_root_close(&rig.root);
}

static void memory_descriptors_and_sockets_are_told_by_kind_and_state(void **state)
{
    (void)state;
    static const struct fake_socket tcp4[] = {
        { 11, SOCKET_ESTABLISHED, 100, 7 },
        { 12, SOCKET_LISTENING, 3, 128 }, /* connections, not bytes */
        { 13, 8, 20, 0 },                 /* CLOSE_WAIT */
    };
    static const struct fake_socket tcp6[] = { { 14, SOCKET_ESTABLISHED, 1, 1 } };
    static const struct fake_socket udp4[] = { { 15, 7, 55, 55 } };
    static const struct fake_socket local[] = { { 16, 1, 0, 0 }, { 17, 1, 0, 0 } };
    static const char *const targets[] = { "/dev/null",   "socket:[11]", "socket:[12]",
                                           "socket:[13]", "socket:[14]", "socket:[15]",
                                           "socket:[16]", "socket:[17]", "socket:[17]",
                                           "socket:[99]", "pipe:[11]",   "anon_inode:[eventpoll]" };
    static const struct {
        enum process_detail_metric metric;
        int64_t value;
    } expected[] = {
        { DETAIL_PSS_BYTES, 5120 * 1024 },
        { DETAIL_OPEN_FDS, COUNT_OF(targets) },
        { DETAIL_SOCKETS, 8 }, /* 17 twice; 99 is of a kind that is not listed */
        { DETAIL_TCP_ESTABLISHED, 2 },
        { DETAIL_TCP_LISTENING, 1 },
        { DETAIL_TCP_OTHER, 1 },
        { DETAIL_UDP, 1 },
        { DETAIL_UNIX, 2 },
        { DETAIL_TCP_RECEIVE_QUEUE_BYTES, 121 },
        { DETAIL_TCP_SEND_QUEUE_BYTES, 8 },
    };
    struct rig rig;

    rig_begin(&rig);
    put_process(&rig, 3, 300, 8 * MIB);
    put_pss(&rig, 300, 5120);
    for (size_t i = 0; i < COUNT_OF(targets); i++)
        put_fd(&rig, 300, (int)i, targets[i]);
    put_dump(&rig, SOCKETS_TCP4, tcp4, COUNT_OF(tcp4));
    put_dump(&rig, SOCKETS_TCP6, tcp6, COUNT_OF(tcp6));
    put_dump(&rig, SOCKETS_UDP4, udp4, COUNT_OF(udp4));
    put_dump(&rig, SOCKETS_UNIX, local, COUNT_OF(local));
    rig_open(&rig);
    assert_int_equal(rig.capability.status, CAPABILITY_OK);
    rig_tick(&rig, true);
    assert_int_equal(rig.tick.table[TABLE_PROCESS_DETAIL].row_count, 1);
    assert_int_equal(row_of(&rig, 3)->flags, ROW_FIRST);
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_int_equal(value(&rig, 3, expected[i].metric), expected[i].value);
    rig_end(&rig);
}

static void a_table_is_not_sampled_between_runs(void **state)
{
    (void)state;
    struct rig rig;

    rig_begin(&rig);
    put_process(&rig, 0, 300, 8 * MIB);
    put_pss(&rig, 300, 10);
    rig_open(&rig);
    rig_tick(&rig, true);
    assert_true(rig.tick.table[TABLE_PROCESS_DETAIL].sampled);
    rig_tick(&rig, false);
    assert_false(rig.tick.table[TABLE_PROCESS_DETAIL].sampled);
    assert_int_equal(rig.tick.table[TABLE_PROCESS_DETAIL].row_count, 0);
    rig_tick(&rig, true);
    assert_true(rig.tick.table[TABLE_PROCESS_DETAIL].sampled);
    assert_int_equal(row_of(&rig, 0)->flags, 0);
    rig_end(&rig);
}

static void a_socket_that_closes_is_gone_and_one_that_opens_finds_its_owner(void **state)
{
    (void)state;
    static const struct fake_socket before[] = { { 21, SOCKET_ESTABLISHED, 0, 0 } };
    static const struct fake_socket after[] = { { 22, SOCKET_LISTENING, 0, 0 } };
    struct rig rig;

    rig_begin(&rig);
    put_process(&rig, 0, 300, 0);
    put_process(&rig, 1, 301, 0);
    put_fd(&rig, 300, 0, "socket:[21]");
    put_fd(&rig, 301, 0, "/dev/null");
    put_dump(&rig, SOCKETS_TCP4, before, 1);
    rig_open(&rig);
    rig_run(&rig);
    assert_int_equal(value(&rig, 0, DETAIL_TCP_ESTABLISHED), 1);
    assert_null(row_of(&rig, 1)); /* nothing to tell of */

    /* As many descriptors as before: only the new inode tells that something changed. */
    put_dump(&rig, SOCKETS_TCP4, after, 1);
    put_fd(&rig, 300, 0, "/dev/null");
    put_fd(&rig, 301, 0, "socket:[22]");
    rig_run(&rig);
    assert_int_equal(value(&rig, 0, DETAIL_TCP_ESTABLISHED), 0); /* it keeps its row */
    assert_int_equal(value(&rig, 0, DETAIL_SOCKETS), 0);
    assert_int_equal(value(&rig, 1, DETAIL_TCP_LISTENING), 1);
    assert_int_equal(row_of(&rig, 1)->flags, ROW_FIRST);
    rig_end(&rig);
}

static void a_socket_that_two_processes_have_counts_for_both(void **state)
{
    (void)state;
    static const struct fake_socket sockets[] = { { 31, SOCKET_LISTENING, 0, 0 } };
    struct rig rig;

    rig_begin(&rig);
    put_process(&rig, 0, 300, 0);
    put_fd(&rig, 300, 0, "socket:[31]");
    put_dump(&rig, SOCKETS_TCP6, sockets, 1);
    rig_open(&rig);
    rig_run(&rig);
    put_process(&rig, 1, 301, 0); /* a child, which inherits it: no inode is new */
    put_fd(&rig, 301, 0, "socket:[31]");
    rig_run(&rig);
    assert_int_equal(value(&rig, 0, DETAIL_TCP_LISTENING), 1);
    assert_int_equal(value(&rig, 1, DETAIL_TCP_LISTENING), 1);

    put_fd(&rig, 301, 1, "/dev/null"); /* it closes its own, and opens two others */
    put_fd(&rig, 301, 0, "/dev/null");
    rig_run(&rig);
    assert_int_equal(value(&rig, 0, DETAIL_TCP_LISTENING), 1);
    assert_int_equal(value(&rig, 1, DETAIL_TCP_LISTENING), 0);
    rig_end(&rig);
}

static void what_cannot_be_read_is_missing_with_its_reason(void **state)
{
    (void)state;
    char path[128];
    struct rig rig;

    rig_begin(&rig);
    put_process(&rig, 0, 300, 8 * MIB); /* no smaps_rollup, no fd */
    put_process(&rig, 1, 301, 8 * MIB);
    put_file(&rig, 301, "smaps_rollup", "Rss: 5 kB\nPss: 12"); /* cut */
    put_process(&rig, 2, 302, 8 * MIB);
    put_file(&rig, 302, "smaps_rollup", "Rss: 5 kB\n");
    put_fd(&rig, 302, 0, "socket:[1]");
    snprintf(path, sizeof path, "%s/sock_diag/unix", rig.root.path);
    assert_int_equal(unlink(path), 0); /* the kernel lists no such sockets */
    test_root_write(&rig.root, "/sock_diag/udp6", "x");
    rig_open(&rig);
    rig_tick(&rig, true);
    assert_int_equal(missing(&rig, 0, DETAIL_PSS_BYTES), MISSING_NOT_THERE);
    assert_int_equal(missing(&rig, 0, DETAIL_OPEN_FDS), MISSING_NOT_THERE);
    assert_int_equal(missing(&rig, 0, DETAIL_SOCKETS), MISSING_NOT_THERE);
    assert_int_equal(missing(&rig, 0, DETAIL_TCP_OTHER), MISSING_NOT_THERE);
    assert_int_equal(missing(&rig, 1, DETAIL_PSS_BYTES), MISSING_FAILED);
    assert_int_equal(missing(&rig, 2, DETAIL_PSS_BYTES), MISSING_NOT_THERE);
    assert_int_equal(missing(&rig, 2, DETAIL_UNIX), MISSING_UNSUPPORTED);
    assert_int_equal(missing(&rig, 2, DETAIL_UDP), MISSING_FAILED);
    assert_int_equal(value(&rig, 2, DETAIL_SOCKETS), 1);
    assert_int_equal(value(&rig, 2, DETAIL_TCP_ESTABLISHED), 0);
    rig_end(&rig);
}

static void others_descriptors_are_not_permitted_and_not_zero(void **state)
{
    (void)state;
    char path[128];
    struct rig rig;

    if (geteuid() == 0) {
        print_message("SKIP: root may read everything\n");
        skip();
    }
    rig_begin(&rig);
    put_process(&rig, 0, 300, 8 * MIB);
    put_pss(&rig, 300, 10);
    put_fd(&rig, 300, 0, "socket:[1]");
    snprintf(path, sizeof path, "%s/proc/300/fd", rig.root.path);
    assert_int_equal(chmod(path, 0), 0);
    snprintf(path, sizeof path, "%s/proc/300/smaps_rollup", rig.root.path);
    assert_int_equal(chmod(path, 0), 0);
    rig_open(&rig);
    rig_tick(&rig, true);
    assert_int_equal(missing(&rig, 0, DETAIL_PSS_BYTES), MISSING_NOT_PERMITTED);
    assert_int_equal(missing(&rig, 0, DETAIL_OPEN_FDS), MISSING_NOT_PERMITTED);
    assert_int_equal(missing(&rig, 0, DETAIL_SOCKETS), MISSING_NOT_PERMITTED);
    snprintf(path, sizeof path, "%s/proc/300/fd", rig.root.path);
    assert_int_equal(chmod(path, 0700), 0);
    rig_end(&rig);
}

/* The first run has a credit of 50 ms, which is 2.8 GB at 70 ns a page: the others are read later. */
static void pss_is_read_in_turns_and_not_sampled_in_between(void **state)
{
    (void)state;
    enum { PROCESSES = 6 };
    unsigned read[PROCESSES] = { 0 }, runs;
    struct rig rig;

    rig_begin(&rig);
    for (uint32_t i = 0; i < PROCESSES; i++) {
        put_process(&rig, i, 300 + (int)i, (2000 - (int64_t)i) * MIB);
        put_pss(&rig, 300 + (int)i, 1000 + (int)i);
    }
    rig_open(&rig);
    rig_tick(&rig, true);
    assert_int_equal(value(&rig, 0, DETAIL_PSS_BYTES), 1000 * 1024); /* the largest comes first */
    assert_int_equal(missing(&rig, PROCESSES - 1, DETAIL_PSS_BYTES), MISSING_NOT_SAMPLED);
    for (runs = 0; runs < 200 && read[PROCESSES - 1] == 0; runs++) {
        rig_tick(&rig, true);
        for (uint32_t i = 0; i < PROCESSES; i++)
            read[i] += missing(&rig, i, DETAIL_PSS_BYTES) == MISSING_NONE;
    }
    assert_int_equal(read[PROCESSES - 1], 1);
    for (uint32_t i = 2; i < PROCESSES; i++)
        assert_true(read[i] >= 1);
    rig_end(&rig);
}

static void a_process_too_large_for_any_budget_is_not_read(void **state)
{
    (void)state;
    struct rig rig;

    rig_begin(&rig);
    put_process(&rig, 0, 300, 40000 * MIB);
    put_pss(&rig, 300, 10);
    put_process(&rig, 1, 301, 4 * MIB);
    put_pss(&rig, 301, 10);
    rig_open(&rig);
    rig_tick(&rig, true);
    assert_int_equal(missing(&rig, 0, DETAIL_PSS_BYTES), MISSING_NOT_SAMPLED);
    assert_int_equal(value(&rig, 1, DETAIL_PSS_BYTES), 10240);
    rig_end(&rig);
}

static void a_slot_that_is_another_process_now_gets_a_series_of_its_own(void **state)
{
    (void)state;
    struct rig rig;

    rig_begin(&rig);
    put_process(&rig, 0, 300, 8 * MIB);
    put_pss(&rig, 300, 10);
    put_process(&rig, 1, 301, 8 * MIB);
    put_pss(&rig, 301, 11);
    rig_open(&rig);
    rig_tick(&rig, true);
    rig.process[0].pid = 0;
    rig_tick(&rig, true);
    assert_null(row_of(&rig, 0));
    assert_int_equal(row_of(&rig, 1)->flags, 0);
    put_process(&rig, 0, 300, 8 * MIB);
    rig.process[0].start_ticks = 777; /* the same pid, another process */
    put_pss(&rig, 300, 20);
    rig_tick(&rig, true);
    assert_int_equal(row_of(&rig, 0)->flags, ROW_FIRST);
    assert_int_equal(value(&rig, 0, DETAIL_PSS_BYTES), 20480);
    rig_end(&rig);
}

static void rows_are_bounded_and_the_largest_and_those_with_sockets_have_them(void **state)
{
    (void)state;
    char socket[32];
    struct rig rig;

    rig_begin(&rig);
    for (uint32_t i = 0; i < 600; i++) { /* with many of a kind that no dump lists */
        put_process(&rig, i, 1000 + (int)i, 0);
        snprintf(socket, sizeof socket, "socket:[%u]", 5000 + i);
        put_fd(&rig, 1000 + (int)i, 0, socket);
    }
    put_process(&rig, 650, 2000, 8 * MIB);
    put_pss(&rig, 2000, 10);
    rig_open(&rig);
    for (int run = 0; run < 200 && rig.tick.table[TABLE_PROCESS_DETAIL].row_count < DETAIL_ROWS_MAX;
         run++)
        rig_tick(&rig, true);
    rig_tick(&rig, true);
    assert_int_equal(rig.tick.table[TABLE_PROCESS_DETAIL].row_count, DETAIL_ROWS_MAX);
    assert_int_equal(value(&rig, 650, DETAIL_PSS_BYTES), 10240);
    assert_int_equal(row_of(&rig, 650)->flags, 0);
    rig_end(&rig);
}

static void kernel_threads_have_no_rows(void **state)
{
    (void)state;
    struct rig rig;

    rig_begin(&rig);
    put_process(&rig, 0, 300, 8 * MIB);
    rig.process[0].kernel_thread = true;
    rig_open(&rig);
    rig_tick(&rig, true);
    assert_int_equal(rig.tick.table[TABLE_PROCESS_DETAIL].row_count, 0);
    rig_end(&rig);
}

static void a_process_blocked_twice_is_told_of_once_and_when_it_is_over(void **state)
{
    (void)state;
    const struct tick_event *event;
    int64_t since_ns;
    struct rig rig;

    rig_begin(&rig);
    put_process(&rig, 4, 300, 0);
    put_file(&rig, 300, "comm", "evil\x1b[31m\n");
    put_file(&rig, 300, "wchan", "nfs_wait_bit");
    put_file(&rig, 300, "stack",
             "[<0>] nfs_wait_bit+0x1/0x2\n[<0>] \x1b[2J+0x1\n[<0>] __x64_sys_read+0x3/0x4\n");
    rig.process[4].state = procfs_state_label('D');
    rig_open(&rig);
    rig_tick(&rig, true);
    since_ns = rig.tick.start_ns;
    assert_int_equal(rig.tick.event_count, 0); /* once is nothing */
    rig_tick(&rig, false);
    event = event_of(&rig, "blocked");
    assert_detail(&rig, event, "evil\x1b[31m(300) nfs_wait_bit; nfs_wait_bit, __x64_sys_read");
    assert_int_equal(event->value, 300);
    assert_int_equal(event->at_ns, since_ns);
    assert_int_equal(event->duration_ns, 0);
    for (int i = 0; i < 5; i++) {
        rig_tick(&rig, i % 2 == 0);
        assert_int_equal(rig.tick.event_count, 0);
    }
    rig.process[4].state = STATE_SLEEPING;
    rig_tick(&rig, false);
    event = event_of(&rig, "unblocked");
    assert_detail(&rig, event, "evil\x1b[31m(300)");
    assert_int_equal(event->duration_ns, 7000000000);
    assert_int_equal(event->at_ns, rig.tick.start_ns);
    rig_tick(&rig, true);
    assert_int_equal(rig.tick.event_count, 0);
    rig_end(&rig);
}

static void a_process_blocked_for_a_moment_is_not_told_of(void **state)
{
    (void)state;
    struct rig rig;

    rig_begin(&rig);
    put_process(&rig, 0, 300, 0);
    rig.process[0].state = procfs_state_label('D');
    rig_open(&rig);
    rig_tick(&rig, true);
    rig.process[0].start_ticks++; /* as blocked, but another process */
    rig_tick(&rig, false);
    assert_int_equal(rig.tick.event_count, 0);
    rig_end(&rig);
}

static void of_many_blocked_processes_a_few_are_told_of_per_run(void **state)
{
    (void)state;
    struct rig rig;

    rig_begin(&rig);
    for (uint32_t i = 0; i < 10; i++) {
        put_process(&rig, i, 300 + (int)i, 0);
        put_file(&rig, 300 + (int)i, "wchan", "0"); /* not permitted */
        rig.process[i].state = procfs_state_label('D');
    }
    rig_open(&rig);
    rig_tick(&rig, true);
    rig_tick(&rig, false);
    assert_int_equal(rig.tick.event_count, DETAIL_BLOCKED_PER_RUN);
    assert_detail(&rig, &rig.tick.events[0], "(300) ");
    rig_tick(&rig, false);
    assert_int_equal(rig.tick.event_count, 0);
    rig_tick(&rig, true); /* another run */
    rig_tick(&rig, false);
    assert_int_equal(rig.tick.event_count, DETAIL_BLOCKED_PER_RUN);
    for (uint32_t i = 0; i < 10; i++)
        rig.process[i].pid = 0;
    rig_tick(&rig, false); /* they are gone: those told of are told of again, the others never */
    assert_int_equal(rig.tick.event_count, 2 * DETAIL_BLOCKED_PER_RUN);
    assert_non_null(event_of(&rig, "unblocked"));
    assert_null(event_of(&rig, "blocked"));
    rig_end(&rig);
}

static void a_captured_tree_without_any_of_the_files_is_all_missing(void **state)
{
    (void)state;
    struct rig rig;

    rig_begin(&rig);
    rig.context.root = "tests/fixtures/proc-small";
    put_process(&rig, 0, 4242, 8 * MIB);
    rig_open(&rig);
    rig_tick(&rig, true);
    for (unsigned m = 0; m < DETAIL_METRIC_COUNT; m++)
        assert_int_equal(missing(&rig, 0, (enum process_detail_metric)m), MISSING_NOT_THERE);
    rig_end(&rig);
}

static void of_many_processes_the_largest_are_kept(void **state)
{
    (void)state;
    enum { ALL = 1000 };
    struct detail_largest largest = { .count = 0 };
    bool seen[ALL] = { false };

    for (uint32_t i = 0; i < ALL; i++) /* 7919 is prime: each size once */
        detail_largest_note(&largest, MIB + i * 7919 % ALL, i);
    detail_largest_note(&largest, DETAIL_RESIDENT_MIN - 1, 5000);
    assert_int_equal(largest.count, DETAIL_LARGEST);
    for (size_t i = 0; i < largest.count; i++) {
        int64_t size = largest.item[i].resident_bytes - MIB;

        assert_int_equal(size, (int64_t)largest.item[i].candidate * 7919 % ALL);
        assert_true(size >= ALL - DETAIL_LARGEST);
        assert_false(seen[size]);
        seen[size] = true;
    }
}

static void texts_that_end_early_are_not_numbers(void **state)
{
    (void)state;
    static const char text[] = "Rss: 1 kB\nPss: 99999999999999999999 kB\n";
    static const char stack[] = "[<0>] one+0x1/0x2\n[<0>] two+0x1/0x2\n";
    char frames[8];
    int64_t bytes = 0;

    assert_int_equal(detail_parse_pss(text, sizeof text - 1, &bytes), MISSING_FAILED);
    assert_int_equal(detail_parse_pss("Pss:\n", 5, &bytes), MISSING_NOT_THERE);
    assert_int_equal(detail_parse_pss("Pss: 3 kB\n", 10, &bytes), MISSING_NONE);
    assert_int_equal(bytes, 3072);
    assert_int_equal(detail_parse_socket("socket:[4294967295]", 19), UINT32_MAX);
    assert_int_equal(detail_parse_socket("socket:[4294967296]", 19), 0);
    assert_int_equal(detail_parse_socket("socket:[12", 10), 0);
    assert_int_equal(detail_parse_socket("socket:[12]x", 12), 0);
    assert_int_equal(detail_parse_socket("socket:[ 12]", 12), 0);
    assert_int_equal(detail_parse_socket("socket:[", 8), 0);
    assert_int_equal(detail_parse_stack(stack, sizeof stack - 1, frames, sizeof frames), 8);
    assert_memory_equal(frames, "one, two", 8);
    assert_int_equal(detail_parse_stack(stack, sizeof stack - 1, frames, 7), 3);
    assert_int_equal(detail_parse_stack(stack, sizeof stack - 2, frames, 8), 3); /* a cut line */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_processes_there_is_nothing_to_tell_details_of),
        cmocka_unit_test(memory_descriptors_and_sockets_are_told_by_kind_and_state),
        cmocka_unit_test(a_table_is_not_sampled_between_runs),
        cmocka_unit_test(a_socket_that_closes_is_gone_and_one_that_opens_finds_its_owner),
        cmocka_unit_test(a_socket_that_two_processes_have_counts_for_both),
        cmocka_unit_test(what_cannot_be_read_is_missing_with_its_reason),
        cmocka_unit_test(others_descriptors_are_not_permitted_and_not_zero),
        cmocka_unit_test(pss_is_read_in_turns_and_not_sampled_in_between),
        cmocka_unit_test(a_process_too_large_for_any_budget_is_not_read),
        cmocka_unit_test(a_slot_that_is_another_process_now_gets_a_series_of_its_own),
        cmocka_unit_test(rows_are_bounded_and_the_largest_and_those_with_sockets_have_them),
        cmocka_unit_test(kernel_threads_have_no_rows),
        cmocka_unit_test(a_process_blocked_twice_is_told_of_once_and_when_it_is_over),
        cmocka_unit_test(a_process_blocked_for_a_moment_is_not_told_of),
        cmocka_unit_test(of_many_blocked_processes_a_few_are_told_of_per_run),
        cmocka_unit_test(a_captured_tree_without_any_of_the_files_is_all_missing),
        cmocka_unit_test(of_many_processes_the_largest_are_kept),
        cmocka_unit_test(texts_that_end_early_are_not_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
