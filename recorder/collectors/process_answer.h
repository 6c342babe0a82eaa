/* What the slow thread has read of a process's names, on its way into a tick. */
#ifndef RECORDER_COLLECTORS_PROCESS_ANSWER_H
#define RECORDER_COLLECTORS_PROCESS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/slow.h"

/* By which a changed text is known. */
uint32_t process_text_hash(const void *data, size_t size);

/*
 * The texts that differ from what is known, a bit per enum process_text; their hashes are
 * remembered in hash[PROCESS_TEXT_COUNT]. With `named` false nothing is known yet.
 */
uint32_t process_answer_changed(uint32_t hash[], bool named, const struct slow_answer *answer);

/* These texts as a version, since the time that the request names. */
void process_answer_put(const struct slow_answer *answer, uint32_t texts, struct tick *tick);

/* Events for what the slow thread waits for in vain, and when it does no more. Once per tick. */
void process_answers_late(struct slow *slow, struct tick *tick);

#endif
