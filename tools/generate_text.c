/* Names and command lines of made-up processes. */
#include "tools/generate_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/generate_random.h"

/* A text with its size, so that bytes of any value can be in it. */
struct literal {
    const char *text;
    size_t size;
};
#define LITERAL(text)                                                                              \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct {
    uint32_t uid;
    const char *name;
} users[USER_COUNT] = {
    { 0, "root" },     { 1, "daemon" }, { 33, "www-data" },    { 999, "postgres" },
    { 1000, "alice" }, { 1001, "bob" }, { 1002, "o\"bri,en" },
};

static const char *const kernel_comms[] = { "kworker/0:1", "ksoftirqd/1", "rcu_preempt",
                                            "migration/2", "kswapd0",     "jbd2/sda1-8" };
static const char *const service_comms[] = { "postgres",     "nginx", "python3", "sshd",   "node",
                                             "redis-server", "java",  "cron",    "dockerd" };
static const char *const shell_comms[] = { "bash", "sh", "make", "git", "find", "grep", "sleep" };
static const char *const compiler_comms[] = { "cc1", "as", "ld", "rustc", "clang" };

static const struct literal hostile_comms[] = {
    LITERAL("a,\"b\n=1+1\x1b[31m"),
    LITERAL("caf\xe9\xff \\x"),
    LITERAL("=cmd|' /C'!A0"),
    LITERAL("\xe2\x80\xae"
            "evil\xf0\x9f\x98\x80"),
};
static const struct literal hostile_lines[] = {
    LITERAL("/bin/a \"b,c\"\r\n=HYPERLINK(\"x\")\t\x1b]0;title\x07 \xc3\x28 end"),
    LITERAL("\xff\xfe\x80 \\\\ \\x41 'quoted' ,,, \xed\xa0\x80"),
    LITERAL("@SUM(1+1)*cmd|' /C calc'!A0"),
    LITERAL("\xe2\x80\xae"
            "right to left \xe4\xb8\xad\xe6\x96\x87 \x7f"),
};

uint32_t user_id(unsigned user)
{
    return users[user].uid;
}

static void put(struct identity_texts *t, enum process_text which, const char *text, size_t size)
{
    memcpy(t->text[which], text, size);
    t->size[which] = size;
    t->known |= UINT32_C(1) << which;
}

/* printf into one of the texts. */
#define PUT_FORMAT(texts, which, ...)                                                              \
    do {                                                                                           \
        (texts)->size[which] =                                                                     \
            (size_t)snprintf((texts)->text[which], sizeof(texts)->text[which], __VA_ARGS__);       \
        (texts)->known |= UINT32_C(1) << (which);                                                  \
    } while (0)

/* `count` characters as mkstemp(3) makes them. */
static void put_unique(char *to, size_t count, struct random_source *random)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    for (size_t i = 0; i < count; i++)
        to[i] = letters[random_below(random, COUNT_OF(letters) - 1)];
    to[count] = '\0';
}

/*
 * A command line of a compiler, `bytes` long and like no other: one of some thousand sources, a
 * temporary file of its own, and the flags of its project, which many others have too.
 */
static void put_unique_line(struct identity_texts *t, const char *comm, uint64_t number,
                            size_t bytes)
{
    static const char *const words[] = { "-O2",   "-Wall",      "-Iinclude/net", "-DNDEBUG",
                                         "-fPIC", "-std=gnu17", "-Isrc/common",  "-g",
                                         "-MD",   "-pipe",      "-march=x86-64", "-quiet" };
    static const char *const folders[] = { "core", "net", "fs/journal", "drivers/block", "lib" };
    struct random_source random = { number };
    char *line = t->text[PROCESS_CMDLINE];
    const char *folder = folders[random_below(&random, COUNT_OF(folders))];
    unsigned source = (unsigned)random_below(&random, 4096);
    unsigned project = (unsigned)random_below(&random, 4);
    char unique[7];
    size_t used;

    if (bytes > CMDLINE_MAX)
        bytes = CMDLINE_MAX;
    put_unique(unique, 6, &random);
    used = (size_t)snprintf(line, TEXT_ROOM, "%s -o /tmp/cc%s.s src/%s/unit_%04u.c", comm, unique,
                            folder, source);
    for (unsigned i = project; used < bytes; i += 1 + project) {
        if (i % 7 == 6)
            used += (size_t)snprintf(line + used, TEXT_ROOM - used, " -MF out/%s/unit_%04u.d",
                                     folder, source);
        else
            used +=
                (size_t)snprintf(line + used, TEXT_ROOM - used, " %s", words[i % COUNT_OF(words)]);
    }
    t->size[PROCESS_CMDLINE] = used > bytes ? bytes : used;
    t->known |= 1 << PROCESS_CMDLINE;
}

static void put_hostile(struct identity_texts *t, uint64_t number)
{
    size_t which = number % COUNT_OF(hostile_comms);
    char *line = t->text[PROCESS_CMDLINE];

    put(t, PROCESS_COMM, hostile_comms[which].text, hostile_comms[which].size);
    put(t, PROCESS_CMDLINE, hostile_lines[which].text, hostile_lines[which].size);
    PUT_FORMAT(t, PROCESS_EXE, "/tmp/evil, \"%zu\"\n\xff/a.out", which);
    if (number % 3 == 0) { /* longer than what is kept */
        for (size_t i = t->size[PROCESS_CMDLINE]; i < CMDLINE_MAX; i++)
            line[i] = (char)('!' + i % 90);
        t->size[PROCESS_CMDLINE] = CMDLINE_MAX;
        t->cmdline_length = 3 * CMDLINE_MAX;
    }
}

static void put_program(struct identity_texts *t, const struct identity *identity, int64_t bytes)
{
    uint64_t n = identity->program_number;
    const char *comm;

    switch (identity->program) {
    case PROGRAM_KERNEL:
        comm = kernel_comms[n % COUNT_OF(kernel_comms)];
        break;
    case PROGRAM_SERVICE:
        comm = service_comms[n % COUNT_OF(service_comms)];
        PUT_FORMAT(t, PROCESS_EXE, "/usr/sbin/%s", comm);
        PUT_FORMAT(t, PROCESS_CMDLINE, "/usr/sbin/%s --foreground --config /etc/%s/%u.conf", comm,
                   comm, (unsigned)(n >> 8 & 31));
        break;
    case PROGRAM_SHELL:
        comm = shell_comms[n % COUNT_OF(shell_comms)];
        PUT_FORMAT(t, PROCESS_EXE, "/usr/bin/%s", comm);
        PUT_FORMAT(t, PROCESS_CMDLINE, "%s -c job-%u", comm, (unsigned)(n >> 8 & 1023));
        break;
    case PROGRAM_COMPILER:
        comm = compiler_comms[n % COUNT_OF(compiler_comms)];
        PUT_FORMAT(t, PROCESS_EXE, "/usr/libexec/gcc/%s", comm);
        put_unique_line(t, comm, n, (size_t)(bytes * (int64_t)(80 + n % 40) / 100));
        break;
    case PROGRAM_NAMED:
        comm = identity->name;
        PUT_FORMAT(t, PROCESS_EXE, "/opt/made-up/%s", comm);
        PUT_FORMAT(t, PROCESS_CMDLINE, "/opt/made-up/%s --made-up", comm);
        break;
    default:
        put_hostile(t, n);
        return;
    }
    put(t, PROCESS_COMM, comm, strlen(comm));
}

static void put_origin(struct identity_texts *t, const struct identity *identity)
{
    uint64_t n = identity->origin_number;

    if (identity->origin == PROGRAM_KERNEL) {
        PUT_FORMAT(t, PROCESS_CGROUP, "/");
        return;
    }
    PUT_FORMAT(t, PROCESS_CWD, "/home/build/%u", (unsigned)(n >> 16 & 15));
    if (n % 4 == 0) {
        PUT_FORMAT(t, PROCESS_CONTAINER, "%012" PRIx64, (n >> 8 & 7) * UINT64_C(0x123456789ab));
        PUT_FORMAT(t, PROCESS_CGROUP, "/system.slice/docker-%s.scope", t->text[PROCESS_CONTAINER]);
    } else if (identity->origin == PROGRAM_SERVICE) {
        PUT_FORMAT(t, PROCESS_CGROUP, "/system.slice/service-%u.service", (unsigned)(n >> 8 & 31));
    } else {
        PUT_FORMAT(t, PROCESS_CGROUP, "/user.slice/user-%u.slice/session-%u.scope", users[4].uid,
                   (unsigned)(n >> 8 & 7));
    }
}

/* Any hash serves: a reader only compares it. FNV-1a. */
static uint64_t hash(const char *text, size_t size)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < size; i++)
        h = (h ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    return h;
}

void identity_texts(struct identity_texts *texts, const struct identity *identity,
                    int64_t cmdline_bytes)
{
    memset(texts->size, 0, sizeof texts->size);
    texts->known = VERSION_UID;
    texts->uid = users[identity->user].uid;
    texts->cmdline_length = 0;
    PUT_FORMAT(texts, PROCESS_USER, "%s", users[identity->user].name);
    put_program(texts, identity, cmdline_bytes);
    put_origin(texts, identity);
    if (texts->cmdline_length == 0)
        texts->cmdline_length = (uint32_t)texts->size[PROCESS_CMDLINE];
    texts->cmdline_hash = hash(texts->text[PROCESS_CMDLINE], texts->size[PROCESS_CMDLINE]);
}

void identity_announce(const struct identity_texts *texts, uint32_t mask, uint32_t slot,
                       int64_t from_ns, struct tick *tick)
{
    struct tick_version version = {
        .slot = slot, .known = texts->known & mask, .from_ns = from_ns, .uid = texts->uid
    };
    struct tick_version *added;

    for (unsigned i = 0; i < PROCESS_TEXT_COUNT; i++) {
        if ((version.known & 1U << i) != 0)
            version.text[i] = tick_add_text(tick, texts->text[i], texts->size[i]);
    }
    if ((version.known & 1U << PROCESS_CMDLINE) != 0) {
        version.cmdline_length = texts->cmdline_length;
        version.cmdline_hash = texts->cmdline_hash;
    }
    added = tick_add_version(tick);
    if (added != NULL)
        *added = version;
}
