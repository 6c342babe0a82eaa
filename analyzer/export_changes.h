/*
 * The samples of a slice as they are stored: what each series was at first, and at which samples
 * which metrics became another value or came and went. A tenth of the dense columns, and of their
 * memory traffic.
 *
 * Metrics are bits of 64, by position.
 */
#ifndef ANALYZER_EXPORT_CHANGES_H
#define ANALYZER_EXPORT_CHANGES_H

#include "analyzer/export_walk.h"

enum { CHANGE_VALUE = 1, CHANGE_THERE = 2 };

/* Zero-initialised is ready; memory is kept from slice to slice. */
struct changes {
    struct block_column column[TABLE_METRICS_MAX];
    uint64_t decoded;   /* of the others all is missing */
    uint64_t patterned; /* those of which single samples are missing */
    const struct block_table *table;
    uint8_t *turn; /* [tick] CHANGE_THERE: other metrics are read than at the tick before */
    size_t tick_size;

    /* of the current series */
    size_t series;
    uint8_t *change;   /* [sample] how it differs from the one before */
    uint64_t *missing; /* [sample] metrics that are missing for a reason of their own */
    bool any_missing;  /* else that tells nothing */
    uint64_t *moved;   /* [change] metrics that have another value from there on */
    const int64_t *delta[TABLE_METRICS_MAX]; /* by how much, at each change */
    size_t next;                             /* change */
    int64_t value[TABLE_METRICS_MAX];        /* at the sample that was gone to */
    uint64_t there;                          /* those that are not missing at it */
};
void changes_release(struct changes *changes);

/* Series [first_series, end_series) of the slice: all of its table's, or one group. */
MUST_USE enum status changes_decode(struct changes *changes, const struct export *e,
                                    const struct export_slice *slice, struct error *err);

/* Another series of that slice: `change` is known then. */
void changes_begin(struct changes *changes, size_t series);

/*
 * Go on to a sample: value[] and there are those of it. Samples between that do not change may be
 * left out, none is gone to twice.
 *
 *   shape   returns the metrics whose value may be another one than where it was before
 */
uint64_t changes_go_to(struct changes *changes, uint32_t sample);

#endif
