/* What the parts of the fake kernel share. */
#ifndef DARWIN_FAKE_KERNEL_H
#define DARWIN_FAKE_KERNEL_H

#include <stdio.h>

#include "tests/darwin/scenario.h"

/* Before anything else is called. */
void fake_boot(struct scenario *scenario);
extern struct scenario *fake;

/* --- fake_clock.c --- */

int64_t fake_now_ns(void);            /* since the recording began, sleep included */
int64_t fake_awake_at(int64_t at_ns); /* the same, without */
int64_t fake_wall_at(int64_t at_ns);  /* since 1970 */
uint64_t fake_mach_at(int64_t at_ns); /* ticks of mach_absolute_time */
uint64_t fake_mach_ticks(int64_t ns); /* a duration */
void fake_set_now(int64_t at_ns);     /* for tests without a recorder */

/* --- fake_process.c --- */

/* The one with that pid now, zombies included; NULL: none. */
const struct fake_process *fake_find(int32_t pid);
bool fake_exists(const struct fake_process *p, int64_t at_ns);
bool fake_is_zombie(const struct fake_process *p, int64_t at_ns);
bool fake_may_read(const struct fake_process *p);
const struct program *fake_program(const struct fake_process *p);
/* A quantity of it by now, or when it ended. */
uint64_t fake_used(const struct fake_process *p, const struct curve *curve);

/* --- fake_files.c: PROC_PIDLISTFDS of a process that may be read --- */

int fake_list_files(const struct fake_process *p, void *buffer, int size);
int fake_list_file_ports(const struct fake_process *p, void *buffer, int size);

/*
 * --- fake_sysctl.c: where the latest block of arguments was put, for tests that look whether it
 * was wiped ---
 */

extern const uint8_t *fake_arguments_at;
extern size_t fake_arguments_size;

/* --- fake_account.c: what was handed out and must come back, and how often was asked --- */

enum fake_call {
    CALL_SYSCTL,
    CALL_PIDINFO,
    CALL_RUSAGE,
    CALL_PIDFDINFO,
    CALL_LISTPIDS,
    CALL_COALITION,
    CALL_PIDPATH,
    CALL_PROCESSOR_INFO,
    CALL_STATISTICS,
    CALL_COUNT,
};

void fake_count(enum fake_call call);
int64_t fake_counted(enum fake_call call);
const char *fake_call_name(enum fake_call call);
void fake_take_right(unsigned name);
bool fake_release_right(unsigned name);
void *fake_hand_out(size_t size);
bool fake_take_back(uintptr_t address, size_t size);
/* Tells whoever wants to know of services that came or went. */
void fake_iokit_deliver(void);
/* The same of objects of IOKit and CoreFoundation: fake_iokit.c, fake_cf.c. */
int fake_iokit_settle(FILE *out);
int fake_cf_settle(FILE *out);
/* --- fake_system.c --- */

/* Who is at the other end of every local socket. */
struct fake_peer {
    bool there;
    unsigned uid, gid, token_uid; /* token_uid: of the process that has that end now */
    int pid;
    bool no_token; /* as before macOS 11 */
    unsigned odd_version;
    int group_count;
    unsigned groups[20];
};
/* NULL: who it really is. */
void fake_set_peer(const struct fake_peer *to);

/* --- fake_mach_ipc.c: ports, messages, memory entries --- */

/* What launchd knows of: a job's services. NULL: none. */
void fake_declare_service(const char *name);
/* Whom the kernel names as the sender of what is sent from now on. */
void fake_send_as(unsigned uid, unsigned pid);
/* A right of these is given back; false: it is none of theirs. */
bool fake_ipc_deallocate(unsigned name, int *result);
int fake_ipc_settle(FILE *out);

/* What is still out, or was given back twice: 0 is balanced. Says each on `out`. */
int fake_settle(FILE *out);

#endif
