/* Goes over the hours of each session; what rollups there are, their blocks' axes say. */
#include "analyzer/told.h"

#include <assert.h>
#include <stdlib.h>

#define SECOND_NS INT64_C(1000000000)

/* Decoding minutes of an hour takes as long as the samples of so many of its blocks. */
enum { MINUTES_WORTH_BLOCKS = 4 };

/* Blocks of one hour of one session: [first, end) of level 0. */
struct hour {
    size_t first, end;
    int64_t start_ns;
    bool rough;
};

struct finding {
    struct told *told;
    struct recording *recording;
    const struct recording_contents *contents;
    const struct window *window;
};

static int64_t window_end(unsigned level, int64_t start_ns)
{
    return wrap_add(start_ns, level_seconds[level] * SECOND_NS);
}

/* Whether the rollups of a session have the windows that hold these two times. */
static enum status has_windows(const struct finding *f, unsigned level, size_t session,
                               int64_t first_ns, int64_t last_ns, bool *has, struct error *err)
{
    int64_t from_ns = rollup_window_start(first_ns, level_seconds[level]);
    int64_t to_ns = rollup_window_start(last_ns, level_seconds[level]);
    const struct recording_contents *c = f->contents;

    *has = false;
    for (size_t b = 0; b < c->block_count[level] && !*has; b++) {
        const struct recording_block *block = &c->blocks[level][b];
        struct block_ticks ticks;
        bool from = false, to = false;

        if (block->session != session || block->start_ns > from_ns || block->end_ns <= to_ns ||
            recording_block_lacks(f->recording, block))
            continue;
        if (recording_ticks(f->recording, block, &ticks, err) != STATUS_OK)
            return err->status;
        for (uint32_t i = 0; i < ticks.count; i++) {
            from |= ticks.start_ns[i] == from_ns;
            to |= ticks.start_ns[i] == to_ns;
        }
        *has = from && to;
        block_ticks_release(&ticks);
    }
    return STATUS_OK;
}

static bool is_inside(const struct finding *f, const struct recording_block *block)
{
    struct block_sums sums;

    return !block->tail && block->start_ns > f->window->from_ns &&
           block->end_ns <= f->window->to_ns && recording_block_sums(f->recording, block, &sums);
}

static void add_span(struct told *told, const struct hour *hour,
                     const struct recording_block *block, unsigned level)
{
    struct told_span *last = told->span_count == 0 ? NULL : &told->span[told->span_count - 1];
    int64_t from_ns = rollup_window_start(block->start_ns, level_seconds[level]);
    int64_t to_ns = window_end(level, rollup_window_start(block->end_ns, level_seconds[level]));

    assert(told->span != NULL); /* room for one a block */
    if (last != NULL && last->level == level && last->session == block->session &&
        last->rough == hour->rough && last->to_ns >= from_ns && last->from_ns <= from_ns) {
        last->to_ns = to_ns;
        last->last_ns = block->end_ns;
        return;
    }
    told->span[told->span_count++] = (struct told_span){ .level = level,
                                                         .session = block->session,
                                                         .from_ns = from_ns,
                                                         .to_ns = to_ns,
                                                         .last_ns = block->end_ns,
                                                         .rough = hour->rough };
}

static void tell(const struct finding *f, const struct hour *hour, size_t block, unsigned level)
{
    f->told->level[block] = (uint8_t)level;
    f->told->rough[block] = hour->rough;
    add_span(f->told, hour, &f->contents->blocks[0][block], level);
}

/* Minutes, block by block. */
static enum status tell_minutes(const struct finding *f, const struct hour *hour, struct error *err)
{
    const struct recording_block *blocks = f->contents->blocks[0];
    size_t inside = 0;

    for (size_t b = hour->first; b < hour->end; b++)
        inside += is_inside(f, &blocks[b]);
    for (size_t b = hour->first; b < hour->end && inside >= MINUTES_WORTH_BLOCKS; b++) {
        bool has = false;

        if (!is_inside(f, &blocks[b]))
            continue;
        if (has_windows(f, 1, blocks[b].session, blocks[b].start_ns, blocks[b].end_ns, &has, err) !=
            STATUS_OK)
            return err->status;
        if (has)
            tell(f, hour, b, 1);
    }
    return STATUS_OK;
}

/* Of the first hour that is left some blocks may be evicted, of which its window tells, too. */
static enum status tell_hour(const struct finding *f, const struct hour *hour, struct error *err)
{
    const struct recording_block *blocks = f->contents->blocks[0];
    bool whole = hour->first > 0 || blocks[0].block_seq == 1, has = false;

    for (size_t b = hour->first; b < hour->end; b++)
        whole &= is_inside(f, &blocks[b]);
    if (whole && has_windows(f, 2, blocks[hour->first].session, blocks[hour->first].start_ns,
                             blocks[hour->first].start_ns, &has, err) != STATUS_OK)
        return err->status;
    if (!has)
        return tell_minutes(f, hour, err);
    for (size_t b = hour->first; b < hour->end; b++)
        tell(f, hour, b, 2);
    return STATUS_OK;
}

static enum status find_gaps(const struct finding *f, struct hour *hour, struct error *err)
{
    for (size_t b = hour->first; b < hour->end; b++) {
        const struct recording_block *block = &f->contents->blocks[0][b];
        bool gaps;

        if (recording_gaps(f->recording, block, &gaps, err) != STATUS_OK)
            return err->status;
        f->told->even[b] = !gaps && block->previous_ns != NO_TIME;
        hour->rough |= !f->told->even[b];
    }
    return STATUS_OK;
}

static bool same_hour(const struct recording_block *a, const struct recording_block *b)
{
    return a->session == b->session &&
           rollup_window_start(a->start_ns, 3600) == rollup_window_start(b->start_ns, 3600);
}

enum status told_find(struct told *told, struct recording *recording, const struct window *window,
                      struct error *err)
{
    const struct recording_contents *c = recording_contents(recording);
    const struct finding f = { told, recording, c, window };
    size_t count = c->block_count[0];

    *told = (struct told){ .level = calloc(count + 1, sizeof *told->level),
                           .rough = calloc(count + 1, sizeof *told->rough),
                           .even = calloc(count + 1, sizeof *told->even),
                           .span = calloc(count + 1, sizeof *told->span) };
    if (told->level == NULL || told->rough == NULL || told->even == NULL || told->span == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu blocks", count);
    for (struct hour hour = { 0 }; hour.first < count; hour = (struct hour){ .first = hour.end }) {
        const struct recording_block *blocks = c->blocks[0];

        for (hour.end = hour.first; hour.end < count; hour.end++)
            if (!same_hour(&blocks[hour.first], &blocks[hour.end]))
                break;
        if (blocks[hour.end - 1].end_ns <= window->from_ns ||
            blocks[hour.first].start_ns > window->to_ns)
            continue;
        if (find_gaps(&f, &hour, err) != STATUS_OK || tell_hour(&f, &hour, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

void told_release(struct told *told)
{
    free(told->level);
    free(told->rough);
    free(told->even);
    free(told->span);
    *told = (struct told){ 0 };
}

const struct told_span *told_by(const struct told *told, const struct recording_block *rollup,
                                int64_t window_ns)
{
    for (size_t i = 0; i < told->span_count; i++) {
        const struct told_span *span = &told->span[i];

        if (span->level == rollup->level && span->session == rollup->session &&
            window_ns >= span->from_ns && window_ns < span->to_ns)
            return span;
    }
    return NULL;
}
