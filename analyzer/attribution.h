/*
 * Whose energy it was: each interval between two readings of a rail is shared by the GPU time, or CPU time,
 * that processes consumed in it.
 *
 * Of an interval the idle floor's energy is idle. The rest goes to processes by their time; what a GPU
 * worked for nobody that was seen, a rest below the idle floor (negative), and an interval in which nobody
 * worked are not attributed. So processes + idle + not attributed = device, to the microjoule. Time is
 * taken as spread evenly from one reading of a process to the next. A process counts as there, with 0 W, in
 * intervals that its readings reach into.
 *
 * Of CPUs all active energy is shared among processes, also what interrupts and the kernel's own work used;
 * processes are not told apart by the package that they ran on.
 */
#ifndef ANALYZER_ATTRIBUTION_H
#define ANALYZER_ATTRIBUTION_H

#include "analyzer/group.h"
#include "analyzer/rail.h"
#include "analyzer/select.h"
#include "analyzer/trace.h"

/* How a row's figures came about: bits, of several devices all. */
enum energy_method {
    METHOD_COUNTER_TIME = 1,        /* energy counter, shared by counted GPU time */
    METHOD_COUNTER_UTILIZATION = 2, /* the same, by utilization x time */
    METHOD_POWER_TIME = 4,          /* power integrated, by counted GPU time */
    METHOD_POWER_UTILIZATION = 8,
    METHOD_PACKAGE_COUNTER = 16, /* of CPUs, by CPU time */
    METHOD_PACKAGE_POWER = 32,
    METHOD_TASK_COUNTER = 64, /* what the kernel charges to each process: not shared out here */
    METHOD_COUNT = 128,
};

/* Which devices, and where the time of processes on them is. */
struct attribution_source {
    const struct rail_source *rail;
    enum entity_kind kind; /* of its rails */
    const char *table;     /* of processes, and what is read of it; NULL: no such metric */
    const char *time, *utilization, *memory;
    unsigned process_key; /* which key of the table is the process */
    bool by_device;       /* key 0 is the rail; else time is of all rails */
    bool distribution;    /* percentiles and maxima are asked for */
    unsigned method;      /* bit of counter by time */
};
extern const struct attribution_source attribution_gpu, attribution_cpu;

/* What a group used. */
struct energy_total {
    unsigned methods; /* 0: it was on no rail */
    int64_t uj, covered_ns, max_uw;
    struct distribution watts; /* in microwatts */
    int128 gpu_ppmns;          /* GPU time, in millionths of a nanosecond */
    int64_t gpu_covered_ns;
    bool remembers; /* its memory was told */
    int64_t memory_max;
};

struct energy_segment;
struct energy_use;

/* Zero-initialised, then the first lines set by the caller. */
struct attribution {
    const struct attribution_source *source;
    bool want_energy, want_time, want_memory;
    bool idle_given;       /* else the idle floor is found in the recording */
    int64_t idle_uw;       /* of each device, where it is given */
    struct groups *groups; /* whose rows these are; NULL: of devices only */
    const struct select *select;
    bool known_only; /* processes without a group go to number 0 */
    bool want_members;
    struct trace *trace; /* told of one row's energy; NULL: nobody listens */
    /* results */
    bool done;
    struct rails rails;
    struct energy_total *total; /* [total_count] by group; number 0: whoever was not selected */
    size_t total_count;
    /* private */
    struct recording *recording;
    struct window window;
    struct rate_block block;
    size_t *resolved;       /* [rails] intervals that are shared out */
    struct energy_use *use; /* of intervals that are not */
    struct energy_segment *segment;
    size_t use_count, use_size, segment_count, segment_size;
    int64_t hold_ns; /* nothing new is to come of the time before */
};

static inline bool attribution_wanted(const struct attribution *a)
{
    return a->want_energy || a->want_time || a->want_memory;
}

/* Has the recording any such device? */
bool attribution_possible(const struct attribution_source *source,
                          const struct recording_contents *contents);

/*
 * Read the window. errors CORRUPT, NO_MEMORY. owns: attribution_release, also after an error
 */
MUST_USE enum status attribution_read(struct attribution *a, struct recording *recording,
                                      const struct window *window, struct error *err);
void attribution_release(struct attribution *a);

/* A group's figures; NULL: none is known. */
struct energy_total *attribution_total(const struct attribution *a, uint32_t group);

/* In words, of rows; "" for none. */
const char *attribution_method(unsigned methods);

#endif
