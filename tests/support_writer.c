/* The rig of the writer's tests. */
#include "tests/support_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void writer_rig_session(struct writer_rig *rig, int64_t start_ns, int boot)
{
    struct writer_options options = { .path = rig->path, .block_ticks = rig->block_ticks };
    struct session_facts facts;
    struct error err = { 0 };

    made_facts(&facts, start_ns, boot);
    if (writer_open(&rig->writer, &options, &facts, &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

void writer_rig_begin(struct writer_rig *rig, uint32_t block_ticks)
{
    *rig = (struct writer_rig){ .block_ticks = block_ticks };
    made_directory_open(&rig->directory);
    made_path(&rig->directory, "written.pscope", rig->path, sizeof rig->path);
    tick_init(&rig->tick);
    writer_rig_session(rig, START, 1);
}

void writer_rig_put(struct writer_rig *rig)
{
    struct error err = { 0 };

    if (writer_tick(rig->writer, &rig->tick, &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

void writer_rig_refuse(struct writer_rig *rig)
{
    struct error err = { 0 };

    assert_int_equal(writer_tick(rig->writer, &rig->tick, &err), STATUS_INVALID);
    assert_int_not_equal(err.message[0], '\0');
}

void writer_rig_stop(struct writer_rig *rig, const char *reason)
{
    struct error err = { 0 };

    if (writer_close(rig->writer, reason, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    rig->writer = NULL;
}

static void report(void *context, const char *part, const char *what)
{
    (void)context;
    print_error("%s: %s\n", part, what);
}

const struct recording_contents *writer_rig_read(struct writer_rig *rig, const char *reason)
{
    struct error err = { 0 };
    size_t findings = 1;

    writer_rig_stop(rig, reason);
    if (recording_open(&rig->rec, rig->path, &err) != STATUS_OK ||
        recording_verify(rig->rec, report, NULL, &findings, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    assert_int_equal(findings, 0);
    return recording_contents(rig->rec);
}

void writer_rig_end(struct writer_rig *rig)
{
    recording_close(rig->rec);
    tick_release(&rig->tick);
    made_directory_close(&rig->directory);
}

void writer_rig_steady(struct writer_rig *rig, int64_t start_ns, uint8_t flags, int64_t cpu)
{
    made_tick(&rig->tick, start_ns);
    if ((flags & ROW_FIRST) != 0) {
        made_birth(&rig->tick, 0, 100, 5000, START - SECOND_NS);
        made_name(&rig->tick, 0, START - SECOND_NS, "steady", NULL);
    }
    (void)made_row(&rig->tick, 0, flags, cpu, 4096);
}

const struct process *writer_rig_process(struct writer_rig *rig, size_t block, int64_t id)
{
    const struct process *process = NULL;
    struct error err = { 0 };

    if (recording_process(rig->rec, &recording_contents(rig->rec)->blocks[0][block], id, &process,
                          &err) != STATUS_OK)
        fail_msg("%s", err.message);
    return process;
}

bool writer_rig_calls(const struct version *version, enum process_text which, const char *text)
{
    return version->text[which].data != NULL && version->text[which].size == strlen(text) &&
           memcmp(version->text[which].data, text, strlen(text)) == 0;
}

static enum status count_process(void *context, const struct process *process, struct error *err)
{
    (void)process;
    (void)err;
    ++*(size_t *)context;
    return STATUS_OK;
}

size_t writer_rig_processes(struct writer_rig *rig)
{
    struct error err = { 0 };
    size_t count = 0;

    assert_int_equal(recording_processes(rig->rec, count_process, &count, &err), STATUS_OK);
    return count;
}
