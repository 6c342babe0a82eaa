/*
 * What other users' apps and jobs use: the kernel tells it of a coalition (an app with its helpers, a job of
 * launchd) to everybody, where it tells nothing of another user's process.
 *
 *   source  see coalition_info_macos.c
 *   units   stored units of schema/catalog.c
 *   absent  where the recorder is root, who may read each process; where the call is not there, or is refused;
 *           footprint before macOS 15
 *
 * One row of cgroup_samples for each coalition that a process of another user is in, also while all it has are
 * ended members that are not forgotten yet.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/collectors/coalition_info_macos.h"
#include "recorder/collectors/collectors_macos.h"
#include "recorder/collectors/process_list_macos.h"
#include "recorder/entity_set.h"
#include "recorder/process_directory.h"
#include "recorder/sysctl_macos.h"

enum { COALITIONS_MAX = 256, NS_PER_US = 1000, LABEL_SIZE = 64, KEY_SIZE = 64 };
#define TEN_SECONDS_NS INT64_C(10000000000)

struct coalition {
    uint64_t id;
    bool there;         /* a process of this round is in it */
    char key[KEY_SIZE]; /* with its name, as numbers begin anew at each boot */
    char label[LABEL_SIZE];
};

struct coalition_state {
    const struct process_directory *processes;
    uint64_t hz;
    uint32_t own_uid;
    struct entity_set set;
    struct coalition all[COALITIONS_MAX];
    size_t count;
    struct member { /* by slot: the coalition of a process, which it never leaves */
        int32_t pid;
        uint64_t start_ticks, id;
    } * members;
    size_t member_size;
};

/* --- who is in which --- */

static struct member *member_of(struct coalition_state *s, const struct process_glance *glance)
{
    struct member *member;

    if (glance->slot >= s->member_size) {
        size_t size = (size_t)glance->slot + glance->slot / 4 + 64;
        struct member *larger = realloc(s->members, size * sizeof *larger);

        if (larger == NULL)
            return NULL;
        memset(larger + s->member_size, 0, (size - s->member_size) * sizeof *larger);
        s->members = larger;
        s->member_size = size;
    }
    member = &s->members[glance->slot];
    if (member->pid != glance->pid || member->start_ticks != glance->start_ticks)
        *member = (struct member){ glance->pid, glance->start_ticks, coalition_of(glance->pid) };
    return member;
}

static void note(struct coalition_state *s, uint64_t id, int32_t pid)
{
    char name[17];
    size_t i = 0;

    while (i < s->count && s->all[i].id != id)
        i++;
    if (i == COALITIONS_MAX)
        return;
    if (i == s->count) {
        s->all[s->count++] = (struct coalition){ .id = id };
        if (!coalition_name_of(pid, name))
            (void)snprintf(name, sizeof name, "unnamed");
        (void)snprintf(s->all[i].label, sizeof s->all[i].label, "%s, coalition %llu", name,
                       (unsigned long long)id);
        (void)snprintf(s->all[i].key, sizeof s->all[i].key, "coalition/%s/%llu", name,
                       (unsigned long long)id);
    }
    s->all[i].there = true;
}

static bool find_coalitions(struct coalition_state *s)
{
    uint32_t end = s->processes->end(s->processes->self);

    for (size_t i = 0; i < s->count; i++)
        s->all[i].there = false;
    for (uint32_t slot = 0; slot < end; slot++) {
        struct process_glance glance;
        const struct member *member;

        if (!s->processes->glance(s->processes->self, slot, &glance) || glance.kernel_thread ||
            glance.uid == s->own_uid)
            continue;
        member = member_of(s, &glance);
        if (member == NULL)
            return false;
        if (member->id != 0)
            note(s, member->id, glance.pid);
    }
    return true;
}

/* --- rows --- */

static void put(int64_t *values, uint8_t *missing, enum cgroup_metric metric, uint64_t value)
{
    values[metric] = value > INT64_MAX ? INT64_MAX : (int64_t)value;
    missing[metric] = MISSING_NONE;
}

static void put_usage(const struct coalition_state *s, const struct coalition_usage *usage,
                      int64_t *values, uint8_t *missing)
{
    memset(values, 0, CGROUP_METRIC_COUNT * sizeof *values);
    memset(missing, MISSING_UNSUPPORTED, CGROUP_METRIC_COUNT);
    put(values, missing, CGROUP_CPU_NS_TOTAL, mach_ns(usage->cpu_ticks, s->hz) / NS_PER_US);
    put(values, missing, CGROUP_IO_READ_BYTES_TOTAL, usage->read_bytes);
    put(values, missing, CGROUP_IO_WRITTEN_BYTES_TOTAL, usage->written_bytes);
    if (usage->tasks_started >= usage->tasks_ended)
        put(values, missing, CGROUP_TASKS, usage->tasks_started - usage->tasks_ended);
    if (usage->footprint_bytes != 0)
        put(values, missing, CGROUP_MEMORY_BYTES, usage->footprint_bytes);
}

/* False: it is gone, and forgotten. */
static enum status add_row(struct coalition_state *s, const struct coalition *one, bool *there,
                           struct tick *tick, struct error *err)
{
    struct coalition_usage usage;
    struct entity_seen seen;
    int64_t *values;
    uint8_t *missing;

    *there = coalition_read(one->id, &usage) == COALITION_OK;
    if (!*there)
        return STATUS_OK;
    seen = entity_set_see(&s->set, tick, one->key, one->label, ENTITY_NO_SLOT);
    if (seen.slot == ENTITY_NO_SLOT)
        return STATUS_OK; /* too many, or memory is out, which the tick tells */
    if (tick_row_values(tick, TABLE_CGROUP, seen.slot, seen.flags, &values, &missing) == NULL)
        return error_set(err, STATUS_NO_MEMORY, "row of cgroup_samples");
    put_usage(s, &usage, values, missing);
    return STATUS_OK;
}

static enum status coalition_collect(void *state, struct tick *tick, struct error *err)
{
    struct coalition_state *s = state;
    size_t kept = 0;

    if (!find_coalitions(s))
        return error_set(err, STATUS_NO_MEMORY, "coalitions");
    entity_set_begin(&s->set);
    for (size_t i = 0; i < s->count; i++) {
        bool there;

        if (add_row(s, &s->all[i], &there, tick, err) != STATUS_OK)
            return err->status;
        if (there || s->all[i].there)
            s->all[kept++] = s->all[i];
    }
    s->count = kept;
    entity_set_end(&s->set, tick);
    tick_sampled(tick, TABLE_CGROUP);
    return STATUS_OK;
}

/* --- open and close --- */

static void coalition_close(void *state)
{
    struct coalition_state *s = state;

    if (s == NULL)
        return;
    entity_set_release(&s->set);
    free(s->members);
    free(s);
}

/* Tried on our own, which is asked in the same way as any other. */
static void describe(const struct coalition_state *s, struct capability *capability)
{
    struct coalition_usage usage;
    enum coalition_answer answer = coalition_read(coalition_of(getpid()), &usage);

    *capability = (struct capability){ .status = CAPABILITY_OK };
    if (s->own_uid == 0)
        *capability = (struct capability){ .status = CAPABILITY_NOT_THERE,
                                           .reason = "root reads each process by itself" };
    else if (s->processes == NULL || s->processes->glance == NULL)
        *capability = (struct capability){ .status = CAPABILITY_NOT_THERE,
                                           .reason = "processes are not recorded",
                                           .enable = "name process in --collectors, too" };
    else if (answer == COALITION_UNKNOWN)
        *capability = (struct capability){ .status = CAPABILITY_UNSUPPORTED,
                                           .reason = "no coalition_info_resource_usage" };
    else if (answer == COALITION_DENIED)
        *capability =
            (struct capability){ .status = CAPABILITY_NOT_PERMITTED,
                                 .reason = "coalition_info_resource_usage is refused",
                                 .enable = "run as root, which reads each process by itself" };
    else if (answer != COALITION_OK)
        *capability = (struct capability){ .status = CAPABILITY_FAILED,
                                           .reason = "our own coalition cannot be read" };
}

static enum status coalition_open(void **state, const struct collect_context *context,
                                  struct capability *capability, struct error *err)
{
    struct coalition_state *s = calloc(1, sizeof *s);
    struct kinfo_proc own;

    *state = s;
    if (s == NULL)
        return error_set(err, STATUS_NO_MEMORY, "coalitions");
    s->processes = context->processes;
    s->hz = sysctl_mach_hz();
    s->own_uid = process_list_find(getpid(), &own) ? own.kp_eproc.e_ucred.cr_uid : 0;
    s->set.kind = ENTITY_CGROUP;
    describe(s, capability);
    return STATUS_OK;
}

const struct collector coalition_collector = {
    .name = "coalition",
    .description = "what other users' apps and jobs use, each as a whole",
    .source = "coalition_info_resource_usage (private), PROC_PIDCOALITIONINFO",
    .needs = "nothing; root has no need of it",
    .absence = "this macOS does not have it, or refuses it; memory: before macOS 15",
    .table = TABLE_CGROUP,
    .divisor = 1,
    .period_ns = TEN_SECONDS_NS,
    .optional = true,
    .open = coalition_open,
    .collect = coalition_collect,
    .close = coalition_close,
};
