/*
 * What PROC_PIDFDSOCKETINFO answers: any bytes, and the same with more behind them, which changes
 * nothing. A row takes whatever comes out.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/socket_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MORE = 8 };

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_row(const struct socket_answer *info)
{
    struct detail_row row = { .values = { 0 } };
    int64_t kinds = 0;

    detail_row_add_socket(&row, info->kind, info->receive_bytes, info->send_bytes);
    for (unsigned m = DETAIL_TCP_ESTABLISHED; m <= DETAIL_UNIX; m++)
        kinds += row.values[m];
    check(kinds == (info->kind != DETAIL_SOCKET_OTHER));
    check(row.values[DETAIL_TCP_LISTENING] == 0 || row.values[DETAIL_TCP_SEND_QUEUE_BYTES] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t longer[SOCKET_INFO_SIZE + MORE];
    struct socket_answer info, again;
    struct error err = { 0 };

    if (socket_info_parse(&info, data, size, &err) != STATUS_OK) {
        check(size < SOCKET_INFO_SIZE && err.message[0] != '\0');
        return 0;
    }
    check(info.kind <= DETAIL_SOCKET_OTHER);
    check_row(&info);
    memcpy(longer, data, SOCKET_INFO_SIZE);
    memset(longer + SOCKET_INFO_SIZE, 0xff, MORE);
    check(socket_info_parse(&again, longer, sizeof longer, &err) == STATUS_OK);
    check(again.socket == info.socket && again.kind == info.kind &&
          again.receive_bytes == info.receive_bytes && again.send_bytes == info.send_bytes);
    return 0;
}
