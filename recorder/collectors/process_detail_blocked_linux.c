/*
 * Processes in uninterruptible sleep. Seen so at a run and again at the next tick, one is told of as the
 * event "blocked", once while it lasts; that it is over as "unblocked".
 */
#include <stdio.h>
#include <string.h>

#include "recorder/collectors/process_detail_linux.h"
#include "recorder/collectors/procfs_linux.h"

static bool is_blocked(const struct process_glance *glance)
{
    return glance->state == procfs_state_label('D');
}

void blocked_begin(struct blocked_list *list)
{
    list->asked = 0;
    for (size_t i = 0; i < DETAIL_BLOCKED_MAX; i++)
        if (list->item[i].phase == BLOCKED_QUIET) /* its turn may come now */
            list->item[i].phase = BLOCKED_SUSPECT;
}

void blocked_suspect(struct blocked_list *list, const struct process_glance *glance, int64_t now_ns)
{
    const struct detail_identity identity = { glance->slot, glance->pid, glance->start_ticks };
    struct blocked *room = NULL;

    if (!is_blocked(glance))
        return;
    for (size_t i = 0; i < DETAIL_BLOCKED_MAX; i++) {
        struct blocked *b = &list->item[i];

        if (b->phase == BLOCKED_NOBODY)
            room = room == NULL ? b : room;
        else if (detail_same(&b->identity, &identity) && b->over_ns == 0)
            return;
    }
    if (room != NULL)
        *room = (struct blocked){
            .phase = BLOCKED_SUSPECT,
            .identity = identity,
            .since_ns = now_ns,
        };
}

static struct tick_event *add_event(struct tick *tick, const struct blocked *b, const char *kind)
{
    struct tick_event *event = tick_add_event(tick);

    if (event == NULL)
        return NULL;
    event->value = b->identity.pid;
    event->kind = tick_add_text(tick, kind, strlen(kind));
    return event;
}

static void tell_end(struct blocked *b, int64_t over_ns, struct tick *tick)
{
    struct tick_event *event = add_event(tick, b, "unblocked");

    if (event != NULL) {
        event->at_ns = over_ns;
        event->duration_ns = over_ns - b->since_ns;
        event->detail = tick_add_text(tick, b->name, strlen(b->name));
    }
    b->phase = BLOCKED_NOBODY;
}

static void ask(struct blocked_list *list, struct blocked *b, struct slow *slow)
{
    const struct slow_request request = {
        .slot = b->identity.slot,
        .pid = b->identity.pid,
        .start_ticks = b->identity.start_ticks,
        .first = true,
    };

    if (list->asked >= DETAIL_BLOCKED_PER_RUN) {
        b->phase = BLOCKED_QUIET;
        return;
    }
    if (slow_ask(slow, &request)) {
        b->phase = BLOCKED_ASKED;
        list->asked++;
    }
}

static void look_at(struct blocked_list *list, struct blocked *b, bool still, struct slow *slow,
                    struct tick *tick)
{
    switch (b->phase) {
    case BLOCKED_NOBODY:
        break;
    case BLOCKED_SUSPECT:
        if (!still)
            b->phase = BLOCKED_NOBODY;
        else if (b->since_ns < tick->start_ns) /* not the look that put it down */
            ask(list, b, slow);
        break;
    case BLOCKED_ASKED:
        if (!still && b->over_ns == 0)
            b->over_ns = tick->start_ns;
        break;
    case BLOCKED_QUIET:
        if (!still)
            b->phase = BLOCKED_NOBODY;
        break;
    case BLOCKED_TOLD:
        if (!still)
            tell_end(b, tick->start_ns, tick);
        break;
    }
}

bool blocked_look(struct blocked_list *list, const struct process_directory *processes,
                  struct slow *slow, struct tick *tick)
{
    unsigned before = list->asked;

    for (size_t i = 0; i < DETAIL_BLOCKED_MAX; i++) {
        struct blocked *b = &list->item[i];
        struct process_glance glance = { 0 };
        bool still;

        if (b->phase == BLOCKED_NOBODY)
            continue;
        still = processes->glance(processes->self, b->identity.slot, &glance) &&
                glance.pid == b->identity.pid && glance.start_ticks == b->identity.start_ticks &&
                is_blocked(&glance);
        look_at(list, b, still, slow, tick);
    }
    return list->asked > before;
}

void blocked_answer(struct blocked_list *list, const struct slow_answer *answer, const char *text,
                    size_t size, struct tick *tick)
{
    const struct detail_identity identity = { answer->request.slot, answer->request.pid,
                                              answer->request.start_ticks };
    size_t name = strnlen(text, size);

    for (size_t i = 0; i < DETAIL_BLOCKED_MAX; i++) {
        struct blocked *b = &list->item[i];
        struct tick_event *event;

        if (b->phase != BLOCKED_ASKED || !detail_same(&b->identity, &identity))
            continue;
        (void)snprintf(b->name, sizeof b->name, "%.*s", (int)name, text);
        event = add_event(tick, b, "blocked");
        if (event != NULL) {
            char detail[640];
            int length = snprintf(detail, sizeof detail, "%s %.*s", b->name,
                                  (int)(size > name ? size - name - 1 : 0),
                                  size > name ? text + name + 1 : "");

            event->at_ns = b->since_ns;
            event->detail = tick_add_text(tick, detail, (size_t)length);
        }
        b->phase = BLOCKED_TOLD;
        if (b->over_ns != 0)
            tell_end(b, b->over_ns, tick);
        return;
    }
}
