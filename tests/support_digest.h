/*
 * Everything that a reader can see of a recording, as one hash per part: two recordings are the
 * same when all their parts are, and a damaged part shows as a status with its message.
 */
#ifndef TESTS_SUPPORT_DIGEST_H
#define TESTS_SUPPORT_DIGEST_H

#include "schema/recording.h"

enum digest_what {
    DIGEST_OPEN,   /* of the whole: sessions, timeline, capabilities, entities, events, catalog */
    DIGEST_BLOCKS, /* the list of blocks of all levels */
    DIGEST_PROCESSES, /* rows and lifetimes with their names */
    DIGEST_TICKS,
    DIGEST_CELLS, /* lifetimes of a block with their cells */
    DIGEST_DIRECTORY,
    DIGEST_COLUMN,
};

struct digest_part {
    enum digest_what what;
    unsigned level;
    int64_t block_seq;
    uint32_t table_id;
    size_t column;
    enum status status; /* OK or ABSENT: the hash counts */
    uint64_t hash;
};

struct digest {
    struct digest_part *part;
    size_t count, size;
    uint32_t ticks;       /* of level 0 */
    bool damaged;         /* some part has an error */
    bool unnamed;         /* an error whose message says nothing */
    struct error message; /* the first such */
};

/* Read it all. What is damaged is noted, and the rest read on; the digest is never left empty. */
void digest_take(struct digest *digest, const char *path);
void digest_release(struct digest *digest);

/*
 * Is every part of `seen` an error or what it is in `right`? Else `why` says which part lies. A
 * recording that cannot be opened is one error.
 */
bool digest_agrees(const struct digest *seen, const struct digest *right, char *why, size_t size);
/* The same, all parts without error and none left out. */
bool digest_equal(const struct digest *seen, const struct digest *right, char *why, size_t size);

#endif
