/* How the recording goes, as JSON: schema/CONTROL.md, "status". */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/host.h"
#include "recorder/session.h"
#include "version.h"

/* A whole number, all of its digits; cJSON's own are doubles. */
static bool add_int(cJSON *to, const char *name, int64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, value);
    return cJSON_AddRawToObject(to, name, text) != NULL;
}

static bool add_text(cJSON *to, const char *name, const char *text)
{
    return cJSON_AddStringToObject(to, name, text) != NULL;
}

static int64_t file_bytes(const char *recording, const char *suffix)
{
    char path[PATH_MAX + 8];
    struct stat info;

    (void)snprintf(path, sizeof path, "%s%s", recording, suffix);
    return stat(path, &info) == 0 ? (int64_t)info.st_size : 0;
}

static bool add_resident(cJSON *to)
{
    int64_t bytes = host_own_resident_bytes();

    return bytes < 0 ? cJSON_AddNullToObject(to, "resident_bytes") != NULL
                     : add_int(to, "resident_bytes", bytes);
}

static bool add_own_cost(cJSON *to)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return cJSON_AddNullToObject(to, "cpu_seconds") != NULL;
    return cJSON_AddNumberToObject(
               to, "cpu_seconds",
               (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
                   ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec) / 1e6) != NULL;
}

static bool add_files(cJSON *to, const struct session *session)
{
    return add_int(to, "file_bytes", file_bytes(session->path, "")) &&
           add_int(to, "wal_bytes", file_bytes(session->path, "-wal"));
}

static bool add_ticks(cJSON *to, const struct sampler_state *state)
{
    if (!add_int(to, "ticks", state->totals.ticks) ||
        !add_int(to, "missed", state->totals.missed) ||
        !add_int(to, "dropped", state->totals.dropped) ||
        !add_int(to, "lost", state->totals.lost) || !add_int(to, "queued", state->queued) ||
        !add_int(to, "processes_now", state->processes_now) ||
        !add_int(to, "processes_total", state->totals.processes) ||
        !add_int(to, "last_tick_ns", state->tick_ns))
        return false;
    return state->lateness_ns < 0 ? cJSON_AddNullToObject(to, "lateness_ns") != NULL
                                  : add_int(to, "lateness_ns", state->lateness_ns);
}

static bool add_trouble(cJSON *to, const struct session *session, const struct sampler_state *state)
{
    if (state->trouble_since_ns == INT64_MIN)
        return cJSON_AddNullToObject(to, "trouble") != NULL;
    return add_text(to, "trouble", state->trouble) &&
           add_int(to, "trouble_since_ns",
                   timebase_at(&session->context.timebase, state->trouble_since_ns));
}

static bool add_collectors(cJSON *to, const struct session *session)
{
    cJSON *list = cJSON_AddArrayToObject(to, "collectors");

    for (size_t i = 0; i < session->collect.count && list != NULL; i++) {
        const struct collect_entry *entry = &session->collect.entries[i];
        cJSON *one = cJSON_CreateObject();

        if (one == NULL || !cJSON_AddItemToArray(list, one)) {
            cJSON_Delete(one);
            return false;
        }
        if (!add_text(one, "name", entry->collector->name) ||
            !add_text(one, "status", capability_name(entry->capability.status)) ||
            !add_text(one, "reason", entry->capability.reason) ||
            !add_text(one, "enable", entry->capability.enable) ||
            cJSON_AddBoolToObject(one, "running", entry->running) == NULL)
            return false;
    }
    return list != NULL;
}

/* Who asks may be in another directory. */
static bool add_recording(cJSON *to, const char *path)
{
    char *real = realpath(path, NULL);
    bool added = add_text(to, "recording", real != NULL ? real : path);

    free(real);
    return added;
}

static bool add_session(cJSON *to, const struct session *session)
{
    const struct session_facts *facts = &session->facts;

    return add_text(to, "version", PROCSCOPE_VERSION) && add_int(to, "pid", getpid()) &&
           add_recording(to, session->path) && add_text(to, "host", facts->host) &&
           add_int(to, "since_ns", facts->timebase.wall_start_ns) &&
           add_int(to, "now_ns",
                   timebase_at(&facts->timebase, session->clock.boot_ns(session->clock.self))) &&
           add_int(to, "interval_ns", facts->interval_ns) &&
           add_text(to, "process_source", facts->process_source);
}

char *session_status(void *self)
{
    const struct session *session = self;
    cJSON *root = cJSON_CreateObject();
    struct sampler_state state;
    char *text = NULL;

    sampler_state(session->sampler, &state);
    if (root != NULL && add_session(root, session) && add_ticks(root, &state) &&
        add_files(root, session) && add_own_cost(root) && add_resident(root) &&
        add_trouble(root, session, &state) && add_collectors(root, session))
        text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    return text;
}
