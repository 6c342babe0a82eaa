#include "analyzer/json.h"

#include <stdio.h>

#include "analyzer/decimal.h"
#include "analyzer/escape.h"
#include "schema/identity.h"

static void put(struct json *j, const char *text)
{
    bytes_put(&j->bytes, text, strlen(text));
}

static void put_string(struct json *j, const char *text, size_t size)
{
    if (!bytes_reserve(&j->bytes, ESCAPE_ROOM(size)))
        return;
    j->bytes.used = (size_t)(escape_put_json((char *)j->bytes.data + j->bytes.used, text, size) -
                             (char *)j->bytes.data);
}

void json_name(struct json *j, const char *name)
{
    if (j->more)
        bytes_put_u8(&j->bytes, ',');
    j->more = true;
    if (name == NULL)
        return;
    put_string(j, name, strlen(name));
    bytes_put_u8(&j->bytes, ':');
}

void json_begin(struct json *j, const char *name, const char *bracket)
{
    json_name(j, name);
    put(j, bracket);
    j->more = false;
}

void json_end(struct json *j, const char *bracket)
{
    put(j, bracket);
    j->more = true;
}

void json_bytes(struct json *j, const char *name, const char *text, size_t size)
{
    json_name(j, name);
    put_string(j, text, size);
}

void json_text(struct json *j, const char *name, const char *text)
{
    json_bytes(j, name, text, strlen(text));
}

void json_bool(struct json *j, const char *name, bool value)
{
    json_name(j, name);
    put(j, value ? "true" : "false");
}

void json_integer(struct json *j, const char *name, int64_t value)
{
    char text[DECIMAL_ROOM];

    json_name(j, name);
    *decimal_put_i64(text, value) = '\0';
    put(j, text);
}

void json_real(struct json *j, const char *name, double value)
{
    char text[DECIMAL_ROOM];

    json_name(j, name);
    *decimal_put_real(text, value) = '\0';
    put(j, text);
}

void json_time(struct json *j, const char *name, int64_t time_ns)
{
    struct decimal_clock clock = { 0 };
    char text[DECIMAL_ROOM], member[40];

    *decimal_put_rfc3339(&clock, text, time_ns) = '\0';
    (void)snprintf(member, sizeof member, "%s_time", name);
    json_name(j, member);
    if (time_ns == NO_TIME)
        put(j, "null");
    else
        put_string(j, text, strlen(text));
    (void)snprintf(member, sizeof member, "%s_ns", name);
    if (time_ns != NO_TIME) {
        json_integer(j, member, time_ns);
        return;
    }
    json_name(j, member);
    put(j, "null");
}
