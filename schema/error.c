/* Status texts and the one-line error message. */
#include "schema/error.h"

#include <stdio.h>
#include <string.h>

static const char *const texts[] = {
#define STATUS_TEXT(name, text) text,
    STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
};

const char *status_text(enum status status)
{
    return (size_t)status < COUNT_OF(texts) ? texts[status] : "unknown status";
}

void error_write(struct error *err, enum status status, const char *format, ...)
{
    va_list args;

    if (err != NULL) {
        err->status = status;
        va_start(args, format);
        (void)vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
    }
}

enum status error_prefix(struct error *err, const char *format, ...)
{
    char was[sizeof err->message];
    size_t used;
    va_list args;

    if (err == NULL)
        return STATUS_INVALID;
    memcpy(was, err->message, sizeof was);
    va_start(args, format);
    (void)vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    used = strlen(err->message);
    (void)snprintf(err->message + used, sizeof err->message - used, ": %s", was);
    return err->status;
}
