/* What incidents do to their processes and to the host. */
#include "tools/generate_incident.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/bytes.h"

#define SECOND_NS INT64_C(1000000000)
#define MEBIBYTE (INT64_C(1) << 20)
#define PAGE_BYTES INT64_C(4096)

enum { STATE_RUNNING = 1, STATE_DISK_SLEEP = 3, CHILDREN_A_SECOND = 30 };

static const char *const kinds[INCIDENT_KIND_COUNT] = {
    "cpu-hog",   "fork-storm", "memory-eater",  "oom",
    "io-writer", "slow-disk",  "network-flood", "gpu-throttle",
};

static enum status parse_leak(struct incident *item, const char *text, struct error *err)
{
    const char *colon = strrchr(text, ':');
    char *end;

    *item = (struct incident){ .kind = INCIDENT_LEAK };
    if (colon == NULL || colon == text || colon - text >= INCIDENT_NAME_ROOM)
        return error_set(err, STATUS_INVALID, "\"%s\" is not COMM:BYTES_PER_HOUR", text);
    memcpy(item->name, text, (size_t)(colon - text));
    item->bytes_per_hour = strtoll(colon + 1, &end, 10);
    if (end == colon + 1 || *end != '\0' || item->bytes_per_hour < 0 ||
        item->bytes_per_hour > INT64_C(1) << 40)
        return error_set(err, STATUS_INVALID, "\"%s\" is no number of bytes", colon + 1);
    return STATUS_OK;
}

static enum status parse_service(struct incident *item, const char *text, struct error *err)
{
    size_t size = strcspn(text, ":");

    *item = (struct incident){ .kind = INCIDENT_SERVICE };
    if (size == 0 || size >= INCIDENT_NAME_ROOM)
        return error_set(err, STATUS_INVALID, "\"%s\" is not COMM:METRIC@SECOND", text);
    memcpy(item->name, text, size);
    return service_parse(&item->service, text + size, err);
}

static enum status parse_incident(struct incident *item, const char *text, struct error *err)
{
    char name[INCIDENT_NAME_ROOM], after;
    long long at, length = 60;
    int fields = sscanf(text, "%15[a-z-]@%lld:%lld%c", name, &at, &length, &after);

    *item = (struct incident){ .kind = INCIDENT_KIND_COUNT };
    if ((fields != 2 && fields != 3) || at < 1 || length < 1 ||
        (fields == 2 && text[strspn(text, "abcdefghijklmnopqrstuvwxyz-@0123456789")] != '\0'))
        return error_set(err, STATUS_INVALID, "\"%s\" is not KIND@SECOND or KIND@SECOND:SECONDS",
                         text);
    for (unsigned k = 0; k < INCIDENT_LEAK; k++)
        if (strcmp(name, kinds[k]) == 0)
            item->kind = (enum incident_kind)k;
    if (item->kind == INCIDENT_KIND_COUNT)
        return error_set(err, STATUS_INVALID, "no kind of incident is \"%s\"", name);
    memcpy(item->name, name, sizeof name);
    item->at_s = at;
    item->length_s = length;
    return STATUS_OK;
}

enum status incidents_init(struct incidents *incidents, const struct generate_options *options,
                           struct error *err)
{
    *incidents = (struct incidents){ .options = options,
                                     .count = options->incident_count,
                                     .random = { options->seed ^ UINT64_C(0x696e636964656e74) } };
    for (size_t i = 0; i < incidents->count; i++) {
        const char *text = options->incident[i].text;
        struct incident *item = &incidents->item[i];
        bool is_leak = options->incident[i].option == 'L';
        bool is_service = options->incident[i].option == 'V';

        if ((is_leak      ? parse_leak
             : is_service ? parse_service
                          : parse_incident)(item, text, err) != STATUS_OK)
            return error_prefix(err, is_leak ? "--leak" : is_service ? "--service" : "--incident");
    }
    return STATUS_OK;
}

/* --- what each does in a tick --- */

/* One tick of one incident; `p` is its process, NULL where it has none. */
struct doing {
    struct incidents *all;
    struct incident *item;
    struct population *population;
    struct process *p;
    const struct moment *moment;
    struct tick *tick;
    int64_t run_ns; /* of this tick, that it could run */
    bool last;
};

static void add_event(struct tick *tick, const char *kind, const char *detail, int64_t value,
                      int64_t duration_ns)
{
    struct tick_text name = tick_add_text(tick, kind, strlen(kind));
    struct tick_text text = tick_add_text(tick, detail, strlen(detail));
    struct tick_event *event = tick_add_event(tick);

    if (event != NULL)
        *event = (struct tick_event){ .at_ns = tick->start_ns,
                                      .kind = name,
                                      .detail = text,
                                      .value = value,
                                      .duration_ns = duration_ns };
}

/* So much of the time of one core. */
static void run(struct doing *d, int64_t permille)
{
    d->item->cpu_us += activity_drive(&d->p->activity, d->run_ns / 1000000 * permille,
                                      d->moment->now_ns, &d->population->host);
    d->p->activity.value[PROCESS_STATE] = STATE_RUNNING;
}

static void fork_one(struct doing *d)
{
    int64_t life_us = random_between(&d->all->random, 5000, 30000);
    int64_t start_ns = random_between(&d->all->random, d->moment->before_ns + 1,
                                      d->moment->now_ns - life_us * 1000);
    struct process *child =
        population_add(d->population, "storm-child", 0, d->item->pid, start_ns, d->moment, d->tick);
    int64_t run_us;

    if (child == NULL)
        return;
    child->end_ns = start_ns + life_us * 1000;
    child->activity.value[PROCESS_THREADS] = 1;
    run_us = activity_drive(&child->activity, life_us * 4 / 5, child->end_ns, &d->population->host);
    d->item->children++;
    d->item->children_us += run_us;
}

static void storm(struct doing *d)
{
    int64_t truth_id = d->p->truth_id;
    int64_t children = d->run_ns * CHILDREN_A_SECOND / SECOND_NS;

    run(d, 120);
    d->all->strain.cpu_ppm += 200000;
    for (int64_t i = 0; i < children && d->run_ns > 40000000; i++)
        fork_one(d); /* the slots may have moved */
    d->p = population_find(d->population, truth_id);
}

static void eat_memory(struct doing *d)
{
    int64_t *v = d->p->activity.value;
    int64_t more = d->run_ns / (SECOND_NS / 40) * MEBIBYTE;

    v[PROCESS_RESIDENT_BYTES] += more;
    v[PROCESS_VIRTUAL_BYTES] += more;
    v[PROCESS_MINOR_FAULTS_TOTAL] += more / PAGE_BYTES;
    run(d, 250);
    d->all->strain.memory_bytes += v[PROCESS_RESIDENT_BYTES];
    d->all->strain.memory_ppm += 300000;
    if (d->item->kind != INCIDENT_OOM || !d->last)
        return;
    d->p->killed = true;
    d->all->strain.oom_kills++;
    add_event(d->tick, "oom_kill", "1 killed for lack of memory, 1 since boot", 1, 0);
}

static void write_much(struct doing *d)
{
    int64_t *v = d->p->activity.value;
    int64_t bytes = d->run_ns / 1000 * 80 / PAGE_BYTES * PAGE_BYTES;

    run(d, 80);
    v[PROCESS_DISK_WRITTEN_BYTES_TOTAL] += bytes;
    v[PROCESS_IO_WRITTEN_CHARS_TOTAL] += bytes;
    v[PROCESS_BLOCK_DELAY_NS_TOTAL] += d->run_ns / 1000 * 6 / 10;
    v[PROCESS_STATE] = STATE_DISK_SLEEP;
    d->all->strain.written_bytes += 80000000;
    d->all->strain.io_ppm += 500000;
}

static void slow_disk(struct doing *d)
{
    d->all->strain.slower = 60;
    d->all->strain.io_ppm += 400000;
    for (size_t s = 0; s < d->population->slot_count; s++) {
        struct process *p = &d->population->slots[s];

        if (!p->live || p->fresh || p->activity.behaviour != BEHAVIOUR_IO ||
            p->end_ns <= d->moment->now_ns)
            continue;
        p->activity.value[PROCESS_BLOCK_DELAY_NS_TOTAL] += d->run_ns / 1000 * 4 / 10;
        p->activity.value[PROCESS_STATE] = STATE_DISK_SLEEP;
        p->forced = true;
    }
}

static void throttle_gpu(struct doing *d, bool first)
{
    static const char detail[] = "gpu 0000:01:00.0: thermal slowdown";

    d->all->strain.gpu_ppm += 700000;
    if (first)
        add_event(d->tick, "throttle", detail, 0x40, 0);
    if (d->last)
        add_event(d->tick, "throttle_end", "gpu 0000:01:00.0", 0,
                  d->moment->now_ns - d->item->from_ns);
}

static void leak(struct doing *d)
{
    int64_t hours_ns = d->moment->now_ns - d->item->from_ns;
    int64_t *v = d->p->activity.value;

    run(d, 2);
    v[PROCESS_RESIDENT_BYTES] =
        64 * MEBIBYTE + (int64_t)((int128)d->item->bytes_per_hour * hours_ns / (3600 * SECOND_NS)) /
                            PAGE_BYTES * PAGE_BYTES;
    v[PROCESS_VIRTUAL_BYTES] = 2 * v[PROCESS_RESIDENT_BYTES];
}

static void serve(struct doing *d)
{
    struct service *service = &d->item->service;
    const struct moment *m = d->moment;

    d->item->cpu_us += service_run(service, d->item->name, &d->p->activity, d->run_ns,
                                   (m->now_ns - d->all->first_ns) / SECOND_NS, m->now_ns,
                                   &d->population->host, &d->all->random);
    service->down =
        service->restart_s > 0 && m->now_ns - service->started_ns >= service->restart_s * SECOND_NS;
}

static void act(struct doing *d, bool first)
{
    switch (d->item->kind) {
    case INCIDENT_CPU_HOG:
        d->p->activity.value[PROCESS_THREADS] = 2;
        run(d, 1900);
        d->all->strain.cpu_ppm += 600000;
        return;
    case INCIDENT_FORK_STORM:
        storm(d);
        return;
    case INCIDENT_MEMORY_EATER:
    case INCIDENT_OOM:
        eat_memory(d);
        return;
    case INCIDENT_IO_WRITER:
        write_much(d);
        return;
    case INCIDENT_SLOW_DISK:
        slow_disk(d);
        return;
    case INCIDENT_NETWORK_FLOOD:
        run(d, 350);
        d->p->sockets = 400;
        d->all->strain.received_bytes += 110000000;
        return;
    case INCIDENT_GPU_THROTTLE:
        throttle_gpu(d, first);
        return;
    case INCIDENT_SERVICE:
        serve(d);
        return;
    default:
        leak(d);
        return;
    }
}

/* --- when --- */

static bool has_process(const struct incident *item)
{
    return item->kind != INCIDENT_SLOW_DISK && item->kind != INCIDENT_GPU_THROTTLE;
}

/* Its process; a new one at the beginning, and of what lasts after the host or it was restarted. */
static struct process *culprit(struct doing *d, bool first)
{
    struct incident *item = d->item;
    bool in_view = !d->moment->session_first;
    int64_t start_ns = in_view ? d->moment->before_ns + 1000 : d->moment->now_ns - 5 * SECOND_NS;
    struct process *p = first ? NULL : population_find(d->population, item->truth_id);

    if (p != NULL || !first)
        return p;
    p = population_add(d->population, item->name,
                       item->kind == INCIDENT_SERVICE ? service_number(item->name) : 0, 1, start_ns,
                       d->moment, d->tick);
    if (p == NULL)
        return NULL;
    item->service.started_ns = d->moment->now_ns;
    item->service.down = false;
    p->activity.value[PROCESS_RESIDENT_BYTES] = 64 * MEBIBYTE;
    p->activity.value[PROCESS_VIRTUAL_BYTES] = 128 * MEBIBYTE;
    item->truth_id = p->truth_id;
    item->start_ns = p->start_ns;
    item->pid = p->pid;
    return p;
}

static void run_one(struct doing *d)
{
    struct incident *item = d->item;
    const struct moment *moment = d->moment;
    int64_t begin_ns = d->all->first_ns + item->at_s * SECOND_NS;
    int64_t end_ns = begin_ns + item->length_s * SECOND_NS;
    bool lasts = item->kind >= INCIDENT_LEAK, first = item->from_ns == 0;

    if (item->over || (!lasts && moment->now_ns < begin_ns))
        return;
    first |= lasts && moment->booted;
    if (first)
        item->from_ns = lasts ? moment->now_ns : moment->before_ns;
    first |= item->service.down;
    d->last = item->over = !lasts && moment->now_ns >= end_ns;
    item->to_ns = moment->now_ns;
    if (has_process(item)) {
        d->p = culprit(d, first);
        if (d->p == NULL) { /* the host was restarted */
            item->over = true;
            return;
        }
    }
    act(d, first);
    if (d->p == NULL)
        return;
    d->p->forced = d->p->status_due = true;
    if (d->last || item->service.down)
        d->p->end_ns = moment->now_ns - moment->awake_ns / 1000000 * 1000;
}

void incidents_run(struct incidents *incidents, struct population *population,
                   const struct moment *moment, struct tick *tick)
{
    incidents->strain = (struct strain){ 0 };
    if (moment->index == 0)
        incidents->first_ns = moment->now_ns;
    for (size_t i = 0; i < incidents->count; i++) {
        struct doing doing = { .all = incidents,
                               .item = &incidents->item[i],
                               .population = population,
                               .moment = moment,
                               .tick = tick,
                               .run_ns = moment->awake_ns };

        run_one(&doing);
    }
}

void incidents_after(struct incidents *incidents, struct population *population)
{
    for (size_t i = 0; i < incidents->count; i++) {
        struct incident *item = &incidents->item[i];
        struct process *p = NULL;

        if (item->truth_id != 0 && item->process_id == 0)
            p = population_find(population, item->truth_id);
        if (p != NULL)
            item->process_id = p->process_id;
    }
}
