/* A writer, the tick it is given by hand, and afterwards the recording it made. */
#ifndef TESTS_SUPPORT_WRITER_H
#define TESTS_SUPPORT_WRITER_H

#include "recorder/writer.h"
#include "schema/recording.h"
#include "tests/support_recording.h"

#define START MADE_START_NS

struct writer_rig {
    struct made_directory directory;
    char path[256];
    struct writer *writer;
    struct tick tick;
    struct recording *rec;
    uint32_t block_ticks;
};

/* A new file, and the first session of the first boot at START. */
void writer_rig_begin(struct writer_rig *rig, uint32_t block_ticks);
void writer_rig_session(struct writer_rig *rig, int64_t start_ns, int boot);
/* Give it rig->tick: it must be taken, or refused as INVALID. */
void writer_rig_put(struct writer_rig *rig);
void writer_rig_refuse(struct writer_rig *rig);
/* End the session; NULL: as a kill would. */
void writer_rig_stop(struct writer_rig *rig, const char *reason);
/* End it and read the recording, in which nothing may be amiss. */
const struct recording_contents *writer_rig_read(struct writer_rig *rig, const char *reason);
void writer_rig_end(struct writer_rig *rig);

/* A tick in which one process, pid 100 in slot 0, begins or goes on. */
void writer_rig_steady(struct writer_rig *rig, int64_t start_ns, uint8_t flags, int64_t cpu);

/* Of what was read: the process that a block of level 0 means; how many there are in all. */
const struct process *writer_rig_process(struct writer_rig *rig, size_t block, int64_t id);
size_t writer_rig_processes(struct writer_rig *rig);
bool writer_rig_calls(const struct version *version, enum process_text which, const char *text);

#endif
