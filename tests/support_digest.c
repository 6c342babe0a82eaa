/* Hashes of all that schema/recording.h gives. */
#include "tests/support_digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct taking {
    struct digest *digest;
    struct recording *rec;
    uint64_t hash;
};

/* --- hashing: FNV-1a over eight bytes at a time --- */

static void number(struct taking *t, int64_t value)
{
    t->hash = (t->hash ^ (uint64_t)value) * UINT64_C(0x100000001b3);
    t->hash ^= t->hash >> 29;
}

static void bytes(struct taking *t, const void *data, size_t size)
{
    const uint8_t *p = data;

    number(t, data == NULL ? -1 : (int64_t)size);
    for (size_t i = 0; data != NULL && i < size; i++)
        number(t, p[i]);
}

static void text(struct taking *t, const char *string)
{
    bytes(t, string, strlen(string));
}

static struct digest_part *begin(struct taking *t, enum digest_what what)
{
    struct digest *d = t->digest;

    if (d->count == d->size) {
        d->size = d->size == 0 ? 256 : d->size * 2;
        d->part = realloc(d->part, d->size * sizeof *d->part);
        assert_non_null(d->part);
    }
    t->hash = UINT64_C(0xcbf29ce484222325);
    d->part[d->count] = (struct digest_part){ .what = what };
    return &d->part[d->count++];
}

static void end(struct taking *t, enum status st, const struct error *err)
{
    struct digest *d = t->digest;

    d->part[d->count - 1].status = st;
    d->part[d->count - 1].hash = t->hash;
    if (st == STATUS_OK || st == STATUS_ABSENT)
        return;
    if (!d->damaged)
        d->message = *err;
    d->damaged = true;
    d->unnamed |= err->message[0] == '\0' || err->status != st;
}

/* --- parts --- */

static void take_session(struct taking *t, const struct recording_session *s)
{
    const int64_t numbers[] = {
        s->session_id,  s->zone_offset_s, s->zone_next_offset_s, s->zone_next_change_ns,
        s->core_count,  s->page_bytes,    s->memory_bytes,       s->clock_ticks_per_second,
        s->interval_ns, s->pid,           s->wall_start_ns,      s->boot_start_ns,
        s->end_ns
    };
    const char *const texts[] = { s->boot_id, s->host,      s->os,      s->release,
                                  s->machine, s->hardware,  s->version, s->process_source,
                                  s->zone,    s->end_reason };

    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        number(t, numbers[i]);
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        text(t, texts[i]);
}

static void take_table(struct taking *t, const struct recording_table *table)
{
    number(t, table->table_id);
    number(t, table->key[0]);
    number(t, table->key[1]);
    text(t, table->name);
    text(t, table->description);
    for (size_t m = 0; m < table->metric_count; m++) {
        const struct recording_metric *metric = &table->metrics[m];

        number(t, metric->kind);
        number(t, metric->scale);
        text(t, metric->name);
        text(t, metric->unit);
        text(t, metric->labels);
        text(t, metric->description);
    }
}

static void take_rows(struct taking *t, const struct recording_contents *c)
{
    for (size_t i = 0; i < c->timeline_count; i++) {
        number(t, c->timeline[i].session_id);
        number(t, c->timeline[i].timeline_ns);
        number(t, c->timeline[i].wall_ns);
    }
    for (size_t i = 0; i < c->capability_count; i++) {
        number(t, c->capabilities[i].session_id);
        text(t, c->capabilities[i].collector);
        text(t, c->capabilities[i].status);
        text(t, c->capabilities[i].reason);
        text(t, c->capabilities[i].enable);
    }
    for (size_t i = 0; i < c->entity_count; i++) {
        number(t, c->entities[i].entity_id);
        number(t, c->entities[i].kind);
        number(t, c->entities[i].parent_id);
        number(t, c->entities[i].first_ns);
        number(t, c->entities[i].last_ns);
        text(t, c->entities[i].key);
        text(t, c->entities[i].label);
    }
    for (size_t i = 0; i < c->event_count; i++) {
        number(t, c->events[i].event_id);
        number(t, c->events[i].session_id);
        number(t, c->events[i].at_ns);
        number(t, c->events[i].duration_ns);
        number(t, c->events[i].value);
        text(t, c->events[i].kind);
        text(t, c->events[i].detail);
    }
}

static void take_blocks(struct taking *t, const struct recording_contents *c)
{
    (void)begin(t, DIGEST_BLOCKS);
    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        for (size_t i = 0; i < c->block_count[level]; i++) {
            const struct recording_block *b = &c->blocks[level][i];
            const int64_t numbers[] = { b->level,
                                        b->block_seq,
                                        (int64_t)b->session,
                                        b->first_tick,
                                        b->previous_ns,
                                        b->start_ns,
                                        b->end_ns,
                                        b->tick_count,
                                        b->tail,
                                        (int64_t)b->lifetime_count };

            for (size_t n = 0; n < COUNT_OF(numbers); n++)
                number(t, numbers[n]);
            t->digest->ticks += level == 0 ? b->tick_count : 0;
        }
    end(t, STATUS_OK, NULL);
}

static enum status take_process(void *context, const struct process *p, struct error *err)
{
    struct taking *t = context;
    const int64_t numbers[] = {
        p->process_id, p->session_id, p->pid, p->ppid,  (int64_t)p->start_ticks,  p->start_ns,
        p->end_ns,     p->exit_code,  p->how, p->flags, (int64_t)p->version_count
    };

    (void)err;
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        number(t, numbers[i]);
    for (size_t v = 0; v < p->version_count; v++) {
        const struct version *version = &p->versions[v];

        number(t, version->from_ns);
        number(t, version->uid_known ? (int64_t)version->uid : -1);
        number(t, version->cmdline_length);
        number(t, (int64_t)version->cmdline_hash);
        for (size_t k = 0; k < PROCESS_TEXT_COUNT; k++)
            bytes(t, version->text[k].data, version->text[k].size);
    }
    return STATUS_OK;
}

static void take_cells(struct taking *t, const struct recording_block *block)
{
    const struct recording_table *table = recording_table(t->rec, "process_samples");
    const struct lifetimes *lifetimes = NULL;
    struct error err = { 0 };
    enum status st;

    begin(t, DIGEST_CELLS)->block_seq = block->block_seq;
    st = recording_lifetimes(t->rec, block, &lifetimes, &err);
    for (size_t i = 0; st == STATUS_OK && i < lifetimes->count; i++) {
        (void)take_process(t, &lifetimes->process[i], NULL);
        for (size_t m = 0; table != NULL && m < table->metric_count; m++) {
            const struct rollup_cell *cell = &lifetimes->cell[i * table->metric_count + m];
            const int64_t numbers[] = { cell->present,
                                        cell->reason,
                                        cell->last,
                                        cell->covered_ns,
                                        cell->increase,
                                        cell->rate_max,
                                        cell->rate_max_at_ns,
                                        cell->min,
                                        cell->max,
                                        (int64_t)cell->sum,
                                        (int64_t)(cell->sum >> 64) };

            for (size_t n = 0; n < COUNT_OF(numbers); n++)
                number(t, numbers[n]);
        }
    }
    end(t, st, &err);
}

static struct digest_part *begin_in(struct taking *t, enum digest_what what,
                                    const struct recording_block *block, uint32_t table_id)
{
    struct digest_part *part = begin(t, what);

    part->level = block->level;
    part->block_seq = block->block_seq;
    part->table_id = table_id;
    return part;
}

static void hash_directory(struct taking *t, const struct block_table *d)
{
    for (uint32_t i = 0; i < d->tick_count; i++) {
        number(t, d->tick[i]);
        number(t, d->tick_ns[i]);
        number(t, d->gap[i]);
        number(t, d->mask == NULL ? 0 : (int64_t)d->mask[i]);
        for (unsigned m = 0; d->covered_ns != NULL && m < d->shape->metric_count; m++)
            number(t, d->covered_ns[i * d->shape->metric_count + m]);
    }
    for (unsigned m = 0; m < d->shape->metric_count; m++)
        number(t, d->column_previous_ns[m]);
    for (size_t i = 0; i < d->series_count; i++) {
        const struct series *s = &d->series[i];
        const int64_t numbers[] = { s->key[0], s->key[1],   s->first, s->count,
                                    s->flags,  s->start_ns, s->end_ns };

        for (size_t n = 0; n < COUNT_OF(numbers); n++)
            number(t, numbers[n]);
    }
}

static void hash_column(struct taking *t, const struct block_table *d,
                        const struct block_column *column)
{
    for (size_t i = 0; i < d->series_count; i++) {
        number(t, column->base[i]);
        number(t, column->base_ns[i]);
    }
    for (size_t row = 0; row < d->row[d->series_count]; row++) {
        uint8_t missing = column->missing == NULL ? MISSING_NONE : column->missing[row];

        number(t, missing);
        number(t, missing == MISSING_NONE ? column->value[row] : 0);
    }
}

static void take_samples(struct taking *t, const struct recording_block *block,
                         const struct recording_table *table, const struct block_ticks *ticks,
                         struct block_column *column)
{
    struct block_table directory;
    struct error err = { 0 };
    enum status st;

    (void)begin_in(t, DIGEST_DIRECTORY, block, table->table_id);
    st = recording_directory(t->rec, block, table, ticks, &directory, &err);
    if (st == STATUS_OK)
        hash_directory(t, &directory);
    end(t, st, &err);
    if (st != STATUS_OK)
        return;
    for (size_t c = 0; c < directory.shape->column_count; c++) {
        struct error column_err = { 0 };

        begin_in(t, DIGEST_COLUMN, block, table->table_id)->column = c;
        st = recording_column(t->rec, &directory, c, series_all, column, &column_err);
        if (st == STATUS_OK)
            hash_column(t, &directory, column);
        end(t, st, &column_err);
    }
    block_table_release(&directory);
}

static void take_block(struct taking *t, const struct recording_block *block,
                       struct block_column *column)
{
    const struct recording_contents *c = recording_contents(t->rec);
    struct block_ticks ticks;
    struct error err = { 0 };
    enum status st;

    (void)begin_in(t, DIGEST_TICKS, block, 0);
    st = recording_ticks(t->rec, block, &ticks, &err);
    for (uint32_t i = 0; st == STATUS_OK && i < ticks.count; i++) {
        number(t, ticks.start_ns[i]);
        number(t, ticks.sweep_ns[i]);
        number(t, ticks.gap[i]);
    }
    end(t, st, &err);
    for (size_t i = 0; st == STATUS_OK && i < c->table_count; i++)
        take_samples(t, block, &c->tables[i], &ticks, column);
    if (st == STATUS_OK)
        block_ticks_release(&ticks);
    if (block->level == 0)
        take_cells(t, block);
}

static void take_all(struct taking *t)
{
    const struct recording_contents *c = recording_contents(t->rec);
    struct block_column column = { 0 };
    struct error err = { 0 };

    for (size_t i = 0; i < c->session_count; i++)
        take_session(t, &c->sessions[i]);
    take_rows(t, c);
    for (size_t i = 0; i < c->table_count; i++)
        take_table(t, &c->tables[i]);
    end(t, STATUS_OK, NULL);
    take_blocks(t, c);
    (void)begin(t, DIGEST_PROCESSES);
    end(t, recording_processes(t->rec, take_process, t, &err), &err);
    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        for (size_t i = 0; i < c->block_count[level]; i++)
            take_block(t, &c->blocks[level][i], &column);
    block_column_release(&column);
}

void digest_take(struct digest *digest, const char *path)
{
    struct taking t = { .digest = digest };
    struct error err = { 0 };
    enum status st;

    *digest = (struct digest){ 0 };
    (void)begin(&t, DIGEST_OPEN);
    st = recording_open(&t.rec, path, &err);
    if (st == STATUS_OK)
        take_all(&t);
    else
        end(&t, st, &err);
    recording_close(t.rec);
}

void digest_release(struct digest *digest)
{
    free(digest->part);
    *digest = (struct digest){ 0 };
}

/* --- comparing --- */

static bool same_place(const struct digest_part *a, const struct digest_part *b)
{
    return a->what == b->what && a->level == b->level && a->block_seq == b->block_seq &&
           a->table_id == b->table_id && a->column == b->column;
}

static bool tell(const struct digest_part *part, const char *what, char *why, size_t size)
{
    static const char *const names[] = { "open",  "blocks",    "processes", "ticks",
                                         "cells", "directory", "column" };

    (void)snprintf(why, size, "%s: %s, level %u, block %lld, table %u, column %zu", what,
                   names[part->what], part->level, (long long)part->block_seq, part->table_id,
                   part->column);
    return false;
}

bool digest_agrees(const struct digest *seen, const struct digest *right, char *why, size_t size)
{
    size_t at = 0;

    if (seen->unnamed) {
        (void)snprintf(why, size, "an error without a message");
        return false;
    }
    for (size_t i = 0; i < seen->count; i++) {
        const struct digest_part *part = &seen->part[i];

        /* Parts behind a damaged one may be left out, none may be new. */
        while (at < right->count && !same_place(part, &right->part[at]))
            at++;
        if (at == right->count)
            return tell(part, "a part that was not there", why, size);
        if ((part->status == STATUS_OK || part->status == STATUS_ABSENT) &&
            (part->status != right->part[at].status || part->hash != right->part[at].hash))
            return tell(part, "another answer", why, size);
    }
    if (!seen->damaged && seen->count != right->count) {
        (void)snprintf(why, size, "%zu parts of %zu, and no error", seen->count, right->count);
        return false;
    }
    return true;
}

bool digest_equal(const struct digest *seen, const struct digest *right, char *why, size_t size)
{
    if (seen->damaged) {
        (void)snprintf(why, size, "%s", seen->message.message);
        return false;
    }
    return digest_agrees(seen, right, why, size);
}
