/*
 * pslist: which processes the kernel of macOS finds by a criterion, and all that it tells of one, field
 * by field. For looking at what the collectors read, on a real Mac as on the simulated one.
 *
 *   source  __proc_info, callnums 1 (lists), 2 (a process), 3 (a descriptor), 6 (a file port)
 *   absent  callnums 4 and 5: see pslist_flavors.h
 */
#include <errno.h>
#include <libproc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/escape.h"
#include "recorder/collectors/pid_list_macos.h"
#include "tools/pslist_flavors.h"

enum { EXIT_WRONG_USAGE = 2, ANSWER_MOST = 65536, TEXT_MOST = 4096, LISTED_MOST = 4096 };

static const char usage[] =
    "usage: pslist [all | group PGID | terminal DEVICE | user UID | real-user UID | parent PID]\n"
    "       pslist pid PID\n"
    "prints the pids that match, one a line, or all that the kernel tells of one process\n";

/* What a list of handles, descriptors or ports told, to ask about each. */
struct listed {
    uint64_t of[LISTED_MOST];
    size_t count;
};

/* --- one answer --- */

static void print_text(const char *name, const char *text, size_t size)
{
    char out[ESCAPE_ROOM(TEXT_MOST)];
    char *end = escape_put_terminal(out, text, strnlen(text, size < TEXT_MOST ? size : TEXT_MOST));

    printf("    %s \"%.*s\"\n", name, (int)(end - out), out);
}

static void print_field(const struct pslist_field *field, const unsigned char *answer, size_t size)
{
    size_t wide = field->kind == FIELD_U64 ? sizeof(uint64_t)
                  : field->size != 0       ? field->size
                                           : sizeof(uint32_t);
    uint64_t number = 0;

    if (field->at >= size || (field->kind != FIELD_TEXT && field->at + wide > size))
        return;
    answer += field->at;
    if (field->kind == FIELD_TEXT) {
        print_text(field->name, (const char *)answer,
                   size - field->at < wide ? size - field->at : wide);
        return;
    }
    if (field->kind == FIELD_HEX) {
        printf("    %s ", field->name);
        for (size_t i = 0; i < wide; i++)
            printf("%02x", answer[i]);
        puts("");
        return;
    }
    memcpy(&number, answer, wide);
    if (field->kind == FIELD_PORT)
        number = (number & 0xff) << 8 | (number >> 8 & 0xff);
    if (field->kind == FIELD_I32)
        printf("    %s %d\n", field->name, (int)(int32_t)number);
    else
        printf("    %s %llu\n", field->name, (unsigned long long)number);
}

static void print_answer(const char *call, const struct pslist_flavor *flavor, uint64_t about,
                         const unsigned char *answer, int size, int failure)
{
    size_t each = flavor->each != 0 ? flavor->each : (size_t)size;

    printf("%s %d %s", call, flavor->number, flavor->name);
    if (about != 0 || strcmp(call, "pidinfo") != 0)
        printf(" of %llu", (unsigned long long)about);
    if (size <= 0 && failure != 0) {
        printf(": %s\n", strerror(failure));
        return;
    }
    printf(": %d bytes\n", size);
    for (size_t at = 0; each > 0 && at + each <= (size_t)size; at += each)
        for (size_t i = 0; i < flavor->field_count; i++)
            print_field(&flavor->fields[i], answer + at, each);
}

/* --- one process --- */

/* The path comes without its size. */
static int path_size(const unsigned char *answer, int size)
{
    return size > 0 ? size : (int)strnlen((const char *)answer, PROC_PIDPATHINFO_MAXSIZE);
}

static int ask_pid(int pid, const struct pslist_flavor *flavor, uint64_t argument,
                   unsigned char *answer)
{
    static const int path_flavor = 11;
    int room = flavor->number == path_flavor ? PROC_PIDPATHINFO_MAXSIZE : ANSWER_MOST, size, code;

    memset(answer, 0, ANSWER_MOST);
    errno = 0;
    size = proc_pidinfo(pid, flavor->number, argument, answer, room);
    code = errno;
    if (flavor->number == path_flavor && code == 0)
        size = path_size(answer, size);
    print_answer("pidinfo", flavor, argument, answer, size, code);
    return size;
}

static void take_list(struct listed *listed, const unsigned char *answer, int size, size_t wide)
{
    listed->count = 0;
    for (size_t at = 0; size > 0 && at + sizeof(uint64_t) <= (size_t)size; at += sizeof(uint64_t)) {
        uint64_t number = 0;

        memcpy(&number, answer + at, wide);
        if (listed->count < LISTED_MOST)
            listed->of[listed->count++] = number;
    }
}

static void ask_all(int pid, unsigned char *answer, struct listed *files, struct listed *ports)
{
    enum { LIST_FDS = 1, LIST_THREADS = 6, LIST_PORTS = 14, LIST_IDS = 28 };
    static struct listed threads, ids;

    /* The lists first, as others ask about what they tell. */
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < pslist_pid_flavor_count; i++) {
            const struct pslist_flavor *flavor = &pslist_pid_flavors[i];
            const struct listed *about = flavor->argument == ASK_THREADS ? &threads
                                         : flavor->argument == ASK_IDS   ? &ids
                                                                         : NULL;
            int size;

            if ((flavor->each != 0) != (pass == 0))
                continue;
            for (size_t k = 0; about != NULL && k < about->count; k++)
                (void)ask_pid(pid, flavor, about->of[k], answer);
            if (about != NULL)
                continue;
            size = ask_pid(pid, flavor, flavor->argument == ASK_ZOMBIES, answer);
            if (flavor->number == LIST_FDS)
                take_list(files, answer, size, sizeof(uint32_t));
            else if (flavor->number == LIST_PORTS)
                take_list(ports, answer, size, sizeof(uint32_t));
            else if (flavor->number == LIST_THREADS)
                take_list(&threads, answer, size, sizeof(uint64_t));
            else if (flavor->number == LIST_IDS)
                take_list(&ids, answer, size, sizeof(uint64_t));
        }
    }
}

static int show(int pid)
{
    static unsigned char answer[ANSWER_MOST];
    static struct listed files, ports;

    ask_all(pid, answer, &files, &ports);
    for (size_t i = 0; i < files.count; i++)
        for (size_t k = 0; k < pslist_fd_flavor_count; k++) {
            const struct pslist_flavor *flavor = &pslist_fd_flavors[k];
            int size;

            errno = 0;
            size = proc_pidfdinfo(pid, (int)files.of[i], flavor->number, answer, ANSWER_MOST);
            print_answer("pidfdinfo", flavor, files.of[i], answer, size, errno);
        }
    for (size_t i = 0; i < ports.count; i++)
        for (size_t k = 0; k < pslist_port_flavor_count; k++) {
            const struct pslist_flavor *flavor = &pslist_port_flavors[k];
            int size;

            errno = 0;
            size = proc_pidfileportinfo(pid, (uint32_t)ports.of[i], flavor->number, answer,
                                        ANSWER_MOST);
            print_answer("pidfileportinfo", flavor, ports.of[i], answer, size, errno);
        }
    return EXIT_SUCCESS;
}

/* --- lists --- */

static int list(enum pid_criterion criterion, uint32_t argument)
{
    struct pid_list pids = { .pids = NULL };
    struct error err = { 0 };
    int code = EXIT_SUCCESS;

    if (pid_list_read(&pids, criterion, argument, &err) != STATUS_OK) {
        fprintf(stderr, "pslist: %s\n", err.message);
        code = EXIT_FAILURE;
    }
    for (size_t i = 0; i < pids.count; i++)
        printf("%d\n", (int)pids.pids[i]);
    if (code == EXIT_SUCCESS && !pids.complete) {
        fputs("pslist: processes are born faster than they can be listed: some are left out\n",
              stderr);
        code = EXIT_FAILURE;
    }
    pid_list_release(&pids);
    return code;
}

static int wrong_usage(void)
{
    fputs(usage, stderr);
    return EXIT_WRONG_USAGE;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        enum pid_criterion criterion;
    } words[] = {
        { "group", PIDS_OF_GROUP },   { "terminal", PIDS_OF_TERMINAL },
        { "user", PIDS_OF_USER },     { "real-user", PIDS_OF_REAL_USER },
        { "parent", PIDS_OF_PARENT },
    };
    unsigned long number;
    char *end;

    if (argc == 1 || (argc == 2 && strcmp(argv[1], "all") == 0))
        return list(PIDS_ALL, 0);
    if (argc != 3)
        return wrong_usage();
    errno = 0;
    number = strtoul(argv[2], &end, 10);
    if (errno != 0 || end == argv[2] || *end != '\0' || number > UINT32_MAX)
        return wrong_usage();
    if (strcmp(argv[1], "pid") == 0)
        return number > INT32_MAX ? wrong_usage() : show((int)number);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(argv[1], words[i].name) == 0)
            return list(words[i].criterion, (uint32_t)number);
    return wrong_usage();
}
