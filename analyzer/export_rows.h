/*
 * The columns of a samples table as it is exported, and its rows by way of analyzer/output.h.
 * export_csv.h writes the same CSV faster.
 */
#ifndef ANALYZER_EXPORT_ROWS_H
#define ANALYZER_EXPORT_ROWS_H

#include "analyzer/export_walk.h"

/* A metric with what is needed to write its values: exported = stored * scale. */
struct export_metric {
    const struct recording_metric *metric;
    int exponent; /* scale is 10^exponent; -1: it is no power of ten */
    struct text *label;
    size_t label_count;
};

/* Columns in order: time, time_ns, the series' identity, then what the caller adds. */
struct export_layout {
    const struct recording_table *table;
    struct output_column *column;
    size_t count, size;
    size_t identity_at, metric_at;
    char **name; /* of columns whose names are made here */
    size_t name_count;
    struct export_metric metric[TABLE_METRICS_MAX];
};

/* errors NO_MEMORY. owns: export_layout_release, also after an error */
MUST_USE enum status export_layout_init(struct export_layout *layout,
                                        const struct recording_table *table, struct error *err);
void export_layout_release(struct export_layout *layout);

/* Append a column named NAME followed by `suffix`. */
MUST_USE enum status export_layout_add(struct export_layout *layout, const char *name,
                                       const char *suffix, enum output_type type,
                                       enum output_human human, int exponent, struct error *err);

/* The column of one value of a metric: its stored unit, scaled. */
MUST_USE enum status export_layout_metric(struct export_layout *layout, size_t metric,
                                          const char *suffix, struct error *err);

/* A stored value of the metric as a cell; `digits` (EXPORT_DIGITS) holds an unknown state's. */
enum { EXPORT_DIGITS = 48 };
void export_value(const struct export_metric *metric, int64_t value, char digits[],
                  struct output_cell *cell);

/* Who a series is: the process or entities of its keys. */
struct export_identity {
    const struct process *process; /* NULL: none of the keys is one, or it is not stored */
    bool of_process;
};

/* errors only other than CORRUPT; a process that is not stored is remembered as damage */
MUST_USE enum status export_identify(struct export *e, const struct export_slice *slice,
                                     const struct recording_table *table, size_t series,
                                     struct export_identity *identity, struct error *err);

/* The cells of the identity columns, for samples at which `version` is valid. */
void export_identity_cells(const struct export *e, const struct export_layout *layout,
                           const struct series *series, const struct export_identity *identity,
                           const struct version *version, struct output_cell cells[]);

/*
 * Samples [first, end) of a series: inside the slice's window, one version valid at all of them,
 * and selected. Begin with a zeroed run; false: no more.
 *
 *   shape   late_ns: added to a tick's time before asking which version is valid (windows are
 *           called what their process was called at their end)
 */
struct export_run {
    uint32_t first, end;
    const struct version *version;
    bool begun;
};
bool export_run_next(const struct export *e, const struct export_slice *slice, size_t series,
                     const struct export_identity *identity, int64_t late_ns,
                     struct export_run *run);

/* export_samples() through analyzer/output.h, in any format. */
MUST_USE enum status export_rows(struct export *e, const struct recording_table *table,
                                 struct error *err);

#endif
