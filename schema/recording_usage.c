/* Usage by name: of hours whose blocks were evicted, and of runs of blocks that are still there. */
#include <stdlib.h>

#include "schema/block_decode.h"
#include "schema/recording_many.h"

#define HOUR_NS (INT64_C(3600) * 1000000000)

/* Files of version 1.0 lack the tables. */
static enum status has_usage(struct recording *rec, bool *has, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    enum status st = database_prepare(&rec->db, &stmt,
                                      "SELECT count(*) FROM sqlite_schema WHERE type='table' AND "
                                      "name IN ('process_usage_chunk','process_hour_chunk')",
                                      err);

    if (st == STATUS_OK)
        st = database_step(&rec->db, stmt, err);
    if (st == STATUS_OK)
        *has = sqlite3_column_int64(stmt, 0) == 2;
    (void)sqlite3_finalize(stmt);
    return st;
}

enum status recording_usages(struct recording *rec, bool runs, struct recording_usage **list,
                             size_t *count, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    size_t size = 0;
    bool has = false;
    enum status st;

    if (rec->many != NULL) /* only the first may have evicted hours: recording_many.c */
        rec = rec->many->part[0].recording;
    st = has_usage(rec, &has, err);
    *list = NULL;
    *count = 0;
    if (st != STATUS_OK || !has)
        return st;
    st = database_prepare(&rec->db, &stmt,
                          runs ? "SELECT id FROM process_usage_chunk ORDER BY id"
                               : "SELECT id FROM process_hour_chunk ORDER BY id",
                          err);
    while (st == STATUS_OK && (st = database_step(&rec->db, stmt, err)) == STATUS_OK) {
        int64_t id = sqlite3_column_int64(stmt, 0), number = id >> 12;
        int64_t detail = id & 4095;

        if (id < 0 || detail >= USAGE_DETAIL_COUNT || (runs && detail != USAGE_WHOLE) ||
            (!runs && number > INT64_MAX / HOUR_NS - 1)) {
            st = error_set(err, STATUS_CORRUPT, "%s: usage %lld is impossible", rec->contents.path,
                           (long long)id);
            break;
        }
        if (*count == size) {
            size_t more = size == 0 ? 64 : size * 2;
            struct recording_usage *larger = realloc(*list, more * sizeof *larger);

            if (larger == NULL) {
                st = error_set(err, STATUS_NO_MEMORY, "usage by name");
                break;
            }
            *list = larger;
            size = more;
        }
        (*list)[(*count)++] = (struct recording_usage){ .number = number,
                                                        .run = runs,
                                                        .detail = (enum usage_detail)detail,
                                                        .start_ns = runs ? 0 : number * HOUR_NS };
    }
    (void)sqlite3_finalize(stmt);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

enum status recording_usage(struct recording *rec, const struct recording_usage *of,
                            struct usage *usage, struct error *err)
{
    struct chunk_place place = { .table_id = of->run ? USAGE_RUN_TABLE : USAGE_HOUR_TABLE,
                                 .block_seq = of->number,
                                 .column_id = of->detail };
    const uint8_t *data = NULL;
    size_t size = 0;
    struct chunk chunk;
    struct byte_reader content;
    enum status st;

    if (rec->many != NULL)
        rec = rec->many->part[0].recording;
    st = chunk_store_get(&rec->store, &place, &data, &size, err);
    if (st == STATUS_OK)
        st = chunk_get(&chunk, &place, data, size, err);
    if (st == STATUS_OK)
        st = decompress_frame(&rec->d, chunk.base, chunk.base_size, BLOCK_FRAME_MAX, &content, err);
    if (st == STATUS_OK)
        st = usage_decode(usage, of->detail, &content, err);
    chunk_store_reset(&rec->store);
    return st == STATUS_CORRUPT ? error_prefix(err, "usage of %s %lld", of->run ? "block" : "hour",
                                               (long long)of->number)
                                : st;
}
