/*
 * What rungs 1 and 2 tell between walks: programs that begin, with what they are called, and ends.
 * Nothing here makes a row; process_walk_linux.c does when all is told.
 */
#include <string.h>

#include "recorder/collectors/container_id.h"
#include "recorder/collectors/process_state_linux.h"
#include "recorder/siphash.h"

enum { NS_PER_US = 1000, REMEMBER_LOSSES_TICKS = 60 };

#define USER_ANSWER_NS INT64_C(10000000000) /* within which nobody asks for the same name again */

/* --- names --- */

static struct known_user *find_user(struct process_state *s, uint32_t uid)
{
    struct known_user *user;

    for (size_t i = 0; i < KNOWN_USERS; i++) {
        if (s->users[i].taken && s->users[i].uid == uid)
            return &s->users[i];
    }
    user = &s->users[s->next_user++ % KNOWN_USERS];
    *user = (struct known_user){ .taken = true, .uid = uid, .until_ns = INT64_MIN };
    return user;
}

void process_learn_user(struct process_state *s, uint32_t uid, const void *name, size_t size)
{
    struct known_user *user = find_user(s, uid);

    if (size > sizeof user->name)
        return;
    user->known = true;
    user->until_ns = s->now_ns + KNOWN_USER_NS;
    user->size = (uint8_t)size;
    memcpy(user->name, name, size);
}

/* Of processes that are gone before they can be asked about, too. */
static void ask_for_user(struct process_state *s, const struct process *p, struct known_user *user)
{
    struct slow_request request = {
        .slot = UINT32_MAX,
        .asked_ns = s->now_ns,
        .pid = p->pid,
        .uid = p->uid,
        .user_only = true,
    };

    if (!slow_ask(s->slow, &request))
        return;
    s->asked = true;
    user->until_ns = s->now_ns + USER_ANSWER_NS;
}

static void put_text(struct process *p, struct tick_version *version, enum process_text text,
                     struct tick *tick, const void *bytes, size_t size)
{
    version->text[text] = tick_add_text(tick, bytes, size);
    version->known |= 1u << text;
    p->text_hash[text] = process_text_hash(bytes, size);
}

/* False: it is not known. What was known a while ago is the best guess until there is an answer. */
static bool put_user(struct process_state *s, struct process *p, struct tick_version *version,
                     struct tick *tick)
{
    struct known_user *user = find_user(s, p->uid);

    if (s->now_ns >= user->until_ns)
        ask_for_user(s, p, user);
    if (user->known)
        put_text(p, version, PROCESS_USER, tick, user->name, user->size);
    return user->known;
}

static const char cut_mark[] = "…";

/* "python3\0bin\0usr\0" is "/usr/bin/python3", "…/usr/bin/python3" when it was cut; "" is "/". */
static size_t turn_path(char path[IDENTITY_TEXT_MAX], const char *names, size_t size, bool cut)
{
    size_t used = cut ? sizeof cut_mark - 1 : 0;

    memcpy(path, cut_mark, used);
    for (size_t end = size; end > 0;) {
        size_t start = --end; /* on the NUL of the name */

        while (start > 0 && names[start - 1] != '\0')
            start--;
        if (used + 1 + (end - start) > IDENTITY_TEXT_MAX)
            break;
        path[used++] = '/';
        memcpy(path + used, names + start, end - start);
        used += end - start;
        end = start;
    }
    if (used == 0)
        path[used++] = '/';
    return used;
}

/* False: it was cut, and somebody who can read all of it should. */
static bool put_cmdline(struct process_state *s, struct process *p, struct tick_version *version,
                        const struct walk_exec *e, struct tick *tick)
{
    static const struct redactor built_in;
    const struct redactor *redactor = s->context.redactor == NULL ? &built_in : s->context.redactor;
    struct byte_writer *text = &s->redacted;
    bool cut = e->arguments_whole > e->arguments_size;
    struct error err;

    if (s->context.no_cmdline)
        return true;
    if (e->arguments_size == 0) /* they could not be read at that moment */
        return false;
    bytes_reset(text);
    if (redact_arguments(redactor, (const uint8_t *)e->text, e->arguments_size, cut, text, &err) !=
        STATUS_OK)
        return false;
    version->cmdline_length = (uint32_t)text->used + (e->arguments_whole - e->arguments_size);
    version->cmdline_hash = siphash(s->identity.key, text->data, text->used);
    put_text(p, version, PROCESS_CMDLINE, tick, text->data,
             text->used < CMDLINE_STORED_MAX ? text->used : CMDLINE_STORED_MAX);
    p->text_hash[PROCESS_CMDLINE] ^= (uint32_t)version->cmdline_hash;
    return !cut;
}

/* False, here and below: it was cut, or is not known. */
static bool put_cgroup(struct process *p, struct tick_version *version, const struct walk_exec *e,
                       struct tick *tick)
{
    bool cut = (e->flags & WALK_CGROUP_CUT) != 0;
    char path[IDENTITY_TEXT_MAX], container[CONTAINER_ID_MAX];
    size_t size = turn_path(path, e->text + e->arguments_size + e->path_size, e->cgroup_size, cut);
    size_t container_size = container_id(path, size, container);

    put_text(p, version, PROCESS_CGROUP, tick, path, size);
    if (!cut || container_size > 0)
        put_text(p, version, PROCESS_CONTAINER, tick, container, container_size);
    return !cut;
}

static bool put_exe(struct process *p, struct tick_version *version, const struct walk_exec *e,
                    struct tick *tick)
{
    bool cut = (e->flags & WALK_PATH_CUT) != 0;
    char path[IDENTITY_TEXT_MAX];

    if (e->path_size == 0)
        return false;
    put_text(p, version, PROCESS_EXE, tick, path,
             turn_path(path, e->text + e->arguments_size, e->path_size, cut));
    return !cut;
}

/* All that the event tells of what it is called now; the slow thread is asked for the rest. */
static void put_names(struct process_state *s, struct process *p, const struct walk_exec *e,
                      int64_t from_ns, struct tick *tick)
{
    struct tick_version *version = tick_add_version(tick);
    bool complete;

    p->uid = e->uid;
    walked_at(s, p)->program = e->program;
    walked_at(s, p)->named = true;
    p->flags &= (uint16_t)~PROCESS_WANTS_NAME;
    if (version == NULL)
        return;
    version->slot = process_slot(s, p);
    version->from_ns = from_ns;
    version->known = VERSION_UID;
    version->uid = e->uid;
    put_text(p, version, PROCESS_COMM, tick, e->comm, strnlen(e->comm, sizeof e->comm));
    p->comm_hash = p->text_hash[PROCESS_COMM];
    complete = put_cmdline(s, p, version, e, tick);
    complete &= put_exe(p, version, e, tick);
    if (s->own_cgroups)
        complete = false;
    else
        complete &= put_cgroup(p, version, e, tick);
    complete &= put_user(s, p, version, tick);
    p->flags |= PROCESS_NAMED;
    p->asked_run_ns = 0;
    p->name_from_ns = from_ns;
    if (!complete)
        p->flags |= PROCESS_WANTS_NAME;
}

/* --- what happened --- */

/* Not known before: its beginning is told by this event. */
static struct process *enter(struct process_state *s, const struct walk_event *event, int32_t ppid,
                             bool kernel, struct tick *tick)
{
    struct process *p;

    process_walk_displace(s, event->pid, event->start_boot_ns, tick);
    p = process_walk_enter(s, event->pid, event->start_boot_ns, tick);
    if (p != NULL)
        process_walk_birth(s, p, ppid, kernel, tick);
    return p;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t time_of(const struct process_state *s, const struct walk_event *event)
{
    return timebase_at(&s->context.timebase,
                       event->boot_ns > INT64_MAX ? INT64_MAX : (int64_t)event->boot_ns);
}

static void take_exec(struct process_state *s, const struct walk_exec *e, struct tick *tick)
{
    struct process *p = process_walk_find(s, e->head.pid, e->head.start_boot_ns);
    int64_t from_ns = earlier(time_of(s, &e->head), tick->start_ns);

    if (p == NULL) {
        p = enter(s, &e->head, e->ppid, false, tick);
        if (p == NULL)
            return;
        if (p->flags & PROCESS_BORN_IN_VIEW) /* what forked it is not what it is called for */
            from_ns = earlier(p->start_ns, tick->start_ns);
    }
    if (p->flags & (PROCESS_OVER | PROCESS_ENDING))
        return;
    put_names(s, p, e, from_ns, tick);
}

/* Events were lost a short while ago: what somebody began or ended may be among them. */
static bool may_miss_some(const struct process_state *s, const struct tick *tick)
{
    return s->losses_seq >= 0 && tick->seq - s->losses_seq < REMEMBER_LOSSES_TICKS;
}

void process_inherit(struct process_state *s, const struct process *p, int32_t ppid,
                     uint64_t cgroups, struct tick_version *version)
{
    uint32_t slot = process_table_find(&s->table, ppid);
    const struct process *parent = slot == SLOT_NONE ? NULL : process_at(s, slot);

    if (parent == NULL || parent == p || !(p->flags & PROCESS_BORN_IN_VIEW) ||
        (p->flags | parent->flags) & PROCESS_KERNEL || parent->start_ns > p->start_ns ||
        parent->comm_hash != p->comm_hash || may_miss_some(s, s->walk_tick))
        return;
    version->like = slot + 1;
    version->inherited = 1u << PROCESS_EXE | 1u << PROCESS_CMDLINE | 1u << PROCESS_CWD;
    if (cgroups == 0 || s->walked[slot].cgroups == 0 || cgroups == s->walked[slot].cgroups)
        version->inherited |= 1u << PROCESS_CGROUP | 1u << PROCESS_CONTAINER;
    if (parent->uid == p->uid)
        version->inherited |= 1u << PROCESS_USER;
}

/* One that began no program of its own. */
static void put_comm(struct process_state *s, struct process *p, const struct walk_exit *e,
                     struct tick *tick)
{
    struct tick_version *version = tick_add_version(tick);

    p->uid = e->uid;
    if (version == NULL)
        return;
    version->slot = process_slot(s, p);
    version->from_ns = earlier(p->start_ns, tick->start_ns);
    version->known = VERSION_UID;
    version->uid = e->uid;
    put_text(p, version, PROCESS_COMM, tick, e->comm, strnlen(e->comm, sizeof e->comm));
    p->comm_hash = p->text_hash[PROCESS_COMM];
    (void)put_user(s, p, version, tick);
    process_inherit(s, p, e->ppid, e->cgroups, version);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What it called itself at last, and who it was, holds since a walk saw it, or its program began. */
static void put_last_name(struct process_state *s, struct process *p, const struct walk_exit *e,
                          struct tick *tick)
{
    size_t size = strnlen(e->comm, sizeof e->comm);
    bool renamed = process_text_hash(e->comm, size) != p->comm_hash;
    struct tick_version *version;

    if (!walked_at(s, p)->named || (!renamed && e->uid == p->uid))
        return;
    version = tick_add_version(tick);
    if (version == NULL)
        return;
    if ((p->flags & PROCESS_UNSEEN) == 0)
        p->name_from_ns = later(p->name_from_ns, p->sampled_ns + 1);
    version->slot = process_slot(s, p);
    version->from_ns = p->name_from_ns;
    put_text(p, version, PROCESS_COMM, tick, e->comm, size);
    p->comm_hash = p->text_hash[PROCESS_COMM];
    if (e->uid == p->uid)
        return;
    p->uid = e->uid;
    version->known |= VERSION_UID;
    version->uid = e->uid;
    if (!put_user(s, p, version, tick)) /* not that of whom it was before */
        put_text(p, version, PROCESS_USER, tick, "", 0);
}

static void put_totals(struct process_state *s, struct process *p, const struct walk_exit *e)
{
    const struct walk_totals *t = &e->totals;
    bool counts = !(p->flags & PROCESS_UNSEEN) || (p->flags & PROCESS_BORN_IN_VIEW) != 0;
    int64_t before = p->values[PROCESS_CPU_NS_TOTAL];

    process_walk_count(p, PROCESS_CPU_NS_TOTAL, t->exec_ns / NS_PER_US);
    process_walk_split(p, t->exec_ns, t->user_raw_ns, t->system_raw_ns, 0, 0);
    process_walk_count(p, PROCESS_MINOR_FAULTS_TOTAL, t->minor_faults);
    process_walk_count(p, PROCESS_MAJOR_FAULTS_TOTAL, t->major_faults);
    process_walk_count(p, PROCESS_CONTEXT_SWITCHES_VOLUNTARY_TOTAL, t->switches_voluntary);
    process_walk_count(p, PROCESS_CONTEXT_SWITCHES_INVOLUNTARY_TOTAL, t->switches_involuntary);
    if ((e->flags & (WALK_IO_CHARS | WALK_KERNEL_THREAD)) == WALK_IO_CHARS) {
        process_walk_count(p, PROCESS_IO_READ_CHARS_TOTAL, t->read_chars);
        process_walk_count(p, PROCESS_IO_WRITTEN_CHARS_TOTAL, t->written_chars);
    }
    if ((e->flags & (WALK_IO_BYTES | WALK_KERNEL_THREAD)) == WALK_IO_BYTES) {
        process_walk_count(p, PROCESS_DISK_READ_BYTES_TOTAL, t->read_bytes);
        process_walk_count(p, PROCESS_DISK_WRITTEN_BYTES_TOTAL, t->written_bytes);
    }
    if ((e->flags & (WALK_RUN_DELAY | WALK_THREADS_LEFT)) == WALK_RUN_DELAY &&
        !(p->flags & PROCESS_THREADED))
        process_walk_count(p, PROCESS_RUN_DELAY_NS_TOTAL, t->run_delay_ns / NS_PER_US);
    if (s->has_delayacct && (e->flags & WALK_BLOCK_DELAY) != 0)
        process_walk_count(p, PROCESS_BLOCK_DELAY_NS_TOTAL, t->block_delay_ns / NS_PER_US);
    else
        p->missing[PROCESS_BLOCK_DELAY_NS_TOTAL] = MISSING_UNSUPPORTED;
    if (counts)
        s->stats.cpu_processes_us += p->values[PROCESS_CPU_NS_TOTAL] - before;
}

static void put_end(struct process_state *s, struct process *p, const struct walk_exit *e)
{
    struct walked *w = walked_at(s, p);

    p->flags |= PROCESS_ENDING;
    p->flags &= (uint16_t)~PROCESS_WANTS_NAME;
    w->end_ns = time_of(s, &e->head);
    w->end_cpu_us = p->values[PROCESS_CPU_NS_TOTAL];
    w->code = e->code;
    w->peak_bytes = e->peak_pages > (uint64_t)(INT64_MAX / s->page_bytes)
                        ? INT64_MAX
                        : (int64_t)e->peak_pages * s->page_bytes;
    p->unseen = 0;
    s->ending = true;
}

static void take_exit(struct process_state *s, const struct walk_exit *e, struct tick *tick)
{
    struct process *p = process_walk_find(s, e->head.pid, e->head.start_boot_ns);

    if (p == NULL) {
        p = enter(s, &e->head, e->ppid, (e->flags & WALK_KERNEL_THREAD) != 0, tick);
        if (p == NULL)
            return;
        put_comm(s, p, e, tick);
    }
    if (p->flags & (PROCESS_OVER | PROCESS_ENDING))
        return;
    put_last_name(s, p, e, tick);
    put_totals(s, p, e);
    put_end(s, p, e);
}

static void take_free(struct process_state *s, const struct walk_exit *e, struct tick *tick)
{
    struct process *p = process_walk_find(s, e->head.pid, e->head.start_boot_ns);

    /* Else it ended before we looked, or was told long ago. */
    if (p == NULL && may_miss_some(s, tick)) {
        take_exit(s, e, tick);
        p = process_walk_find(s, e->head.pid, e->head.start_boot_ns);
    }
    if (p == NULL)
        return;
    if (!(p->flags & PROCESS_OVER)) {
        put_totals(s, p, e);
        if (!(p->flags & PROCESS_ENDING))
            put_end(s, p, e);
    }
    p->flags |= PROCESS_FINAL;
    s->ending = true;
}

static bool is_whole_exec(const struct walk_exec *e, size_t size)
{
    size_t text = size - offsetof(struct walk_exec, text);

    return size >= offsetof(struct walk_exec, text) && e->arguments_size <= WALK_ARGUMENTS_MAX &&
           e->path_size <= text && e->cgroup_size <= text &&
           (size_t)e->arguments_size + e->path_size + e->cgroup_size <= text &&
           e->arguments_whole >= e->arguments_size;
}

static void take_event(void *to, const struct walk_event *event, size_t size)
{
    struct process_state *s = to;
    const void *whole = event;

    if (!s->swept || event->pid <= 0 || event->pid == s->hidden_pid ||
        process_is_withheld(s, event->pid))
        return;
    if (event->kind == WALK_EXEC && is_whole_exec(whole, size))
        take_exec(s, whole, s->walk_tick);
    else if (event->kind == WALK_EXIT && size >= sizeof(struct walk_exit))
        take_exit(s, whole, s->walk_tick);
    else if (event->kind == WALK_FREE && size >= sizeof(struct walk_exit))
        take_free(s, whole, s->walk_tick);
}

void process_events(struct process_state *s, struct tick *tick)
{
    struct walk_losses now = s->source->losses(s->source->self);

    if (s->swept && (now.execs != s->losses.execs || now.exits != s->losses.exits)) {
        s->stats.execs_lost += (int64_t)(now.execs - s->losses.execs);
        s->stats.exits_lost += (int64_t)(now.exits - s->losses.exits);
        s->losses_seq = tick->seq;
    }
    s->losses = now;
    s->walk_tick = tick;
    s->source->drain(s->source->self, take_event, s);
}
