/*
 * Room in mounted file systems, every ten seconds.
 *
 *   source  /proc/self/mountinfo, statvfs(3) of each mount
 *   units   bytes; files are inodes
 *   absent  what holds no data, is an image, or is mounted a second time (recorder/collectors/mounts_linux.c)
 *
 * A statvfs may hang for ever (NFS, FUSE). So threads of this collector, its lanes, do them: one lane all
 * of them, and when it hangs another one the rest. What hung once gets a lane of its own from then on.
 * Where another file system is mounted in the place of one that hangs, it is asked too, but no third one: no
 * place takes up all lanes. A mount that does not answer has a row with its values missing.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/collectors_linux.h"
#include "recorder/collectors/mounts_linux.h"
#include "recorder/collectors/statvfs_linux.h"
#include "recorder/collectors/sysfs_linux.h"
#include "recorder/entity_set.h"
#include "recorder/textfile.h"
#include "recorder/worker.h"

enum {
    LANES_MAX = 8,
    LANES_OF_ONE = 2, /* that may hang at one path */
    MOUNTINFO_ROOM = 32768,
    MOUNTINFO_LIMIT = 1 << 22,
};

#define PERIOD_NS INT64_C(10000000000)

/* --- the job that lists --- */

struct list {
    char root[SYSFS_PATH_MAX];
    struct mounts mounts;
};

static void list_release(void *self)
{
    struct list *list = self;

    mounts_release(&list->mounts);
    free(list);
}

static enum status list_read(void *self, struct error *err)
{
    struct list *list = self;
    struct textfile file;
    enum status st;

    worker_at(worker_self(), "/proc/self/mountinfo");
    st = textfile_open(&file, list->root, "/proc/self/mountinfo", MOUNTINFO_ROOM, MOUNTINFO_LIMIT,
                       err);
    if (st != STATUS_OK)
        return st;
    do {
        st = textfile_read(&file, err);
    } while (st == STATUS_OK && file.cut && textfile_grow(&file));
    if (st == STATUS_OK)
        st = mounts_parse(&list->mounts, file.text, file.size, err);
    textfile_close(&file);
    return st;
}

/* --- the sampling thread's side --- */

enum phase {
    PHASE_PENDING, /* to be read in this round */
    PHASE_RUNNING, /* in a lane */
    PHASE_READ,
    PHASE_STUCK, /* a lane waits for it */
};

struct known {
    char path[MOUNT_PATH_MAX]; /* its key; first, for path_table.h */
    int64_t major, minor;
    char label[MOUNT_LABEL_MAX];
    enum phase phase;
    bool suspect; /* it hung before */
    bool read_only, listed;
    struct room room;
};

struct lane {
    struct worker *worker; /* NULL: not started */
    struct statvfs_batch *batch;
    bool busy;
    size_t taken;     /* items whose results were taken over */
    int64_t since_ns; /* the tick at which `taken` last rose */
    bool stuck;       /* it is left with its item */
};

struct filesystem_state {
    const struct collect_context *context;
    struct entity_set set;
    struct worker *lister;
    struct list *list;
    bool listing, round; /* asked for a list; rows of this round are still to come */
    struct known *known;
    size_t count, size;
    struct path_table table; /* of those */
    struct lane lanes[LANES_MAX];
};

static struct known *find(const struct filesystem_state *all, const char *path)
{
    size_t place = path_table_find(&all->table, all->known, sizeof *all->known, path);

    return place == PATH_NOWHERE ? NULL : &all->known[place];
}

/* The file system that an item asks for, if it is there still. */
static struct known *known_of(const struct filesystem_state *all, const struct statvfs_item *item)
{
    struct known *known = find(all, item->path);

    return known != NULL && known->major == item->major && known->minor == item->minor ? known
                                                                                       : NULL;
}

/* Room for those that are known and all that were listed. */
static bool make_room(struct filesystem_state *all)
{
    size_t most = all->list->mounts.count + all->count;
    struct known *larger;

    if (most > all->size) {
        larger = realloc(all->known, most * sizeof *larger);
        if (larger == NULL)
            return false;
        all->known = larger;
        all->size = most;
    }
    if (!path_table_begin(&all->table, most))
        return false;
    for (size_t i = 0; i < all->count; i++)
        path_table_put(&all->table, all->known, sizeof *all->known, i);
    return true;
}

static void add_known(struct filesystem_state *all, const struct mount *mount)
{
    struct known *known = find(all, mount->path);
    bool fresh = known == NULL;

    assert(all->known != NULL); /* by make_room */
    if (fresh)
        known = &all->known[all->count++];
    if (fresh || known->major != mount->major || known->minor != mount->minor) {
        *known = (struct known){ .major = mount->major, .minor = mount->minor };
        memcpy(known->path, mount->path, sizeof known->path);
    }
    if (fresh)
        path_table_put(&all->table, all->known, sizeof *all->known, all->count - 1);
    memcpy(known->label, mount->label, sizeof known->label);
    known->read_only = mount->read_only;
    known->listed = true;
}

/* One that no lane is at is to be read, unless lanes enough hang at its path. */
static void make_pending(const struct filesystem_state *all, struct known *known)
{
    int hang = 0;

    for (size_t i = 0; i < LANES_MAX; i++) {
        const struct lane *lane = &all->lanes[i];
        const struct statvfs_item *at = lane->stuck ? &lane->batch->item[lane->taken] : NULL;

        if (at == NULL || strcmp(at->path, known->path) != 0)
            continue;
        hang++;
        if (at->major == known->major && at->minor == known->minor)
            hang = LANES_OF_ONE;
    }
    known->phase = hang < LANES_OF_ONE ? PHASE_PENDING : PHASE_STUCK;
    known->suspect = known->suspect || hang > 0;
}

/* Begin a round with the mounts that were listed; gone ones are forgotten. */
static enum status begin_round(struct filesystem_state *all, struct error *err)
{
    size_t kept = 0;

    if (!make_room(all))
        return error_set(err, STATUS_NO_MEMORY, "%zu file systems", all->list->mounts.count);
    for (size_t i = 0; i < all->count; i++)
        all->known[i].listed = false;
    for (size_t i = 0; i < all->list->mounts.count; i++)
        add_known(all, &all->list->mounts.mount[i]);
    (void)path_table_begin(&all->table, all->count); /* it has the room */
    for (size_t i = 0; i < all->count; i++) {
        struct known *known = &all->known[i];

        if (!known->listed)
            continue;
        if (known->phase != PHASE_RUNNING)
            make_pending(all, known);
        if (kept != i)
            all->known[kept] = *known;
        path_table_put(&all->table, all->known, sizeof *all->known, kept++);
    }
    all->count = kept;
    all->round = true;
    return STATUS_OK;
}

/* Results up to where the lane is; what it did not come to is to be read by another. */
static void take_items(const struct filesystem_state *all, struct lane *lane, int64_t now_ns)
{
    size_t done = atomic_load(&lane->batch->done);

    if (done > lane->taken)
        lane->since_ns = now_ns;
    for (; lane->taken < done; lane->taken++) {
        const struct statvfs_item *item = &lane->batch->item[lane->taken];
        struct known *known = known_of(all, item);

        if (known == NULL)
            continue;
        known->room = item->room;
        known->phase = PHASE_READ;
    }
}

static void leave_stuck(const struct filesystem_state *all, struct lane *lane)
{
    const struct statvfs_batch *batch = lane->batch;

    lane->stuck = true;
    atomic_store(&lane->batch->stop, lane->taken + 1);
    for (size_t i = lane->taken; i < batch->count; i++) {
        struct known *known = known_of(all, &batch->item[i]);

        if (known == NULL || known->phase != PHASE_RUNNING)
            continue;
        known->phase = i == lane->taken ? PHASE_STUCK : PHASE_PENDING;
        known->suspect = known->suspect || i == lane->taken;
    }
}

static void look_after_lane(const struct filesystem_state *all, struct lane *lane, int64_t now_ns)
{
    enum status st;
    struct error err;

    if (!lane->busy)
        return;
    if (worker_take(lane->worker, &st, &err)) {
        take_items(all, lane, now_ns);
        lane->busy = lane->stuck = false;
        return;
    }
    take_items(all, lane, now_ns);
    if (!lane->stuck && now_ns - lane->since_ns >= WORKER_PATIENCE_NS)
        leave_stuck(all, lane);
}

static enum status start_lane(const struct filesystem_state *all, struct lane *lane,
                              struct error *err)
{
    struct statvfs_batch *batch = calloc(1, sizeof *batch);
    const struct worker_job job = { .name = "filesystem",
                                    .read = statvfs_batch_read,
                                    .release = statvfs_batch_release,
                                    .self = batch };

    if (batch == NULL)
        return error_set(err, STATUS_NO_MEMORY, "filesystem collector");
    (void)snprintf(batch->root, sizeof batch->root, "%s", all->context->root);
    lane->batch = batch;
    return worker_start(&lane->worker, &job, all->context->root[0] == '\0', err);
}

/* Add what is to be read; one that hung before goes alone. False when there is nothing. */
static bool fill_batch(const struct filesystem_state *all, struct statvfs_batch *batch)
{
    bool alone = false;

    batch->count = 0;
    if (all->count > batch->size) {
        struct statvfs_item *larger = realloc(batch->item, all->count * sizeof *larger);

        if (larger == NULL)
            return false;
        batch->item = larger;
        batch->size = all->count;
    }
    for (size_t i = 0; i < all->count && !alone; i++) {
        struct known *known = &all->known[i];

        if (known->phase != PHASE_PENDING || (known->suspect && batch->count > 0))
            continue;
        batch->item[batch->count].major = known->major;
        batch->item[batch->count].minor = known->minor;
        memcpy(batch->item[batch->count++].path, known->path, sizeof known->path);
        known->phase = PHASE_RUNNING;
        alone = known->suspect;
    }
    atomic_store(&batch->done, 0);
    atomic_store(&batch->stop, SIZE_MAX);
    return batch->count > 0;
}

/* Give what is pending to lanes that are free. */
static void use_lanes(const struct filesystem_state *all, struct lane *lanes, int64_t now_ns)
{
    struct error err;

    for (size_t i = 0; i < LANES_MAX; i++) {
        struct lane *lane = &lanes[i];
        bool pending = false;

        for (size_t k = 0; k < all->count; k++)
            pending = pending || all->known[k].phase == PHASE_PENDING;
        if (!pending)
            return;
        if (lane->busy || (lane->worker == NULL && start_lane(all, lane, &err) != STATUS_OK) ||
            !fill_batch(all, lane->batch))
            continue;
        lane->busy = worker_kick(lane->worker, now_ns);
        lane->taken = 0;
        lane->since_ns = now_ns;
        look_after_lane(all, lane, now_ns); /* without threads it is done by now */
    }
}

static bool any_free(const struct filesystem_state *all)
{
    for (size_t i = 0; i < LANES_MAX; i++)
        if (!all->lanes[i].busy || !all->lanes[i].stuck)
            return true;
    return false;
}

/* All that can be known is known: none is with a lane, none could still go to one. */
static bool is_complete(const struct filesystem_state *all)
{
    bool lanes = any_free(all);

    for (size_t i = 0; i < all->count; i++)
        if (all->known[i].phase == PHASE_RUNNING || (all->known[i].phase == PHASE_PENDING && lanes))
            return false;
    return true;
}

static enum status add_rows(struct filesystem_state *all, struct tick *tick, struct error *err)
{
    entity_set_begin(&all->set);
    for (size_t i = 0; i < all->count; i++) {
        const struct known *known = &all->known[i];
        struct entity_seen seen =
            entity_set_see(&all->set, tick, known->path, known->label, ENTITY_NO_SLOT);
        int64_t *values;
        uint8_t *missing;

        if (seen.slot == ENTITY_NO_SLOT)
            continue;
        if (tick_row_values(tick, TABLE_FILESYSTEM, seen.slot, seen.flags, &values, &missing) ==
            NULL)
            return error_set(err, STATUS_NO_MEMORY, "row of filesystem_samples");
        memset(missing, MISSING_FAILED, ROOM_VALUES);
        if (known->phase == PHASE_READ) {
            memcpy(values, known->room.value, sizeof known->room.value);
            memcpy(missing, known->room.missing, sizeof known->room.missing);
        }
        values[FILESYSTEM_ACCESS] = known->read_only ? 2 : 1;
        missing[FILESYSTEM_ACCESS] = MISSING_NONE;
    }
    entity_set_end(&all->set, tick);
    tick_sampled(tick, TABLE_FILESYSTEM);
    return STATUS_OK;
}

static void filesystem_begin(void *state, const struct tick *tick)
{
    struct filesystem_state *all = state;

    if (!all->round && !all->listing)
        all->listing = worker_kick(all->lister, tick->start_ns);
}

static enum status filesystem_collect(void *state, struct tick *tick, struct error *err)
{
    struct filesystem_state *all = state;
    enum status st;

    worker_report(all->lister, tick);
    for (size_t i = 0; i < LANES_MAX; i++) {
        look_after_lane(all, &all->lanes[i], tick->start_ns);
        if (all->lanes[i].worker != NULL)
            worker_report(all->lanes[i].worker, tick);
    }
    if (all->listing && worker_take(all->lister, &st, err)) {
        all->listing = false;
        if (st != STATUS_OK)
            return error_prefix(err, "list of mounts");
        if (begin_round(all, err) != STATUS_OK)
            return err->status;
    }
    if (!all->round)
        return STATUS_OK;
    use_lanes(all, all->lanes, tick->start_ns);
    if (!is_complete(all))
        return STATUS_OK;
    all->round = false;
    return add_rows(all, tick, err);
}

static void filesystem_close(void *state)
{
    struct filesystem_state *all = state;

    if (all == NULL)
        return;
    worker_stop(all->lister);
    for (size_t i = 0; i < LANES_MAX; i++)
        worker_stop(all->lanes[i].worker);
    free(all->known);
    path_table_release(&all->table);
    entity_set_release(&all->set);
    free(all);
}

static enum status start_lister(struct filesystem_state *all, struct error *err)
{
    struct list *list = calloc(1, sizeof *list);
    const struct worker_job job = {
        .name = "filesystem", .read = list_read, .release = list_release, .self = list
    };

    if (list == NULL)
        return error_set(err, STATUS_NO_MEMORY, "filesystem collector");
    (void)snprintf(list->root, sizeof list->root, "%s", all->context->root);
    all->list = list;
    return worker_start(&all->lister, &job, all->context->root[0] == '\0', err);
}

static enum status filesystem_open(void **state, const struct collect_context *context,
                                   struct capability *capability, struct error *err)
{
    struct filesystem_state *all = calloc(1, sizeof *all);
    struct error why = { 0 };
    struct textfile probe;
    enum status st;

    if (all == NULL)
        return error_set(err, STATUS_NO_MEMORY, "filesystem collector");
    *state = all;
    *capability = (struct capability){ .status = CAPABILITY_OK };
    all->context = context;
    all->set.kind = ENTITY_FILESYSTEM;
    if (textfile_open(&probe, context->root, "/proc/self/mountinfo", 1, 1, &why) != STATUS_OK) {
        capability->status = CAPABILITY_NOT_THERE;
        (void)snprintf(capability->reason, sizeof capability->reason, "%.190s", why.message);
        (void)snprintf(capability->enable, sizeof capability->enable, "mount procfs on /proc");
        return STATUS_OK;
    }
    textfile_close(&probe);
    st = start_lister(all, err);
    return st == STATUS_OK ? start_lane(all, &all->lanes[0], err) : st;
}

static int64_t filesystem_not_answering(const void *state)
{
    const struct filesystem_state *all = state;
    int64_t late = worker_late(all->lister);

    for (size_t i = 0; i < LANES_MAX; i++)
        late += worker_late(all->lanes[i].worker);
    return late;
}

static int64_t filesystem_other_cpu_ns(const void *state)
{
    const struct filesystem_state *all = state;
    int64_t cpu_ns = worker_cpu_ns(all->lister);

    for (size_t i = 0; i < LANES_MAX; i++)
        cpu_ns += worker_cpu_ns(all->lanes[i].worker);
    return cpu_ns;
}

const struct collector filesystem_collector = {
    .name = "filesystem",
    .description = "room in every mounted file system, every 10 s",
    .source = "/proc/self/mountinfo, statvfs of each mount",
    .needs = "nothing; search permission on the way to the mount",
    .absence = "values of a mount failed: it does not answer",
    .table = TABLE_FILESYSTEM,
    .divisor = 1,
    .period_ns = PERIOD_NS,
    .optional = true,
    .open = filesystem_open,
    .begin = filesystem_begin,
    .collect = filesystem_collect,
    .close = filesystem_close,
    .not_answering = filesystem_not_answering,
    .other_cpu_ns = filesystem_other_cpu_ns,
};
