/* Parsers of /proc/PID files; formats: proc(5), fs/proc/array.c and fs/proc/base.c of Linux. */
#include "recorder/collectors/procfs_linux.h"

#include <string.h>

/* What is left to parse; `bad` remembers the first thing that was not a number. */
struct cursor {
    const char *at, *end;
    bool bad;
};

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
        c->at++;
}

static uint64_t get_unsigned(struct cursor *c)
{
    uint64_t value = 0;
    const char *first;

    skip_blanks(c);
    for (first = c->at; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(*c->at - '0'), &value))
            c->bad = true;
    }
    c->bad |= c->at == first;
    return value;
}

static int64_t get_signed(struct cursor *c)
{
    uint64_t value;
    bool negative;

    skip_blanks(c);
    negative = c->at < c->end && *c->at == '-';
    if (negative)
        c->at++;
    value = get_unsigned(c);
    if (value > INT64_MAX) {
        c->bad = true;
        return 0;
    }
    return negative ? -(int64_t)value : (int64_t)value;
}

static int32_t get_small(struct cursor *c)
{
    int64_t value = get_signed(c);

    c->bad |= value < INT32_MIN || value > INT32_MAX;
    return c->bad ? 0 : (int32_t)value;
}

static void skip_fields(struct cursor *c, unsigned count)
{
    while (count-- > 0) {
        skip_blanks(c);
        if (c->at == c->end)
            c->bad = true;
        while (c->at < c->end && *c->at != ' ' && *c->at != '\t' && *c->at != '\n')
            c->at++;
    }
}

/*
 * The comm may hold parentheses, blanks and newlines. Behind it come only a letter and numbers, so
 * that it ends at the text's last parenthesis.
 */
static bool get_comm(struct cursor *c, struct proc_stat *stat)
{
    size_t left = (size_t)(c->end - c->at);
    const char *open = memchr(c->at, '(', left);
    const char *close = memrchr(c->at, ')', left);
    size_t size;

    if (open == NULL || close == NULL || close < open)
        return false;
    size = (size_t)(close - open - 1);
    stat->comm_size = size < PROC_COMM_MAX ? size : PROC_COMM_MAX;
    memcpy(stat->comm, open + 1, stat->comm_size);
    stat->comm[stat->comm_size] = '\0';
    c->at = close + 1;
    return true;
}

static void get_stat_fields(struct cursor *c, struct proc_stat *stat)
{
    skip_blanks(c);
    stat->state = c->at < c->end ? *c->at++ : '\0';
    stat->ppid = get_small(c);
    skip_fields(c, 4); /* pgrp session tty_nr tpgid */
    stat->flags = get_unsigned(c);
    stat->minor_faults = get_unsigned(c);
    skip_fields(c, 1); /* cminflt */
    stat->major_faults = get_unsigned(c);
    skip_fields(c, 1); /* cmajflt */
    stat->user_ticks = get_unsigned(c);
    stat->system_ticks = get_unsigned(c);
    skip_fields(c, 3); /* cutime cstime priority */
    stat->nice = get_signed(c);
    stat->threads = get_signed(c);
    skip_fields(c, 1); /* itrealvalue */
    stat->start_ticks = get_unsigned(c);
    stat->virtual_bytes = get_unsigned(c);
    stat->resident_pages = get_signed(c);
    skip_fields(c, 1); /* rsslim */
    stat->start_code = get_unsigned(c);
    skip_fields(c, 1); /* endcode */
    stat->start_stack = get_unsigned(c);
    skip_fields(c, 10); /* kstkesp kstkeip signal blocked sigignore sigcatch wchan nswap cnswap
                           exit_signal */
    stat->last_cpu = get_signed(c);
    skip_fields(c, 2); /* rt_priority policy */
    stat->block_delay_ticks = get_unsigned(c);
}

enum status procfs_parse_stat(const char *text, size_t size, struct proc_stat *stat,
                              struct error *err)
{
    struct cursor c = { .at = text, .end = text + size };

    stat->pid = get_small(&c);
    if (c.bad || !get_comm(&c, stat))
        return error_set(err, STATUS_CORRUPT, "stat: no pid and (comm)");
    get_stat_fields(&c, stat);
    /* A cut text could end inside a number: the next blank proves that it did not. */
    if (c.bad || c.at == c.end)
        return error_set(err, STATUS_CORRUPT, "stat of pid %d: cut or not a number", stat->pid);
    return STATUS_OK;
}

enum status procfs_parse_schedstat(const char *text, size_t size, struct proc_schedstat *sched,
                                   struct error *err)
{
    struct cursor c = { .at = text, .end = text + size };

    sched->run_ns = get_unsigned(&c);
    sched->delay_ns = get_unsigned(&c);
    sched->slices = get_unsigned(&c);
    if (c.bad || c.at == c.end)
        return error_set(err, STATUS_CORRUPT, "schedstat: not three numbers");
    return STATUS_OK;
}

/* Split off the next whole "name: rest" line; false at the end, or when the last line is cut. */
static bool next_line(struct cursor *c, const char **name, size_t *name_size, struct cursor *rest)
{
    const char *end;

    while (c->at < c->end) {
        const char *line = c->at, *colon;

        end = memchr(line, '\n', (size_t)(c->end - line));
        if (end == NULL)
            return false;
        c->at = end + 1;
        colon = memchr(line, ':', (size_t)(end - line));
        if (colon == NULL)
            continue;
        *name = line;
        *name_size = (size_t)(colon - line);
        *rest = (struct cursor){ .at = colon + 1, .end = end };
        return true;
    }
    return false;
}

static bool is(const char *name, size_t size, const char *wanted)
{
    return strlen(wanted) == size && memcmp(name, wanted, size) == 0;
}

enum status procfs_parse_io(const char *text, size_t size, struct proc_io *io, struct error *err)
{
    static const char *const names[] = { "rchar", "wchar", "read_bytes", "write_bytes" };
    uint64_t *const values[] = { &io->read_chars, &io->written_chars, &io->read_bytes,
                                 &io->written_bytes };
    struct cursor c = { .at = text, .end = text + size }, rest;
    unsigned found = 0;
    const char *name;
    size_t name_size;

    while (next_line(&c, &name, &name_size, &rest)) {
        for (unsigned i = 0; i < COUNT_OF(names); i++) {
            if (is(name, name_size, names[i])) {
                *values[i] = get_unsigned(&rest);
                found |= rest.bad ? 0 : 1u << i;
            }
        }
    }
    if (found != (1u << COUNT_OF(names)) - 1)
        return error_set(err, STATUS_CORRUPT,
                         "io: rchar, wchar, read_bytes or write_bytes missing");
    return STATUS_OK;
}

enum { ANONYMOUS, FILES, SHARED, SWAP, VOLUNTARY, INVOLUNTARY, UID, STATUS_LINES };

enum status procfs_parse_status(const char *text, size_t size, struct proc_status *status,
                                struct error *err)
{
    static const char *const names[STATUS_LINES] = {
        "RssAnon",
        "RssFile",
        "RssShmem",
        "VmSwap",
        "voluntary_ctxt_switches",
        "nonvoluntary_ctxt_switches",
        "Uid",
    };
    uint64_t values[STATUS_LINES] = { 0 };
    struct cursor c = { .at = text, .end = text + size }, rest;
    unsigned found = 0;
    const char *name;
    size_t name_size;

    while (next_line(&c, &name, &name_size, &rest)) {
        for (unsigned i = 0; i < STATUS_LINES; i++) {
            if (found & 1u << i || !is(name, name_size, names[i]))
                continue;
            skip_fields(&rest, i == UID ? 1 : 0); /* the real one */
            values[i] = get_unsigned(&rest);
            if (i <= SWAP && __builtin_mul_overflow(values[i], UINT64_C(1024), &values[i]))
                rest.bad = true;
            found |= rest.bad ? 0 : 1u << i;
        }
    }
    *status = (struct proc_status){
        .has_memory = (found & 15) == 15,
        .has_switches = (found >> VOLUNTARY & 3) == 3,
        .has_uid = (found >> UID & 1) == 1,
        .anonymous_bytes = values[ANONYMOUS],
        .file_bytes = values[FILES],
        .shared_bytes = values[SHARED],
        .swap_bytes = values[SWAP],
        .switches_voluntary = values[VOLUNTARY],
        .switches_involuntary = values[INVOLUNTARY],
        .uid = (uint32_t)values[UID],
    };
    if (found == 0)
        return error_set(err, STATUS_CORRUPT, "status: none of the lines looked for");
    return STATUS_OK;
}

int32_t procfs_pid(const char *name)
{
    int64_t pid = 0;

    if (*name < '1' || *name > '9')
        return 0;
    for (; *name >= '0' && *name <= '9'; name++) {
        pid = pid * 10 + (*name - '0');
        if (pid > INT32_MAX)
            return 0;
    }
    return *name == '\0' ? (int32_t)pid : 0;
}

int64_t procfs_state_label(char letter)
{
    /* In the order of the labels in schema/catalog.c, which index 0, "unknown", begins. */
    static const char *const letters[] = { "", "R", "S", "DKW", "T", "t", "Z", "Xx", "I", "P" };

    for (size_t i = 1; i < COUNT_OF(letters); i++) {
        if (letter != '\0' && strchr(letters[i], letter) != NULL)
            return (int64_t)i;
    }
    return 0;
}

size_t procfs_stable_comm(const struct proc_stat *stat)
{
    static const char worker[] = "kworker/";
    size_t size = sizeof worker - 1;

    if (!(stat->flags & PROC_FLAG_KERNEL_THREAD) || stat->comm_size < size ||
        memcmp(stat->comm, worker, size) != 0)
        return stat->comm_size;
    /* "kworker/R-NAME" is named after its one queue; of all others '-' ends the name too. */
    if (size < stat->comm_size && stat->comm[size] == 'R')
        size = stat->comm_size < size + 2 ? stat->comm_size : size + 2;
    while (size < stat->comm_size && stat->comm[size] != '-' && stat->comm[size] != '+')
        size++;
    return size;
}
