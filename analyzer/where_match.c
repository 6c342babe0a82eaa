/* Whether an expression of --where is true of a process. */
#include <stdio.h>
#include <string.h>

#include "analyzer/unit_name.h"
#include "analyzer/where.h"

enum { TIME_TEXT_MAX = 200, DIGITS = 16 };

enum status where_bind(struct where *where, const struct when_context *context,
                       struct when_warning *warning, struct error *err)
{
    for (size_t i = 0; i < where->count; i++) {
        struct where_node *node = &where->node[i];
        char text[TIME_TEXT_MAX];
        struct when_time time;

        if (node->kind != WHERE_COMPARE || node->field != WHERE_START_TIME)
            continue;
        if (node->text.size >= sizeof text)
            return error_set(err, STATUS_INVALID, "--where, character %u: too long for a time",
                             node->position);
        (void)snprintf(text, sizeof text, "%.*s", (int)node->text.size, node->text.data);
        if (when_parse(text, context, &time, warning, err) != STATUS_OK)
            return error_prefix(err, "--where, character %u", node->position);
        node->number = time.first_ns;
        node->last = time.last_ns;
    }
    return STATUS_OK;
}

bool where_needs_more(const struct where *where, unsigned fields)
{
    for (size_t i = 0; i < where->count; i++)
        if (where->node[i].kind == WHERE_COMPARE && (fields >> where->node[i].field & 1) == 0)
            return true;
    return false;
}

/* Goes back to the last * only: what those before it stand for need not change. */
bool where_like(const struct text *pattern, const struct text *text)
{
    uint32_t p = 0, t = 0, star = UINT32_MAX, from = 0;

    while (t < text->size) {
        if (p < pattern->size && pattern->data[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern->size &&
                   (pattern->data[p] == '?' || pattern->data[p] == text->data[t])) {
            p++;
            t++;
        } else if (star != UINT32_MAX) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern->size && pattern->data[p] == '*')
        p++;
    return p == pattern->size;
}

/* `order`: of what is compared to the value: less, the same, more. */
static bool holds(unsigned relation, int order)
{
    switch (relation) {
    case WHERE_EQUAL:
        return order == 0;
    case WHERE_NOT_EQUAL:
        return order != 0;
    case WHERE_LESS:
        return order < 0;
    case WHERE_AT_MOST:
        return order <= 0;
    case WHERE_GREATER:
        return order > 0;
    default:
        return order >= 0;
    }
}

static int order_of(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static bool number_holds(const struct where_node *node, int64_t number)
{
    return holds(node->relation, order_of(number, node->number));
}

/* A time that came twice is meant both times: from the first on, up to the last. */
static bool time_holds(const struct where_node *node, int64_t ns)
{
    bool same = ns == node->number || ns == node->last;

    if (node->relation == WHERE_EQUAL || node->relation == WHERE_NOT_EQUAL)
        return same == (node->relation == WHERE_EQUAL);
    if (node->relation == WHERE_LESS || node->relation == WHERE_AT_MOST)
        return holds(node->relation, order_of(ns, node->last));
    return holds(node->relation, order_of(ns, node->number));
}

static bool text_holds(const struct where_node *node, const struct text *text)
{
    uint32_t size = text->size < node->text.size ? text->size : node->text.size;
    int order;

    if (text->data == NULL)
        return false;
    if (node->relation == WHERE_LIKE)
        return where_like(&node->text, text);
    order = size == 0 ? 0 : memcmp(text->data, node->text.data, size);
    return holds(node->relation, order != 0 ? order : order_of(text->size, node->text.size));
}

static bool user_holds(const struct where_node *node, const struct recording *recording,
                       const struct version *version)
{
    struct text name = version->text[PROCESS_USER];
    char digits[DIGITS];

    if (name.data == NULL && version->uid_known)
        name = recording_user(recording, version->uid);
    if (name.data == NULL && version->uid_known)
        name =
            (struct text){ digits, (uint32_t)snprintf(digits, sizeof digits, "%u", version->uid) };
    return text_holds(node, &name);
}

static bool unit_holds(const struct where_node *node, const struct version *version)
{
    const struct text *cgroup = &version->text[PROCESS_CGROUP];
    char name[UNIT_NAME_MAX];
    struct text unit = { name, 0 };

    if (cgroup->data == NULL)
        return false;
    unit.size = (uint32_t)unit_name(cgroup->data, cgroup->size, name);
    return text_holds(node, &unit);
}

/* By id or by name; != is neither. */
static bool container_holds(const struct where_node *node, const struct recording *recording,
                            const struct version *version)
{
    const struct text *id = &version->text[PROCESS_CONTAINER];
    struct text name = recording_container(recording, *id);

    if (name.data == NULL)
        return text_holds(node, id);
    if (node->relation == WHERE_NOT_EQUAL)
        return text_holds(node, id) && text_holds(node, &name);
    if (node->relation == WHERE_EQUAL || node->relation == WHERE_LIKE)
        return text_holds(node, id) || text_holds(node, &name);
    return text_holds(node, id);
}

static bool version_holds(const struct where_node *node, const struct recording *recording,
                          const struct version *version)
{
    static const enum process_text which[WHERE_FIELD_COUNT] = { [WHERE_COMM] = PROCESS_COMM,
                                                                [WHERE_EXE] = PROCESS_EXE,
                                                                [WHERE_CMDLINE] = PROCESS_CMDLINE,
                                                                [WHERE_CGROUP] = PROCESS_CGROUP };

    switch (node->field) {
    case WHERE_UID:
        return version->uid_known && number_holds(node, version->uid);
    case WHERE_USER:
        return user_holds(node, recording, version);
    case WHERE_UNIT:
        return unit_holds(node, version);
    case WHERE_CONTAINER:
        return container_holds(node, recording, version);
    default:
        return text_holds(node, &version->text[which[node->field]]);
    }
}

static bool comparison_holds(const struct where_node *node, const struct recording *recording,
                             const struct process *process, const struct version *version)
{
    switch (node->field) {
    case WHERE_PROCESS_ID:
        return number_holds(node, process->process_id);
    case WHERE_PID:
        return number_holds(node, process->pid);
    case WHERE_PPID:
        return number_holds(node, process->ppid);
    case WHERE_START_TIME:
        return time_holds(node, process->start_ns);
    default:
        return version != NULL && version_holds(node, recording, version);
    }
}

/* As deep as the tree, which WHERE_NODES_MAX bounds. */
static bool node_holds(const struct where *where, uint16_t number,
                       const struct recording *recording, const struct process *process,
                       const struct version *version)
{
    const struct where_node *node = &where->node[number];
    bool left;

    if (node->kind == WHERE_COMPARE)
        return comparison_holds(node, recording, process, version);
    left = node_holds(where, node->left, recording, process, version);
    if (node->kind == WHERE_NOT)
        return !left;
    if (left == (node->kind == WHERE_OR))
        return left;
    return node_holds(where, node->right, recording, process, version);
}

bool where_match(const struct where *where, const struct recording *recording,
                 const struct process *process, const struct version *version)
{
    return !where->given || node_holds(where, where->root, recording, process, version);
}
