/* Processes and their versions in memory. */
#include "schema/identity.h"

#include <stdlib.h>

const struct version *process_version_at(const struct process *process, int64_t at_ns)
{
    size_t low = 0, high = process->version_count;

    if (high == 0)
        return NULL;
    while (high - low > 1) { /* versions[low].from_ns <= at_ns, or low is 0 */
        size_t middle = low + (high - low) / 2;

        if (process->versions[middle].from_ns <= at_ns)
            low = middle;
        else
            high = middle;
    }
    return &process->versions[low];
}

static void version_release(struct version *version)
{
    free(version->owned);
    *version = (struct version){ 0 };
}

void process_release(struct process *process)
{
    for (size_t i = 0; i < process->version_count; i++)
        version_release(&process->versions[i]);
    free(process->versions);
    process->versions = NULL;
    process->version_count = 0;
}

void process_forget_names(struct process *process)
{
    if (process->version_count < 2)
        return;
    for (size_t i = 0; i + 1 < process->version_count; i++)
        version_release(&process->versions[i]);
    process->versions[0] = process->versions[process->version_count - 1];
    process->version_count = 1;
}

/* A deep copy, with what `update` does not know taken from `before` (may be NULL). */
static bool merge(struct version *out, const struct version *before, const struct version *update)
{
    size_t size = 0;
    char *p;

    *out = *update;
    if (!update->uid_known && before != NULL) {
        out->uid_known = before->uid_known;
        out->uid = before->uid;
    }
    if (update->text[PROCESS_CMDLINE].data == NULL && before != NULL) {
        out->cmdline_length = before->cmdline_length;
        out->cmdline_hash = before->cmdline_hash;
    }
    for (size_t t = 0; t < PROCESS_TEXT_COUNT; t++) {
        if (out->text[t].data == NULL && before != NULL)
            out->text[t] = before->text[t];
        size += out->text[t].size;
    }
    p = out->owned = malloc(size + 1);
    if (p == NULL)
        return false;
    for (size_t t = 0; t < PROCESS_TEXT_COUNT; t++) {
        if (out->text[t].data == NULL)
            continue;
        memcpy(p, out->text[t].data, out->text[t].size);
        out->text[t].data = p;
        p += out->text[t].size;
    }
    return true;
}

enum status process_name(struct process *process, const struct version *version, size_t *index,
                         struct error *err)
{
    size_t at = process->version_count;
    struct version merged;

    while (at > 0 && process->versions[at - 1].from_ns > version->from_ns)
        at--;
    if (at > 0 && process->versions[at - 1].from_ns == version->from_ns) {
        *index = at - 1;
        if (!merge(&merged, &process->versions[at - 1], version))
            return error_set(err, STATUS_NO_MEMORY, "name of process %d", process->pid);
        version_release(&process->versions[at - 1]);
        process->versions[at - 1] = merged;
        return STATUS_OK;
    }
    if (at < process->version_count || at >= PROCESS_VERSIONS_MAX)
        return error_set(err, STATUS_FULL, "names of process %d", process->pid);
    if ((at & (at - 1)) == 0) {
        struct version *larger =
            realloc(process->versions, (at == 0 ? 1 : at * 2) * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "names of process %d", process->pid);
        process->versions = larger;
    }
    if (!merge(&process->versions[at], at > 0 ? &process->versions[at - 1] : NULL, version))
        return error_set(err, STATUS_NO_MEMORY, "name of process %d", process->pid);
    process->version_count++;
    *index = at;
    return STATUS_OK;
}
