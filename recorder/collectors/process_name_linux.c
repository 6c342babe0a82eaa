/*
 * What a process is called, and since when: at once what stat and the owner of /proc/PID tell, one
 * or more ticks later, as a second version from the same time, what the slow thread has read.
 */
#include <string.h>

#include "recorder/collectors/process_state_linux.h"

/*
 * Exec gives a process another address space, which the kernel places at random: the same comm from
 * the same program still moves these two. 0: not permitted, or there is none.
 */
static uint32_t exec_hash(const struct proc_stat *stat)
{
    uint64_t marks[2] = { stat->start_code, stat->start_stack };

    return stat->start_stack == 0 ? 0 : process_text_hash(marks, sizeof marks);
}

void process_rename(struct process_state *s, struct process *p, int64_t from_ns, struct tick *tick)
{
    size_t comm_size = procfs_stable_comm(&s->stat);
    struct tick_version *version = tick_add_version(tick);

    p->comm_hash = process_text_hash(s->stat.comm, comm_size);
    if (exec_hash(&s->stat) != 0)
        p->exec_hash = exec_hash(&s->stat);
    p->flags |= PROCESS_WANTS_NAME;
    p->name_from_ns = from_ns;
    if (version == NULL)
        return;
    version->slot = process_slot(s, p);
    version->from_ns = from_ns;
    version->known = 1u << PROCESS_COMM | VERSION_UID;
    version->uid = p->uid;
    version->text[PROCESS_COMM] = tick_add_text(tick, s->stat.comm, comm_size);
}

void process_check_name(struct process_state *s, struct process *p, struct tick *tick)
{
    uint32_t exec = exec_hash(&s->stat), uid = p->uid;
    bool changed = exec != 0 && p->exec_hash != 0 && exec != p->exec_hash;

    if (exec != 0)
        p->exec_hash = exec;
    if (changed)
        p->apart_bytes = 0; /* of other memory */
    changed |= process_text_hash(s->stat.comm, procfs_stable_comm(&s->stat)) != p->comm_hash;
    if (process_read_uid(s, p->pid, &uid) && uid != p->uid) {
        p->uid = uid;
        changed = true;
    }
    if (changed)
        process_rename(s, p, tick->start_ns, tick);
}

static bool ask(struct process_state *s, struct process *p, int64_t from_ns, bool idle)
{
    struct slow_request request = {
        .slot = process_slot(s, p),
        .generation = p->generation,
        .start_ticks = p->start_ticks,
        .from_ns = from_ns,
        .asked_ns = s->now_ns,
        .run_ns = p->run_ns,
        .pid = p->pid,
        .uid = p->uid,
        .first = !(p->flags & PROCESS_NAMED),
        .idle = idle,
    };

    /* Never twice at a time: the second read might hang like the first. */
    if (p->flags & PROCESS_ASKED || !slow_ask(s->slow, &request))
        return false;
    p->flags |= PROCESS_ASKED;
    s->asked = true;
    p->asked_run_ns = p->run_ns;
    return true;
}

void process_ask(struct process_state *s, struct process *p)
{
    if (p->flags & PROCESS_WANTS_NAME && ask(s, p, p->name_from_ns, false))
        p->flags &= (uint16_t)~PROCESS_WANTS_NAME;
}

void process_reread(struct process_state *s, const struct tick *tick)
{
    uint32_t ticks = s->source == NULL ? REREAD_TICKS : REREAD_TOLD_TICKS;
    uint32_t end = process_end(s), count = (end + ticks - 1) / ticks;

    if (count > REREAD_MAX)
        count = REREAD_MAX;
    while (count-- > 0) {
        uint32_t slot = s->reread_next < end ? s->reread_next : 0;
        struct process *p = process_at(s, slot);

        s->reread_next = slot + 1;
        if (p->pid == 0 || !(p->flags & PROCESS_NAMED) || p->flags & PROCESS_OVER)
            continue;
        /* The walk tells whether it ran another program or was moved; only what runs changes its cwd. */
        if (s->source == NULL || p->run_ns != p->asked_run_ns)
            (void)ask(s, p, tick->start_ns, process_is_filtered(p) && p->run_ns == p->asked_run_ns);
    }
}

static void take_answer(struct process *p, const struct slow_answer *answer, struct tick *tick)
{
    uint32_t changed =
        process_answer_changed(p->text_hash, (p->flags & PROCESS_NAMED) != 0, answer);

    p->flags |= PROCESS_NAMED;
    if (changed == 0)
        return;
    p->name_from_ns = answer->request.from_ns;
    process_answer_put(answer, changed, tick);
}

/*
 * Whether what was read is what it is called since request->from_ns. Not when it is called otherwise by
 * now: what was read may be of before or after that. And nobody has checked what was read of an idle
 * process: that stands if it still is that and idle.
 */
static bool is_certain(struct process_state *s, struct process *p,
                       const struct slow_request *request, const struct tick *tick)
{
    if (request->from_ns < p->name_from_ns) {
        if (!(p->flags & PROCESS_ENDING))
            p->flags |= PROCESS_WANTS_NAME;
        return false;
    }
    if (!request->idle || (p->run_ns == request->run_ns && process_is_idle(s, p)))
        return true;
    if (!(p->flags & PROCESS_WANTS_NAME)) { /* anew, and all of it */
        p->flags |= PROCESS_WANTS_NAME;
        p->name_from_ns = tick->start_ns;
    }
    return false;
}

void process_take_answers(struct process_state *s, struct tick *tick)
{
    const struct slow_answer *answer;

    process_answers_late(s->slow, tick);
    while ((answer = slow_next(s->slow)) != NULL) {
        const struct slow_request *request = &answer->request;
        struct process *p = request->slot < s->process_size ? process_at(s, request->slot) : NULL;
        bool known = p != NULL && p->pid == request->pid && p->generation == request->generation;
        bool here = known && !(p->flags & PROCESS_OVER);

        if (known)
            p->flags &= (uint16_t)~PROCESS_ASKED;
        s->asked = true; /* there is room for more answers */
        if (answer->known & 1u << PROCESS_USER)
            process_learn_user(s, request->uid, answer->bytes.data + answer->text[PROCESS_USER].at,
                               answer->text[PROCESS_USER].size);
        if (here && !answer->gone && is_certain(s, p, request, tick))
            take_answer(p, answer, tick);
        else if (request->first && !(known && p->flags & PROCESS_WANTS_NAME))
            s->stats.identities_late++;
    }
}
