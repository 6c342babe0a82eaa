/* The command line of make_recording. */
#include "tools/generate_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/generate_gpu.h"
#include "tools/generate_power.h"

#define SECOND_NS INT64_C(1000000000)

const char generate_usage[] =
    "usage: make_recording OUT.pscope [--processes N] [--seconds N] [--births PER_SECOND]\n"
    "       [--seed N] [--truth DIR] [--interval 1s] [--start 2026-01-05T00:00:00Z | @EPOCH]\n"
    "       [--mix default | goals | NAME=WEIGHT,...] [--suspend SECOND:LENGTH]...\n"
    "       [--late SECOND:LENGTH]... [--restart SECOND:DOWN]... [--reboot SECOND:DOWN]...\n"
    "       [--pid-reuse] [--missing] [--unclean] [--cmdline-bytes N] [--jitter NS] [--commit 60s] "
    "[--sync 0s]\n"
    "       [--step SECOND:SECONDS]... [--fall-back SECOND:SECONDS]\n"
    "       [--keep 24h] [--keep-rollups 48h] [--max-size BYTES] [--truth-hours FILE]\n"
    "       [--gpus N] [--gpu-processes N] [--gpu-interval 1s] [--gpu-process-interval 1s]\n"
    "       [--packages N] [--power-interval 10s]\n"
    "       [--split] [--tables all | NAME,...] [--truth-tables DIR]\n"
    "       [--incident KIND@SECOND[:SECONDS]]... [--leak COMM:BYTES_PER_HOUR]...\n"
    "       [--service COMM[:none|cpu|memory|io@SECOND[:RESTART_SECONDS]]]...\n"
    "--suspend (or --gap): the host sleeps. --late: ticks are missed. --restart: no recorder "
    "runs.\n"
    "--reboot: nor does the host. --step: the wall clock is set. --split: each session has a file "
    "of its own,\n"
    "OUT.pscope, OUT.pscope.2 and so on.\n"
    "--tables: more of samples than of processes, cores, memory and the recorder; event: events.\n"
    "Writes a recording of made-up processes; the same options give the same recording.\n"
    "--service: it uses about the same all the time, of one thing more from SECOND on.\n"
    "Incidents: cpu-hog fork-storm memory-eater oom io-writer slow-disk network-flood "
    "gpu-throttle.\n"
    "Behaviours: idle periodic bursty steady growing io churning busy asleep.\n";

/* Like the machines measured for the storage format; and the mix the goals are stated for. */
static const int64_t mix_default[BEHAVIOUR_COUNT] = { 35, 25, 12, 8, 5, 5, 10, 0, 0 };
static const int64_t mix_goals[BEHAVIOUR_COUNT] = { 90, 8, 0, 0, 0, 0, 0, 2, 0 };

static enum status parse_number(const char *text, int64_t low, int64_t high, int64_t *number,
                                struct error *err)
{
    char *end;

    errno = 0;
    *number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *number < low || *number > high)
        return error_set(err, STATUS_INVALID, "\"%s\" is no number from %lld to %lld", text,
                         (long long)low, (long long)high);
    return STATUS_OK;
}

static enum status parse_duration(const char *text, int64_t *ns, struct error *err)
{
    static const struct {
        const char *suffix;
        int64_t ns;
    } unit[] = { { "ns", 1 },        { "us", 1000 },          { "ms", 1000000 },
                 { "s", SECOND_NS }, { "m", 60 * SECOND_NS }, { "h", 3600 * SECOND_NS } };
    char *end;
    long long count = strtoll(text, &end, 10);

    for (size_t i = 0; end != text && i < COUNT_OF(unit); i++) {
        if (strcmp(end, unit[i].suffix) == 0 && count >= 0 && count < INT64_MAX / unit[i].ns) {
            *ns = count * unit[i].ns;
            return STATUS_OK;
        }
    }
    return error_set(err, STATUS_INVALID, "\"%s\" is no duration such as 1s or 100ms", text);
}

static enum status parse_start(const char *text, int64_t *ns, struct error *err)
{
    struct tm tm = { 0 };
    int64_t seconds;
    int end = 0;

    if (text[0] == '@') {
        enum status st = parse_number(text + 1, 0, INT64_C(4000000000), &seconds, err);
        *ns = seconds * SECOND_NS;
        return st;
    }
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) != 6 ||
        end == 0 || text[end] != '\0')
        return error_set(err, STATUS_INVALID, "\"%s\" is no time such as 2026-01-05T00:00:00Z",
                         text);
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *ns = (int64_t)timegm(&tm) * SECOND_NS;
    return STATUS_OK;
}

static enum status parse_births(const char *text, int64_t *ppm, struct error *err)
{
    char *end;
    double per_second = strtod(text, &end);

    if (end == text || *end != '\0' || !(per_second >= 0 && per_second <= 10000))
        return error_set(err, STATUS_INVALID, "\"%s\" is no rate from 0 to 10000", text);
    *ppm = (int64_t)(per_second * 1e6 + 0.5);
    return STATUS_OK;
}

static enum status parse_span(const char *text, bool either_way, struct generate_spans *spans,
                              struct error *err)
{
    long long at, length;
    char after;

    if (sscanf(text, "%lld:%lld%c", &at, &length, &after) != 2 || at < 1 || length == 0 ||
        (length < 0 && !either_way))
        return error_set(err, STATUS_INVALID, "\"%s\" is not SECOND:LENGTH", text);
    if (spans->count == GENERATE_SPANS_MAX)
        return error_set(err, STATUS_INVALID, "more than %d of one kind", GENERATE_SPANS_MAX);
    spans->span[spans->count++] = (struct generate_span){ at, length };
    return STATUS_OK;
}

static enum status parse_mix(const char *text, int64_t mix[], struct error *err)
{
    int64_t sum = 0;

    if (strcmp(text, "default") == 0 || strcmp(text, "goals") == 0) {
        memcpy(mix, text[0] == 'd' ? mix_default : mix_goals, sizeof mix_default);
        return STATUS_OK;
    }
    memset(mix, 0, sizeof mix_default);
    while (*text != '\0') {
        char name[16];
        int weight, end = 0, behaviour = -1;

        if (sscanf(text, "%15[a-z]=%d%n", name, &weight, &end) == 2 && weight >= 0)
            behaviour = behaviour_by_name(name);
        if (behaviour < 0 || (text[end] != ',' && text[end] != '\0'))
            return error_set(err, STATUS_INVALID, "\"%s\" is no mix such as idle=90,busy=2", text);
        mix[behaviour] = weight;
        sum += weight;
        text += end + (text[end] == ',');
    }
    if (sum == 0)
        return error_set(err, STATUS_INVALID, "a mix of nothing");
    return STATUS_OK;
}

/* Tables by name, with or without _samples; "event"; or "all". */
static enum status parse_tables(struct generate_options *o, const char *text, struct error *err)
{
    while (*text != '\0') {
        size_t size = strcspn(text, ","), known = 0;
        bool all = size == 3 && memcmp(text, "all", 3) == 0;
        bool event = size == 5 && memcmp(text, "event", 5) == 0;

        for (size_t t = 0; t < TABLE_COUNT; t++) {
            const char *name = samples_tables[t].name;
            bool same = strncmp(name, text, size) == 0 &&
                        (name[size] == '\0' || strcmp(name + size, "_samples") == 0);

            o->tables |= (uint64_t)(all || same) << t;
            known += same;
        }
        o->events |= all || event;
        if (!all && !event && known != 1)
            return error_set(err, STATUS_INVALID, "no table \"%.*s\"", (int)size, text);
        text += size + (text[size] == ',');
    }
    return STATUS_OK;
}

/* GPUs and who is on them, and CPU packages. */
static enum status parse_gpu(struct generate_options *o, int option, const char *text,
                             struct error *err)
{
    switch (option) {
    case 'G':
        return parse_number(text, 0, GPUS_MAX, &o->gpus, err);
    case 'P':
        return parse_number(text, 0, GPU_PROCESSES_MAX, &o->gpu_processes, err);
    case 'I':
        return parse_duration(text, &o->gpu_interval_ns, err);
    case 'J':
        return parse_duration(text, &o->gpu_process_interval_ns, err);
    case 'Q':
        return parse_number(text, 0, PACKAGES_MAX, &o->packages, err);
    case 'W':
        return parse_duration(text, &o->power_interval_ns, err);
    default:
        return error_set(err, STATUS_INVALID, "unknown option");
    }
}

/* What the recording may hold. */
static enum status parse_other(struct generate_options *o, int option, const char *text,
                               struct error *err)
{
    switch (option) {
    case 'k':
        return parse_duration(text, &o->keep_ns, err);
    case 'K':
        return parse_duration(text, &o->keep_rollups_ns, err);
    case 'x':
        return parse_number(text, 1, INT64_MAX, &o->max_bytes, err);
    case 'H':
        o->hours = text;
        return STATUS_OK;
    case 'F':
        o->split = true;
        return STATUS_OK;
    case 'R':
        o->pid_reuse = true;
        return STATUS_OK;
    case 'M':
        o->missing = true;
        return STATUS_OK;
    case 'u':
        o->unclean = true;
        return STATUS_OK;
    case 'a':
        return parse_tables(o, text, err);
    case 'A':
        o->tables_truth = text;
        return STATUS_OK;
    case 'n':
    case 'L':
    case 'V':
        if (o->incident_count == GENERATE_INCIDENTS_MAX)
            return error_set(err, STATUS_INVALID, "more than %d", GENERATE_INCIDENTS_MAX);
        o->incident[o->incident_count].option = option;
        o->incident[o->incident_count++].text = text;
        return STATUS_OK;
    default:
        return parse_gpu(o, option, text, err);
    }
}

static enum status parse_one(struct generate_options *o, int option, const char *text,
                             struct error *err)
{
    enum status st = STATUS_OK;
    struct generate_spans spans = { .count = 0 };
    int64_t number = 0;

    switch (option) {
    case 'p':
        return parse_number(text, 0, 1000000, &o->processes, err);
    case 's':
        return parse_number(text, 1, 366 * 86400, &o->seconds, err);
    case 'b':
        return parse_births(text, &o->births_ppm, err);
    case 'S':
        st = parse_number(text, 0, INT64_MAX, &number, err);
        o->seed = (uint64_t)number;
        return st;
    case 't':
        o->truth = text;
        return STATUS_OK;
    case 'i':
        return parse_duration(text, &o->interval_ns, err);
    case 'T':
        return parse_start(text, &o->start_ns, err);
    case 'm':
        return parse_mix(text, o->mix, err);
    case 'g':
        return parse_span(text, false, &o->gaps, err);
    case 'l':
        return parse_span(text, false, &o->lates, err);
    case 'r':
        return parse_span(text, false, &o->restarts, err);
    case 'B':
        return parse_span(text, false, &o->reboots, err);
    case 'w':
        return parse_span(text, true, &o->steps, err);
    case 'f':
        st = parse_span(text, false, &spans, err);
        o->fall_back = spans.span[0];
        return st;
    case 'c':
        return parse_number(text, 1, 100000, &o->cmdline_bytes, err);
    case 'j':
        return parse_number(text, 0, SECOND_NS, &o->jitter_ns, err);
    case 'C':
        return parse_duration(text, &o->commit_ns, err);
    case 'Y':
        return parse_duration(text, &o->sync_ns, err);
    default:
        return parse_other(o, option, text, err);
    }
}

/* What the options must fulfil together. */
static enum status check(struct generate_options *o, struct error *err)
{
    if (o->interval_ns < 10000000 || o->interval_ns > 3600 * SECOND_NS)
        return error_set(err, STATUS_INVALID, "the interval is not between 10ms and 1h");
    if (o->jitter_ns > o->interval_ns / 8)
        o->jitter_ns = o->interval_ns / 8;
    if (o->gpus == 0 && (o->tables >> TABLE_GPU & 3) != 0) /* and gpu_process, which follows it */
        o->gpus = 2;
    if (o->split && (o->truth != NULL || o->tables_truth != NULL || o->hours != NULL))
        return error_set(err, STATUS_INVALID, "a truth has the ids of one file: not with --split");
    if (o->unclean)
        o->commit_ns = 0; /* what was not committed would not be in the file, but in the truth */
    return STATUS_OK;
}

static const struct option names[] = {
    { "processes", 1, NULL, 'p' },
    { "seconds", 1, NULL, 's' },
    { "births", 1, NULL, 'b' },
    { "seed", 1, NULL, 'S' },
    { "truth", 1, NULL, 't' },
    { "interval", 1, NULL, 'i' },
    { "start", 1, NULL, 'T' },
    { "mix", 1, NULL, 'm' },
    { "gap", 1, NULL, 'g' },
    { "suspend", 1, NULL, 'g' },
    { "late", 1, NULL, 'l' },
    { "restart", 1, NULL, 'r' },
    { "pid-reuse", 0, NULL, 'R' },
    { "missing", 0, NULL, 'M' },
    { "unclean", 0, NULL, 'u' },
    { "cmdline-bytes", 1, NULL, 'c' },
    { "jitter", 1, NULL, 'j' },
    { "commit", 1, NULL, 'C' },
    { "step", 1, NULL, 'w' },
    { "fall-back", 1, NULL, 'f' },
    { "sync", 1, NULL, 'Y' },
    { "keep", 1, NULL, 'k' },
    { "keep-rollups", 1, NULL, 'K' },
    { "max-size", 1, NULL, 'x' },
    { "truth-hours", 1, NULL, 'H' },
    { "tables", 1, NULL, 'a' },
    { "truth-tables", 1, NULL, 'A' },
    { "incident", 1, NULL, 'n' },
    { "leak", 1, NULL, 'L' },
    { "reboot", 1, NULL, 'B' },
    { "gpus", 1, NULL, 'G' },
    { "gpu-processes", 1, NULL, 'P' },
    { "gpu-interval", 1, NULL, 'I' },
    { "gpu-process-interval", 1, NULL, 'J' },
    { "packages", 1, NULL, 'Q' },
    { "power-interval", 1, NULL, 'W' },
    { "split", 0, NULL, 'F' },
    { "service", 1, NULL, 'V' },
    { NULL, 0, NULL, 0 },
};

enum status generate_options_parse(struct generate_options *options, int argc, char *argv[],
                                   struct error *err)
{
    int option, index = 0;

    *options = (struct generate_options){
        .processes = 1000,
        .seconds = 3600,
        .seed = 1,
        .interval_ns = SECOND_NS,
        .start_ns = INT64_C(1767571200) * SECOND_NS,
        .jitter_ns = 100000,
        .commit_ns = 60 * SECOND_NS,
        .cmdline_bytes = 300,
        .gpu_processes = 3,
        .power_interval_ns = 10 * SECOND_NS,
    };
    memcpy(options->mix, mix_default, sizeof mix_default);
    while ((option = getopt_long(argc, argv, "", names, &index)) != -1) {
        enum status st = parse_one(options, option, optarg, err);

        if (st != STATUS_OK)
            return option == '?' ? st : error_prefix(err, "--%s", names[index].name);
    }
    if (optind != argc - 1)
        return error_set(err, STATUS_INVALID, "one output file is needed");
    options->path = argv[optind];
    return check(options, err);
}

const struct generate_span *generate_span_at(const struct generate_spans *spans, int64_t second)
{
    for (size_t i = 0; i < spans->count; i++) {
        const struct generate_span *span = &spans->span[i];

        if (second >= span->at_s && second < span->at_s + span->length_s)
            return span;
    }
    return NULL;
}
