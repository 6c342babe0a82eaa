/*
 * What a process is called, and since when: at once what the list tells, one or more ticks later,
 * as a second version from the same time, what the slow thread has read. It is read again only when
 * the process has become another program, which shows in its uuid, or changed its user; or, at full
 * passes, when it has become the same program once more.
 */
#include <string.h>

#include "recorder/collectors/process_state_macos.h"

static uint32_t comm_hash(const struct kinfo_proc *item)
{
    return process_text_hash(item->kp_proc.p_comm, strnlen(item->kp_proc.p_comm, COMM_MAX));
}

void process_rename(struct process_state *s, struct process *p, const struct kinfo_proc *item,
                    int64_t from_ns, struct tick *tick)
{
    struct tick_version *version = tick_add_version(tick);
    const char *comm = item->kp_proc.p_comm;

    p->uid = item->kp_eproc.e_ucred.cr_uid;
    p->comm_hash = comm_hash(item);
    p->flags |= PROCESS_WANTS_NAME;
    p->name_from_ns = from_ns;
    if (version == NULL)
        return;
    version->slot = process_slot(s, p);
    version->from_ns = from_ns;
    version->known = 1u << PROCESS_COMM | VERSION_UID;
    version->uid = p->uid;
    version->text[PROCESS_COMM] = tick_add_text(tick, comm, strnlen(comm, COMM_MAX));
}

void process_check_name(struct process_state *s, struct process *p, const struct kinfo_proc *item,
                        const struct rusage_info_v6 *usage, struct tick *tick)
{
    static const uint8_t unknown[sizeof p->program];
    bool changed = p->uid != item->kp_eproc.e_ucred.cr_uid || p->comm_hash != comm_hash(item);

    if (usage != NULL && memcmp(usage->ri_uuid, p->program, sizeof p->program) != 0) {
        changed = changed || memcmp(p->program, unknown, sizeof unknown) != 0;
        memcpy(p->program, usage->ri_uuid, sizeof p->program);
    }
    if (changed)
        process_rename(s, p, item, tick->start_ns, tick);
}

/* The tick that has already given it another name asks for no second one. */
void process_check_version(struct process *p, uint32_t version, const struct tick *tick)
{
    if (version == 0 || version == p->version)
        return;
    if (p->version != 0 && p->name_from_ns != tick->start_ns) {
        p->flags |= PROCESS_WANTS_NAME;
        p->name_from_ns = tick->start_ns;
    }
    p->version = version;
}

void process_ask(struct process_state *s, struct process *p)
{
    struct slow_request request = {
        .slot = process_slot(s, p),
        .generation = p->generation,
        .start_ticks = p->start_us,
        .from_ns = p->name_from_ns,
        .asked_ns = s->now_ns,
        .pid = p->pid,
        .uid = p->uid,
        .first = !(p->flags & PROCESS_NAMED),
    };

    /* Never twice at a time: the second read might hang like the first. */
    if (!(p->flags & PROCESS_WANTS_NAME) || p->flags & PROCESS_ASKED ||
        !slow_ask(s->slow, &request))
        return;
    p->flags |= PROCESS_ASKED;
    p->flags &= (uint8_t)~PROCESS_WANTS_NAME;
    s->asked = true;
}

static void take_answer(struct process *p, const struct slow_answer *answer, struct tick *tick)
{
    uint32_t changed =
        process_answer_changed(p->text_hash, (p->flags & PROCESS_NAMED) != 0, answer);

    p->flags |= PROCESS_NAMED;
    if (changed != 0)
        process_answer_put(answer, changed, tick);
}

void process_take_answers(struct process_state *s, struct tick *tick)
{
    const struct slow_answer *answer;

    process_answers_late(s->slow, tick);
    while ((answer = slow_next(s->slow)) != NULL) {
        const struct slow_request *request = &answer->request;
        struct process *p = request->slot < s->process_size ? process_at(s, request->slot) : NULL;
        bool known = p != NULL && p->used && p->generation == request->generation;
        bool here = known && !(p->flags & PROCESS_OVER);

        if (known)
            p->flags &= (uint8_t)~PROCESS_ASKED;
        s->asked = true; /* there is room for more answers */
        /*
         * Called otherwise by now: what was read may be of before or after that, and is asked for
         * again.
         */
        if (here && !answer->gone && request->from_ns == p->name_from_ns)
            take_answer(p, answer, tick);
        else if (request->first && !(known && p->flags & PROCESS_WANTS_NAME))
            s->stats.identities_late++;
    }
}
