/* Reading the live mapping, as a stranger's: every count is checked before it is used. */
#include "schema/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ATTEMPTS = 200, PAUSE_NS = 1000000 };

const char live_magic[8] = { 'P', 'S', 'L', 'I', 'V', 'E', '\r', '\n' };

/* No padding that the compiler chose: both programs lay the structs out alike. */
_Static_assert(sizeof(struct live_core) == 8 + LIVE_NAME_BYTES + 9 * CPU_METRIC_COUNT, "core");
_Static_assert(sizeof(struct live_memory) == 9 * MEMORY_METRIC_COUNT + 4, "memory");
_Static_assert(sizeof(struct live_process) ==
                   64 + 2 * LIVE_NAME_BYTES + LIVE_CMDLINE_BYTES + 9 * PROCESS_METRIC_COUNT + 5,
               "process");
_Static_assert(sizeof(_Atomic uint64_t) == sizeof(uint64_t), "sequence");

/* --- layout --- */

/* FNV-1a, of a text with its NUL and of the eight bytes of a number. */
static uint64_t hash_byte(uint64_t hash, uint64_t byte)
{
    return (hash ^ (byte & 0xff)) * 0x100000001b3u;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    do
        hash = hash_byte(hash, (unsigned char)*text);
    while (*text++ != '\0');
    return hash;
}

static uint64_t hash_number(uint64_t hash, uint64_t number)
{
    for (int i = 0; i < 8; i++, number >>= 8)
        hash = hash_byte(hash, number);
    return hash;
}

uint64_t live_layout_hash(void)
{
    static const enum table_id tables[] = { TABLE_PROCESS, TABLE_CPU, TABLE_MEMORY };
    uint64_t hash = 0xcbf29ce484222325u;

    hash = hash_number(hash, LIVE_LAYOUT);
    hash = hash_number(hash, sizeof(struct live_map));
    hash = hash_number(hash, LIVE_PROCESSES_MAX);
    for (size_t t = 0; t < COUNT_OF(tables); t++) {
        const struct samples_table *table = &samples_tables[tables[t]];

        hash = hash_text(hash, table->name);
        for (size_t m = 0; m < table->metric_count; m++) {
            hash = hash_text(hash, table->metrics[m].name);
            hash = hash_text(hash, table->metrics[m].unit);
            hash = hash_number(hash, (uint64_t)table->metrics[m].scale);
        }
    }
    return hash;
}

/* --- where from --- */

enum status live_source_open(struct live_source *source, int fd, struct error *err)
{
    struct stat info;
    char first;
    void *memory;

    *source = (struct live_source){ .fd = fd };
    if (pread(fd, &first, sizeof first, 0) >= 0 || (errno != ENXIO && errno != EOPNOTSUPP))
        return STATUS_OK; /* if it cannot be read otherwise, reading tells */
    if (fstat(fd, &info) != 0 || info.st_size <= 0)
        return error_set(err, STATUS_CORRUPT, "the live mapping has no size");
    memory = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return error_set(err, STATUS_IO, "the live mapping: %s", strerror(errno));
    source->memory = memory;
    source->size = (size_t)info.st_size;
    source->mapped = true;
    return STATUS_OK;
}

void live_source_close(struct live_source *source)
{
    void *memory;

    memcpy(&memory, &source->memory, sizeof memory);
    if (source->mapped)
        (void)munmap(memory, source->size);
    *source = (struct live_source){ .memory = NULL };
}

/* --- reading --- */

static enum status read_at(const struct live_source *source, size_t at, void *to, size_t size,
                           struct error *err)
{
    char *out = to;
    size_t got = 0;

    if (source->memory != NULL) {
        if (at > source->size || size > source->size - at)
            return error_set(err, STATUS_CORRUPT, "the live mapping is shorter than it says");
        if (size > 0) /* of no cores there is nowhere to put them */
            memcpy(to, (const char *)source->memory + at, size);
        return STATUS_OK;
    }
    while (got < size) {
        ssize_t more = pread(source->fd, out + got, size - got, (off_t)(at + got));

        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            return error_set(err, STATUS_IO, "the live mapping: %s", strerror(errno));
        if (more == 0)
            return error_set(err, STATUS_CORRUPT, "the live mapping is shorter than it says");
        got += (size_t)more;
    }
    return STATUS_OK;
}

/* An array of so many, kept from tick to tick. */
static bool reserve(void *array, size_t *size, size_t count, size_t width)
{
    void *old, *larger;

    if (count <= *size)
        return true;
    memcpy(&old, array, sizeof old);
    larger = realloc(old, (count + count / 4) * width);
    if (larger == NULL)
        return false;
    memcpy(array, &larger, sizeof larger);
    *size = count + count / 4;
    return true;
}

enum status live_sequence(const struct live_source *source, uint64_t *sequence, struct error *err)
{
    enum status st;

    /* What is read before and after stays before and after, also on a CPU that likes to reorder. */
    live_barrier();
    st = read_at(source, offsetof(struct live_map, sequence), sequence, sizeof *sequence, err);
    live_barrier();
    return st;
}

static enum status read_head(struct live_view *view, const struct live_source *source,
                             struct error *err)
{
    struct {
        char magic[sizeof live_magic];
        uint64_t layout_hash;
    } head;

    if (read_at(source, 0, &head, sizeof head, err) != STATUS_OK)
        return err->status;
    if (memcmp(head.magic, live_magic, sizeof live_magic) != 0)
        return error_set(err, STATUS_CORRUPT, "this is no live mapping of a recorder");
    if (head.layout_hash != live_layout_hash())
        return error_set(err, STATUS_UNSUPPORTED,
                         "the recorder is of another version, whose live mapping this version "
                         "cannot read: use procscope and procscoped of one version");
    if (read_at(source, offsetof(struct live_map, interval_ns), &view->interval_ns,
                sizeof view->interval_ns, err) != STATUS_OK ||
        read_at(source, offsetof(struct live_map, zone_offset_s), &view->zone_offset_s,
                sizeof view->zone_offset_s, err) != STATUS_OK ||
        read_at(source, offsetof(struct live_map, version), view->version, sizeof view->version,
                err) != STATUS_OK ||
        read_at(source, offsetof(struct live_map, host), view->host, sizeof view->host, err) !=
            STATUS_OK ||
        read_at(source, offsetof(struct live_map, zone), view->zone, sizeof view->zone, err) !=
            STATUS_OK)
        return err->status;
    view->version[sizeof view->version - 1] = '\0';
    view->host[sizeof view->host - 1] = '\0';
    view->zone[sizeof view->zone - 1] = '\0';
    return STATUS_OK;
}

/* A copy of everything that the tick says is there; whether it is whole shows afterwards. */
static enum status read_tick(struct live_view *view, const struct live_source *source,
                             struct error *err)
{
    struct live_tick *tick = &view->tick;
    size_t list, processes;

    if (read_at(source, offsetof(struct live_map, tick), tick, sizeof *tick, err) != STATUS_OK ||
        read_at(source, offsetof(struct live_map, memory), &view->memory, sizeof view->memory,
                err) != STATUS_OK)
        return err->status;
    if (tick->core_count > LIVE_CORES_MAX || tick->process_end > LIVE_PROCESSES_MAX ||
        tick->process_count > tick->process_end)
        return error_set(err, STATUS_CORRUPT, "the live mapping has impossible counts");
    list = tick->process_count * sizeof(uint32_t);
    processes = tick->process_end * sizeof(struct live_process);
    if (!reserve(&view->core, &view->core_size, tick->core_count, sizeof *view->core) ||
        !reserve(&view->scratch, &view->scratch_size, list + processes, 1))
        return error_set(err, STATUS_NO_MEMORY, "live mapping");
    if (read_at(source, offsetof(struct live_map, core), view->core,
                tick->core_count * sizeof *view->core, err) != STATUS_OK ||
        read_at(source, offsetof(struct live_map, process), view->scratch, processes, err) !=
            STATUS_OK ||
        read_at(source, offsetof(struct live_map, process_at), view->scratch + processes, list,
                err) != STATUS_OK)
        return err->status;
    return STATUS_OK;
}

static bool is_sound(const struct live_process *p)
{
    for (size_t m = 0; m < PROCESS_METRIC_COUNT; m++)
        if (p->missing[m] >= MISSING_COUNT)
            return false;
    return true;
}

/* The living ones, out of the copy. */
static enum status pick_processes(struct live_view *view, struct error *err)
{
    const struct live_tick *tick = &view->tick;
    const uint8_t *list = view->scratch + tick->process_end * sizeof(struct live_process);

    if (!reserve(&view->process, &view->process_size, tick->process_count, sizeof *view->process))
        return error_set(err, STATUS_NO_MEMORY, "live mapping");
    for (uint32_t i = 0; i < tick->process_count; i++) {
        struct live_process *p = &view->process[i];
        uint32_t at;

        memcpy(&at, list + i * sizeof at, sizeof at);
        if (at >= tick->process_end)
            return error_set(err, STATUS_CORRUPT, "the live mapping names a process that is not");
        memcpy(p, view->scratch + at * sizeof *p, sizeof *p);
        if (!is_sound(p))
            return error_set(err, STATUS_CORRUPT, "the live mapping has a damaged process");
    }
    return STATUS_OK;
}

enum status live_read(struct live_view *view, const struct live_source *source, struct error *err)
{
    const struct timespec pause = { .tv_nsec = PAUSE_NS };

    if (read_head(view, source, err) != STATUS_OK)
        return err->status;
    for (int i = 0; i < ATTEMPTS; i++) {
        uint64_t before, after;
        enum status st;

        if (live_sequence(source, &before, err) != STATUS_OK)
            return err->status;
        if (before == 0)
            return error_set(err, STATUS_ABSENT, "no tick yet");
        if (before % 2 == 0) {
            st = read_tick(view, source, err);
            if (st == STATUS_IO || st == STATUS_NO_MEMORY)
                return st;
            if (live_sequence(source, &after, err) != STATUS_OK)
                return err->status;
            if (after == before)
                return st == STATUS_OK ? pick_processes(view, err) : st;
        }
        (void)nanosleep(&pause, NULL);
    }
    return error_set(err, STATUS_ABSENT, "the tick has been in the making for too long");
}

void live_view_release(struct live_view *view)
{
    free(view->core);
    free(view->process);
    free(view->scratch);
    *view = (struct live_view){ .core = NULL };
}
