/*
 * What processes of each comm and user consumed in each hour: the truth for recordings that are too
 * long to write down sample by sample. A CSV file:
 *
 *   hour_start_ns,comm,user,cpu_us,disk_read_bytes,disk_written_bytes     texts in hex
 *
 * As reports define it (tools/check_truth.py): without falls, without what passed in gaps.
 */
#ifndef TOOLS_GENERATE_HOURS_H
#define TOOLS_GENERATE_HOURS_H

#include "schema/error.h"
#include "schema/tick.h"
#include "tools/generate_text.h"

enum { HOURS_METRICS = 3 };

/* What was seen of a process so far. Zero-initialised is nothing. */
struct hours_process {
    uint32_t row; /* + 1; 0: its name is not looked up yet */
    int64_t value[HOURS_METRICS];
    int64_t epoch[HOURS_METRICS]; /* of the last tick at which it was there, if it is missing now */
    enum { HOURS_UNKNOWN, HOURS_PRESENT, HOURS_MISSING } state[HOURS_METRICS];
};

struct hours;

MUST_USE enum status hours_open(struct hours **hours, const char *path, struct error *err);
/* IO if anything could not be written. */
MUST_USE enum status hours_close(struct hours *hours, struct error *err);

/* A tick begins; `gap`: no rate may be taken across its beginning. */
void hours_tick(struct hours *hours, int64_t tick_ns, bool gap);
/* A row that may differ from the one before; texts are looked at when process->row is 0. */
void hours_sample(struct hours *hours, struct hours_process *process,
                  const struct identity_texts *texts, uint8_t flags, const int64_t values[],
                  const uint8_t missing[]);

#endif
