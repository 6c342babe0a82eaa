/*
 * What a coalition of a Mac has used, by an interface that is not Apple's public one: it is looked for when
 * the recorder starts, and nothing else depends on it (coalition_info_macos.c).
 */
#ifndef RECORDER_COLLECTORS_COALITION_INFO_MACOS_H
#define RECORDER_COLLECTORS_COALITION_INFO_MACOS_H

#include <stdbool.h>
#include <stdint.h>

/* Of all members, also of those that have ended. */
struct coalition_usage {
    uint64_t tasks_started, tasks_ended;
    uint64_t cpu_ticks; /* of the Mach clock */
    uint64_t read_bytes, written_bytes;
    uint64_t footprint_bytes; /* 0: not told before macOS 15 */
};

enum coalition_answer {
    COALITION_OK,
    COALITION_GONE,
    COALITION_DENIED,
    COALITION_UNKNOWN, /* this system has no such call */
    COALITION_FAILED,
};

/* The coalition for resources that a process of anybody's is in; 0: not known. */
uint64_t coalition_of(int32_t pid);
/* What a process of anybody's is called; false: it is gone. */
bool coalition_name_of(int32_t pid, char name[17]);
enum coalition_answer coalition_read(uint64_t id, struct coalition_usage *usage);

#endif
