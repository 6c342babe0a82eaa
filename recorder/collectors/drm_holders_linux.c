/*
 *   source  /sys/class/drm/{card,renderD}N/device; /proc/PID/fd, whose links name /dev/dri/...
 *   needs   to see another user's descriptors: CAP_SYS_PTRACE
 */
#include "recorder/collectors/drm_holders_linux.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/collectors/gpu_files_linux.h"
#include "recorder/collectors/gpu_pci_linux.h"
#include "recorder/collectors/procfs_linux.h"

#define OF_DRM "/sys/class/drm/"

enum {
    APART_MOST = 64,  /* readings between two looks at a process, */
    APART_GROWS = 4,  /* which are so many times those before */
    APART_HOLDER = 4, /* at one that holds a device */
    FORCED_LOOK = 4,  /* every so many looks the number of descriptors is not heeded */
};

struct drm_look {
    int32_t pid; /* 0: nobody */
    uint64_t start_ticks;
    int64_t since, since_ns;           /* first reading with it; when it was not there yet */
    int64_t looked_reading, looked_ns; /* the last look; 0: none yet */
    int64_t due;                       /* the reading of the next one */
    int apart, looks;
    bool refused; /* it may not be looked into, as far as the last look told */
    int64_t fds; /* that it had; since Linux 6.2 st_size of the directory says how many there are */
};

/* --- nodes --- */

static bool is_node(const char *name)
{
    const char *digits = strncmp(name, "renderD", 7) == 0 ? name + 7
                         : strncmp(name, "card", 4) == 0  ? name + 4
                                                          : "";

    return digits[0] != '\0' && digits[strspn(digits, "0123456789")] == '\0' &&
           strlen(name) < DRM_NAME_SIZE;
}

static void find_nodes(struct drm_holders *s)
{
    char path[PATH_MAX];
    const struct dirent *entry;
    DIR *directory;

    s->node_count = 0;
    (void)snprintf(path, sizeof path, "%s" OF_DRM, s->root);
    directory = opendir(path);
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        struct drm_node *node = &s->node[s->node_count];

        if (!is_node(entry->d_name) || s->node_count == DRM_NODES_MOST)
            continue;
        (void)snprintf(node->name, sizeof node->name, "%.*s", (int)sizeof node->name - 1,
                       entry->d_name);
        gpu_file_link(node->key, sizeof node->key, s->root, OF_DRM "%s/device", entry->d_name);
        s->node_count += node->key[0] != '\0';
    }
    if (directory != NULL)
        closedir(directory);
}

static int node_of(const struct drm_holders *s, const char *name)
{
    for (size_t i = 0; i < s->node_count; i++)
        if (strcmp(s->node[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* --- which processes hold devices --- */

static struct drm_holder *find_holder(struct drm_holders *s, uint32_t slot)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->holder[i].slot == slot)
            return &s->holder[i];
    return NULL;
}

static void drop_holder(struct drm_holders *s, uint32_t slot)
{
    struct drm_holder *holder = find_holder(s, slot);

    if (holder == NULL)
        return;
    memmove(holder, holder + 1, (size_t)(&s->holder[--s->count] - holder) * sizeof *holder);
}

/* The device's node if the descriptor is one of /dev/dri; -2: it is not. */
static int node_of_fd(const struct drm_holders *s, int32_t pid, const char *fd)
{
    char path[PATH_MAX], target[64];
    ssize_t length;

    (void)snprintf(path, sizeof path, "%s/proc/%d/fd/%s", s->root, (int)pid, fd);
    length = readlink(path, target, sizeof target - 1);
    if (length <= 9 || memcmp(target, "/dev/dri/", 9) != 0)
        return -2;
    target[length] = '\0';
    return node_of(s, target + 9);
}

/* All descriptors of a process; false: it is not there, or may not be looked into. */
static bool look_into(struct drm_holders *s, struct drm_look *look, struct drm_holder *found)
{
    char path[PATH_MAX];
    const struct dirent *entry;
    DIR *directory;

    (void)snprintf(path, sizeof path, "%s/proc/%d/fd", s->root, (int)look->pid);
    directory = opendir(path);
    look->refused = directory == NULL && (errno == EACCES || errno == EPERM);
    if (directory == NULL)
        return false;
    found->fd_count = 0;
    look->fds = 0;
    while ((entry = readdir(directory)) != NULL) {
        int fd = procfs_pid(entry->d_name); /* 0 for all else, and for descriptor 0 */
        int node;

        if (fd == 0 && strcmp(entry->d_name, "0") != 0)
            continue;
        s->budget--;
        look->fds++;
        node = node_of_fd(s, look->pid, entry->d_name);
        if (node < -1 || found->fd_count == DRM_FDS_MOST)
            continue;
        found->fd[found->fd_count].fd = fd;
        found->fd[found->fd_count++].node = node;
    }
    closedir(directory);
    return true;
}

/* Whether the number of its descriptors is what it was at the last look. */
static bool looks_the_same(const struct drm_holders *s, const struct drm_look *look)
{
    char path[PATH_MAX];
    struct stat info;

    if (look->looks % FORCED_LOOK == 0)
        return false;
    (void)snprintf(path, sizeof path, "%s/proc/%d/fd", s->root, (int)look->pid);
    return stat(path, &info) == 0 && info.st_size == look->fds;
}

/*
 * What is found now began after the look before, if that was not long ago, or after the reading before, if
 * the process is new itself. In one that was there before us it began at an unknown time.
 */
static int64_t unheld_since(const struct drm_holders *s, const struct drm_look *look)
{
    if (look->looked_reading != 0)
        return s->reading - look->looked_reading <= APART_HOLDER ? look->looked_ns : 0;
    return look->since > s->first && s->reading - look->since <= APART_HOLDER ? look->since_ns : 0;
}

static void look_at(struct drm_holders *s, uint32_t slot, struct drm_look *look)
{
    struct drm_holder *holder = find_holder(s, slot);
    struct drm_holder fresh = { .slot = slot, .pid = look->pid, .start_ticks = look->start_ticks };
    int most = holder != NULL ? APART_HOLDER : APART_MOST;
    bool same = looks_the_same(s, look);

    look->apart = look->apart == 0                   ? 1
                  : look->apart * APART_GROWS < most ? look->apart * APART_GROWS
                                                     : most;
    look->due = s->reading + look->apart;
    look->looks++;
    s->budget--;
    if (holder == NULL)
        holder = &fresh;
    holder->unheld_ns = unheld_since(s, look);
    if (!same && !look_into(s, look, holder))
        return;
    look->looked_reading = s->reading;
    look->looked_ns = s->now_ns;
    if (holder != &fresh && holder->fd_count == 0)
        drop_holder(s, slot);
    if (holder != &fresh || fresh.fd_count == 0 || s->count == DRM_HOLDERS_MOST)
        return;
    s->holder[s->count++] = fresh;
    look->apart = 1;
}

static bool grow_looks(struct drm_holders *s, const struct gpu_candidates *candidates)
{
    struct drm_look *larger;

    if (candidates->count <= s->look_size)
        return true;
    larger = realloc(s->look, candidates->size * sizeof *larger);
    if (larger == NULL)
        return false;
    memset(larger + s->look_size, 0, (candidates->size - s->look_size) * sizeof *larger);
    s->look = larger;
    s->look_size = candidates->size;
    return true;
}

void drm_holders_find(struct drm_holders *s, const struct gpu_candidates *candidates)
{
    static const struct gpu_candidate nobody;

    if (s->reading % GPU_SCAN_READS == 0)
        find_nodes(s);
    s->reading++;
    s->before_ns = s->now_ns;
    s->now_ns = candidates->now_ns;
    s->budget = DRM_BUDGET_FDS;
    s->refused = 0;
    if (s->first == 0 && candidates->count > 0)
        s->first = s->reading;
    if (!grow_looks(s, candidates))
        return;
    for (size_t i = 0; i < s->look_size; i++) {
        const struct gpu_candidate *now = i < candidates->count ? &candidates->by_slot[i] : &nobody;
        struct drm_look *look = &s->look[i];

        if (look->pid != now->pid || look->start_ticks != now->start_ticks) {
            if (look->pid != 0)
                drop_holder(s, (uint32_t)i);
            *look = (struct drm_look){ .pid = now->pid,
                                       .start_ticks = now->start_ticks,
                                       .due = s->reading + (s->reading > s->first),
                                       .since = s->reading,
                                       .since_ns = s->before_ns };
        }
        /* One that is new is given a second: most that are gone by then were on no GPU. */
        if (look->pid != 0 && look->due <= s->reading && s->budget > 0)
            look_at(s, (uint32_t)i, look);
        s->refused += look->refused;
    }
}

void drm_holders_close(struct drm_holders *s)
{
    free(s->look);
    free(s->holder);
    *s = (struct drm_holders){ .root = s->root };
}

enum status drm_holders_open(struct drm_holders *s, const char *root, struct error *err)
{
    *s = (struct drm_holders){ .root = root };
    find_nodes(s);
    if (s->node_count == 0)
        return error_set(err, STATUS_ABSENT, "no %s" OF_DRM "card*", root);
    s->holder = calloc(DRM_HOLDERS_MOST, sizeof *s->holder);
    return s->holder != NULL ? STATUS_OK
                             : error_set(err, STATUS_NO_MEMORY, "processes that hold GPUs");
}
