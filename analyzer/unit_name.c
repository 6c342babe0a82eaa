/*
 * Paths as systemd (CONTROL GROUPS in systemd.slice(5), src/basic/cgroup-util.c: a name that would
 * collide with a file of the kernel has "_" before it), the kubelet (cgroup drivers systemd and cgroupfs)
 * and LXC make them.
 */
#include "analyzer/unit_name.h"

#include <stdbool.h>
#include <string.h>

#include "schema/error.h"

struct part {
    const char *at;
    size_t size;
};

enum part_kind { PART_OTHER, PART_SLICE, PART_UNIT };

enum { ESCAPE_SIZE = 4 }; /* \x2d */

static const char pods[] = "kubepods";

static bool begins(const struct part *part, const char *text)
{
    size_t size = strlen(text);

    return part->size > size && memcmp(part->at, text, size) == 0;
}

static bool ends(const struct part *part, const char *text)
{
    size_t size = strlen(text);

    return part->size > size && memcmp(part->at + part->size - size, text, size) == 0;
}

static bool is(const struct part *part, const char *text)
{
    return part->size == strlen(text) && memcmp(part->at, text, part->size) == 0;
}

/* The next component of a path; false: there is none. */
static bool next_part(struct part *rest, struct part *part)
{
    const char *slash;

    while (rest->size > 0 && rest->at[0] == '/') {
        rest->at++;
        rest->size--;
    }
    slash = rest->size == 0 ? NULL : memchr(rest->at, '/', rest->size);
    *part = *rest;
    if (slash != NULL)
        part->size = (size_t)(slash - rest->at);
    rest->at += part->size;
    rest->size -= part->size;
    return part->size > 0;
}

/* --- pods --- */

static bool is_uid(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
}

/* The uid in "...kubepods-burstable-podUID.slice" or, below kubepods, in "podUID"; size 0: no pod. */
static struct part pod_uid(const struct part *part, bool *below)
{
    const char *here = memmem(part->at, part->size, pods, sizeof pods - 1);
    const char *end = part->at + part->size, *uid = NULL;
    struct part found = { .size = 0 };

    if (here != NULL) {
        *below = true;
        uid = memmem(here, (size_t)(end - here), "-pod", 4);
        uid = uid == NULL ? NULL : uid + 4;
    } else if (*below && begins(part, "pod")) {
        uid = part->at + 3;
    }
    found.at = uid;
    while (uid != NULL && uid + found.size < end && is_uid(uid[found.size]))
        found.size++;
    return found;
}

static size_t put_pod(const struct part *uid, char name[UNIT_NAME_MAX])
{
    memcpy(name, "pod", 3);
    for (size_t i = 0; i < uid->size; i++)
        name[3 + i] = uid->at[i] == '_' ? '-' : uid->at[i];
    return 3 + uid->size;
}

/* --- units --- */

static enum part_kind kind_of(const struct part *part, const struct part *above)
{
    static const char *const units[] = { ".service", ".scope", ".socket", ".mount", ".swap" };

    for (size_t i = 0; i < COUNT_OF(units); i++)
        if (ends(part, units[i]))
            return PART_UNIT;
    if (begins(part, "lxc.payload.") || is(above, "lxc") || is(above, "lxc.payload"))
        return PART_UNIT;
    return ends(part, ".slice") ? PART_SLICE : PART_OTHER;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that an escape stands for; 0: it is none, or of a byte that no name may hold. */
static char unescape(const struct part *part, size_t i)
{
    int high, low;
    char byte;

    if (part->size - i < ESCAPE_SIZE || part->at[i] != '\\' || part->at[i + 1] != 'x')
        return 0;
    high = hex_value(part->at[i + 2]);
    low = hex_value(part->at[i + 3]);
    if (high < 0 || low < 0)
        return 0;
    byte = (char)(high << 4 | low);
    return byte == '/' ? 0 : byte;
}

/* Never longer than the component. */
static size_t put_unit(const struct part *part, char *to)
{
    size_t used = 0;

    for (size_t i = part->at[0] == '_' ? 1 : 0; i < part->size; i++) {
        char byte = unescape(part, i);

        to[used++] = byte == 0 ? part->at[i] : byte;
        i += byte == 0 ? 0 : ESCAPE_SIZE - 1;
    }
    return used;
}

size_t unit_name(const char *path, size_t size, char name[UNIT_NAME_MAX])
{
    struct part rest = { path, size }, part, above = { "", 0 }, pod = { 0 }, slice = { 0 };
    bool below_pods = false;
    size_t used = 0;

    if (size > UNIT_NAME_MAX)
        return 0;
    for (; next_part(&rest, &part); above = part) {
        struct part uid = pod_uid(&part, &below_pods);
        enum part_kind kind = kind_of(&part, &above);

        pod = uid.size > 0 ? uid : pod;
        slice = kind == PART_SLICE ? part : slice;
        if (kind != PART_UNIT)
            continue;
        if (used > 0)
            name[used++] = '/';
        used += put_unit(&part, name + used);
    }
    if (pod.size > 0)
        return put_pod(&pod, name);
    return used == 0 && slice.size > 0 ? put_unit(&slice, name) : used;
}
