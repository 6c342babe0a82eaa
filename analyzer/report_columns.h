/* The columns of `report`: what each is, and its value for one group. */
#ifndef ANALYZER_REPORT_COLUMNS_H
#define ANALYZER_REPORT_COLUMNS_H

#include "analyzer/aggregate.h"
#include "analyzer/output.h"

/* What a column says of a group: something of its process, or a figure of one measure. */
enum fact {
    FACT_PROCESS_ID,
    FACT_PID,
    FACT_START,
    FACT_END,
    FACT_UID,
    FACT_EXIT_CODE,
    FACT_TEXT, /* of the process's version, or the key of the group */
    FACT_UNIT,
    FACT_LINEAGE,
    FACT_CONTAINER_NAME,
    FACT_PROCESSES,
    FACT_ROW,          /* which kind of row it is */
    FACT_NOT_RECORDED, /* needs a table that recordings of this version do not have */
    FACT_GPU_SECONDS,  /* this and what follows up to the method: analyzer/attribution.h */
    FACT_GPU_PERCENT_MEAN,
    FACT_GPU_MEMORY_MAX,
    FACT_GPU_WATTS_MEAN,
    FACT_GPU_WATTS_P95,
    FACT_GPU_WATTS_MAX,
    FACT_GPU_JOULES,
    FACT_CPU_WATTS_MEAN,
    FACT_CPU_JOULES,
    FACT_ENERGY_METHOD,
    FACT_COVERED, /* this and what follows: figures of a measure */
    FACT_INCREASE,
    FACT_SWITCHES, /* increase of two measures */
    FACT_IN_GAPS,
    FACT_PERCENT_MEAN, /* of one core */
    FACT_PERCENT_P95,
    FACT_PERCENT_MAX,
    FACT_MEAN,
    FACT_MAX,
};

struct report_column {
    struct output_column output;
    const char *title; /* over the default table */
    enum fact fact;
    unsigned which; /* enum measure; of FACT_TEXT: enum process_text */
    bool contract;  /* what machine formats print unless told otherwise */
};

extern const struct report_column report_columns[];
extern const size_t report_column_count;

/* INVALID, naming the columns there are, when there is none of that name. */
MUST_USE enum status report_column_find(const char *name, const struct report_column **column,
                                        struct error *err);

static inline bool report_column_measured(const struct report_column *column)
{
    return column->fact >= FACT_COVERED;
}

/* Is it a figure of GPUs and their energy? */
static inline bool report_column_energy(const struct report_column *column)
{
    return column->fact >= FACT_GPU_SECONDS && column->fact <= FACT_ENERGY_METHOD;
}

/* Does it need group_names? */
static inline bool report_column_names(const struct report_column *column)
{
    return column->fact == FACT_UNIT || column->fact == FACT_LINEAGE;
}

/* Does it need the group's process? */
static inline bool report_column_identity(const struct report_column *column)
{
    return column->fact < FACT_PROCESSES;
}

/*
 * Is it energy of CPUs that is no share of a rail, but what the kernel charged to the group's processes? Then
 * the column task_energy_joules tells the same, and its samples can be shown.
 */
bool report_column_by_task(const struct report_column *column, const struct aggregate *a,
                           uint32_t group);

/* Is it the column that names the groups (by process: none)? */
bool report_column_key(const struct report_column *column, enum group_by by);

/*
 * The value of a column for a group.
 *
 *   shape   by process, group->process has been looked up if the column is of its identity, and
 *           group_key_names called if it wants names;
 *           texts point into the recording or into `number`
 */
struct output_cell report_column_cell(const struct report_column *column, const struct aggregate *a,
                                      uint32_t group, char digits[16]);

/* The same as a number, in the column's unit; NAN: the cell is missing, or `group` is 0. */
double report_column_number(const struct report_column *column, const struct aggregate *a,
                            uint32_t group);

#endif
