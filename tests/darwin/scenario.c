/* Scenarios are ours: what is wrong with one ends the program. */
#include "tests/darwin/scenario.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

static const double ns_per_s = 1e9;

static void *need(void *memory)
{
    if (memory == NULL) {
        fputs("scenario: no memory\n", stderr);
        exit(2);
    }
    return memory;
}

static _Noreturn void wrong(const char *what, const char *name)
{
    fprintf(stderr, "scenario: %s: %s\n", what, name);
    exit(2);
}

static const cJSON *get(const cJSON *from, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(from, name);
}

static int64_t number(const cJSON *from, const char *name, int64_t otherwise)
{
    const cJSON *item = get(from, name);

    if (item == NULL || cJSON_IsNull(item))
        return otherwise;
    if (!cJSON_IsNumber(item))
        wrong("not a number", name);
    return scenario_integer(item->valuedouble);
}

static int64_t time_of(double seconds)
{
    return (int64_t)llround(seconds * ns_per_s);
}

static int64_t time_at(const cJSON *from, const char *name, int64_t otherwise)
{
    const cJSON *item = get(from, name);

    return item == NULL || cJSON_IsNull(item) ? otherwise : time_of(item->valuedouble);
}

static const char *text(const cJSON *from, const char *name, const char *otherwise)
{
    const cJSON *item = get(from, name);

    return item == NULL ? otherwise : need(strdup(item->valuestring));
}

static size_t count_of(const cJSON *array)
{
    return array == NULL ? 0 : (size_t)cJSON_GetArraySize(array);
}

static const cJSON *at(const cJSON *array, size_t index)
{
    return cJSON_GetArrayItem(array, (int)index);
}

static struct span span_of(const cJSON *from, const char *name)
{
    const cJSON *pair = get(from, name);

    if (pair == NULL)
        return (struct span){ FOREVER, FOREVER };
    return (struct span){ time_of(at(pair, 0)->valuedouble), time_of(at(pair, 1)->valuedouble) };
}

/* { "base": 0, "rates": [[0, 1000], [60, 0]] }, or the base alone */
static struct curve curve_of_item(const cJSON *item)
{
    const cJSON *rates;
    struct curve curve = { 0 };

    if (item == NULL)
        return curve;
    if (cJSON_IsNumber(item)) {
        curve.base = scenario_integer(item->valuedouble);
        return curve;
    }
    rates = get(item, "rates");
    curve.base = number(item, "base", 0);
    curve.count = count_of(rates);
    curve.rates = need(calloc(curve.count + 1, sizeof *curve.rates));
    for (size_t i = 0; i < curve.count; i++)
        curve.rates[i] = (struct rate){ time_of(at(at(rates, i), 0)->valuedouble),
                                        scenario_integer(at(at(rates, i), 1)->valuedouble) };
    return curve;
}

static struct curve curve_of(const cJSON *from, const char *name)
{
    return curve_of_item(get(from, name));
}

int64_t curve_at(const struct curve *curve, int64_t from_ns, int64_t at_ns)
{
    wide sum = (wide)curve->base * (int64_t)ns_per_s;

    for (size_t i = 0; i < curve->count; i++) {
        int64_t begin = curve->rates[i].from_ns, end = at_ns;

        if (i + 1 < curve->count && curve->rates[i + 1].from_ns < end)
            end = curve->rates[i + 1].from_ns;
        if (begin < from_ns)
            begin = from_ns;
        if (end > begin)
            sum += (wide)curve->rates[i].per_second * (end - begin);
    }
    return (int64_t)(sum / (int64_t)ns_per_s);
}

int64_t scenario_quantity_at(const cJSON *item, int64_t awake_ns)
{
    struct curve curve = curve_of_item(item);
    int64_t value = curve_at(&curve, 0, awake_ns);

    free(curve.rates);
    return value;
}

static const char **texts_of(const cJSON *from, const char *name)
{
    const cJSON *array = get(from, name);
    size_t count = count_of(array);
    const char **texts = need(calloc(count + 1, sizeof *texts));

    for (size_t i = 0; i < count; i++)
        texts[i] = need(strdup(at(array, i)->valuestring));
    return texts;
}

static struct program program_of(const cJSON *from, int64_t from_ns)
{
    return (struct program){
        .from_ns = from_ns,
        .comm = text(from, "comm", "unnamed"),
        .path = text(from, "path", NULL),
        .cwd = text(from, "cwd", "/"),
        .args = texts_of(from, "args"),
        .environment = texts_of(from, "env"),
    };
}

static void fill_curves(struct fake_process *p, const cJSON *from)
{
    p->cpu_user = curve_of(from, "cpu_user_ns");
    p->cpu_system = curve_of(from, "cpu_system_ns");
    p->footprint = curve_of(from, "footprint");
    p->resident = curve_of(from, "resident");
    p->disk_read = curve_of(from, "disk_read");
    p->disk_written = curve_of(from, "disk_written");
    p->energy = curve_of(from, "energy_nj");
    p->wakeups = curve_of(from, "wakeups");
    p->pageins = curve_of(from, "pageins");
    p->faults = curve_of(from, "faults");
    p->instructions = curve_of(from, "instructions");
    p->cycles = curve_of(from, "cycles");
}

/* "count": so many of them, with the next numbers, each another socket unless "socket" names one */
static void fill_files(struct fake_process *p, const cJSON *array)
{
    static const struct {
        const char *name;
        int32_t type, family, protocol, kind;
    } kinds[] = {
        { "vnode", 1, 0, 0, 0 },  { "pipe", 6, 0, 0, 0 },
        { "kqueue", 5, 0, 0, 0 }, { "tcp", 2, 2, 6, 2 },
        { "tcp6", 2, 30, 6, 2 },  { "udp", 2, 2, 17, 1 },
        { "udp6", 2, 30, 17, 1 }, { "icmp", 2, 2, 1, 1 },
        { "unix", 2, 1, 0, 3 },   { "kernel control", 2, 32, 2, 6 },
    };
    size_t count = 0;

    for (size_t i = 0; i < count_of(array); i++)
        count += (size_t)number(at(array, i), "count", 1);
    p->files = need(calloc(count + 1, sizeof *p->files));
    for (size_t i = 0; i < count_of(array); i++) {
        const cJSON *from = at(array, i);
        const char *kind = cJSON_GetStringValue(get(from, "kind"));
        const char *name = kind == NULL ? "vnode" : kind;

        for (int32_t k = 0; k < (int32_t)number(from, "count", 1); k++) {
            struct fake_file *file = &p->files[p->file_count++];

            *file = (struct fake_file){
                .fd = (int32_t)number(from, "fd", 0) + k,
                .port = (uint32_t)number(from, "port", 0),
                .there = get(from, "there") == NULL ? (struct span){ INT64_MIN, FOREVER }
                                                    : span_of(from, "there"),
                .state = curve_of(from, "state"),
                .receive = curve_of(from, "receive"),
                .send = curve_of(from, "send"),
            };
            file->socket =
                (uint64_t)number(from, "socket", p->pid * INT64_C(100000) + file->fd + 1);
            for (size_t n = 0; n < sizeof kinds / sizeof kinds[0]; n++)
                if (strcmp(kinds[n].name, name) == 0) {
                    file->type = kinds[n].type;
                    file->family = kinds[n].family;
                    file->protocol = kinds[n].protocol;
                    file->kind = kinds[n].kind;
                }
            if (file->type == 0)
                wrong("no kind of file", name);
        }
    }
}

static struct fake_process process_of(const cJSON *from)
{
    const cJSON *later = get(from, "exec");
    struct fake_process p = {
        .pid = (int32_t)number(from, "pid", 0),
        .ppid = (int32_t)number(from, "ppid", 1),
        .uid = (uint32_t)number(from, "uid", 0),
        .real_uid = (uint32_t)number(from, "real_uid", number(from, "uid", 0)),
        .group = (int32_t)number(from, "group", 0),
        .coalition = (uint64_t)number(from, "coalition", 0),
        .terminal = (uint32_t)number(from, "terminal", 0),
        .unique_id = (uint64_t)number(from, "unique_id", number(from, "pid", 0) + 1000),
        .status = (int32_t)number(from, "status", 0),
        .threads = (int32_t)number(from, "threads", 1),
        .nice = (int32_t)number(from, "nice", 0),
        .start_ns = time_at(from, "start_s", 0),
        .end_ns = time_at(from, "end_s", FOREVER),
        .path_gone = cJSON_IsTrue(get(from, "path_gone")),
        .no_arguments = cJSON_IsTrue(get(from, "no_arguments")),
        .program_count = 1 + count_of(later),
        .odd = { .count = number(from, "odd_argc", -1),
                 .alignment = (int)number(from, "odd_alignment", 8),
                 .no_final_nul = cJSON_IsTrue(get(from, "odd_no_final_nul")) },
    };

    p.reaped_ns = time_at(from, "reaped_s", p.end_ns);
    p.programs = need(calloc(p.program_count, sizeof *p.programs));
    p.programs[0] = program_of(from, p.start_ns);
    for (size_t i = 1; i < p.program_count; i++)
        p.programs[i] = program_of(at(later, i - 1), time_at(at(later, i - 1), "at_s", 0));
    fill_curves(&p, from);
    fill_files(&p, get(from, "files"));
    return p;
}

/* "repeat": so many more like it, with the next pids, each so many ms later */
static void fill_processes(struct scenario *s, const cJSON *array)
{
    size_t count = 0;

    for (size_t i = 0; i < count_of(array); i++)
        count += (size_t)number(at(array, i), "repeat", 1);
    s->processes = need(calloc(count, sizeof *s->processes));
    s->self = SIZE_MAX;
    for (size_t i = 0; i < count_of(array); i++) {
        const cJSON *from = at(array, i);
        int64_t repeat = number(from, "repeat", 1), every_ns = time_at(from, "repeat_every_s", 0);

        for (int64_t k = 0; k < repeat; k++) {
            struct fake_process *p = &s->processes[s->process_count++];

            *p = process_of(from);
            p->pid += (int32_t)k;
            p->unique_id += (uint64_t)k;
            p->start_ns += k * every_ns;
            p->programs[0].from_ns = p->start_ns;
            if (p->end_ns != FOREVER)
                p->end_ns += k * every_ns;
            if (p->reaped_ns != FOREVER)
                p->reaped_ns += k * every_ns;
        }
        if (cJSON_IsTrue(get(from, "self")))
            s->self = s->process_count - 1;
    }
    if (s->self == SIZE_MAX)
        wrong("no process is the recorder", "self");
}

static void fill_cores(struct scenario *s, const cJSON *machine)
{
    const cJSON *clusters = get(machine, "clusters"), *cores = get(machine, "cores");

    s->cluster_count = count_of(clusters);
    s->clusters = need(calloc(s->cluster_count + 1, sizeof *s->clusters));
    for (size_t i = 0; i < s->cluster_count; i++)
        s->clusters[i] = (struct cluster){ text(at(clusters, i), "name", ""),
                                           number(at(clusters, i), "cores", 0) };
    s->core_count = count_of(cores);
    s->cores = need(calloc(s->core_count + 1, sizeof *s->cores));
    for (size_t i = 0; i < s->core_count; i++) {
        const cJSON *before = get(at(cores, i), "before");

        s->cores[i] = (struct fake_core){ .user = curve_of(at(cores, i), "user_ns"),
                                          .system = curve_of(at(cores, i), "system_ns"),
                                          .off = span_of(at(cores, i), "off") };
        for (size_t k = 0; k < count_of(before) && k < 4; k++)
            s->cores[i].before[k] = (uint32_t)scenario_integer(at(before, k)->valuedouble);
    }
}

static void fill_interfaces(struct scenario *s, const cJSON *array)
{
    s->interface_count = count_of(array);
    s->interfaces = need(calloc(s->interface_count + 1, sizeof *s->interfaces));
    for (size_t i = 0; i < s->interface_count; i++) {
        const cJSON *from = at(array, i);

        s->interfaces[i] = (struct fake_interface){
            .name = text(from, "name", ""),
            .flags = (uint32_t)number(from, "flags", 0x41),
            .speed = number(from, "speed", 0),
            .there = get(from, "there") == NULL ? (struct span){ INT64_MIN, FOREVER }
                                                : span_of(from, "there"),
            .received_bytes = curve_of(from, "received_bytes"),
            .sent_bytes = curve_of(from, "sent_bytes"),
            .received_packets = curve_of(from, "received_packets"),
            .sent_packets = curve_of(from, "sent_packets"),
        };
    }
}

static void fill_machine(struct scenario *s, const cJSON *machine)
{
    static const char *const loads[] = { "load_1m", "load_5m", "load_15m" };
    static const char *const fields[VM_FIELD_COUNT] = {
        "free",     "active",   "inactive", "wire",     "purgeable", "speculative", "compressor",
        "external", "internal", "pageins",  "pageouts", "swapins",   "swapouts",
    };
    const cJSON *memory = get(machine, "memory");

    s->host = text(machine, "host", "mac");
    s->model = text(machine, "model", "Mac1,1");
    s->brand = text(machine, "brand", "Apple M1");
    s->arch = text(machine, "arch", "arm64");
    s->release = text(machine, "release", "23.5.0");
    s->boot_id = text(machine, "boot_id", "00000000-0000-4000-8000-000000000001");
    s->tb_hz = number(machine, "tbfrequency", 24000000);
    s->memory_bytes = number(machine, "memory_bytes", INT64_C(8) << 30);
    s->page_bytes = number(machine, "kernel_page_bytes", 16384);
    s->rusage_version = number(machine, "rusage_version", 6);
    s->vm_words = number(machine, "vm_words", 38);
    s->uptime_ns = time_at(machine, "uptime_s", time_of(86400));
    s->wall_start_ns = number(machine, "wall_start_s", 1790000000) * (int64_t)ns_per_s +
                       time_at(machine, "wall_start_fraction_s", 0);
    s->swap_total = number(machine, "swap_total", 0);
    s->swap_used = number(machine, "swap_used", 0);
    for (size_t i = 0; i < VM_FIELD_COUNT; i++)
        s->memory[i] = curve_of(memory, fields[i]);
    for (int i = 0; i < 3; i++)
        s->load[i] = curve_of(machine, loads[i]);
    s->pressure_level = curve_of(machine, "pressure_level");
    s->registry = cJSON_Duplicate(get(machine, "registry"), true);
    s->ioreport = cJSON_Duplicate(get(machine, "ioreport"), true);
    s->smc = cJSON_Duplicate(get(machine, "smc"), true);
    fill_cores(s, machine);
    fill_interfaces(s, get(machine, "interfaces"));
}

static struct jump *jumps_of(const cJSON *array, size_t *count)
{
    struct jump *jumps = need(calloc(count_of(array) + 1, sizeof *jumps));

    *count = count_of(array);
    for (size_t i = 0; i < *count; i++)
        jumps[i] = (struct jump){ time_of(at(at(array, i), 0)->valuedouble),
                                  time_of(at(at(array, i), 1)->valuedouble) };
    return jumps;
}

static void fill_coalitions(struct scenario *s, const cJSON *array)
{
    s->coalition_count = count_of(array);
    s->coalitions = need(calloc(s->coalition_count + 1, sizeof *s->coalitions));
    for (size_t i = 0; i < s->coalition_count; i++)
        s->coalitions[i] = (struct fake_coalition){
            .id = (uint64_t)number(at(array, i), "id", 0),
            .started = number(at(array, i), "started", 1),
            .ended = number(at(array, i), "ended", 0),
            .cpu = curve_of(at(array, i), "cpu_ns"),
            .read = curve_of(at(array, i), "disk_read"),
            .written = curve_of(at(array, i), "disk_written"),
            .footprint = curve_of(at(array, i), "footprint"),
        };
}

static void fill_users(struct scenario *s, const cJSON *users)
{
    s->user_count = count_of(users);
    s->users = need(calloc(s->user_count + 1, sizeof *s->users));
    for (size_t i = 0; i < s->user_count; i++)
        s->users[i] = (struct user){ (uint32_t)strtoul(at(users, i)->string, NULL, 10),
                                     need(strdup(at(users, i)->valuestring)) };
}

static char *read_all(const char *path)
{
    FILE *file = fopen(path, "re");
    size_t size = 0, got;
    char *all = NULL;

    if (file == NULL)
        wrong("cannot be read", path);
    do {
        all = need(realloc(all, size + 65536 + 1));
        got = fread(all + size, 1, 65536, file);
        size += got;
    } while (got > 0);
    fclose(file);
    all[size] = '\0';
    return all;
}

struct scenario *scenario_load(const char *path)
{
    struct scenario *s = need(calloc(1, sizeof *s));
    char *json = read_all(path);
    cJSON *root = cJSON_Parse(json);
    const cJSON *faults = get(root, "faults");

    if (root == NULL)
        wrong("not JSON", path);
    s->name = text(root, "name", path);
    s->duration_ns = time_at(root, "duration_s", time_of(600));
    fill_machine(s, get(root, "machine"));
    fill_users(s, get(root, "users"));
    fill_processes(s, get(root, "processes"));
    fill_coalitions(s, get(root, "coalitions"));
    s->coalition_bytes = number(get(root, "machine"), "coalition_bytes", 352);
    s->coalitions_refused = cJSON_IsTrue(get(faults, "coalitions_refused"));
    s->sleeps = jumps_of(get(root, "sleeps"), &s->sleep_count);
    s->wall_steps = jumps_of(get(root, "wall_steps"), &s->wall_step_count);
    s->iokit_faults = cJSON_Duplicate(get(faults, "iokit"), true);
    s->cores_fail = span_of(faults, "cores_fail");
    s->memory_fails = span_of(faults, "memory_fails");
    s->list_races = span_of(faults, "list_races");
    s->interfaces_race = span_of(faults, "interfaces_race");
    s->pids_race = span_of(faults, "pids_race");
    s->files_race = span_of(faults, "files_race");
    s->task_fails = span_of(faults, "task_fails");
    s->usage_fails = span_of(faults, "usage_fails");
    s->vm_fresh_answers = number(faults, "vm_fresh_answers", 2);
    cJSON_Delete(root);
    free(json);
    return s;
}
