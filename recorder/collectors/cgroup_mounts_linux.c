/*
 * Source: /proc/self/mountinfo, lines
 *
 *   ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS [FIELD...] - TYPE SOURCE SUPEROPTIONS
 *
 * with blanks and backslashes in names as \ooo; proc(5).
 */
#include "recorder/collectors/cgroup_mounts_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "recorder/textfile.h"

enum {
    MOUNTINFO_ROOM = 16384,
    MOUNTINFO_LIMIT = 4 << 20, /* hosts of containers have thousands of mounts */
    FIELD_ROOT = 3,
    FIELD_MOUNTPOINT = 4,
    CONTROLLERS_ROOM = 512,
};

static const struct {
    const char *name; /* as an option of a mount */
    unsigned subject;
} controllers[] = {
    { "cpu", CGROUP_CPU },     { "cpuacct", CGROUP_CPUACCT }, { "memory", CGROUP_MEMORY },
    { "blkio", CGROUP_BLKIO }, { "pids", CGROUP_PIDS },
};

struct mount {
    char root[CGROUP_PATH_MAX], point[PATH_MAX];
    unsigned subjects;
};

static bool is_octal(const char *at, const char *stop)
{
    for (int i = 0; i < 3; i++)
        if (at + i >= stop || at[i] < '0' || at[i] > '7')
            return false;
    return true;
}

/* The name between `at` and `stop`, escapes undone; false when it does not fit. */
static bool take_name(const char *at, const char *stop, char *name, size_t size)
{
    size_t used = 0;

    for (; at < stop && used + 1 < size; at++) {
        if (*at == '\\' && is_octal(at + 1, stop)) {
            name[used++] = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
            at += 3;
        } else {
            name[used++] = *at;
        }
    }
    name[used] = '\0';
    return at == stop;
}

static const char *field_end(const char *at, const char *stop)
{
    const char *space = memchr(at, ' ', (size_t)(stop - at));

    return space == NULL ? stop : space;
}

/* The subjects among the options "rw,cpu,cpuacct". */
static unsigned subjects_of(const char *at, const char *stop)
{
    unsigned subjects = 0;

    while (at < stop) {
        const char *comma = memchr(at, ',', (size_t)(stop - at));
        const char *end = comma == NULL ? stop : comma;

        for (size_t i = 0; i < COUNT_OF(controllers); i++)
            if (strlen(controllers[i].name) == (size_t)(end - at) &&
                memcmp(controllers[i].name, at, (size_t)(end - at)) == 0)
                subjects |= controllers[i].subject;
        at = end + 1;
    }
    return subjects;
}

/* "cgroup2 ..." or "cgroup SOURCE OPTIONS" */
static unsigned subjects_of_type(const char *at, const char *stop)
{
    const char *end = field_end(at, stop);
    size_t size = (size_t)(end - at);

    if (size == 7 && memcmp(at, "cgroup2", size) == 0)
        return CGROUP_V2;
    if (size != 6 || memcmp(at, "cgroup", size) != 0 || end == stop)
        return 0;
    end = field_end(end + 1, stop);
    return end == stop ? 0 : subjects_of(end + 1, stop);
}

/* Whether the line is of a hierarchy that tells something. */
static bool parse_line(const char *line, const char *stop, struct mount *mount)
{
    static const char separator[] = " - ";
    const char *at = line;
    bool named = true;

    for (int field = 0; at < stop && field <= FIELD_MOUNTPOINT; field++) {
        const char *end = field_end(at, stop);

        if (field == FIELD_ROOT)
            named = take_name(at, end, mount->root, sizeof mount->root);
        if (field == FIELD_MOUNTPOINT)
            named = take_name(at, end, mount->point, sizeof mount->point) && named;
        at = end == stop ? stop : end + 1;
    }
    for (at = at > line ? at - 1 : at; at + sizeof separator - 1 < stop; at++) {
        if (memcmp(at, separator, sizeof separator - 1) != 0)
            continue;
        mount->subjects = subjects_of_type(at + sizeof separator - 1, stop);
        return named && mount->subjects != 0;
    }
    return false;
}

/* The first mount of a subject counts: later ones are the same, or a part of it in another place. */
static void add(struct cgroup_mounts *mounts, const struct mount *mount, const char *root)
{
    struct cgroup_hierarchy *h = &mounts->hierarchy[mounts->count];
    char path[PATH_MAX];

    for (size_t i = 0; i < mounts->count; i++)
        if ((mounts->hierarchy[i].subjects & mount->subjects) != 0)
            return;
    if (mounts->count == CGROUP_HIERARCHIES_MAX ||
        (size_t)snprintf(path, sizeof path, "%s%s", root, mount->point) >= sizeof path)
        return;
    h->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (h->fd < 0)
        return;
    h->subjects = mount->subjects;
    h->prefix[0] = '\0';
    if (strcmp(mount->root, "/") != 0 && strncmp(mount->root, "/..", 3) != 0)
        (void)snprintf(h->prefix, sizeof h->prefix, "%s", mount->root);
    mounts->count++;
}

/* All mounts of version 1, or of version 2. */
static void add_all(struct cgroup_mounts *mounts, const struct textfile *file, bool version_2,
                    const char *root)
{
    const char *end = file->text + file->size, *stop;
    struct mount mount;

    for (const char *line = file->text; (stop = textfile_line_end(line, end)) != NULL;
         line = stop + 1)
        if (parse_line(line, stop, &mount) && (mount.subjects == CGROUP_V2) == version_2)
            add(mounts, &mount, root);
}

enum status cgroup_mounts_open(struct cgroup_mounts *mounts, const char *root, struct error *err)
{
    struct textfile file;
    struct error why = { 0 };
    enum status st;

    *mounts = (struct cgroup_mounts){ .count = 0 };
    st = textfile_open(&file, root, "/proc/self/mountinfo", MOUNTINFO_ROOM, MOUNTINFO_LIMIT, &why);
    if (st == STATUS_OK)
        st = textfile_read(&file, &why);
    while (st == STATUS_OK && file.cut && textfile_grow(&file))
        st = textfile_read(&file, &why);
    if (st == STATUS_OK) {
        add_all(mounts, &file, false, root);
        add_all(mounts, &file, true, root);
    }
    textfile_close(&file);
    if (st != STATUS_OK)
        return error_set(err, STATUS_ABSENT, "%s", why.message);
    if (mounts->count == 0)
        return error_set(err, STATUS_ABSENT, "no cgroup hierarchy is mounted that can be opened");
    return STATUS_OK;
}

void cgroup_mounts_close(struct cgroup_mounts *mounts)
{
    for (size_t i = mounts->count; i-- > 0;)
        close(mounts->hierarchy[i].fd);
    *mounts = (struct cgroup_mounts){ .count = 0 };
}

/* Those that version 2 has, as a list between blanks: " cpu io memory pids " */
static void read_controllers(const struct cgroup_mounts *mounts, char list[CONTROLLERS_ROOM])
{
    ssize_t got = 0;
    int fd = -1;

    for (size_t i = 0; i < mounts->count && fd < 0; i++)
        if (mounts->hierarchy[i].subjects == CGROUP_V2)
            fd = openat(mounts->hierarchy[i].fd, "cgroup.controllers", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        got = read(fd, list + 1, CONTROLLERS_ROOM - 3);
        close(fd);
    }
    list[0] = ' ';
    got = got < 0 ? 0 : got;
    if (got > 0 && list[got] == '\n')
        got--;
    list[got + 1] = ' ';
    list[got + 2] = '\0';
}

void cgroup_mounts_lacking(const struct cgroup_mounts *mounts, char *names, size_t size)
{
    static const struct {
        unsigned subjects;
        const char *name, *word;
    } wanted[] = {
        { CGROUP_CPU | CGROUP_CPUACCT, "cpu", " cpu " },
        { CGROUP_MEMORY, "memory", " memory " },
        { CGROUP_BLKIO, "io", " io " },
        { CGROUP_PIDS, "pids", " pids " },
    };
    char list[CONTROLLERS_ROOM];
    unsigned subjects = 0;

    read_controllers(mounts, list);
    names[0] = '\0';
    for (size_t i = 0; i < mounts->count; i++)
        subjects |= mounts->hierarchy[i].subjects;
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        size_t used = strlen(names);

        if ((wanted[i].subjects & subjects) == 0 && strstr(list, wanted[i].word) == NULL)
            (void)snprintf(names + used, size - used, "%s%s", used > 0 ? ", " : "", wanted[i].name);
    }
}
