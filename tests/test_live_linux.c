/* The live mapping: what stands in it after any tick, who may write to it, and damaged ones. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyzer/live_frame.h"
#include "recorder/live_publish.h"
#include "schema/live.h"
#include "schema/open_block.h"
#include "tests/support_recording.h"
#include "tests/support_writer.h"

/* A writer whose ticks are published. */
struct rig {
    struct writer_rig writer;
    struct session_facts facts;
    struct live_publisher publisher;
    struct live_view view;
    int fd;
};

static void rig_begin(struct rig *rig)
{
    struct error err = { 0 };

    *rig = (struct rig){ .fd = -1 };
    writer_rig_begin(&rig->writer, 12); /* seals come often */
    made_facts(&rig->facts, START, 1);
    live_publisher_init(&rig->publisher, &rig->facts);
    if (live_publisher_watch(&rig->publisher, &rig->fd, &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

static void rig_end(struct rig *rig)
{
    live_view_release(&rig->view);
    live_publisher_release(&rig->publisher);
    (void)writer_rig_read(&rig->writer, "stop");
    writer_rig_end(&rig->writer);
}

/* Store rig->writer.tick and publish it. */
static void rig_put(struct rig *rig)
{
    writer_rig_put(&rig->writer);
    live_publish(&rig->publisher, rig->writer.writer, &rig->writer.tick);
}

static void rig_read(struct rig *rig)
{
    struct error err = { 0 };

    if (live_read(&rig->view, &(struct live_source){ .fd = rig->fd }, &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

static int by_id(const void *left, const void *right)
{
    const struct live_process *a = left, *b = right;

    return (a->process_id > b->process_id) - (a->process_id < b->process_id);
}

/* --- what stands in it --- */

/* The mapping as one who comes only now would get it. */
static void read_anew(struct rig *rig, struct live_view *view)
{
    struct live_publisher fresh;
    struct error err = { 0 };
    int fd;

    live_publisher_init(&fresh, &rig->facts);
    assert_int_equal(live_publisher_watch(&fresh, &fd, &err), STATUS_OK);
    live_publish(&fresh, rig->writer.writer, NULL);
    if (live_read(view, &(struct live_source){ .fd = fd }, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    live_publisher_release(&fresh);
}

static void assert_same(const struct live_view *a, const struct live_view *b)
{
    assert_int_equal(a->tick.start_ns, b->tick.start_ns);
    assert_int_equal(a->tick.core_count, b->tick.core_count);
    assert_memory_equal(a->core, b->core, a->tick.core_count * sizeof *a->core);
    assert_memory_equal(&a->memory, &b->memory, sizeof a->memory);
    assert_int_equal(a->tick.process_count, b->tick.process_count);
    for (uint32_t i = 0; i < a->tick.process_count; i++) {
        a->process[i].born_in_view = b->process[i].born_in_view; /* a newcomer was not there */
        if (memcmp(&a->process[i], &b->process[i], sizeof a->process[i]) != 0)
            fail_msg("process %lld differs", (long long)a->process[i].process_id);
    }
}

static void changes_lead_to_what_a_newcomer_gets(void **state)
{
    (void)state;
    struct made_host host;
    struct live_view anew = { 0 };
    struct rig rig;
    size_t most = 0;

    rig_begin(&rig);
    made_host_init(&host, 7, START + SECOND_NS, SECOND_NS, 30);
    for (int i = 0; i < 120; i++) {
        made_host_tick(&host);
        assert_int_equal(writer_tick(rig.writer.writer, &host.tick, &(struct error){ 0 }),
                         STATUS_OK);
        live_publish(&rig.publisher, rig.writer.writer, &host.tick);
        rig_read(&rig);
        read_anew(&rig, &anew);
        qsort(rig.view.process, rig.view.tick.process_count, sizeof *rig.view.process, by_id);
        qsort(anew.process, anew.tick.process_count, sizeof *anew.process, by_id);
        assert_same(&rig.view, &anew);
        most = most > anew.tick.process_count ? most : anew.tick.process_count;
    }
    assert_true(most > 10);
    made_host_release(&host);
    live_view_release(&anew);
    rig_end(&rig);
}

static void a_process_comes_is_renamed_and_goes(void **state)
{
    (void)state;
    struct rig rig;
    struct tick *tick = &rig.writer.tick;
    const struct live_process *p;

    rig_begin(&rig);
    made_tick(tick, START + SECOND_NS);
    made_birth(tick, 3, 4711, 77, START);
    made_name(tick, 3, START, "before", "before --all");
    made_row(tick, 3, ROW_FIRST | ROW_BORN, 5, 4096)->start_ns = START;
    rig_put(&rig);
    rig_read(&rig);
    assert_int_equal(rig.view.tick.process_count, 1);
    p = &rig.view.process[0];
    assert_int_equal(p->pid, 4711);
    assert_int_equal(p->born_in_view, 1);
    assert_string_equal(p->comm, "before");
    assert_memory_equal(p->cmdline, "before --all", p->cmdline_size);
    assert_int_equal(p->value[PROCESS_RESIDENT_BYTES], 4096);

    made_tick(tick, START + 2 * SECOND_NS);
    made_name(tick, 3, START + 2 * SECOND_NS, "after", NULL);
    tick_sampled(tick, TABLE_PROCESS);
    tick_row_same(tick, TABLE_PROCESS, 3);
    rig_put(&rig);
    rig_read(&rig);
    assert_string_equal(rig.view.process[0].comm, "after");
    assert_int_equal(rig.view.process[0].value[PROCESS_RESIDENT_BYTES], 4096);

    made_tick(tick, START + 3 * SECOND_NS);
    made_row(tick, 3, ROW_LAST, 9, 4096)->end_ns = START + 3 * SECOND_NS;
    made_exit(tick, 3, 0, START + 3 * SECOND_NS);
    rig_put(&rig);
    rig_read(&rig);
    assert_int_equal(rig.view.tick.process_count, 0);
    rig_end(&rig);
}

static void long_text_is_cut_between_characters(void **state)
{
    (void)state;
    char cmdline[LIVE_CMDLINE_BYTES + 40];
    struct rig rig;
    struct tick *tick = &rig.writer.tick;

    memset(cmdline, 'x', sizeof cmdline);
    memcpy(cmdline + LIVE_CMDLINE_BYTES - 1, "\xc3\xa9", 2);
    cmdline[sizeof cmdline - 1] = '\0';
    rig_begin(&rig);
    made_tick(tick, START + SECOND_NS);
    made_birth(tick, 0, 1, 1, START);
    made_name(tick, 0, START, "long", cmdline);
    (void)made_row(tick, 0, ROW_FIRST, 5, 4096);
    rig_put(&rig);
    rig_read(&rig);
    assert_int_equal(rig.view.process[0].cmdline_size, sizeof cmdline - 1);
    assert_memory_equal(rig.view.process[0].cmdline, cmdline, LIVE_CMDLINE_BYTES - 1);
    assert_int_equal(rig.view.process[0].cmdline[LIVE_CMDLINE_BYTES - 1], '\0');
    rig_end(&rig);
}

static void without_a_viewer_nothing_is_copied(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct rig rig;
    int fd;

    rig_begin(&rig);
    fd = dup(rig.fd); /* one that was handed over */
    live_publisher_unwatch(&rig.publisher);
    assert_null(rig.publisher.memory.data);
    writer_rig_steady(&rig.writer, START + SECOND_NS, ROW_FIRST, 10);
    rig_put(&rig);
    assert_int_equal(live_read(&rig.view, &(struct live_source){ .fd = fd }, &err), STATUS_ABSENT);
    close(fd);
    assert_int_equal(live_publisher_watch(&rig.publisher, &rig.fd, &err), STATUS_OK);
    live_publish(&rig.publisher, rig.writer.writer, NULL);
    rig_read(&rig); /* one who comes later has the tick at once */
    assert_int_equal(rig.view.tick.process_count, 1);
    rig_end(&rig);
}

/* --- rates --- */

static void rates_are_those_between_two_ticks_and_never_across_a_gap(void **state)
{
    (void)state;
    struct live_view before = { 0 };
    struct live_frame frame = { 0 };
    struct error err;
    struct rig rig;

    rig_begin(&rig);
    writer_rig_steady(&rig.writer, START + SECOND_NS, ROW_FIRST, 1000000);
    rig_put(&rig);
    rig_read(&rig);
    assert_int_equal(live_frame_make(&frame, &rig.view, NULL, LIVE_SORT_CPU, &err), STATUS_OK);
    assert_false(frame.row[0].cpu_percent.known);
    before = rig.view;
    rig.view = (struct live_view){ 0 };

    writer_rig_steady(&rig.writer, START + 3 * SECOND_NS, 0, 1500000); /* 0.5 s in 2 s */
    rig_put(&rig);
    rig_read(&rig);
    assert_int_equal(live_frame_make(&frame, &rig.view, &before, LIVE_SORT_CPU, &err), STATUS_OK);
    assert_true(frame.row[0].cpu_percent.known);
    assert_true(frame.row[0].cpu_percent.value > 24.999 && frame.row[0].cpu_percent.value < 25.001);
    live_view_release(&before);
    before = rig.view;
    rig.view = (struct live_view){ 0 };

    writer_rig_steady(&rig.writer, START + 4 * SECOND_NS, 0, 1600000);
    rig.writer.tick.gap_before = true;
    rig_put(&rig);
    writer_rig_steady(&rig.writer, START + 5 * SECOND_NS, 0, 1700000);
    rig_put(&rig);
    rig_read(&rig);
    assert_int_equal(live_frame_make(&frame, &rig.view, &before, LIVE_SORT_CPU, &err), STATUS_OK);
    assert_false(frame.row[0].cpu_percent.known);
    live_view_release(&before);
    live_frame_release(&frame);
    rig_end(&rig);
}

/* --- who may write, and what is no mapping --- */

static void nobody_but_the_recorder_may_write(void **state)
{
    (void)state;
    struct rig rig;
    char path[40];
    int again;

    rig_begin(&rig);
    assert_true(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, rig.fd, 0) == MAP_FAILED);
    assert_int_equal(write(rig.fd, "x", 1), -1);
    assert_int_not_equal(ftruncate(rig.fd, 0), 0);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", rig.fd);
    again = open(path, O_RDWR | O_CLOEXEC);
    if (again >= 0) { /* root may open anything; the seals hold all the same */
        assert_true(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0) == MAP_FAILED);
        assert_int_equal(write(again, "x", 1), -1);
        assert_int_not_equal(ftruncate(again, 0), 0);
        close(again);
    }
    writer_rig_steady(&rig.writer, START + SECOND_NS, ROW_FIRST, 1);
    rig_put(&rig);
    rig_end(&rig);
}

/* A mapping of our own making, as a stranger could hand one over. */
static int make_file(const struct live_map *head, size_t size)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    assert_int_equal(pwrite(fd, head, offsetof(struct live_map, core), 0),
                     (ssize_t)offsetof(struct live_map, core));
    return fd;
}

static enum status read_file(const struct live_map *head, size_t size)
{
    struct live_view view = { 0 };
    struct error err = { 0 };
    int fd = make_file(head, size);
    enum status st = live_read(&view, &(struct live_source){ .fd = fd }, &err);

    assert_true(st == STATUS_OK || err.message[0] != '\0');
    live_view_release(&view);
    close(fd);
    return st;
}

static void what_is_no_mapping_is_refused(void **state)
{
    (void)state;
    struct live_map *head = calloc(1, sizeof *head);

    assert_non_null(head);
    assert_int_equal(read_file(head, sizeof *head), STATUS_CORRUPT);
    memcpy(head->magic, live_magic, sizeof head->magic);
    assert_int_equal(read_file(head, sizeof *head), STATUS_UNSUPPORTED);
    head->layout_hash = live_layout_hash();
    assert_int_equal(read_file(head, sizeof *head), STATUS_ABSENT);
    atomic_store(&head->sequence, 2);
    assert_int_equal(read_file(head, sizeof *head), STATUS_OK);

    head->tick.process_count = 1;
    assert_int_equal(read_file(head, sizeof *head), STATUS_CORRUPT);
    head->tick.process_end = LIVE_PROCESSES_MAX + 1;
    assert_int_equal(read_file(head, sizeof *head), STATUS_CORRUPT);
    head->tick.process_end = LIVE_PROCESSES_MAX;
    assert_int_equal(read_file(head, offsetof(struct live_map, process)), STATUS_CORRUPT);
    head->tick.process_count = head->tick.process_end = 0;
    head->tick.core_count = UINT32_MAX;
    assert_int_equal(read_file(head, sizeof *head), STATUS_CORRUPT);
    head->tick.core_count = 0;
    atomic_store(&head->sequence, 3); /* for ever */
    assert_int_equal(read_file(head, sizeof *head), STATUS_ABSENT);
    free(head);
}

/* --- a reader in another process, against a writer at full speed --- */

enum { FAST_TICKS = 3000 };

/* Every value of a tick is the tick's number: a torn one shows. */
static void watch_fast_ticks(int fd)
{
    struct live_view view = { 0 };
    struct error err;
    int64_t last = 0;

    while (last < FAST_TICKS) {
        enum status st = live_read(&view, &(struct live_source){ .fd = fd }, &err);

        if (st == STATUS_ABSENT)
            continue;
        if (st != STATUS_OK || view.tick.process_count != 1 ||
            view.process[0].value[PROCESS_CPU_NS_TOTAL] !=
                view.process[0].value[PROCESS_RESIDENT_BYTES])
            _exit(1);
        last = view.process[0].value[PROCESS_CPU_NS_TOTAL];
        if (view.tick.start_ns != START + last * SECOND_NS)
            _exit(2);
    }
    _exit(0);
}

static void no_reader_sees_half_a_tick(void **state)
{
    (void)state;
    struct rig rig;
    struct tick *tick = &rig.writer.tick;
    int status = -1;
    pid_t reader;

    rig_begin(&rig);
    reader = fork();
    assert_true(reader >= 0);
    if (reader == 0)
        watch_fast_ticks(rig.fd);
    for (int64_t i = 1; i <= FAST_TICKS; i++) {
        made_tick(tick, START + i * SECOND_NS);
        if (i == 1)
            made_birth(tick, 0, 100, 5000, START);
        (void)made_row(tick, 0, i == 1 ? ROW_FIRST : 0, i, i);
        rig_put(&rig);
    }
    assert_int_equal(waitpid(reader, &status, 0), reader);
    assert_int_equal(status, 0);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_lead_to_what_a_newcomer_gets),
        cmocka_unit_test(a_process_comes_is_renamed_and_goes),
        cmocka_unit_test(long_text_is_cut_between_characters),
        cmocka_unit_test(without_a_viewer_nothing_is_copied),
        cmocka_unit_test(rates_are_those_between_two_ticks_and_never_across_a_gap),
        cmocka_unit_test(nobody_but_the_recorder_may_write),
        cmocka_unit_test(what_is_no_mapping_is_refused),
        cmocka_unit_test(no_reader_sees_half_a_tick),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
