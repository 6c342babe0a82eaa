/* The words of a command line that say what a report shows, for all commands that show one. */
#ifndef ANALYZER_REPORT_ASK_H
#define ANALYZER_REPORT_ASK_H

#include "analyzer/report.h"

/* What rows are of; also the column that names them. */
extern const char *const report_group_names[BY_COUNT];

/* errors  INVALID: there is no such column, or it is there already */
MUST_USE enum status report_add_column(struct report *r, const char *name, struct error *err);
/* Each of `list`, which is parted by commas. */
MUST_USE enum status report_name_columns(struct report *r, const char *list, struct error *err);

/* The columns of the table for people, under short headers; r->aggregate.by is set. */
MUST_USE enum status report_table_columns(struct report *r, struct error *err);
/* Then, where there are GPUs, what they used; a command line stays last. */
MUST_USE enum status report_add_gpu_columns(struct report *r, const struct subject *subject,
                                            struct error *err);

/* The values of --by, --sort and --top, NULL where not given. errors INVALID, naming what there is */
MUST_USE enum status report_parse_by(struct report *r, const char *by, struct error *err);
MUST_USE enum status report_parse_sort(struct report *r, const char *sort, struct error *err);
MUST_USE enum status report_parse_top(struct report *r, const char *top, size_t usual,
                                      struct error *err);

#endif
