/*
 *   source  sysctl {CTL_KERN, KERN_PROC, KERN_PROC_ALL}
 *
 * Processes may be born between asking for the size and asking for the list. Then the call fails
 * with ENOMEM, the buffer is full of good elements nevertheless, and the size that comes back is 0:
 * how many fit is what we know ourselves.
 */
#include "recorder/collectors/process_list_macos.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS = 5, GROWTH = 8, SPARE = 16 };

static bool reserve(struct process_list *list, size_t room)
{
    struct kinfo_proc *larger;

    if (room <= list->room)
        return true;
    larger = realloc(list->items, room * sizeof *larger);
    if (larger == NULL)
        return false;
    list->items = larger;
    list->room = room;
    return true;
}

static int ask(struct kinfo_proc *items, size_t *bytes)
{
    int name[] = { CTL_KERN, KERN_PROC, KERN_PROC_ALL };

    return sysctl(name, COUNT_OF(name), items, bytes, NULL, 0);
}

static enum status failed(struct error *err, const char *what)
{
    return error_set(err, STATUS_IO, "KERN_PROC_ALL: %s: %s", what, strerror(errno));
}

/* For more than there is room for now, and for as many as there are said to be. */
static enum status grow(struct process_list *list, struct error *err)
{
    size_t bytes = 0, room = list->room + list->room / GROWTH, needed;

    if (ask(NULL, &bytes) != 0)
        return failed(err, "its size");
    needed = bytes / sizeof *list->items;
    return reserve(list, (needed > room ? needed : room) + SPARE)
               ? STATUS_OK
               : error_set(err, STATUS_NO_MEMORY, "list of processes");
}

enum status process_list_read(struct process_list *list, struct error *err)
{
    list->count = 0;
    list->complete = false;
    if (list->room == 0 && grow(list, err) != STATUS_OK)
        return err->status;
    for (int i = 0; i < ATTEMPTS; i++) {
        size_t bytes;

        if (i > 0 && grow(list, err) != STATUS_OK)
            return err->status;
        bytes = list->room * sizeof *list->items;
        if (ask(list->items, &bytes) == 0) {
            list->count = bytes / sizeof *list->items;
            list->complete = true;
            return STATUS_OK;
        }
        if (errno != ENOMEM)
            return failed(err, "the list");
        list->count = list->room;
    }
    return STATUS_OK;
}

void process_list_release(struct process_list *list)
{
    free(list->items);
    *list = (struct process_list){ .items = NULL };
}

bool process_list_find(int32_t pid, struct kinfo_proc *item)
{
    int name[] = { CTL_KERN, KERN_PROC, KERN_PROC_PID, pid };
    size_t bytes = sizeof *item;

    /* Of a pid that nobody has the kernel answers success, and nothing. */
    return sysctl(name, COUNT_OF(name), item, &bytes, NULL, 0) == 0 && bytes == sizeof *item &&
           item->kp_proc.p_pid == pid;
}
