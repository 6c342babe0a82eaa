/*
 * How a source that does not answer is told in a recording: an event "not_answering" at the time since
 * when it does not, and an event "answering", with how long that lasted, once it does again.
 */
#ifndef RECORDER_UNANSWERED_H
#define RECORDER_UNANSWERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/tick.h"

/* Each adds an event to the tick. `value` is the event's: a pid, or 0; `what` is collector: source. */
void unanswered_begins(struct tick *tick, int64_t since_ns, int64_t value, const char *what);
void unanswered_ends(struct tick *tick, int64_t since_ns, int64_t value, const char *what);

/* Such an event as a sentence for the log; false when it is of another kind. */
bool unanswered_text(const struct tick *tick, const struct tick_event *event, char *text,
                     size_t size);

#endif
