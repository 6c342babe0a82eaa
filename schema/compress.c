/* zstd, one-shot: https://facebook.github.io/zstd/zstd_manual.html */
#include "schema/compress.h"

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

enum status compress_frame(struct compressor *c, int level, const void *data, size_t size,
                           struct byte_writer *w, struct error *err)
{
    size_t bound = ZSTD_compressBound(size);
    size_t got;

    if (prepare(c, level, err) != STATUS_OK)
        return err->status;
    if (!bytes_reserve(w, bound))
        return error_set(err, STATUS_NO_MEMORY, "frame of %zu bytes", size);
    got = ZSTD_compress2(c->context, w->data + w->used, bound, data, size);
    if (ZSTD_isError(got))
        return error_set(err, STATUS_NO_MEMORY, "zstd: %s", ZSTD_getErrorName(got));
    w->used += got;
    return STATUS_OK;
}

void compressor_release(struct compressor *c)
{
    (void)ZSTD_freeCCtx(c->context);
    *c = (struct compressor){ 0 };
}

enum status decompress_frame(struct decompressor *d, const void *frame, size_t size, size_t limit,
                             struct byte_reader *content, struct error *err)
{
    unsigned long long whole = ZSTD_getFrameContentSize(frame, size);
    size_t frame_size = ZSTD_findFrameCompressedSize(frame, size);
    size_t got;

    *content = (struct byte_reader){ 0 };
    if (whole == ZSTD_CONTENTSIZE_UNKNOWN || whole == ZSTD_CONTENTSIZE_ERROR ||
        ZSTD_isError(frame_size) || frame_size != size)
        return error_set(err, STATUS_CORRUPT, "not a zstd frame of %zu bytes", size);
    if (whole > limit)
        return error_set(err, STATUS_CORRUPT, "a frame of %llu bytes where %zu is the most", whole,
                         limit);
    if (d->context == NULL && (d->context = ZSTD_createDCtx()) == NULL)
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
