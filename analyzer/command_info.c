/* procscope info: what a recording holds, and what it does not and why. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/command.h"
#include "analyzer/decimal.h"
#include "analyzer/human.h"
#include "analyzer/options.h"
#include "analyzer/rate.h"

static const char help[] =
    "usage: procscope info [FILE] [--format table|json]\n\n"
    "Tells what the recording holds: host, sessions, the time they span, collectors and why some\n"
    "are absent, its size by part, and what the recorder itself cost.\n";

struct info {
    struct subject subject;
    int64_t samples[64];       /* per table: rows at level 0 */
    int64_t gap_count;
    struct recording_size *sizes;
    size_t size_count;
    int64_t ticks;
    int64_t own_cpu_ns, own_resident; /* of the recorder; -1 not recorded */
};

/* The last sample of one metric of the row that stands for the whole recorder. */
static enum status own_metric(struct info *info, const struct recording_table *table,
                              const struct block_table *directory, const char *name,
                              int64_t *value, struct error *err)
{
    size_t position = recording_metric(table, name);
    struct block_column column = { 0 };
    struct rate_walk walk;
    struct interval in;
    enum status st;

    if (position == SIZE_MAX)
        return STATUS_OK;
    st = recording_column(info->subject.recording, directory,
                          directory->shape->first_column[position], SIZE_MAX, &column, err);
    for (size_t i = 0; st == STATUS_OK && i < directory->series_count; i++) {
        const struct recording_entity *e =
            recording_entity(info->subject.recording, directory->series[i].key[0]);

        if (e == NULL || strcmp(e->key, "recorder") != 0)
            continue;
        rate_begin(&walk, directory, &column, i);
        while (rate_next(&walk, &in))
            *value = in.value * table->metrics[position].scale;
    }
    block_column_release(&column);
    return st;
}

static enum status read_block(struct info *info, const struct recording_block *block,
                              struct error *err)
{
    const struct recording_contents *c = info->subject.contents;
    struct block_ticks ticks;
    enum status st = recording_ticks(info->subject.recording, block, &ticks, err);

    if (st != STATUS_OK)
        return st;
    info->ticks += ticks.count;
    for (uint32_t i = 0; i < ticks.count; i++)
        info->gap_count += ticks.gap[i];
    for (size_t t = 0; t < c->table_count && t < COUNT_OF(info->samples) && st == STATUS_OK; t++) {
        struct block_table directory;

        st = recording_directory(info->subject.recording, block, &c->tables[t], &ticks, &directory,
                                 err);
        if (st == STATUS_ABSENT) {
            st = STATUS_OK;
            continue;
        }
        if (st != STATUS_OK)
            break;
        info->samples[t] += (int64_t)directory.row[directory.series_count];
        if (strcmp(c->tables[t].name, "recorder_samples") == 0) {
            st = own_metric(info, &c->tables[t], &directory, "cpu_ns_total", &info->own_cpu_ns,
                            err);
            if (st == STATUS_OK)
                st = own_metric(info, &c->tables[t], &directory, "resident_bytes",
                                &info->own_resident, err);
        }
        block_table_release(&directory);
    }
    block_ticks_release(&ticks);
    return st;
}

static enum status gather(struct info *info, struct error *err)
{
    const struct recording_contents *c = info->subject.contents;

    info->own_cpu_ns = info->own_resident = -1;
    for (size_t b = 0; b < c->block_count[0]; b++)
        if (read_block(info, &c->blocks[0][b], err) != STATUS_OK)
            return err->status;
    return recording_sizes(info->subject.recording, &info->sizes, &info->size_count, err);
}

static const char *time_text(const struct info *info, int64_t time_ns, char text[80])
{
    *human_put_time(text, &info->subject.zone, time_ns) = '\0';
    return text;
}

static const char *bytes_text(int64_t bytes, char text[80])
{
    *human_put_bytes(text, (double)bytes) = '\0';
    return text;
}

static void print_sessions(const struct info *info)
{
    const struct recording_contents *c = info->subject.contents;
    char from[80], to[80];

    for (size_t s = 0; s < c->session_count; s++) {
        const struct recording_session *session = &c->sessions[s];
        bool open = session->end_ns == NO_TIME;

        (void)printf("session %-4" PRId64 " %s to %s%s%s, every %g s, process source %s, by "
                     "procscoped %s\n",
                     session->session_id, time_text(info, session->wall_start_ns, from),
                     open ? "?" : time_text(info, session->end_ns, to), open ? "" : ", ended: ",
                     open ? " (being written, or killed)" : session->end_reason,
                     (double)session->interval_ns / 1e9, session->process_source,
                     session->version);
    }
}

static void print_collectors(const struct info *info)
{
    const struct recording_contents *c = info->subject.contents;
    int64_t last = c->session_count == 0 ? 0 : c->sessions[c->session_count - 1].session_id;

    for (size_t i = 0; i < c->capability_count; i++) {
        const struct recording_capability *cap = &c->capabilities[i];

        if (cap->session_id != last)
            continue;
        (void)printf("collector    %-10s %s%s%s\n", cap->collector, cap->status,
                     cap->reason[0] == '\0' ? "" : ": ", cap->reason);
        if (cap->enable[0] != '\0')
            (void)printf("             %-10s to enable: %s\n", "", cap->enable);
    }
}

static void print_sizes(const struct info *info)
{
    const struct recording_contents *c = info->subject.contents;
    char text[80];

    for (size_t i = 0; i < info->size_count; i++)
        if (info->sizes[i].bytes > 0)
            (void)printf("  %-36s %10s\n", info->sizes[i].part,
                         bytes_text(info->sizes[i].bytes, text));
    for (size_t t = 0; t < c->table_count && t < COUNT_OF(info->samples); t++)
        (void)printf("samples      %-18s %" PRId64 "\n", c->tables[t].name, info->samples[t]);
    if (c->table_count > 0 && info->samples[0] > 0)
        (void)printf("density      %.2f bytes per process-sample, everything included\n",
                     (double)c->file_bytes / (double)info->samples[0]);
}

static void print_table(const struct info *info)
{
    const struct recording_contents *c = info->subject.contents;
    const struct recording_session *s =
        c->session_count == 0 ? NULL : &c->sessions[c->session_count - 1];
    char from[80], to[80];

    (void)printf("recording    %s, format %d.%d\n", c->path, c->format_major, c->format_minor);
    if (s != NULL)
        (void)printf("host         %s: %s %s %s, %" PRId64 " cores (%s), %s of memory, zone %s\n",
                     s->host, s->os, s->release, s->machine, s->core_count, s->hardware,
                     bytes_text(s->memory_bytes, from), s->zone[0] == '\0' ? "unknown" : s->zone);
    (void)printf("span         %s to %s: %" PRId64 " ticks, %" PRId64 " gaps\n",
                 time_text(info, info->subject.first_ns, from),
                 time_text(info, info->subject.last_ns, to), info->ticks, info->gap_count);
    print_sessions(info);
    print_collectors(info);
    if (info->own_cpu_ns >= 0 && info->ticks > 0)
        (void)printf("cost         %.1f us of CPU per tick in the last session's recorder\n",
                     (double)info->own_cpu_ns / 1000.0 / (double)info->ticks);
    if (info->own_resident >= 0)
        (void)printf("             %s resident\n", bytes_text(info->own_resident, from));
    (void)printf("size         %s:\n", bytes_text(c->file_bytes, from));
    print_sizes(info);
}

static cJSON *sessions_json(const struct recording_contents *c)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < c->session_count; i++) {
        const struct recording_session *s = &c->sessions[i];
        cJSON *o = cJSON_CreateObject();
        char number[32];

        (void)cJSON_AddNumberToObject(o, "session_id", (double)s->session_id);
        (void)snprintf(number, sizeof number, "%" PRId64, s->wall_start_ns);
        (void)cJSON_AddRawToObject(o, "start_ns", number);
        (void)snprintf(number, sizeof number, "%" PRId64, s->end_ns);
        (void)cJSON_AddRawToObject(o, "end_ns", s->end_ns == NO_TIME ? "null" : number);
        (void)cJSON_AddStringToObject(o, "end_reason", s->end_reason);
        (void)cJSON_AddStringToObject(o, "host", s->host);
        (void)cJSON_AddStringToObject(o, "os", s->os);
        (void)cJSON_AddStringToObject(o, "release", s->release);
        (void)cJSON_AddStringToObject(o, "version", s->version);
        (void)cJSON_AddStringToObject(o, "process_source", s->process_source);
        (void)cJSON_AddNumberToObject(o, "interval_seconds", (double)s->interval_ns / 1e9);
        (void)cJSON_AddItemToArray(list, o);
    }
    return list;
}

static cJSON *collectors_json(const struct recording_contents *c)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < c->capability_count; i++) {
        const struct recording_capability *cap = &c->capabilities[i];
        cJSON *o = cJSON_CreateObject();

        (void)cJSON_AddNumberToObject(o, "session_id", (double)cap->session_id);
        (void)cJSON_AddStringToObject(o, "collector", cap->collector);
        (void)cJSON_AddStringToObject(o, "status", cap->status);
        (void)cJSON_AddStringToObject(o, "reason", cap->reason);
        (void)cJSON_AddStringToObject(o, "enable", cap->enable);
        (void)cJSON_AddItemToArray(list, o);
    }
    return list;
}

static enum status print_json(const struct info *info, struct error *err)
{
    const struct recording_contents *c = info->subject.contents;
    cJSON *root = cJSON_CreateObject();
    cJSON *sizes = cJSON_CreateObject();
    cJSON *samples = cJSON_CreateObject();
    char *text;

    (void)cJSON_AddStringToObject(root, "path", c->path);
    (void)cJSON_AddNumberToObject(root, "file_bytes", (double)c->file_bytes);
    (void)cJSON_AddNumberToObject(root, "ticks", (double)info->ticks);
    (void)cJSON_AddNumberToObject(root, "gaps", (double)info->gap_count);
    (void)cJSON_AddBoolToObject(root, "unclean", c->unclean);
    (void)cJSON_AddItemToObject(root, "sessions", sessions_json(c));
    (void)cJSON_AddItemToObject(root, "collectors", collectors_json(c));
    for (size_t i = 0; i < info->size_count; i++)
        (void)cJSON_AddNumberToObject(sizes, info->sizes[i].part, (double)info->sizes[i].bytes);
    (void)cJSON_AddItemToObject(root, "bytes", sizes);
    for (size_t t = 0; t < c->table_count && t < COUNT_OF(info->samples); t++)
        (void)cJSON_AddNumberToObject(samples, c->tables[t].name, (double)info->samples[t]);
    (void)cJSON_AddItemToObject(root, "samples", samples);
    text = cJSON_Print(root);
    cJSON_Delete(root);
    if (text == NULL)
        return error_set(err, STATUS_NO_MEMORY, "info");
    (void)puts(text);
    cJSON_free(text);
    return STATUS_OK;
}

static enum status run(int argc, char **argv, struct error *err)
{
    struct info info = { 0 };
    struct options options;
    enum status st = options_parse(&options, OPTIONS_FORMAT, NULL, 0, argc, argv, err);

    if (st == STATUS_OK && options.format != OUTPUT_TABLE && options.format != OUTPUT_JSON)
        st = error_set(err, STATUS_INVALID, "--format table or json");
    if (st == STATUS_OK)
        st = subject_open(&info.subject, &options, err);
    if (st == STATUS_OK)
        st = gather(&info, err);
    if (st == STATUS_OK && options.format == OUTPUT_JSON)
        st = print_json(&info, err);
    else if (st == STATUS_OK)
        print_table(&info);
    free(info.sizes);
    subject_close(&info.subject);
    return st;
}

const struct command command_info = { "info", "what a recording holds, and what not and why", help,
                                      run, 0 };
