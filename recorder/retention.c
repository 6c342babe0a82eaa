/* When something has to go, and what is remembered for that from one transaction to the next. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "recorder/retention_private.h"

enum {
    FORGET_PART = 256, /* of the largest so far, with each block */
    WAL_BYTES_MAX = 8 << 20,
    AGED_MAX = 16 /* at a time, for their age: the clock may be wrong */
};
static const char *const kept_name[KEPT_COUNT] = { "level 0", "level 60 s", "level 3600 s",
                                                   "usage by the hour" };

/* --- by age --- */

/* How far the wall clock stood from the timeline then. */
static enum status wall_offset(struct retention *r, const struct candidate *c, int64_t *offset_ns,
                               struct error *err)
{
    const int64_t at[] = { c->session_id, c->end_ns };
    enum status st =
        database_numbers(r->db,
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
        enum status st = retention_candidate(r, kept, need, true, &c, err);

        if (st == STATUS_OK && kept != KEPT_HOURS)
            st = wall_offset(r, &c, &offset_ns, err);
        if (st == STATUS_ABSENT)
            return STATUS_OK;
        if (st != STATUS_OK)
            return st;
        if (wrap_subtract(need->wall_ns, wrap_add(c.end_ns, offset_ns)) <= keep_ns)
            return STATUS_OK;
        if (retention_evict(r, kept, &c, need, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

/* --- by size --- */

static enum status measure_used(struct retention *r, int64_t *used, struct error *err)
{
    int64_t pages = 0, free_pages = 0;

    if (database_number(r->db, "PRAGMA page_count", &pages, err) != STATUS_OK ||
        database_number(r->db, "PRAGMA freelist_count", &free_pages, err) != STATUS_OK)
        return err->status;
    *used = (pages - free_pages) * r->page_bytes;
    return STATUS_OK;
}

static enum status evict_to_fit(struct retention *r, const struct retention_need *need,
                                struct error *err)
{
    int64_t room = retention_room(r);

    for (;;) {
        enum kept kept;
        struct candidate c = { 0 };
        int64_t used = 0;

        if (measure_used(r, &used, err) != STATUS_OK)
            return err->status;
        /* The tail goes when what is new comes, and grows again: once it counts. */
        if (used + retention_with_pages(need->new_bytes) <= room)
            return STATUS_OK;
        if (retention_choose(r, need, used, room, &kept, &c, err) != STATUS_OK)
            return err->status;
        r->too_small = kept == KEPT_COUNT;
        if (r->too_small)
            return STATUS_OK;
        if (retention_evict(r, kept, &c, need, err) != STATUS_OK)
            return err->status;
    }
}

static enum status make_room(struct retention *r, const struct retention_need *need,
                             struct error *err)
{
    r->largest_bytes -= r->largest_bytes / FORGET_PART;
    r->largest_wal_bytes -= r->largest_wal_bytes / FORGET_PART;
    if (retention_with_pages(need->new_bytes) > r->largest_bytes)
        r->largest_bytes = retention_with_pages(need->new_bytes);
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
    enum status st = retention_oldest_block(r, 1, &block, err);

    r->oldest_60_ns = block.start_ns;
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

void retention_committed(struct retention *r, const int64_t added_bytes[KEPT_COUNT])
{
    int64_t wal = retention_size_of(r->db->path, "-wal");
    struct error err;

    if (wal > r->largest_wal_bytes && !r->held)
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

bool retention_full(const struct retention *r, int64_t new_bytes)
{
    const char *path = r->db->path;

    return r->options.max_bytes > 0 &&
           retention_size_of(path, "") + retention_size_of(path, "-wal") +
                   retention_size_of(path, "-shm") + retention_with_pages(new_bytes) >
               r->options.max_bytes;
}

bool retention_holds_much(const struct retention *r, int64_t bytes)
{
    return r->held && retention_size_of(r->db->path, "-wal") > bytes;
}

void retention_held(struct retention *r, bool held)
{
    r->held = held;
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
    if (database_number(r->db, sql, &bytes, err) != STATUS_OK)
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
    if (database_number(r->db, "SELECT count(*) FROM block WHERE level=0", &blocks[0], err) !=
            STATUS_OK ||
        database_number(r->db, "SELECT count(*) FROM block WHERE level=60", &blocks[1], err) !=
            STATUS_OK)
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

    if (database_number(r->db, "PRAGMA page_count", &pages, err) != STATUS_OK)
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
    if (database_number(r->db, "PRAGMA page_size", &r->page_bytes, err) != STATUS_OK)
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

enum status retention_shrink(struct retention *r, struct error *err)
{
    int64_t pages = 0;

    if (database_number(r->db, "PRAGMA page_count", &pages, err) != STATUS_OK)
        return err->status;
    if (r->options.max_bytes == 0 || pages * r->page_bytes <= r->options.max_bytes)
        return STATUS_OK;
    chunk_store_release(&r->store);
    return database_exec(r->db, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", err);
}
