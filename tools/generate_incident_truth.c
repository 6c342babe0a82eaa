/* The truth about incidents, as JSON. */
#include "tools/generate_incident.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *table, *key, *event; /* "": none */
} facts[INCIDENT_KIND_COUNT] = {
    [INCIDENT_CPU_HOG] = { "cpu-hog", "", "", "" },
    [INCIDENT_FORK_STORM] = { "fork-storm", "", "", "" },
    [INCIDENT_MEMORY_EATER] = { "memory-eater", "", "", "" },
    [INCIDENT_OOM] = { "oom", "", "", "oom_kill" },
    [INCIDENT_IO_WRITER] = { "io-writer", "disk_samples", "8:0", "" },
    [INCIDENT_SLOW_DISK] = { "slow-disk", "disk_samples", "8:0", "" },
    [INCIDENT_NETWORK_FLOOD] = { "network-flood", "network_samples", "eth0", "" },
    [INCIDENT_GPU_THROTTLE] = { "gpu-throttle", "gpu_samples", "0000:01:00.0", "throttle" },
    [INCIDENT_LEAK] = { "leak", "", "", "" },
    [INCIDENT_SERVICE] = { "service", "", "", "" },
};

static void put_name(FILE *file, const char *name)
{
    putc('"', file);
    for (const char *c = name; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == '"' || *c == '\\')
            fprintf(file, "\\u%04x", (unsigned)(unsigned char)*c);
        else
            putc(*c, file);
    }
    putc('"', file);
}

static void put_incident(FILE *file, const struct incident *item)
{
    fprintf(file,
            " {\"kind\": \"%s\", \"from_ns\": %" PRId64 ", \"to_ns\": %" PRId64
            ", \"table\": \"%s\", \"key\": \"%s\", \"event\": \"%s\"",
            facts[item->kind].name, item->from_ns, item->to_ns, facts[item->kind].table,
            facts[item->kind].key, facts[item->kind].event);
    if (item->truth_id != 0) {
        fputs(", \"comm\": ", file);
        put_name(file, item->name);
        fprintf(file,
                ", \"truth_id\": %" PRId64 ", \"process_id\": %" PRId64
                ", \"pid\": %d, \"start_ns\": %" PRId64 ", \"cpu_us\": %" PRId64,
                item->truth_id, item->process_id, item->pid, item->start_ns, item->cpu_us);
    }
    if (item->kind == INCIDENT_FORK_STORM)
        fprintf(file,
                ", \"child_comm\": \"storm-child\", \"children\": %" PRId64
                ", \"children_us\": %" PRId64,
                item->children, item->children_us);
    if (item->kind == INCIDENT_LEAK)
        fprintf(file, ", \"bytes_per_hour\": %" PRId64, item->bytes_per_hour);
    putc('}', file);
}

enum status incidents_write(const struct incidents *incidents, const char *directory,
                            struct error *err)
{
    char path[4200];
    FILE *file;
    bool good;

    (void)snprintf(path, sizeof path, "%s/incidents.json", directory);
    file = fopen(path, "w");
    if (file == NULL)
        return error_set(err, STATUS_IO, "create %s: %s", path, strerror(errno));
    putc('[', file);
    for (size_t i = 0; i < incidents->count; i++) {
        fputs(i == 0 ? "\n" : ",\n", file);
        put_incident(file, &incidents->item[i]);
    }
    fputs("\n]\n", file);
    good = ferror(file) == 0;
    return fclose(file) == 0 && good ? STATUS_OK
                                     : error_set(err, STATUS_IO, "write %s: failed", path);
}
