/*
 * Goes over the window's blocks, in parts where rows would be too many; cuts each into pieces;
 * hands over the buckets that no later block can reach.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/progress.h"
#include "analyzer/timeline.h"

/* Cells that one part of a block may fill: some 200 MB. */
#define PART_CELLS ((size_t)1 << 21)

/* --- pieces --- */

static enum status add_piece(struct timeline *t, const struct timeline_piece *piece,
                             struct error *err)
{
    if (t->piece_count == t->piece_size) {
        size_t more = t->piece_size == 0 ? 1024 : t->piece_size * 2;
        struct timeline_piece *larger = realloc(t->piece, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "series of a block");
        t->piece = larger;
        t->piece_size = more;
    }
    t->piece[t->piece_count++] = *piece;
    return STATUS_OK;
}

/* A part of a series in which its process has one name. */
static enum status add_named(struct timeline *t, struct timeline_piece *piece,
                             const struct process *process, const struct version *version,
                             struct error *err)
{
    uint32_t number;

    if (!select_match(t->select, t->block.recording, process, version))
        return STATUS_OK;
    if (t->by == TIMELINE_NAME) {
        if (groups_find(&t->groups, process->process_id, process, version, &number, err) !=
            STATUS_OK)
            return err->status;
        piece->id[0] = number;
    }
    return add_piece(t, piece, err);
}

/* Cut a series where its process was renamed. */
static enum status cut_series(struct timeline *t, struct timeline_piece piece, struct error *err)
{
    const struct block_table *d = &t->block.directory;
    const struct process *p;
    const struct version *v;
    uint32_t end = piece.end;

    if (recording_process(t->block.recording, t->block.block, d->series[piece.series].key[t->key],
                          &p, err) != STATUS_OK)
        return err->status;
    v = process_version_at(p, d->tick_ns[piece.first]);
    for (; piece.first < end; piece.first = piece.end, v++) {
        piece.end = end;
        if (v != NULL && v + 1 < p->versions + p->version_count)
            for (piece.end = piece.first; piece.end < end; piece.end++)
                if (d->tick_ns[piece.end] >= v[1].from_ns)
                    break;
        if (piece.end > piece.first && add_named(t, &piece, p, v, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static int by_row(const void *a, const void *b)
{
    const struct timeline_piece *x = a, *y = b;

    if (x->id[0] != y->id[0])
        return x->id[0] < y->id[0] ? -1 : 1;
    if (x->series != y->series)
        return x->series < y->series ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

static enum status cut_block(struct timeline *t, struct error *err)
{
    const struct rate_block *b = &t->block;
    bool named = t->key >= 0 && (t->by == TIMELINE_NAME || !select_all(t->select));

    t->piece_count = 0;
    for (size_t i = 0; i < b->directory.series_count; i++) {
        const struct series *s = &b->directory.series[i];
        struct timeline_piece piece = { .series = (uint32_t)i,
                                        .first = s->first > b->first ? s->first : b->first,
                                        .end = s->first + s->count < b->end ? s->first + s->count
                                                                            : b->end };

        if (piece.first >= piece.end)
            continue;
        if (t->by == TIMELINE_SERIES)
            memcpy(piece.id, s->key, sizeof piece.id);
        if ((named ? cut_series(t, piece, err) : add_piece(t, &piece, err)) != STATUS_OK)
            return err->status;
    }
    if (t->by == TIMELINE_NAME && t->piece_count > 1)
        qsort(t->piece, t->piece_count, sizeof *t->piece, by_row);
    return STATUS_OK;
}

/* --- room --- */

static enum status reserve_ticks(struct timeline *t, struct error *err)
{
    size_t count = (size_t)t->block.directory.tick_count + 1;

    if (count > t->tick_size) {
        free(t->tick);
        free(t->bucket_of);
        t->tick = malloc(count * sizeof *t->tick);
        t->bucket_of = malloc(count * sizeof *t->bucket_of);
        t->tick_size = t->tick == NULL || t->bucket_of == NULL ? 0 : count;
    }
    return t->tick_size > 0 ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "ticks of a block");
}

static enum status reserve_until(struct timeline *t, struct error *err)
{
    size_t count = (t->by == TIMELINE_NAME ? t->groups.count : 1) * t->metric_count;
    int64_t *larger;

    if (t->by == TIMELINE_SERIES || count <= t->until_size)
        return STATUS_OK;
    larger = realloc(t->until_ns, count * 2 * sizeof *larger);
    if (larger == NULL)
        return error_set(err, STATUS_NO_MEMORY, "rows");
    t->until_ns = larger;
    while (t->until_size < count * 2)
        larger[t->until_size++] = NO_TIME;
    return STATUS_OK;
}

static void place_ticks(struct timeline *t)
{
    const struct rate_block *b = &t->block;
    size_t bucket = timeline_bucket(&t->buckets, b->directory.tick_ns[b->first]);

    for (uint32_t i = b->first; i < b->end; i++) {
        while (t->buckets.end_ns[bucket] < b->directory.tick_ns[i])
            bucket++;
        t->bucket_of[i] = bucket;
        t->buckets.ticks[bucket]++;
    }
}

/* --- metrics --- */

/* What the counter was when the session before ended, where a series begins without that. */
static enum status load_carry(struct timeline *t, size_t number, struct error *err)
{
    struct rate_block *b = &t->block;
    size_t position = t->metric[number];
    bool wanted = false;

    b->carry = NULL;
    if ((t->in_gaps >> position & 1) == 0)
        return STATUS_OK;
    for (size_t i = 0; i < b->directory.series_count && !wanted; i++)
        wanted =
            (b->directory.series[i].flags & SERIES_BORN) == 0 && b->column.base_ns[i] == INT64_MIN;
    if (!wanted)
        return STATUS_OK;
    if (carry_load(&t->carry[number], b->recording, t->table, position, b->block->session, err) !=
        STATUS_OK)
        return err->status;
    b->carry = &t->carry[number];
    return STATUS_OK;
}

static enum status add_metrics(struct timeline *t, struct error *err)
{
    enum status st = STATUS_OK;

    for (size_t m = 0; m < t->metric_count && st == STATUS_OK; m++) {
        st = rate_block_column(&t->block, t->metric[m], err);
        if (st == STATUS_OK)
            st = load_carry(t, m, err);
        if (st == STATUS_OK)
            st = timeline_add(t, m, err);
    }
    return st;
}

/* --- handing over --- */

static int by_key(const void *a, const void *b)
{
    const struct timeline_key *x = &((const struct timeline_row *)a)->key;
    const struct timeline_key *y = &((const struct timeline_row *)b)->key;

    if (x->bucket != y->bucket)
        return x->bucket < y->bucket ? -1 : 1;
    if (x->id[0] != y->id[0])
        return x->id[0] < y->id[0] ? -1 : 1;
    return x->id[1] < y->id[1] ? -1 : x->id[1] > y->id[1];
}

/* The rows of buckets before `end`, in order; their cells stay where they are. */
static enum status complete_rows(const struct timeline *t, size_t end, struct timeline_row **rows,
                                 size_t *count, struct error *err)
{
    const struct timeline_rows *all = &t->rows;

    *count = 0;
    *rows = malloc((all->count + 1) * sizeof **rows);
    if (*rows == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu rows", all->count);
    for (size_t i = 0; i < all->count; i++) {
        if (all->row[i].key.bucket >= end)
            continue;
        (*rows)[*count] = all->row[i];
        (*rows)[(*count)++].cell = &all->cell[i * all->metric_count];
    }
    if (*count > 1)
        qsort(*rows, *count, sizeof **rows, by_key);
    return STATUS_OK;
}

static enum status hand_over(struct timeline *t, size_t end, struct error *err)
{
    struct timeline_row *rows = NULL;
    size_t count, at = 0;
    enum status st;

    if (t->next >= end)
        return STATUS_OK;
    st = complete_rows(t, end, &rows, &count, err);
    for (; t->next < end && st == STATUS_OK; t->next++) {
        size_t first;

        while (at < count && rows[at].key.bucket < t->next)
            at++;
        for (first = at; at < count && rows[at].key.bucket == t->next;)
            at++;
        st = t->sink.bucket(t->sink.self, t->next, rows + first, at - first, err);
    }
    free(rows);
    timeline_rows_drop(&t->rows, end);
    return st;
}

/* --- blocks --- */

/* Read the samples of some buckets of a block. */
static enum status read_part(struct timeline *t, const struct recording_block *block,
                             const struct block_ticks *ticks, const struct window *part,
                             struct error *err)
{
    enum status st = rate_block_open(&t->block, block, ticks, part, err);

    if (st == STATUS_ABSENT)
        return STATUS_OK;
    if (st != STATUS_OK || cut_block(t, err) != STATUS_OK || reserve_ticks(t, err) != STATUS_OK ||
        reserve_until(t, err) != STATUS_OK)
        return err->status;
    place_ticks(t);
    return add_metrics(t, err);
}

/* How many buckets of a block are read at a time. */
static enum status part_of(const struct timeline *t, const struct recording_block *block,
                           const struct block_ticks *ticks, size_t *buckets, struct error *err)
{
    struct block_table directory = { 0 };
    enum status st;

    *buckets = t->buckets.count;
    if (t->by != TIMELINE_SERIES)
        return STATUS_OK;
    st = recording_directory(t->block.recording, block, t->table, ticks, &directory, err);
    if (st == STATUS_OK)
        *buckets = PART_CELLS / ((directory.series_count + 1) * (t->metric_count + 1)) + 1;
    block_table_release(&directory);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

/* later_ns: no block after this one begins before that. */
static enum status read_block(struct timeline *t, const struct subject *subject,
                              const struct recording_block *block, int64_t later_ns,
                              struct error *err)
{
    const struct timeline_buckets *b = &t->buckets;
    size_t first, last, step = 1;
    struct block_ticks ticks;
    enum status st = recording_ticks(subject->recording, block, &ticks, err);

    if (st != STATUS_OK)
        return st;
    coverage_block(&t->coverage, subject->contents, block, &ticks, &subject->window);
    first = timeline_bucket(b, block->start_ns > b->from_ns ? block->start_ns : b->from_ns + 1);
    last = timeline_bucket(b, block->end_ns);
    st = part_of(t, block, &ticks, &step, err);
    for (; first <= last && st == STATUS_OK; first += step) {
        size_t end = last - first < step ? last + 1 : first + step, done;
        struct window part = { timeline_bucket_from(b, first), b->end_ns[end - 1] };

        st = read_part(t, block, &ticks, &part, err);
        done = t->next;
        while (done < end && b->end_ns[done] < later_ns)
            done++;
        if (st == STATUS_OK)
            st = hand_over(t, done, err);
    }
    block_ticks_release(&ticks);
    return st;
}

static bool is_in(const struct recording_block *block, const struct window *window)
{
    return block->end_ns > window->from_ns && block->start_ns <= window->to_ns;
}

static enum status known_in(const struct timeline *t, const struct subject *subject,
                            const struct recording_block *block, uint64_t *metrics,
                            struct error *err)
{
    struct block_table directory = { 0 };
    struct block_ticks ticks;
    enum status st = recording_ticks(subject->recording, block, &ticks, err);

    if (st != STATUS_OK)
        return st;
    st = recording_directory(subject->recording, block, t->table, &ticks, &directory, err);
    for (size_t m = 0; st == STATUS_OK && m < t->table->metric_count; m++)
        if (directory.column_state[directory.shape->first_column[m]] < 2)
            *metrics |= UINT64_C(1) << m;
    block_table_release(&directory);
    block_ticks_release(&ticks);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

enum status timeline_known(const struct timeline *t, const struct subject *subject,
                           uint64_t *metrics, struct error *err)
{
    const struct recording_contents *c = subject->contents;

    *metrics = 0;
    for (size_t b = 0; b < c->block_count[0]; b++)
        if (is_in(&c->blocks[0][b], &subject->window) &&
            known_in(t, subject, &c->blocks[0][b], metrics, err) != STATUS_OK)
            return err->status;
    if (*metrics == 0)
        *metrics = UINT64_MAX;
    return STATUS_OK;
}

/* [block] when the first of the blocks after it begins. */
static enum status find_later(const struct recording_contents *c, int64_t **later,
                              struct error *err)
{
    int64_t least = INT64_MAX;

    *later = malloc((c->block_count[0] + 1) * sizeof **later);
    if (*later == NULL)
        return error_set(err, STATUS_NO_MEMORY, "blocks");
    for (size_t b = c->block_count[0]; b > 0; b--) {
        (*later)[b - 1] = least;
        if (c->blocks[0][b - 1].start_ns < least)
            least = c->blocks[0][b - 1].start_ns;
    }
    return STATUS_OK;
}

static enum status begin(struct timeline *t, const struct subject *subject, struct error *err)
{
    t->key = t->table->key[0] == ENTITY_PROCESS ? 0 : t->table->key[1] == ENTITY_PROCESS ? 1 : -1;
    t->block.recording = subject->recording;
    t->block.table = t->table;
    t->rows.metric_count = t->metric_count;
    t->groups.total_count = 1; /* not used; none cannot be allocated */
    t->groups.by = t->name;
    t->groups.recording = subject->recording;
    return groups_begin(&t->groups, err);
}

enum status timeline_read(struct timeline *t, const struct subject *subject, struct error *err)
{
    const struct recording_contents *c = subject->contents;
    int64_t *later_ns = NULL;
    size_t good = 0, all = 0;
    enum status st = begin(t, subject, err);

    if (st == STATUS_OK)
        st = find_later(c, &later_ns, err);
    for (size_t b = 0; b < c->block_count[0]; b++)
        all += is_in(&c->blocks[0][b], &subject->window);
    for (size_t b = 0; b < c->block_count[0] && st == STATUS_OK; b++) {
        if (!is_in(&c->blocks[0][b], &subject->window))
            continue;
        progress_show(good, all);
        st = read_block(t, subject, &c->blocks[0][b], later_ns[b], err);
        good += st == STATUS_OK;
    }
    free(later_ns);
    if (st == STATUS_CORRUPT)
        return error_prefix(err, "after %zu good blocks", good);
    return st == STATUS_OK ? hand_over(t, t->buckets.count, err) : st;
}

void timeline_release(struct timeline *t)
{
    rate_block_release(&t->block);
    groups_release(&t->groups);
    timeline_rows_release(&t->rows);
    timeline_buckets_release(&t->buckets);
    for (size_t m = 0; m < COUNT_OF(t->carry); m++)
        carry_release(&t->carry[m]);
    free(t->piece);
    free(t->tick);
    free(t->bucket_of);
    free(t->until_ns);
    *t = (struct timeline){ 0 };
}
