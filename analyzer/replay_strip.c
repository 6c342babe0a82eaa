/* Busy time is the recorder's own series of all cores' tick fields: one counter, whatever the cores. */
#include "analyzer/replay_strip.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/timeline.h"

/* The columns as buckets. */
static enum status cut(struct timeline_buckets *b, const struct replay_strip *strip,
                       struct error *err)
{
    b->from_ns = strip->from_ns;
    b->end_ns = calloc(strip->columns, sizeof *b->end_ns);
    b->ticks = calloc(strip->columns, sizeof *b->ticks);
    if (b->end_ns == NULL || b->ticks == NULL)
        return error_set(err, STATUS_NO_MEMORY, "columns of time");
    for (; b->count < strip->columns; b->count++)
        b->end_ns[b->count] = replay_strip_ns(strip, b->count);
    return STATUS_OK;
}

static enum status take(void *self, size_t bucket, const struct timeline_row rows[], size_t count,
                        struct error *err)
{
    struct replay_strip *strip = self;
    const struct timeline_cell *cell = count > 0 ? rows[0].cell : NULL;

    (void)err;
    if (cell == NULL || cell->covered_ns <= 0)
        return STATUS_OK;
    strip->known[bucket] = true;
    strip->busy[bucket] = (double)cell->increase / (double)cell->covered_ns;
    if (strip->busy[bucket] > strip->most)
        strip->most = strip->busy[bucket];
    return STATUS_OK;
}

static enum status read_busy(struct replay_strip *strip, struct timeline *t,
                             const struct subject *subject, struct error *err)
{
    static const struct select everyone = { .pid_count = 0 };
    size_t metric;

    t->table = recording_table(subject->recording, "recorder_samples");
    metric = t->table == NULL ? SIZE_MAX : recording_metric(t->table, "cpu_busy_ticks_ns_total");
    if (metric == SIZE_MAX)
        return STATUS_OK;
    t->by = TIMELINE_TOTAL;
    t->select = &everyone;
    t->metric[t->metric_count++] = metric;
    t->sink = (struct timeline_sink){ .bucket = take, .self = strip };
    if (cut(&t->buckets, strip, err) != STATUS_OK || timeline_read(t, subject, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < strip->columns; i++)
        strip->busy[i] *= (double)t->table->metrics[metric].scale;
    strip->most *= (double)t->table->metrics[metric].scale;
    return STATUS_OK;
}

enum status replay_strip_read(struct replay_strip *strip, const struct subject *subject,
                              size_t columns, struct error *err)
{
    struct subject part = *subject;
    struct timeline *t = calloc(1, sizeof *t);
    enum status st;

    *strip =
        (struct replay_strip){ .columns = columns < REPLAY_STRIP_MAX ? columns : REPLAY_STRIP_MAX,
                               .from_ns = subject->window.from_ns,
                               .to_ns = subject->window.to_ns };
    if (t == NULL)
        return error_set(err, STATUS_NO_MEMORY, "columns of time");
    if (strip->from_ns < subject->first_ns - 1)
        strip->from_ns = subject->first_ns - 1;
    if (strip->to_ns > subject->last_ns)
        strip->to_ns = subject->last_ns;
    part.window = (struct window){ strip->from_ns, strip->to_ns };
    st = strip->columns > 0 && strip->to_ns > strip->from_ns ? read_busy(strip, t, &part, err)
                                                             : STATUS_OK;
    timeline_release(t);
    free(t);
    return st;
}

int64_t replay_strip_ns(const struct replay_strip *strip, size_t column)
{
    int128 length = (int128)strip->to_ns - strip->from_ns;

    return (int64_t)(strip->from_ns + length * (int128)(column + 1) / (int128)strip->columns);
}

size_t replay_strip_column(const struct replay_strip *strip, int64_t time_ns)
{
    size_t low = 0, high = strip->columns == 0 ? 0 : strip->columns - 1;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (replay_strip_ns(strip, middle) < time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

char *replay_strip_put(char *out, const struct replay_strip *strip, bool utf8)
{
    static const char *const bars[] = { "\u2581", "\u2582", "\u2583", "\u2584",
                                        "\u2585", "\u2586", "\u2587", "\u2588" };
    static const char plain[] = "_.:-=+*#";

    for (size_t i = 0; i < strip->columns; i++) {
        size_t height = strip->most > 0 ? (size_t)(strip->busy[i] / strip->most * 8) : 0;

        height = height > 7 ? 7 : height;
        if (!strip->known[i]) {
            *out++ = ' ';
        } else if (utf8) {
            memcpy(out, bars[height], strlen(bars[height]));
            out += strlen(bars[height]);
        } else {
            *out++ = plain[height];
        }
    }
    return out;
}
