/* Salvaging: block by block, level by level, into a new file, which is then checked as a whole. */
#include "schema/salvage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schema/block_decode.h"
#include "schema/salvage_private.h"

/* --- what loading tells of --- */

static void row_gone(void *context, enum checked_table table, int64_t id, const char *why)
{
    struct salvage *s = context;
    char what[80];

    s->result->row_count++;
    (void)snprintf(what, sizeof what, "row %lld", (long long)id);
    salvage_tell(s, checked_table_name[table], what, why);
}

static void part_gone(void *context, const char *part, const char *what)
{
    salvage_tell(context, part, what, "damaged");
}

/* --- chunks instead of those that are stored --- */

enum status salvage_replace(struct salvage *s, const struct chunk_place *place,
                            const struct byte_writer *chunk, struct error *err)
{
    struct recording_damage *d = &s->damage;
    struct memory_chunk *to = NULL;
    uint8_t *data = malloc(chunk->used + 1);

    for (size_t i = 0; i < d->chunk_count; i++)
        if (d->chunk[i].place.table_id == place->table_id &&
            d->chunk[i].place.level == place->level &&
            d->chunk[i].place.block_seq == place->block_seq &&
            d->chunk[i].place.column_id == place->column_id)
            to = &d->chunk[i];
    if (to == NULL && d->chunk_count == d->chunk_size) {
        size_t more = d->chunk_size == 0 ? 16 : d->chunk_size * 2;
        struct memory_chunk *larger = realloc(d->chunk, more * sizeof *larger);

        if (larger == NULL) {
            free(data);
            return error_set(err, STATUS_NO_MEMORY, "chunks");
        }
        d->chunk = larger;
        d->chunk_size = more;
    }
    if (data == NULL)
        return error_set(err, STATUS_NO_MEMORY, "chunks");
    memcpy(data, chunk->data, chunk->used);
    if (to != NULL)
        free(to->data);
    else
        to = &d->chunk[d->chunk_count++];
    *to = (struct memory_chunk){ .place = *place, .data = data, .size = chunk->used };
    return STATUS_OK;
}

static bool is_reference(const struct memory_chunk *chunk)
{
    return chunk->place.level == 0 && chunk->place.column_id >= COLUMN_REFERENCE &&
           chunk->place.table_id < USAGE_HOUR_TABLE;
}

void salvage_forget(struct salvage *s)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->damage.chunk_count; i++)
        if (is_reference(&s->damage.chunk[i]))
            s->damage.chunk[kept++] = s->damage.chunk[i];
        else
            free(s->damage.chunk[i].data);
    s->damage.chunk_count = kept;
}

/* --- blocks --- */

static uint64_t expected_chunks(const struct salvage *s, const struct recording_block *block)
{
    const struct recording_contents *c = &s->e.rec->contents;
    uint64_t count, lifetimes;

    count = recording_chunk_count(s->e.rec, block, LIFETIME_TABLE, &lifetimes);
    for (size_t t = 0; t < c->table_count; t++)
        count += recording_chunk_count(s->e.rec, block, c->tables[t].table_id, &lifetimes);
    return count;
}

/* What follows the lifetimes in `contents`: the process id that is given next, and sums. */
static void put_rest(struct salvage *s, struct byte_writer *contents)
{
    const struct recording *rec = s->e.rec;
    const struct block_row *row =
        &rec->rows[s->block->level][s->block - rec->contents.blocks[s->block->level]];
    struct byte_reader r = { .data = row->contents, .size = row->contents_size };
    int64_t next = 1;

    for (uint64_t tables = bytes_get_varint(&r); tables > 0 && !r.overrun; tables--) {
        (void)bytes_get_varint(&r);
        (void)bytes_get_varint(&r);
    }
    (void)bytes_get_varint(&r);
    (void)bytes_get_varint(&r);
    if (!r.overrun && !row->lost && !s->block->tail) {
        bytes_put(contents, r.data + r.used, r.size - r.used);
        return;
    }
    for (size_t i = 0; i < rec->process_count; i++)
        if (rec->process[i].process_id >= next)
            next = rec->process[i].process_id + 1;
    for (size_t i = 0; s->block->tail && i < rec->tail.process_count; i++)
        if (rec->tail.process[i].process.process_id >= next)
            next = rec->tail.process[i].process.process_id + 1;
    bytes_put_varint(contents, (uint64_t)next);
}

/* All that was between two times. */
static void tell_span(struct salvage *s, int64_t from_ns, int64_t to_ns)
{
    const struct recording_block told = { .start_ns = from_ns, .end_ns = to_ns };

    s->result->lost_ns = wrap_add(s->result->lost_ns, wrap_subtract(to_ns, from_ns));
    s->result->whole_ns = wrap_add(s->result->whole_ns, wrap_subtract(to_ns, from_ns));
    s->block = &told;
    salvage_tell(s, "block", "all of it", "no block is left of this time");
    s->block = NULL;
}

/* The time that the block would tell of: from the tick before it. */
static void tell_lost(struct salvage *s, size_t number)
{
    const struct recording_block *b = s->block;
    struct recording_block told = *b;

    told.start_ns = number > 0 && b->previous_ns != NO_TIME ? b->previous_ns : b->start_ns;
    s->result->lost_ns = wrap_add(s->result->lost_ns, wrap_subtract(b->end_ns, told.start_ns));
    s->block = &told;
    salvage_tell(s, "block", "all of it", "its row is damaged or gone");
    s->block = b;
}

/* Later blocks may refer to values that lie with a block that is lost. */
static enum status put_references(struct salvage *s, const struct recording_table *table,
                                  struct error *err)
{
    const struct chunk_place place = { .table_id = table->table_id };
    sqlite3_stmt *put = NULL;
    char name[160];
    uint64_t count = 0;
    enum status st = extract_prepare_put(
        &s->e, chunk_store_table(&place, table->name, name, sizeof name), &put, err);

    if (st == STATUS_OK)
        st = salvage_references(s, table, s->block->block_seq, put, &count, err);
    (void)sqlite3_finalize(put);
    s->result->chunk_count += count;
    return st;
}

static enum status put_tables(struct salvage *s, const struct block_ticks *ticks, int64_t as,
                              struct byte_writer *contents, struct error *err)
{
    const struct recording_contents *c = &s->e.rec->contents;
    bool lost = s->block->level == 0 && s->e.rec->rows[0][s->block - c->blocks[0]].lost;
    enum status st = STATUS_OK;

    bytes_put_varint(contents, c->table_count);
    for (size_t t = 0; t < c->table_count && st == STATUS_OK; t++) {
        const struct recording_table *table = &c->tables[t];
        uint64_t lifetimes, count = 0;

        if (lost)
            st = put_references(s, table, err);
        else if (recording_chunk_count(s->e.rec, s->block, table->table_id, &lifetimes) > 0)
            st = salvage_table(s, table, ticks, as, &count, err);
        bytes_put_varint(contents, table->table_id);
        bytes_put_varint(contents, count);
    }
    return st;
}

static enum status put_block(struct salvage *s, int64_t as, struct error *err)
{
    struct byte_writer contents = { 0 };
    uint64_t lifetimes = s->block->lifetime_count, lives = 0;
    struct block_ticks ticks;
    enum status st = recording_ticks(s->e.rec, s->block, &ticks, err);

    if (st != STATUS_OK)
        return st;
    s->result->chunk_count += expected_chunks(s, s->block);
    if (s->block->level == 0)
        st = salvage_lives(s, &ticks, &lifetimes, &lives, err);
    if (st == STATUS_OK)
        st = put_tables(s, &ticks, as, &contents, err);
    bytes_put_varint(&contents, s->block->level == 0 ? lifetimes : 0);
    bytes_put_varint(&contents, lives);
    put_rest(s, &contents);
    if (st == STATUS_OK && contents.full)
        st = error_set(err, STATUS_NO_MEMORY, "blocks");
    if (st == STATUS_OK)
        st = salvage_block_row(s, as, &contents, err);
    bytes_release(&contents);
    block_ticks_release(&ticks);
    free(s->who.process);
    s->who = (struct lifetime_who){ 0 };
    memset(s->lost_life, 0, sizeof s->lost_life);
    salvage_forget(s);
    return st;
}

/*
 * Blocks before the first and after the last of a session have no stand-in: nothing says when their
 * ticks were. `evicted` is an event of recordings that begin late on purpose.
 */
static void tell_lost_ends(struct salvage *s)
{
    const struct recording_contents *c = &s->e.rec->contents;
    bool evicted = false;

    for (size_t i = 0; i < c->event_count; i++)
        evicted |= strcmp(c->events[i].kind, "evicted") == 0;
    for (size_t i = 0; i < c->session_count; i++) {
        struct recording_block first = { .block_seq = 0 }, last = { .block_seq = 0 };

        for (size_t b = 0; b < c->block_count[0]; b++) {
            const struct recording_block *block = &c->blocks[0][b];

            if (block->session == i && first.block_seq == 0)
                first = *block;
            last = block->session == i ? *block : last;
        }
        if (first.block_seq > 1 && first.first_tick > 0 && !evicted &&
            first.previous_ns != NO_TIME && first.previous_ns > c->sessions[i].wall_start_ns &&
            (i > 0 || first.block_seq == c->blocks[0][0].block_seq))
            tell_span(s, c->sessions[i].wall_start_ns, first.previous_ns);
        if (last.block_seq > 0 && c->sessions[i].end_ns != NO_TIME &&
            c->sessions[i].end_ns > last.end_ns)
            tell_span(s, last.end_ns, c->sessions[i].end_ns);
    }
}

static enum status put_samples(struct salvage *s, struct error *err)
{
    const struct recording_contents *c = &s->e.rec->contents;
    enum status st = STATUS_OK;

    for (size_t b = 0; b < c->block_count[0] && st == STATUS_OK; b++) {
        s->block = &c->blocks[0][b];
        if (s->e.rec->rows[0][b].lost)
            tell_lost(s, b);
        st = put_block(s, s->block->block_seq, err);
        s->result->whole_ns =
            wrap_add(s->result->whole_ns,
                     wrap_subtract(s->block->end_ns, b == 0 || s->block->previous_ns == NO_TIME
                                                         ? s->block->start_ns
                                                         : s->block->previous_ns));
    }
    s->block = NULL;
    tell_lost_ends(s);
    return st;
}

/* A block of rollups that lacks something: reports ask level 0 instead. */
static enum status add_hurt(struct salvage *s, int64_t as, struct error *err)
{
    struct recording_block *larger = realloc(s->hurt, (s->hurt_count + 1) * sizeof *larger);

    if (larger == NULL)
        return error_set(err, STATUS_NO_MEMORY, "blocks");
    s->hurt = larger;
    s->hurt[s->hurt_count] = *s->block;
    s->hurt[s->hurt_count++].block_seq = as;
    return STATUS_OK;
}

static enum status put_rollups(struct salvage *s, unsigned level, struct error *err)
{
    const struct recording_contents *c = &s->e.rec->contents;
    int64_t as = c->block_count[level] > 0 ? c->blocks[level][0].block_seq - 1 : 0;
    enum status st = STATUS_OK;

    for (size_t b = 0; b < c->block_count[level] && st == STATUS_OK; b++) {
        const struct recording_block *block = &c->blocks[level][b];
        size_t before;

        for (int64_t seq = b > 0 ? block[-1].block_seq + 1 : block->block_seq;
             seq < block->block_seq && b > 0; seq = block->block_seq) {
            struct recording_block told = { .level = level,
                                            .block_seq = seq,
                                            .start_ns = block[-1].end_ns,
                                            .end_ns = block->start_ns };

            s->block = &told;
            salvage_tell(s, "block", "sums of this time", "the block's row is damaged or gone");
        }
        s->block = block;
        before = s->result->gone_count;
        st = put_block(s, ++as, err);
        if (st == STATUS_OK && s->result->gone_count > before)
            st = add_hurt(s, as, err);
    }
    s->block = NULL;
    return st;
}

/* --- all of it --- */

static enum status prepare(struct salvage *s, struct error *err)
{
    const struct recording_contents *c = &s->e.rec->contents;
    enum status st = STATUS_OK;

    s->settled_seq = calloc(c->table_count + 1, sizeof *s->settled_seq);
    if (s->settled_seq == NULL)
        return error_set(err, STATUS_NO_MEMORY, "blocks");
    s->e.end = c->block_count[0];
    for (size_t t = 0; t < c->table_count && st == STATUS_OK; t++)
        st = extract_make_tables(&s->e, &c->tables[t], err);
    return st == STATUS_OK ? recording_load_processes(s->e.rec, err) : st;
}

static enum status write_all(struct salvage *s, struct error *err)
{
    enum status st = prepare(s, err);

    if (st == STATUS_OK)
        st = put_samples(s, err);
    for (unsigned level = 1; level < LEVEL_COUNT && st == STATUS_OK; level++)
        st = put_rollups(s, level, err);
    for (int runs = 0; runs < 2 && st == STATUS_OK; runs++)
        st = salvage_usages(s, runs != 0, err);
    if (st == STATUS_OK)
        st = salvage_rows(s, err);
    if (st == STATUS_OK)
        st = database_write_checks(&s->e.out, err);
    return st == STATUS_OK ? database_commit(&s->e.out, err) : st;
}

static void first_finding(void *context, const char *part, const char *what)
{
    char *text = context;

    if (text[0] == '\0')
        (void)snprintf(text, 300, "%.40s: %.240s", part, what);
}

/* What was written has to be whole: a hostile file may contradict itself in ways that are not foreseen. */
static enum status check(const char *path, struct error *err)
{
    struct recording *rec = NULL;
    size_t findings = 0;
    char text[300] = "";
    enum status st = recording_open(&rec, path, err);

    if (st == STATUS_OK)
        st = recording_verify(rec, first_finding, text, &findings, err);
    recording_close(rec);
    if (st == STATUS_OK && findings > 0)
        st = error_set(err, STATUS_CORRUPT, "%s", text);
    return st == STATUS_CORRUPT ? error_prefix(err, "what is left of it contradicts itself") : st;
}

static void release(struct salvage *s)
{
    extract_release(&s->e);
    for (size_t i = 0; i < s->damage.chunk_count; i++)
        free(s->damage.chunk[i].data);
    free(s->damage.chunk);
    for (size_t t = 0; t < CHECKED_COUNT; t++)
        free(s->damage.kept[t].id);
    free(s->damage.version_id);
    free(s->who.process);
    free(s->hurt);
    free(s->lost);
    free(s->settled_seq);
    free(s->unknown.list);
    bytes_release(&s->base);
    bytes_release(&s->groups);
    bytes_release(&s->made);
    recording_close(s->e.rec);
}

enum status salvage_write(const char *from, const char *to, salvage_report *report, void *context,
                          struct salvage_result *result, struct error *err)
{
    struct salvage s = {
        .e = { .end_reason = "salvaged" },
        .damage = { .row_gone = row_gone, .part_gone = part_gone, .tail_lost_ns = NO_TIME },
        .path = from,
        .report = report,
        .context = context,
        .result = result
    };
    bool made = false;
    enum status st;

    *result = (struct salvage_result){ 0 };
    s.damage.context = &s;
    st = recording_open_damaged(&s.e.rec, from, &s.damage, err);
    if (st == STATUS_INVALID)
        st = err->status = STATUS_UNSUPPORTED; /* not a recording: no fault of the caller */
    if (st == STATUS_OK)
        st = extract_begin(&s.e, to, err);
    made = st == STATUS_OK;
    if (st == STATUS_OK)
        st = write_all(&s, err);
    release(&s);
    if (st == STATUS_OK)
        st = check(to, err);
    if (st != STATUS_OK && made)
        database_remove(to);
    return st;
}
