/* Windows of a block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support_windows.h"

static const int64_t minute_ns = INT64_C(60000000000);

void windows_expect_cell(const struct rollup_cell *cell, const struct rollup_cell *expected,
                         enum metric_kind kind)
{
    assert_int_equal(cell->present, expected->present);
    if (!expected->present) {
        assert_int_equal(cell->reason, expected->reason);
        return;
    }
    assert_true(cell->covered_ns == expected->covered_ns);
    if (kind == METRIC_COUNTER) {
        assert_true(cell->increase == expected->increase);
        assert_true(cell->rate_max == expected->rate_max);
        assert_true(cell->rate_max_at_ns / 1000000 == expected->rate_max_at_ns / 1000000);
        return;
    }
    assert_true(cell->last == expected->last);
    if (kind != METRIC_GAUGE)
        return;
    assert_true(cell->min == expected->min && cell->max == expected->max);
    assert_true(cell->sum == expected->sum);
}

void windows_find(const struct samples *s, struct windows *windows)
{
    windows->count = 0;
    for (uint32_t t = s->block_first; t < s->tick_count; t++) {
        int64_t start_ns = rollup_window_start(s->tick_ns[t], 60);

        assert_true(start_ns < s->tick_ns[t] && s->tick_ns[t] <= start_ns + minute_ns);
        assert_true(start_ns % minute_ns == 0);
        if (windows->count == 0 || windows->start_ns[windows->count - 1] != start_ns) {
            windows->start_ns[windows->count] = start_ns;
            windows->span[windows->count++] =
                (struct rollup_span){ .first = t - s->block_first, .start_ns = start_ns };
        }
        windows->span[windows->count - 1].end = t - s->block_first + 1;
    }
    rollup_covered(&s->build, s->gap + s->block_first, windows->span, windows->count,
                   windows->covered_ns);
}

void windows_next_minute(struct samples *s)
{
    samples_restart(s);
    s->now_ns = rollup_window_start(s->now_ns, 60) + minute_ns;
}
