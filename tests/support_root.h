/* A root directory made by a test, and collectors opened on it or on a fixture. */
#ifndef TESTS_SUPPORT_ROOT_H
#define TESTS_SUPPORT_ROOT_H

#include "recorder/collector.h"
#include "tests/support_clock.h"

struct test_root {
    char path[64];
};

/* A new directory under /tmp; the test fails when there is none to be had. */
void test_root_open(struct test_root *root);
/* Write root + path in place, with the directories above it. */
void test_root_write(const struct test_root *root, const char *path, const char *text);
void test_root_remove(const struct test_root *root, const char *path);
/* Remove the directory and all in it. */
void test_root_close(struct test_root *root);

/* One collector and the tick it fills. */
struct test_collector {
    const struct collector *collector;
    struct fake_clock fake;
    struct clock clock;
    struct collect_context context;
    struct capability capability;
    void *state;
    struct tick tick;
    struct error err;
};

void test_collector_open(struct test_collector *t, const struct collector *collector,
                         const char *root);
/* Empty the tick, let a second pass, begin and collect: it is due at every tick. */
enum status test_collector_tick(struct test_collector *t);
void test_collector_close(struct test_collector *t);

/* The slot of the entity of that key that the latest tick announces; the test fails without. */
uint32_t test_slot(const struct test_collector *t, const char *key);
/* The n-th event of that kind in the latest tick, or NULL. */
const struct tick_event *test_event(const struct test_collector *t, const char *kind, size_t n);
/* The row of that slot in the latest tick, or NULL. */
const struct tick_row *test_row(const struct test_collector *t, uint32_t slot);
int64_t test_value(const struct test_collector *t, uint32_t slot, size_t metric);
enum missing test_missing(const struct test_collector *t, uint32_t slot, size_t metric);

#endif
