/*
 * Processes on NVIDIA's GPUs.
 *
 *   source  nvmlDeviceGet{Compute,Graphics,MPSCompute}RunningProcesses, nvmlDeviceGetProcessUtilization
 *   units   bytes; percent of the time since the reading before
 *   absent  utilization on a GPU in MIG mode: the library does not tell it
 *
 * A process in several lists has its whole memory in each; in MIG mode it has an element for each instance.
 * Of utilization there is a sample only of those that did something: the others did nothing.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/collectors/gpu_nvidia.h"

enum {
    ROOM_START = 256,
    ROOM_MOST = 16384,
    ELEMENT_MOST = 32,
    SPARE = 16, /* processes that may begin between two calls */
    SAMPLES_MOST = 2048,
};

enum status nvidia_room_open(struct nvidia_room *room, struct error *err)
{
    *room = (struct nvidia_room){ .list = calloc(ROOM_START, ELEMENT_MOST), .size = ROOM_START };
    return room->list != NULL ? STATUS_OK
                              : error_set(err, STATUS_NO_MEMORY, "list of processes on GPUs");
}

void nvidia_room_close(struct nvidia_room *room)
{
    free(room->list);
    *room = (struct nvidia_room){ .list = NULL };
}

/* For as many as the library says it needs, which may be any number. */
static bool grow(struct nvidia_room *room, unsigned wanted)
{
    size_t size = (size_t)wanted + SPARE;
    void *larger;

    if (wanted < room->size || size > ROOM_MOST)
        return false;
    larger = realloc(room->list, size * ELEMENT_MOST);
    if (larger == NULL)
        return false;
    room->list = larger;
    room->size = size;
    return true;
}

/* --- memory --- */

static void add_process(const struct nvidia_subject *s, struct gpu_reading *reading,
                        const char *element)
{
    struct nvml_process_v1 process;
    struct gpu_use *use;
    int64_t *memory;

    memcpy(&process, element, sizeof process);
    if (process.pid == 0 || process.pid > INT32_MAX)
        return;
    use = gpu_reading_use(reading, s->gpu, (int32_t)process.pid, 0);
    if (use == NULL || process.memory == NVML_VALUE_NOT_AVAILABLE)
        return;
    if (process.memory > INT64_MAX ||
        (s->gpu->missing[GPU_MEMORY_TOTAL_BYTES] == MISSING_NONE &&
         (int64_t)process.memory > s->gpu->values[GPU_MEMORY_TOTAL_BYTES])) {
        use->missing[GPU_PROCESS_MEMORY_BYTES] = MISSING_FAILED;
        return;
    }
    memory = &use->values[GPU_PROCESS_MEMORY_BYTES];
    use->missing[GPU_PROCESS_MEMORY_BYTES] = MISSING_NONE;
    if (s->mig)
        *memory += (int64_t)process.memory;
    else if (*memory < (int64_t)process.memory)
        *memory = (int64_t)process.memory;
}

/* True: there are such. */
static bool add_list(const struct nvidia_subject *s, struct nvidia_room *room, unsigned which,
                     struct gpu_reading *reading, struct capability *found)
{
    const struct nvml_list *list = &room->lists[which];
    unsigned count = (unsigned)room->size;
    int returned;

    if (list->get == NULL)
        return false;
    returned = list->get(s->device, &count, room->list);
    if (returned == NVML_ERROR_INSUFFICIENT_SIZE && grow(room, count)) {
        count = (unsigned)room->size;
        returned = list->get(s->device, &count, room->list);
    }
    if (returned == NVML_ERROR_NO_PERMISSION)
        gpu_found(found, CAPABILITY_PARTIAL, "NVML does not tell us the processes on a GPU", "");
    if (returned != NVML_SUCCESS)
        return false;
    if (count > room->size)
        count = (unsigned)room->size;
    for (unsigned i = 0; i < count; i++)
        add_process(s, reading, (const char *)room->list + i * list->stride);
    return count > 0;
}

/* --- utilization --- */

uint64_t nvidia_wall_us(void)
{
    struct timespec now = { 0 };

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void put_percent(struct gpu_use *use, enum gpu_process_metric metric, unsigned percent)
{
    use->missing[metric] = (uint8_t)gpu_percent_ppm(percent, &use->values[metric]);
}

static void put_utilization(struct gpu_use *use, const struct nvml_process_utilization *sample)
{
    put_percent(use, GPU_PROCESS_UTILIZATION_PPM, sample->sm);
    put_percent(use, GPU_PROCESS_MEMORY_UTILIZATION_PPM, sample->memory);
    put_percent(use, GPU_PROCESS_ENCODER_PPM, sample->encoder);
    put_percent(use, GPU_PROCESS_DECODER_PPM, sample->decoder);
}

/* Of several samples of a process the newest is told; of equally new ones the first. */
static bool is_newest(const struct nvml_process_utilization *samples, unsigned count, unsigned i)
{
    for (unsigned j = 0; j < count; j++)
        if (samples[j].pid == samples[i].pid &&
            (samples[j].time_us > samples[i].time_us ||
             (samples[j].time_us == samples[i].time_us && j < i)))
            return false;
    return true;
}

/*
 * What is from before the reading before tells of the time before that. Drivers were seen to fill the list up
 * with what was in memory: what is from no sensible time is none.
 */
static unsigned keep_sensible(struct nvml_process_utilization *samples, unsigned count,
                              uint64_t since_us, uint64_t now_us)
{
    const uint64_t ahead_us = 10000000;
    unsigned kept = 0;

    for (unsigned i = 0; i < count; i++)
        if (samples[i].pid != 0 && samples[i].pid <= INT32_MAX && samples[i].time_us > since_us &&
            samples[i].time_us <= now_us + ahead_us)
            samples[kept++] = samples[i];
    return kept;
}

static int get_samples(const struct nvidia_subject *s, struct nvidia_room *room, unsigned *count,
                       uint64_t since_us)
{
    int returned;

    *count = (unsigned)room->size;
    returned = s->nvml->process_utilization(s->device, room->list, count, since_us);
    if (returned == NVML_ERROR_INSUFFICIENT_SIZE && grow(room, *count)) {
        *count = (unsigned)room->size;
        returned = s->nvml->process_utilization(s->device, room->list, count, since_us);
    }
    if (*count > room->size)
        *count = (unsigned)room->size;
    if (*count > SAMPLES_MOST)
        *count = SAMPLES_MOST;
    return returned;
}

/* Those of this GPU have no utilization, for that reason; or one of 0. */
static void put_all(const struct nvidia_subject *s, struct gpu_reading *reading, enum missing why)
{
    static const enum gpu_process_metric metrics[] = {
        GPU_PROCESS_UTILIZATION_PPM,
        GPU_PROCESS_MEMORY_UTILIZATION_PPM,
        GPU_PROCESS_ENCODER_PPM,
        GPU_PROCESS_DECODER_PPM,
    };

    for (size_t i = 0; i < reading->use_count; i++) {
        struct gpu_use *use = &reading->use[i];

        for (size_t j = 0; &reading->gpu[use->gpu] == s->gpu && j < COUNT_OF(metrics); j++)
            use->missing[metrics[j]] = (uint8_t)why;
    }
}

static void add_utilization(const struct nvidia_subject *s, struct nvidia_room *room,
                            uint64_t *seen_us, struct gpu_reading *reading)
{
    struct nvml_process_utilization *samples;
    const uint64_t second_us = 1000000;
    uint64_t now_us = nvidia_wall_us();
    uint64_t since_us = *seen_us > s->before_us ? *seen_us : s->before_us;
    unsigned count = 0;
    int returned;

    if (since_us == 0 || since_us > now_us) /* the first, or the clock was set back */
        since_us = now_us - second_us;
    returned = get_samples(s, room, &count, since_us);
    samples = room->list; /* where it is now */
    if (returned == NVML_ERROR_NOT_FOUND) {
        returned = NVML_SUCCESS;
        count = 0;
    }
    put_all(s, reading, nvml_missing(returned));
    if (returned != NVML_SUCCESS)
        return;
    count = keep_sensible(samples, count, since_us, now_us);
    for (unsigned i = 0; i < count; i++) {
        struct gpu_use *use;

        *seen_us = samples[i].time_us > *seen_us ? samples[i].time_us : *seen_us;
        if (!is_newest(samples, count, i))
            continue;
        use = gpu_reading_use(reading, s->gpu, (int32_t)samples[i].pid, 0);
        if (use != NULL)
            put_utilization(use, &samples[i]);
    }
}

bool nvidia_processes(const struct nvidia_subject *s, struct nvidia_room *room, uint64_t *seen_us,
                      struct gpu_reading *reading, struct capability *found)
{
    bool computing = add_list(s, room, NVML_COMPUTE, reading, found);

    (void)add_list(s, room, NVML_GRAPHICS, reading, found);
    computing = add_list(s, room, NVML_MPS, reading, found) || computing;
    if (!s->mig && s->nvml->process_utilization != NULL)
        add_utilization(s, room, seen_us, reading);
    return computing;
}
