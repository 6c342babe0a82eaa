/*
 * A damaged recording, read for what is left of it: rows that cannot be used are told of and passed
 * over, and what others need of them is put in their place where it is known.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/recording_private.h"

enum { LOST_BLOCKS_MOST = 100000 };

/* --- rows --- */

struct reading {
    struct recording *rec;
    recording_take *take;
    size_t width, size, count, gone;
    char *element;
};

static enum status take_one(void *context, sqlite3_stmt *row, struct error *err)
{
    struct reading *r = context;
    enum status st;

    if (r->count == r->size) {
        size_t more = r->size == 0 ? 16 : r->size * 2;
        char *larger = realloc(r->element, more * r->width);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "rows");
        r->element = larger;
        r->size = more;
    }
    memset(r->element + r->count * r->width, 0, r->width);
    st = r->take(r->rec, row, r->element + r->count * r->width, err);
    if (st == STATUS_OK && r->rec->no_memory)
        st = error_set(err, STATUS_NO_MEMORY, "rows");
    r->count += st == STATUS_OK;
    return st;
}

static void note_gone(void *context, enum checked_table table, int64_t id, const char *why)
{
    struct reading *r = context;

    r->gone++;
    r->rec->damage->row_gone(r->rec->damage->context, table, id, why);
}

enum status recording_read_damaged(struct recording *rec, enum checked_table table, size_t width,
                                   void **array, size_t *count, recording_take *take,
                                   struct error *err)
{
    struct reading r = { .rec = rec, .take = take, .width = width };
    struct recording_damage *damage = rec->damage;
    const struct table_check *check = &rec->db.check[table];
    enum status st =
        database_walk(&rec->db, table, take_one, note_gone, &r, &damage->kept[table], err);
    int64_t found = (int64_t)(r.count + r.gone), most = rec->db.all_bytes;
    int64_t more =
        check->row_count > found && check->row_count <= most ? check->row_count - found : 0;
    char text[80];

    *array = recording_own(rec, r.element);
    *count = r.count;
    damage->rows_vanished += more;
    (void)snprintf(text, sizeof text, "%lld more row%s", (long long)more, more == 1 ? "" : "s");
    if (more > 0)
        damage->part_gone(damage->context, checked_table_name[table], text);
    else if (damage->kept[table].broken)
        damage->part_gone(damage->context, checked_table_name[table], "maybe more rows");
    if (more > 0 || damage->kept[table].broken || r.gone > 0) {
        damage->tables_lost |= table == CHECKED_SAMPLES_TABLE;
        damage->metrics_lost |= table == CHECKED_METRIC;
    }
    return st;
}

/* --- catalog --- */

/* Is every table that is left what this program has at its place? */
static bool is_ours(const struct recording_contents *c)
{
    for (size_t t = 0; t < c->table_count; t++)
        if (c->tables[t].table_id < TABLE_COUNT &&
            strcmp(c->tables[t].name, samples_tables[c->tables[t].table_id].name) != 0)
            return false;
    return true;
}

static bool has_table(const struct recording_contents *c, size_t count, uint32_t id)
{
    for (size_t t = 0; t < count; t++)
        if (c->tables[t].table_id == id)
            return true;
    return false;
}

static bool has_metric(const struct metric_row *rows, size_t count, uint32_t table,
                       int64_t position)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].table_id == table && rows[i].position == position)
            return true;
    return false;
}

static bool any_metric(const struct metric_row *rows, size_t count, uint32_t table)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].table_id == table)
            return true;
    return false;
}

static enum status mend_tables(struct recording *rec, struct error *err)
{
    struct recording_contents *c = &rec->contents;
    struct recording_table *all =
        recording_own(rec, calloc(c->table_count + TABLE_COUNT + 1, sizeof *all));
    size_t kept = 0;

    if (all == NULL)
        return error_set(err, STATUS_NO_MEMORY, "catalog");
    for (size_t t = 0; t < c->table_count; t++) /* the file may have any */
        if (!has_table(c, t, c->tables[t].table_id))
            all[kept++] = c->tables[t];
    c->tables = all;
    c->table_count = kept;
    rec->damage->tables_kept = kept;
    for (uint32_t id = 0; id < TABLE_COUNT && rec->damage->tables_lost && is_ours(c); id++)
        if (!has_table(c, c->table_count, id))
            all[c->table_count++] = (struct recording_table){
                .table_id = id,
                .name = samples_tables[id].name,
                .key = { samples_tables[id].key[0], samples_tables[id].key[1] },
                .description = samples_tables[id].description,
            };
    return STATUS_OK;
}

static struct metric_row metric_of(uint32_t table, size_t position)
{
    const struct metric *m = &samples_tables[table].metrics[position];

    return (struct metric_row){ .table_id = table,
                                .position = (int64_t)position,
                                .metric = { .name = m->name,
                                            .kind = m->kind,
                                            .unit = m->unit,
                                            .scale = m->scale,
                                            .labels = m->labels,
                                            .description = m->description } };
}

/* A table of which not all metrics are known cannot be read. */
static bool is_complete(const struct metric_row *rows, size_t count, uint32_t table)
{
    int64_t last = -1, found = 0;

    for (size_t i = 0; i < count; i++) {
        if (rows[i].table_id != table)
            continue;
        last = rows[i].position > last ? rows[i].position : last;
        found++;
    }
    return found > 0 && last == found - 1;
}

enum status recording_mend_catalog(struct recording *rec, struct metric_row **metrics,
                                   size_t *metric_count, struct error *err)
{
    struct recording_contents *c = &rec->contents;
    struct recording_damage *damage = rec->damage;
    struct metric_row *all = recording_own(
        rec, calloc(*metric_count + (size_t)TABLE_COUNT * TABLE_METRICS_MAX + 1, sizeof *all));
    size_t count = 0, tables = 0;

    if (all == NULL)
        return error_set(err, STATUS_NO_MEMORY, "catalog");
    if (mend_tables(rec, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < *metric_count; i++)
        if (!has_metric(all, count, (*metrics)[i].table_id, (*metrics)[i].position))
            all[count++] = (*metrics)[i];
    for (size_t t = 0; t < c->table_count; t++) {
        uint32_t id = c->tables[t].table_id;
        bool known = id < TABLE_COUNT && strcmp(c->tables[t].name, samples_tables[id].name) == 0;

        if (!known || (!damage->metrics_lost && any_metric(all, count, id)))
            continue;
        for (size_t m = 0; m < samples_tables[id].metric_count; m++)
            if (!has_metric(all, count, id, (int64_t)m))
                all[count++] = metric_of(id, m);
    }
    for (size_t t = 0; t < c->table_count; t++) {
        if (is_complete(all, count, c->tables[t].table_id))
            c->tables[tables++] = c->tables[t];
        else
            damage->part_gone(damage->context, c->tables[t].name, "what its metrics are");
        damage->tables_kept -=
            !is_complete(all, count, c->tables[t].table_id) && t < damage->tables_kept;
    }
    c->table_count = tables;
    *metrics = all;
    *metric_count = count;
    return STATUS_OK;
}

/* --- sessions --- */

static bool has_session(const struct recording_contents *c, int64_t id)
{
    for (size_t s = 0; s < c->session_count; s++)
        if (c->sessions[s].session_id == id)
            return true;
    return false;
}

/* One that is known by its blocks alone. */
static enum status add_session(struct recording *rec, int64_t id, int64_t start_ns, int64_t end_ns,
                               struct error *err)
{
    struct recording_contents *c = &rec->contents;
    struct recording_session *all = recording_own(rec, calloc(c->session_count + 1, sizeof *all));
    char *boot = recording_own(rec, malloc(40));
    size_t at = c->session_count;

    if (all == NULL || boot == NULL)
        return error_set(err, STATUS_NO_MEMORY, "sessions");
    (void)snprintf(boot, 40, "lost-%lld", (long long)id); /* the boot of no other */
    for (size_t s = 0; s < c->session_count; s++)
        all[s] = c->sessions[s];
    for (; at > 0 && all[at - 1].session_id > id; at--)
        all[at] = all[at - 1];
    all[at] = (struct recording_session){ .session_id = id,
                                          .boot_id = boot,
                                          .host = "",
                                          .os = "",
                                          .release = "",
                                          .machine = "",
                                          .hardware = "",
                                          .version = "",
                                          .process_source = "",
                                          .zone = "",
                                          .wall_start_ns = start_ns,
                                          .end_ns = end_ns,
                                          .end_reason = "" };
    c->sessions = all;
    c->session_count++;
    return STATUS_OK;
}

static size_t session_of(const struct recording_contents *c, int64_t id)
{
    size_t s = 0;

    while (s < c->session_count && c->sessions[s].session_id != id)
        s++;
    return s;
}

/* --- blocks --- */

static int by_level_and_seq(const void *a, const void *b)
{
    const struct any_block *x = a, *y = b;

    if (x->block.level != y->block.level)
        return x->block.level < y->block.level ? -1 : 1;
    return (x->block.block_seq > y->block.block_seq) - (x->block.block_seq < y->block.block_seq);
}

/* Does its axis say what its row says? */
static bool is_usable(const struct any_block *b)
{
    struct block_ticks ticks;
    struct error ignored;
    bool ok = b->block.level < LEVEL_COUNT &&
              block_ticks_decode(&ticks, b->row.ticks, b->row.ticks_size, &ignored) == STATUS_OK;

    if (b->block.level >= LEVEL_COUNT)
        return false;
    ok = ok && ticks.count == b->block.tick_count;
    block_ticks_release(&ticks);
    return ok;
}

static bool reserve_blocks(struct recording *rec, unsigned level, size_t room)
{
    struct recording_contents *c = &rec->contents;
    struct recording_block *blocks;
    struct block_row *rows;

    if (level == 0 && room < rec->damage->block_room)
        return true;
    room = level == 0 ? room * 2 : room;
    blocks = recording_own(rec, calloc(room + 1, sizeof *blocks));
    rows = recording_own(rec, calloc(room + 1, sizeof *rows));
    if (blocks == NULL || rows == NULL)
        return false;
    for (size_t b = 0; b < c->block_count[level]; b++) {
        blocks[b] = c->blocks[level][b];
        rows[b] = rec->rows[level][b];
    }
    c->blocks[level] = blocks;
    rec->rows[level] = rows;
    rec->damage->block_room = level == 0 ? room : rec->damage->block_room;
    return true;
}

/* Its last tick is known if the block after it goes on from there, or the session ends with it. */
static int64_t last_tick_of_lost(const struct recording *rec, const struct recording_block *before,
                                 const struct recording_block *next, size_t count, size_t *session)
{
    const struct recording_session *s = &rec->contents.sessions[before->session];

    *session = next->session;
    if (next->previous_ns != NO_TIME &&
        (next->session != before->session || next->previous_ns >= before->end_ns + (int64_t)count))
        return next->previous_ns;
    *session = before->session;
    if (s->end_ns != NO_TIME && s->end_ns >= before->end_ns + (int64_t)count)
        return s->end_ns;
    return wrap_add(before->end_ns, (int64_t)count);
}

static enum status put_lost(struct recording *rec, struct recording_block block, struct error *err)
{
    struct recording_contents *c = &rec->contents;
    struct byte_writer axis = { 0 };
    int64_t sweep_ns = 0;
    uint8_t gap = 1;
    const struct block_ticks ticks = {
        .count = 1, .start_ns = &block.start_ns, .sweep_ns = &sweep_ns, .gap = &gap
    };
    struct block_row row = { .lost = true, .contents_size = 0 };
    enum status st = block_ticks_encode(&ticks, &axis, err);

    row.ticks = recording_own(rec, axis.data);
    row.ticks_size = axis.used;
    row.contents =
        recording_own(rec, calloc(4, 1)); /* no tables, no lifetimes, no chunks of them */
    row.contents_size = 4;
    if (st == STATUS_OK && (row.ticks == NULL || row.contents == NULL))
        st = error_set(err, STATUS_NO_MEMORY, "blocks");
    if (st != STATUS_OK)
        return st;
    c->blocks[0][c->block_count[0]] = block;
    rec->rows[0][c->block_count[0]++] = row;
    return STATUS_OK;
}

enum status recording_fill_blocks(struct recording *rec, const struct recording_block *next,
                                  struct error *err)
{
    struct recording_contents *c = &rec->contents;
    struct recording_block before;
    size_t lost, session;
    int64_t last_ns;
    enum status st = STATUS_OK;

    if (c->block_count[0] == 0)
        return STATUS_OK;
    before = c->blocks[0][c->block_count[0] - 1];
    if (next->block_seq <= before.block_seq ||
        next->block_seq - before.block_seq > LOST_BLOCKS_MOST)
        return error_set(err, STATUS_CORRUPT, "block %lld comes after block %lld",
                         (long long)next->block_seq, (long long)before.block_seq);
    lost = (size_t)(next->block_seq - before.block_seq - 1);
    if (!reserve_blocks(rec, 0, c->block_count[0] + lost + 1))
        return error_set(err, STATUS_NO_MEMORY, "blocks");
    last_ns = last_tick_of_lost(rec, &before, next, lost, &session);
    for (size_t i = 0; i < lost && st == STATUS_OK; i++) {
        int64_t at_ns = wrap_subtract(last_ns, (int64_t)(lost - 1 - i));
        bool same = session == before.session;
        struct recording_block block = {
            .block_seq = before.block_seq + 1 + (int64_t)i,
            .session = session,
            .first_tick = session == next->session
                              ? next->first_tick - (int64_t)(lost - i)
                              : before.first_tick + before.tick_count + (int64_t)i,
            .previous_ns = i > 0 || same ? c->blocks[0][c->block_count[0] - 1].end_ns : NO_TIME,
            .start_ns = at_ns,
            .end_ns = at_ns,
            .tick_count = 1
        };

        st = put_lost(rec, block, err);
    }
    return st;
}

static enum status mend_sessions(struct recording *rec, struct any_block *all, size_t count,
                                 struct error *err)
{
    struct recording_contents *c = &rec->contents;

    for (size_t i = 0; i < count; i++) {
        int64_t start_ns = all[i].block.start_ns, end_ns = all[i].block.end_ns;

        if (has_session(c, all[i].session_id))
            continue;
        for (size_t k = i; k < count; k++) {
            if (all[k].session_id != all[i].session_id || all[k].block.level != 0)
                continue;
            start_ns = all[k].block.start_ns < start_ns ? all[k].block.start_ns : start_ns;
            end_ns = all[k].block.end_ns > end_ns ? all[k].block.end_ns : end_ns;
        }
        if (add_session(rec, all[i].session_id, start_ns, end_ns, err) != STATUS_OK)
            return err->status;
    }
    for (size_t i = 0; i < count; i++)
        all[i].block.session = session_of(c, all[i].session_id);
    return STATUS_OK;
}

/* Blocks whose axis is not one count as lost, as those do whose row is. */
static size_t leave_out_unusable(struct recording *rec, struct any_block *all, size_t count)
{
    struct recording_damage *damage = rec->damage;
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (is_usable(&all[i])) {
            all[kept++] = all[i];
            continue;
        }
        damage->row_gone(damage->context, CHECKED_BLOCK, damage->kept[CHECKED_BLOCK].id[i],
                         "its tick times are not what it says of them");
    }
    return kept;
}

enum status recording_mend_blocks(struct recording *rec, struct any_block *all, size_t count,
                                  struct error *err)
{
    struct recording_contents *c = &rec->contents;

    count = leave_out_unusable(rec, all, count);
    if (count > 1)
        qsort(all, count, sizeof *all, by_level_and_seq);
    if (mend_sessions(rec, all, count, err) != STATUS_OK)
        return err->status;
    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        if (!reserve_blocks(rec, level, count))
            return error_set(err, STATUS_NO_MEMORY, "blocks");
    for (size_t i = 0; i < count; i++) {
        unsigned level = all[i].block.level;
        size_t *n = &c->block_count[level];
        struct error why;

        if (level == 0 && recording_fill_blocks(rec, &all[i].block, &why) != STATUS_OK) {
            if (why.status != STATUS_CORRUPT)
                return *err = why, why.status;
            rec->damage->part_gone(rec->damage->context, "block", why.message);
            continue;
        }
        if (*n > 0 && c->blocks[level][*n - 1].block_seq >= all[i].block.block_seq)
            continue; /* twice */
        if (level == 0 && !reserve_blocks(rec, 0, *n + count - i))
            return error_set(err, STATUS_NO_MEMORY, "blocks");
        rec->rows[level][*n] = all[i].row;
        c->blocks[level][(*n)++] = all[i].block;
    }
    for (size_t i = 0; i < c->block_count[0]; i++) {
        uint64_t lifetimes = 0;

        (void)recording_chunk_count(rec, &c->blocks[0][i], LIFETIME_TABLE, &lifetimes);
        c->blocks[0][i].lifetime_count = (size_t)lifetimes;
    }
    return STATUS_OK;
}

enum status recording_expect_tail(struct recording *rec, struct error *err)
{
    struct recording_contents *c = &rec->contents;
    const struct open_block *tail = &rec->tail;
    struct recording_block next = { .block_seq = tail->block_seq,
                                    .first_tick = tail->first_tick,
                                    .previous_ns = tail->previous_ns,
                                    .start_ns = tail->ticks.start_ns[0] };

    if (!has_session(c, tail->session_id) &&
        add_session(rec, tail->session_id, next.start_ns, NO_TIME, err) != STATUS_OK)
        return err->status;
    next.session = session_of(c, tail->session_id);
    return recording_fill_blocks(rec, &next, err);
}
