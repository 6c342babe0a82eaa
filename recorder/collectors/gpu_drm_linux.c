/*
 * Processes on GPUs, as DRM drivers tell of what each opened device worked for its client.
 *
 *   source  /proc/PID/fdinfo/N of descriptors that are /dev/dri/... (recorder/collectors/drm_fdinfo_linux.h)
 *   units   ns of engines, summed over engines: two that work at once count twice
 *   needs   to see another user's descriptors: CAP_SYS_PTRACE
 *
 * A client is one opening of a device. Descriptors that were duplicated, inherited or sent share it, so each
 * is counted once, for the process that was found to hold it first; when that closes it, for the next. A
 * driver's count ends with its client, hence we keep sums of what was added from reading to reading.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/drm_holders_linux.h"
#include "recorder/collectors/gpu_files_linux.h"
#include "recorder/collectors/gpu_pci_linux.h"

enum { CLIENTS_MOST = 2048, FDINFO_ROOM = 8192, NS_PER_US = 1000 };

struct client {
    char key[GPU_KEY_SIZE];
    uint64_t id;
    int64_t reading; /* in which it was last there */
    int64_t engine_ns;
    size_t cycle_count;
    struct drm_cycles cycles[DRM_ENGINES_MOST];
};

/* Time that a GPU worked for clients that were seen. */
struct busy {
    char key[GPU_KEY_SIZE];
    int64_t ns_total;
    uint64_t newest, newest_before; /* the largest id of a client, and that before this reading */
};

struct drm_state {
    struct gpu_pci *pci;
    const struct gpu_candidates *candidates;
    struct drm_holders holders;
    size_t client_count, busy_count;
    struct client *client;
    struct busy busy[GPU_MOST];
};

/* --- what clients did --- */

static struct client *find_client(struct drm_state *s, const char *key, uint64_t id, bool *fresh)
{
    struct client *client;

    *fresh = false;
    for (size_t i = 0; i < s->client_count; i++)
        if (s->client[i].id == id && strcmp(s->client[i].key, key) == 0)
            return &s->client[i];
    if (s->client_count == CLIENTS_MOST)
        return NULL;
    *fresh = true;
    client = &s->client[s->client_count++];
    *client = (struct client){ .id = id };
    (void)snprintf(client->key, sizeof client->key, "%s", key);
    return client;
}

static struct busy *find_busy(struct drm_state *s, const char *key)
{
    for (size_t i = 0; i < s->busy_count; i++)
        if (strcmp(s->busy[i].key, key) == 0)
            return &s->busy[i];
    if (s->busy_count == GPU_MOST)
        return NULL;
    (void)snprintf(s->busy[s->busy_count].key, GPU_KEY_SIZE, "%s", key);
    return &s->busy[s->busy_count++];
}

static void forget_clients(struct drm_state *s)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->client_count; i++) {
        if (s->client[i].reading != s->holders.reading)
            continue;
        if (kept != i)
            s->client[kept] = s->client[i];
        kept++;
    }
    s->client_count = kept;
}

/* ns that engines told in cycles worked since the reading before: their share of the time between. */
static int64_t cycles_ns(struct drm_state *s, struct client *client, const struct drm_fdinfo *info)
{
    int64_t ns = 0, elapsed_ns = s->holders.now_ns - s->holders.before_ns;

    for (size_t i = 0; i < info->cycle_count; i++) {
        const struct drm_cycles *now = &info->cycles[i];

        for (size_t j = 0; j < client->cycle_count; j++) {
            const struct drm_cycles *before = &client->cycles[j];
            int64_t busy = now->busy - before->busy, total = now->total - before->total;

            if (strcmp(before->name, now->name) == 0 && total > 0 && busy > 0 && elapsed_ns > 0)
                ns += (int64_t)((double)elapsed_ns *
                                (busy < total ? (double)busy / (double)total : 1.0));
        }
    }
    memcpy(client->cycles, info->cycles, sizeof client->cycles);
    client->cycle_count = info->cycle_count;
    return ns;
}

/*
 * Whether it was opened since the reading before: ids rise. Not so one that we did not look at for a while, or
 * that came from a process which may not be looked into: what it did then is of no reading.
 */
static bool is_new(struct drm_state *s, const char *key, uint64_t id)
{
    struct busy *busy = find_busy(s, key);
    bool later = busy != NULL && id > busy->newest_before;

    if (busy != NULL && id > busy->newest)
        busy->newest = id;
    return later;
}

/* A driver may tell a lower number than before, and catches up then: the larger one holds. */
static int64_t engine_ns(struct client *client, const struct drm_fdinfo *info)
{
    int64_t added = info->engine_ns - client->engine_ns;

    if (added <= 0)
        return 0;
    client->engine_ns = info->engine_ns;
    return added;
}

static struct drm_account *find_account(struct drm_holder *holder, const char *key)
{
    struct drm_account *account;

    for (size_t i = 0; i < holder->account_count; i++)
        if (strcmp(holder->account[i].key, key) == 0)
            return &holder->account[i];
    if (holder->account_count == DRM_ACCOUNTS_MOST)
        return NULL;
    account = &holder->account[holder->account_count++];
    *account = (struct drm_account){ .born_ns = holder->unheld_ns };
    (void)snprintf(account->key, sizeof account->key, "%s", key);
    return account;
}

static void add_to(struct drm_account *account, int64_t ns, const struct drm_fdinfo *info)
{
    account->ns_total += ns;
    account->added_ns += ns;
    account->memory_bytes += info->memory_bytes;
}

static void add_client(struct drm_state *s, struct drm_holder *holder, const char *key,
                       const struct drm_fdinfo *info)
{
    struct drm_account *account = find_account(holder, key);
    struct client *client;
    bool fresh;

    if (account == NULL)
        return;
    client = find_client(s, key, info->client_id, &fresh);
    if (client == NULL)
        return;
    if (fresh && !is_new(s, key, info->client_id) && (account->known || account->born_ns != 0))
        client->engine_ns = info->engine_ns;
    account->seen = true;
    account->has_engine = account->has_engine || info->has_engine || info->cycle_count > 0;
    account->has_memory = account->has_memory || info->has_memory;
    if (!fresh && client->reading == s->holders.reading)
        return; /* counted already, for whom it was found with first */
    client->reading = s->holders.reading;
    add_to(account, engine_ns(client, info) + cycles_ns(s, client, info), info);
}

/* The client's GPU sleeps: its counts stand still, and asking for them might wake it. */
static bool is_asleep(struct drm_state *s, const char *key)
{
    const struct gpu_device *device = gpu_pci_find(s->pci, key);

    return device != NULL && device->asleep;
}

/* What it did meanwhile is told when it can be read again. */
static void leave_unread(struct drm_state *s, struct drm_holder *holder, const char *key)
{
    struct drm_account *account = find_account(holder, key);

    for (size_t i = 0; i < s->client_count; i++)
        if (strcmp(s->client[i].key, key) == 0)
            s->client[i].reading = s->holders.reading;
    if (account != NULL)
        account->seen = account->not_sampled = true;
}

/* False: the descriptor is no device any more. */
static bool read_fd(struct drm_state *s, struct drm_holder *holder, size_t i)
{
    char text[FDINFO_ROOM];
    int node = holder->fd[i].node;
    const char *key =
        node >= 0 && node < (int)s->holders.node_count ? s->holders.node[node].key : "";
    enum missing why = MISSING_NOT_SAMPLED;
    struct drm_fdinfo info;

    if (!is_asleep(s, key))
        why = gpu_file_text(text, sizeof text, s->holders.root, "/proc/%d/fdinfo/%d",
                            (int)holder->pid, holder->fd[i].fd);
    if (why == MISSING_NOT_SAMPLED || why == MISSING_NOT_PERMITTED) {
        leave_unread(s, holder, key);
        return true;
    }
    if (why != MISSING_NONE)
        return false;
    drm_fdinfo_parse(text, strlen(text), &info);
    if (info.driver[0] == '\0')
        return false;
    if (info.pdev[0] != '\0')
        key = info.pdev;
    if (key[0] != '\0' && info.has_client)
        add_client(s, holder, key, &info);
    return true;
}

static void read_holder(struct drm_state *s, struct drm_holder *holder)
{
    size_t kept = 0;

    for (size_t i = 0; i < holder->account_count; i++) {
        struct drm_account *account = &holder->account[i];

        account->seen = account->not_sampled = account->has_memory = false;
        account->memory_bytes = 0;
        account->added_ns = 0;
    }
    for (size_t i = 0; i < holder->fd_count; i++)
        if (read_fd(s, holder, i))
            holder->fd[kept++] = holder->fd[i];
    holder->fd_count = kept;
    kept = 0;
    for (size_t i = 0; i < holder->account_count; i++)
        if (holder->account[i].seen)
            holder->account[kept++] = holder->account[i];
    if (kept < holder->account_count && holder->unheld_ns < s->holders.now_ns)
        holder->unheld_ns = s->holders.now_ns; /* what comes now is another opening */
    holder->account_count = kept;
}

/* --- the reading --- */

static void put_use(struct gpu_use *use, enum gpu_process_metric metric, bool there,
                    bool not_sampled, int64_t value)
{
    use->values[metric] = there && !not_sampled ? value : 0;
    use->missing[metric] = (uint8_t)(not_sampled ? MISSING_NOT_SAMPLED
                                     : there     ? MISSING_NONE
                                                 : MISSING_UNSUPPORTED);
}

/* One process on one GPU. What it did before it was first told of is not the GPU's either. */
static void tell(struct drm_state *s, struct gpu_reading *reading, const struct drm_holder *holder,
                 struct drm_account *account)
{
    struct gpu_report *gpu = gpu_reading_gpu(reading, account->key);
    struct busy *busy = find_busy(s, account->key);
    struct gpu_use *use;

    if (gpu == NULL)
        return;
    use = gpu_reading_use(reading, gpu, holder->pid, holder->start_ticks);
    if (use == NULL)
        return;
    put_use(use, GPU_PROCESS_GPU_NS_TOTAL, account->has_engine, account->not_sampled,
            account->ns_total / NS_PER_US);
    put_use(use, GPU_PROCESS_MEMORY_BYTES, account->has_memory, account->not_sampled,
            account->memory_bytes);
    use->born_ns = account->known ? 0 : account->born_ns;
    if (busy != NULL && (account->known || account->born_ns != 0))
        busy->ns_total += account->added_ns;
    account->known = true;
    if (busy == NULL || !account->has_engine)
        return;
    if (account->not_sampled)
        gpu->missing[GPU_BUSY_NS_TOTAL] = MISSING_NOT_SAMPLED;
    else if (s->holders.refused > 0)
        gpu->missing[GPU_BUSY_NS_TOTAL] = MISSING_NOT_PERMITTED;
    else
        gpu_put(gpu, GPU_BUSY_NS_TOTAL, busy->ns_total / NS_PER_US);
}

/* Those whose clients are gone stay counted. */
static void tell_of_the_gone(struct drm_state *s, struct gpu_reading *reading)
{
    for (size_t i = 0; i < s->busy_count; i++) {
        struct gpu_report *gpu = gpu_reading_gpu(reading, s->busy[i].key);

        if (gpu != NULL && gpu->missing[GPU_BUSY_NS_TOTAL] == MISSING_UNSUPPORTED)
            gpu_put(gpu, GPU_BUSY_NS_TOTAL, s->busy[i].ns_total / NS_PER_US);
    }
}

static void tell_all(struct drm_state *s, struct gpu_reading *reading)
{
    for (size_t i = 0; i < s->holders.count; i++) {
        struct drm_holder *holder = &s->holders.holder[i];

        for (size_t j = 0; j < holder->account_count; j++) {
            struct drm_account *account = &holder->account[j];

            if (account->seen && (account->has_engine || account->has_memory))
                tell(s, reading, holder, account);
        }
    }
    tell_of_the_gone(s, reading);
}

static void drm_read(void *self, struct gpu_reading *reading, struct capability *found)
{
    struct drm_state *s = self;

    for (size_t i = 0; i < s->busy_count; i++)
        s->busy[i].newest_before = s->busy[i].newest;
    drm_holders_find(&s->holders, s->candidates);
    for (size_t i = 0; i < s->holders.count; i++)
        read_holder(s, &s->holders.holder[i]);
    forget_clients(s);
    tell_all(s, reading);
    if (s->holders.refused > 0)
        gpu_found(found, CAPABILITY_PARTIAL, "GPU use of other users' processes is not seen",
                  "run as root, or give CAP_SYS_PTRACE");
}

static void drm_close(void *self)
{
    struct drm_state *s = self;

    if (s == NULL)
        return;
    drm_holders_close(&s->holders);
    free(s->client);
    free(s);
}

/* A GPU and not what draws a console: of a driver that we know, or on no PCI bus as in small computers. */
static bool has_gpu(const struct drm_state *s)
{
    for (size_t i = 0; i < s->holders.node_count; i++) {
        const char *key = s->holders.node[i].key;

        if (gpu_pci_find(s->pci, key) != NULL ||
            (strchr(key, ':') == NULL && strstr(key, "framebuffer") == NULL))
            return true;
    }
    return false;
}

static enum status drm_open(void **state, const struct gpu_setting *setting, struct error *err)
{
    struct drm_state *s = calloc(1, sizeof *s);
    enum status st = STATUS_OK;

    if (s != NULL) {
        *s = (struct drm_state){ .pci = setting->pci, .candidates = setting->candidates };
        s->client = calloc(CLIENTS_MOST, sizeof *s->client);
    }
    if (s == NULL || s->client == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "clients of GPUs");
    else
        st = drm_holders_open(&s->holders, setting->root, err);
    if (st == STATUS_OK && !has_gpu(s))
        st = error_set(err, STATUS_ABSENT, "no GPU in %s/sys/class/drm", setting->root);
    if (st != STATUS_OK) {
        drm_close(s);
        return st;
    }
    *state = s;
    return STATUS_OK;
}

const struct gpu_backend gpu_drm = {
    .name = "drm",
    .open = drm_open,
    .read = drm_read,
    .close = drm_close,
};
