/* What the files of compare share. */
#ifndef ANALYZER_COMPARE_PRIVATE_H
#define ANALYZER_COMPARE_PRIVATE_H

#include "analyzer/compare.h"

/*
 * Parts of both windows, once their reports are read: all of the same length, as how much something varies
 * depends on that; of a window that is much longer, parts that are spread over it.
 */
void compare_cut(struct compare *c);

/*
 * Add what timelines tell of the host, on both sides and of their parts, and judge all of its figures.
 *
 *   errors  as timeline_read
 */
MUST_USE enum status compare_host(struct compare *c, struct error *err);

/* Add what a report tells of the whole host; part: SIZE_MAX for the window itself. */
void compare_host_report(struct compare *c, size_t side, size_t part, const struct report *r);

/* How long the energy of devices is known. */
double compare_rails_seconds(const struct rails *rails);

/* How long a window is, and its middle, whatever a recording or a user says. */
static inline int64_t compare_length(const struct window *w)
{
    int64_t length_ns;

    return __builtin_sub_overflow(w->to_ns, w->from_ns, &length_ns) ? INT64_MAX : length_ns;
}

static inline int64_t compare_middle(const struct window *w)
{
    return w->from_ns / 2 + w->to_ns / 2;
}

/* The order of names, as memcmp has it. */
int compare_names(const struct text *a, const struct text *b);

/* What the effects are shares of. */
void compare_find_whole(struct compare *c);
/*
 * Change, noise and verdict of what both sides have.
 *
 *   shape   the sides' values are set; least: a smaller change means nothing; grows: a level, of which that
 *           it goes on as within a window is no change
 */
void compare_judge(const struct compare *c, struct compare_change *change, double least,
                   double whole, bool grows);
/* Judge all programs, and put them in order. */
void compare_rank(struct compare *c);

#endif
