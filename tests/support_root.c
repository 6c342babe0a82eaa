/* Directories that stand in for a host, and collectors that read them. */
#include "tests/support_root.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { DESCRIPTORS = 16 };

void test_root_open(struct test_root *root)
{
    (void)snprintf(root->path, sizeof root->path, "/tmp/procscope-test-XXXXXX");
    assert_non_null(mkdtemp(root->path));
}

static void full_path(char full[512], const struct test_root *root, const char *path)
{
    assert_true(snprintf(full, 512, "%s%s", root->path, path) < 512);
}

void test_root_write(const struct test_root *root, const char *path, const char *text)
{
    char full[512];
    FILE *file;

    full_path(full, root, path);
    for (char *at = strchr(full + strlen(root->path) + 1, '/'); at != NULL;
         at = strchr(at + 1, '/')) {
        *at = '\0';
        (void)mkdir(full, 0755);
        *at = '/';
    }
    file = fopen(full, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

void test_root_remove(const struct test_root *root, const char *path)
{
    char full[512];

    full_path(full, root, path);
    assert_int_equal(unlink(full), 0);
}

static int remove_entry(const char *path, const struct stat *about, int type, struct FTW *at)
{
    (void)about, (void)type, (void)at;
    return remove(path);
}

void test_root_close(struct test_root *root)
{
    (void)nftw(root->path, remove_entry, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
}

void test_collector_open(struct test_collector *t, const struct collector *collector,
                         const char *root)
{
    const int64_t second = 1000000000;

    *t = (struct test_collector){
        .collector = collector,
        .fake = { .boot_ns = 5000 * second,
                  .awake_ns = 4000 * second,
                  .wall_ns = INT64_C(1795183385) * second },
    };
    t->clock = fake_clock_interface(&t->fake);
    t->context = (struct collect_context){
        .clock = &t->clock,
        .timebase = { t->fake.boot_ns, t->fake.wall_ns },
        .root = root,
        .interval_ns = second,
        .process_source = "auto",
    };
    tick_init(&t->tick);
    t->tick.seq = -1;
    if (collector->open(&t->state, &t->context, &t->capability, &t->err) != STATUS_OK)
        fail_msg("%s", t->err.message);
}

enum status test_collector_tick(struct test_collector *t)
{
    tick_reset(&t->tick);
    fake_clock_pass(&t->fake, 1000000000);
    t->tick.seq++;
    t->tick.start_ns = timebase_at(&t->context.timebase, t->fake.boot_ns);
    t->tick.wall_ns = t->fake.wall_ns;
    t->err = (struct error){ 0 };
    if (t->collector->begin != NULL)
        t->collector->begin(t->state, &t->tick);
    return t->collector->collect(t->state, &t->tick, &t->err);
}

void test_collector_close(struct test_collector *t)
{
    t->collector->close(t->state);
    tick_release(&t->tick);
}

static bool is_text(const struct tick *tick, struct tick_text text, const char *expected)
{
    return text.size == strlen(expected) &&
           memcmp(tick_text_at(tick, text), expected, text.size) == 0;
}

uint32_t test_slot(const struct test_collector *t, const char *key)
{
    for (size_t i = 0; i < t->tick.entity_count; i++)
        if (is_text(&t->tick, t->tick.entities[i].key, key))
            return t->tick.entities[i].slot;
    fail_msg("\"%s\" is not announced", key);
    return UINT32_MAX;
}

const struct tick_event *test_event(const struct test_collector *t, const char *kind, size_t n)
{
    for (size_t i = 0; i < t->tick.event_count; i++)
        if (is_text(&t->tick, t->tick.events[i].kind, kind) && n-- == 0)
            return &t->tick.events[i];
    return NULL;
}

const struct tick_row *test_row(const struct test_collector *t, uint32_t slot)
{
    const struct tick_table *table = &t->tick.table[t->collector->table];

    for (size_t i = 0; i < table->row_count; i++) {
        if (table->rows[i].slot == slot)
            return &table->rows[i];
    }
    return NULL;
}

int64_t test_value(const struct test_collector *t, uint32_t slot, size_t metric)
{
    const struct tick_table *table = &t->tick.table[t->collector->table];
    const struct tick_row *row = test_row(t, slot);

    assert_non_null(row);
    assert_int_equal(table->missing[row->at * table->width + metric], MISSING_NONE);
    return table->values[row->at * table->width + metric];
}

enum missing test_missing(const struct test_collector *t, uint32_t slot, size_t metric)
{
    const struct tick_table *table = &t->tick.table[t->collector->table];
    const struct tick_row *row = test_row(t, slot);

    assert_non_null(row);
    return (enum missing)table->missing[row->at * table->width + metric];
}
