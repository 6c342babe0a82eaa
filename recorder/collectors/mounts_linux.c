/* /proc/self/mountinfo, less what holds no data. */
#include "recorder/collectors/mounts_linux.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/collectors/hostfs_linux.h"
#include "recorder/textfile.h"

enum { COUNT_START = 32 };

/*
 * What is no storage, or an image that is always full, or (overlay, aufs: one for each container) a view of
 * another file system, whose room is that one's.
 */
static const char *const pseudo_types[] = {
    "apparmorfs",
    "autofs",
    "bdev",
    "binder",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "cramfs",
    "debugfs",
    "devfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "erofs",
    "fuse.gvfsd-fuse",
    "fuse.lxcfs",
    "fuse.portal",
    "fuse.snapfuse",
    "fuse.squashfuse",
    "fusectl",
    "hugetlbfs",
    "iso9660",
    "mqueue",
    "nfsd",
    "none",
    "nsfs",
    "proc",
    "pstore",
    "ramfs",
    "resctrl",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "smackfs",
    "squashfs",
    "sysfs",
    "tracefs",
    "usbfs",
};
static const char *const view_types[] = { "overlay", "aufs", "fuse.fuse-overlayfs" };

static bool is_any(struct hostfs_slice type, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(names[i]) == type.size && memcmp(names[i], type.at, type.size) == 0)
            return true;
    return false;
}

static bool is_below(const char *path, const char *directory)
{
    size_t size = strlen(directory);

    return strncmp(path, directory, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

static bool holds_data(const struct hostfs_mount *line, const char *path)
{
    if (is_any(line->type, pseudo_types, COUNT_OF(pseudo_types)))
        return false;
    if (is_any(line->type, view_types, COUNT_OF(view_types)) && strcmp(path, "/") != 0)
        return false;
    if (is_below(path, "/dev/shm"))
        return true;
    return !is_below(path, "/dev") && !is_below(path, "/proc") && !is_below(path, "/sys");
}

static bool grow(struct mounts *mounts)
{
    size_t size = mounts->size == 0 ? COUNT_START : mounts->size * 2;
    struct mount *larger;

    if (mounts->count < mounts->size)
        return true;
    larger = realloc(mounts->mount, size * sizeof *larger);
    if (larger == NULL)
        return false;
    mounts->mount = larger;
    mounts->size = size;
    return true;
}

/* What the new last one covers is not to be seen any more. */
static void uncover(struct mounts *mounts, const char *path)
{
    size_t place = path_table_find(&mounts->table, mounts->mount, sizeof *mounts->mount, path);

    if (place == PATH_NOWHERE || mounts->mount[place].covered)
        return;
    mounts->mount[place].covered = true;
    mounts->covered++;
}

static void drop_covered(struct mounts *mounts)
{
    size_t kept = 0;

    (void)path_table_begin(&mounts->table, MOUNTS_MAX); /* it has the room */
    for (size_t i = 0; i < mounts->count; i++) {
        if (mounts->mount[i].covered)
            continue;
        if (kept != i)
            mounts->mount[kept] = mounts->mount[i];
        path_table_put(&mounts->table, mounts->mount, sizeof *mounts->mount, kept++);
    }
    mounts->count = kept;
    mounts->covered = 0;
}

/* "/home ext4 /dev/sda2". A source that is no device may hold a password (of a share, of a bucket). */
static void describe(struct mount *mount, const struct hostfs_mount *line)
{
    char source[MOUNT_LABEL_MAX - MOUNT_PATH_MAX - 100];
    bool device = line->source.size > 5 && memcmp(line->source.at, "/dev/", 5) == 0 &&
                  hostfs_unescape(line->source, source, sizeof source);
    int type_size = line->type.size < 64 ? (int)line->type.size : 64;

    (void)snprintf(mount->label, sizeof mount->label, "%s %.*s%s%s", mount->path, type_size,
                   line->type.at, device ? " " : "", device ? source : "");
}

static enum status add(struct mounts *mounts, const struct hostfs_mount *line, struct error *err)
{
    char path[MOUNT_PATH_MAX];
    struct mount *mount;

    if (!hostfs_unescape(line->point, path, sizeof path)) {
        mounts->left_out += !is_any(line->type, pseudo_types, COUNT_OF(pseudo_types));
        return STATUS_OK;
    }
    uncover(mounts, path);
    if (!holds_data(line, path))
        return STATUS_OK;
    if (mounts->count == MOUNTS_MAX && mounts->covered > 0)
        drop_covered(mounts);
    if (mounts->count == MOUNTS_MAX) {
        mounts->left_out++;
        return STATUS_OK;
    }
    if (!grow(mounts))
        return error_set(err, STATUS_NO_MEMORY, "%zu mounts", mounts->count);
    mount = &mounts->mount[mounts->count++];
    *mount = (struct mount){ .major = line->major, .minor = line->minor };
    memcpy(mount->path, path, sizeof path);
    mount->whole = line->root.size == 1 && line->root.at[0] == '/';
    mount->read_only = line->read_only;
    describe(mount, line);
    path_table_put(&mounts->table, mounts->mount, sizeof *mounts->mount, mounts->count - 1);
    return STATUS_OK;
}

/* Of the mounts of one device the first whole one stays, or the first. */
static void keep_one_each(struct mounts *mounts)
{
    size_t kept = 0;

    for (size_t i = 0; i < mounts->count; i++) {
        const struct mount *mount = &mounts->mount[i];
        size_t same = 0;

        while (same < kept && (mounts->mount[same].major != mount->major ||
                               mounts->mount[same].minor != mount->minor))
            same++;
        if (same == kept)
            mounts->mount[kept++] = *mount;
        else if (mount->whole && !mounts->mount[same].whole)
            mounts->mount[same] = *mount;
    }
    mounts->count = kept;
}

enum status mounts_parse(struct mounts *mounts, const char *text, size_t size, struct error *err)
{
    const char *at = text;
    const char *end = text + size;
    const char *line_end;

    mounts->count = 0;
    mounts->left_out = 0;
    mounts->covered = 0;
    if (!path_table_begin(&mounts->table, MOUNTS_MAX))
        return error_set(err, STATUS_NO_MEMORY, "mounts by path");
    for (; (line_end = textfile_line_end(at, end)) != NULL; at = line_end + 1) {
        struct hostfs_mount line;

        if (hostfs_parse_mount(at, line_end, &line) && add(mounts, &line, err) != STATUS_OK)
            return err->status;
    }
    drop_covered(mounts);
    keep_one_each(mounts);
    return STATUS_OK;
}

void mounts_release(struct mounts *mounts)
{
    free(mounts->mount);
    path_table_release(&mounts->table);
    *mounts = (struct mounts){ 0 };
}
