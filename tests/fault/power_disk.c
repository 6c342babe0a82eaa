/* A list of files, one of names, and of each file the changes since its last sync. */
#include "tests/fault/power_disk.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECTOR_BYTES = 512, NAMES_MAX = 8, COULD_MAX = 64, PATH_BYTES = 512 };

struct change {
    int64_t at;    /* of a write; or the new size */
    size_t size;   /* of a write */
    uint8_t *data; /* NULL: a truncation */
};

struct image {
    uint8_t *data;
    size_t size;
};

struct power_inode {
    struct image synced;
    struct change *change; /* [change_count], in order of time */
    size_t change_count, change_size;
    struct power_inode *next;
};

/* A name and all the files that it could mean on the disk, the latest last; NULL: none. */
struct name {
    char path[PATH_BYTES];
    struct power_inode *could[COULD_MAX];
    size_t could_count;
};

static struct name name[NAMES_MAX];
static size_t name_count;
static struct power_inode *inodes;

/* --- what is on the disk for certain --- */

static void *checked(void *memory)
{
    assert(memory != NULL);
    return memory;
}

static void resize(struct image *image, size_t size, int filler)
{
    image->data = checked(realloc(image->data, size + 1));
    if (size > image->size)
        memset(image->data + image->size, filler, size - image->size);
    image->size = size;
}

static void put(struct image *image, size_t at, const uint8_t *data, size_t size, int filler)
{
    if (size == 0)
        return;
    if (at + size > image->size)
        resize(image, at + size, filler);
    memcpy(image->data + at, data, size);
}

static void apply(struct image *image, const struct change *change)
{
    if (change->data == NULL)
        resize(image, (size_t)change->at, 0);
    else
        put(image, (size_t)change->at, change->data, change->size, 0);
}

static struct power_inode *add_inode(void)
{
    struct power_inode *inode = checked(calloc(1, sizeof *inode));

    inode->next = inodes;
    inodes = inode;
    return inode;
}

static void add_change(struct power_inode *inode, struct change change)
{
    if (inode->change_count == inode->change_size) {
        inode->change_size = inode->change_size * 2 + 16;
        inode->change = checked(realloc(inode->change, inode->change_size * sizeof *inode->change));
    }
    inode->change[inode->change_count++] = change;
}

void power_inode_write(struct power_inode *inode, const void *data, size_t size, int64_t at)
{
    uint8_t *copy = checked(malloc(size));

    memcpy(copy, data, size);
    add_change(inode, (struct change){ .at = at, .size = size, .data = copy });
}

void power_inode_truncate(struct power_inode *inode, int64_t size)
{
    add_change(inode, (struct change){ .at = size });
}

static void forget_changes(struct power_inode *inode)
{
    for (size_t i = 0; i < inode->change_count; i++)
        free(inode->change[i].data);
    inode->change_count = 0;
}

void power_inode_sync(struct power_inode *inode)
{
    for (size_t i = 0; i < inode->change_count; i++)
        apply(&inode->synced, &inode->change[i]);
    forget_changes(inode);
}

/* --- names --- */

static void read_file(const char *path, struct image *image)
{
    FILE *file = fopen(path, "rb");
    uint8_t buffer[65536];

    assert(file != NULL);
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, file)) > 0;)
        put(image, image->size, buffer, got, 0);
    (void)fclose(file);
}

/* The place of a name; a new one has no file yet. */
static struct name *name_of(const char *path)
{
    for (size_t i = 0; i < name_count; i++)
        if (strcmp(name[i].path, path) == 0)
            return &name[i];
    assert(name_count < NAMES_MAX);
    name[name_count] = (struct name){ 0 };
    (void)snprintf(name[name_count].path, PATH_BYTES, "%s", path);
    return &name[name_count++];
}

struct power_inode *power_disk_find(const char *path)
{
    struct name *n = name_of(path);

    if (n->could_count == 0) {
        n->could[n->could_count++] = add_inode();
        read_file(path, &n->could[0]->synced);
    }
    return n->could[n->could_count - 1];
}

static void add_meaning(struct name *n, struct power_inode *inode)
{
    assert(n->could_count < COULD_MAX);
    n->could[n->could_count++] = inode;
}

struct power_inode *power_disk_create(const char *path)
{
    struct name *n = name_of(path);
    struct power_inode *inode = add_inode();

    if (n->could_count == 0)
        add_meaning(n, NULL);
    add_meaning(n, inode);
    return inode;
}

void power_disk_delete(const char *path)
{
    (void)power_disk_find(path);
    add_meaning(name_of(path), NULL);
}

void power_directory_sync(void)
{
    for (size_t i = 0; i < name_count; i++) {
        if (name[i].could_count == 0)
            continue;
        name[i].could[0] = name[i].could[name[i].could_count - 1];
        name[i].could_count = 1;
    }
}

void power_disk_forget(void)
{
    while (inodes != NULL) {
        struct power_inode *inode = inodes;

        inodes = inode->next;
        forget_changes(inode);
        free(inode->change);
        free(inode->synced.data);
        free(inode);
    }
    name_count = 0;
}

/* --- the power goes --- */

/* How one cut treats what was not synced: some lose nearly all, some nearly nothing. */
struct fate {
    uint64_t random;
    uint64_t drop_pct, tear_pct;
};

static uint64_t any(struct fate *fate, uint64_t below)
{
    uint64_t z = fate->random += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

static int filler(struct fate *fate)
{
    return any(fate, 2) == 0 ? 0 : (int)any(fate, 256);
}

/* Each sector of the file that the write touches, or not. */
static void put_sectors(struct image *image, const struct change *c, struct fate *fate)
{
    int fill = filler(fate);

    for (size_t done = 0; done < c->size;) {
        size_t at = (size_t)c->at + done;
        size_t part = SECTOR_BYTES - at % SECTOR_BYTES;

        if (part > c->size - done)
            part = c->size - done;
        if (any(fate, 2) == 0)
            put(image, at, c->data + done, part, fill);
        done += part;
    }
}

static void put_torn(struct image *image, const struct change *c, struct fate *fate)
{
    size_t at = any(fate, c->size + 1);

    switch (any(fate, 4)) {
    case 0:
        put(image, (size_t)c->at, c->data, at, filler(fate));
        break;
    case 1:
        put(image, (size_t)c->at + at, c->data + at, c->size - at, filler(fate));
        break;
    default:
        put_sectors(image, c, fate);
    }
}

static void maybe_apply(struct image *image, const struct change *c, struct fate *fate)
{
    bool drops = any(fate, 100) < fate->drop_pct;
    size_t end = (size_t)c->at + c->size;

    if (!drops && c->data != NULL && any(fate, 100) < fate->tear_pct)
        put_torn(image, c, fate);
    else if (!drops)
        apply(image, c);
    else if (c->data != NULL && end > image->size && any(fate, 3) == 0)
        resize(image, end, filler(fate)); /* it grew, and that was all */
}

static void write_file(const char *path, const struct image *image)
{
    FILE *file = fopen(path, "wb");

    assert(file != NULL);
    if (fwrite(image->data, 1, image->size, file) != image->size || fclose(file) != 0)
        abort();
}

static void restore(const struct name *n, struct fate *fate)
{
    struct power_inode *inode;
    struct image image = { 0 };

    if (n->could_count == 0)
        return;
    inode = n->could[any(fate, n->could_count)];
    if (inode == NULL) {
        (void)unlink(n->path);
        return;
    }
    put(&image, 0, inode->synced.data, inode->synced.size, 0);
    for (size_t i = 0; i < inode->change_count; i++)
        maybe_apply(&image, &inode->change[i], fate);
    resize(&image, image.size, 0);
    write_file(n->path, &image);
    free(image.data);
}

void power_disk_restore(uint64_t seed)
{
    static const uint64_t pct[] = { 0, 5, 30, 50, 95, 100 };
    struct fate fate = { .random = seed };

    fate.drop_pct = pct[any(&fate, 6)];
    fate.tear_pct = pct[any(&fate, 6)];
    for (size_t i = 0; i < name_count; i++)
        restore(&name[i], &fate);
    power_disk_forget();
}
