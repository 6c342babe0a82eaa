/* Opening a recording and reaching the samples of a block. */
#include "schema/recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "schema/recording_many.h"

void *recording_own(struct recording *rec, void *memory)
{
    if (memory == NULL)
        return NULL;
    if (rec->owned_count == rec->owned_size) {
        size_t more = rec->owned_size == 0 ? 256 : rec->owned_size * 2;
        void **larger = realloc(rec->owned, more * sizeof *larger);

        if (larger == NULL) {
            free(memory);
            return NULL;
        }
        rec->owned = larger;
        rec->owned_size = more;
    }
    rec->owned[rec->owned_count++] = memory;
    return memory;
}

static const char *table_name(void *context, uint32_t table_id)
{
    const struct recording *rec = context;

    for (size_t t = 0; t < rec->contents.table_count; t++)
        if (rec->contents.tables[t].table_id == table_id)
            return rec->contents.tables[t].name;
    return NULL;
}

static enum status give(const struct memory_chunk *chunk, const uint8_t **data, size_t *size)
{
    *data = chunk->data;
    *size = chunk->size;
    return STATUS_OK;
}

static bool same_place(const struct chunk_place *a, const struct chunk_place *b)
{
    return a->level == b->level && a->table_id == b->table_id && a->block_seq == b->block_seq &&
           a->column_id == b->column_id;
}

enum status recording_chunk(void *context, const struct chunk_place *place, const uint8_t **data,
                            size_t *size, struct error *err)
{
    struct recording *rec = context;

    for (size_t i = 0; rec->damage != NULL && i < rec->damage->chunk_count; i++) {
        const struct memory_chunk *chunk = &rec->damage->chunk[i];

        if (same_place(&chunk->place, place))
            return give(chunk, data, size);
    }
    if (!rec->has_tail || place->level != 0 || place->block_seq != rec->tail.block_seq)
        return chunk_store_get(&rec->store, place, data, size, err);
    for (size_t i = 0; i < rec->tail_chunk_count; i++) {
        const struct memory_chunk *chunk = &rec->tail_chunks[i];

        if (chunk->place.table_id == place->table_id &&
            chunk->place.column_id == place->column_id) {
            return give(chunk, data, size);
        }
    }
    return STATUS_ABSENT;
}

static enum status load(struct recording *rec, struct error *err)
{
    enum status st = database_exec(&rec->db, "BEGIN", err);
    enum status end;

    if (st == STATUS_OK)
        st = database_read_checks(&rec->db, err); /* again: inside this transaction */
    if (st == STATUS_CORRUPT && rec->damage != NULL)
        st = STATUS_OK; /* told at opening */
    if (st == STATUS_OK)
        st = recording_load_rows(rec, err);
    if (st == STATUS_OK)
        st = recording_load_tail(rec, err);
    if (st == STATUS_OK)
        st = recording_sort_containers(rec, err);
    chunk_store_reset(&rec->store);
    if (rec->damage != NULL)
        return st;
    end = database_exec(&rec->db, "COMMIT", st == STATUS_OK ? err : NULL);
    return st == STATUS_OK ? end : st;
}

enum status recording_hold(struct recording *rec, struct error *err)
{
    for (size_t i = 0; rec->many != NULL && i < rec->many->count; i++)
        if (recording_hold(rec->many->part[i].recording, err) != STATUS_OK)
            return err->status;
    if (rec->many != NULL)
        return STATUS_OK;
    if (sqlite3_get_autocommit(rec->db.handle) == 0)
        return STATUS_OK;
    return database_begin_reading(&rec->db, err);
}

void recording_watch(struct recording *rec, recording_progress *tell)
{
    rec->tell = tell;
}

void recording_let_go(struct recording *rec)
{
    struct error err; /* nothing was written that could be lost */

    for (size_t i = 0; rec->many != NULL && i < rec->many->count; i++)
        recording_let_go(rec->many->part[i].recording);
    if (rec->many != NULL)
        return;
    chunk_store_reset(&rec->store);
    if (sqlite3_get_autocommit(rec->db.handle) == 0)
        (void)!database_commit(&rec->db, &err);
}

static enum status open_file(struct recording *rec, struct error *err)
{
    bool checks_lost;
    enum status st;

    if (rec->damage == NULL)
        return database_open_read(&rec->db, rec->contents.path, err);
    st = database_open_damaged(&rec->db, rec->contents.path, &checks_lost, err);
    if (!checks_lost)
        return st;
    rec->damage->part_gone(rec->damage->context, "table_check", err->message);
    return STATUS_OK;
}

static enum status open_any(struct recording **recording, const char *path,
                            struct recording_damage *damage, struct error *err)
{
    struct recording *rec = calloc(1, sizeof *rec);
    enum status st;

    *recording = NULL;
    if (rec == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%s", path);
    rec->damage = damage;
    rec->contents.path = recording_own(rec, strdup(path));
    rec->store = (struct chunk_store){ .db = &rec->db, .table_name = table_name, .context = rec };
    st = rec->contents.path == NULL ? error_set(err, STATUS_NO_MEMORY, "%s", path)
                                    : open_file(rec, err);
    rec->contents.file_bytes = rec->db.file_bytes;
    if (st == STATUS_OK)
        st = load(rec, err);
    if (st != STATUS_OK) {
        recording_close(rec);
        return st;
    }
    *recording = rec;
    return STATUS_OK;
}

enum status recording_open(struct recording **recording, const char *path, struct error *err)
{
    return open_any(recording, path, NULL, err);
}

enum status recording_open_damaged(struct recording **recording, const char *path,
                                   struct recording_damage *damage, struct error *err)
{
    return open_any(recording, path, damage, err);
}

void recording_close(struct recording *rec)
{
    if (rec == NULL)
        return;
    many_close(rec);
    for (size_t i = 0; rec->lifetimes != NULL && i < rec->contents.block_count[0]; i++)
        if (rec->lifetimes[i] != NULL) {
            lifetimes_release(rec->lifetimes[i]);
            free(rec->lifetimes[i]);
        }
    free(rec->lifetimes);
    free(rec->users);
    free(rec->containers);
    for (size_t i = 0; i < rec->tail_chunk_count; i++)
        free(rec->tail_chunks[i].data);
    free(rec->tail_chunks);
    if (rec->tail.hash != NULL)
        open_block_release(&rec->tail);
    chunk_store_release(&rec->store);
    decompressor_release(&rec->d);
    reference_keys_release(&rec->reference_keys);
    if (rec->db.path != NULL)
        database_close(&rec->db);
    for (size_t i = 0; i < rec->owned_count; i++)
        free(rec->owned[i]);
    free(rec->owned);
    free(rec);
}

const struct recording_contents *recording_contents(const struct recording *recording)
{
    return &recording->contents;
}

bool recording_block_lacks(const struct recording *recording, const struct recording_block *block)
{
    const struct recording_contents *c = &many_reader(recording, &block)->contents;
    char level[40];

    (void)snprintf(level, sizeof level, "level %lld", (long long)level_seconds[block->level]);
    for (size_t i = 0; i < c->event_count; i++)
        if (c->events[i].value == block->block_seq && strcmp(c->events[i].kind, "damaged") == 0 &&
            strcmp(c->events[i].detail, level) == 0)
            return true;
    return false;
}

const struct recording_table *recording_table(const struct recording *recording, const char *name)
{
    for (size_t t = 0; t < recording->contents.table_count; t++)
        if (strcmp(recording->contents.tables[t].name, name) == 0)
            return &recording->contents.tables[t];
    return NULL;
}

size_t recording_metric(const struct recording_table *table, const char *name)
{
    for (size_t m = 0; m < table->metric_count; m++)
        if (strcmp(table->metrics[m].name, name) == 0)
            return m;
    return SIZE_MAX;
}

const struct recording_entity *recording_entity(const struct recording *recording,
                                                int64_t entity_id)
{
    size_t low = 0, high = recording->contents.entity_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (recording->contents.entities[middle].entity_id < entity_id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == recording->contents.entity_count ||
        recording->contents.entities[low].entity_id != entity_id)
        return NULL;
    return &recording->contents.entities[low];
}

static const struct block_row *row_of(const struct recording *rec,
                                      const struct recording_block *block)
{
    return &rec->rows[block->level][block - rec->contents.blocks[block->level]];
}

uint64_t recording_chunk_count(const struct recording *rec, const struct recording_block *block,
                               uint32_t table_id, uint64_t *lifetimes)
{
    const struct block_row *row = row_of(rec, block);
    struct byte_reader r = { .data = row->contents, .size = row->contents_size };
    uint64_t count = 0;

    for (uint64_t tables = bytes_get_varint(&r); tables > 0 && !r.overrun; tables--) {
        uint64_t id = bytes_get_varint(&r);
        uint64_t chunks = bytes_get_varint(&r);

        if (id == table_id)
            count = chunks;
    }
    *lifetimes = bytes_get_varint(&r);
    if (table_id == LIFETIME_TABLE)
        count = bytes_get_varint(&r);
    return r.overrun ? 0 : count;
}

bool recording_block_sums(const struct recording *recording, const struct recording_block *block,
                          struct block_sums *sums)
{
    const struct recording *rec = many_reader(recording, &block);
    const struct block_row *row = row_of(rec, block);
    struct byte_reader r = { .data = row->contents, .size = row->contents_size };

    for (uint64_t tables = bytes_get_varint(&r); tables > 0 && !r.overrun; tables--) {
        (void)bytes_get_varint(&r);
        (void)bytes_get_varint(&r);
    }
    for (int i = 0; i < 3; i++) /* lifetimes, their chunks, the next process */
        (void)bytes_get_varint(&r);
    return !r.overrun && r.used < r.size && block_sums_take(sums, &r);
}

static enum status name_block(const struct recording *recording,
                              const struct recording_block *block, struct error *err)
{
    return error_prefix(err, "%s: block %lld of level %lld", recording->contents.path,
                        (long long)block->block_seq, (long long)level_seconds[block->level]);
}

enum status recording_gaps(struct recording *recording, const struct recording_block *block,
                           bool *any, struct error *err)
{
    struct recording *rec = many_reader(recording, &block);
    const struct block_row *row = row_of(rec, block);

    if (block_ticks_gaps(row->ticks, row->ticks_size, any, err) == STATUS_OK)
        return STATUS_OK;
    return name_block(rec, block, err);
}

typedef enum status ticks_decode(struct block_ticks *ticks, const uint8_t *data, size_t size,
                                 struct error *err);

static enum status get_ticks(struct recording *recording, const struct recording_block *block,
                             ticks_decode *decode, struct block_ticks *ticks, struct error *err)
{
    const struct recording *rec = many_reader(recording, &block);
    const struct block_row *row = row_of(rec, block);
    enum status st = decode(ticks, row->ticks, row->ticks_size, err);

    if (st == STATUS_OK && ticks->count != block->tick_count)
        st = error_set(err, STATUS_CORRUPT, "%u ticks where its row says %u", ticks->count,
                       block->tick_count);
    if (st != STATUS_OK) {
        block_ticks_release(ticks);
        return name_block(rec, block, err);
    }
    return STATUS_OK;
}

enum status recording_ticks(struct recording *recording, const struct recording_block *block,
                            struct block_ticks *ticks, struct error *err)
{
    return get_ticks(recording, block, block_ticks_decode, ticks, err);
}

enum status recording_tick_times(struct recording *recording, const struct recording_block *block,
                                 struct block_ticks *ticks, struct error *err)
{
    return get_ticks(recording, block, block_tick_times_decode, ticks, err);
}

/* only: the series of that key; NULL: all. */
static enum status open_directory(struct recording *recording, const struct recording_block *block,
                                  const struct recording_table *table,
                                  const struct block_ticks *ticks, const int64_t *only,
                                  struct block_table *directory, struct error *err)
{
    const struct recording_block *own = block;
    struct recording *rec = many_reader(recording, &own);
    struct chunk_place place = { .level = own->level,
                                 .table_id = table->table_id,
                                 .block_seq = own->block_seq };
    const struct recording_table *of =
        &rec->contents.tables[table - recording->contents.tables]; /* the same in all parts */
    uint64_t lifetimes;
    enum status st;

    *directory = (struct block_table){ 0 };
    if (recording_chunk_count(rec, own, table->table_id, &lifetimes) == 0)
        return STATUS_ABSENT;
    if (only == NULL || recording->many != NULL) /* whose keys are others */
        st = block_table_open(directory, &place, &of->shape[own->level], ticks,
                              &rec->reference_keys, recording_chunk, rec, &rec->d, err);
    else
        st = block_table_open_of(directory, *only, &place, &of->shape[own->level], ticks,
                                 &rec->reference_keys, recording_chunk, rec, &rec->d, err);
    if (st == STATUS_ABSENT && directory->series_count > 0) {
        block_table_release(directory);
        return st;
    }
    if (st == STATUS_ABSENT)
        st = error_set(err, STATUS_CORRUPT, "%s, block %lld: its directory is missing", table->name,
                       (long long)own->block_seq);
    if (st != STATUS_OK) {
        block_table_release(directory);
        return error_prefix(err, "%s", rec->contents.path);
    }
    directory->reader = rec;
    if (recording->many != NULL)
        many_translate(many_part_of(recording, &block), table, directory);
    return STATUS_OK;
}

enum status recording_directory_open(struct recording *recording,
                                     const struct recording_block *block,
                                     const struct recording_table *table,
                                     const struct block_ticks *ticks, struct block_table *directory,
                                     struct error *err)
{
    return open_directory(recording, block, table, ticks, NULL, directory, err);
}

enum status recording_directory_of(struct recording *recording, const struct recording_block *block,
                                   const struct recording_table *table,
                                   const struct block_ticks *ticks, int64_t key,
                                   struct block_table *directory, struct error *err)
{
    return open_directory(recording, block, table, ticks, &key, directory, err);
}

enum status recording_activity(struct recording *recording, struct block_table *directory,
                               struct series_range which, struct error *err)
{
    struct recording *rec = recording->many == NULL ? recording : directory->reader;

    if (block_table_activity(directory, which, &rec->d, err) == STATUS_OK)
        return STATUS_OK;
    return error_prefix(err, "%s", rec->contents.path);
}

enum status recording_directory(struct recording *recording, const struct recording_block *block,
                                const struct recording_table *table,
                                const struct block_ticks *ticks, struct block_table *directory,
                                struct error *err)
{
    enum status st = recording_directory_open(recording, block, table, ticks, directory, err);

    if (st == STATUS_OK)
        st = recording_activity(recording, directory, series_all, err);
    if (st != STATUS_OK)
        block_table_release(directory);
    return st;
}

enum status recording_column(struct recording *recording, const struct block_table *directory,
                             size_t position, struct series_range which,
                             struct block_column *column, struct error *err)
{
    struct recording *rec = recording->many == NULL ? recording : directory->reader;
    enum status st =
        block_column_decode(column, directory, position, which, recording_chunk, rec, &rec->d, err);

    return st == STATUS_OK ? st : error_prefix(err, "%s", rec->contents.path);
}
