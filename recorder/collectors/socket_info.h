/*
 * What PROC_PIDFDSOCKETINFO of macOS answers about one socket, struct socket_fdinfo of 792 bytes, by
 * offsets: the same on both processors from macOS 11 to 15.
 */
#ifndef RECORDER_COLLECTORS_SOCKET_INFO_H
#define RECORDER_COLLECTORS_SOCKET_INFO_H

#include <stddef.h>
#include <stdint.h>

#include "recorder/collectors/process_detail.h"
#include "schema/error.h"

enum {
    SOCKET_INFO_SIZE = 792,
    SOCKET_INFO_SOCKET_AT = 160, /* soi_so, 64 bits; what follows has 32 */
    SOCKET_INFO_PROTOCOL_AT = 180,
    SOCKET_INFO_RECEIVE_AT = 208, /* soi_rcv.sbi_cc */
    SOCKET_INFO_SEND_AT = 232,
    SOCKET_INFO_KIND_AT = 256,
    SOCKET_INFO_TCP_STATE_AT = 344,
};

struct socket_answer {
    uint64_t socket; /* the same for each descriptor of it; 0: not told */
    enum detail_socket_kind kind;
    uint32_t receive_bytes, send_bytes;
};

/*
 * Parse one answer.
 *
 *   shape   longer ones are taken, as a later system may answer more
 *   errors  CORRUPT
 */
MUST_USE enum status socket_info_parse(struct socket_answer *info, const void *answer, size_t size,
                                       struct error *err);

#endif
