/*
 *   source  proc_pidpath (of everybody's), sysctl KERN_PROCARGS2, PROC_PIDVNODEPATHINFO; the user
 *           database; KERN_PROC_PID once more at the end
 *   absent  arguments and directory of other users' processes but for root; the path of a program
 *           that was deleted or replaced
 *
 * KERN_PROCARGS2 hands out the environment behind the arguments: they are copied out of its block,
 * which is wiped at once.
 */
#include "recorder/collectors/identity_macos.h"

#include <errno.h>
#include <libproc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysctl.h>

#include "recorder/collectors/procargs.h"
#include "recorder/collectors/process_list_macos.h"

/* The kernel refuses more: ARG_MAX and the count. */
enum { BLOCK_ROOM = 1048576 + 4 };

struct identity_reader {
    const struct identity_source *source; /* not to be touched while reading */
    bool no_cmdline;
    struct identity_users users;
    struct byte_writer redacted;

    /* what was read */
    const char *user;
    bool same; /* it was still that process when all was read */
    bool has_arguments, arguments_cut, has_directory;
    int path_size; /* 0: not known */
    size_t arguments_size;
    char path[PROC_PIDPATHINFO_MAXSIZE];
    struct proc_vnodepathinfo directories;
    uint8_t arguments[CMDLINE_READ_MAX];

    uint8_t *block; /* [BLOCK_ROOM], all NUL between two reads */
};

enum status identity_open(void *source, void **opened, struct error *err)
{
    const struct identity_source *from = source;
    struct identity_reader *reader = calloc(1, sizeof *reader);

    *opened = reader;
    if (reader != NULL)
        reader->block = calloc(1, BLOCK_ROOM);
    if (reader == NULL || reader->block == NULL) {
        free(reader);
        *opened = NULL;
        return error_set(err, STATUS_NO_MEMORY, "no memory for command lines");
    }
    reader->source = from;
    reader->no_cmdline = from->no_cmdline;
    return STATUS_OK;
}

void identity_close(void *context)
{
    struct identity_reader *reader = context;

    bytes_release(&reader->redacted);
    free(reader->block);
    free(reader);
}

/* Not left out by a compiler that sees that nobody reads it any more. */
static void wipe(uint8_t *data, size_t size)
{
    volatile uint8_t *at = data;

    while (size-- > 0)
        *at++ = 0;
}

static void take_arguments(struct identity_reader *reader, size_t size)
{
    struct procargs args;
    struct error err;

    if (procargs_parse(&args, reader->block, size, BLOCK_ROOM, &err) != STATUS_OK)
        return;
    reader->has_arguments = true;
    reader->arguments_cut = args.cut || args.size > sizeof reader->arguments;
    reader->arguments_size =
        args.size < sizeof reader->arguments ? args.size : sizeof reader->arguments;
    if (reader->arguments_size > 0)
        memcpy(reader->arguments, args.arguments, reader->arguments_size);
}

static void read_arguments(struct identity_reader *reader, int32_t pid)
{
    int name[] = { CTL_KERN, KERN_PROCARGS2, pid };
    size_t size = BLOCK_ROOM;

    reader->has_arguments = false;
    if (reader->no_cmdline)
        return;
    /* What failed may have written something. */
    if (sysctl(name, COUNT_OF(name), reader->block, &size, NULL, 0) != 0)
        size = BLOCK_ROOM;
    else
        take_arguments(reader, size < BLOCK_ROOM ? size : BLOCK_ROOM);
    wipe(reader->block, size < BLOCK_ROOM ? size : BLOCK_ROOM);
}

static bool is_same(const struct slow_request *request)
{
    struct kinfo_proc now;

    return process_list_find(request->pid, &now) &&
           process_list_start_us(&now) == request->start_ticks;
}

void identity_read(void *context, const struct slow_request *request)
{
    struct identity_reader *reader = context;

    reader->user = identity_user_name(&reader->users, "", request->uid, request->asked_ns);
    if (request->user_only)
        return;
    reader->path_size = proc_pidpath(request->pid, reader->path, sizeof reader->path);
    reader->has_directory =
        proc_pidinfo(request->pid, PROC_PIDVNODEPATHINFO, 0, &reader->directories,
                     sizeof reader->directories) == (int)sizeof reader->directories;
    read_arguments(reader, request->pid);
    reader->same = is_same(request);
}

static void put(struct slow_answer *answer, enum process_text text, const char *from, size_t most)
{
    identity_put_text(answer, text, from, strnlen(from, most));
}

/* What only Linux has, and what the kernel itself has none of, is known to be empty. */
static void put_nothing(const struct slow_request *request, struct slow_answer *answer)
{
    identity_put_text(answer, PROCESS_CGROUP, "", 0);
    identity_put_text(answer, PROCESS_CONTAINER, "", 0);
    if (request->pid != 0)
        return;
    identity_put_text(answer, PROCESS_EXE, "", 0);
    identity_put_text(answer, PROCESS_CWD, "", 0);
}

void identity_answer(void *context, const struct slow_request *request, struct slow_answer *answer)
{
    struct identity_reader *reader = context;

    put(answer, PROCESS_USER, reader->user, IDENTITY_TEXT_MAX);
    if (request->user_only)
        return;
    answer->gone = !reader->same;
    if (answer->gone)
        return;
    put_nothing(request, answer);
    if (reader->path_size > 0)
        put(answer, PROCESS_EXE, reader->path, sizeof reader->path);
    if (reader->has_directory)
        put(answer, PROCESS_CWD, reader->directories.pvi_cdir.vip_path,
            sizeof reader->directories.pvi_cdir.vip_path);
    if (reader->has_arguments)
        identity_put_cmdline(reader->source, reader->arguments, reader->arguments_size,
                             reader->arguments_cut, &reader->redacted, answer);
}

/* Fixtures are of Linux hosts. */
void identity_fixture_user(const char *root, uint32_t uid, char *name, size_t size)
{
    (void)root, (void)uid;
    if (size > 0)
        name[0] = '\0';
}
