/* Usage by name: each chunk is whole, or gone. */
#include <stdio.h>
#include <stdlib.h>

#include "schema/salvage_private.h"

static enum status put_usage(struct salvage *s, const struct recording_usage *of,
                             struct usage *usage, sqlite3_stmt *put, struct error *err)
{
    struct recording *rec = s->e.rec;
    const struct chunk_place place = { .table_id = of->run ? USAGE_RUN_TABLE : USAGE_HOUR_TABLE,
                                       .block_seq = of->number,
                                       .column_id = of->detail };
    const uint8_t *data = NULL;
    char what[100];
    size_t size = 0;
    enum status st = recording_usage(rec, of, usage, err);

    s->result->chunk_count++;
    if (st == STATUS_CORRUPT || st == STATUS_ABSENT || st == STATUS_UNSUPPORTED) {
        (void)snprintf(what, sizeof what, "sums by name of %s %lld",
                       of->run ? "the blocks from number" : "hour", (long long)of->number);
        salvage_tell(s, of->run ? "process_usage" : "process_hour", what,
                     st == STATUS_ABSENT ? "it is missing" : err->message);
        return STATUS_OK;
    }
    if (st == STATUS_OK)
        st = chunk_store_get(&rec->store, &place, &data, &size, err);
    s->result->chunks_kept += st == STATUS_OK;
    return st == STATUS_OK ? extract_put_chunk(&s->e, put, &place, data, size, err) : st;
}

enum status salvage_usages(struct salvage *s, bool runs, struct error *err)
{
    struct recording *rec = s->e.rec;
    const struct recording_table *table = recording_table(rec, samples_tables[TABLE_PROCESS].name);
    struct recording_usage *list = NULL;
    struct usage usage = { 0 };
    sqlite3_stmt *put = NULL;
    size_t count = 0;
    enum status st = recording_usages(rec, runs, &list, &count, err);

    if (st == STATUS_CORRUPT) { /* what came before that is in the list */
        salvage_tell(s, runs ? "process_usage" : "process_hour", "more sums by name", err->message);
        st = STATUS_OK;
    }
    if (st == STATUS_OK)
        st = extract_prepare_put(&s->e, runs ? "process_usage_chunk" : "process_hour_chunk", &put,
                                 err);
    if (table != NULL)
        usage_init(&usage, &table->shape[0]);
    for (size_t i = 0; i < count && table != NULL && st == STATUS_OK; i++)
        st = put_usage(s, &list[i], &usage, put, err);
    (void)sqlite3_finalize(put);
    usage_release(&usage);
    free(list);
    return st;
}
