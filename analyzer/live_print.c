/* The columns of live, and the line about the host. */
#include "analyzer/live_print.h"

#include <errno.h>
#include <string.h>

#include "analyzer/escape.h"
#include "analyzer/human.h"
#include "analyzer/output_writer.h"

enum { UID_ROOM = 12 };

static const struct output_column table_columns[] = {
    { "PID", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },    { "USER", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    { "COMM", OUTPUT_TEXT, HUMAN_PLAIN, 0 },      { "CPU%", OUTPUT_REAL, HUMAN_PERCENT, 0 },
    { "RSS", OUTPUT_REAL, HUMAN_BYTES, 0 },       { "READ/S", OUTPUT_REAL, HUMAN_BYTES, 0 },
    { "WRITTEN/S", OUTPUT_REAL, HUMAN_BYTES, 0 }, { "CMDLINE", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
};

/* The order is a contract: append only. */
static const struct output_column row_columns[] = {
    { "time", OUTPUT_TIME, HUMAN_TIME, 0 },
    { "time_ns", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    { "row", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    { "process_id", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    { "pid", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    { "user", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    { "comm", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    { "cpu_percent", OUTPUT_REAL, HUMAN_PERCENT, 0 },
    { "resident_bytes", OUTPUT_REAL, HUMAN_BYTES, 0 },
    { "disk_read_bytes_per_second", OUTPUT_REAL, HUMAN_BYTES, 0 },
    { "disk_written_bytes_per_second", OUTPUT_REAL, HUMAN_BYTES, 0 },
    { "cmdline", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
};

/* --- cells --- */

static const struct output_cell missing = { .missing = true };

static struct output_cell number(int64_t value)
{
    return (struct output_cell){ .integer = value };
}

static struct output_cell figure(struct live_figure f)
{
    return (struct output_cell){ .missing = !f.known, .real = f.value };
}

static struct output_cell text_of(const char *text, size_t size)
{
    return (struct output_cell){ .text = text, .text_size = size };
}

/* A text as the mapping holds it: `size` is that of the whole, of which at most `room` are there. */
static struct output_cell text_in(const char *text, uint32_t size, size_t room)
{
    size_t kept = size <= room ? size : room;

    while (size > room && kept > 0 && text[kept - 1] == '\0')
        kept--; /* where it was cut between two characters */
    return text_of(text, kept);
}

/* The user's name, or the number in `room` where it has none. */
static struct output_cell user_of(const struct live_process *p, char room[UID_ROOM])
{
    if (p->user_size > 0)
        return text_in(p->user, p->user_size, sizeof p->user);
    if (!p->uid_known)
        return missing;
    (void)snprintf(room, UID_ROOM, "%u", p->uid);
    return text_of(room, strlen(room));
}

/* Kernel threads, and programs that wiped theirs, have none. */
static struct output_cell cmdline_of(const struct live_process *p)
{
    return p->cmdline_size == 0 ? missing : text_in(p->cmdline, p->cmdline_size, sizeof p->cmdline);
}

/* --- for people --- */

static void put_bytes(char text[HUMAN_ROOM], struct live_figure f)
{
    if (f.known)
        *human_put_bytes(text, f.value) = '\0';
    else
        (void)snprintf(text, HUMAN_ROOM, "-");
}

static void print_host(const struct live_frame *frame, const struct live_view *view, size_t columns,
                       FILE *out)
{
    const struct live_tick *tick = frame->tick;
    char host[80], when[HUMAN_ROOM], cpu[HUMAN_ROOM] = "-", line[600];
    char used[HUMAN_ROOM], all[HUMAN_ROOM], swap[HUMAN_ROOM], every[HUMAN_ROOM], more[60] = "";
    size_t size;

    (void)escape_show(host, sizeof host, view->host);
    *human_put_time(when, NULL, tick->wall_ns + view->zone_offset_s * 1000000000) = '\0';
    if (frame->cpu_percent.known)
        *human_put_percent(cpu, frame->cpu_percent.value) = '\0';
    put_bytes(used, frame->memory_used_bytes);
    put_bytes(all, frame->memory_bytes);
    put_bytes(swap, frame->swap_used_bytes);
    *human_put_seconds(every, (double)view->interval_ns / 1e9) = '\0';
    if (tick->unlisted > 0)
        (void)snprintf(more, sizeof more, " (and %u that do not fit here)", tick->unlisted);
    (void)snprintf(line, sizeof line,
                   "%s  %s  CPU %s of %u %%  memory %s of %s, swap %s  %u processes%s  every %s",
                   host, when, cpu, tick->core_count * 100, used, all, swap, tick->process_count,
                   more, every);
    size = columns == 0 ? strlen(line) : escape_cut(line, strlen(line), columns);
    (void)fprintf(out, "%.*s\n\n", (int)size, line);
}

static void table_row(struct output *o, const struct live_row *row)
{
    const struct live_process *p = row->process;
    char uid[UID_ROOM];
    const struct output_cell cells[] = {
        number(p->pid),
        user_of(p, uid),
        text_in(p->comm, p->comm_size, sizeof p->comm),
        figure(row->cpu_percent),
        figure(row->resident_bytes),
        figure(row->read_bytes),
        figure(row->written_bytes),
        cmdline_of(p),
    };

    _Static_assert(COUNT_OF(cells) == COUNT_OF(table_columns), "cells");
    output_row(o, cells, OUTPUT_NORMAL);
}

enum status live_print_table(const struct live_frame *frame, const struct live_view *view,
                             size_t rows, size_t columns, bool colour, FILE *out, struct error *err)
{
    const struct output_options how = { .format = OUTPUT_TABLE,
                                        .colour = colour,
                                        .width = columns };
    struct output o = { 0 };
    struct error ignored;
    enum status st;

    print_host(frame, view, columns, out);
    st = output_open(&o, out, table_columns, COUNT_OF(table_columns), &how, err);
    for (size_t i = 0; i < frame->row_count && i < rows && st == STATUS_OK; i++)
        table_row(&o, &frame->row[i]);
    if (st != STATUS_OK) {
        (void)!output_close(&o, &ignored);
        return st;
    }
    return output_close(&o, err);
}

/* --- for programs --- */

enum status live_print_begin(struct output *o, FILE *out, const struct output_options *options,
                             struct error *err)
{
    return output_open(o, out, row_columns, COUNT_OF(row_columns), options, err);
}

static void host_row(struct output *o, const struct live_frame *frame)
{
    const struct output_cell cells[] = {
        number(frame->tick->wall_ns),
        number(frame->tick->wall_ns),
        text_of("host", 4),
        missing,
        missing,
        missing,
        missing,
        figure(frame->cpu_percent),
        figure(frame->memory_used_bytes),
        missing,
        missing,
        missing,
    };

    _Static_assert(COUNT_OF(cells) == COUNT_OF(row_columns), "cells");
    output_row(o, cells, OUTPUT_NORMAL);
}

static void process_row(struct output *o, const struct live_frame *frame,
                        const struct live_row *row)
{
    const struct live_process *p = row->process;
    char uid[UID_ROOM];
    const struct output_cell cells[] = {
        number(frame->tick->wall_ns),
        number(frame->tick->wall_ns),
        text_of("process", 7),
        number(p->process_id),
        number(p->pid),
        user_of(p, uid),
        text_in(p->comm, p->comm_size, sizeof p->comm),
        figure(row->cpu_percent),
        figure(row->resident_bytes),
        figure(row->read_bytes),
        figure(row->written_bytes),
        cmdline_of(p),
    };

    _Static_assert(COUNT_OF(cells) == COUNT_OF(row_columns), "cells");
    output_row(o, cells, OUTPUT_NORMAL);
}

enum status live_print_rows(struct output *o, const struct live_frame *frame, size_t rows,
                            struct error *err)
{
    host_row(o, frame);
    for (size_t i = 0; i < frame->row_count && i < rows; i++)
        process_row(o, frame, &frame->row[i]);
    output_flush(o);
    if (fflush(o->file) != 0 || output_broken(o))
        return error_set(err, STATUS_IO, "write the output: %s", strerror(errno));
    return STATUS_OK;
}
