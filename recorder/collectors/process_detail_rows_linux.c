/* Which processes have a row, and what is in it. */
#include <errno.h>
#include <stdlib.h>

#include "recorder/collectors/process_detail_look_linux.h"
#include "recorder/textfile.h"

enum score { FOR_FDS = 1, FOR_SOCKETS = 2, FOR_MEMORY = 4 };

/* Columns that a kind's dump tells, as bits of enum process_detail_metric. */
static const uint64_t tcp_columns =
    UINT64_C(1) << DETAIL_TCP_ESTABLISHED | UINT64_C(1) << DETAIL_TCP_LISTENING |
    UINT64_C(1) << DETAIL_TCP_OTHER | UINT64_C(1) << DETAIL_TCP_RECEIVE_QUEUE_BYTES |
    UINT64_C(1) << DETAIL_TCP_SEND_QUEUE_BYTES;

/* --- sums --- */

static void add_tcp(struct detail_row *row, const struct socket_entry *socket)
{
    if (socket->state == SOCKET_LISTENING) { /* its queues are of connections, not of bytes */
        row->values[DETAIL_TCP_LISTENING]++;
        return;
    }
    row->values[socket->state == SOCKET_ESTABLISHED ? DETAIL_TCP_ESTABLISHED : DETAIL_TCP_OTHER]++;
    row->values[DETAIL_TCP_RECEIVE_QUEUE_BYTES] += socket->receive_bytes;
    row->values[DETAIL_TCP_SEND_QUEUE_BYTES] += socket->send_bytes;
}

static void add_socket(struct detail_row *row, const struct socket_entry *socket)
{
    switch ((enum socket_dump)socket->kind) {
    case SOCKETS_TCP4:
    case SOCKETS_TCP6:
        add_tcp(row, socket);
        break;
    case SOCKETS_UDP4:
    case SOCKETS_UDP6:
        row->values[DETAIL_UDP]++;
        break;
    case SOCKETS_UNIX:
    case SOCKET_DUMP_COUNT:
        row->values[DETAIL_UNIX]++;
        break;
    }
}

/* Those that no dump has any more are closed, and left out; those that none ever had are of other kinds. */
static void add_sockets(struct detail_look *look, struct detail_known *known,
                        struct detail_row *row)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < known->link_count; i++) {
        struct detail_link link = known->links[i];
        struct socket_entry *socket = socket_table_find(&look->sockets, link.inode);

        if (socket == NULL && link.met)
            continue;
        if (socket != NULL) {
            link.met = true;
            look->unsettled -= !socket->settled;
            socket->settled = true;
            add_socket(row, socket);
        }
        known->links[kept++] = link;
    }
    known->link_count = kept;
    row->values[DETAIL_SOCKETS] = kept;
}

/* --- what is missing --- */

static void set_missing(struct detail_row *row, uint64_t columns, enum missing reason)
{
    for (unsigned m = 0; m < DETAIL_METRIC_COUNT; m++)
        if (reason != MISSING_NONE && (columns >> m & 1) != 0)
            row->missing[m] = (uint8_t)reason;
}

static enum missing scan_missing(const struct detail_known *known)
{
    if (known->scanned == 0 || known->scanned_fds == -E2BIG)
        return MISSING_NOT_SAMPLED;
    return known->scanned_fds < 0 ? textfile_missing((int)-known->scanned_fds) : MISSING_NONE;
}

static void tell_missing(const struct detail_look *look, const struct detail_known *known,
                         struct detail_row *row)
{
    const uint64_t unix_column = UINT64_C(1) << DETAIL_UNIX, udp_column = UINT64_C(1) << DETAIL_UDP;
    const uint64_t sockets = tcp_columns | unix_column | udp_column;

    set_missing(row, tcp_columns, look->absent[SOCKETS_TCP6]);
    set_missing(row, tcp_columns, look->absent[SOCKETS_TCP4]);
    set_missing(row, udp_column, look->absent[SOCKETS_UDP6]);
    set_missing(row, udp_column, look->absent[SOCKETS_UDP4]);
    set_missing(row, unix_column, look->absent[SOCKETS_UNIX]);
    if (known->foreign)
        set_missing(row, sockets, MISSING_UNSUPPORTED);
    set_missing(row, sockets | UINT64_C(1) << DETAIL_SOCKETS, scan_missing(known));
    row->missing[DETAIL_PSS_BYTES] = MISSING_NOT_SAMPLED;
    if (known->counted != look->run)
        row->missing[DETAIL_OPEN_FDS] = MISSING_NOT_SAMPLED;
    else if (known->fds < 0)
        row->missing[DETAIL_OPEN_FDS] = (uint8_t)textfile_missing((int)-known->fds);
    else
        row->values[DETAIL_OPEN_FDS] = known->fds;
}

/* --- who has a row --- */

static int by_worth(const void *a, const void *b)
{
    const struct detail_pick *x = a, *y = b;

    if (x->score != y->score)
        return (x->score < y->score) - (x->score > y->score);
    if (x->has_row != y->has_row)
        return x->has_row ? -1 : 1;
    return (x->candidate > y->candidate) - (x->candidate < y->candidate);
}

static bool reserve_picks(struct detail_look *look)
{
    struct detail_pick *larger;

    if (look->candidate_count <= look->pick_size)
        return true;
    larger = realloc(look->picks, look->candidate_size * sizeof *larger);
    if (larger == NULL)
        return false;
    look->picks = larger;
    look->pick_size = look->candidate_size;
    return true;
}

/* A process that once had something to tell keeps its row as long as there is room: no gaps. */
static size_t pick(struct detail_look *look)
{
    size_t count = 0;

    for (uint32_t i = 0; i < look->candidate_count; i++) {
        const struct detail_candidate *candidate = &look->candidates[i];
        struct detail_known *known = &look->known[candidate->identity.slot];
        unsigned score = (candidate->largest ? FOR_MEMORY : 0u) |
                         (known->link_count > 0 ? FOR_SOCKETS : 0u) |
                         (known->counted != 0 && known->fds >= DETAIL_MANY_FDS ? FOR_FDS : 0u);

        if (score > 0 || known->has_row)
            look->picks[count++] = (struct detail_pick){ i, (uint8_t)score, known->has_row };
        known->has_row = false;
    }
    if (count <= DETAIL_ROWS_MAX)
        return count;
    qsort(look->picks, count, sizeof *look->picks, by_worth);
    return DETAIL_ROWS_MAX;
}

bool detail_look_put_rows(struct detail_look *look)
{
    size_t count;

    if (!reserve_picks(look))
        return false;
    count = pick(look);
    for (size_t i = 0; i < count; i++) {
        const struct detail_candidate *candidate = &look->candidates[look->picks[i].candidate];
        struct detail_known *known = &look->known[candidate->identity.slot];
        struct detail_row *row = &look->rows[look->row_count++];

        *row = (struct detail_row){ .identity = candidate->identity };
        add_sockets(look, known, row);
        tell_missing(look, known, row);
        known->has_row = true;
    }
    return true;
}
