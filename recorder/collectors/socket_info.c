/* One socket as macOS tells of it. Numbers: bsd/sys/proc_info.h, bsd/netinet/tcp_fsm.h of Darwin. */
#include "recorder/collectors/socket_info.h"

#include <string.h>

enum soi_kind { KIND_IN = 1, KIND_TCP = 2, KIND_UN = 3 };
enum tcp_state { TCP_LISTENING = 1, TCP_ESTABLISHED = 4 };
enum { PROTOCOL_UDP = 17 };

static uint32_t word_at(const void *answer, size_t offset)
{
    uint32_t word;

    memcpy(&word, (const char *)answer + offset, sizeof word);
    return word;
}

static enum detail_socket_kind tcp_kind(uint32_t state)
{
    switch (state) {
    case TCP_LISTENING:
        return DETAIL_SOCKET_TCP_LISTENING;
    case TCP_ESTABLISHED:
        return DETAIL_SOCKET_TCP_ESTABLISHED;
    default:
        return DETAIL_SOCKET_TCP_OTHER;
    }
}

static enum detail_socket_kind kind_of(const void *answer)
{
    switch (word_at(answer, SOCKET_INFO_KIND_AT)) {
    case KIND_TCP:
        return tcp_kind(word_at(answer, SOCKET_INFO_TCP_STATE_AT));
    case KIND_IN:
        return word_at(answer, SOCKET_INFO_PROTOCOL_AT) == PROTOCOL_UDP ? DETAIL_SOCKET_UDP
                                                                        : DETAIL_SOCKET_OTHER;
    case KIND_UN:
        return DETAIL_SOCKET_UNIX;
    default:
        return DETAIL_SOCKET_OTHER;
    }
}

enum status socket_info_parse(struct socket_answer *info, const void *answer, size_t size,
                              struct error *err)
{
    *info = (struct socket_answer){ .kind = DETAIL_SOCKET_OTHER };
    if (size < SOCKET_INFO_SIZE)
        return error_set(err, STATUS_CORRUPT, "PROC_PIDFDSOCKETINFO answered %zu bytes, not %d",
                         size, SOCKET_INFO_SIZE);
    memcpy(&info->socket, (const char *)answer + SOCKET_INFO_SOCKET_AT, sizeof info->socket);
    info->kind = kind_of(answer);
    info->receive_bytes = word_at(answer, SOCKET_INFO_RECEIVE_AT);
    info->send_bytes = word_at(answer, SOCKET_INFO_SEND_AT);
    return STATUS_OK;
}
