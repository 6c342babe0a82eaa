/*
 * Processes are read round and round, as far as a run's budgets of calls and of CPU time go: none is
 * left out for good, and what was read is told once, never carried on.
 */
#include "recorder/collectors/process_detail_look_macos.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/collectors/process_files_macos.h"

/* A process, by its slot. */
struct known {
    struct detail_identity identity; /* pid 0: nobody */
    uint32_t run, scanned;           /* the last that it was there, and read in; 0: none */
    int64_t fds;                     /* -1: not known */
    bool has_sockets, has_row;
    enum missing listed, asked; /* why there is nothing of its descriptors, of its sockets */
    struct detail_row row;      /* what was read */
};

struct detail_look {
    uint32_t run, next; /* next: the slot to go on with */
    int64_t calls_left, left_ns;
    struct process_files files;
    struct detail_list list;
    struct known *known; /* by slot */
    size_t known_size;
    struct detail_row *rows;
    size_t row_count;
    struct detail_pick *picks;
    size_t pick_size;
};

static int64_t cpu_ns(void)
{
    struct timespec now = { 0 };

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, "details of processes");
}

enum status detail_look_open(struct detail_look **opened, struct error *err)
{
    struct detail_look *look = calloc(1, sizeof *look);

    *opened = look;
    if (look != NULL)
        look->rows = calloc(DETAIL_ROWS_MAX, sizeof *look->rows);
    if (look != NULL && look->rows != NULL)
        return STATUS_OK;
    free(look);
    *opened = NULL;
    return no_memory(err);
}

void detail_look_close(void *self)
{
    struct detail_look *look = self;

    process_files_release(&look->files);
    free(look->list.candidate);
    free(look->known);
    free(look->rows);
    free(look->picks);
    free(look);
}

struct detail_candidate *detail_look_candidates(struct detail_look *look, size_t count)
{
    return detail_list_room(&look->list, count);
}

void detail_look_set_count(struct detail_look *look, size_t count)
{
    look->list.count = count;
}

const struct detail_row *detail_look_rows(const struct detail_look *look, size_t *count)
{
    *count = look->row_count;
    return look->rows;
}

/* --- who is there --- */

static bool reserve(struct detail_look *look)
{
    size_t count = look->list.count;
    size_t slots = count == 0 ? 0 : look->list.candidate[count - 1].identity.slot + (size_t)1;

    if (slots > look->known_size) {
        size_t size = slots + slots / 4 + 64;
        struct known *larger = realloc(look->known, size * sizeof *larger);

        if (larger == NULL)
            return false;
        memset(larger + look->known_size, 0, (size - look->known_size) * sizeof *larger);
        look->known = larger;
        look->known_size = size;
    }
    if (count > look->pick_size) {
        struct detail_pick *larger = realloc(look->picks, look->list.size * sizeof *larger);

        if (larger == NULL)
            return false;
        look->picks = larger;
        look->pick_size = look->list.size;
    }
    return true;
}

static struct known *known_at(const struct detail_look *look, size_t candidate)
{
    return &look->known[look->list.candidate[candidate].identity.slot];
}

static void meet(struct detail_look *look)
{
    for (size_t i = 0; i < look->list.count; i++) {
        const struct detail_identity *identity = &look->list.candidate[i].identity;
        struct known *known = known_at(look, i);

        if (!detail_same(&known->identity, identity))
            *known = (struct known){ .identity = *identity, .fds = -1 };
        known->run = look->run;
    }
    for (size_t slot = 0; slot < look->known_size; slot++)
        if (look->known[slot].run != look->run)
            look->known[slot] = (struct known){ .fds = -1 };
}

/* --- one process --- */

static enum missing reason_of(enum files_answer answer)
{
    switch (answer) {
    case FILES_OK:
        return MISSING_NONE;
    case FILES_GONE:
        return MISSING_NOT_THERE;
    case FILES_DENIED:
        return MISSING_NOT_PERMITTED;
    case FILES_MANY:
        return MISSING_NOT_SAMPLED;
    case FILES_FAILED:
        break;
    }
    return MISSING_FAILED;
}

static void add_sockets(struct detail_row *row, const struct process_files *files)
{
    row->values[DETAIL_SOCKETS] = (int64_t)files->socket_count;
    for (size_t i = 0; i < files->socket_count; i++)
        detail_row_add_socket(row, files->sockets[i].kind, files->sockets[i].receive_bytes,
                              files->sockets[i].send_bytes);
}

/*
 * A list that was cut tells neither how many there are nor which are sockets. One whose sockets are
 * more than a whole run may ask about is never read for these.
 */
static void scan(struct detail_look *look, struct known *known)
{
    int32_t pid = known->identity.pid;
    enum files_answer listed = process_files_list(&look->files, pid), asked = listed;

    known->scanned = look->run;
    known->row = (struct detail_row){ .identity = known->identity };
    known->fds = listed == FILES_OK ? (int64_t)look->files.fd_count : -1;
    known->has_sockets = listed == FILES_OK && process_files_socket_count(&look->files) > 0;
    if (listed == FILES_OK) {
        known->row.values[DETAIL_OPEN_FDS] = known->fds;
        asked = process_files_ask(&look->files, pid, DETAIL_CALLS_PER_RUN);
    }
    if (asked == FILES_OK)
        add_sockets(&known->row, &look->files);
    known->listed = reason_of(listed);
    known->asked = reason_of(asked);
    look->calls_left -= look->files.calls;
}

static size_t first_from(const struct detail_look *look, uint32_t slot)
{
    size_t at = 0;

    while (at < look->list.count && look->list.candidate[at].identity.slot < slot)
        at++;
    return at < look->list.count ? at : 0;
}

static void scan_some(struct detail_look *look)
{
    int64_t since_ns = cpu_ns();
    size_t at = first_from(look, look->next);

    worker_at(worker_self(), "descriptors");
    for (size_t i = 0; i < look->list.count && look->calls_left > 0 && look->left_ns > 0; i++) {
        struct known *known = known_at(look, (at + i) % look->list.count);
        int64_t now_ns;

        scan(look, known);
        now_ns = cpu_ns();
        look->left_ns -= now_ns - since_ns;
        since_ns = now_ns;
        look->next = known->identity.slot + 1;
    }
}

/* --- rows --- */

static void put_row(struct detail_look *look, struct known *known)
{
    const uint64_t sockets = DETAIL_KIND_COLUMNS | DETAIL_COLUMN(DETAIL_SOCKETS);
    bool read = known->scanned == look->run;
    struct detail_row *row = &look->rows[look->row_count++];

    *row = known->row;
    row->identity = known->identity;
    detail_row_miss(row, DETAIL_COLUMN(DETAIL_PSS_BYTES), MISSING_UNSUPPORTED);
    detail_row_miss(row, DETAIL_COLUMN(DETAIL_OPEN_FDS),
                    read ? known->listed : MISSING_NOT_SAMPLED);
    detail_row_miss(row, sockets, read ? known->asked : MISSING_NOT_SAMPLED);
    known->has_row = true;
}

/* Who had a row keeps it as long as there is room: no gaps. */
static void put_rows(struct detail_look *look)
{
    size_t count = 0;

    for (uint32_t i = 0; i < look->list.count; i++) {
        struct known *known = known_at(look, i);
        uint8_t score =
            detail_score(look->list.candidate[i].largest, known->has_sockets, known->fds);

        if (score > 0 || known->has_row)
            look->picks[count++] = (struct detail_pick){ i, score, known->has_row };
        known->has_row = false;
    }
    count = detail_picks_best(look->picks, count);
    for (size_t i = 0; i < count; i++)
        put_row(look, known_at(look, look->picks[i].candidate));
}

enum status detail_look_read(void *self, struct error *err)
{
    struct detail_look *look = self;

    look->run++;
    look->row_count = 0;
    look->calls_left += DETAIL_CALLS_PER_RUN;
    look->left_ns += DETAIL_LOOK_NS;
    if (look->calls_left > DETAIL_CALLS_PER_RUN)
        look->calls_left = DETAIL_CALLS_PER_RUN;
    if (look->left_ns > DETAIL_LOOK_NS)
        look->left_ns = DETAIL_LOOK_NS;
    if (!reserve(look))
        return no_memory(err);
    meet(look);
    scan_some(look);
    put_rows(look);
    return STATUS_OK;
}
