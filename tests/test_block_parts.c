/* What a directory tells of one key alone, and directories whose series are in two parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/chunk.h"
#include "support_chunks.h"
#include "support_samples.h"

static const struct samples_options few = {
    .seed = 7, .series = 70, .extremes = true, .gaps = true, .masks = true, .step_ns = 1000000000
};
static const struct samples_options many = { .seed = 11, .series = 300, .step_ns = 1000000000 };

struct block {
    struct samples *samples;
    struct chunks chunks;
    struct decompressor d;
    struct reference_keys keys;
    struct block_table table;
};

/* The block after one of `before` ticks, decoded whole. */
static void init(struct block *b, const struct samples_options *options, int before, int ticks)
{
    struct error err = { 0 };

    *b = (struct block){ .samples = malloc(sizeof *b->samples) };
    samples_init(b->samples, options);
    for (int t = 0; t < before; t++)
        samples_tick(b->samples);
    if (before > 0) {
        samples_encode(b->samples, &b->chunks, 1);
        chunks_reset(&b->chunks);
        samples_restart(b->samples);
    }
    for (int t = 0; t < ticks; t++)
        samples_tick(b->samples);
    samples_encode(b->samples, &b->chunks, 2);
    assert_int_equal(samples_decode(&b->table, b->samples, &b->chunks, 2, &b->d, &err), STATUS_OK);
}

static void release(struct block *b)
{
    reference_keys_release(&b->keys);
    block_table_release(&b->table);
    decompressor_release(&b->d);
    chunks_release(&b->chunks);
    samples_release(b->samples);
    free(b->samples);
}

/* Release *alone in any case. */
static enum status open_of(struct block *b, struct block_table *alone, int64_t key)
{
    struct error err = { 0 };

    return block_table_open_of(alone, key, &b->table.place, b->table.shape, &b->samples->block,
                               &b->keys, chunks_get, &b->chunks, &b->d, &err);
}

static void expect_alone(const struct block_table *whole, const struct block_table *alone,
                         size_t at, struct chunks *chunks, struct decompressor *d)
{
    const struct series *one = &alone->series[at], *other = &whole->series[at];
    struct block_column all = { 0 }, part = { 0 };
    struct error err = { 0 };
    size_t rows = other->count;

    assert_true(one->key[0] == other->key[0] && one->first == other->first &&
                one->count == other->count && one->flags == other->flags &&
                one->start_ns == other->start_ns && one->end_ns == other->end_ns);
    for (size_t c = 0; c < whole->shape->column_count; c++) {
        assert_int_equal(
            block_column_decode(&all, whole, c, series_all, chunks_get, chunks, d, &err),
            STATUS_OK);
        assert_int_equal(block_column_decode(&part, alone, c, (struct series_range){ at, at + 1 },
                                             chunks_get, chunks, d, &err),
                         STATUS_OK);
        assert_memory_equal(part.value + alone->row[at], all.value + whole->row[at],
                            rows * sizeof *part.value);
        assert_true((part.missing == NULL) == (all.missing == NULL));
        if (all.missing != NULL)
            assert_memory_equal(part.missing + alone->row[at], all.missing + whole->row[at], rows);
        assert_true(part.base[at] == all.base[at] && part.base_ns[at] == all.base_ns[at]);
    }
    block_column_release(&all);
    block_column_release(&part);
}

/* Whoever asks for one key is told what the whole directory tells of it, and that others are not there. */
static void check_each_key(struct block *b)
{
    struct block_table alone;
    struct error err = { 0 };

    for (size_t i = 0; i < b->table.series_count; i++) {
        assert_int_equal(open_of(b, &alone, b->table.series[i].key[0]), STATUS_OK);
        assert_true(alone.known.first <= i && i < alone.known.end);
        assert_int_equal(
            block_table_activity(&alone, (struct series_range){ i, i + 1 }, &b->d, &err),
            STATUS_OK);
        expect_alone(&b->table, &alone, i, &b->chunks, &b->d);
        block_table_release(&alone);
    }
    assert_int_equal(open_of(b, &alone, INT64_MAX), STATUS_ABSENT);
    block_table_release(&alone);
}

static struct memory_chunk *directory_of(struct block *b, struct chunk *chunk)
{
    struct error err = { 0 };

    for (size_t i = 0; i < b->chunks.count; i++) {
        struct memory_chunk *c = &b->chunks.chunk[i];

        if (c->place.column_id != COLUMN_DIRECTORY)
            continue;
        assert_int_equal(chunk_get(chunk, &c->place, c->data, c->size, &err), STATUS_OK);
        return c;
    }
    fail_msg("no directory");
    return NULL;
}

static void one_key_is_found_alone(void **state)
{
    struct chunk chunk;
    struct block b;
    (void)state;

    init(&b, &few, 0, 20);
    assert_true(b.table.series_count > GROUP_SERIES);
    (void)directory_of(&b, &chunk);
    assert_int_equal(chunk.codec, CHUNK_CODEC_PLANES); /* none was there before */
    check_each_key(&b);
    release(&b);
}

/* Those of the first part, whole groups, are there at every tick. */
static size_t first_part(struct block *b)
{
    size_t whole = 0;

    while (whole < b->table.series_count && b->table.series[whole].first == 0 &&
           b->table.series[whole].count == b->table.tick_count &&
           (b->table.series[whole].flags & (SERIES_FIRST | SERIES_ENDED)) == 0)
        whole++;
    return whole - whole % GROUP_SERIES;
}

static void many_series_are_told_in_two_parts(void **state)
{
    struct chunk chunk;
    struct block b;
    (void)state;

    init(&b, &many, 3, 12);
    (void)directory_of(&b, &chunk);
    assert_int_equal(chunk.codec, CHUNK_CODEC_PARTED);
    assert_true(first_part(&b) >= GROUP_SERIES);
    assert_true(b.table.series_count - first_part(&b) >= GROUP_SERIES);
    check_each_key(&b);
    release(&b);
}

static void few_that_come_and_go_are_not_told_apart(void **state)
{
    struct chunk chunk;
    struct block b;
    (void)state;

    init(&b, &many, 3, 2);
    (void)directory_of(&b, &chunk);
    assert_true(first_part(&b) >= GROUP_SERIES);
    assert_int_equal(chunk.codec, CHUNK_CODEC_PLANES);
    check_each_key(&b);
    release(&b);
}

static void a_damaged_second_part_hurts_the_second_alone(void **state)
{
    struct block_table alone;
    struct memory_chunk *directory;
    struct byte_reader sizes;
    struct chunk chunk;
    struct error err = { 0 };
    struct block b;
    size_t first, end;
    (void)state;

    init(&b, &many, 3, 12);
    first = first_part(&b);
    directory = directory_of(&b, &chunk);
    sizes = chunk.sizes;
    end = (size_t)(chunk.groups - directory->data) + (size_t)bytes_get_varint(&sizes);
    directory->data[end - 1] ^= 1;
    for (size_t i = 0; i < b.table.series_count; i++) {
        assert_int_equal(open_of(&b, &alone, b.table.series[i].key[0]),
                         i < first ? STATUS_OK : STATUS_CORRUPT);
        block_table_release(&alone);
    }
    assert_int_equal(block_table_open(&alone, &b.table.place, b.table.shape, &b.samples->block,
                                      &b.keys, chunks_get, &b.chunks, &b.d, &err),
                     STATUS_CORRUPT);
    assert_non_null(strstr(err.message, "second frame"));
    block_table_release(&alone);
    release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_key_is_found_alone),
        cmocka_unit_test(many_series_are_told_in_two_parts),
        cmocka_unit_test(few_that_come_and_go_are_not_told_apart),
        cmocka_unit_test(a_damaged_second_part_hurts_the_second_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
