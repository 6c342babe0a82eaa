/*
 * The live mapping is filled once from the open block, then changed as ticks change it: the place of
 * a process is its slot, so that one that did nothing costs four bytes a tick.
 */
#include "recorder/live_publish.h"

#include <stdio.h>
#include <string.h>

#include "schema/open_block.h"

void live_publisher_init(struct live_publisher *publisher, const struct session_facts *facts)
{
    *publisher = (struct live_publisher){ .facts = facts };
    atomic_init(&publisher->watched, false);
    (void)pthread_mutex_init(&publisher->lock, NULL);
}

void live_publisher_release(struct live_publisher *publisher)
{
    if (publisher->facts == NULL)
        return;
    live_publisher_unwatch(publisher);
    pthread_mutex_destroy(&publisher->lock);
    *publisher = (struct live_publisher){ .facts = NULL };
}

static void put_head(struct live_map *map, const struct session_facts *facts)
{
    memcpy(map->magic, live_magic, sizeof map->magic);
    map->layout_hash = live_layout_hash();
    map->size_bytes = sizeof *map;
    map->interval_ns = facts->interval_ns;
    map->boot_start_ns = facts->timebase.boot_start_ns;
    map->wall_start_ns = facts->timebase.wall_start_ns;
    map->pid = facts->pid;
    map->zone_offset_s = facts->zone_offset_s;
    (void)snprintf(map->version, sizeof map->version, "%s", facts->version);
    (void)snprintf(map->host, sizeof map->host, "%s", facts->host);
    (void)snprintf(map->zone, sizeof map->zone, "%s", facts->zone);
}

enum status live_publisher_watch(struct live_publisher *publisher, int *fd, struct error *err)
{
    struct shared_memory fresh;

    if (publisher->memory.data == NULL) {
        if (shared_memory_open(&fresh, sizeof(struct live_map), err) != STATUS_OK)
            return err->status;
        put_head(fresh.data, publisher->facts);
        pthread_mutex_lock(&publisher->lock);
        publisher->memory = fresh;
        publisher->generation++;
        publisher->filled = false;
        pthread_mutex_unlock(&publisher->lock);
        atomic_store(&publisher->watched, true);
    }
    *fd = publisher->memory.fd;
    return STATUS_OK;
}

void live_publisher_memory(const struct live_publisher *publisher, const void **memory,
                           size_t *size, uint64_t *generation)
{
    *memory = publisher->memory.data;
    *size = publisher->memory.size;
    *generation = publisher->generation;
}

void live_publisher_unwatch(struct live_publisher *publisher)
{
    struct shared_memory gone;

    atomic_store(&publisher->watched, false);
    pthread_mutex_lock(&publisher->lock);
    gone = publisher->memory;
    publisher->memory = (struct shared_memory){ .data = NULL };
    pthread_mutex_unlock(&publisher->lock);
    shared_memory_close(&gone);
}

/* --- one process --- */

/* As much of the text as there is room for, not cut within a UTF-8 character; the whole's size. */
static uint32_t put_text(char *to, size_t room, const struct text *text)
{
    size_t size = text->data == NULL ? 0 : text->size;
    size_t kept = size < room ? size : room;

    while (kept > 0 && kept < size && ((unsigned char)text->data[kept] & 0xc0) == 0x80)
        kept--;
    if (kept > 0)
        memcpy(to, text->data, kept);
    memset(to + kept, 0, room - kept);
    return (uint32_t)size;
}

static void put_identity(struct live_process *to, const struct process *process, int64_t at_ns)
{
    const struct version *version = process_version_at(process, at_ns);
    const struct version unknown = { .uid_known = false };

    if (version == NULL)
        version = &unknown;
    to->start_ns = process->start_ns;
    to->start_ticks = process->start_ticks;
    to->pid = process->pid;
    to->ppid = process->ppid;
    to->kernel_thread = (process->flags & BIRTH_KERNEL_THREAD) != 0;
    to->uid_known = version->uid_known;
    to->uid = version->uid_known ? version->uid : 0;
    to->comm_size = put_text(to->comm, sizeof to->comm, &version->text[PROCESS_COMM]);
    to->user_size = put_text(to->user, sizeof to->user, &version->text[PROCESS_USER]);
    to->cmdline_size = put_text(to->cmdline, sizeof to->cmdline, &version->text[PROCESS_CMDLINE]);
}

static void put_values(const struct build *build, size_t series, int64_t value[], uint8_t missing[],
                       size_t count)
{
    memcpy(value, build->value + series * count, count * sizeof *value);
    memcpy(missing, build->missing + series * count, count);
}

static void put_process(struct live_map *map, const struct open_block *block, size_t series,
                        int64_t now_ns)
{
    const struct build *build = &block->build[TABLE_PROCESS];
    const struct build_series *s = &build->series[series];
    struct live_process *to = &map->process[s->slot];
    const struct open_process *p = open_block_process(block, s->series.key[0]);

    if (to->process_id != s->series.key[0])
        to->born_in_view = (s->series.flags & SERIES_BORN) != 0; /* told until the next seal */
    to->process_id = s->series.key[0];
    to->since_ns = s->since_ns;
    if (p != NULL)
        put_identity(to, &p->process, now_ns);
    put_values(build, series, to->value, to->missing, PROCESS_METRIC_COUNT);
}

/* --- one tick --- */

static void put_cores(struct live_map *map, const struct writer *writer)
{
    const struct build *build = &writer_block(writer)->build[TABLE_CPU];
    uint32_t count = 0;

    for (size_t i = 0; i < build->series_count && count < LIVE_CORES_MAX; i++) {
        struct live_core *core = &map->core[count];

        if (!build->series[i].open)
            continue;
        if (core->entity_id != build->series[i].series.key[0]) {
            core->entity_id = build->series[i].series.key[0];
            writer_entity_name(writer, core->entity_id, core->name, sizeof core->name);
        }
        put_values(build, i, core->value, core->missing, CPU_METRIC_COUNT);
        count++;
    }
    map->tick.core_count = count;
}

static void put_memory(struct live_map *map, const struct open_block *block)
{
    const struct build *build = &block->build[TABLE_MEMORY];

    if (build->series_count > 0)
        put_values(build, 0, map->memory.value, map->memory.missing, MEMORY_METRIC_COUNT);
    else
        memset(map->memory.missing, MISSING_NOT_SAMPLED, sizeof map->memory.missing);
}

static void list_process(struct live_map *map, uint32_t slot)
{
    if (slot >= LIVE_PROCESSES_MAX) {
        map->tick.unlisted++;
        return;
    }
    map->process_at[map->tick.process_count++] = slot;
    if (slot >= map->tick.process_end)
        map->tick.process_end = slot + 1;
}

/* Everything that the open block knows to be alive. */
static void fill(struct live_map *map, const struct open_block *block)
{
    const struct build *build = &block->build[TABLE_PROCESS];

    map->tick.process_count = map->tick.unlisted = 0;
    for (size_t i = 0; i < build->series_count; i++) {
        uint32_t slot = build->series[i].slot;

        if (!build->series[i].open || slot == BUILD_NO_SERIES)
            continue;
        list_process(map, slot);
        if (slot < LIVE_PROCESSES_MAX)
            put_process(map, block, i, map->tick.start_ns);
    }
}

static uint32_t series_of(const struct build *build, uint32_t slot)
{
    return slot < build->slot_size && slot < LIVE_PROCESSES_MAX ? build->slot_series[slot]
                                                                : BUILD_NO_SERIES;
}

/* What this tick changed. */
static void change(struct live_map *map, const struct open_block *block, const struct tick *tick)
{
    const struct build *build = &block->build[TABLE_PROCESS];
    const struct tick_table *table = &tick->table[TABLE_PROCESS];

    if (table->sampled)
        map->tick.process_count = map->tick.unlisted = 0;
    for (size_t i = 0; i < table->row_count; i++) {
        const struct tick_row *row = &table->rows[i];
        uint32_t series = series_of(build, row->slot);

        if ((row->flags & ROW_LAST) != 0)
            continue;
        list_process(map, row->slot);
        if (series != BUILD_NO_SERIES && (row->flags & ROW_FIRST) != 0)
            put_process(map, block, series, tick->start_ns);
        else if (series != BUILD_NO_SERIES && row->at != ROW_SAME)
            put_values(build, series, map->process[row->slot].value,
                       map->process[row->slot].missing, PROCESS_METRIC_COUNT);
    }
    for (size_t i = 0; i < tick->version_count; i++) {
        uint32_t series = series_of(build, tick->versions[i].slot);

        if (series != BUILD_NO_SERIES)
            put_process(map, block, series, tick->start_ns);
    }
}

static void put_tick(struct live_map *map, const struct writer *writer, const struct tick *tick,
                     bool filled)
{
    const struct open_block *block = writer_block(writer);
    const struct block_ticks *ticks = &block->ticks;
    uint64_t sequence = atomic_load_explicit(&map->sequence, memory_order_relaxed);

    atomic_store_explicit(&map->sequence, sequence + 1, memory_order_relaxed);
    live_barrier();
    map->tick.seq = tick == NULL ? block->first_tick + ticks->count - 1 : tick->seq;
    map->tick.start_ns = ticks->start_ns[ticks->count - 1];
    map->tick.end_ns = map->tick.start_ns + ticks->sweep_ns[ticks->count - 1];
    map->tick.wall_ns = tick == NULL ? map->tick.start_ns : tick->wall_ns;
    if (sequence == 0)
        map->tick.last_gap_ns = INT64_MIN;
    if (ticks->gap[ticks->count - 1])
        map->tick.last_gap_ns = map->tick.start_ns;
    put_cores(map, writer);
    put_memory(map, block);
    if (filled && tick != NULL)
        change(map, block, tick);
    else
        fill(map, block);
    atomic_store_explicit(&map->sequence, sequence + 2, memory_order_release);
}

void live_publish(struct live_publisher *publisher, const struct writer *writer,
                  const struct tick *tick)
{
    if (!atomic_load_explicit(&publisher->watched, memory_order_relaxed))
        return;
    pthread_mutex_lock(&publisher->lock);
    if (publisher->memory.data != NULL && (tick != NULL || !publisher->filled) &&
        writer_block(writer)->ticks.count > 0) {
        put_tick(publisher->memory.data, writer, tick, publisher->filled);
        publisher->filled = true;
    }
    pthread_mutex_unlock(&publisher->lock);
}
