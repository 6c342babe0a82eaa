/*
 * What writing and reading a tail record have in common: what it does to the processes of the open block, and
 * the frame around it as it is stored.
 */
#include "schema/tail_private.h"

enum status tail_apply_name(struct open_block *block, int64_t process_id,
                            const struct version *version, enum status unknown, struct error *err)
{
    struct open_process *p = open_block_process(block, process_id);
    size_t index;
    enum status st;

    if (p == NULL)
        return error_set(err, unknown, "a name of process %lld, which is not there",
                         (long long)process_id);
    if (p->first_number + p->process.version_count >= PROCESS_VERSIONS_MAX)
        return STATUS_OK;
    st = process_name(&p->process, version, &index, err);
    if (st == STATUS_FULL)
        return STATUS_OK; /* the rest of an absurd life goes without names */
    if (st == STATUS_OK && index < p->changed_from)
        p->changed_from = index;
    return st;
}

void tail_apply_exit(struct open_process *p, uint8_t how, int32_t code, int64_t end_ns)
{
    p->process.how = how;
    p->process.exit_code = code;
    p->process.end_ns = end_ns;
    p->gone = true;
}

static uint32_t record_crc(int64_t id, uint32_t previous, const uint8_t *frame, size_t size)
{
    uint8_t head[12];

    for (int i = 0; i < 8; i++)
        head[i] = (uint8_t)((uint64_t)id >> (8 * i));
    for (int i = 0; i < 4; i++)
        head[8 + i] = (uint8_t)(previous >> (8 * i));
    return crc32c(crc32c(0, head, sizeof head), frame, size);
}

enum status tail_seal(struct compressor *c, int64_t id, uint32_t *crc,
                      const struct byte_writer *record, struct byte_writer *out, struct error *err)
{
    size_t start = out->used;

    bytes_put_u32(out, 0);
    bytes_put_u32(out, *crc);
    if (compress_frame(c, COMPRESS_TAIL, record->data, record->used, out, err) != STATUS_OK)
        return err->status;
    *crc = record_crc(id, *crc, out->data + start + 8, out->used - start - 8);
    for (int i = 0; i < 4; i++)
        out->data[start + (size_t)i] = (uint8_t)(*crc >> (8 * i));
    return STATUS_OK;
}

enum status tail_unseal(struct decompressor *d, int64_t id, uint32_t *crc, const uint8_t *data,
                        size_t size, struct byte_reader *record, struct error *err)
{
    struct byte_reader r = { .data = data, .size = size };
    uint32_t stored = bytes_get_u32(&r);
    uint32_t previous = bytes_get_u32(&r);

    if (r.overrun || previous != *crc ||
        stored != record_crc(id, previous, data + r.used, size - r.used))
        return error_set(err, STATUS_CORRUPT,
                         "tail record %lld of block %lld: its checksum is wrong",
                         (long long)(id & 0xfffff), (long long)(id >> 20));
    *crc = stored;
    return decompress_frame(d, data + r.used, size - r.used, 1 << 28, record, err);
}
