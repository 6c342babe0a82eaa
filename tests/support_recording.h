/* Small recordings made up by a test: ticks by hand, and a host whose every tick follows a seed. */
#ifndef TESTS_SUPPORT_RECORDING_H
#define TESTS_SUPPORT_RECORDING_H

#include "recorder/writer.h"
#include "schema/tick.h"

#define SECOND_NS INT64_C(1000000000)
/* 2026-01-05T09:58:00Z: two minutes before an hour. */
#define MADE_START_NS (INT64_C(1767607080) * SECOND_NS)

/* A new directory under TMPDIR or /tmp, and a file's path in it. */
struct made_directory {
    char path[128];
};
void made_directory_open(struct made_directory *directory);
const char *made_path(const struct made_directory *directory, const char *name, char *path,
                      size_t size);
void made_directory_close(struct made_directory *directory);
/* Copy a file, and with `wal` FROM-wal too; a copy that was there is replaced, its WAL removed. */
void made_copy(const char *from, const char *to, bool wal);

/* Facts of a session that begins at start_ns on the host's `boot`-th boot. */
void made_facts(struct session_facts *facts, int64_t start_ns, int boot);

/* --- ticks by hand: each adds to the tick and fails the test when memory is out --- */

void made_tick(struct tick *tick, int64_t start_ns); /* empties it first; all tables not sampled */
void made_birth(struct tick *tick, uint32_t slot, int32_t pid, uint64_t start_ticks,
                int64_t start_ns);
void made_exit(struct tick *tick, uint32_t slot, int32_t code, int64_t end_ns);
/* `comm` and, unless NULL, `cmdline`. */
void made_name(struct tick *tick, uint32_t slot, int64_t from_ns, const char *comm,
               const char *cmdline);
/* A row of process_samples with two values, the others unsupported; flags as in tick.h. */
struct tick_row *made_row(struct tick *tick, uint32_t slot, uint8_t flags, int64_t cpu,
                          int64_t resident);
void made_entity(struct tick *tick, enum entity_kind kind, uint32_t slot, const char *key,
                 const char *label);
void made_event(struct tick *tick, const char *kind, const char *detail, int64_t value);

/* --- a host --- */

enum { MADE_SLOTS = 40 };

struct made_process {
    bool alive, fresh, named_again;
    int32_t pid;
    uint64_t start_ticks;
    int64_t start_ns, cpu, faults, resident, restless; /* restless: changes at 1 of so many ticks */
    uint32_t names;
};

struct made_host {
    uint64_t random;
    int64_t now_ns, interval_ns, before_ns;
    int32_t next_pid;
    uint32_t processes; /* wanted alive */
    bool announced;     /* cores and the like, in this session */
    int64_t cpu_ns, ticks;
    struct made_process process[MADE_SLOTS];
    uint64_t on_gpu[2][MADE_SLOTS]; /* whose pair has a series: its start_ticks, + 1 */
    struct tick tick;
};

void made_host_init(struct made_host *host, uint64_t seed, int64_t start_ns, int64_t interval_ns,
                    uint32_t processes);
void made_host_release(struct made_host *host);
/* A session begins: everything is announced anew; another boot has other processes. */
void made_host_restart(struct made_host *host, bool same_boot);
/* Put what happens at host->now_ns into host->tick, then let the interval pass. */
void made_host_tick(struct made_host *host);

/* `count` such ticks into the writer; the first failure fails the test. */
void made_host_record(struct made_host *host, struct writer *writer, size_t count);

/*
 * A recording with everything in it: `sessions` of three minutes and more across hours, the last
 * on another boot, and with `clean` false killed at the end.
 */
void made_recording(const char *path, uint64_t seed, int sessions, bool clean);

#endif
