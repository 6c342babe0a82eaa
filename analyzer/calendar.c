/* Day numbers and dates: arithmetic alone, no time zone and no C library calendar. */
#include "analyzer/calendar.h"

#include <stdbool.h>

#define ERA_YEARS 400
#define ERA_DAYS 146097
#define EPOCH_FROM_ERA 719468 /* days from 0000-03-01 to 1970-01-01 */

int64_t calendar_days(int64_t year, int month, int day)
{
    int64_t march_year = month <= 2 ? year - 1 : year;
    int64_t era = calendar_floor(march_year, ERA_YEARS);
    int64_t of_era = march_year - era * ERA_YEARS;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH_FROM_ERA;
}

struct calendar_date calendar_date(int64_t days)
{
    int64_t shifted = days + EPOCH_FROM_ERA;
    int64_t era = calendar_floor(shifted, ERA_DAYS);
    int64_t of_era = shifted - era * ERA_DAYS;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153; /* 0 is March */
    struct calendar_date date = {
        .year = year + era * ERA_YEARS + (month >= 10),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(of_year - (153 * month + 2) / 5 + 1),
    };

    return date;
}

int calendar_month_days(int64_t year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap);
}
