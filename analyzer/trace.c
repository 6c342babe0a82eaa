/* Whose row it is. */
#include "analyzer/trace.h"

#include <string.h>

bool trace_wants(const struct trace *trace, const struct groups *groups, uint32_t number)
{
    const struct group *group;

    if (trace == NULL || groups == NULL || number == 0)
        return false;
    if (trace->all)
        return true;
    group = &groups->group[number];
    if (groups->by == BY_PROCESS)
        return group->process_id == trace->process_id;
    if (group->key.data == NULL || trace->key.data == NULL)
        return group->key.data == trace->key.data;
    return group->key.size == trace->key.size &&
           memcmp(group->key.data, trace->key.data, group->key.size) == 0;
}
