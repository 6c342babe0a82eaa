/* Which processes have a row, and what is in it. */
#include <errno.h>
#include <stdlib.h>

#include "recorder/collectors/process_detail_look_linux.h"
#include "recorder/textfile.h"

/* --- sums --- */

static enum detail_socket_kind kind_of(const struct socket_entry *socket)
{
    switch ((enum socket_dump)socket->kind) {
    case SOCKETS_TCP4:
    case SOCKETS_TCP6:
        return socket->state == SOCKET_LISTENING     ? DETAIL_SOCKET_TCP_LISTENING
               : socket->state == SOCKET_ESTABLISHED ? DETAIL_SOCKET_TCP_ESTABLISHED
                                                     : DETAIL_SOCKET_TCP_OTHER;
    case SOCKETS_UDP4:
    case SOCKETS_UDP6:
        return DETAIL_SOCKET_UDP;
    case SOCKETS_UNIX:
    case SOCKET_DUMP_COUNT:
        break;
    }
    return DETAIL_SOCKET_UNIX;
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
            detail_row_add_socket(row, kind_of(socket), socket->receive_bytes, socket->send_bytes);
        }
        known->links[kept++] = link;
    }
    known->link_count = kept;
    row->values[DETAIL_SOCKETS] = kept;
}

/* --- what is missing --- */

static enum missing scan_missing(const struct detail_known *known)
{
    if (known->scanned == 0 || known->scanned_fds == -E2BIG)
        return MISSING_NOT_SAMPLED;
    return known->scanned_fds < 0 ? textfile_missing((int)-known->scanned_fds) : MISSING_NONE;
}

static void tell_missing(const struct detail_look *look, const struct detail_known *known,
                         struct detail_row *row)
{
    const uint64_t unix_column = DETAIL_COLUMN(DETAIL_UNIX), udp_column = DETAIL_COLUMN(DETAIL_UDP);

    detail_row_miss(row, DETAIL_TCP_COLUMNS, look->absent[SOCKETS_TCP6]);
    detail_row_miss(row, DETAIL_TCP_COLUMNS, look->absent[SOCKETS_TCP4]);
    detail_row_miss(row, udp_column, look->absent[SOCKETS_UDP6]);
    detail_row_miss(row, udp_column, look->absent[SOCKETS_UDP4]);
    detail_row_miss(row, unix_column, look->absent[SOCKETS_UNIX]);
    if (known->foreign)
        detail_row_miss(row, DETAIL_KIND_COLUMNS, MISSING_UNSUPPORTED);
    detail_row_miss(row, DETAIL_KIND_COLUMNS | DETAIL_COLUMN(DETAIL_SOCKETS), scan_missing(known));
    row->missing[DETAIL_PSS_BYTES] = MISSING_NOT_SAMPLED;
    if (known->counted != look->run)
        row->missing[DETAIL_OPEN_FDS] = MISSING_NOT_SAMPLED;
    else if (known->fds < 0)
        row->missing[DETAIL_OPEN_FDS] = (uint8_t)textfile_missing((int)-known->fds);
    else
        row->values[DETAIL_OPEN_FDS] = known->fds;
}

/* --- who has a row --- */

static bool reserve_picks(struct detail_look *look)
{
    struct detail_pick *larger;

    if (look->list.count <= look->pick_size)
        return true;
    larger = realloc(look->picks, look->list.size * sizeof *larger);
    if (larger == NULL)
        return false;
    look->picks = larger;
    look->pick_size = look->list.size;
    return true;
}

/* A process that once had something to tell keeps its row as long as there is room: no gaps. */
static size_t pick(struct detail_look *look)
{
    size_t count = 0;

    for (uint32_t i = 0; i < look->list.count; i++) {
        const struct detail_candidate *candidate = &look->list.candidate[i];
        struct detail_known *known = &look->known[candidate->identity.slot];
        uint8_t score = detail_score(candidate->largest, known->link_count > 0,
                                     known->counted != 0 ? known->fds : -1);

        if (score > 0 || known->has_row)
            look->picks[count++] = (struct detail_pick){ i, score, known->has_row };
        known->has_row = false;
    }
    return detail_picks_best(look->picks, count);
}

bool detail_look_put_rows(struct detail_look *look)
{
    size_t count;

    if (!reserve_picks(look))
        return false;
    count = pick(look);
    for (size_t i = 0; i < count; i++) {
        const struct detail_candidate *candidate = &look->list.candidate[look->picks[i].candidate];
        struct detail_known *known = &look->known[candidate->identity.slot];
        struct detail_row *row = &look->rows[look->row_count++];

        *row = (struct detail_row){ .identity = candidate->identity };
        add_sockets(look, known, row);
        tell_missing(look, known, row);
        known->has_row = true;
    }
    return true;
}
