/*
 * What goes next. Shares: at least 60 % of the size is for level 0, 8 % for level 60, 12 % for level
 * 3600 with the rows that tell of processes, which it needs longest, 20 % for usage by the hour. Of
 * those over their share the one whose oldest part is oldest goes first; the newest hour of level 0
 * goes last of all. Usage is thinned first, hour by hour, and goes when all is thin.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "recorder/retention_private.h"

enum {
    MARGIN_PART = 16, /* for what no transaction before it was as large as */
    MARGIN_MAX = 16 << 20,
    STAGE_PCT = 10,
    PAGE_OVERHEAD_PCT = 7, /* of SQLite's pages, on chunks */
    RUNS_PER_SHARE = 8     /* level 0 goes in pieces not much larger than its share by this */
};
static const int share_pct[KEPT_COUNT] = { 60, 8, 12, 20 };

/* --- what there is --- */

enum status retention_oldest_block(struct retention *r, unsigned level, struct oldest_block *block,
                                   struct error *err)
{
    int64_t values[5];
    enum status st =
        database_numbers(r->db,
                         "SELECT block_id, block_seq, session_id, start_ns, end_ns FROM block "
                         "WHERE level=?1 ORDER BY block_id LIMIT 1",
                         &level_seconds[level], 1, values, 5, err);

    if (st == STATUS_OK)
        *block = (struct oldest_block){ values[0], values[1], values[2], values[3], values[4] };
    return st;
}

/* Level 0 goes by runs; that which goes on stays. */
static enum status candidate_run(struct retention *r, const struct retention_need *need,
                                 struct candidate *c, struct error *err)
{
    struct oldest_block block;
    int64_t runs[2] = { 0, 0 }, end_ns;
    enum status st = retention_oldest_block(r, 0, &block, err);

    if (st == STATUS_OK)
        st = database_number(r->db, "SELECT coalesce(min(id)>>12,0) FROM process_usage_chunk",
                             &runs[0], err);
    if (st == STATUS_OK)
        st = database_numbers(r->db,
                              "SELECT coalesce(min(id)>>12,0) FROM process_usage_chunk WHERE id>?1",
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
    st = database_numbers(r->db, "SELECT max(end_ns) FROM block WHERE level=0 AND block_seq<?1",
                          &c->end_seq, 1, &end_ns, 1, err);
    c->end_ns = end_ns;
    return st;
}

/*
 * Hours go bit by bit: of all that is kept of them, whole ones take up to 10 %, thinned ones as much.
 * Those that are too old go as they are.
 */
static enum status candidate_hour(struct retention *r, bool aged, struct candidate *c,
                                  struct error *err)
{
    int64_t oldest[USAGE_DETAIL_COUNT], bytes[USAGE_DETAIL_COUNT], all = 0, first = INT64_MAX;
    enum usage_detail d = USAGE_WHOLE;

    for (int64_t i = 0; i < USAGE_DETAIL_COUNT; i++) {
        int64_t values[2];

        if (database_numbers(r->db,
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

enum status retention_candidate(struct retention *r, enum kept kept,
                                const struct retention_need *need, bool aged, struct candidate *c,
                                struct error *err)
{
    struct oldest_block block;
    enum status st;

    if (kept == KEPT_LEVEL_0)
        return candidate_run(r, need, c, err);
    if (kept == KEPT_HOURS)
        return candidate_hour(r, aged, c, err);
    st = retention_oldest_block(r, (unsigned)kept, &block, err);
    if (st == STATUS_OK)
        *c = (struct candidate){ .start_ns = block.start_ns,
                                 .end_ns = block.end_ns,
                                 .session_id = block.session_id,
                                 .end_seq = block.block_seq + 1 };
    return st;
}

/* --- by size --- */

int64_t retention_with_pages(int64_t bytes)
{
    return bytes + bytes / 100 * PAGE_OVERHEAD_PCT;
}

int64_t retention_size_of(const char *path, const char *suffix)
{
    char name[4200];
    struct stat info;

    (void)snprintf(name, sizeof name, "%s%s", path, suffix);
    return stat(name, &info) == 0 ? info.st_size : 0;
}

int64_t retention_room(const struct retention *r)
{
    int64_t wal = r->held ? 0 : retention_size_of(r->db->path, "-wal");
    int64_t margin = r->options.max_bytes / MARGIN_PART;

    if (wal < r->wal_bytes + r->largest_bytes / 4 * 5) /* the next may be a little larger */
        wal = r->wal_bytes + r->largest_bytes / 4 * 5;
    if (wal < r->largest_wal_bytes)
        wal = r->largest_wal_bytes;
    return r->options.max_bytes - wal - retention_size_of(r->db->path, "-shm") -
           (margin < MARGIN_MAX ? margin : MARGIN_MAX);
}

/* What each part takes of the pages in use; rows are counted with level 3600. */
static void measure_parts(const struct retention *r, const struct retention_need *need,
                          int64_t used, int64_t bytes[KEPT_COUNT])
{
    int64_t rows = used - retention_with_pages(need->tail_bytes);

    for (int k = 0; k < KEPT_COUNT; k++) {
        int64_t stored = retention_with_pages(r->stored_bytes[k] - r->evicted_bytes[k]);

        rows -= stored;
        bytes[k] = stored + retention_with_pages(need->added_bytes[k]);
    }
    bytes[KEPT_LEVEL_3600] += rows > 0 ? rows : 0;
    bytes[KEPT_LEVEL_0] += retention_with_pages(need->tail_bytes);
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

/* Of those over their share the oldest, else the fullest. */
enum status retention_choose(struct retention *r, const struct retention_need *need, int64_t used,
                             int64_t room, enum kept *chosen, struct candidate *of,
                             struct error *err)
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
        enum status st = retention_candidate(r, (enum kept)k, need, false, &c, err);

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

int64_t retention_run_bytes(const struct retention *r)
{
    if (r->options.max_bytes == 0)
        return INT64_MAX;
    return r->options.max_bytes / 100 * share_pct[KEPT_LEVEL_0] / RUNS_PER_SHARE;
}
