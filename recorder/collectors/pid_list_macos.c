/*
 *   source  proc_listpids(3)
 *
 * It answers bytes, 0 with errno where it fails, and 0 without where nobody matches.
 */
#include "recorder/collectors/pid_list_macos.h"

#include <errno.h>
#include <libproc.h>
#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS = 5, SPARE = 64 };

static bool reserve(struct pid_list *list, size_t room)
{
    int32_t *larger;

    if (room <= list->room)
        return true;
    larger = realloc(list->pids, room * sizeof *larger);
    if (larger == NULL)
        return false;
    list->pids = larger;
    list->room = room;
    return true;
}

static enum status failed(struct error *err)
{
    return error_set(err, STATUS_IO, "proc_listpids: %s", strerror(errno));
}

/* As many as there are now, as many more as half of that, and a few. */
static enum status grow(struct pid_list *list, struct error *err)
{
    int bytes;
    size_t needed;

    errno = 0;
    bytes = proc_listpids(PIDS_ALL, 0, NULL, 0);
    if (bytes <= 0)
        return failed(err);
    needed = (size_t)bytes / sizeof *list->pids;
    if (needed < list->room)
        needed = list->room;
    return reserve(list, needed + needed / 2 + SPARE)
               ? STATUS_OK
               : error_set(err, STATUS_NO_MEMORY, "list of processes");
}

enum status pid_list_read(struct pid_list *list, enum pid_criterion criterion, uint32_t argument,
                          struct error *err)
{
    list->count = 0;
    list->complete = false;
    for (int i = 0; i < ATTEMPTS; i++) {
        size_t room;
        int bytes;

        if ((i > 0 || list->room == 0) && grow(list, err) != STATUS_OK)
            return err->status;
        room = list->room * sizeof *list->pids;
        errno = 0;
        bytes = proc_listpids(criterion, argument, list->pids, (int)room);
        if (bytes < 0 || (bytes == 0 && errno != 0))
            return failed(err);
        list->count = (size_t)bytes / sizeof *list->pids;
        if ((size_t)bytes < room) {
            list->complete = true;
            return STATUS_OK;
        }
    }
    return STATUS_OK;
}

void pid_list_release(struct pid_list *list)
{
    free(list->pids);
    *list = (struct pid_list){ .pids = NULL };
}
