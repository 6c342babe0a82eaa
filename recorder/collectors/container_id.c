/*
 * How engines name the cgroups of their containers:
 *
 *   64 hex digits   docker-ID.scope, /docker/ID, cri-containerd-ID.scope, crio-ID.scope, libpod-ID.scope,
 *                   nerdctl-ID.scope, kubepods/podUID/ID: in any component, with anything around them
 *   names           the table below
 */
#include "recorder/collectors/container_id.h"

#include <stdbool.h>
#include <string.h>

enum { HEX_SIZE = 64, ESCAPE_SIZE = 4 /* of \x2d in a unit's name */ };

/* A component of a path, and the one above it ("" when there is none). */
struct component {
    const char *at;
    size_t size;
    const char *above;
    size_t above_size;
};

/* A component prefix + NAME + suffix, below `above` where that is not NULL. */
static const struct form {
    const char *above, *prefix, *suffix;
    bool container; /* else it is beside one, or a machine: whatever it is in counts */
} forms[] = {
    { NULL, "lxc.monitor.", "", false },
    { "lxc.monitor", "", "", false },
    { NULL, "lxc.payload.", "", true },
    { "lxc.payload", "", "", true },
    { "lxc", "", "", true },
    { NULL, "machine-qemu\\x2d", ".scope", false },
    { NULL, "machine-", ".scope", true }, /* systemd-machined: nspawn, libvirt's LXC */
    { NULL, "systemd-nspawn@", ".service", true },
};

static const char monitor[] = "conmon-"; /* Podman's and CRI-O's helper: libpod-conmon-ID.scope */

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* The last run of exactly 64 hex digits that is not a helper's; NULL: there is none. */
static const char *find_hex(const struct component *c)
{
    const size_t before = sizeof monitor - 1;
    const char *found = NULL;

    for (size_t at = 0, run = 0; at <= c->size; at++) {
        const char *id = c->at + at - run;

        if (at < c->size && is_hex(c->at[at])) {
            run++;
            continue;
        }
        if (run == HEX_SIZE && (at - run < before || memcmp(id - before, monitor, before) != 0))
            found = id;
        run = 0;
    }
    return found;
}

static bool is_text(const char *at, size_t size, const char *text)
{
    return strlen(text) == size && memcmp(at, text, size) == 0;
}

static bool has_form(const struct component *c, const struct form *form)
{
    size_t prefix = strlen(form->prefix), suffix = strlen(form->suffix);

    return (form->above == NULL || is_text(c->above, c->above_size, form->above)) &&
           c->size > prefix + suffix && memcmp(c->at, form->prefix, prefix) == 0 &&
           memcmp(c->at + c->size - suffix, form->suffix, suffix) == 0;
}

static int hex_value(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* A name without the escapes that systemd writes into a unit's name; 0 when it is too long. */
static size_t put_name(const char *at, size_t size, char id[CONTAINER_ID_MAX])
{
    size_t used = 0;

    for (size_t i = 0; i < size; i++) {
        if (used == CONTAINER_ID_MAX)
            return 0;
        if (size - i >= ESCAPE_SIZE && at[i] == '\\' && at[i + 1] == 'x' && is_hex(at[i + 2]) &&
            is_hex(at[i + 3])) {
            id[used++] = (char)(hex_value(at[i + 2]) << 4 | hex_value(at[i + 3]));
            i += ESCAPE_SIZE - 1;
            continue;
        }
        id[used++] = at[i];
    }
    return used;
}

static size_t id_of(const struct component *c, char id[CONTAINER_ID_MAX])
{
    const char *hex = find_hex(c);

    if (hex != NULL) {
        memcpy(id, hex, HEX_SIZE);
        return HEX_SIZE;
    }
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        const struct form *form = &forms[i];
        size_t prefix = strlen(form->prefix);

        if (has_form(c, form))
            return form->container
                       ? put_name(c->at + prefix, c->size - prefix - strlen(form->suffix), id)
                       : 0;
    }
    return 0;
}

/* The component that ends at `end`; an empty one at the path's beginning. */
static struct component component_before(const char *path, size_t end)
{
    struct component c = { .at = path + end };

    while (c.at > path && c.at[-1] != '/') {
        c.at--;
        c.size++;
    }
    c.above = c.at > path ? c.at - 1 : c.at;
    while (c.above > path && c.above[-1] != '/') {
        c.above--;
        c.above_size++;
    }
    return c;
}

size_t container_id(const char *path, size_t size, char id[CONTAINER_ID_MAX])
{
    for (size_t end = size;;) {
        struct component c = component_before(path, end);
        size_t used = id_of(&c, id);

        if (used > 0 || c.at == path)
            return used;
        end = (size_t)(c.at - path) - 1;
    }
}
