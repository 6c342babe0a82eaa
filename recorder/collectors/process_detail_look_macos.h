/*
 * One look at the descriptors and sockets of processes on a Mac: process_detail_look_macos.c. The
 * sampling thread fills in the candidates and takes the rows; in between it is the worker's.
 */
#ifndef RECORDER_PROCESS_DETAIL_LOOK_MACOS_H
#define RECORDER_PROCESS_DETAIL_LOOK_MACOS_H

#include "recorder/collectors/process_detail.h"
#include "recorder/worker.h"

enum { DETAIL_CALLS_PER_RUN = 1000 };
/* CPU time per run. What one run takes too much the next ones have less, of calls as well. */
#define DETAIL_LOOK_NS INT64_C(5000000)

struct detail_look;

MUST_USE enum status detail_look_open(struct detail_look **look, struct error *err);
void detail_look_close(void *self);
/* struct worker_job.read. */
enum status detail_look_read(void *self, struct error *err);

/* Room for `count` candidates of the next read, by ascending slot; NULL: no memory. */
struct detail_candidate *detail_look_candidates(struct detail_look *look, size_t count);
void detail_look_set_count(struct detail_look *look, size_t count);
/* What the latest read found. */
const struct detail_row *detail_look_rows(const struct detail_look *look, size_t *count);

#endif
