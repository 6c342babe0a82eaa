/* Requests and replies of the control socket: one line each, and a body behind a reply's. */
#include "schema/control.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    bool text; /* one must follow */
} commands[CONTROL_COMMAND_COUNT] = {
    [CONTROL_STATUS] = { "status", false }, [CONTROL_MARK] = { "mark", true },
    [CONTROL_FLUSH] = { "flush", false },   [CONTROL_STOP] = { "stop", false },
    [CONTROL_LIVE] = { "live", false },
};

const char *control_command_name(enum control_command command)
{
    return commands[command].name;
}

/* Digits up to a blank; moves *at behind them. False: there are none, or too many. */
static bool take_number(const char *data, size_t size, size_t *at, size_t *number)
{
    size_t begin = *at;

    for (*number = 0; *at < size && data[*at] >= '0' && data[*at] <= '9'; (*at)++)
        *number = *number * 10 + (size_t)(data[*at] - '0');
    return *at > begin && *at - begin <= 9;
}

/* "VERSION " at the start; moves *at behind it. */
static enum status take_version(const char *data, size_t size, size_t *at, struct error *err)
{
    size_t version;

    if (!take_number(data, size, at, &version) || *at == size || data[*at] != ' ')
        return error_set(err, STATUS_INVALID, "this does not begin with a version and a blank");
    (*at)++;
    if (version != CONTROL_VERSION)
        return error_set(err, STATUS_UNSUPPORTED,
                         "the other side speaks version %zu of the control protocol, this side "
                         "version %d: use procscope and procscoped of one version",
                         version, CONTROL_VERSION);
    return STATUS_OK;
}

/* Bytes above 127 may be any; who prints the text escapes it. */
static enum status check_text(const char *text, size_t size, struct error *err)
{
    if (size == 0)
        return error_set(err, STATUS_INVALID, "mark wants a text");
    if (size > CONTROL_TEXT_MAX)
        return error_set(err, STATUS_INVALID, "the text has %zu bytes; at most %d are accepted",
                         size, CONTROL_TEXT_MAX);
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return error_set(err, STATUS_INVALID,
                             "the text holds a control character (byte %zu): give one line", i + 1);
    }
    return STATUS_OK;
}

static enum status check_request(const struct control_request *request, struct error *err)
{
    if (commands[request->command].text)
        return check_text(request->text, request->text_size, err);
    if (request->text_size > 0)
        return error_set(err, STATUS_INVALID, "%s takes no text", commands[request->command].name);
    return STATUS_OK;
}

enum status control_request_parse(struct control_request *request, const char *line, size_t size,
                                  struct error *err)
{
    size_t at = 0, word;

    *request = (struct control_request){ .text = "" };
    if (take_version(line, size, &at, err) != STATUS_OK)
        return err->status;
    for (word = at; at < size && line[at] != ' ';)
        at++;
    for (size_t c = 0; c < CONTROL_COMMAND_COUNT; c++) {
        if (strlen(commands[c].name) != at - word ||
            memcmp(commands[c].name, line + word, at - word) != 0)
            continue;
        request->command = (enum control_command)c;
        if (at < size) {
            request->text = line + at + 1;
            request->text_size = size - at - 1;
        }
        return check_request(request, err);
    }
    return error_set(err, STATUS_INVALID,
                     "no such command; there is status, mark TEXT, flush, stop and live");
}

enum status control_request_put(char line[CONTROL_REQUEST_MAX], size_t *size,
                                const struct control_request *request, struct error *err)
{
    int used;

    *size = 0;
    if (check_request(request, err) != STATUS_OK)
        return err->status;
    used = snprintf(line, CONTROL_REQUEST_MAX, "%d %s%s%.*s\n", CONTROL_VERSION,
                    commands[request->command].name, request->text_size > 0 ? " " : "",
                    (int)request->text_size, request->text_size > 0 ? request->text : "");
    *size = (size_t)used;
    return STATUS_OK;
}

enum status control_reply_parse(struct control_reply *reply, const char *data, size_t size,
                                struct error *err)
{
    size_t most = size < CONTROL_HEAD_MAX ? size : CONTROL_HEAD_MAX;
    const char *end = memchr(data, '\n', most);
    size_t at = 0, line;

    *reply = (struct control_reply){ .ok = false };
    if (end == NULL && size < CONTROL_HEAD_MAX)
        return error_set(err, STATUS_ABSENT, "the reply ends within its first line");
    line = end == NULL ? most : (size_t)(end - data);
    if (take_version(data, line, &at, err) == STATUS_UNSUPPORTED)
        return STATUS_UNSUPPORTED;
    if (line - at > 3 && memcmp(data + at, "ok ", 3) == 0) {
        reply->ok = true;
        at += 3;
    } else if (line - at > 6 && memcmp(data + at, "error ", 6) == 0) {
        at += 6;
    } else {
        at = line;
    }
    if (end == NULL || !take_number(data, line, &at, &reply->body_size) || at != line ||
        reply->body_size > CONTROL_BODY_MAX)
        return error_set(err, STATUS_CORRUPT, "this is no reply of a recorder");
    reply->head_size = line + 1;
    return STATUS_OK;
}

size_t control_reply_put(char head[CONTROL_HEAD_MAX], bool ok, size_t body_size)
{
    return (size_t)snprintf(head, CONTROL_HEAD_MAX, "%d %s %zu\n", CONTROL_VERSION,
                            ok ? "ok" : "error", body_size);
}
