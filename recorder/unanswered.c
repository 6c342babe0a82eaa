/* See unanswered.h. */
#include "recorder/unanswered.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char begins[] = "not_answering";
static const char ends[] = "answering";

static struct tick_event *add(struct tick *tick, const char *kind, int64_t value, const char *what)
{
    struct tick_event *event = tick_add_event(tick);

    if (event == NULL)
        return NULL;
    event->at_ns = tick->start_ns;
    event->value = value;
    event->kind = tick_add_text(tick, kind, strlen(kind));
    event->detail = tick_add_text(tick, what, strlen(what));
    return event;
}

void unanswered_begins(struct tick *tick, int64_t since_ns, int64_t value, const char *what)
{
    struct tick_event *event = add(tick, begins, value, what);

    if (event != NULL)
        event->at_ns = since_ns;
}

void unanswered_ends(struct tick *tick, int64_t since_ns, int64_t value, const char *what)
{
    struct tick_event *event = add(tick, ends, value, what);

    if (event != NULL)
        event->duration_ns = tick->start_ns - since_ns;
}

static bool is(const struct tick *tick, const struct tick_event *event, const char *kind)
{
    return event->kind.size == strlen(kind) &&
           memcmp(tick_text_at(tick, event->kind), kind, event->kind.size) == 0;
}

bool unanswered_text(const struct tick *tick, const struct tick_event *event, char *text,
                     size_t size)
{
    const char *what = tick_text_at(tick, event->detail);
    int length = (int)event->detail.size;
    time_t since = (time_t)(event->at_ns / 1000000000);
    char at[40] = "";
    struct tm utc;

    if (is(tick, event, ends)) {
        (void)snprintf(text, size, "%.*s: answers again after %.1f s", length, what,
                       (double)event->duration_ns / 1e9);
        return true;
    }
    if (!is(tick, event, begins))
        return false;
    if (gmtime_r(&since, &utc) != NULL)
        (void)strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", &utc);
    (void)snprintf(text, size, "%.*s: not answering since %s", length, what, at);
    return true;
}
