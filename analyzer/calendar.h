/*
 * Days since 1970-01-01 <-> a date of the proleptic Gregorian calendar.
 *
 *   units   month 1..12, day 1..31; years before 1970 give negative days
 *   source  Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March,
 *           so that the leap day is the last of a year
 */
#ifndef ANALYZER_CALENDAR_H
#define ANALYZER_CALENDAR_H

#include <stdint.h>

#define CALENDAR_DAY_S INT64_C(86400)
#define CALENDAR_SECOND_NS INT64_C(1000000000)
#define CALENDAR_DAY_NS (CALENDAR_DAY_S * CALENDAR_SECOND_NS)

struct calendar_date {
    int64_t year;
    int month;
    int day;
};

int64_t calendar_days(int64_t year, int month, int day);
struct calendar_date calendar_date(int64_t days);
/* How many days a month has. */
int calendar_month_days(int64_t year, int month);

/* Division that rounds towards minus infinity, for times before 1970; `by` is positive. */
static inline int64_t calendar_floor(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

#endif
