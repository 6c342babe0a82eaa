/*
 * What identities have in common on every system: redacted command lines, users' names, and what an
 * answer is made of. For slow threads only.
 */
#ifndef RECORDER_COLLECTORS_IDENTITY_H
#define RECORDER_COLLECTORS_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/redact.h"
#include "recorder/slow.h"

enum {
    CMDLINE_STORED_MAX = 4096,    /* bytes of a redacted command line that are stored */
    CMDLINE_READ_MAX = 64 * 1024, /* bytes of one that are read, redacted and hashed */
    IDENTITY_TEXT_MAX = 4096,
    IDENTITY_USERS = 64,
};

/* How long the user database's word is taken: that there is such a user, and that there is none. */
#define IDENTITY_USER_NS INT64_C(600000000000)
#define IDENTITY_NO_USER_NS INT64_C(60000000000)

/* How identities are read: of all readers. */
struct identity_source {
    const char *root; /* static, or outlives every reader, also one that was left behind */
    const struct redactor *redactor; /* NULL: only the built-in rules */
    bool no_cmdline;
    uint64_t key[2]; /* of the hash of command lines */
};

/* Names of users as they were looked up last. Zeroed is empty. */
struct identity_users {
    struct identity_user {
        bool taken;
        uint32_t uid;
        int64_t until_ns; /* when it is to be looked up again */
        char name[64];    /* "": it has none */
    } user[IDENTITY_USERS];
    unsigned next; /* to be replaced */
};

/* The user's name, "" where it has none; `root` not "": by the fixture's etc/passwd. May block. */
const char *identity_user_name(struct identity_users *users, const char *root, uint32_t uid,
                               int64_t now_ns);
/*
 * identity_SYSTEM.c: that fixture's user into name[size], which is "" before; it stays that if
 * there is none.
 */
void identity_fixture_user(const char *root, uint32_t uid, char *name, size_t size);

/* The answer tells this text. */
void identity_put_text(struct slow_answer *answer, enum process_text text, const void *bytes,
                       size_t size);
/*
 * And this command line, without its secrets: arguments each ended by NUL.
 *
 *   shape   cut: there was more of it; `work` is memory that is used again and again
 */
void identity_put_cmdline(const struct identity_source *source, const uint8_t *arguments,
                          size_t size, bool cut, struct byte_writer *work,
                          struct slow_answer *answer);

#endif
