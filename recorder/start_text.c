/* How to get what is lacking is told by --list-collectors alone. */
#include "recorder/start_text.h"

#include <stdio.h>
#include <string.h>

#include "recorder/options.h"

void start_text(const struct session *session, char text[START_TEXT_SIZE])
{
    const char *source = session->facts.process_source;
    const char *between = ": ";
    char interval[32];
    size_t used;

    options_print_span(interval, sizeof interval, session->context.interval_ns);
    (void)snprintf(text, START_TEXT_SIZE, "recording to %s every %s", session->path, interval);
    for (size_t i = 0; i < session->collect.count; i++) {
        if (!session->collect.entries[i].running)
            continue;
        used = strlen(text);
        (void)snprintf(text + used, START_TEXT_SIZE - used, "%s%s", between,
                       session->collect.entries[i].collector->name);
        between = ", ";
    }
    used = strlen(text);
    if (source[0] != '\0')
        (void)snprintf(text + used, START_TEXT_SIZE - used, "; process source %s", source);
}

bool start_text_lack(const struct session *session, size_t i, char text[START_TEXT_SIZE])
{
    const struct collect_entry *entry = &session->collect.entries[i];
    const struct capability *capability = &entry->capability;

    if (capability->status == CAPABILITY_OK || capability->status == CAPABILITY_OFF)
        return false;
    (void)snprintf(text, START_TEXT_SIZE, "%s %s%s%s", entry->collector->name,
                   capability_name(capability->status), capability->reason[0] != '\0' ? ": " : "",
                   capability->reason);
    return true;
}
