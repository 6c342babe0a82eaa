/* What a salvaged recording says of itself: schema/FORMAT.md, "Damage". */
#include <stdio.h>

#include "schema/salvage_private.h"

static enum status put_event(struct salvage *s, int64_t *id, size_t session, int64_t at_ns,
                             int64_t duration_ns, int64_t value, const char *kind,
                             const char *detail, struct error *err)
{
    const struct recording_contents *c = &s->e.rec->contents;
    sqlite3_stmt *put = NULL;
    enum status st = database_row(&s->e.out, CHECKED_EVENT, &put, err);

    if (st != STATUS_OK)
        return st;
    (void)sqlite3_bind_int64(put, 1, ++*id);
    (void)sqlite3_bind_int64(put, 2, c->sessions[session].session_id);
    (void)sqlite3_bind_int64(put, 3, at_ns);
    (void)sqlite3_bind_int64(put, 4, duration_ns);
    (void)sqlite3_bind_int64(put, 5, value);
    (void)sqlite3_bind_text(put, 6, kind, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(put, 7, detail, -1, SQLITE_TRANSIENT);
    return database_insert(&s->e.out, CHECKED_EVENT, err);
}

enum status salvage_events(struct salvage *s, struct error *err)
{
    const struct recording_contents *c = &s->e.rec->contents;
    const struct recording_damage *d = &s->damage;
    int64_t id = 0;
    char detail[120];
    enum status st =
        database_number(&s->e.out, "SELECT coalesce(max(event_id),0) FROM event", &id, err);

    for (size_t b = 0; b < c->block_count[0] && st == STATUS_OK; b++) {
        const struct recording_block *block = &c->blocks[0][b];
        int64_t from_ns = block->previous_ns != NO_TIME ? block->previous_ns : block->start_ns;

        if (!s->e.rec->rows[0][b].lost)
            continue;
        (void)snprintf(detail, sizeof detail, "block %lld", (long long)block->block_seq);
        st = put_event(s, &id, block->session, from_ns, wrap_subtract(block->end_ns, from_ns), 0,
                       "damaged", detail, err);
    }
    for (size_t i = 0; i < s->hurt_count && st == STATUS_OK; i++) {
        const struct recording_block *hurt = &s->hurt[i];

        (void)snprintf(detail, sizeof detail, "level %lld", (long long)level_seconds[hurt->level]);
        st = put_event(s, &id, hurt->session, hurt->start_ns, 0, hurt->block_seq, "damaged", detail,
                       err);
    }
    if (st == STATUS_OK && d->tail_records_lost > 0 && c->block_count[0] > 0) {
        const struct recording_block *last = &c->blocks[0][c->block_count[0] - 1];

        st = put_event(s, &id, last->session, last->end_ns, 0, (int64_t)d->tail_records_lost,
                       "damaged", "tail", err);
    }
    if (st == STATUS_OK && c->block_count[0] > 0 && s->result->gone_count > 0) {
        const struct recording_block *last = &c->blocks[0][c->block_count[0] - 1];

        (void)snprintf(detail, sizeof detail, "%llu of %llu chunks, %lld of %lld rows",
                       (unsigned long long)s->result->chunks_kept,
                       (unsigned long long)s->result->chunk_count, (long long)s->result->rows_kept,
                       (long long)s->result->row_count);
        st = put_event(s, &id, last->session, last->end_ns, 0, (int64_t)s->result->gone_count,
                       "salvaged", detail, err);
    }
    return st;
}
