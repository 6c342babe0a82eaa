/* Births, deaths, returns, missing values and masks, by a small generator of its own. */
#include "support_samples.h"

#include <assert.h>
#include <stdlib.h>

static const enum metric_kind kinds[SAMPLES_METRICS] = {
    METRIC_COUNTER, METRIC_GAUGE, METRIC_COUNTER, METRIC_STATE,
    METRIC_GAUGE,   METRIC_GAUGE, METRIC_COUNTER,
};

uint32_t samples_random(struct samples *s, uint32_t below)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 17;
    s->random ^= s->random << 5;
    return s->random % below;
}

void samples_init(struct samples *s, const struct samples_options *options)
{
    struct error err;
    enum status st;

    *s = (struct samples){ .options = *options,
                           .random = options->seed * 2654435761u | 1,
                           .now_ns = INT64_C(1700000000000000000),
                           .next_key = 1 };
    build_shape_init(&s->shape, "samples", 3, 1, kinds, SAMPLES_METRICS, 0);
    st = build_init(&s->build, &s->shape, &err);
    assert(st == STATUS_OK);
    (void)st;
    s->block.start_ns = calloc(SAMPLES_TICKS_MAX, sizeof *s->block.start_ns);
    s->block.sweep_ns = calloc(SAMPLES_TICKS_MAX, sizeof *s->block.sweep_ns);
    s->block.gap = calloc(SAMPLES_TICKS_MAX, 1);
}

void samples_release(struct samples *s)
{
    for (size_t i = 0; i < s->series_count; i++) {
        free(s->series[i].value);
        free(s->series[i].code);
    }
    build_release(&s->build);
    block_ticks_release(&s->block);
}

static int64_t random_value(struct samples *s)
{
    static const int64_t edges[] = { 0, -1, 1, INT64_MIN, INT64_MAX, INT64_MIN + 1, 255, -256 };

    if (s->options.extremes && samples_random(s, 8) == 0)
        return edges[samples_random(s, COUNT_OF(edges))];
    return (int64_t)samples_random(s, 1000000);
}

/* Metric 4 is never there for odd keys; metric 5 is always 0; metric 6 rarely changes. */
static void random_sample(struct samples *s, const struct model_series *m, const int64_t before[],
                          const uint8_t before_code[], int64_t value[], uint8_t code[])
{
    static const uint8_t reasons[] = { MISSING_NOT_PERMITTED, MISSING_NOT_THERE,
                                       MISSING_UNSUPPORTED, MISSING_FAILED, MISSING_EXITED };

    for (unsigned c = 0; c < SAMPLES_METRICS; c++) {
        value[c] = before == NULL ? 0 : before[c];
        code[c] = before == NULL ? MISSING_NONE : before_code[c];
        if (samples_random(s, 15) == 0)
            code[c] = code[c] == MISSING_NONE ? reasons[samples_random(s, COUNT_OF(reasons))]
                                              : MISSING_NONE;
        if (c == 5 || (c == 6 && samples_random(s, 40) != 0) || samples_random(s, 3) == 0)
            continue;
        if (kinds[c] == METRIC_COUNTER && samples_random(s, 20) != 0 && !s->options.extremes)
            value[c] += samples_random(s, 5000);
        else
            value[c] = random_value(s);
    }
    if (m->key % 2 != 0)
        code[4] = MISSING_NOT_PERMITTED;
    code[5] = MISSING_NONE;
}

int64_t samples_last_read(const struct samples *s, unsigned metric)
{
    int64_t at = INT64_MIN;

    for (uint32_t t = 0; t < s->block_first; t++)
        if (s->mask[t] >> metric & 1)
            at = s->tick_ns[t];
    return at;
}

static int64_t born_ns(const struct samples *s, uint32_t tick, int64_t start_ns)
{
    int64_t before_ns = tick > s->block_first ? s->tick_ns[tick - 1] : samples_last_read(s, 0);

    return start_ns > before_ns ? start_ns : before_ns;
}

static void open_series(struct samples *s, uint32_t tick)
{
    struct model_series *m = &s->series[s->series_count];
    struct series series = { .flags = SERIES_FIRST };
    struct error err;
    enum status st;

    if (s->series_count == SAMPLES_SERIES_MAX)
        return;
    *m = (struct model_series){ .key = s->next_key, .open = true, .first = tick, .count = 1 };
    for (size_t i = 0; i < s->series_count && samples_random(s, 4) == 0; i++)
        if (!s->series[i].open && s->series[i].first + s->series[i].count <= tick &&
            samples_random(s, 3) == 0) {
            m->key = s->series[i].key; /* it comes back */
            break;
        }
    for (size_t i = 0; i < s->series_count; i++)
        if (s->series[i].key == m->key && s->series[i].first + s->series[i].count > tick)
            m->key = s->next_key;
    s->next_key += m->key == s->next_key ? 1 + samples_random(s, 3) : 0;
    m->born = samples_random(s, 2) == 0;
    m->start_ns = m->born ? s->tick_ns[tick] - samples_random(s, 2000000000) : 0;
    m->born_ns = born_ns(s, tick, m->start_ns);
    m->value = calloc(SAMPLES_TICKS_MAX, sizeof *m->value);
    m->code = calloc(SAMPLES_TICKS_MAX, sizeof *m->code);
    random_sample(s, m, NULL, NULL, m->value[0], m->code[0]);
    series.key[0] = m->key;
    series.first = s->build.now;
    series.flags |= m->born ? SERIES_BORN : 0;
    series.start_ns = m->start_ns;
    st = build_open(&s->build, &series, BUILD_NO_SERIES, &m->index, &err);
    assert(st == STATUS_OK);
    (void)st;
    /* As tick.h's rules have it: an unborn series begins with its values as base. */
    for (unsigned c = 0; c < SAMPLES_METRICS; c++) {
        size_t at = m->index * (size_t)SAMPLES_METRICS + c;

        s->build.missing[at] = s->build.base_missing[at] = m->code[0][c];
        if (!m->born && m->code[0][c] == MISSING_NONE)
            s->build.value[at] = m->value[0][c];
    }
    (void)build_compare(&s->build, m->index, m->value[0], m->code[0], true, NULL);
    s->series_count++;
    if (samples_random(s, 10) == 0) { /* born and ended between two ticks */
        m->open = false;
        m->ended = true;
        m->end_ns = s->tick_ns[tick] - samples_random(s, 1000);
        build_close(&s->build, m->index, SERIES_ENDED, m->end_ns);
    }
}

static void sample_series(struct samples *s, struct model_series *m, uint32_t tick)
{
    uint32_t k = tick - m->first;
    bool last = samples_random(s, 40) == 0;

    if (samples_random(s, 50) == 0) { /* gone without notice */
        m->open = false;
        build_close(&s->build, m->index, 0, 0);
        return;
    }
    m->count = k + 1;
    memcpy(m->value[k], m->value[k - 1], sizeof *m->value);
    memcpy(m->code[k], m->code[k - 1], sizeof *m->code);
    if (!last && samples_random(s, 3) == 0) {
        build_same(&s->build, m->index);
        return;
    }
    random_sample(s, m, m->value[k - 1], m->code[k - 1], m->value[k], m->code[k]);
    (void)build_compare(&s->build, m->index, m->value[k], m->code[k], last, NULL);
    /* A collector does not see what it does not read: the model forgets it too. */
    for (unsigned c = 0; c < SAMPLES_METRICS; c++)
        if (!last && (s->mask[tick] >> c & 1) == 0) {
            m->value[k][c] = m->value[k - 1][c];
            m->code[k][c] = m->code[k - 1][c];
        }
    if (!last)
        return;
    m->open = false;
    m->ended = true;
    m->end_ns = s->tick_ns[tick] - samples_random(s, 1500000000);
    build_close(&s->build, m->index, SERIES_ENDED, m->end_ns);
}

static void table_tick(struct samples *s)
{
    uint32_t tick = s->tick_count++;
    uint32_t at = s->block.count - 1;
    uint64_t all = (UINT64_C(1) << SAMPLES_METRICS) - 1;
    uint32_t seen = s->build.tick_count == 0 ? 0 : s->build.block_tick[s->build.tick_count - 1] + 1;
    size_t alive = 0, before = s->series_count;
    struct error err;
    enum status st;

    s->tick_ns[tick] = s->block.start_ns[at];
    s->mask[tick] =
        s->options.masks && samples_random(s, 3) == 0 ? samples_random(s, (uint32_t)all + 1) : all;
    for (uint32_t b = seen; b <= at; b++)
        s->gap[tick] |= s->block.gap[b];
    st = build_tick(&s->build, at, s->tick_ns[tick], s->mask[tick], &err);
    assert(st == STATUS_OK);
    (void)st;
    for (size_t i = 0; i < before; i++)
        if (s->series[i].open)
            sample_series(s, &s->series[i], tick);
    for (size_t i = 0; i < before; i++)
        alive += s->series[i].open;
    for (; alive < s->options.series && (tick == 0 || samples_random(s, 4) != 0); alive++)
        open_series(s, tick);
}

void samples_tick(struct samples *s)
{
    struct block_ticks *b = &s->block;

    s->now_ns += s->options.step_ns + samples_random(s, (uint32_t)(s->options.step_ns / 4));
    b->start_ns[b->count] = s->now_ns;
    b->sweep_ns[b->count] = samples_random(s, 5000000);
    b->gap[b->count] = s->options.gaps && samples_random(s, 12) == 0;
    b->count++;
    if (b->count == 1 || samples_random(s, 7) != 0)
        table_tick(s);
}

void samples_restart(struct samples *s)
{
    uint32_t index = 0;

    build_restart(&s->build, s->block_seq);
    for (size_t i = 0; i < s->series_count; i++)
        s->series[i].index = s->series[i].open ? index++ : UINT32_MAX;
    s->block.count = 0;
    s->block_first = s->tick_count;
}

bool samples_read(const struct samples *s, const struct model_series *series, uint32_t sample,
                  unsigned metric)
{
    return (s->mask[series->first + sample] >> metric & 1) != 0 || sample == 0 ||
           (series->ended && sample == series->count - 1);
}

uint8_t samples_missing(const struct samples *s, const struct model_series *series, uint32_t sample,
                        unsigned metric)
{
    return samples_read(s, series, sample, metric) ? series->code[sample][metric]
                                                   : MISSING_NOT_SAMPLED;
}

void samples_encode(struct samples *s, struct chunks *chunks, int64_t block_seq)
{
    struct block_encoder encoder = { .sink = chunks_put, .sink_context = chunks };
    struct chunk_place place = { .table_id = 3, .block_seq = block_seq };
    struct error err = { 0 };
    enum status st;

    s->block_seq = block_seq;
    st = block_encode(&encoder, &s->build, &place, &s->block, &err);
    assert(st == STATUS_OK);
    (void)st;
    block_encoder_release(&encoder);
}

enum status samples_decode(struct block_table *table, const struct samples *s,
                           struct chunks *chunks, int64_t block_seq, struct decompressor *d,
                           struct error *err)
{
    struct chunk_place place = { .table_id = 3, .block_seq = block_seq };

    return block_table_decode(table, &place, &s->shape, &s->block, chunks_get, chunks, d, err);
}
