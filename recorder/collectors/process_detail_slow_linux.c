/*
 * What takes a lock of the process that is read about: /proc/PID/smaps_rollup the one of its memory map,
 * /proc/PID/stack the one that an exec holds. Runs in the threads of recorder/slow.h.
 */
#include "recorder/collectors/process_detail_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/collectors/process_files_linux.h"
#include "recorder/collectors/procfs_linux.h"
#include "recorder/textfile.h"

enum { FILE_SIZE = 4096, TEXT_SIZE = 512 };

struct context {
    int proc_fd;
    struct detail_memory memory;
    char text[TEXT_SIZE]; /* of what blocks a process */
    size_t text_size;
    bool gone;
};

enum status detail_slow_open(void *root, void **opened, struct error *err)
{
    struct context *context = calloc(1, sizeof *context);
    char path[4096];

    *opened = context;
    if (context == NULL)
        return error_set(err, STATUS_NO_MEMORY, "details of processes");
    (void)snprintf(path, sizeof path, "%.4080s/proc", *(const char **)root);
    context->proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (context->proc_fd >= 0)
        return STATUS_OK;
    (void)error_set(err, STATUS_IO, "open %s: %s", path, strerror(errno));
    free(context);
    *opened = NULL;
    return STATUS_IO;
}

void detail_slow_close(void *opened)
{
    struct context *context = opened;

    close(context->proc_fd);
    free(context);
}

static int read_of(const struct context *context, int32_t pid, const char *name, char *buffer,
                   size_t room)
{
    char path[PROCESS_PATH_SIZE];

    process_files_path(path, pid, name);
    return detail_read_file(context->proc_fd, path, buffer, room);
}

static void read_memory(struct context *context, int32_t pid)
{
    char text[FILE_SIZE];
    int size = read_of(context, pid, "smaps_rollup", text, sizeof text);

    context->memory.pss_bytes = 0;
    context->gone = size == -ENOENT || size == -ESRCH;
    if (size < 0)
        context->memory.missing = (uint8_t)textfile_missing(-size);
    else
        context->memory.missing =
            (uint8_t)detail_parse_pss(text, (size_t)size, &context->memory.pss_bytes);
}

static void put(struct context *context, const char *text, size_t size)
{
    size_t room = sizeof context->text - context->text_size;

    size = size < room ? size : room;
    memcpy(context->text + context->text_size, text, size);
    context->text_size += size;
}

/* "COMM(pid)\0WCHAN; FRAME, FRAME": what cannot be read is left out. */
static void read_blocked(struct context *context, int32_t pid)
{
    char text[FILE_SIZE], frames[TEXT_SIZE / 2];
    int size = read_of(context, pid, "comm", text, PROC_COMM_MAX + 1);
    size_t used;

    context->gone = size == -ENOENT || size == -ESRCH;
    context->text_size = 0;
    if (size > 0 && text[size - 1] == '\n')
        size--;
    put(context, text, size > 0 ? (size_t)size : 0);
    used = (size_t)snprintf(text, sizeof text, "(%d)", pid);
    put(context, text, used + 1);
    size = read_of(context, pid, "wchan", text, TEXT_SIZE / 4);
    if (size > 0 && !(size == 1 && text[0] == '0'))
        put(context, text, (size_t)size);
    size = read_of(context, pid, "stack", text, sizeof text);
    used = size > 0 ? detail_parse_stack(text, (size_t)size, frames, sizeof frames) : 0;
    if (used > 0) {
        put(context, "; ", 2);
        put(context, frames, used);
    }
}

void detail_slow_read(void *opened, const struct slow_request *request)
{
    struct context *context = opened;
    int64_t begin_ns = detail_cpu_ns();

    context->memory = (struct detail_memory){ .missing = MISSING_NOT_SAMPLED };
    if (request->first)
        read_blocked(context, request->pid);
    else
        read_memory(context, request->pid);
    context->memory.cost_ns = detail_cpu_ns() - begin_ns;
}

void detail_slow_answer(void *opened, const struct slow_request *request,
                        struct slow_answer *answer)
{
    const struct context *context = opened;

    answer->gone = context->gone;
    bytes_put(&answer->bytes, &context->memory, sizeof context->memory);
    if (request->first)
        bytes_put(&answer->bytes, context->text, context->text_size);
}
