/* What a check is of: a report with one figure, in the order that has the row that decides first. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/check.h"
#include "analyzer/report_ask.h"
#include "analyzer/trust.h"

bool check_compare(enum check_relation relation, long double value, long double bound)
{
    switch (relation) {
    case CHECK_BELOW:
        return value < bound;
    case CHECK_AT_MOST:
        return value <= bound;
    case CHECK_ABOVE:
        return value > bound;
    case CHECK_AT_LEAST:
        return value >= bound;
    case CHECK_EQUAL:
        return value == bound;
    default:
        return value != bound;
    }
}

/* In the column's unit; a power of ten below one is divided by, so that what is whole stays so. */
static long double value_of(const struct report_column *column, const struct output_cell *cell)
{
    long double power = 1;

    for (int i = abs(column->output.exponent); i > 0; i--)
        power *= 10;
    if (column->output.type == OUTPUT_REAL)
        return cell->real;
    if (column->output.type != OUTPUT_DECIMAL)
        return cell->integer;
    return column->output.exponent < 0 ? cell->integer / power : cell->integer * power;
}

static struct output_cell cell_of(const struct report *r, const struct report_column *column,
                                  uint32_t group, char digits[16])
{
    struct output_cell cell = report_column_cell(column, &r->aggregate, group, digits);

    cell.missing |= column->output.type == OUTPUT_REAL && !isfinite(cell.real);
    return cell;
}

/* --- whose row decides --- */

/* Does it decide rather than `other`? Where any may break the bound, the one that goes farthest. */
static bool is_worse(const struct check *check, long double value, long double other)
{
    long double far = fabsl(value - check->bound), before = fabsl(other - check->bound);

    if (check->relation == CHECK_EQUAL)
        return far > before;
    if (check->relation == CHECK_DIFFERENT)
        return far < before;
    return check->relation <= CHECK_AT_MOST ? value > other : value < other;
}

static void copy_text(char to[CHECK_WHO_MAX], const struct output_cell *cell)
{
    size_t size = cell->missing ? 0 : cell->text_size;

    size = size < CHECK_WHO_MAX - 1 ? size : CHECK_WHO_MAX - 1;
    if (size > 0)
        memcpy(to, cell->text, size);
    for (size_t i = 0; i < size; i++)
        to[i] = to[i] == '\0' ? ' ' : to[i];
    to[size] = '\0';
}

static enum status tell_who(struct check *check, struct report *r, const struct subject *subject,
                            uint32_t group, struct error *err)
{
    struct output_cell cell;
    char digits[16];

    if (report_identify(r, subject, group, err) != STATUS_OK)
        return err->status;
    for (size_t i = 1; i < r->column_count; i++) {
        const struct report_column *c = r->column[i];

        cell = report_column_cell(c, &r->aggregate, group, digits);
        if (c->fact == FACT_PROCESS_ID)
            check->process_id = cell.missing ? 0 : cell.integer;
        else if (c->fact == FACT_PID)
            check->pid = cell.missing ? 0 : cell.integer;
        else
            copy_text(i + 1 == r->column_count && check->by == BY_PROCESS ? check->cmdline
                                                                          : check->who,
                      &cell);
    }
    return STATUS_OK;
}

static enum status decide(struct check *check, struct report *r, const struct subject *subject,
                          struct error *err)
{
    uint32_t worst = 0;

    for (size_t i = 0; i < r->ranked_count && i < r->top; i++) {
        uint32_t group = r->ranked[i].group;
        char digits[16];
        struct output_cell cell = cell_of(r, check->column, group, digits);
        long double value = cell.missing ? 0 : value_of(check->column, &cell);

        if (cell.missing || (worst != 0 && !is_worse(check, value, check->value)))
            continue;
        worst = group;
        check->value = value;
    }
    check->known = worst != 0;
    for (size_t i = 0; check->known && i < r->ranked_count; i++)
        check->unknown += r->ranked[i].key.missing;
    if (!check->known)
        check->reason = r->ranked_count == 0 ? "nothing that it is of was seen in the window"
                                             : "not recorded, or not of what it is of";
    return check->known ? tell_who(check, r, subject, worst, err) : STATUS_OK;
}

/* --- all rows together --- */

static void add_up(struct check *check, const struct report *r)
{
    const struct report_column *column = check->column;
    long double power = 1;
    bool any = false;
    int128 sum = 0;

    for (size_t i = 0; i < r->ranked_count; i++) {
        char digits[16];
        struct output_cell cell = cell_of(r, column, r->ranked[i].group, digits);

        check->unknown += cell.missing;
        if (cell.missing)
            continue;
        any = true;
        sum += cell.integer;
    }
    for (int i = abs(column->output.exponent); i > 0; i--)
        power *= 10;
    check->rows = r->ranked_count;
    check->known = any;
    check->value = (long double)sum / power;
    if (!any)
        check->reason =
            r->ranked_count == 0 ? "nothing that it is of was seen in the window" : "not recorded";
}

static void count_rows(struct check *check, const struct report *r)
{
    check->rows = r->ranked_count;
    check->known = true;
    check->value = r->ranked_count;
}

/* --- asking --- */

static enum status add_names(struct report *r, const struct check *check, struct error *err)
{
    static const char *const of_process[] = { "process_id", "pid", "comm", "cmdline" };
    enum status st = STATUS_OK;

    if (check->by != BY_PROCESS)
        return report_add_column(r, report_group_names[check->by], err);
    for (size_t i = 0; i < COUNT_OF(of_process) && st == STATUS_OK; i++)
        st = report_add_column(r, of_process[i], err);
    return st;
}

static enum status prepare(struct report *r, const struct check *check, struct error *err)
{
    bool one = check->figure == CHECK_COLUMN && check->relation <= CHECK_AT_LEAST;
    const char *column = check->column == NULL ? "cpu_seconds" : check->column->output.name;

    r->aggregate.by = check->by;
    r->ascending = check->relation == CHECK_ABOVE || check->relation == CHECK_AT_LEAST;
    r->top = one ? 1 : SIZE_MAX;
    if (report_column_find(column, &r->sort, err) != STATUS_OK ||
        report_add_column(r, column, err) != STATUS_OK)
        return err->status;
    return check->figure == CHECK_COLUMN ? add_names(r, check, err) : STATUS_OK;
}

static enum status ask_report(struct check *check, const struct subject *subject, struct error *err)
{
    struct select *select = calloc(1, sizeof *select);
    struct report r = { .column_count = 0 };
    enum status st = STATUS_OK;

    if (select == NULL)
        return error_set(err, STATUS_NO_MEMORY, "a check");
    r.aggregate.select = select;
    if (check->where != NULL)
        st = where_parse(&select->where, check->where, err);
    if (st == STATUS_OK)
        st = prepare(&r, check, err);
    if (st == STATUS_OK) {
        report_want(&r);
        st = report_read(&r, subject, err);
    }
    if (st == STATUS_OK)
        st = report_rank(&r, subject, err);
    if (st == STATUS_OK && check->figure == CHECK_COLUMN)
        st = decide(check, &r, subject, err);
    else if (st == STATUS_OK && check->figure == CHECK_SUM)
        add_up(check, &r);
    else if (st == STATUS_OK)
        count_rows(check, &r);
    report_release(&r);
    free(select);
    return st;
}

static void take_count(struct check *check, int64_t count)
{
    check->known = count >= 0;
    check->value = check->known ? count : 0;
}

static void ask_fact(struct check *check, const struct report *facts, const struct subject *subject)
{
    int64_t asked_ns = trust_asked_ns(subject);
    double percent = 0;

    switch (check->fact) {
    case FACT_TICKS_MISSED:
        take_count(check, facts->host.ticks_missed);
        break;
    case FACT_TICKS_DROPPED:
        take_count(check, facts->host.ticks_dropped);
        break;
    case FACT_EXITS_LOST:
        take_count(check, facts->host.exits_lost);
        break;
    case FACT_NOT_ATTRIBUTED:
        check->known = trust_not_attributed(facts, &percent);
        check->value = percent;
        break;
    case FACT_COVERED_PERCENT:
        check->known = asked_ns > 0;
        check->value =
            check->known ? 100.0L * facts->coverage.covered_ns / (long double)asked_ns : 0;
        break;
    default:
        take_count(check, (int64_t)facts->coverage.gap_count);
        break;
    }
    check->reason = check->known ? NULL : "not recorded";
}

enum status check_ask(struct check *check, const struct report *facts,
                      const struct subject *subject, struct error *err)
{
    if (check->figure == CHECK_FACT)
        ask_fact(check, facts, subject);
    else if (ask_report(check, subject, err) != STATUS_OK)
        return err->status;
    check->holds = check->known && check_compare(check->relation, check->value, check->bound);
    return STATUS_OK;
}
