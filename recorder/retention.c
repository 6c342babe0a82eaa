/*
 * Shares: at least 60 % of the size is for level 0, 8 % for level 60, 12 % for level 3600 with the rows
 * that tell of processes, which it needs longest, 20 % for usage by the hour. Of those over their
 * share the one whose oldest part is oldest goes first; the newest hour of level 0 goes last of all.
 * Usage is thinned first, hour by hour, and goes when all is thin.
 */
#include "recorder/retention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "schema/block_decode.h"

#define HOUR_NS (INT64_C(3600) * 1000000000)

enum {
    MARGIN_PART = 16, /* for what no transaction before it was as large as */
    MARGIN_MAX = 16 << 20,
    FORGET_PART = 256, /* of the largest so far, with each block */
    STAGE_PCT = 15,
    RUNS_PER_SHARE = 8, /* level 0 goes in pieces not much larger than its share by this */
    WAL_BYTES_MAX = 8 << 20,
    AGED_MAX = 16,          /* at a time, for their age: the clock may be wrong */
    PAGE_OVERHEAD_PCT = 7,  /* of SQLite's pages, on chunks */
    EXIT_TOLD_LATE_S = 3600 /* after its end a process may be named in blocks for that long */
};
static const int share_pct[KEPT_COUNT] = { 60, 8, 12, 20 };
static const char *const kept_name[KEPT_COUNT] = { "level 0", "level 60 s", "level 3600 s",
                                                   "usage by the hour" };

/* --- SQL --- */

/* A statement of numbers: its parameters, and the columns of its one row; ABSENT: it has none. */
static enum status numbers(struct database *db, const char *sql, const int64_t parameters[],
                           int parameter_count, int64_t values[], int value_count,
                           struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum status st = database_prepare(db, &stmt, sql, err);

    for (int i = 0; i < parameter_count && st == STATUS_OK; i++)
        (void)sqlite3_bind_int64(stmt, i + 1, parameters[i]);
    if (st == STATUS_OK)
        st = database_step(db, stmt, err);
    for (int i = 0; i < value_count && st == STATUS_OK; i++)
        values[i] = sqlite3_column_int64(stmt, i);
    (void)sqlite3_finalize(stmt);
    return st;
}

static enum status number(struct database *db, const char *sql, int64_t *value, struct error *err)
{
    return numbers(db, sql, NULL, 0, value, 1, err);
}

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
    if (numbers(r->db, sql, range, 3, &bytes, 1, err) != STATUS_OK)
        return err->status;
    (void)snprintf(sql, sizeof sql, "DELETE FROM %s WHERE id>=?1 AND id<?2 AND (id&4095)<?3",
                   table);
    if (numbers(r->db, sql, range, 3, NULL, 0, err) != STATUS_ABSENT)
        return err->status;
    r->evicted_bytes[kept] += bytes;
    return STATUS_OK;
}

/* --- what there is --- */

struct oldest_block {
    int64_t block_id, block_seq, session_id, start_ns, end_ns;
};

static enum status oldest_block(struct retention *r, unsigned level, struct oldest_block *block,
                                struct error *err)
{
    int64_t values[5];
    enum status st = numbers(r->db,
                             "SELECT block_id, block_seq, session_id, start_ns, end_ns FROM block "
                             "WHERE level=?1 ORDER BY block_id LIMIT 1",
                             &level_seconds[level], 1, values, 5, err);

    if (st == STATUS_OK)
        *block = (struct oldest_block){ values[0], values[1], values[2], values[3], values[4] };
    return st;
}

/* What of a level, or of usage by the hour, would go next. */
struct candidate {
    int64_t start_ns, end_ns; /* timeline */
    int64_t session_id;
    int64_t run_seq; /* level 0: of the run, 0: its blocks are of an older version, without */
    int64_t end_seq; /* level 0: of the first block that stays; hours: their number */
    enum usage_detail detail; /* hours: what is to be left of it; COUNT: nothing */
};

/* Level 0 goes by runs; that which goes on stays. */
static enum status candidate_run(struct retention *r, const struct retention_need *need,
                                 struct candidate *c, struct error *err)
{
    struct oldest_block block;
    int64_t runs[2] = { 0, 0 }, end_ns;
    enum status st = oldest_block(r, 0, &block, err);

    if (st == STATUS_OK)
        st =
            number(r->db, "SELECT coalesce(min(id)>>12,0) FROM process_usage_chunk", &runs[0], err);
    if (st == STATUS_OK)
        st = numbers(r->db, "SELECT coalesce(min(id)>>12,0) FROM process_usage_chunk WHERE id>?1",
                     (const int64_t[]){ runs[0] << 12 }, 1, &runs[1], 1, err);
    if (st != STATUS_OK)
        return st;
    *c = (struct candidate){ .start_ns = block.start_ns,
                             .session_id = block.session_id,
                             .run_seq = runs[0],
                             .end_seq = runs[1] };
    if (runs[0] == 0 || runs[0] > block.block_seq) {
        c->run_seq = 0;
        c->end_seq = block.block_seq + 1;
    } else if (runs[1] == 0 && runs[0] != need->run_seq) {
        c->end_seq = need->run_seq; /* the next run is only about to be stored */
    }
    if (c->end_seq == 0 || runs[0] == need->run_seq)
        return STATUS_ABSENT;
    st = numbers(r->db, "SELECT max(end_ns) FROM block WHERE level=0 AND block_seq<?1", &c->end_seq,
                 1, &end_ns, 1, err);
    c->end_ns = end_ns;
    return st;
}

/*
 * Hours go bit by bit: of all that is kept of them, whole ones take up to 15 %, thinned ones as much.
 * Those that are too old go as they are.
 */
static enum status candidate_hour(struct retention *r, bool aged, struct candidate *c,
                                  struct error *err)
{
    int64_t oldest[USAGE_DETAIL_COUNT], bytes[USAGE_DETAIL_COUNT], all = 0, first = INT64_MAX;
    enum usage_detail d = USAGE_WHOLE;

    for (int64_t i = 0; i < USAGE_DETAIL_COUNT; i++) {
        int64_t values[2];

        if (numbers(r->db,
                    "SELECT coalesce(min(id),-1), coalesce(sum(length(data)),0) FROM "
                    "process_hour_chunk WHERE (id&4095)=?1",
                    &i, 1, values, 2, err) != STATUS_OK)
            return err->status;
        oldest[i] = values[0];
        bytes[i] = values[1];
        all += values[1];
        if (oldest[i] >= 0 && oldest[i] < first)
            first = oldest[i];
    }
    if (first == INT64_MAX)
        return STATUS_ABSENT;
    while (d < USAGE_BARE && (oldest[d] < 0 || bytes[d] <= all / 100 * STAGE_PCT))
        d++;
    *c = (struct candidate){ .end_seq = (aged || d == USAGE_BARE ? first : oldest[d]) >> 12,
                             .detail = aged ? USAGE_DETAIL_COUNT : d + 1 };
    c->start_ns = c->end_seq * HOUR_NS;
    c->end_ns = c->start_ns + HOUR_NS;
    return STATUS_OK;
}

static enum status candidate_of(struct retention *r, enum kept kept,
                                const struct retention_need *need, bool aged, struct candidate *c,
                                struct error *err)
{
    struct oldest_block block;
    enum status st;

    if (kept == KEPT_LEVEL_0)
        return candidate_run(r, need, c, err);
    if (kept == KEPT_HOURS)
        return candidate_hour(r, aged, c, err);
    st = oldest_block(r, (unsigned)kept, &block, err);
    if (st == STATUS_OK)
        *c = (struct candidate){ .start_ns = block.start_ns,
                                 .end_ns = block.end_ns,
                                 .session_id = block.session_id,
                                 .end_seq = block.block_seq + 1 };
    return st;
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
    enum status st = oldest_block(r, 0, &first, err);
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
    enum status st = number(r->db, "SELECT min(start_ns) FROM block", &before_ns, err);

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

static enum status evict(struct retention *r, enum kept kept, const struct candidate *c,
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

/* --- by age --- */

/* How far the wall clock stood from the timeline then. */
static enum status wall_offset(struct retention *r, const struct candidate *c, int64_t *offset_ns,
                               struct error *err)
{
    const int64_t at[] = { c->session_id, c->end_ns };
    enum status st = numbers(r->db,
                             "SELECT wall_ns-timeline_ns FROM timeline WHERE session_id=?1 AND "
                             "timeline_ns<=?2 ORDER BY timeline_id DESC LIMIT 1",
                             at, 2, offset_ns, 1, err);

    if (st == STATUS_ABSENT) {
        *offset_ns = 0;
        st = STATUS_OK;
    }
    return st;
}

static enum status evict_aged(struct retention *r, enum kept kept,
                              const struct retention_need *need, struct error *err)
{
    int64_t keep_ns = kept == KEPT_LEVEL_0 ? r->options.keep_ns : r->options.keep_rollups_ns;

    for (int i = 0; i < AGED_MAX && keep_ns > 0; i++) {
        struct candidate c = { 0 };
        int64_t offset_ns = 0;
        enum status st = candidate_of(r, kept, need, true, &c, err);

        if (st == STATUS_OK && kept != KEPT_HOURS)
            st = wall_offset(r, &c, &offset_ns, err);
        if (st == STATUS_ABSENT)
            return STATUS_OK;
        if (st != STATUS_OK)
            return st;
        if (wrap_subtract(need->wall_ns, wrap_add(c.end_ns, offset_ns)) <= keep_ns)
            return STATUS_OK;
        if (evict(r, kept, &c, need, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

/* --- by size --- */

static int64_t with_pages(int64_t bytes)
{
    return bytes + bytes / 100 * PAGE_OVERHEAD_PCT;
}

static int64_t size_of(const char *path, const char *suffix)
{
    char name[4200];
    struct stat info;

    (void)snprintf(name, sizeof name, "%s%s", path, suffix);
    return stat(name, &info) == 0 ? info.st_size : 0;
}

static enum status measure_used(struct retention *r, int64_t *used, struct error *err)
{
    int64_t pages = 0, free_pages = 0;

    if (number(r->db, "PRAGMA page_count", &pages, err) != STATUS_OK ||
        number(r->db, "PRAGMA freelist_count", &free_pages, err) != STATUS_OK)
        return err->status;
    *used = (pages - free_pages) * r->page_bytes;
    return STATUS_OK;
}

/*
 * What of the size is left to the file beside its WAL, as that is before the transaction at hand spills
 * into it; and what it may become by this one, or one like the largest of late.
 */
static int64_t measure_room(const struct retention *r)
{
    int64_t wal = size_of(r->db->path, "-wal");
    int64_t margin = r->options.max_bytes / MARGIN_PART;

    if (wal < r->wal_bytes + r->largest_bytes / 4 * 5) /* the next may be a little larger */
        wal = r->wal_bytes + r->largest_bytes / 4 * 5;
    if (wal < r->largest_wal_bytes)
        wal = r->largest_wal_bytes;
    return r->options.max_bytes - wal - size_of(r->db->path, "-shm") -
           (margin < MARGIN_MAX ? margin : MARGIN_MAX);
}

/* What each part takes of the pages in use; rows are counted with level 3600. */
static void measure_parts(const struct retention *r, const struct retention_need *need,
                          int64_t used, int64_t bytes[KEPT_COUNT])
{
    int64_t rows = used - with_pages(need->tail_bytes);

    for (int k = 0; k < KEPT_COUNT; k++) {
        int64_t stored = with_pages(r->stored_bytes[k] - r->evicted_bytes[k]);

        rows -= stored;
        bytes[k] = stored + with_pages(need->added_bytes[k]);
    }
    bytes[KEPT_LEVEL_3600] += rows > 0 ? rows : 0;
    bytes[KEPT_LEVEL_0] += with_pages(need->tail_bytes);
}

/* What the WAL needs is taken from the shares of levels 60 and 3600. */
static int64_t share_of(const struct retention *r, enum kept kept, int64_t room)
{
    int64_t hundredth = r->options.max_bytes / 100, rest;

    if (kept == KEPT_LEVEL_0 || kept == KEPT_HOURS)
        return hundredth * share_pct[kept];
    rest = room - hundredth * (share_pct[KEPT_LEVEL_0] + share_pct[KEPT_HOURS]);
    return rest <= 0
               ? 0
               : rest / (share_pct[KEPT_LEVEL_60] + share_pct[KEPT_LEVEL_3600]) * share_pct[kept];
}

/* In which order parts go: the first that there is any of. */
enum turn { TURN_OVER_SHARE, TURN_WITHIN_SHARE, TURN_NEWEST_HOUR, TURN_USAGE, TURN_NEVER };

static enum turn turn_of(enum kept kept, const struct candidate *c, int64_t newest_ns, bool over)
{
    if (kept == KEPT_LEVEL_0 && wrap_subtract(newest_ns, c->end_ns) < HOUR_NS)
        return TURN_NEWEST_HOUR;
    if (over)
        return TURN_OVER_SHARE;
    return kept == KEPT_HOURS ? TURN_USAGE : TURN_WITHIN_SHARE;
}

/* What goes next: of those over their share the oldest, else the fullest. KEPT_COUNT: all is gone. */
static enum status choose(struct retention *r, const struct retention_need *need, int64_t used,
                          int64_t room, enum kept *chosen, struct candidate *of, struct error *err)
{
    int64_t bytes[KEPT_COUNT];
    enum turn best = TURN_NEVER;
    double fullest = 0;

    measure_parts(r, need, used, bytes);
    *chosen = KEPT_COUNT;
    *of = (struct candidate){ 0 };
    for (int k = 0; k < KEPT_COUNT; k++) {
        int64_t share = share_of(r, (enum kept)k, room);
        double fill = (double)bytes[k] / (double)(share + 1);
        struct candidate c = { 0 };
        enum turn turn;
        enum status st = candidate_of(r, (enum kept)k, need, false, &c, err);

        if (st == STATUS_ABSENT)
            continue;
        if (st != STATUS_OK)
            return st;
        turn = turn_of((enum kept)k, &c, need->newest_ns, bytes[k] > share);
        if (turn < best || (turn == best && (turn == TURN_OVER_SHARE ? c.start_ns < of->start_ns
                                                                     : fill > fullest))) {
            best = turn;
            *chosen = (enum kept)k;
            *of = c;
            fullest = fill;
        }
    }
    return STATUS_OK;
}

static enum status evict_to_fit(struct retention *r, const struct retention_need *need,
                                struct error *err)
{
    int64_t room = measure_room(r);

    for (;;) {
        enum kept kept;
        struct candidate c = { 0 };
        int64_t used = 0;

        if (measure_used(r, &used, err) != STATUS_OK)
            return err->status;
        /* The tail goes when what is new comes, and grows again: once it counts. */
        if (used + with_pages(need->new_bytes) <= room)
            return STATUS_OK;
        if (choose(r, need, used, room, &kept, &c, err) != STATUS_OK)
            return err->status;
        r->too_small = kept == KEPT_COUNT;
        if (r->too_small)
            return STATUS_OK;
        if (evict(r, kept, &c, need, err) != STATUS_OK)
            return err->status;
    }
}

static enum status make_room(struct retention *r, const struct retention_need *need,
                             struct error *err)
{
    r->largest_bytes -= r->largest_bytes / FORGET_PART;
    r->largest_wal_bytes -= r->largest_wal_bytes / FORGET_PART;
    if (with_pages(need->new_bytes) > r->largest_bytes)
        r->largest_bytes = with_pages(need->new_bytes);
    if (r->options.max_bytes > 0 && evict_to_fit(r, need, err) != STATUS_OK)
        return err->status;
    for (int k = 0; k < KEPT_COUNT; k++)
        if (evict_aged(r, (enum kept)k, need, err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

/* Old parts that are damaged must not keep new ones from being stored: they stay then. */
enum status retention_make_room(struct retention *r, const struct retention_need *need,
                                struct error *err)
{
    enum status st = r->damaged ? STATUS_OK : make_room(r, need, err);

    r->damaged |= st == STATUS_CORRUPT; /* the transaction is rolled back, and done again without */
    return st;
}

/* --- the transaction's end --- */

static enum status find_oldest_60(struct retention *r, struct error *err)
{
    struct oldest_block block = { .start_ns = INT64_MAX };
    enum status st = oldest_block(r, 1, &block, err);

    r->oldest_60_ns = block.start_ns;
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

void retention_committed(struct retention *r, const int64_t added_bytes[KEPT_COUNT])
{
    int64_t wal = size_of(r->db->path, "-wal");
    struct error err;

    if (wal > r->largest_wal_bytes)
        r->largest_wal_bytes = wal;
    for (int k = 0; k < KEPT_COUNT; k++) {
        r->stored_bytes[k] += added_bytes[k] - r->evicted_bytes[k];
        r->evicted_bytes[k] = 0;
    }
    if (r->unseen_evicted > 0)
        memmove(r->unseen, r->unseen + r->unseen_evicted,
                (r->unseen_count - r->unseen_evicted) * sizeof *r->unseen);
    r->unseen_count -= r->unseen_evicted;
    r->unseen_evicted = 0;
    (void)find_oldest_60(r, &err); /* only when hours are sealed depends on it */
}

void retention_rolled_back(struct retention *r)
{
    memset(r->evicted_bytes, 0, sizeof r->evicted_bytes);
    memset(r->evicted, 0, sizeof r->evicted);
    r->unseen_evicted = 0;
}

enum status retention_unseen_end(struct retention *r, int64_t process_id, int64_t last_ns,
                                 struct error *err)
{
    if (r->options.max_bytes == 0 && r->options.keep_rollups_ns == 0)
        return STATUS_OK; /* nothing ever goes */
    if (r->unseen_count == r->unseen_size) {
        size_t more = r->unseen_size == 0 ? 64 : r->unseen_size * 2;
        struct unseen_end *larger = realloc(r->unseen, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "processes that are gone");
        r->unseen = larger;
        r->unseen_size = more;
    }
    r->unseen[r->unseen_count++] =
        (struct unseen_end){ .process_id = process_id, .last_ns = last_ns };
    return STATUS_OK;
}

bool retention_tell(struct retention *r, char *text, size_t size)
{
    if (r->damaged && !r->told_damaged) {
        r->told_damaged = true;
        (void)snprintf(text, size, "nothing goes any more: what was to go is damaged");
        return true;
    }
    if (r->too_small && !r->told_small) {
        r->told_small = true;
        (void)snprintf(text, size, "nothing is left that could go: the size limit is too small");
        return true;
    }
    for (int k = 0; k < KEPT_COUNT; k++) {
        bool news = r->evicted[k] && !r->told[k];

        r->told[k] |= r->evicted[k];
        r->evicted[k] = false;
        if (!news)
            continue;
        (void)snprintf(text, size, "%s: from now on its oldest part makes room for the newest",
                       kept_name[k]);
        return true;
    }
    return false;
}

/* --- opening --- */

static enum status add_size(struct retention *r, enum kept kept, const struct chunk_place *place,
                            struct error *err)
{
    char name[120], sql[200];
    int64_t bytes = 0;

    (void)snprintf(sql, sizeof sql, "SELECT coalesce(sum(length(data)),0) FROM %s",
                   chunk_store_table(place, samples_tables[place->table_id % TABLE_COUNT].name,
                                     name, sizeof name));
    if (number(r->db, sql, &bytes, err) != STATUS_OK)
        return err->status;
    r->stored_bytes[kept] += bytes;
    return STATUS_OK;
}

static enum status measure(struct retention *r, struct error *err)
{
    static const struct {
        enum kept kept;
        uint32_t table_id;
    } others[] = { { KEPT_LEVEL_0, LIFETIME_TABLE },
                   { KEPT_LEVEL_0, STRING_TABLE },
                   { KEPT_LEVEL_0, USAGE_RUN_TABLE },
                   { KEPT_HOURS, USAGE_HOUR_TABLE } };
    int64_t blocks[2];

    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        for (uint32_t t = 0; t < TABLE_COUNT; t++)
            if (add_size(r, (enum kept)level,
                         &(struct chunk_place){ .level = level, .table_id = t }, err) != STATUS_OK)
                return err->status;
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (add_size(r, others[i].kept, &(struct chunk_place){ .table_id = others[i].table_id },
                     err) != STATUS_OK)
            return err->status;
    if (number(r->db, "SELECT count(*) FROM block WHERE level=0", &blocks[0], err) != STATUS_OK ||
        number(r->db, "SELECT count(*) FROM block WHERE level=60", &blocks[1], err) != STATUS_OK)
        return err->status;
    for (int i = 0; i < 2; i++) /* as at the end of an hour */
        r->largest_bytes += r->stored_bytes[i] / (blocks[i] + 1);
    return find_oldest_60(r, err);
}

/* The WAL counts too: it must not take more than a small part. */
static enum status limit_wal(struct retention *r, struct error *err)
{
    int64_t bytes = r->options.max_bytes / 32;
    char sql[120];

    if (r->options.max_bytes == 0)
        return STATUS_OK;
    if (bytes > WAL_BYTES_MAX)
        bytes = WAL_BYTES_MAX;
    r->wal_bytes = bytes;
    (void)snprintf(sql, sizeof sql,
                   "PRAGMA wal_autocheckpoint=%lld; PRAGMA journal_size_limit=%lld",
                   (long long)(bytes / r->page_bytes), (long long)bytes);
    return database_exec(r->db, sql, err);
}

/* A file that an earlier session let become so large had reason not to grow: nor must it now. */
static enum status respect_size(struct retention *r, struct error *err)
{
    int64_t pages = 0, left;

    if (number(r->db, "PRAGMA page_count", &pages, err) != STATUS_OK)
        return err->status;
    left = r->options.max_bytes - pages * r->page_bytes;
    if (left > 0 && left < r->options.max_bytes / 2)
        r->largest_wal_bytes = left;
    return STATUS_OK;
}

static const char *table_name(void *context, uint32_t table_id)
{
    (void)context;
    return table_id < TABLE_COUNT ? samples_tables[table_id].name : NULL;
}

enum status retention_open(struct retention *r, struct database *db,
                           const struct retention_options *options, struct error *err)
{
    struct build_shape shape;
    enum status st;

    *r = (struct retention){ .options = *options, .db = db };
    r->store = (struct chunk_store){ .db = db, .table_name = table_name };
    build_shape_of_table(&shape, TABLE_PROCESS, 0);
    usage_init(&r->run, &shape);
    usage_init(&r->hour, &shape);
    if (number(r->db, "PRAGMA page_size", &r->page_bytes, err) != STATUS_OK)
        return err->status;
    st = measure(r, err);
    r->damaged = st == STATUS_CORRUPT;
    if ((st != STATUS_OK && !r->damaged) || limit_wal(r, err) != STATUS_OK)
        return err->status;
    return respect_size(r, err);
}

void retention_close(struct retention *r)
{
    chunk_store_release(&r->store);
    decompressor_release(&r->d);
    compressor_release(&r->c);
    usage_release(&r->run);
    usage_release(&r->hour);
    free(r->unseen);
}

int64_t retention_run_bytes(const struct retention *r)
{
    if (r->options.max_bytes == 0)
        return INT64_MAX;
    return r->options.max_bytes / 100 * share_pct[KEPT_LEVEL_0] / RUNS_PER_SHARE;
}

enum status retention_shrink(struct retention *r, struct error *err)
{
    int64_t pages = 0;

    if (number(r->db, "PRAGMA page_count", &pages, err) != STATUS_OK)
        return err->status;
    if (r->options.max_bytes == 0 || pages * r->page_bytes <= r->options.max_bytes)
        return STATUS_OK;
    chunk_store_release(&r->store);
    return database_exec(r->db, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", err);
}
