/*
 * Taking away what was chosen: chunks and block rows, what the blocks did added to its hour before,
 * and the rows that only they needed.
 */
#include <stdio.h>

#include "recorder/retention_private.h"
#include "schema/block_decode.h"

enum { EXIT_TOLD_LATE_S = 3600 }; /* after its end a process may be named in blocks for that long */

/* Remove rows of a checked table: those whose ids the statement gives, for parameter ?1. */
static enum status delete_rows(struct retention *r, enum checked_table table, const char *sql,
                               int64_t parameter, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    struct byte_writer ids = { 0 };
    struct byte_reader found;
    enum status st = database_prepare(r->db, &stmt, sql, err);

    if (st == STATUS_OK)
        (void)sqlite3_bind_int64(stmt, 1, parameter);
    while (st == STATUS_OK && (st = database_step(r->db, stmt, err)) == STATUS_OK)
        bytes_put_zigzag(&ids, sqlite3_column_int64(stmt, 0));
    (void)sqlite3_finalize(stmt);
    if (st == STATUS_ABSENT)
        st = ids.full ? error_set(err, STATUS_NO_MEMORY, "evicting") : STATUS_OK;
    found = (struct byte_reader){ .data = ids.data, .size = ids.used };
    while (st == STATUS_OK && bytes_left(&found) > 0)
        st = database_delete(r->db, table, bytes_get_zigzag(&found), err);
    bytes_release(&ids);
    return st;
}

/* Chunks of a table with first <= id < end and a column below `columns`. */
static enum status delete_chunks(struct retention *r, enum kept kept,
                                 const struct chunk_place *place, int64_t first, int64_t end,
                                 int64_t columns, struct error *err)
{
    static const char *const measure = "SELECT coalesce(sum(length(data)),0) FROM ";
    const int64_t range[] = { first, end, columns };
    char name[120], sql[320];
    const char *table = chunk_store_table(place, samples_tables[place->table_id % TABLE_COUNT].name,
                                          name, sizeof name);
    int64_t bytes = 0;

    (void)snprintf(sql, sizeof sql, "%s%s WHERE id>=?1 AND id<?2 AND (id&4095)<?3", measure, table);
    if (database_numbers(r->db, sql, range, 3, &bytes, 1, err) != STATUS_OK)
        return err->status;
    (void)snprintf(sql, sizeof sql, "DELETE FROM %s WHERE id>=?1 AND id<?2 AND (id&4095)<?3",
                   table);
    if (database_numbers(r->db, sql, range, 3, NULL, 0, err) != STATUS_ABSENT)
        return err->status;
    r->evicted_bytes[kept] += bytes;
    return STATUS_OK;
}

/* --- evicting --- */

/* A run of usage as it is stored; damage is told as such. */
static enum status get_usage(struct retention *r, const struct chunk_place *place,
                             struct usage *usage, struct error *err)
{
    const uint8_t *data = NULL;
    size_t size = 0;
    struct chunk chunk;
    struct byte_reader content;
    enum status st;

    usage_clear(usage);
    st = chunk_store_get(&r->store, place, &data, &size, err);
    if (st == STATUS_OK)
        st = chunk_get(&chunk, place, data, size, err);
    if (st == STATUS_OK)
        st = decompress_frame(&r->d, chunk.base, chunk.base_size, BLOCK_FRAME_MAX, &content, err);
    if (st == STATUS_OK)
        st = usage_decode(usage, (enum usage_detail)place->column_id, &content, err);
    chunk_store_reset(&r->store);
    return st;
}

/* The hour, as much as there is of it; empty if there is none or it is damaged. */
static enum status get_hour(struct retention *r, int64_t hour, struct error *err)
{
    struct chunk_place place = { .table_id = USAGE_HOUR_TABLE, .block_seq = hour };
    enum status st = STATUS_ABSENT;

    for (; place.column_id < USAGE_DETAIL_COUNT && st == STATUS_ABSENT; place.column_id++)
        st = get_usage(r, &place, &r->hour, err);
    if (st != STATUS_ABSENT && st != STATUS_CORRUPT)
        return st;
    usage_clear(&r->hour);
    return STATUS_OK;
}

/* Replace what is stored of the hour. */
static enum status put_hour(struct retention *r, int64_t hour, struct error *err)
{
    struct chunk_place place = { .table_id = USAGE_HOUR_TABLE,
                                 .block_seq = hour,
                                 .column_id = r->hour.detail };
    struct byte_writer raw = { 0 }, frame = { 0 }, chunk = { 0 };
    sqlite3_stmt *stmt = NULL;
    enum status st = delete_chunks(r, KEPT_HOURS, &place, hour << 12, (hour + 1) << 12, 4096, err);

    if (st == STATUS_OK)
        st = usage_encode(&r->hour, &raw, err);
    if (st == STATUS_OK)
        st = compress_frame(&r->c, COMPRESS_SEAL, raw.data, raw.used, &frame, err);
    if (st == STATUS_OK) {
        chunk_put(&chunk, &place, &frame, NULL, 0, NULL);
        st = chunk.full ? error_set(err, STATUS_NO_MEMORY, "usage by name")
                        : database_prepare(r->db, &stmt,
                                           "INSERT INTO process_hour_chunk VALUES(?1,?2)", err);
    }
    if (st == STATUS_OK) {
        (void)sqlite3_bind_int64(stmt, 1, chunk_row_id(&place));
        (void)sqlite3_bind_blob64(stmt, 2, chunk.data, chunk.used, SQLITE_STATIC);
        st = database_step(r->db, stmt, err);
        st = st == STATUS_ABSENT ? STATUS_OK : st;
    }
    if (st == STATUS_OK)
        r->evicted_bytes[KEPT_HOURS] -= (int64_t)chunk.used;
    (void)sqlite3_finalize(stmt);
    bytes_release(&raw);
    bytes_release(&frame);
    bytes_release(&chunk);
    return st;
}

static enum status thin_hour(struct retention *r, const struct candidate *c, struct error *err)
{
    if (get_hour(r, c->end_seq, err) != STATUS_OK ||
        usage_thin(&r->hour, c->detail, err) != STATUS_OK)
        return err->status;
    r->hour.detail = c->detail; /* also of a damaged one: it is done with */
    return put_hour(r, c->end_seq, err);
}

/* What the run did is added to its hour. A damaged one is lost: it must not keep the rest from going. */
static enum status fold_run(struct retention *r, const struct candidate *c, struct error *err)
{
    const struct chunk_place place = { .table_id = USAGE_RUN_TABLE, .block_seq = c->run_seq };
    int64_t hour = rollup_window_start(c->start_ns, 3600) / HOUR_NS;
    enum status st = get_usage(r, &place, &r->run, err);

    if (hour < 0)
        hour = 0; /* a clock before 1970 */
    if (st == STATUS_OK) {
        st = get_hour(r, hour, err);
        if (st == STATUS_OK)
            st = usage_merge(&r->hour, &r->run, err);
        if (st == STATUS_OK)
            st = put_hour(r, hour, err);
    }
    if (st != STATUS_OK && st != STATUS_ABSENT && st != STATUS_CORRUPT)
        return st;
    return delete_chunks(r, KEPT_LEVEL_0, &place, 0, (c->run_seq + 1) << 12, 4096, err);
}

/*
 * The block that holds the reference values of the oldest that stays, or 0 if it does not tell: later
 * ones refer to it or to one after it.
 */
static int64_t referred_block(struct retention *r, uint32_t table_id)
{
    struct chunk_place place = { .table_id = table_id };
    struct block_ticks ticks = { 0 };
    struct block_table directory = { 0 };
    struct build_shape shape;
    sqlite3_stmt *stmt = NULL;
    struct error err = { 0 };
    int64_t seq = 0;
    enum status st = database_prepare(r->db, &stmt,
                                      "SELECT block_seq, ticks FROM block WHERE level=0 "
                                      "ORDER BY block_id LIMIT 1",
                                      &err);

    build_shape_of_table(&shape, (enum table_id)table_id, 0);
    if (st == STATUS_OK && database_step(r->db, stmt, &err) == STATUS_OK) {
        place.block_seq = sqlite3_column_int64(stmt, 0);
        st = block_ticks_decode(&ticks, sqlite3_column_blob(stmt, 1),
                                (size_t)sqlite3_column_bytes(stmt, 1), &err);
        if (st == STATUS_OK &&
            block_table_decode(&directory, &place, &shape, &ticks, chunk_store_get, &r->store,
                               &r->d, &err) == STATUS_OK)
            seq = directory.reference_seq;
        chunk_store_reset(&r->store);
    }
    (void)sqlite3_finalize(stmt);
    block_table_release(&directory);
    block_ticks_release(&ticks);
    return seq;
}

/* The chunks of level-0 blocks before end_seq, but for reference values that later ones refer to. */
static enum status delete_samples(struct retention *r, const struct candidate *c, struct error *err)
{
    static const struct chunk_place lives = { .table_id = LIFETIME_TABLE },
                                    strings = { .table_id = STRING_TABLE };
    int64_t end = c->end_seq << 12;
    struct oldest_block first;
    enum status st = retention_oldest_block(r, 0, &first, err);
    /* If none is left: the block about to be stored may refer to values of this session. */
    bool none_stay = st == STATUS_OK && first.session_id != c->session_id;

    if (st != STATUS_OK && st != STATUS_ABSENT)
        return st;
    for (uint32_t t = 0; t < TABLE_COUNT; t++) {
        struct chunk_place place = { .table_id = t };
        int64_t referred = none_stay ? c->end_seq : referred_block(r, t);

        if (referred > c->end_seq)
            referred = c->end_seq;
        if (delete_chunks(r, KEPT_LEVEL_0, &place, 0, referred << 12, 4096, err) != STATUS_OK ||
            delete_chunks(r, KEPT_LEVEL_0, &place, 0, end, COLUMN_REFERENCE, err) != STATUS_OK)
            return err->status;
    }
    if (delete_chunks(r, KEPT_LEVEL_0, &lives, 0, end, 4096, err) != STATUS_OK)
        return err->status;
    return delete_chunks(r, KEPT_LEVEL_0, &strings, 0, end, 4096, err);
}

static enum status evict_run(struct retention *r, const struct candidate *c, struct error *err)
{
    if (c->run_seq != 0 && fold_run(r, c, err) != STATUS_OK)
        return err->status;
    if (delete_rows(r, CHECKED_BLOCK, "SELECT block_id FROM block WHERE level=0 AND block_seq<?1",
                    c->end_seq, err) != STATUS_OK)
        return err->status;
    return delete_samples(r, c, err);
}

/* Sessions of boots that have no block left. */
#define LOST_SESSIONS                                                                              \
    "(SELECT s.session_id FROM session s WHERE NOT EXISTS(SELECT 1 FROM session t WHERE "          \
    "t.boot_id=s.boot_id AND (t.session_id=(SELECT max(session_id) FROM session) OR "              \
    "EXISTS(SELECT 1 FROM block b WHERE b.session_id=t.session_id))))"

/* One process and what it was called. */
static enum status delete_process(struct retention *r, int64_t process_id, struct error *err)
{
    if (delete_rows(r, CHECKED_PROCESS_VERSION,
                    "SELECT version_id FROM process_version WHERE version_id>=?1*1024 AND "
                    "version_id<(?1+1)*1024",
                    process_id, err) != STATUS_OK)
        return err->status;
    return delete_rows(r, CHECKED_PROCESS, "SELECT process_id FROM process WHERE process_id=?1",
                       process_id, err);
}

/*
 * Rows of processes that no block can name any more: they ended before the oldest block of any level,
 * or their boot has no block left. So with the rest of sessions without blocks.
 */
static enum status delete_identities(struct retention *r, int64_t unsealed_ns, struct error *err)
{
    static const struct {
        enum checked_table table;
        const char *rows; /* of what ended before ?1, or belongs to those sessions */
    } parts[] = {
        { CHECKED_PROCESS_VERSION,
          "SELECT v.version_id FROM process p JOIN process_version v ON v.version_id >= "
          "p.process_id*1024 AND v.version_id < (p.process_id+1)*1024 WHERE p.end_ns<?1 OR "
          "p.session_id IN " LOST_SESSIONS },
        { CHECKED_PROCESS_VERSION, /* of those who live on: what they were called before */
          "SELECT v.version_id FROM process_version v JOIN process_version u ON "
          "u.version_id=v.version_id+1 WHERE u.from_ns<?1 AND u.version_id%1024>0" },
        { CHECKED_PROCESS,
          "SELECT process_id FROM process WHERE end_ns<?1 OR session_id IN " LOST_SESSIONS },
        { CHECKED_EVENT,
          "SELECT event_id FROM event WHERE at_ns+duration_ns<?1 OR session_id IN " LOST_SESSIONS },
        { CHECKED_TIMELINE,
          "SELECT timeline_id FROM timeline t WHERE EXISTS(SELECT 1 FROM timeline u WHERE "
          "u.session_id=t.session_id AND u.timeline_id>t.timeline_id AND u.timeline_ns<?1) OR "
          "session_id IN " LOST_SESSIONS },
        { CHECKED_CAPABILITY, "SELECT capability_id FROM capability WHERE ?1 IS NOT NULL AND "
                              "session_id IN " LOST_SESSIONS },
        { CHECKED_SESSION,
          "SELECT session_id FROM session WHERE ?1 IS NOT NULL AND session_id IN " LOST_SESSIONS },
    };
    int64_t before_ns;
    enum status st = database_number(r->db, "SELECT min(start_ns) FROM block", &before_ns, err);

    if (before_ns > unsealed_ns)
        before_ns = unsealed_ns;
    before_ns = wrap_subtract(before_ns, EXIT_TOLD_LATE_S * INT64_C(1000000000));
    for (size_t i = 0; i < COUNT_OF(parts) && st == STATUS_OK; i++)
        st = delete_rows(r, parts[i].table, parts[i].rows, before_ns, err);
    while (st == STATUS_OK && r->unseen_evicted < r->unseen_count &&
           r->unseen[r->unseen_evicted].last_ns < before_ns)
        st = delete_process(r, r->unseen[r->unseen_evicted++].process_id, err);
    return st;
}

static enum status evict_rollup(struct retention *r, enum kept kept, const struct candidate *c,
                                int64_t unsealed_ns, struct error *err)
{
    char sql[120];

    (void)snprintf(sql, sizeof sql, "SELECT block_id FROM block WHERE level=%lld AND block_seq<?1",
                   (long long)level_seconds[kept]);
    if (delete_rows(r, CHECKED_BLOCK, sql, c->end_seq, err) != STATUS_OK)
        return err->status;
    for (uint32_t t = 0; t < TABLE_COUNT; t++) {
        struct chunk_place place = { .level = (unsigned)kept, .table_id = t };

        if (delete_chunks(r, kept, &place, 0, c->end_seq << 12, 4096, err) != STATUS_OK)
            return err->status;
    }
    return delete_identities(r, unsealed_ns, err);
}

enum status retention_evict(struct retention *r, enum kept kept, const struct candidate *c,
                            const struct retention_need *need, struct error *err)
{
    static const struct chunk_place hours = { .table_id = USAGE_HOUR_TABLE };

    r->evicted[kept] = true;
    if (kept == KEPT_LEVEL_0)
        return evict_run(r, c, err);
    if (kept == KEPT_HOURS && c->detail != USAGE_DETAIL_COUNT)
        return thin_hour(r, c, err);
    if (kept == KEPT_HOURS)
        return delete_chunks(r, kept, &hours, 0, (c->end_seq + 1) << 12, 4096, err);
    return evict_rollup(r, kept, c, need->unsealed_ns, err);
}
