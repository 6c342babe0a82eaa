/* Matching processes against what was asked for. */
#include "analyzer/select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static enum status full(const char *option, struct error *err)
{
    return error_set(err, STATUS_INVALID, "%s is given more than %d times", option, SELECT_MAX);
}

static enum status add_pid(struct select *select, const char *value, struct error *err)
{
    char *end = NULL;
    long pid;

    errno = 0;
    pid = strtol(value, &end, 10);
    if (*value == '\0' || *end != '\0' || errno != 0 || pid < 0)
        return error_set(err, STATUS_INVALID, "--pid %s: not a process number", value);
    if (select->pid_count == SELECT_MAX)
        return full("--pid", err);
    select->pid[select->pid_count++] = pid;
    return STATUS_OK;
}

enum status select_add(struct select *select, const char *option, const char *value,
                       struct error *err)
{
    const struct {
        const char *option, **list;
        size_t *count;
    } lists[] = { { "--comm", select->comm, &select->comm_count },
                  { "--user", select->user, &select->user_count },
                  { "--cgroup", select->cgroup, &select->cgroup_count },
                  { "--container", select->container, &select->container_count } };

    if (strcmp(option, "--pid") == 0)
        return add_pid(select, value, err);
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        if (strcmp(option, lists[i].option) == 0) {
            if (*lists[i].count == SELECT_MAX)
                return full(option, err);
            lists[i].list[(*lists[i].count)++] = value;
            return STATUS_OK;
        }
    if (select->where.given)
        return error_set(err, STATUS_INVALID, "--where is given twice; join them with and");
    return where_parse(&select->where, value, err);
}

bool select_by_name(const struct select *select)
{
    const unsigned named = 1U << WHERE_UID | 1U << WHERE_USER | 1U << WHERE_COMM;

    return select->pid_count + select->cgroup_count + select->container_count == 0 &&
           !where_needs_more(&select->where, named);
}

/* Is `text` the pattern; or does it end, begin, or go on as the pattern's * says? */
static bool glob(const char *pattern, const struct text *text)
{
    size_t size = strlen(pattern);
    bool front = size > 0 && pattern[0] == '*';
    bool back = size > 1 && pattern[size - 1] == '*';
    const char *want = pattern + front;
    size_t length = size - front - back;

    if (text->data == NULL)
        return false;
    if (front && back)
        return length == 0 || memmem(text->data, text->size, want, length) != NULL;
    if (text->size < length || (!front && !back && text->size != length))
        return false;
    return memcmp(front ? text->data + text->size - length : text->data, want, length) == 0;
}

static bool is_user(const struct recording *recording, const char *want,
                    const struct version *version)
{
    struct text name = version->text[PROCESS_USER];
    char *end = NULL;
    unsigned long uid;

    if (name.data == NULL && version->uid_known)
        name = recording_user(recording, version->uid);
    if (name.data != NULL && glob(want, &name))
        return true;
    errno = 0;
    uid = strtoul(want, &end, 10);
    return *want >= '0' && *want <= '9' && *end == '\0' && errno == 0 && version->uid_known &&
           uid == version->uid;
}

static bool is_container(const struct recording *recording, const char *want, const struct text *id)
{
    struct text name;

    if (glob(want, id))
        return true;
    name = recording_container(recording, *id);
    return glob(want, &name);
}

static bool is_placed(const struct select *select, const struct recording *recording,
                      const struct version *version)
{
    bool cgroup = select->cgroup_count == 0, container = select->container_count == 0;

    for (size_t i = 0; i < select->cgroup_count && !cgroup; i++)
        cgroup = version != NULL && glob(select->cgroup[i], &version->text[PROCESS_CGROUP]);
    for (size_t i = 0; i < select->container_count && !container; i++)
        container = version != NULL && is_container(recording, select->container[i],
                                                    &version->text[PROCESS_CONTAINER]);
    return cgroup && container;
}

bool select_match(const struct select *select, const struct recording *recording,
                  const struct process *process, const struct version *version)
{
    bool pid = select->pid_count == 0, comm = select->comm_count == 0;
    bool user = select->user_count == 0;

    for (size_t i = 0; i < select->pid_count && !pid; i++)
        pid = select->pid[i] == process->pid;
    for (size_t i = 0; i < select->comm_count && !comm; i++)
        comm = version != NULL && glob(select->comm[i], &version->text[PROCESS_COMM]);
    for (size_t i = 0; i < select->user_count && !user; i++)
        user = version != NULL && is_user(recording, select->user[i], version);
    return pid && comm && user && is_placed(select, recording, version) &&
           where_match(&select->where, recording, process, version);
}
