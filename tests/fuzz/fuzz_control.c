/* A request or the head of a reply: refused with words, or written and read back the same. */
#include "tests/fuzz/fuzz_input.h"

#include <string.h>

#include "schema/control.h"

static void check_request(const char *data, size_t size)
{
    struct control_request request, again;
    char line[CONTROL_REQUEST_MAX];
    struct error err = { 0 };
    enum status st = control_request_parse(&request, data, size, &err);
    size_t length;

    fuzz_check(st, &err);
    if (st != STATUS_OK)
        return;
    if (control_request_put(line, &length, &request, &err) != STATUS_OK || length > sizeof line ||
        control_request_parse(&again, line, length - 1, &err) != STATUS_OK ||
        again.command != request.command || again.text_size != request.text_size ||
        memcmp(again.text, request.text, request.text_size) != 0)
        abort();
}

static void check_reply(const char *data, size_t size)
{
    struct control_reply reply, again;
    char head[CONTROL_HEAD_MAX];
    struct error err = { 0 };
    enum status st = control_reply_parse(&reply, data, size, &err);
    size_t length;

    fuzz_check(st, &err);
    if (st != STATUS_OK)
        return;
    length = control_reply_put(head, reply.ok, reply.body_size);
    if (reply.head_size > size || control_reply_parse(&again, head, length, &err) != STATUS_OK ||
        again.ok != reply.ok || again.body_size != reply.body_size)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = size == 0 ? "" : (const char *)data;

    check_request(text, size);
    check_reply(text, size);
    return 0;
}
