/*
 * Claims about a recording that hold or do not: `procscope check`. The language, and what a claim is of:
 * analyzer/CHECK.md.
 *
 *   check     = figure relation bound
 *   figure    = function "(" COLUMN [ selector ] ")" [ "by" GROUP ]
 *             | "count" "(" [ selector ] ")" [ "by" GROUP ]
 *             | COLUMN [ selector ] [ "by" GROUP ]
 *             | FACT
 *   function  = "max" | "mean" | "p95" | "sum"
 *   selector  = "{" [ matcher { "," matcher } ] "}"
 *   matcher   = FIELD ( "=" | "!=" | "~" | "!~" | "<" | "<=" | ">" | ">=" ) VALUE
 *   relation  = "<" | "<=" | ">" | ">=" | "==" | "!="
 *   bound     = NUMBER [ UNIT ]
 */
#ifndef ANALYZER_CHECK_H
#define ANALYZER_CHECK_H

#include "analyzer/report.h"

enum check_figure {
    CHECK_COLUMN, /* of every row */
    CHECK_SUM,    /* of all rows together */
    CHECK_COUNT,  /* rows */
    CHECK_FACT,   /* of the recording itself */
};

enum check_fact {
    FACT_TICKS_MISSED,
    FACT_TICKS_DROPPED,
    FACT_EXITS_LOST,
    FACT_NOT_ATTRIBUTED,
    FACT_COVERED_PERCENT,
    FACT_GAPS,
    FACT_COUNT_OF_FACTS,
};

enum check_relation {
    CHECK_BELOW,
    CHECK_AT_MOST,
    CHECK_ABOVE,
    CHECK_AT_LEAST,
    CHECK_EQUAL,
    CHECK_DIFFERENT,
};

enum { CHECK_WHO_MAX = 400 };

struct check {
    const char *text; /* as it was written */
    enum check_figure figure;
    enum check_fact fact;
    const struct report_column *column; /* NULL: of a count or a fact */
    enum group_by by;
    char *where; /* for --where; NULL: of all processes */
    enum check_relation relation;
    long double bound; /* in the column's unit */

    /* the answer */
    bool holds;
    bool known; /* there is a value */
    long double value;
    size_t rows;                 /* it was asked of; counted for sums and counts, else 0: of some */
    size_t unknown;              /* rows that were seen without a value, while others have one */
    const char *reason;          /* why there is no value */
    char who[CHECK_WHO_MAX];     /* whose value that is: the row's name, and the pid; any bytes */
    char cmdline[CHECK_WHO_MAX]; /* its start; "" where there is none */
    int64_t process_id, pid;     /* 0: it is no process */
};

extern const char *const check_fact_names[FACT_COUNT_OF_FACTS];
extern const char *const check_relation_names[];
/* "bytes", "seconds", "percent", "watts", "joules", "" */
const char *check_unit(const struct check *check);

/*
 * Understand one. text must stay.
 *
 *   errors  INVALID: at which character, and what is expected there; NO_MEMORY
 *   owns    check->where, until check_release
 */
MUST_USE enum status check_parse(struct check *check, const char *text, struct error *err);
void check_release(struct check *check);

/*
 * Work it out, and whether it holds. facts: a report of the same window, of all processes.
 *
 *   errors  whatever reading returns
 */
MUST_USE enum status check_ask(struct check *check, const struct report *facts,
                               const struct subject *subject, struct error *err);

/* Does the relation hold between these? */
bool check_compare(enum check_relation relation, long double value, long double bound);

/* Its value as a person reads it; "-" where there is none. */
void check_show_value(const struct check *check, char *text, size_t size);

/* Whose value it is, or why there is none; any bytes. */
void check_describe(const struct check *check, char *text, size_t size);
/* The command that shows the samples behind it; "" where there is none. question: "procscope report FILE" */
void check_command(const struct check *check, const char *question, char *text, size_t size);

/* All of them as a table, or for machines. */
MUST_USE enum status check_print(const struct check checks[], size_t count,
                                 const struct report *facts, const struct subject *subject,
                                 const char *question, FILE *file,
                                 const struct output_options *options, struct error *err);

/* All of them as JUnit's XML, as CI servers read it. errors IO, naming the file */
MUST_USE enum status check_write_junit(const struct check checks[], size_t count,
                                       const char *recording, const char *question,
                                       const char *path, struct error *err);

#endif
