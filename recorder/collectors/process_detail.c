/* Rows of process_detail_samples: which are worth the room, and the sums over sockets. */
#include "recorder/collectors/process_detail.h"

#include <stdlib.h>

enum score { FOR_FDS = 1, FOR_SOCKETS = 2, FOR_MEMORY = 4 };

struct detail_candidate *detail_list_room(struct detail_list *list, size_t count)
{
    if (count > list->size) {
        size_t size = count + count / 4 + 64;
        struct detail_candidate *larger = realloc(list->candidate, size * sizeof *larger);

        if (larger == NULL)
            return NULL;
        list->candidate = larger;
        list->size = size;
    }
    return list->candidate;
}

void detail_row_add_socket(struct detail_row *row, enum detail_socket_kind kind,
                           int64_t receive_bytes, int64_t send_bytes)
{
    static const enum process_detail_metric metrics[] = {
        [DETAIL_SOCKET_TCP_ESTABLISHED] = DETAIL_TCP_ESTABLISHED,
        [DETAIL_SOCKET_TCP_LISTENING] = DETAIL_TCP_LISTENING,
        [DETAIL_SOCKET_TCP_OTHER] = DETAIL_TCP_OTHER,
        [DETAIL_SOCKET_UDP] = DETAIL_UDP,
        [DETAIL_SOCKET_UNIX] = DETAIL_UNIX,
    };

    if (kind == DETAIL_SOCKET_OTHER)
        return;
    row->values[metrics[kind]]++;
    if (kind != DETAIL_SOCKET_TCP_ESTABLISHED && kind != DETAIL_SOCKET_TCP_OTHER)
        return;
    row->values[DETAIL_TCP_RECEIVE_QUEUE_BYTES] += receive_bytes;
    row->values[DETAIL_TCP_SEND_QUEUE_BYTES] += send_bytes;
}

void detail_row_miss(struct detail_row *row, uint64_t columns, enum missing reason)
{
    for (unsigned m = 0; m < DETAIL_METRIC_COUNT; m++) {
        if (reason == MISSING_NONE || (columns >> m & 1) == 0)
            continue;
        row->values[m] = 0;
        row->missing[m] = (uint8_t)reason;
    }
}

uint8_t detail_score(bool largest, bool has_sockets, int64_t fds)
{
    return (uint8_t)((largest ? FOR_MEMORY : 0) | (has_sockets ? FOR_SOCKETS : 0) |
                     (fds >= DETAIL_MANY_FDS ? FOR_FDS : 0));
}

static int by_worth(const void *a, const void *b)
{
    const struct detail_pick *x = a, *y = b;

    if (x->score != y->score)
        return (x->score < y->score) - (x->score > y->score);
    if (x->has_row != y->has_row)
        return x->has_row ? -1 : 1;
    return (x->candidate > y->candidate) - (x->candidate < y->candidate);
}

size_t detail_picks_best(struct detail_pick *picks, size_t count)
{
    if (count <= DETAIL_ROWS_MAX)
        return count;
    qsort(picks, count, sizeof *picks, by_worth);
    return DETAIL_ROWS_MAX;
}
