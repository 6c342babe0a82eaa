/* Exported samples: what was given comes out, and fast CSV is byte for byte the simple one. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/export.h"
#include "tests/support_recording.h"

enum { SLOTS = 3, TICKS = 45, BLOCK_TICKS = 10 };

static struct made_directory directory;

static struct subject open_subject(const char *path)
{
    struct options options = { .file = path };
    struct subject subject;
    struct error err = { 0 };

    if (subject_open(&subject, &options, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    return subject;
}

/* Export a samples table; the text is the caller's to free. */
static char *export_text(struct export e, const char *name, size_t *size)
{
    const struct recording_table *table = recording_table(e.subject->recording, name);
    static const struct select all;
    struct error err = { 0 };
    char path[256];
    char *text;

    assert_non_null(table);
    if (e.select == NULL)
        e.select = &all;
    if (e.metrics == 0)
        e.metrics = UINT64_MAX;
    e.file = fopen(made_path(&directory, "out", path, sizeof path), "w+b");
    assert_non_null(e.file);
    if (export_samples(&e, table, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    assert_int_equal(e.damaged_count, 0);
    assert_int_equal(fseek(e.file, 0, SEEK_END), 0);
    *size = (size_t)ftell(e.file);
    rewind(e.file);
    text = malloc(*size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, *size, e.file), *size);
    text[*size] = '\0';
    (void)fclose(e.file);
    return text;
}

/* How many rows there were. */
static uint64_t assert_same_both_ways(struct export e, const char *name)
{
    size_t fast_size, plain_size;
    uint64_t lines = 0;
    char *fast, *plain;

    e.output.format = OUTPUT_CSV;
    e.plainly = false;
    fast = export_text(e, name, &fast_size);
    e.plainly = true;
    plain = export_text(e, name, &plain_size);
    for (size_t i = 0; i < fast_size && i < plain_size && fast[i] == plain[i]; i++)
        lines += fast[i] == '\n';
    if (fast_size != plain_size || memcmp(fast, plain, fast_size) != 0)
        fail_msg("%s differs in line %llu", name, (unsigned long long)lines + 1);
    free(fast);
    free(plain);
    return lines - 1;
}

static void check_windows(const char *path)
{
    struct subject subject = open_subject(path);
    struct export e = { .subject = &subject };
    int64_t first = subject.first_ns, last = subject.last_ns, length = last - first;
    uint64_t whole = 0, parts = 0;

    for (size_t t = 0; t < subject.contents->table_count; t++) /* others stay empty */
        assert_int_equal(assert_same_both_ways(e, subject.contents->tables[t].name) > 0,
                         t <= TABLE_RECORDER || t == TABLE_GPU_PROCESS);
    whole = assert_same_both_ways(e, "process_samples");
    subject.whole = false;
    for (int i = 0; i < 7; i++) { /* windows that tile lose no row and give none twice */
        subject.window.from_ns = i == 0 ? first - 1 : first + length / 7 * i;
        subject.window.to_ns = i == 6 ? last : first + length / 7 * (i + 1);
        parts += assert_same_both_ways(e, "process_samples");
    }
    assert_int_equal(parts, whole);
    subject.window = (struct window){ last, last + SECOND_NS };
    assert_int_equal(assert_same_both_ways(e, "process_samples"), 0);
    subject_close(&subject);
}

static void fast_csv_is_the_simple_one(void **state)
{
    char path[256];

    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        (void)made_path(&directory, seed == 1 ? "a" : seed == 2 ? "b" : "c", path, sizeof path);
        made_recording(path, seed, seed == 2 ? 3 : 1, seed != 3);
        check_windows(path);
    }
}

static void selected_processes_are_a_part(void **state)
{
    struct select select = { .comm = { "no such name" }, .comm_count = 1 };
    struct subject subject;
    struct export e = { .subject = &subject, .select = &select };
    char path[256];

    (void)state;
    made_recording(made_path(&directory, "selected", path, sizeof path), 9, 1, true);
    subject = open_subject(path);
    assert_int_equal(assert_same_both_ways(e, "process_samples"), 0);
    assert_true(assert_same_both_ways(e, "memory_samples") > 0); /* it has no processes */
    select = (struct select){ .comm = { "*" }, .comm_count = 1 };
    assert_true(assert_same_both_ways(e, "process_samples") > 0);
    subject_close(&subject);
}

/* --- a recording whose every value is known here --- */

struct model {
    uint64_t random;
    int64_t value[TICKS][SLOTS][PROCESS_METRIC_COUNT];
    uint8_t missing[TICKS][SLOTS][PROCESS_METRIC_COUNT];
    uint64_t mask[TICKS];
    size_t version[TICKS][SLOTS]; /* index into comms */
};

static const char *const comms[] = { "plain", "a,\"b\"", "=1+1", "tab\there", "\xff\\", " x ", "" };

static uint64_t any(struct model *m, uint64_t below)
{
    m->random = m->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (m->random >> 33) % below;
}

static int64_t any_value(struct model *m, size_t metric)
{
    static const int64_t edges[] = { INT64_MIN, INT64_MAX, 0, -1, 1, 9, 10, 99, 100, -10, 1000 };

    if (metric == PROCESS_STATE)
        return (int64_t)any(m, 14) - 2; /* some without a label */
    if (any(m, 3) == 0)
        return edges[any(m, COUNT_OF(edges))];
    return (int64_t)(any(m, 1u << 30) >> any(m, 30));
}

static void next_tick(struct model *m, size_t t, bool masks)
{
    m->mask[t] = UINT64_MAX;
    if (masks && any(m, 3) > 0)
        m->mask[t] = any(m, UINT64_C(1) << 31);
    for (size_t s = 0; s < SLOTS; s++) {
        m->version[t][s] =
            t == 0 || any(m, 12) == 0 ? any(m, COUNT_OF(comms)) : m->version[t - 1][s];
        for (size_t i = 0; i < PROCESS_METRIC_COUNT; i++) {
            bool same = t > 0 && any(m, 4) > 0;
            bool read = t == 0 || (m->mask[t] >> i & 1) != 0;

            m->value[t][s][i] = same ? m->value[t - 1][s][i] : any_value(m, i);
            m->missing[t][s][i] = same             ? m->missing[t - 1][s][i]
                                  : any(m, 5) == 0 ? (uint8_t)(1 + any(m, 4))
                                                   : MISSING_NONE;
            if (!read) { /* the writer ignores it */
                m->value[t][s][i] = m->value[t - 1][s][i];
                m->missing[t][s][i] = m->missing[t - 1][s][i];
            }
        }
    }
}

static void put_tick(const struct model *m, size_t t, struct tick *tick)
{
    made_tick(tick, MADE_START_NS + (int64_t)t * SECOND_NS);
    tick_sampled(tick, TABLE_PROCESS);
    tick->table[TABLE_PROCESS].column_mask = m->mask[t];
    for (uint32_t s = 0; s < SLOTS; s++) {
        int64_t *values;
        uint8_t *missing;

        if (t == 0)
            made_birth(tick, s, (int32_t)(100 + s), 50 + s, MADE_START_NS - SECOND_NS);
        if (t == 0 || m->version[t][s] != m->version[t - 1][s])
            made_name(tick, s, tick->start_ns, comms[m->version[t][s]], NULL);
        assert_non_null(
            tick_row_values(tick, TABLE_PROCESS, s, t == 0 ? ROW_FIRST : 0, &values, &missing));
        memcpy(values, m->value[t][s], sizeof m->value[t][s]);
        memcpy(missing, m->missing[t][s], sizeof m->missing[t][s]);
    }
}

static void record(struct model *m, const char *path, bool masks)
{
    struct writer_options options = { .path = path, .block_ticks = BLOCK_TICKS };
    struct session_facts facts;
    struct writer *writer;
    struct tick tick;
    struct error err = { 0 };

    tick_init(&tick);
    made_facts(&facts, MADE_START_NS, 1);
    assert_int_equal(writer_open(&writer, &options, &facts, &err), STATUS_OK);
    for (size_t t = 0; t < TICKS; t++) {
        next_tick(m, t, masks);
        put_tick(m, t, &tick);
        if (writer_tick(writer, &tick, &err) != STATUS_OK)
            fail_msg("%s", err.message);
    }
    assert_int_equal(writer_close(writer, "stop", &err), STATUS_OK);
    tick_release(&tick);
}

static char *put_scaled(char *out, int64_t value, int64_t scale)
{
    int128 product = (int128)value * scale;
    uint128 rest = product < 0 ? -(uint128)product : (uint128)product;
    char digits[48];
    int count = 0;

    do
        digits[count++] = (char)('0' + (int)(rest % 10));
    while ((rest /= 10) > 0);
    if (product < 0)
        *out++ = '-';
    while (count > 0)
        *out++ = digits[--count];
    return out;
}

static const char *label_of(int64_t state)
{
    static const char *const labels[] = {
        "unknown", "running", "sleeping", "disk-sleep", "stopped",
        "traced",  "zombie",  "dead",     "idle",       "parked"
    };

    return state >= 0 && state < (int64_t)COUNT_OF(labels) ? labels[state] : NULL;
}

/* The metrics of one row as they must be written; returns the end of the line. */
static char *put_metrics(const struct model *m, size_t t, size_t s, char *out)
{
    for (size_t i = 0; i < PROCESS_METRIC_COUNT; i++) {
        bool read = t == 0 || (m->mask[t] >> i & 1) != 0;
        int64_t value = m->value[t][s][i];

        *out++ = ',';
        if (!read || m->missing[t][s][i] != MISSING_NONE)
            continue;
        if (i == PROCESS_STATE && label_of(value) != NULL)
            out = stpcpy(out, label_of(value));
        else
            out = put_scaled(out, value, samples_tables[TABLE_PROCESS].metrics[i].scale);
    }
    return stpcpy(out, "\r\n");
}

/* The line of a sample ends as the model says: `line` is any line, found by its time and pid. */
static void check_line(const struct model *m, const char *line, size_t size)
{
    char expected[4096];
    int64_t time_ns;
    size_t t, s, length;
    long id, pid;

    assert_int_equal(sscanf(line + 31, "%" SCNd64 ",%ld,%ld", &time_ns, &id, &pid), 3);
    t = (size_t)((time_ns - MADE_START_NS) / SECOND_NS);
    s = (size_t)pid - 100;
    assert_true(t < TICKS && s < SLOTS);
    length = (size_t)(put_metrics(m, t, s, expected) - expected);
    assert_true(length < size);
    if (memcmp(line + size - length, expected, length) != 0)
        fail_msg("tick %zu of pid %ld:\n%.*sinstead of\n%s", t, pid, (int)size, line, expected);
}

static void check_model(struct model *m, bool masks)
{
    struct subject subject;
    struct export e = { .subject = &subject, .output.format = OUTPUT_CSV };
    size_t size, lines = 0;
    char path[256];
    char *text, *at;

    record(m, made_path(&directory, masks ? "masked" : "model", path, sizeof path), masks);
    subject = open_subject(path);
    text = export_text(e, "process_samples", &size);
    at = strchr(text, '\n') + 1; /* the header */
    while (*at != '\0') {
        char *end = strchr(at, '\n') + 1;

        check_line(m, at, (size_t)(end - at));
        at = end;
        lines++;
    }
    assert_int_equal(lines, TICKS * SLOTS);
    free(text);
    assert_int_equal(assert_same_both_ways(e, "process_samples"), lines);
    e.output.csv_safe = true;
    assert_int_equal(assert_same_both_ways(e, "process_samples"), lines);
    subject_close(&subject);
}

static void values_come_out_as_they_went_in(void **state)
{
    static struct model m = { .random = 5 };

    (void)state;
    check_model(&m, false);
}

static void values_not_read_are_empty(void **state)
{
    static struct model m = { .random = 6 };

    (void)state;
    check_model(&m, true);
}

static int open_directory(void **state)
{
    (void)state;
    made_directory_open(&directory);
    return 0;
}

static int close_directory(void **state)
{
    (void)state;
    made_directory_close(&directory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fast_csv_is_the_simple_one),
        cmocka_unit_test(selected_processes_are_a_part),
        cmocka_unit_test(values_come_out_as_they_went_in),
        cmocka_unit_test(values_not_read_are_empty),
    };

    return cmocka_run_group_tests(tests, open_directory, close_directory);
}
