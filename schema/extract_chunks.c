/* Chunks are copied as they are, but for strings, which may have to be redacted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/chunk.h"
#include "schema/extract_private.h"

enum { STRING_FRAME_MAX = 1 << 27, TEXT_MAX = 65536 };

/* --- ids --- */

enum status extract_add_id(struct extract_ids *ids, int64_t id, struct error *err)
{
    if (ids->count > 0 && ids->id[ids->count - 1] == id)
        return STATUS_OK;
    if (ids->count == ids->size) {
        size_t more = ids->size == 0 ? 1024 : ids->size * 2;
        int64_t *larger = realloc(ids->id, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "ids");
        ids->id = larger;
        ids->size = more;
    }
    ids->id[ids->count++] = id;
    return STATUS_OK;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Sorted, each once. */
void extract_settle(struct extract_ids *ids)
{
    size_t kept = 0;

    if (ids->count > 1)
        qsort(ids->id, ids->count, sizeof *ids->id, by_value);
    for (size_t i = 0; i < ids->count; i++)
        if (kept == 0 || ids->id[kept - 1] != ids->id[i])
            ids->id[kept++] = ids->id[i];
    ids->count = kept;
}

bool extract_has(const struct extract_ids *ids, int64_t id)
{
    return ids->count > 0 && bsearch(&id, ids->id, ids->count, sizeof id, by_value) != NULL;
}

static enum status name_keys(struct extract *e, const struct recording_table *table,
                             const struct block_table *directory, struct error *err)
{
    for (int k = 0; k < 2; k++) {
        struct extract_ids *ids = table->key[k] == ENTITY_PROCESS ? &e->processes : &e->entities;

        if (table->key[k] == ENTITY_NONE)
            return STATUS_OK;
        for (size_t i = 0; i < directory->series_count; i++)
            if (extract_add_id(ids, directory->series[i].key[k], err) != STATUS_OK)
                return err->status;
    }
    return STATUS_OK;
}

/* --- strings --- */

/* The strings of a block, each as it may be read; numbers stay what they were. */
static enum status put_strings(struct extract *e, struct byte_reader *r, struct error *err)
{
    struct byte_writer *sizes = &e->scratch, *bytes = &e->text;
    struct text *strings = NULL;
    size_t count = 0;
    enum status st = strings_get(r, &strings, &count, err);

    bytes_reset(sizes);
    bytes_reset(bytes);
    bytes_put_varint(sizes, count);
    for (size_t i = 0; i < count && st == STATUS_OK; i++) {
        size_t before = bytes->used;
        bool changed = false;

        st = e->redactor->redact(e->redactor->self, strings[i].data, strings[i].size, bytes,
                                 &changed, err);
        if (!changed) {
            bytes->used = before;
            bytes_put(bytes, strings[i].data, strings[i].size);
        } else if (bytes->used - before > TEXT_MAX) {
            bytes->used = before + TEXT_MAX;
        }
        e->redacted_count += changed;
        bytes_put_varint(sizes, bytes->used - before);
    }
    free(strings);
    bytes_put(sizes, bytes->data, bytes->used);
    if (st == STATUS_OK && (sizes->full || bytes->full))
        st = error_set(err, STATUS_NO_MEMORY, "strings");
    return st;
}

static enum status redact_chunk(struct extract *e, const struct chunk_place *place,
                                const uint8_t **data, size_t *size, struct error *err)
{
    struct byte_reader content;
    struct chunk chunk;
    enum status st = chunk_get(&chunk, place, *data, *size, err);

    if (st == STATUS_OK)
        st = decompress_frame(&e->rec->d, chunk.base, chunk.base_size, STRING_FRAME_MAX, &content,
                              err);
    if (st == STATUS_OK)
        st = put_strings(e, &content, err);
    bytes_reset(&e->frame);
    bytes_reset(&e->chunk);
    if (st == STATUS_OK)
        st = compress_frame(&e->compressor, COMPRESS_SEAL, e->scratch.data, e->scratch.used,
                            &e->frame, err);
    if (st != STATUS_OK)
        return error_prefix(err, "strings of block %lld", (long long)place->block_seq);
    chunk_put(&e->chunk, place, &e->frame, NULL, 0, NULL);
    if (e->chunk.full)
        return error_set(err, STATUS_NO_MEMORY, "strings");
    *data = e->chunk.data;
    *size = e->chunk.used;
    return STATUS_OK;
}

/* --- copying --- */

/* The statement that writes a chunk of a place's table. */
enum status extract_prepare_put(struct extract *e, const char *table, sqlite3_stmt **put,
                                struct error *err)
{
    char sql[300];

    (void)snprintf(sql, sizeof sql, "INSERT INTO %.200s VALUES(?1,?2)", table);
    return database_prepare(&e->out, put, sql, err);
}

enum status extract_put_chunk(struct extract *e, sqlite3_stmt *put, const struct chunk_place *place,
                              const uint8_t *data, size_t size, struct error *err)
{
    enum status st;

    if (e->redactor != NULL && place->table_id == STRING_TABLE &&
        redact_chunk(e, place, &data, &size, err) != STATUS_OK)
        return err->status;
    (void)sqlite3_reset(put);
    (void)sqlite3_bind_int64(put, 1, chunk_row_id(place));
    (void)sqlite3_bind_blob64(put, 2, data, size, SQLITE_STATIC);
    st = database_step(&e->out, put, err);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

/* Chunks of a table with first <= id < end whose column is not below `columns`. */
static enum status copy_range(struct extract *e, struct chunk_place place, const char *table,
                              sqlite3_stmt *put, int64_t first, int64_t end, int64_t columns,
                              size_t *count, struct error *err)
{
    char sql[300];
    sqlite3_stmt *get = NULL;
    enum status st;

    (void)snprintf(sql, sizeof sql,
                   "SELECT id,data FROM %.200s WHERE id>=?1 AND id<?2 AND (id&4095)>=?3", table);
    st = database_prepare(&e->rec->db, &get, sql, err);
    if (st == STATUS_OK) {
        (void)sqlite3_bind_int64(get, 1, first);
        (void)sqlite3_bind_int64(get, 2, end);
        (void)sqlite3_bind_int64(get, 3, columns);
    }
    while (st == STATUS_OK && (st = database_step(&e->rec->db, get, err)) == STATUS_OK) {
        place.block_seq = sqlite3_column_int64(get, 0) >> 12;
        place.column_id = (uint32_t)(sqlite3_column_int64(get, 0) & 4095);
        ++*count;
        st = extract_put_chunk(e, put, &place, sqlite3_column_blob(get, 1),
                               (size_t)sqlite3_column_bytes(get, 1), err);
    }
    (void)sqlite3_finalize(get);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

static enum status copy_tail(struct extract *e, uint32_t table_id, sqlite3_stmt *put, size_t *count,
                             struct error *err)
{
    for (size_t i = 0; i < e->rec->tail_chunk_count; i++) {
        const struct memory_chunk *chunk = &e->rec->tail_chunks[i];

        if (chunk->place.table_id != table_id)
            continue;
        ++*count;
        if (extract_put_chunk(e, put, &chunk->place, chunk->data, chunk->size, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

/* All chunks that a block has of a table: as many as its row says, unless they were evicted. */
static enum status copy_block(struct extract *e, const struct recording_block *block,
                              uint32_t table_id, const char *table, sqlite3_stmt *put,
                              size_t *count, struct error *err)
{
    const struct chunk_place place = { .table_id = table_id };

    if (block->tail)
        return copy_tail(e, table_id, put, count, err);
    return copy_range(e, place, table, put, block->block_seq << 12, (block->block_seq + 1) << 12, 0,
                      count, err);
}

static enum status lost(const struct extract *e, const struct recording_block *block,
                        struct error *err)
{
    return error_set(
        err, STATUS_CORRUPT,
        "%s: block %lld has lost chunks; if it is being recorded, it may have made room",
        e->rec->contents.path, (long long)block->block_seq);
}

/* Reference values of an earlier block, and whom a block names. */
static enum status copy_context(struct extract *e, const struct recording_block *block,
                                const struct recording_table *table, const char *name,
                                sqlite3_stmt *put, int64_t *referred, struct error *err)
{
    const struct chunk_place place = { .table_id = table->table_id };
    struct block_table directory = { 0 };
    struct block_ticks ticks;
    size_t count = 0;
    enum status st = recording_ticks(e->rec, block, &ticks, err);

    if (st != STATUS_OK)
        return st;
    st = recording_directory(e->rec, block, table, &ticks, &directory, err);
    if (st == STATUS_OK)
        st = name_keys(e, table, &directory, err);
    if (st == STATUS_OK && directory.reference_seq > *referred &&
        directory.reference_seq < e->rec->contents.blocks[0][e->first].block_seq) {
        *referred = directory.reference_seq;
        st = copy_range(e, place, name, put, *referred << 12, (*referred + 1) << 12,
                        COLUMN_REFERENCE, &count, err);
    }
    block_table_release(&directory);
    block_ticks_release(&ticks);
    return st == STATUS_ABSENT ? STATUS_OK : st;
}

static bool is_plain(const char *name)
{
    return strlen(name) < 100 &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
               strlen(name);
}

/* A file of a newer version may have tables that this one does not make. */
enum status extract_make_tables(struct extract *e, const struct recording_table *table,
                                struct error *err)
{
    static const char *const suffix[LEVEL_COUNT] = { "", "_60", "_3600" };
    char sql[200];

    if (!is_plain(table->name))
        return error_set(err, STATUS_UNSUPPORTED, "samples table %u has an odd name",
                         table->table_id);
    for (size_t level = 0; level < LEVEL_COUNT; level++) {
        (void)snprintf(sql, sizeof sql,
                       "CREATE TABLE IF NOT EXISTS %s_chunk%s(id INTEGER PRIMARY KEY, data BLOB)",
                       table->name, suffix[level]);
        if (database_exec(&e->out, sql, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

/* How far it is: each table, and the lives, go over all blocks. */
static void tell(struct extract *e)
{
    size_t blocks = e->end - e->first, passes = e->rec->contents.table_count + 1;

    if (e->rec->tell != NULL && passes > 0)
        e->rec->tell(e->told++ / passes, blocks);
}

static enum status copy_table(struct extract *e, const struct recording_table *table,
                              struct error *err)
{
    const struct chunk_place place = { .table_id = table->table_id };
    char name[160];
    sqlite3_stmt *put = NULL;
    int64_t referred = 0;
    enum status st = extract_make_tables(e, table, err);

    if (st == STATUS_OK)
        st = extract_prepare_put(e, chunk_store_table(&place, table->name, name, sizeof name), &put,
                                 err);
    for (size_t b = e->first; b < e->end && st == STATUS_OK; b++) {
        const struct recording_block *block = &e->rec->contents.blocks[0][b];
        uint64_t lifetimes;
        size_t count = 0;

        tell(e);
        st = copy_context(e, block, table, name, put, &referred, err);
        if (st == STATUS_OK)
            st = copy_block(e, block, table->table_id, name, put, &count, err);
        if (st == STATUS_OK &&
            count != recording_chunk_count(e->rec, block, table->table_id, &lifetimes))
            st = lost(e, block, err);
    }
    (void)sqlite3_finalize(put);
    return st;
}

/* Lifetimes and their strings: one number of chunks for both. */
static enum status copy_lives(struct extract *e, struct error *err)
{
    static const char *const names[] = { "process_lifetime_chunk", "string_chunk" };
    static const uint32_t ids[] = { LIFETIME_TABLE, STRING_TABLE };
    sqlite3_stmt *put[2] = { NULL, NULL };
    enum status st = extract_prepare_put(e, names[0], &put[0], err);

    if (st == STATUS_OK)
        st = extract_prepare_put(e, names[1], &put[1], err);
    for (size_t b = e->first; b < e->end && st == STATUS_OK; b++) {
        const struct recording_block *block = &e->rec->contents.blocks[0][b];
        uint64_t lifetimes;
        size_t count = 0;

        tell(e);
        for (size_t i = 0; i < COUNT_OF(ids) && st == STATUS_OK; i++)
            st = copy_block(e, block, ids[i], names[i], put[i], &count, err);
        if (st == STATUS_OK &&
            count != recording_chunk_count(e->rec, block, LIFETIME_TABLE, &lifetimes))
            st = lost(e, block, err);
    }
    (void)sqlite3_finalize(put[0]);
    (void)sqlite3_finalize(put[1]);
    return st;
}

enum status extract_chunks(struct extract *e, struct error *err)
{
    const struct recording_contents *c = &e->rec->contents;
    enum status st = STATUS_OK;

    for (size_t t = 0; t < c->table_count && st == STATUS_OK; t++)
        st = copy_table(e, &c->tables[t], err);
    if (st == STATUS_OK)
        st = copy_lives(e, err);
    extract_settle(&e->processes);
    extract_settle(&e->entities);
    return st;
}
