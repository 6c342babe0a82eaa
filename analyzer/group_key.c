/* Keys are texts of versions, or are made of several of them in a buffer that the groups keep. */
#include "analyzer/group_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/unit_name.h"

enum { DIGITS = 16 };

/* --- the buffer --- */

static enum status reserve(struct groups *groups, size_t size, struct error *err)
{
    char *larger;

    if (size <= groups->scratch_size)
        return STATUS_OK;
    larger = realloc(groups->scratch, size);
    if (larger == NULL)
        return error_set(err, STATUS_NO_MEMORY, "the name of a group");
    groups->scratch = larger;
    groups->scratch_size = size;
    return STATUS_OK;
}

static char *put(char *to, const char *text, size_t size)
{
    if (text != NULL && size > 0)
        memcpy(to, text, size);
    return to + size;
}

/* --- users and units --- */

/* The user's name, or its number in `digits`. */
static struct text user_of(const struct recording *recording, const struct version *version,
                           char digits[DIGITS])
{
    struct text name = version->text[PROCESS_USER];

    if (name.data == NULL && version->uid_known)
        name = recording_user(recording, version->uid);
    if (name.data != NULL || !version->uid_known)
        return name;
    return (struct text){ digits, (uint32_t)snprintf(digits, DIGITS, "%u", version->uid) };
}

static enum status user_key(struct groups *groups, const struct version *version, struct text *key,
                            struct error *err)
{
    char digits[DIGITS];

    *key = user_of(groups->recording, version, digits);
    if (key->data != digits)
        return STATUS_OK;
    if (reserve(groups, DIGITS, err) != STATUS_OK)
        return err->status;
    (void)put(groups->scratch, digits, key->size);
    key->data = groups->scratch;
    return STATUS_OK;
}

/* The unit of a cgroup, in `name`: "" where it has none; data NULL: the cgroup is not known. */
static struct text unit_of(const struct version *version, char name[UNIT_NAME_MAX])
{
    const struct text *cgroup = &version->text[PROCESS_CGROUP];

    if (cgroup->data == NULL)
        return (struct text){ NULL, 0 };
    return (struct text){ name, (uint32_t)unit_name(cgroup->data, cgroup->size, name) };
}

static enum status unit_key(struct groups *groups, const struct version *version, struct text *key,
                            struct error *err)
{
    if (reserve(groups, UNIT_NAME_MAX, err) != STATUS_OK)
        return err->status;
    *key = unit_of(version, groups->scratch);
    return STATUS_OK;
}

/* --- lineages --- */

/* The first text that says something: "" is known not to be. */
static struct text first_of(const struct text text[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text[i].size > 0)
            return text[i];
    return (struct text){ "?", 1 };
}

static struct text place_of(const struct recording *recording, const struct version *version,
                            char name[UNIT_NAME_MAX])
{
    const struct text container = version->text[PROCESS_CONTAINER];
    const struct text place[] = { recording_container(recording, container), unit_of(version, name),
                                  container, version->text[PROCESS_CGROUP] };

    return first_of(place, COUNT_OF(place));
}

static enum status lineage_key(struct groups *groups, const struct process *process,
                               const struct version *version, struct text *key, struct error *err)
{
    char digits[DIGITS], name[UNIT_NAME_MAX], *to;
    struct text program, user, place;

    if (process != NULL)
        version = &process->versions[process->version_count - 1];
    program = version->text[version->text[PROCESS_EXE].size == 0 ? PROCESS_COMM : PROCESS_EXE];
    user = user_of(groups->recording, version, digits);
    user = first_of(&user, 1);
    place = place_of(groups->recording, version, name);
    *key = (struct text){ NULL, 0 };
    if (program.data == NULL)
        return STATUS_OK;
    key->size = program.size + user.size + place.size + 5;
    if (reserve(groups, key->size, err) != STATUS_OK)
        return err->status;
    to = put(groups->scratch, program.data, program.size);
    to = put(put(to, " (", 2), user.data, user.size);
    to = put(put(to, ", ", 2), place.data, place.size);
    (void)put(to, ")", 1);
    key->data = groups->scratch;
    return STATUS_OK;
}

/* --- all of them --- */

enum status group_key(struct groups *groups, const struct process *process,
                      const struct version *version, struct text *key, struct error *err)
{
    static const enum process_text which[] = { [BY_COMM] = PROCESS_COMM,
                                               [BY_EXE] = PROCESS_EXE,
                                               [BY_CGROUP] = PROCESS_CGROUP,
                                               [BY_CONTAINER] = PROCESS_CONTAINER };

    *key = (struct text){ NULL, 0 };
    if (version == NULL)
        return STATUS_OK;
    if (groups->by == BY_USER)
        return user_key(groups, version, key, err);
    if (groups->by == BY_UNIT)
        return unit_key(groups, version, key, err);
    if (groups->by == BY_LINEAGE)
        return lineage_key(groups, process, version, key, err);
    *key = version->text[which[groups->by]];
    return STATUS_OK;
}

enum status group_key_names(struct groups *groups, struct group *group, struct error *err)
{
    const struct process *process = group->process;
    const struct version *version = process_version_at(process, group->last_ns);
    char name[UNIT_NAME_MAX];
    struct text lineage = { NULL, 0 }, unit;

    struct group_names *names;

    if (group->own != NULL || version == NULL)
        return STATUS_OK;
    unit = unit_of(version, name);
    if (lineage_key(groups, process, version, &lineage, err) != STATUS_OK)
        return err->status;
    names = malloc(sizeof *names + unit.size + lineage.size);
    if (names == NULL)
        return error_set(err, STATUS_NO_MEMORY, "the names of a process");
    (void)put(put(names->bytes, unit.data, unit.size), lineage.data, lineage.size);
    names->unit = (struct text){ unit.data == NULL ? NULL : names->bytes, unit.size };
    names->lineage =
        (struct text){ lineage.data == NULL ? NULL : names->bytes + unit.size, lineage.size };
    group->own = names;
    return STATUS_OK;
}
