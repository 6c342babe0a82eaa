/*
 * Ground truth: what went into a recording, as CSV files that tools/check_truth.py computes
 * reports from without any code of the programs.
 *
 *   processes.csv  truth_id,process_id,pid,start_ticks,start_ns,end_ns,born,end,
 *                  first_tick,last_tick,ppid
 *                  end_ns empty unless end is "reported"; it has a row at each tick in between
 *   versions.csv   truth_id,from_ns,uid,user,comm,exe,cmdline,cgroup,container,cwd
 *                  complete from from_ns on; texts in hex
 *   ticks.csv      tick,session,seq,start_ns,gap_before,processes_us,busy_us
 *                  the last two since the first tick: CPU time of processes, and of all cores
 *   samples.csv    tick,truth_id,flags,cpu_us,resident_bytes,disk_read_bytes,disk_written_bytes
 *                  flags as in schema/tick.h; "!N" is a value missing with reason N; a process
 *                  without a line at a tick has the same as at the tick before
 *   gpu.csv        tick,gpu,power_mw,energy_uj,busy_us
 *   power.csv      tick,package,energy_uj
 *   gpu_process.csv  tick,gpu,truth_id,gpu_us,utilization_ppm,memory_bytes
 *                  a line at each tick at which the table is sampled; missing values as above
 */
#ifndef TOOLS_GENERATE_TRUTH_H
#define TOOLS_GENERATE_TRUTH_H

#include "schema/error.h"
#include "schema/tick.h"
#include "tools/generate_process.h"

struct truth;

/* Create the directory and its files. */
MUST_USE enum status truth_open(struct truth **truth, const char *directory, struct error *err);
/* IO if anything could not be written. */
MUST_USE enum status truth_close(struct truth *truth, struct error *err);

void truth_process(struct truth *truth, const struct process *process);
void truth_version(struct truth *truth, int64_t truth_id, int64_t from_ns,
                   const struct identity_texts *texts);
void truth_tick(struct truth *truth, const struct moment *moment, const struct tick *tick,
                int session, int64_t processes_us, int64_t busy_us);
void truth_sample(struct truth *truth, int64_t tick, int64_t truth_id, uint8_t flags,
                  const int64_t values[], const uint8_t missing[]);
void truth_gpu(struct truth *truth, int64_t tick, uint32_t gpu, const int64_t values[],
               const uint8_t missing[]);
void truth_power(struct truth *truth, int64_t tick, uint32_t package, int64_t energy_uj,
                 uint8_t missing);
void truth_gpu_process(struct truth *truth, int64_t tick, uint32_t gpu, int64_t truth_id,
                       const int64_t values[], const uint8_t missing[]);

#endif
