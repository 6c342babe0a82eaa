/* The collector of cgroups, on trees of both versions and on groups that change under it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/collectors/cgroup_text_linux.h"
#include "recorder/collectors/collectors_linux.h"
#include "recorder/entity_set.h"
#include "tests/support_root.h"

#define V1 "tests/fixtures/cgroup-v1"
#define V2 "tests/fixtures/cgroup-v2"
#define ID "6c2f7d1b9a3e4f508172635445362718a9b0c1d2e3f405162738495a6b7c8d9e"
#define MOUNT_V2 "30 23 0:26 / /cg rw - cgroup2 cgroup2 rw\n"

static void collect(struct test_collector *t)
{
    if (test_collector_tick(t) != STATUS_OK)
        fail_msg("%s", t->err.message);
}

static const struct tick_entity *entity_of(const struct test_collector *t, const char *label)
{
    for (size_t i = 0; i < t->tick.entity_count; i++) {
        const struct tick_entity *entity = &t->tick.entities[i];

        if (entity->label.size == strlen(label) &&
            memcmp(tick_text_at(&t->tick, entity->label), label, entity->label.size) == 0)
            return entity;
    }
    return NULL;
}

/* Of a group that is announced in this tick. */
static uint32_t slot_of(const struct test_collector *t, const char *label)
{
    const struct tick_entity *entity = entity_of(t, label);

    if (entity == NULL)
        fail_msg("%s is not announced", label);
    return entity->slot;
}

static size_t row_count(const struct test_collector *t)
{
    return t->tick.table[TABLE_CGROUP].row_count;
}

struct expected {
    enum cgroup_metric metric;
    int64_t value;
};

static void assert_values(const struct test_collector *t, const char *label,
                          const struct expected *expected, size_t count)
{
    uint32_t slot = slot_of(t, label);

    for (size_t i = 0; i < count; i++)
        if (test_missing(t, slot, expected[i].metric) != MISSING_NONE ||
            test_value(t, slot, expected[i].metric) != expected[i].value)
            fail_msg("%s: metric %d is %lld, missing %d", label, (int)expected[i].metric,
                     (long long)test_value(t, slot, expected[i].metric),
                     (int)test_missing(t, slot, expected[i].metric));
}

static void assert_not_there(const struct test_collector *t, const char *label,
                             const enum cgroup_metric *metrics, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (test_missing(t, slot_of(t, label), metrics[i]) != MISSING_NOT_THERE)
            fail_msg("%s: metric %d is not missing as not there", label, (int)metrics[i]);
}

static bool is_text(const struct tick *tick, struct tick_text text, const char *expected)
{
    return text.size == strlen(expected) &&
           memcmp(tick_text_at(tick, text), expected, text.size) == 0;
}

static void assert_event(const struct test_collector *t, const char *kind, const char *detail,
                         int64_t value)
{
    for (size_t i = 0; i < t->tick.event_count; i++) {
        const struct tick_event *event = &t->tick.events[i];

        if (is_text(&t->tick, event->kind, kind) && is_text(&t->tick, event->detail, detail)) {
            assert_int_equal(event->value, value);
            return;
        }
    }
    fail_msg("no event %s of %s", kind, detail);
}

static void version_2_is_read(void **state)
{
    (void)state;
    static const struct expected web[] = {
        { CGROUP_CPU_NS_TOTAL, 30000 },
        { CGROUP_CPU_USER_NS_TOTAL, 18000 },
        { CGROUP_CPU_SYSTEM_NS_TOTAL, 12000 },
        { CGROUP_PERIODS_TOTAL, 200 },
        { CGROUP_THROTTLED_TOTAL, 20 },
        { CGROUP_THROTTLED_NS_TOTAL, 700 },
        { CGROUP_MEMORY_BYTES, 30 * 4096 },
        { CGROUP_MEMORY_ANONYMOUS_BYTES, 30 * 2048 },
        { CGROUP_MEMORY_FILE_BYTES, 30 * 1024 },
        { CGROUP_MEMORY_KERNEL_BYTES, 30 * 512 },
        { CGROUP_SWAP_BYTES, 12288 },
        { CGROUP_MEMORY_PEAK_BYTES, 30 * 8192 },
        { CGROUP_MAJOR_FAULTS_TOTAL, 30 },
        { CGROUP_MEMORY_HIGH_TOTAL, 5 },
        { CGROUP_MEMORY_MAX_TOTAL, 7 },
        { CGROUP_OOM_KILLS_TOTAL, 2 },
        { CGROUP_IO_READ_BYTES_TOTAL, 1300 }, /* device mapper and loop left out */
        { CGROUP_IO_WRITTEN_BYTES_TOTAL, 2060 },
        { CGROUP_IO_READS_TOTAL, 13 },
        { CGROUP_IO_WRITES_TOTAL, 26 },
        { CGROUP_TASKS, 30 },
        { CGROUP_CPU_STALL_US_TOTAL, 90 },
        { CGROUP_MEMORY_STALL_US_TOTAL, 0 },
        { CGROUP_IO_STALL_US_TOTAL, 180 },
        { CGROUP_CPU_LIMIT_PPM, 1500000 },
        { CGROUP_MEMORY_LIMIT_BYTES, 536870912 },
        { CGROUP_TASKS_LIMIT, 512 },
    };
    static const enum cgroup_metric no_limits[] = { CGROUP_CPU_LIMIT_PPM, CGROUP_MEMORY_LIMIT_BYTES,
                                                    CGROUP_TASKS_LIMIT };
    static const enum cgroup_metric not_of_root[] = { CGROUP_MEMORY_BYTES, CGROUP_TASKS,
                                                      CGROUP_OOM_KILLS_TOTAL,
                                                      CGROUP_CPU_LIMIT_PPM };
    struct test_collector t;

    test_collector_open(&t, &cgroup_collector, V2);
    assert_int_equal(t.capability.status, CAPABILITY_OK);
    collect(&t);
    assert_int_equal(COUNT_OF(web), CGROUP_METRIC_COUNT);
    assert_values(&t, "/system.slice/web.service", web, COUNT_OF(web));
    assert_not_there(&t, "/init.scope", no_limits, COUNT_OF(no_limits));
    assert_not_there(&t, "/", not_of_root, COUNT_OF(not_of_root));
    assert_int_equal(test_value(&t, slot_of(&t, "/"), CGROUP_CPU_NS_TOTAL), 987654321);
    assert_int_equal(test_value(&t, slot_of(&t, "/init.scope"), CGROUP_IO_READ_BYTES_TOTAL), 0);
    assert_int_equal(t.tick.event_count, 0); /* what was before the recording is no news */
    collect(&t);
    assert_int_equal(t.tick.entity_count, 0);
    assert_int_equal(test_row(&t, 0)->flags, 0);
    test_collector_close(&t);
}

static void every_list_of_keys_has_an_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < cgroup_file_count; i++) {
        assert_non_null(cgroup_files[i].keys[0].name);
        assert_null(cgroup_files[i].keys[CGROUP_KEYS_MAX - 1].name);
    }
}

static void groups_without_processes_are_left_out(void **state)
{
    (void)state;
    struct test_collector t;

    test_collector_open(&t, &cgroup_collector, V2);
    collect(&t);
    assert_int_equal(row_count(&t), 6);
    assert_null(entity_of(&t, "/system.slice/tmp.mount"));
    assert_null(entity_of(&t, "/user.slice"));
    test_collector_close(&t);
    test_collector_open(&t, &cgroup_collector, V1);
    collect(&t);
    assert_non_null(entity_of(&t, "/docker")); /* it has none, the one below has */
    assert_null(entity_of(&t, "/empty"));
    assert_null(entity_of(&t, "/empty/below"));
    test_collector_close(&t);
}

static void a_group_is_named_by_path_and_inode_below_its_parent(void **state)
{
    (void)state;
    const struct tick_entity *entity;
    struct test_collector t;
    struct stat info;
    char key[64];

    test_collector_open(&t, &cgroup_collector, V2);
    collect(&t);
    entity = entity_of(&t, "/system.slice/web.service");
    assert_non_null(entity);
    assert_int_equal(entity->kind, ENTITY_CGROUP);
    assert_int_equal(stat(V2 "/sys/fs/cgroup/system.slice/web.service", &info), 0);
    (void)snprintf(key, sizeof key, "/system.slice/web.service:%llu",
                   (unsigned long long)info.st_ino);
    assert_true(is_text(&t.tick, entity->key, key));
    assert_int_equal(entity->parent_slot, slot_of(&t, "/system.slice"));
    assert_int_equal(entity_of(&t, "/system.slice")->parent_slot, slot_of(&t, "/"));
    assert_int_equal(entity_of(&t, "/")->parent_slot, ENTITY_NO_SLOT);
    test_collector_close(&t);
}

static void version_1_is_read_and_put_together(void **state)
{
    (void)state;
    static const struct expected container[] = {
        { CGROUP_CPU_NS_TOTAL, 50000 },
        { CGROUP_CPU_USER_NS_TOTAL, 30000 },
        { CGROUP_CPU_SYSTEM_NS_TOTAL, 20000 },
        { CGROUP_PERIODS_TOTAL, 400 },
        { CGROUP_THROTTLED_TOTAL, 31 },
        { CGROUP_THROTTLED_NS_TOTAL, 5000000 },
        { CGROUP_MEMORY_BYTES, 50 * 4096 },
        { CGROUP_MEMORY_ANONYMOUS_BYTES, 50 * 2048 },
        { CGROUP_MEMORY_FILE_BYTES, 50 * 1024 },
        { CGROUP_MEMORY_KERNEL_BYTES, 50 * 512 },
        { CGROUP_SWAP_BYTES, 50 },
        { CGROUP_MEMORY_PEAK_BYTES, 50 * 8192 },
        { CGROUP_MAJOR_FAULTS_TOTAL, 50 },
        { CGROUP_MEMORY_MAX_TOTAL, 17 },
        { CGROUP_OOM_KILLS_TOTAL, 3 },
        { CGROUP_IO_READ_BYTES_TOTAL, 4196 },
        { CGROUP_IO_WRITTEN_BYTES_TOTAL, 8192 },
        { CGROUP_IO_READS_TOTAL, 2 },
        { CGROUP_IO_WRITES_TOTAL, 2 },
        { CGROUP_TASKS, 50 },
        { CGROUP_CPU_LIMIT_PPM, 250000 },
        { CGROUP_MEMORY_LIMIT_BYTES, 268435456 },
        { CGROUP_TASKS_LIMIT, 100 },
    };
    static const enum cgroup_metric only_in_version_2[] = {
        CGROUP_MEMORY_HIGH_TOTAL,
        CGROUP_CPU_STALL_US_TOTAL,
        CGROUP_MEMORY_STALL_US_TOTAL,
    };
    static const enum cgroup_metric no_limits[] = { CGROUP_CPU_LIMIT_PPM, CGROUP_MEMORY_LIMIT_BYTES,
                                                    CGROUP_TASKS_LIMIT };
    struct test_collector t;

    test_collector_open(&t, &cgroup_collector, V1);
    assert_int_equal(t.capability.status, CAPABILITY_OK);
    collect(&t);
    assert_values(&t, "/docker/" ID, container, COUNT_OF(container));
    assert_not_there(&t, "/docker/" ID, only_in_version_2, COUNT_OF(only_in_version_2));
    assert_not_there(&t, "/docker", no_limits, COUNT_OF(no_limits));
    assert_not_there(&t, "/", no_limits, COUNT_OF(no_limits));
    test_collector_close(&t);
}

/* Both versions at once: the controllers are mounted as version 1, version 2 names the services. */
static void hybrid_hosts_are_one_tree(void **state)
{
    (void)state;
    static const struct expected root[] = {
        { CGROUP_CPU_NS_TOTAL, 1000000 },    /* version 1's, which is exact for the root */
        { CGROUP_CPU_STALL_US_TOTAL, 9000 }, /* version 2's */
    };
    static const struct expected cron[] = { { CGROUP_CPU_NS_TOTAL, 6000 } };
    static const enum cgroup_metric not_there[] = { CGROUP_MEMORY_BYTES, CGROUP_TASKS };
    struct test_collector t;

    test_collector_open(&t, &cgroup_collector, V1);
    collect(&t);
    assert_values(&t, "/", root, COUNT_OF(root));
    assert_values(&t, "/system.slice/cron.service", cron, COUNT_OF(cron));
    assert_not_there(&t, "/system.slice/cron.service", not_there, COUNT_OF(not_there));
    test_collector_close(&t);
}

static void old_kernels_files_will_do(void **state)
{
    (void)state;
    static const struct expected old[] = {
        { CGROUP_CPU_USER_NS_TOTAL, 70000 }, /* of cpuacct.stat, in ticks of 10 ms */
        { CGROUP_CPU_SYSTEM_NS_TOTAL, 30000 },
        { CGROUP_IO_READ_BYTES_TOTAL, 5 },
        { CGROUP_IO_WRITES_TOTAL, 6 },
    };
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_root_write(&root, "/proc/self/mountinfo",
                    "33 31 0:30 / /a\\040b rw - cgroup cgroup rw,cpuacct,cpu\n"
                    "34 31 0:31 / /blkio rw - cgroup cgroup rw,blkio\n");
    test_root_write(&root, "/a b/cpuacct.stat", "user 7\nsystem 3\n");
    test_root_write(&root, "/blkio/blkio.throttle.io_service_bytes",
                    "8:0 Read 5\n8:0 Write 0\nTotal 5\n");
    test_root_write(&root, "/blkio/blkio.throttle.io_serviced", "8:0 Read 1\n8:0 Write 6\n");
    test_root_write(&root, "/blkio/cgroup.procs", "1\n");
    test_collector_open(&t, &cgroup_collector, root.path);
    assert_int_equal(t.capability.status, CAPABILITY_PARTIAL);
    assert_non_null(strstr(t.capability.reason, "memory, pids"));
    collect(&t);
    assert_values(&t, "/", old, COUNT_OF(old));
    test_collector_close(&t);
    test_root_close(&root);
}

static void a_part_that_is_mounted_keeps_its_paths(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_root_write(&root, "/proc/self/mountinfo",
                    "33 31 0:30 /docker/c /mem rw - cgroup cgroup rw,memory\n"
                    "34 31 0:31 /../.. /cg rw - cgroup2 cgroup2 rw\n");
    test_root_write(&root, "/mem/cgroup.procs", "1\n");
    test_root_write(&root, "/mem/memory.usage_in_bytes", "8192\n");
    test_root_write(&root, "/mem/child/cgroup.procs", "2\n");
    test_root_write(&root, "/mem/child/memory.usage_in_bytes", "4096\n");
    test_root_write(&root, "/cg/cpu.stat", "usage_usec 5\n");
    test_collector_open(&t, &cgroup_collector, root.path);
    collect(&t);
    assert_int_equal(test_value(&t, slot_of(&t, "/docker/c"), CGROUP_MEMORY_BYTES), 8192);
    assert_int_equal(test_value(&t, slot_of(&t, "/docker/c/child"), CGROUP_MEMORY_BYTES), 4096);
    assert_int_equal(test_value(&t, slot_of(&t, "/"), CGROUP_CPU_NS_TOTAL), 5);
    test_collector_close(&t);
    test_root_close(&root);
}

static void without_a_hierarchy_it_says_so(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_collector_open(&t, &cgroup_collector, root.path);
    assert_int_equal(t.capability.status, CAPABILITY_NOT_THERE);
    assert_true(t.capability.reason[0] != '\0' && t.capability.enable[0] != '\0');
    cgroup_collector.close(t.state);
    tick_release(&t.tick);
    test_root_write(&root, "/proc/self/mountinfo",
                    "nonsense\n\n1 2 3 / /cg rw\n30 23 0:26 / /gone rw - cgroup2 cgroup2 rw\n"
                    "31 23 0:27 / /cg rw - tmpfs cgroup rw,cpu\n - cgroup2 x y\n");
    test_collector_open(&t, &cgroup_collector, root.path);
    assert_int_equal(t.capability.status, CAPABILITY_NOT_THERE);
    test_collector_close(&t);
    test_root_close(&root);
}

static void write_group(const struct test_root *root, const char *group, const char *file,
                        const char *text)
{
    char path[256];

    (void)snprintf(path, sizeof path, "/cg%s/%s", group, file);
    test_root_write(root, path, text);
}

static void nonsense_is_missing_and_never_a_number(void **state)
{
    (void)state;
    static const enum cgroup_metric failed[] = {
        CGROUP_CPU_NS_TOTAL,        CGROUP_MEMORY_BYTES,      CGROUP_CPU_LIMIT_PPM,
        CGROUP_IO_READ_BYTES_TOTAL, CGROUP_MEMORY_PEAK_BYTES,
    };
    static const enum cgroup_metric not_there[] = {
        CGROUP_CPU_USER_NS_TOTAL, CGROUP_CPU_SYSTEM_NS_TOTAL, CGROUP_TASKS,
        CGROUP_OOM_KILLS_TOTAL,   CGROUP_CPU_STALL_US_TOTAL,  CGROUP_IO_STALL_US_TOTAL,
    };
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_root_write(&root, "/proc/self/mountinfo", MOUNT_V2);
    write_group(&root, "", "cpu.stat",
                "usage_usec 99999999999999999999\nuser_usec\nsystem_usec x\nxuser_usec 3\n");
    write_group(&root, "", "memory.current", "123"); /* perhaps it went on */
    write_group(&root, "", "memory.peak", "99999999999999999999999\n");
    write_group(&root, "", "cpu.max", "10000 0\n");
    write_group(&root, "", "pids.current", "-5\n");
    write_group(&root, "", "memory.events", "oom_kill");
    write_group(&root, "", "cpu.pressure", "full avg10=0.00 total=5\n");
    write_group(&root, "", "io.pressure", "some avg10=0.00 total=\n");
    write_group(&root, "", "io.stat",
                "8:0 rbytes=9223372036854775807 wbytes=1\n8:1 rbytes=1 wbytes=2 wbytes\n"
                "8: rbytes=1\nx wbytes=100\n8:2wbytes=100\n9:9 wbytes=100");
    test_collector_open(&t, &cgroup_collector, root.path);
    collect(&t);
    for (size_t i = 0; i < COUNT_OF(failed); i++)
        assert_int_equal(test_missing(&t, slot_of(&t, "/"), failed[i]), MISSING_FAILED);
    assert_not_there(&t, "/", not_there, COUNT_OF(not_there));
    assert_int_equal(test_value(&t, slot_of(&t, "/"), CGROUP_IO_WRITTEN_BYTES_TOTAL), 3);
    test_collector_close(&t);
    test_root_close(&root);
}

static void every_truncation_tells_less_and_nothing_else(void **state)
{
    (void)state;
    static const char whole[] = "usage_usec 1234\nuser_usec 5678\nthrottled_usec 9012\n";
    static const char io[] = "8:0 rbytes=1000 wbytes=2000 rios=10 wios=20\n";
    struct test_root root;
    struct test_collector t;
    char text[sizeof whole];

    test_root_open(&root);
    test_root_write(&root, "/proc/self/mountinfo", MOUNT_V2);
    for (size_t cut = 0; cut < sizeof whole; cut++) {
        (void)snprintf(text, sizeof text, "%.*s", (int)cut, whole);
        write_group(&root, "", "cpu.stat", text);
        write_group(&root, "", "memory.current", cut < 5 ? "1234" : "1234\n");
        (void)snprintf(text, sizeof text, "%.*s", (int)cut, io);
        write_group(&root, "", "io.stat", text);
        test_collector_open(&t, &cgroup_collector, root.path);
        collect(&t);
        if (test_missing(&t, 0, CGROUP_CPU_NS_TOTAL) == MISSING_NONE)
            assert_int_equal(test_value(&t, 0, CGROUP_CPU_NS_TOTAL), 1234);
        assert_int_equal(test_missing(&t, 0, CGROUP_CPU_USER_NS_TOTAL),
                         cut < 31 ? MISSING_NOT_THERE : MISSING_NONE);
        assert_int_equal(test_missing(&t, 0, CGROUP_MEMORY_BYTES),
                         cut < 5 ? MISSING_FAILED : MISSING_NONE);
        assert_int_equal(test_value(&t, 0, CGROUP_IO_WRITES_TOTAL), cut < strlen(io) ? 0 : 20);
        test_collector_close(&t);
    }
    test_root_close(&root);
}

static void write_live(const struct test_root *root, const char *group)
{
    write_group(root, group, "cgroup.events", "populated 1\nfrozen 0\n");
    write_group(root, group, "cpu.stat", "usage_usec 100\n");
    write_group(root, group, "memory.events", "oom_kill 0\n");
}

static void remove_group(const struct test_root *root, const char *group)
{
    char path[512];

    (void)snprintf(path, sizeof path, "/cg%s/cgroup.events", group);
    test_root_remove(root, path);
    (void)snprintf(path, sizeof path, "/cg%s/cpu.stat", group);
    test_root_remove(root, path);
    (void)snprintf(path, sizeof path, "/cg%s/memory.events", group);
    test_root_remove(root, path);
    (void)snprintf(path, sizeof path, "%s/cg%s", root->path, group);
    assert_int_equal(rmdir(path), 0);
}

static void a_group_made_anew_is_another_one(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;
    uint32_t first;

    test_root_open(&root);
    test_root_write(&root, "/proc/self/mountinfo", MOUNT_V2);
    write_live(&root, "/a");
    test_collector_open(&t, &cgroup_collector, root.path);
    collect(&t);
    first = slot_of(&t, "/a");
    remove_group(&root, "/a");
    write_live(&root, "/keeps-the-inode-from-being-given-again");
    write_live(&root, "/a");
    collect(&t);
    assert_int_not_equal(slot_of(&t, "/a"), first);
    assert_null(test_row(&t, first));
    assert_int_equal(test_row(&t, slot_of(&t, "/a"))->flags, ROW_FIRST);
    test_collector_close(&t);
    test_root_close(&root);
}

static void a_group_that_is_gone_has_no_row(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_root_write(&root, "/proc/self/mountinfo", MOUNT_V2);
    write_live(&root, "/a");
    write_live(&root, "/b");
    test_collector_open(&t, &cgroup_collector, root.path);
    collect(&t);
    assert_int_equal(row_count(&t), 3);
    remove_group(&root, "/a");
    write_group(&root, "/b", "cgroup.events", "populated 0\nfrozen 0\n");
    collect(&t);
    assert_int_equal(row_count(&t), 1);
    assert_true(t.tick.table[TABLE_CGROUP].sampled);
    write_group(&root, "/b", "cgroup.events", "populated 1\nfrozen 0\n");
    collect(&t);
    assert_int_equal(row_count(&t), 2);
    test_collector_close(&t);
    test_root_close(&root);
}

/* Listed, and gone before it can be opened: a link that leads nowhere stands for it. */
static void a_group_that_vanishes_between_listing_and_reading_is_none(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;
    char path[512];

    test_root_open(&root);
    test_root_write(&root, "/proc/self/mountinfo", MOUNT_V2);
    write_live(&root, "/a");
    (void)snprintf(path, sizeof path, "%s/cg/vanished", root.path);
    assert_int_equal(symlink("/nowhere", path), 0);
    (void)snprintf(path, sizeof path, "%s/cg/a/cpu.stat", root.path);
    assert_int_equal(unlink(path), 0);
    test_collector_open(&t, &cgroup_collector, root.path);
    collect(&t);
    assert_int_equal(row_count(&t), 2);
    assert_int_equal(test_missing(&t, slot_of(&t, "/a"), CGROUP_CPU_NS_TOTAL), MISSING_NOT_THERE);
    test_collector_close(&t);
    test_root_close(&root);
}

static void counters_that_go_back_are_recorded_as_they_are(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_root_write(&root, "/proc/self/mountinfo", MOUNT_V2);
    write_live(&root, "/a");
    write_group(&root, "/a", "memory.events", "oom_kill 5\n");
    write_group(&root, "/a", "cpu.stat", "usage_usec 100\nthrottled_usec 9000000\n");
    test_collector_open(&t, &cgroup_collector, root.path);
    collect(&t);
    write_group(&root, "/a", "memory.events", "oom_kill 2\n");
    write_group(&root, "/a", "cpu.stat", "usage_usec 40\nthrottled_usec 10\n");
    collect(&t);
    assert_int_equal(test_value(&t, 1, CGROUP_CPU_NS_TOTAL), 40);
    assert_int_equal(test_value(&t, 1, CGROUP_OOM_KILLS_TOTAL), 2);
    assert_int_equal(t.tick.event_count, 1);
    assert_event(&t, "oom_kill", "/a", 2); /* it began anew since, and had these */
    write_group(&root, "/a", "memory.events", "oom_kill 3\n");
    collect(&t);
    assert_event(&t, "oom_kill", "/a", 1);
    test_collector_close(&t);
    test_root_close(&root);
}

static void kills_are_told_of_the_group_they_were_in(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_root_write(&root, "/proc/self/mountinfo", MOUNT_V2);
    write_live(&root, "/a");
    write_live(&root, "/a/b");
    write_live(&root, "/a/c");
    test_collector_open(&t, &cgroup_collector, root.path);
    collect(&t);
    write_group(&root, "/a/b", "memory.events", "oom_kill 2\n");
    write_group(&root, "/a", "memory.events", "oom_kill 2\n");
    collect(&t);
    assert_int_equal(t.tick.event_count, 1);
    assert_event(&t, "oom_kill", "/a/b", 2);
    collect(&t);
    assert_int_equal(t.tick.event_count, 0);
    /* The one below that had it is gone, and a new one has had one already. */
    remove_group(&root, "/a/c");
    write_live(&root, "/a/d");
    write_group(&root, "/a/d", "memory.events", "oom_kill 1\n");
    write_group(&root, "/a", "memory.events", "oom_kill 4\n");
    collect(&t);
    assert_int_equal(t.tick.event_count, 2);
    assert_event(&t, "oom_kill", "/a", 1);
    assert_event(&t, "oom_kill", "/a/d", 1);
    test_collector_close(&t);
    test_root_close(&root);
}

static void set_kills(const struct test_root *root, const char *group, bool populated, int kills)
{
    char text[32];

    (void)snprintf(text, sizeof text, "oom_kill %d\n", kills);
    write_group(root, group, "memory.events", text);
    write_group(root, group, "cgroup.events", populated ? "populated 1\n" : "populated 0\n");
}

static void kills_of_a_group_that_empties_and_fills_again_are_told_once(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_root_write(&root, "/proc/self/mountinfo", MOUNT_V2);
    write_live(&root, "/a");
    write_live(&root, "/a/b");
    set_kills(&root, "/a", true, 7);
    set_kills(&root, "/a/b", true, 6);
    test_collector_open(&t, &cgroup_collector, root.path);
    collect(&t);
    assert_int_equal(t.tick.event_count, 0);
    set_kills(&root, "/a", false, 8); /* it took all that was in there */
    set_kills(&root, "/a/b", false, 7);
    collect(&t);
    assert_int_equal(t.tick.event_count, 1);
    assert_event(&t, "oom_kill", "/a", 1);
    for (int i = 0; i < 4; i++) {
        collect(&t);
        assert_int_equal(row_count(&t), 1); /* the root's */
        assert_int_equal(t.tick.event_count, 0);
    }
    set_kills(&root, "/a", true, 8);
    set_kills(&root, "/a/b", true, 7);
    collect(&t);
    assert_int_equal(row_count(&t), 3);
    assert_int_equal(t.tick.event_count, 0); /* what it was in is seen only now, and was told */
    set_kills(&root, "/a", true, 9);
    set_kills(&root, "/a/b", true, 8);
    collect(&t);
    assert_int_equal(t.tick.event_count, 1);
    assert_event(&t, "oom_kill", "/a/b", 1);
    test_collector_close(&t);
    test_root_close(&root);
}

static void of_a_group_that_is_new_all_is_news(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_root_write(&root, "/proc/self/mountinfo", MOUNT_V2);
    write_live(&root, "/a");
    set_kills(&root, "/a", true, 3);
    test_collector_open(&t, &cgroup_collector, root.path);
    collect(&t);
    assert_int_equal(t.tick.event_count, 0);
    write_live(&root, "/b");
    set_kills(&root, "/b", true, 1);
    write_group(&root, "/b", "cpu.stat", "throttled_usec 900000\n");
    write_live(&root, "/c"); /* killed whole before it was seen */
    set_kills(&root, "/c", false, 2);
    collect(&t);
    assert_int_equal(t.tick.event_count, 3);
    assert_event(&t, "oom_kill", "/b", 1);
    assert_event(&t, "oom_kill", "/c", 2);
    assert_event(&t, "throttle", "/b", 900000000);
    write_live(&root, "/d");
    write_live(&root, "/d/e"); /* one that came with the one above it */
    set_kills(&root, "/d", true, 1);
    set_kills(&root, "/d/e", true, 1);
    collect(&t);
    assert_int_equal(t.tick.event_count, 1);
    assert_event(&t, "oom_kill", "/d/e", 1);
    test_collector_close(&t);
    test_root_close(&root);
}

/* A tenth of the second that passes between two ticks of this test. */
static void throttling_is_told_when_it_begins(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_root_write(&root, "/proc/self/mountinfo", MOUNT_V2);
    write_live(&root, "/a");
    write_group(&root, "/a", "cpu.stat", "throttled_usec 500000\n");
    test_collector_open(&t, &cgroup_collector, root.path);
    collect(&t);
    write_group(&root, "/a", "cpu.stat", "throttled_usec 600000\n");
    collect(&t);
    assert_int_equal(t.tick.event_count, 0);
    write_group(&root, "/a", "cpu.stat", "throttled_usec 700001\n");
    collect(&t);
    assert_event(&t, "throttle", "/a", 100001000);
    assert_int_equal(t.tick.events[0].duration_ns, 1000000000);
    write_group(&root, "/a", "cpu.stat", "throttled_usec 1700001\n");
    collect(&t); /* it goes on */
    assert_int_equal(t.tick.event_count, 0);
    collect(&t);
    write_group(&root, "/a", "cpu.stat", "throttled_usec 2700001\n");
    collect(&t);
    assert_event(&t, "throttle", "/a", 1000000000);
    test_collector_close(&t);
    test_root_close(&root);
}

static void events_of_one_sample_are_bounded(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;
    char group[16];

    test_root_open(&root);
    test_root_write(&root, "/proc/self/mountinfo", MOUNT_V2);
    for (int i = 0; i < 20; i++) {
        (void)snprintf(group, sizeof group, "/g%d", i);
        write_live(&root, group);
    }
    test_collector_open(&t, &cgroup_collector, root.path);
    collect(&t);
    for (int i = 0; i < 20; i++) {
        (void)snprintf(group, sizeof group, "/g%d", i);
        write_group(&root, group, "memory.events", "oom_kill 3\n");
    }
    collect(&t);
    assert_int_equal(t.tick.event_count, 17);
    assert_event(&t, "oom_kill", "4 more groups", 12);
    test_collector_close(&t);
    test_root_close(&root);
}

static void depth_and_number_of_groups_are_bounded(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;
    char group[64] = "";

    test_root_open(&root);
    test_root_write(&root, "/proc/self/mountinfo", MOUNT_V2);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(group + strlen(group), sizeof group - strlen(group), "/d%d", i);
        write_live(&root, group);
    }
    test_collector_open(&t, &cgroup_collector, root.path);
    collect(&t);
    assert_int_equal(row_count(&t), 9); /* the root and 8 below */
    for (int i = 0; i < 1010; i++) {
        (void)snprintf(group, sizeof group, "/g%d", i);
        write_group(&root, group, "cgroup.events", "populated 1\n");
    }
    collect(&t);
    assert_int_equal(row_count(&t), 1000);
    assert_event(&t, "left_out", "cgroup: groups beyond the first 1000", 13);
    collect(&t);
    assert_int_equal(t.tick.event_count, 0);
    test_collector_close(&t);
    test_root_close(&root);
}

static void names_may_be_any_bytes(void **state)
{
    (void)state;
    struct test_root root;
    struct test_collector t;

    test_root_open(&root);
    test_root_write(&root, "/proc/self/mountinfo", MOUNT_V2);
    write_live(&root, "/\x1b[31m\xff\xfe:1 \\x2d");
    test_collector_open(&t, &cgroup_collector, root.path);
    collect(&t);
    assert_int_equal(row_count(&t), 2);
    (void)slot_of(&t, "/\x1b[31m\xff\xfe:1 \\x2d");
    test_collector_close(&t);
    test_root_close(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_2_is_read),
        cmocka_unit_test(every_list_of_keys_has_an_end),
        cmocka_unit_test(groups_without_processes_are_left_out),
        cmocka_unit_test(a_group_is_named_by_path_and_inode_below_its_parent),
        cmocka_unit_test(version_1_is_read_and_put_together),
        cmocka_unit_test(hybrid_hosts_are_one_tree),
        cmocka_unit_test(old_kernels_files_will_do),
        cmocka_unit_test(a_part_that_is_mounted_keeps_its_paths),
        cmocka_unit_test(without_a_hierarchy_it_says_so),
        cmocka_unit_test(nonsense_is_missing_and_never_a_number),
        cmocka_unit_test(every_truncation_tells_less_and_nothing_else),
        cmocka_unit_test(a_group_made_anew_is_another_one),
        cmocka_unit_test(a_group_that_is_gone_has_no_row),
        cmocka_unit_test(a_group_that_vanishes_between_listing_and_reading_is_none),
        cmocka_unit_test(counters_that_go_back_are_recorded_as_they_are),
        cmocka_unit_test(kills_are_told_of_the_group_they_were_in),
        cmocka_unit_test(kills_of_a_group_that_empties_and_fills_again_are_told_once),
        cmocka_unit_test(of_a_group_that_is_new_all_is_news),
        cmocka_unit_test(throttling_is_told_when_it_begins),
        cmocka_unit_test(events_of_one_sample_are_bounded),
        cmocka_unit_test(depth_and_number_of_groups_are_bounded),
        cmocka_unit_test(names_may_be_any_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
