/*
 * One look at descriptors and sockets, within a budget of CPU time. A dump lists all sockets; whose they
 * are is told by the links of /proc/PID/fd, which are read of a process that is new, whose number of
 * descriptors changed, or while there is a socket that nobody is known to have.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/collectors/process_detail_look_linux.h"

enum { COUNT_OTHERS = 64 /* per run, of processes without a row */ };

static const int64_t budget_ns[BUDGET_KINDS] = { 1500000, 750000, 750000, 500000 };
/* At the start all are new: so much more once, but not all of it in one run. */
static const int64_t first_ns[BUDGET_KINDS] = { 0, 10000000, 0, 10000000 };
static const int64_t credit_ns = 200000000, credit_per_run_ns = 25000000;

enum status detail_look_open(struct detail_look **opened, const char *root, struct error *err)
{
    struct detail_look *look = calloc(1, sizeof *look);
    char path[4096];

    *opened = look;
    if (look != NULL)
        look->rows = calloc(DETAIL_ROWS_MAX, sizeof *look->rows);
    if (look == NULL || look->rows == NULL) {
        free(look);
        *opened = NULL;
        return error_set(err, STATUS_NO_MEMORY, "details of processes");
    }
    (void)snprintf(path, sizeof path, "%.4080s/proc", root);
    look->proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (look->proc_fd < 0) {
        (void)error_set(err, STATUS_IO, "open %s: %s", path, strerror(errno));
        detail_look_close(look);
        *opened = NULL;
        return STATUS_IO;
    }
    look->fds_are_sized = *root == '\0' && detail_fds_are_sized(look->proc_fd);
    look->network = detail_network(look->proc_fd, NULL);
    look->own_pid = detail_own_pid(look->proc_fd);
    memcpy(look->left_ns, first_ns, sizeof look->left_ns);
    look->credit_ns = credit_ns;
    if (sock_diag_open(&look->diag, root, &look->refusal) != STATUS_NO_MEMORY)
        return STATUS_OK;
    *err = look->refusal;
    detail_look_close(look);
    *opened = NULL;
    return STATUS_NO_MEMORY;
}

void detail_look_close(void *self)
{
    struct detail_look *look = self;

    if (look->proc_fd >= 0)
        close(look->proc_fd);
    sock_diag_close(&look->diag);
    socket_table_release(&look->sockets);
    for (size_t i = 0; i < look->known_size; i++)
        free(look->known[i].links);
    free(look->known);
    free(look->list.candidate);
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

bool detail_look_dumped(const struct detail_look *look)
{
    return look->dumped;
}

const struct error *detail_look_refusal(const struct detail_look *look)
{
    return &look->refusal;
}

/* --- who is there --- */

static void forget(struct detail_known *known)
{
    free(known->links);
    *known = (struct detail_known){ 0 };
}

static bool reserve_known(struct detail_look *look, size_t count)
{
    size_t size = count + count / 4 + 64;
    struct detail_known *larger;

    if (count <= look->known_size)
        return true;
    larger = realloc(look->known, size * sizeof *larger);
    if (larger == NULL)
        return false;
    memset(larger + look->known_size, 0, (size - look->known_size) * sizeof *larger);
    look->known = larger;
    look->known_size = size;
    return true;
}

static struct detail_known *known_at(const struct detail_look *look, size_t candidate)
{
    return &look->known[look->list.candidate[candidate].identity.slot];
}

static bool meet(struct detail_look *look)
{
    size_t count = look->list.count;

    if (count > 0 &&
        !reserve_known(look, look->list.candidate[count - 1].identity.slot + (size_t)1))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct detail_known *known = known_at(look, i);

        if (!detail_same(&known->identity, &look->list.candidate[i].identity)) {
            forget(known);
            known->identity = look->list.candidate[i].identity;
        }
        known->run = look->run;
    }
    for (size_t slot = 0; slot < look->known_size; slot++)
        if (look->known[slot].identity.pid != 0 && look->known[slot].run != look->run)
            forget(&look->known[slot]);
    return true;
}

/* The first candidate in that slot or behind it, or the first of all. */
static size_t first_from(const struct detail_look *look, uint32_t slot)
{
    size_t low = 0, high = look->list.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (look->list.candidate[middle].identity.slot < slot)
            low = middle + 1;
        else
            high = middle;
    }
    return low < look->list.count ? low : 0;
}

/* --- the dump --- */

static void take_socket(void *self, const struct socket_found *found)
{
    const struct socket_entry entry = {
        .inode = found->inode,
        .kind = found->dump,
        .state = found->state,
        .receive_bytes = found->receive_bytes,
        .send_bytes = found->send_bytes,
    };

    socket_table_put(self, &entry);
}

static void count_unsettled(struct detail_look *look)
{
    look->unsettled = 0;
    for (size_t i = 0; i < look->sockets.cell_count; i++)
        look->unsettled += look->sockets.cell[i].inode != 0 && !look->sockets.cell[i].settled;
}

static enum missing why_absent(enum status st)
{
    return st == STATUS_OK       ? MISSING_NONE
           : st == STATUS_ABSENT ? MISSING_UNSUPPORTED
                                 : MISSING_FAILED;
}

static void dump(struct detail_look *look)
{
    int64_t begin_ns = detail_cpu_ns();
    struct error err;

    look->dumped = look->left_ns[BUDGET_DUMP] > 0;
    if (!look->dumped)
        return;
    worker_at(worker_self(), "sockets");
    socket_table_begin(&look->sockets);
    for (unsigned d = 0; d < SOCKET_DUMP_COUNT; d++) {
        enum status st = look->refusal.status;

        if (st == STATUS_OK)
            st =
                sock_diag_dump(&look->diag, (enum socket_dump)d, take_socket, &look->sockets, &err);
        look->absent[d] = why_absent(st);
        if (st != STATUS_OK)
            socket_table_keep(&look->sockets, (uint8_t)d);
    }
    if (look->sockets.overflown)
        for (unsigned d = 0; d < SOCKET_DUMP_COUNT; d++)
            look->absent[d] = MISSING_FAILED;
    socket_table_end(&look->sockets);
    count_unsettled(look);
    look->left_ns[BUDGET_DUMP] -= detail_cpu_ns() - begin_ns;
}

/* --- descriptors --- */

static void spend(struct detail_look *look, enum detail_budget on, int64_t *since_ns)
{
    int64_t now_ns = detail_cpu_ns();

    look->left_ns[on] -= now_ns - *since_ns;
    *since_ns = now_ns;
}

static enum detail_budget budget_of(const struct detail_known *known)
{
    return known->fds > DETAIL_FEW_FDS ? BUDGET_MANY : BUDGET_FEW;
}

static void count_one(struct detail_look *look, struct detail_known *known)
{
    known->fds = detail_count_fds(look->proc_fd, known->identity.pid, look->fds_are_sized);
    known->counted = look->run;
}

/* Of those that have a row or of the others, `most` of them, from *next on. */
static void count_some(struct detail_look *look, bool has_row, size_t most, uint32_t *next,
                       int64_t *since_ns)
{
    size_t at = first_from(look, *next), counted = 0;

    for (size_t i = 0; i < look->list.count && counted < most; i++) {
        struct detail_known *known = known_at(look, (at + i) % look->list.count);

        if (known->has_row != has_row)
            continue;
        if (look->left_ns[BUDGET_COUNT] <= 0)
            break;
        count_one(look, known);
        counted++;
        spend(look, BUDGET_COUNT, since_ns);
        *next = known->identity.slot + 1;
    }
}

/* Of all that have a row, and of some others that might come to have many. */
static void count(struct detail_look *look)
{
    int64_t since_ns = detail_cpu_ns();

    worker_at(worker_self(), "descriptors");
    count_some(look, true, DETAIL_ROWS_MAX, &look->count_next, &since_ns);
    count_some(look, false, COUNT_OTHERS, &look->other_next, &since_ns);
}

struct scan {
    struct detail_look *look;
    struct detail_known *known;
};

static bool take_link(void *self, uint32_t inode)
{
    const struct scan *scan = self;
    struct detail_known *known = scan->known;
    struct socket_entry *entry = socket_table_find(&scan->look->sockets, inode);

    if (known->link_count == known->link_size) {
        uint32_t size = known->link_size == 0 ? 8 : known->link_size * 2;
        struct detail_link *larger = realloc(known->links, size * sizeof *larger);

        if (larger == NULL)
            return false;
        known->links = larger;
        known->link_size = size;
    }
    known->links[known->link_count++] = (struct detail_link){ inode, entry != NULL };
    if (entry != NULL && !entry->settled) {
        entry->settled = true;
        scan->look->unsettled--;
    }
    return true;
}

static int by_inode(const void *a, const void *b)
{
    uint32_t x = ((const struct detail_link *)a)->inode, y = ((const struct detail_link *)b)->inode;

    return (x > y) - (x < y);
}

/* Two descriptors of one socket are one socket. */
static void drop_doubles(struct detail_known *known)
{
    uint32_t kept = 0;

    if (known->link_count > 1)
        qsort(known->links, known->link_count, sizeof *known->links, by_inode);
    for (uint32_t i = 0; i < known->link_count; i++)
        if (i == 0 || known->links[i].inode != known->links[kept - 1].inode)
            known->links[kept++] = known->links[i];
    known->link_count = kept;
}

static void scan(struct detail_look *look, struct detail_known *known)
{
    struct scan scan = { look, known };
    uint64_t network = detail_network(look->proc_fd, &known->identity.pid);

    known->foreign = look->network != 0 && network != 0 && network != look->network;
    known->link_count = 0;
    known->scanned_fds = detail_scan_fds(look->proc_fd, known->identity.pid, take_link, &scan);
    known->scanned = look->run;
    drop_doubles(known);
    if (known->counted != look->run && known->scanned_fds >= 0) {
        known->fds = known->scanned_fds;
        known->counted = look->run;
    }
}

/* New ones, and those that opened or closed something since. */
static bool wants_scan(const struct detail_look *look, const struct detail_known *known)
{
    if (known->identity.pid == look->own_pid)
        return false;
    if (known->scanned == 0)
        return true;
    return known->counted == look->run && known->fds != known->scanned_fds &&
           (known->link_count > 0 || look->unsettled > 0);
}

/* What no process had, once all were read since it came, is nobody's that we can see. */
static void end_pass(struct detail_look *look)
{
    for (size_t i = 0; i < look->sockets.cell_count; i++) {
        struct socket_entry *entry = &look->sockets.cell[i];

        if (entry->inode == 0 || entry->settled || entry->since > look->pass_dump)
            continue;
        entry->settled = true;
        look->unsettled--;
    }
}

/* Read all others too, round and round, while there are sockets of an unknown owner. */
static void pass(struct detail_look *look, int64_t *since_ns)
{
    if (look->unsettled == 0 || look->list.count == 0) {
        look->pass_left = 0;
        return;
    }
    if (look->pass_left == 0) {
        look->pass_left = look->list.count;
        look->pass_dump = look->sockets.dump;
    }
    while (look->pass_left > 0 && look->unsettled > 0) {
        struct detail_known *known = known_at(look, first_from(look, look->pass_next));
        enum detail_budget on = budget_of(known);

        if (look->left_ns[on] <= 0)
            break;
        look->pass_next = known->identity.slot + 1;
        look->pass_left--;
        if (known->scanned == look->run || known->identity.pid == look->own_pid)
            continue;
        scan(look, known);
        spend(look, on, since_ns);
    }
    if (look->pass_left == 0)
        end_pass(look);
}

/* Round and round, so that a budget that does not suffice for all leaves nobody out for good. */
static void scan_some(struct detail_look *look, enum detail_budget on, int64_t *since_ns)
{
    size_t at = first_from(look, look->scan_next[on]);

    for (size_t i = 0; i < look->list.count && look->left_ns[on] > 0; i++) {
        struct detail_known *known = known_at(look, (at + i) % look->list.count);

        if (!wants_scan(look, known))
            continue;
        if (known->counted == 0)
            count_one(look, known);
        if (budget_of(known) != on)
            continue;
        scan(look, known);
        look->scan_next[on] = known->identity.slot + 1;
        spend(look, on, since_ns);
    }
}

/* What was lent and not needed is still there for a later run. */
static void give_back(struct detail_look *look)
{
    int64_t left_ns = look->left_ns[BUDGET_FEW];

    left_ns = left_ns < 0 ? 0 : left_ns < look->lent_ns ? left_ns : look->lent_ns;
    look->credit_ns += left_ns;
    look->left_ns[BUDGET_FEW] -= left_ns;
}

static void scan_all(struct detail_look *look)
{
    int64_t since_ns = detail_cpu_ns();

    worker_at(worker_self(), "descriptors");
    scan_some(look, BUDGET_FEW, &since_ns);
    scan_some(look, BUDGET_MANY, &since_ns);
    give_back(look); /* it is for those that are new */
    pass(look, &since_ns);
}

/* --- all of it --- */

static void refill(struct detail_look *look)
{
    for (unsigned on = 0; on < BUDGET_KINDS; on++) {
        look->left_ns[on] += budget_ns[on];
        if (look->run > 1 && look->left_ns[on] > budget_ns[on])
            look->left_ns[on] = budget_ns[on];
    }
    look->lent_ns = look->credit_ns < credit_per_run_ns ? look->credit_ns : credit_per_run_ns;
    look->credit_ns -= look->lent_ns;
    look->left_ns[BUDGET_FEW] += look->lent_ns;
}

enum status detail_look_read(void *self, struct error *err)
{
    struct detail_look *look = self;

    look->run++;
    look->row_count = 0;
    refill(look);
    if (!meet(look))
        return error_set(err, STATUS_NO_MEMORY, "details of processes");
    dump(look);
    count(look);
    scan_all(look);
    return detail_look_put_rows(look) ? STATUS_OK
                                      : error_set(err, STATUS_NO_MEMORY, "details of processes");
}
