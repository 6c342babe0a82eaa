/* A version is told when a text differs from the one before; what was told is known by its hash. */
#include "recorder/collectors/process_answer.h"

#include <stdio.h>

#include "recorder/unanswered.h"

uint32_t process_text_hash(const void *data, size_t size)
{
    return crc32c(0, data, size);
}

uint32_t process_answer_changed(uint32_t hash[], bool named, const struct slow_answer *answer)
{
    uint32_t changed = 0;

    for (unsigned text = 0; text < PROCESS_TEXT_COUNT; text++) {
        uint32_t now =
            process_text_hash(answer->bytes.data + answer->text[text].at, answer->text[text].size);

        if (!(answer->known & 1u << text))
            continue;
        if (text == PROCESS_CMDLINE) /* the whole, of which the text may be a part */
            now ^= (uint32_t)answer->cmdline_hash;
        if (named && now == hash[text])
            continue;
        hash[text] = now;
        changed |= 1u << text;
    }
    return changed;
}

void process_answer_put(const struct slow_answer *answer, uint32_t texts, struct tick *tick)
{
    struct tick_version *version = tick_add_version(tick);

    if (version == NULL)
        return;
    version->slot = answer->request.slot;
    version->from_ns = answer->request.from_ns;
    version->known = texts;
    if (texts & 1u << PROCESS_CMDLINE) {
        version->cmdline_length = answer->cmdline_length;
        version->cmdline_hash = answer->cmdline_hash;
    }
    for (unsigned text = 0; text < PROCESS_TEXT_COUNT; text++) {
        if (texts & 1u << text)
            version->text[text] = tick_add_text(tick, answer->bytes.data + answer->text[text].at,
                                                answer->text[text].size);
    }
}

void process_answers_late(struct slow *slow, struct tick *tick)
{
    struct slow_notice notice;
    char what[160];

    while (slow_look(slow, tick->start_ns, &notice)) {
        snprintf(what, sizeof what, "process: names of pid %d%s", notice.pid,
                 notice.late && notice.exhausted
                     ? "; too many such reads hang: no other names are read until one is back"
                     : "");
        if (notice.late)
            unanswered_begins(tick, notice.since_ns, notice.pid, what);
        else
            unanswered_ends(tick, notice.since_ns, notice.pid, what);
    }
}
