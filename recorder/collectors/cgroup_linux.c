/*
 * Cgroups: what each group of processes used, what it may use, and what it was denied.
 *
 *   source  the files of recorder/collectors/cgroup_text_linux.c in every group that holds processes and in those
 *           above, of both versions; read by a thread, as there are hundreds of them
 *   units   see schema/catalog.c; times are kept in us, the unit of version 2
 *   absent  a limit that is not set; what a controller tells that is not enabled for the group; pressure
 *           and the times slowed down at a soft limit in version 1
 *
 * Kills and throttling are also events. See cgroup.md beside this file.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/cgroup_past.h"
#include "recorder/collectors/cgroup_tree_linux.h"
#include "recorder/collectors/collectors_linux.h"
#include "recorder/entity_set.h"
#include "recorder/worker.h"

enum {
    EVENTS_MAX = 16,     /* of one kind in a sample; the others are put together in one more */
    THROTTLED_PART = 10, /* of the time between two samples: a tenth is worth an event */
    KEY_MAX = CGROUP_PATH_MAX + 24,
    NS_PER_US = 1000,
};

struct cgroup_state {
    struct worker *worker;
    struct cgroup_tree *tree; /* the worker's while it reads */
    struct entity_set set;
    struct cgroup_past past, now;     /* as of the sample before, and of this one */
    uint32_t slot[CGROUP_GROUPS_MAX]; /* by index in the tree, of this sample */
    int64_t kills[CGROUP_GROUPS_MAX]; /* new ones */
    bool news[CGROUP_GROUPS_MAX];     /* it is new since the sample before */
    bool left_out_before;             /* some groups, in the sample before */
    int64_t sampled_ns;               /* the kick of the sample before */
    bool told_left_out;
};

static enum status read_tree(void *self, struct error *err)
{
    return cgroup_tree_read(self, err);
}

static void release_tree(void *self)
{
    cgroup_tree_close(self);
    free(self);
}

static void cgroup_close(void *state)
{
    struct cgroup_state *cgroup = state;

    if (cgroup == NULL)
        return;
    worker_stop(cgroup->worker);
    entity_set_release(&cgroup->set);
    cgroup_past_release(&cgroup->past);
    cgroup_past_release(&cgroup->now);
    free(cgroup);
}

static void describe(struct capability *capability, const struct cgroup_tree *tree)
{
    char lacking[64];

    *capability = (struct capability){ .status = CAPABILITY_OK };
    cgroup_mounts_lacking(&tree->mounts, lacking, sizeof lacking);
    if (lacking[0] == '\0')
        return;
    capability->status = CAPABILITY_PARTIAL;
    (void)snprintf(capability->reason, sizeof capability->reason,
                   "not there: the controllers %s, and what they tell", lacking);
    (void)snprintf(capability->enable, sizeof capability->enable,
                   "a kernel with these controllers, not switched off by cgroup_disable=");
}

static enum status cgroup_open(void **state, const struct collect_context *context,
                               struct capability *capability, struct error *err)
{
    struct cgroup_state *cgroup = calloc(1, sizeof *cgroup);
    struct cgroup_tree *tree = calloc(1, sizeof *tree);
    struct worker_job job = {
        .name = "cgroup", .read = read_tree, .release = release_tree, .self = tree
    };
    enum status st = STATUS_NO_MEMORY;

    if (cgroup != NULL && tree != NULL)
        st = cgroup_tree_open(tree, context->root, err);
    if (st == STATUS_ABSENT) {
        *capability = (struct capability){ .status = CAPABILITY_NOT_THERE };
        (void)snprintf(capability->reason, sizeof capability->reason, "%.190s", err->message);
        (void)snprintf(capability->enable, sizeof capability->enable,
                       "mount cgroup2 on /sys/fs/cgroup");
    }
    if (st != STATUS_OK) {
        free(cgroup);
        free(tree);
        return st == STATUS_ABSENT ? STATUS_OK
                                   : error_set(err, STATUS_NO_MEMORY, "cgroup collector");
    }
    describe(capability, tree);
    cgroup->tree = tree;
    cgroup->set.kind = ENTITY_CGROUP;
    *state = cgroup;
    return worker_start(&cgroup->worker, &job, *context->root == '\0', err);
}

static void cgroup_begin(void *state, const struct tick *tick)
{
    worker_due(((struct cgroup_state *)state)->worker, tick->start_ns);
}

static void add_event(struct tick *tick, const char *kind, const char *detail, size_t size,
                      int64_t value, int64_t duration_ns)
{
    struct tick_event *event = tick_add_event(tick);

    if (event == NULL)
        return;
    event->at_ns = tick->start_ns;
    event->duration_ns = duration_ns;
    event->value = value;
    event->kind = tick_add_text(tick, kind, strlen(kind));
    event->detail = tick_add_text(tick, detail, size);
}

/* Events of one kind and one sample. */
struct burst {
    const char *kind;
    int64_t duration_ns;
    int64_t count, value_of_others;
};

static void burst_add(struct burst *burst, struct tick *tick, const struct cgroup_tree *tree,
                      const struct cgroup_group *group, int64_t value)
{
    if (burst->count++ < EVENTS_MAX)
        add_event(tick, burst->kind, cgroup_path(tree, group), group->path_size, value,
                  burst->duration_ns);
    else
        burst->value_of_others += value;
}

static void burst_end(const struct burst *burst, struct tick *tick)
{
    char detail[40];
    int size;

    if (burst->count <= EVENTS_MAX)
        return;
    size = snprintf(detail, sizeof detail, "%" PRId64 " more groups", burst->count - EVENTS_MAX);
    add_event(tick, burst->kind, detail, (size_t)size, burst->value_of_others, burst->duration_ns);
}

static uint64_t past_key(const struct cgroup_tree *tree, const struct cgroup_group *group)
{
    return cgroup_past_key(cgroup_path(tree, group), group->inode);
}

/* How much a counter has grown; 0 when it is not known. One that fell has begun anew. */
static int64_t rise(const struct cgroup_group *group, enum cgroup_metric metric, int64_t *before)
{
    int64_t now = group->values.value[metric], was = *before;

    if (group->values.missing[metric] != MISSING_NONE)
        return 0;
    *before = now;
    if (was == CGROUP_NOT_KNOWN)
        return 0;
    return now < was ? now : now - was;
}

/*
 * Whether a group that the sample before did not tell of has come since. At the first sample it was there
 * before, and may have been where the one before left groups out or did not look: below a group without
 * processes, which itself tells of the kills there.
 */
static bool is_news(const struct cgroup_state *cgroup, const struct cgroup_group *group)
{
    const struct cgroup_group *parent;
    const struct cgroup_before *before;

    if (cgroup->past.count == 0 || cgroup->left_out_before)
        return false;
    if (group->parent == CGROUP_NO_PARENT)
        return true;
    parent = &cgroup->tree->group[group->parent];
    before = cgroup_past_find(&cgroup->past, past_key(cgroup->tree, parent));
    return before != NULL ? before->looked_below : cgroup->news[group->parent];
}

/*
 * What happened to a group since the sample before; also to one that holds no process any more, which may
 * have been killed. Of one that is new all is news; of others that are not known the first reading is what
 * later ones are compared with.
 */
static void note(struct cgroup_state *cgroup, struct tick *tick, size_t i, struct burst *throttle)
{
    const struct cgroup_group *group = &cgroup->tree->group[i];
    int64_t passed_us = (worker_kicked_ns(cgroup->worker) - cgroup->sampled_ns) / NS_PER_US;
    uint64_t key = past_key(cgroup->tree, group);
    const struct cgroup_before *before = cgroup_past_find(&cgroup->past, key);
    struct cgroup_before now = { .kills = CGROUP_NOT_KNOWN, .throttled_us = CGROUP_NOT_KNOWN };
    bool was_throttled;
    int64_t throttled_us;

    cgroup->news[i] = before == NULL && is_news(cgroup, group);
    if (cgroup->news[i])
        now = (struct cgroup_before){ 0 };
    else if (before != NULL)
        now = *before;
    was_throttled = now.throttled;
    now.key = key;
    now.looked_below = group->looked_below;
    cgroup->kills[i] = rise(group, CGROUP_OOM_KILLS_TOTAL, &now.kills);
    throttled_us = rise(group, CGROUP_THROTTLED_NS_TOTAL, &now.throttled_us);
    now.throttled = throttled_us > passed_us / THROTTLED_PART;
    if (now.throttled && !was_throttled)
        burst_add(throttle, tick, cgroup->tree, group, throttled_us * NS_PER_US);
    cgroup_past_add(&cgroup->now, &now);
}

static void note_all(struct cgroup_state *cgroup, struct tick *tick)
{
    int64_t passed_ns = worker_kicked_ns(cgroup->worker) - cgroup->sampled_ns;
    struct burst throttle = { "throttle", passed_ns, 0, 0 };
    struct cgroup_past before = cgroup->past;

    if (!cgroup_past_begin(&cgroup->now, cgroup->tree->count)) {
        tick->no_memory = true;
        return;
    }
    for (size_t i = 0; i < cgroup->tree->count; i++) {
        cgroup->kills[i] = 0;
        cgroup->news[i] = false;
        if (cgroup->tree->group[i].visited)
            note(cgroup, tick, i, &throttle);
    }
    burst_end(&throttle, tick);
    cgroup->past = cgroup->now;
    cgroup->now = before;
    cgroup->left_out_before = cgroup->tree->left_out > 0;
}

/*
 * In version 2 a group counts the kills below it, too: what no group below accounts for is its own, or of
 * one below that is gone.
 */
static void tell_kills(struct cgroup_state *cgroup, struct tick *tick)
{
    struct burst burst = { "oom_kill", 0, 0, 0 };

    for (size_t i = cgroup->tree->count; i-- > 0;) {
        const struct cgroup_group *group = &cgroup->tree->group[i];
        int64_t below = 0;

        if (cgroup->kills[i] == 0)
            continue;
        for (size_t j = i + 1; group->kills_of_all && j < cgroup->tree->count; j++)
            if (cgroup->tree->group[j].parent == i)
                below += cgroup->kills[j];
        if (cgroup->kills[i] > below)
            burst_add(&burst, tick, cgroup->tree, group, cgroup->kills[i] - below);
    }
    burst_end(&burst, tick);
}

static void tell_left_out(struct cgroup_state *cgroup, struct tick *tick)
{
    char detail[80];
    int size;

    if (cgroup->tree->left_out == 0 || cgroup->told_left_out)
        return;
    cgroup->told_left_out = true;
    size = snprintf(detail, sizeof detail, "cgroup: groups beyond the first %d", CGROUP_GROUPS_MAX);
    add_event(tick, "left_out", detail, (size_t)size, cgroup->tree->left_out, 0);
}

static void add_row(struct cgroup_state *cgroup, struct tick *tick, size_t i)
{
    const struct cgroup_tree *tree = cgroup->tree;
    const struct cgroup_group *group = &tree->group[i];
    const char *path = cgroup_path(tree, group);
    uint32_t parent =
        group->parent == CGROUP_NO_PARENT ? ENTITY_NO_SLOT : cgroup->slot[group->parent];
    char key[KEY_MAX];
    struct entity_seen seen;
    int64_t *values;
    uint8_t *missing;

    cgroup->slot[i] = ENTITY_NO_SLOT;
    if (!cgroup_counts(group))
        return;
    (void)snprintf(key, sizeof key, "%s:%" PRIu64, path, group->inode);
    seen = entity_set_see(&cgroup->set, tick, key, path, parent);
    if (seen.slot == ENTITY_NO_SLOT ||
        tick_row_values(tick, TABLE_CGROUP, seen.slot, seen.flags, &values, &missing) == NULL)
        return;
    memcpy(values, group->values.value, sizeof group->values.value);
    memcpy(missing, group->values.missing, sizeof group->values.missing);
    cgroup->slot[i] = seen.slot;
}

static void add_rows(struct cgroup_state *cgroup, struct tick *tick)
{
    entity_set_begin(&cgroup->set);
    for (size_t i = 0; i < cgroup->tree->count; i++)
        add_row(cgroup, tick, i);
    entity_set_end(&cgroup->set, tick);
    note_all(cgroup, tick);
    tell_kills(cgroup, tick);
    tell_left_out(cgroup, tick);
    tick_sampled(tick, TABLE_CGROUP);
    cgroup->sampled_ns = worker_kicked_ns(cgroup->worker);
}

static enum status cgroup_collect(void *state, struct tick *tick, struct error *err)
{
    struct cgroup_state *cgroup = state;
    enum status st;

    worker_report(cgroup->worker, tick);
    if (!worker_take_later(cgroup->worker, tick->start_ns, &st, err))
        return STATUS_OK;
    if (st == STATUS_OK)
        add_rows(cgroup, tick);
    worker_used(cgroup->worker, tick->start_ns);
    return st;
}

static int64_t cgroup_not_answering(const void *state)
{
    return worker_late(((const struct cgroup_state *)state)->worker);
}

static int64_t cgroup_other_cpu_ns(const void *state)
{
    return worker_cpu_ns(((const struct cgroup_state *)state)->worker);
}

const struct collector cgroup_collector = {
    .name = "cgroup",
    .description = "CPU, memory, IO, tasks and limits of cgroups, versions 1 and 2",
    .source = "cgroup file systems of versions 1 and 2",
    .needs = "nothing",
    .absence = "a limit that is not there is no limit; a metric is missing where its controller is "
               "not enabled",
    .table = TABLE_CGROUP,
    .divisor = 1,
    .period_ns = INT64_C(10000000000),
    .optional = true,
    .open = cgroup_open,
    .begin = cgroup_begin,
    .collect = cgroup_collect,
    .close = cgroup_close,
    .not_answering = cgroup_not_answering,
    .other_cpu_ns = cgroup_other_cpu_ns,
};
