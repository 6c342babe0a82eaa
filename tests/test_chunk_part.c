/* Chunks out of a database: whole, and the groups that are asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/chunk.h"
#include "schema/chunk_store.h"

enum { GROUPS = 9, TABLE = 3, BLOCK = 7, COLUMN = 16 };

struct bench {
    struct database db;
    struct chunk_store store;
    struct byte_writer base, groups, chunk;
    size_t group_size[GROUPS];
};

static const char *table_name(void *context, uint32_t table_id)
{
    (void)context;
    return table_id == TABLE ? "some" : NULL;
}

static struct chunk_place place_of(uint32_t first_group, uint32_t end_group)
{
    return (struct chunk_place){ .table_id = TABLE,
                                 .block_seq = BLOCK,
                                 .column_id = COLUMN,
                                 .first_group = first_group,
                                 .end_group = end_group };
}

static void put(struct byte_writer *w, size_t size, unsigned *seed)
{
    for (size_t i = 0; i < size; i++)
        bytes_put_u8(w, (uint8_t)((*seed = *seed * 1103515245u + 12345u) >> 16));
}

/* A chunk with a base of that size, pages of 1 KiB, and a store that is open for reading. */
static void begin(struct bench *b, size_t base_size, size_t group_size)
{
    struct chunk_place place = place_of(0, 0);
    sqlite3_stmt *insert = NULL;
    unsigned seed = 1;

    *b = (struct bench){ .db = { .all_bytes = 1 << 20 },
                         .store = { .db = &b->db, .table_name = table_name } };
    put(&b->base, base_size, &seed);
    for (size_t g = 0; g < GROUPS; g++) {
        b->group_size[g] = g == 4 ? 0 : group_size * (g + 1);
        put(&b->groups, b->group_size[g], &seed);
    }
    chunk_put(&b->chunk, &place, &b->base, b->group_size, GROUPS, &b->groups);
    assert_int_equal(sqlite3_open(":memory:", &b->db.handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(b->db.handle,
                                  "PRAGMA page_size=1024; CREATE TABLE some_chunk(id INTEGER "
                                  "PRIMARY KEY, data BLOB)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(b->db.handle, "INSERT INTO some_chunk VALUES(?1, ?2)", -1,
                                        &insert, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_bind_int64(insert, 1, chunk_row_id(&place)), SQLITE_OK);
    assert_int_equal(sqlite3_bind_blob(insert, 2, b->chunk.data, (int)b->chunk.used, SQLITE_STATIC),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
    (void)sqlite3_finalize(insert);
}

static void end(struct bench *b)
{
    chunk_store_release(&b->store);
    assert_int_equal(sqlite3_close(b->db.handle), SQLITE_OK);
    bytes_release(&b->base);
    bytes_release(&b->groups);
    bytes_release(&b->chunk);
}

/* Of those groups, and the base, every byte is there. */
static void expect_groups(struct bench *b, uint32_t first, uint32_t end_group)
{
    struct chunk_place place = place_of(first, end_group);
    const uint8_t *data = NULL;
    size_t size = 0, at = 0;
    struct chunk chunk;
    struct error err;

    assert_int_equal(chunk_store_get(&b->store, &place, &data, &size, &err), STATUS_OK);
    assert_int_equal(size, b->chunk.used);
    assert_int_equal(chunk_get(&chunk, &place, data, size, &err), STATUS_OK);
    assert_memory_equal(chunk.base, b->base.data, b->base.used);
    for (uint32_t g = 0; g < GROUPS; at += b->group_size[g++])
        if (g >= first && g < end_group && b->group_size[g] > 0)
            assert_memory_equal(chunk.groups + at, b->groups.data + at, b->group_size[g]);
}

static void groups_are_those_of_the_whole_chunk(void **state)
{
    static const size_t bases[] = { 1, 30, 460, 480, 500, 900, 5000 };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(bases); i++)
        for (size_t group_size = 1; group_size < 3000; group_size = group_size * 7 + 11) {
            struct bench b;

            begin(&b, bases[i], group_size);
            for (uint32_t first = 0; first < GROUPS; first++)
                for (uint32_t end_group = first + 1; end_group <= GROUPS; end_group++)
                    expect_groups(&b, first, end_group);
            end(&b);
        }
}

static void a_chunk_asked_for_whole_is_whole(void **state)
{
    struct chunk_place place = place_of(0, 0);
    const uint8_t *data = NULL;
    size_t size = 0;
    struct error err;
    struct bench b;
    (void)state;

    begin(&b, 700, 300);
    assert_int_equal(chunk_store_get(&b.store, &place, &data, &size, &err), STATUS_OK);
    assert_int_equal(size, b.chunk.used);
    assert_memory_equal(data, b.chunk.data, size);
    end(&b);
}

static void what_is_not_there_is_absent(void **state)
{
    struct chunk_place place = place_of(0, 1), other = place;
    const uint8_t *data = NULL;
    size_t size = 0;
    struct error err;
    struct bench b;
    (void)state;

    begin(&b, 700, 300);
    other.block_seq++;
    for (int again = 0; again < 2; again++) {
        assert_int_equal(chunk_store_get(&b.store, &other, &data, &size, &err), STATUS_ABSENT);
        assert_int_equal(chunk_store_get(&b.store, &place, &data, &size, &err), STATUS_OK);
        chunk_store_reset(&b.store);
    }
    end(&b);
}

/* A field of another type, and a header that promises more than there is. */
static void what_cannot_be_read_in_part_is_told_as_ever(void **state)
{
    struct chunk_place place = place_of(GROUPS - 1, GROUPS);
    const uint8_t *data = NULL;
    size_t size = 0;
    struct chunk chunk;
    struct error err;
    struct bench b;
    (void)state;

    begin(&b, 700, 300);
    assert_int_equal(sqlite3_exec(b.db.handle,
                                  "UPDATE some_chunk SET data = CAST(substr(data, 1, 600) AS BLOB)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(chunk_store_get(&b.store, &place, &data, &size, &err), STATUS_OK);
    assert_int_equal(size, 600);
    assert_int_equal(chunk_get(&chunk, &place, data, size, &err), STATUS_CORRUPT);
    assert_int_equal(
        sqlite3_exec(b.db.handle, "UPDATE some_chunk SET data = NULL", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(chunk_store_get(&b.store, &place, &data, &size, &err), STATUS_CORRUPT);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_those_of_the_whole_chunk),
        cmocka_unit_test(a_chunk_asked_for_whole_is_whole),
        cmocka_unit_test(what_is_not_there_is_absent),
        cmocka_unit_test(what_cannot_be_read_in_part_is_told_as_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
