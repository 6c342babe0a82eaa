/* Telling what is gone. */
#include <stdio.h>
#include <string.h>

#include "schema/salvage_private.h"

void salvage_tell(struct salvage *s, const char *table, const char *what, const char *why)
{
    static const char *const suffix[LEVEL_COUNT] = { "", "_60", "_3600" };
    const struct recording_block *block = s->block;
    size_t skip = strlen(s->path);
    struct salvage_gone gone = { .from_ns = NO_TIME, .to_ns = NO_TIME, .what = what };
    char name[200];

    (void)snprintf(name, sizeof name, "%.180s%s", table, block == NULL ? "" : suffix[block->level]);
    gone.table = name;
    gone.why = strncmp(why, s->path, skip) == 0 && strncmp(why + skip, ": ", 2) == 0
                   ? why + skip + 2
                   : why;
    if (block != NULL) {
        gone.block_seq = block->block_seq;
        gone.from_ns = block->start_ns;
        gone.to_ns = block->end_ns;
    }
    s->result->gone_count++;
    s->report(s->context, &gone);
}

void salvage_describe(const struct recording_table *table, const struct block_table *d,
                      const uint8_t lost[], char *text, size_t size)
{
    size_t used = 0;
    bool all = true;

    text[0] = '\0';
    for (size_t i = 0; i < d->series_count; i++)
        all &= lost[i] != 0;
    if (all || table->key[0] == ENTITY_NONE)
        return;
    used = (size_t)snprintf(text, size, " of %s", entity_kind_name(table->key[0]));
    for (size_t i = 0; i < d->series_count && used + 60 < size; i++) {
        size_t end = i;

        if (!lost[i])
            continue;
        while (end + 1 < d->series_count && lost[end + 1] && table->key[1] == ENTITY_NONE &&
               d->series[end + 1].key[0] == d->series[end].key[0] + 1)
            end++;
        used += (size_t)snprintf(text + used, size - used, " %lld", (long long)d->series[i].key[0]);
        if (table->key[1] != ENTITY_NONE)
            used +=
                (size_t)snprintf(text + used, size - used, "/%lld", (long long)d->series[i].key[1]);
        if (end > i)
            used += (size_t)snprintf(text + used, size - used, "-%lld",
                                     (long long)d->series[end].key[0]);
        i = end;
    }
    if (used + 60 >= size)
        (void)snprintf(text + used, size - used, " …");
}
