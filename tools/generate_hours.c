/* Sums by comm and user, written whenever an hour is over. */
#include "tools/generate_hours.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/rollup.h"

enum { NAME_ROOM = 64, ROWS_MAX = 4096 };

struct row {
    char comm[NAME_ROOM], user[NAME_ROOM];
    size_t comm_size, user_size;
    int64_t sum[HOURS_METRICS];
};

struct hours {
    FILE *file;
    const char *path;
    struct row *row;
    size_t count;
    int64_t hour_ns, epoch;
    bool gap; /* before the tick at hand */
    bool too_many;
};

enum status hours_open(struct hours **hours, const char *path, struct error *err)
{
    struct hours *h = *hours = calloc(1, sizeof *h);

    if (h != NULL)
        h->row = calloc(ROWS_MAX, sizeof *h->row);
    if (h == NULL || h->row == NULL)
        return error_set(err, STATUS_NO_MEMORY, "hours: out of memory");
    h->path = path;
    h->hour_ns = INT64_MIN;
    h->file = fopen(path, "w");
    if (h->file == NULL)
        return error_set(err, STATUS_IO, "create %s: %s", path, strerror(errno));
    fprintf(h->file, "hour_start_ns,comm,user,cpu_us,disk_read_bytes,disk_written_bytes\n");
    return STATUS_OK;
}

static void put_hex(FILE *file, const char *text, size_t size)
{
    putc(',', file);
    for (size_t i = 0; i < size; i++)
        fprintf(file, "%02x", (unsigned char)text[i]);
}

/* The hour is over: write its rows, begin them anew. */
static void flush(struct hours *h)
{
    for (size_t i = 0; i < h->count; i++) {
        struct row *row = &h->row[i];
        bool any = false;

        for (size_t m = 0; m < HOURS_METRICS; m++)
            any |= row->sum[m] != 0;
        if (!any)
            continue;
        fprintf(h->file, "%" PRId64, h->hour_ns);
        put_hex(h->file, row->comm, row->comm_size);
        put_hex(h->file, row->user, row->user_size);
        for (size_t m = 0; m < HOURS_METRICS; m++)
            fprintf(h->file, ",%" PRId64, row->sum[m]);
        putc('\n', h->file);
        memset(row->sum, 0, sizeof row->sum);
    }
}

enum status hours_close(struct hours *h, struct error *err)
{
    enum status st = STATUS_OK;
    bool failed;

    if (h == NULL)
        return STATUS_OK;
    if (h->file != NULL) {
        flush(h);
        failed = ferror(h->file) != 0;
        failed |= fclose(h->file) != 0;
        if (failed)
            st = error_set(err, STATUS_IO, "write %s: failed", h->path);
        else if (h->too_many)
            st = error_set(err, STATUS_INVALID, "%s: more than %d names", h->path, ROWS_MAX);
    }
    free(h->row);
    free(h);
    return st;
}

void hours_tick(struct hours *h, int64_t tick_ns, bool gap)
{
    int64_t hour_ns = rollup_window_start(tick_ns, 3600);

    if (hour_ns != h->hour_ns && h->hour_ns != INT64_MIN)
        flush(h);
    h->hour_ns = hour_ns;
    h->gap = gap;
    h->epoch += gap;
}

static bool is_text(const char *name, size_t name_size, const struct identity_texts *texts,
                    enum process_text which)
{
    return name_size == texts->size[which] && memcmp(name, texts->text[which], name_size) == 0;
}

static uint32_t find_row(struct hours *h, const struct identity_texts *texts)
{
    struct row *row;

    for (size_t i = 0; i < h->count; i++)
        if (is_text(h->row[i].comm, h->row[i].comm_size, texts, PROCESS_COMM) &&
            is_text(h->row[i].user, h->row[i].user_size, texts, PROCESS_USER))
            return (uint32_t)i + 1;
    h->too_many |= h->count == ROWS_MAX || texts->size[PROCESS_COMM] > NAME_ROOM ||
                   texts->size[PROCESS_USER] > NAME_ROOM;
    if (h->too_many)
        return 1;
    row = &h->row[h->count++];
    row->comm_size = texts->size[PROCESS_COMM];
    row->user_size = texts->size[PROCESS_USER];
    memcpy(row->comm, texts->text[PROCESS_COMM], row->comm_size);
    memcpy(row->user, texts->text[PROCESS_USER], row->user_size);
    return (uint32_t)h->count;
}

void hours_sample(struct hours *h, struct hours_process *p, const struct identity_texts *texts,
                  uint8_t flags, const int64_t values[], const uint8_t missing[])
{
    static const enum process_metric metrics[HOURS_METRICS] = { PROCESS_CPU_NS_TOTAL,
                                                                PROCESS_DISK_READ_BYTES_TOTAL,
                                                                PROCESS_DISK_WRITTEN_BYTES_TOTAL };

    if (p->row == 0)
        p->row = find_row(h, texts);
    for (size_t m = 0; m < HOURS_METRICS; m++) {
        int64_t value = values[metrics[m]];
        bool gap;

        if ((flags & ROW_FIRST) != 0) {
            p->state[m] = (flags & ROW_BORN) != 0 ? HOURS_MISSING : HOURS_UNKNOWN;
            p->value[m] = 0;
            p->epoch[m] = h->epoch - h->gap;
        }
        if (missing[metrics[m]] != MISSING_NONE) {
            if (p->state[m] == HOURS_PRESENT) {
                p->state[m] = HOURS_MISSING;
                p->epoch[m] = h->epoch - h->gap;
            }
            continue;
        }
        gap = p->state[m] == HOURS_UNKNOWN || (p->state[m] == HOURS_PRESENT && h->gap) ||
              (p->state[m] == HOURS_MISSING && p->epoch[m] != h->epoch);
        if (!gap && value > p->value[m])
            h->row[p->row - 1].sum[m] += value - p->value[m];
        p->value[m] = value;
        p->state[m] = HOURS_PRESENT;
    }
}
