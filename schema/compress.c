/* zstd, one-shot: https://facebook.github.io/zstd/zstd_manual.html */
#include "schema/compress.h"

/*
 * A few bytes may unpack to 2^27, but not again and again: what a recorder writes is on average
 * some 5 times as large as its frames, and the time to read a file must depend on its size.
 */
enum { RATIO_MOST = 4096 };
#define CONTENT_FREE_BYTES (UINT64_C(1) << 30)

enum {
    FRAME_PLAIN = 0,        /* first byte; that of a zstd frame is 0x28 */
    FRAME_PLAIN_EXTRA = 5,  /* bytes around the content */
    WINDOW_LOG_MAX = 28,    /* contents are 2^28 bytes at most */
    FRAME_PLAIN_SIZE = 128, /* measured: so little gains nothing */
};

static enum status prepare(struct compressor *c, int level, struct error *err)
{
    if (c->context == NULL) {
        c->context = ZSTD_createCCtx();
        if (c->context == NULL)
            return error_set(err, STATUS_NO_MEMORY, "zstd context");
        (void)ZSTD_CCtx_setParameter(c->context, ZSTD_c_checksumFlag, 1);
    }
    if (c->level != level) {
        (void)ZSTD_CCtx_setParameter(c->context, ZSTD_c_compressionLevel, level);
        c->level = level;
    }
    return STATUS_OK;
}

/* As it is, for what zstd's header and checksum would make longer. */
static void put_plain(const void *data, size_t size, struct byte_writer *w)
{
    bytes_put_u8(w, FRAME_PLAIN);
    bytes_put(w, data, size);
    bytes_put_u32(w, crc32c(0, data, size));
}

enum status compress_frame(struct compressor *c, int level, const void *data, size_t size,
                           struct byte_writer *w, struct error *err)
{
    size_t bound = ZSTD_compressBound(size);
    size_t got;

    if (prepare(c, level, err) != STATUS_OK)
        return err->status;
    if (!bytes_reserve(w, bound + FRAME_PLAIN_EXTRA))
        return error_set(err, STATUS_NO_MEMORY, "frame of %zu bytes", size);
    if (size <= FRAME_PLAIN_SIZE) {
        put_plain(data, size, w);
        return STATUS_OK;
    }
    got = ZSTD_compress2(c->context, w->data + w->used, bound, data, size);
    if (ZSTD_isError(got))
        return error_set(err, STATUS_NO_MEMORY, "zstd: %s", ZSTD_getErrorName(got));
    if (got < size + FRAME_PLAIN_EXTRA)
        w->used += got;
    else
        put_plain(data, size, w);
    return STATUS_OK;
}

void compressor_release(struct compressor *c)
{
    (void)ZSTD_freeCCtx(c->context);
    *c = (struct compressor){ 0 };
}

static enum status get_plain(struct decompressor *d, const uint8_t *frame, size_t size,
                             size_t limit, struct byte_reader *content, struct error *err)
{
    struct byte_reader r = { .data = frame, .size = size, .used = 1 };
    size_t whole = size - FRAME_PLAIN_EXTRA;
    const uint8_t *data = bytes_get(&r, whole);

    if (whole > limit || bytes_get_u32(&r) != crc32c(0, data, whole))
        return error_set(err, STATUS_CORRUPT, "a plain frame of %zu bytes", size);
    bytes_reset(&d->out);
    bytes_put(&d->out, data, whole);
    if (d->out.full)
        return error_set(err, STATUS_NO_MEMORY, "a frame of %zu bytes", size);
    *content = (struct byte_reader){ .data = d->out.data, .size = whole };
    return STATUS_OK;
}

/* One that takes no frame whose window is larger than the largest content. */
static ZSTD_DCtx *open_context(void)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();

    if (context != NULL)
        (void)ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    return context;
}

enum status decompress_frame(struct decompressor *d, const void *frame, size_t size, size_t limit,
                             struct byte_reader *content, struct error *err)
{
    unsigned long long whole;
    size_t frame_size, got;

    *content = (struct byte_reader){ 0 };
    if (size >= FRAME_PLAIN_EXTRA && *(const uint8_t *)frame == FRAME_PLAIN)
        return get_plain(d, frame, size, limit, content, err);
    whole = ZSTD_getFrameContentSize(frame, size);
    frame_size = ZSTD_findFrameCompressedSize(frame, size);
    if (whole == ZSTD_CONTENTSIZE_UNKNOWN || whole == ZSTD_CONTENTSIZE_ERROR ||
        ZSTD_isError(frame_size) || frame_size != size)
        return error_set(err, STATUS_CORRUPT, "not a zstd frame of %zu bytes", size);
    if (whole > limit)
        return error_set(err, STATUS_CORRUPT, "a frame of %llu bytes where %zu is the most", whole,
                         limit);
    d->read_bytes += size;
    d->content_bytes += whole;
    if (d->content_bytes > CONTENT_FREE_BYTES + RATIO_MOST * d->read_bytes)
        return error_set(err, STATUS_CORRUPT, "%llu bytes of frames unpack to %llu",
                         (unsigned long long)d->read_bytes, (unsigned long long)d->content_bytes);
    if (d->context == NULL && (d->context = open_context()) == NULL)
        return error_set(err, STATUS_NO_MEMORY, "zstd context");
    bytes_reset(&d->out);
    if (!bytes_reserve(&d->out, (size_t)whole + 1))
        return error_set(err, STATUS_NO_MEMORY, "a frame of %llu bytes", whole);
    got = ZSTD_decompressDCtx(d->context, d->out.data, (size_t)whole, frame, size);
    if (ZSTD_isError(got) || got != whole)
        return error_set(err, STATUS_CORRUPT, "zstd: %s",
                         ZSTD_isError(got) ? ZSTD_getErrorName(got) : "wrong content size");
    d->out.used = got;
    *content = (struct byte_reader){ .data = d->out.data, .size = got };
    return STATUS_OK;
}

void decompressor_release(struct decompressor *d)
{
    (void)ZSTD_freeDCtx(d->context);
    bytes_release(&d->out);
    *d = (struct decompressor){ 0 };
}
