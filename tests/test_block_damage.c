/* What damage to a chunk comes to: an error, or the same values; never a crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schema/chunk.h"
#include "support_chunks.h"
#include "support_samples.h"

static const struct samples_options small = {
    .seed = 7, .series = 70, .extremes = true, .gaps = true, .masks = true, .step_ns = 1000000000
};

/* Decode all; the first error, or OK and a checksum of everything that was decoded. */
static enum status read_all(const struct samples *s, struct chunks *chunks, uint32_t *sum)
{
    struct decompressor d = { 0 };
    struct block_column column = { 0 };
    struct block_table table;
    struct error err = { 0 };
    enum status st = samples_decode(&table, s, chunks, 2, &d, &err);

    *sum = 0;
    for (size_t i = 0; st == STATUS_OK && i < table.series_count; i++)
        *sum = crc32c(*sum, &table.series[i].key, sizeof table.series[i].key);
    for (size_t c = 0; c < SAMPLES_METRICS && st == STATUS_OK; c++) {
        st = block_column_decode(&column, &table, c, series_all, chunks_get, chunks, &d, &err);
        if (st != STATUS_OK)
            break;
        *sum = crc32c(*sum, column.value, table.row[table.series_count] * sizeof *column.value);
        *sum = crc32c(*sum, column.base_ns, table.series_count * sizeof *column.base_ns);
        if (column.missing != NULL)
            *sum = crc32c(*sum, column.missing, table.row[table.series_count]);
    }
    block_column_release(&column);
    block_table_release(&table);
    decompressor_release(&d);
    return st;
}

/* The second block of a row, so that every field is in use. */
static void make_damageable(struct samples *s, struct chunks *chunks)
{
    samples_init(s, &small);
    for (int t = 0; t < 8; t++)
        samples_tick(s);
    samples_restart(s);
    for (int t = 0; t < 10; t++)
        samples_tick(s);
    samples_encode(s, chunks, 2);
}

static void every_truncated_chunk_is_corrupt(void **state)
{
    struct samples *s = malloc(sizeof *s);
    struct chunks chunks = { 0 };
    uint32_t whole, sum;
    (void)state;

    make_damageable(s, &chunks);
    assert_int_equal(read_all(s, &chunks, &whole), STATUS_OK);
    for (size_t i = 0; i < chunks.count; i++) {
        size_t size = chunks.chunk[i].size;
        size_t step = size > 1500 ? 7 : 1; /* within a frame one byte is like another */

        for (size_t cut = 0; cut < size; cut += cut < 200 || size - cut < 50 ? 1 : step) {
            uint8_t *kept = chunks.chunk[i].data;

            chunks.chunk[i].data = malloc(cut + 1);
            memcpy(chunks.chunk[i].data, kept, cut);
            chunks.chunk[i].size = cut;
            assert_int_equal(read_all(s, &chunks, &sum), STATUS_CORRUPT);
            free(chunks.chunk[i].data);
            chunks.chunk[i].data = kept;
            chunks.chunk[i].size = size;
        }
    }
    assert_int_equal(read_all(s, &chunks, &sum), STATUS_OK);
    assert_int_equal(sum, whole);
    chunks_release(&chunks);
    samples_release(s);
    free(s);
}

static void flipped_bits_are_errors_or_harmless(void **state)
{
    struct samples *s = malloc(sizeof *s);
    struct chunks chunks = { 0 };
    uint32_t whole, sum;
    int errors = 0;
    (void)state;

    make_damageable(s, &chunks);
    assert_int_equal(read_all(s, &chunks, &whole), STATUS_OK);
    for (int i = 0; i < 2000; i++) {
        struct memory_chunk *chunk = &chunks.chunk[samples_random(s, (uint32_t)chunks.count)];
        size_t at = samples_random(s, (uint32_t)chunk->size);
        uint8_t bit = (uint8_t)(1 << samples_random(s, 8));
        enum status st;

        chunk->data[at] ^= bit;
        st = read_all(s, &chunks, &sum);
        chunk->data[at] ^= bit;
        assert_true(st == STATUS_CORRUPT || (st == STATUS_OK && sum == whole));
        errors += st != STATUS_OK;
    }
    assert_true(errors > 1900);
    chunks_release(&chunks);
    samples_release(s);
    free(s);
}

/*
 * Checksums do not keep out who computes them: damage inside the frames, packed again with
 * checksums that are right, may come to anything but a crash.
 */
static void repack(struct memory_chunk *chunk, struct samples *s)
{
    struct decompressor d = { 0 };
    struct compressor c = { 0 };
    struct byte_writer base = { 0 }, groups = { 0 }, raw = { 0 }, out = { 0 };
    size_t sizes[16] = { 0 };
    struct error err = { 0 };
    struct byte_reader r;
    struct chunk parts;
    const uint8_t *frame;

    assert_int_equal(chunk_get(&parts, &chunk->place, chunk->data, chunk->size, &err), STATUS_OK);
    frame = parts.groups;
    for (size_t part = 0; part <= parts.group_count; part++) {
        size_t size = part == 0 ? parts.base_size : (size_t)bytes_get_varint(&parts.sizes);
        struct byte_writer *to = part == 0 ? &base : &groups;
        size_t before = to->used;

        if (size == 0)
            continue;
        assert_int_equal(
            decompress_frame(&d, part == 0 ? parts.base : frame, size, 1 << 24, &r, &err),
            STATUS_OK);
        bytes_reset(&raw);
        bytes_put(&raw, r.data, r.size);
        for (uint32_t n = samples_random(s, 3); n > 0 && raw.used > 0; n--)
            raw.data[samples_random(s, (uint32_t)raw.used)] = (uint8_t)samples_random(s, 256);
        if (samples_random(s, 6) == 0 && raw.used > 0)
            raw.used = samples_random(s, (uint32_t)raw.used);
        assert_int_equal(compress_frame(&c, 1, raw.data, raw.used, to, &err), STATUS_OK);
        if (part > 0) {
            sizes[part - 1] = to->used - before;
            frame += size;
        }
    }
    chunk_put(&out, &chunk->place, &base, sizes, parts.group_count, &groups);
    free(chunk->data);
    chunk->data = malloc(out.used);
    memcpy(chunk->data, out.data, out.used);
    chunk->size = out.used;
    bytes_release(&base);
    bytes_release(&groups);
    bytes_release(&raw);
    bytes_release(&out);
    compressor_release(&c);
    decompressor_release(&d);
}

static void hostile_frames_do_not_crash(void **state)
{
    struct samples *s = malloc(sizeof *s);
    struct chunks chunks = { 0 };
    uint32_t sum;
    (void)state;

    make_damageable(s, &chunks);
    for (int i = 0; i < 1500; i++) {
        size_t at = samples_random(s, (uint32_t)chunks.count);
        struct memory_chunk kept = chunks.chunk[at];

        chunks.chunk[at].data = malloc(kept.size);
        memcpy(chunks.chunk[at].data, kept.data, kept.size);
        repack(&chunks.chunk[at], s);
        assert_in_range(read_all(s, &chunks, &sum), STATUS_OK, STATUS_NO_MEMORY);
        free(chunks.chunk[at].data);
        chunks.chunk[at] = kept;
    }
    chunks_release(&chunks);
    samples_release(s);
    free(s);
}

static void a_missing_column_is_corrupt_a_missing_directory_absent(void **state)
{
    struct samples *s = malloc(sizeof *s);
    struct chunks chunks = { 0 };
    uint32_t sum;
    (void)state;

    make_damageable(s, &chunks);
    for (size_t i = 0; i < chunks.count; i++) {
        struct chunk_place place = chunks.chunk[i].place;

        chunks.chunk[i].place.block_seq = 99;
        assert_int_equal(read_all(s, &chunks, &sum),
                         place.column_id == COLUMN_DIRECTORY ? STATUS_ABSENT : STATUS_CORRUPT);
        chunks.chunk[i].place = place;
    }
    chunks_release(&chunks);
    samples_release(s);
    free(s);
}

/* A chunk that was moved to another row is not taken for that row's. */
static void a_chunk_of_another_place_is_corrupt(void **state)
{
    struct samples *s = malloc(sizeof *s);
    struct chunks chunks = { 0 };
    struct chunk parts;
    struct error err;
    (void)state;

    make_damageable(s, &chunks);
    for (int field = 0; field < 4; field++) {
        struct chunk_place place = chunks.chunk[0].place;

        place.level += field == 0;
        place.table_id += field == 1;
        place.block_seq += field == 2;
        place.column_id += field == 3;
        assert_int_equal(
            chunk_get(&parts, &place, chunks.chunk[0].data, chunks.chunk[0].size, &err),
            STATUS_CORRUPT);
    }
    chunks_release(&chunks);
    samples_release(s);
    free(s);
}

static void an_unknown_codec_is_unsupported(void **state)
{
    struct chunk_place place = { .table_id = 1, .block_seq = 7, .column_id = 8 };
    struct byte_writer base = { 0 }, none = { 0 }, out = { 0 };
    struct chunk parts;
    struct error err;
    (void)state;

    bytes_put_u8(&base, 1);
    chunk_put(&out, &place, &base, NULL, 0, &none);
    out.data[0] = 2;
    out.used -= 5;
    bytes_put_u32(&out, crc32c(0, out.data, out.used));
    bytes_put_u8(&out, 1);
    assert_int_equal(chunk_get(&parts, &place, out.data, out.used, &err), STATUS_UNSUPPORTED);
    bytes_release(&base);
    bytes_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_truncated_chunk_is_corrupt),
        cmocka_unit_test(flipped_bits_are_errors_or_harmless),
        cmocka_unit_test(hostile_frames_do_not_crash),
        cmocka_unit_test(a_missing_column_is_corrupt_a_missing_directory_absent),
        cmocka_unit_test(a_chunk_of_another_place_is_corrupt),
        cmocka_unit_test(an_unknown_codec_is_unsupported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
