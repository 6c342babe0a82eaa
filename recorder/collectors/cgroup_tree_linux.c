/*
 * Source: the directories of each hierarchy, by breadth; in each the files of recorder/collectors/cgroup_text_linux.c,
 * and cgroup.events (version 2: "populated", of the group and all below) or cgroup.procs (version 1, of the
 * group alone).
 */
#include "recorder/collectors/cgroup_tree_linux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/textfile.h"

enum {
    TEXT_ROOM = 64 * 1024, /* io.stat of hundreds of devices; memory.stat has 2 KiB */
    CELLS = 4096,          /* a power of two, far above CGROUP_GROUPS_MAX */
    SIZE_START = 32,
    LOOP_MAJOR = 7,
};

enum status cgroup_tree_open(struct cgroup_tree *tree, const char *root, struct error *err)
{
    enum status st;

    *tree = (struct cgroup_tree){ .root = root };
    st = cgroup_mounts_open(&tree->mounts, root, err);
    if (st != STATUS_OK)
        return st;
    tree->text = malloc(TEXT_ROOM);
    tree->cell = calloc(CELLS, sizeof *tree->cell);
    tree->queue = calloc(CGROUP_GROUPS_MAX, sizeof *tree->queue);
    if (tree->text != NULL && tree->cell != NULL && tree->queue != NULL)
        return STATUS_OK;
    cgroup_tree_close(tree);
    return error_set(err, STATUS_NO_MEMORY, "no memory for cgroups");
}

void cgroup_tree_close(struct cgroup_tree *tree)
{
    cgroup_mounts_close(&tree->mounts);
    free(tree->group);
    free(tree->paths);
    free(tree->cell);
    free(tree->queue);
    free(tree->text);
    *tree = (struct cgroup_tree){ .root = tree->root };
}

/* --- groups by path --- */

static uint32_t hash_of(const char *path, size_t size) /* FNV-1a */
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (uint8_t)path[i]) * 16777619u;
    return hash;
}

static bool grow(struct cgroup_tree *tree, size_t path_size)
{
    if (tree->count == tree->size) {
        size_t size = tree->size == 0 ? SIZE_START : tree->size * 2;
        struct cgroup_group *group = realloc(tree->group, size * sizeof *group);

        if (group == NULL)
            return false;
        tree->group = group;
        tree->size = size;
    }
    if (tree->paths_used + path_size + 1 > tree->paths_size) {
        size_t size = (tree->paths_size + path_size + 1) * 2;
        char *paths = realloc(tree->paths, size);

        if (paths == NULL)
            return false;
        tree->paths = paths;
        tree->paths_size = size;
    }
    return true;
}

static struct cgroup_group *append(struct cgroup_tree *tree, const char *path, size_t size)
{
    struct cgroup_group *group;

    if (!grow(tree, size))
        return NULL;
    group = &tree->group[tree->count];
    *group = (struct cgroup_group){
        .path_at = tree->paths_used,
        .path_size = size,
        .parent = CGROUP_NO_PARENT,
        .hash = hash_of(path, size),
    };
    cgroup_values_clear(&group->values);
    memcpy(tree->paths + tree->paths_used, path, size);
    tree->paths[tree->paths_used + size] = '\0';
    tree->paths_used += size + 1;
    return group;
}

/* The group of a path, new or known. ABSENT: there are too many. */
static enum status find_or_add(struct cgroup_tree *tree, const char *path, size_t size,
                               uint32_t *index)
{
    size_t at = hash_of(path, size) & (CELLS - 1);

    for (; tree->cell[at] != 0; at = (at + 1) & (CELLS - 1)) {
        const struct cgroup_group *known = &tree->group[tree->cell[at] - 1];

        if (known->path_size != size || memcmp(cgroup_path(tree, known), path, size) != 0)
            continue;
        *index = tree->cell[at] - 1;
        return STATUS_OK;
    }
    if (tree->count == CGROUP_GROUPS_MAX)
        return STATUS_ABSENT;
    if (append(tree, path, size) == NULL)
        return STATUS_NO_MEMORY;
    *index = (uint32_t)tree->count++;
    tree->cell[at] = *index + 1;
    return STATUS_OK;
}

/* --- which devices' IO is added up --- */

/* What lies on other devices is counted there: device mapper, RAID, loop. */
static bool is_stacked(const struct cgroup_tree *tree, int64_t major, int64_t minor)
{
    char path[CGROUP_PATH_MAX];
    struct dirent *entry;
    bool stacked = false;
    DIR *slaves;

    if (major == LOOP_MAJOR)
        return true;
    if ((size_t)snprintf(path, sizeof path, "%s/sys/dev/block/%" PRId64 ":%" PRId64 "/slaves",
                         tree->root, major, minor) >= sizeof path)
        return false;
    slaves = opendir(path);
    while (slaves != NULL && !stacked && (entry = readdir(slaves)) != NULL)
        stacked = entry->d_name[0] != '.';
    if (slaves != NULL)
        closedir(slaves);
    return stacked;
}

/* Asked once a walk for each device. */
static bool device_counts(void *self, int64_t major, int64_t minor)
{
    struct cgroup_tree *tree = self;
    struct cgroup_device *device;
    bool counts;

    for (size_t i = 0; i < tree->device_count; i++)
        if (tree->device[i].major == major && tree->device[i].minor == minor)
            return tree->device[i].counts;
    counts = !is_stacked(tree, major, minor);
    if (tree->device_count < CGROUP_DEVICES_MAX) {
        device = &tree->device[tree->device_count++];
        *device = (struct cgroup_device){ major, minor, counts };
    }
    return counts;
}

/* --- one group in one hierarchy --- */

/* Up to TEXT_ROOM bytes of a file; -errno when it cannot be read. */
static ssize_t read_text(struct cgroup_tree *tree, int directory, const char *name)
{
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t used = 0, got = 0;

    if (fd < 0)
        return -errno;
    do {
        got = read(fd, tree->text + used, TEXT_ROOM - (size_t)used);
        used += got > 0 ? got : 0;
    } while (got > 0 && used < TEXT_ROOM);
    got = got < 0 ? -errno : used;
    close(fd);
    return got;
}

/* Whether it tells of what becomes an event: these are read of groups without processes, too. */
static bool tells_of_events(const struct cgroup_file *file)
{
    bool tells = false;

    for (const struct cgroup_key *key = file->keys; key->name != NULL; key++)
        tells = tells || key->metric == CGROUP_OOM_KILLS_TOTAL ||
                key->metric == CGROUP_THROTTLED_NS_TOTAL;
    return tells;
}

static void read_files(struct cgroup_tree *tree, const struct cgroup_hierarchy *h, int directory,
                       struct cgroup_group *group)
{
    const struct cgroup_devices devices = { device_counts, tree };

    for (size_t i = 0; i < cgroup_file_count; i++) {
        const struct cgroup_file *file = &cgroup_files[i];
        ssize_t size;

        if ((file->subjects & h->subjects) == 0 || !cgroup_file_wanted(file, &group->values) ||
            (h->subjects == CGROUP_V2 && !group->populated && !tells_of_events(file)))
            continue;
        size = read_text(tree, directory, file->name);
        if (size < 0)
            cgroup_file_failed(file, textfile_missing((int)-size), &group->values);
        else
            file->parse(file, tree->text, (size_t)size, &devices, &group->values);
    }
}

/* In version 2 of the group and all below, in version 1 of the group alone. */
static bool is_populated(struct cgroup_tree *tree, bool version_2, int directory)
{
    static const char word[] = "populated 0\n";
    ssize_t size = read_text(tree, directory, version_2 ? "cgroup.events" : "cgroup.procs");

    if (!version_2)
        return size > 0;
    if (size < 0) /* the root has no such file */
        return true;
    for (ssize_t at = 0; at + (ssize_t)sizeof word - 1 <= size; at++)
        if ((at == 0 || tree->text[at - 1] == '\n') &&
            memcmp(tree->text + at, word, sizeof word - 1) == 0)
            return false;
    return true;
}

static bool is_directory(int directory, const struct dirent *entry)
{
    struct stat info;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return fstatat(directory, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(info.st_mode);
}

struct walk {
    const struct cgroup_hierarchy *h;
    size_t queued; /* in tree->queue */
};

static enum status add_child(struct cgroup_tree *tree, struct walk *walk, uint32_t parent,
                             const char *name)
{
    const struct cgroup_group *above = &tree->group[parent];
    const char *path_above = cgroup_path(tree, above);
    char path[CGROUP_PATH_MAX];
    uint32_t index;
    enum status st = STATUS_ABSENT;
    int size = snprintf(path, sizeof path, "%s/%s", above->path_size == 1 ? "" : path_above, name);

    if (size > 0 && (size_t)size < sizeof path)
        st = find_or_add(tree, path, (size_t)size, &index);
    tree->left_out += st == STATUS_ABSENT;
    if (st != STATUS_OK)
        return st == STATUS_ABSENT ? STATUS_OK : st;
    if (parent < index) { /* else a part of a hierarchy is mounted elsewhere than another's */
        tree->group[index].parent = parent;
        tree->group[index].depth = (uint8_t)(tree->group[parent].depth + 1);
    }
    if (walk->queued < CGROUP_GROUPS_MAX)
        tree->queue[walk->queued++] = index;
    return STATUS_OK;
}

static enum status list_children(struct cgroup_tree *tree, struct walk *walk, uint32_t index,
                                 int directory)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    enum status st = STATUS_OK;
    struct dirent *entry;

    if (listing == NULL && fd >= 0)
        close(fd);
    while (listing != NULL && st == STATUS_OK && (entry = readdir(listing)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            is_directory(directory, entry))
            st = add_child(tree, walk, index, entry->d_name);
    if (listing != NULL)
        closedir(listing);
    return st;
}

/* A group that vanished meanwhile is as if it had not been listed. */
static enum status visit(struct cgroup_tree *tree, struct walk *walk, uint32_t index)
{
    struct cgroup_group *group = &tree->group[index];
    bool version_2 = walk->h->subjects == CGROUP_V2;
    const char *path = cgroup_path(tree, group) + strlen(walk->h->prefix);
    enum status st = STATUS_OK;
    struct stat info;
    int directory;

    path += *path == '/';
    directory = openat(walk->h->fd, *path == '\0' ? "." : path,
                       O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (directory < 0 || fstat(directory, &info) != 0)
        goto done;
    if (!group->visited || version_2)
        group->inode = info.st_ino;
    group->visited = true;
    if (!group->populated || version_2)
        group->populated = is_populated(tree, version_2, directory) || group->populated;
    if (version_2 && group->values.missing[CGROUP_OOM_KILLS_TOTAL] != MISSING_NONE)
        group->kills_of_all = true;
    read_files(tree, walk->h, directory, group);
    if (version_2 && !group->populated)
        goto done;
    group->looked_below = true;
    /* A directory has two links, and one for each directory in it; some file systems count none. */
    if (group->depth < CGROUP_DEPTH_MAX && info.st_nlink != 2)
        st = list_children(tree, walk, index, directory);
done:
    if (directory >= 0)
        close(directory);
    return st;
}

static enum status walk_hierarchy(struct cgroup_tree *tree, const struct cgroup_hierarchy *h)
{
    const char *path = h->prefix[0] == '\0' ? "/" : h->prefix;
    struct walk walk = { .h = h };
    uint32_t index = 0;
    enum status st = find_or_add(tree, path, strlen(path), &index);

    if (st != STATUS_OK)
        return st == STATUS_ABSENT ? STATUS_OK : st;
    tree->queue[walk.queued++] = index;
    for (size_t at = 0; st == STATUS_OK && at < walk.queued; at++)
        st = visit(tree, &walk, tree->queue[at]);
    return st;
}

enum status cgroup_tree_read(struct cgroup_tree *tree, struct error *err)
{
    enum status st = STATUS_OK;
    bool visited = false;

    tree->count = 0;
    tree->paths_used = 0;
    tree->left_out = 0;
    tree->device_count = 0;
    memset(tree->cell, 0, CELLS * sizeof *tree->cell);
    for (size_t i = 0; st == STATUS_OK && i < tree->mounts.count; i++)
        st = walk_hierarchy(tree, &tree->mounts.hierarchy[i]);
    if (st != STATUS_OK)
        return error_set(err, st, "no memory for cgroups");
    for (size_t i = tree->count; i-- > 0;) {
        const struct cgroup_group *group = &tree->group[i];

        visited = visited || group->visited;
        if (cgroup_counts(group) && group->parent != CGROUP_NO_PARENT)
            tree->group[group->parent].populated = true;
    }
    return visited ? STATUS_OK : error_set(err, STATUS_IO, "no hierarchy of cgroups can be read");
}
