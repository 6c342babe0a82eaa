/* POSIX TZ strings, from the last line of a TZif file. */
#include "analyzer/zone_rule.h"

#include <string.h>

#include "analyzer/calendar.h"

#define DEFAULT_TIME_S (2 * 3600)
#define RULE_HOURS_MAX 167
#define OFFSET_HOURS_MAX 24

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool skip(const char **p, char c)
{
    if (**p != c)
        return false;
    ++*p;
    return true;
}

/* Letters, or anything printable between < and >. */
static bool skip_name(const char **p)
{
    const char *start = *p;

    if (skip(p, '<')) {
        while (is_letter(**p) || is_digit(**p) || **p == '+' || **p == '-')
            ++*p;
        return *p - start > 1 && skip(p, '>');
    }
    while (is_letter(**p))
        ++*p;
    return *p - start >= 3;
}

static bool get_number(const char **p, int least, int most, int *value)
{
    *value = 0;
    if (!is_digit(**p))
        return false;
    for (; is_digit(**p); ++*p) {
        *value = *value * 10 + (**p - '0');
        if (*value > most)
            return false;
    }
    return *value >= least;
}

/* [+-]h[:m[:s]] */
static bool get_time(const char **p, int hours_max, int32_t *seconds)
{
    bool negative = **p == '-';
    int hours = 0;
    int minutes = 0;
    int rest = 0;

    if (**p == '-' || **p == '+')
        ++*p;
    if (!get_number(p, 0, hours_max, &hours))
        return false;
    if (skip(p, ':')) {
        if (!get_number(p, 0, 59, &minutes))
            return false;
        if (skip(p, ':') && !get_number(p, 0, 59, &rest))
            return false;
    }
    *seconds = hours * 3600 + minutes * 60 + rest;
    if (negative)
        *seconds = -*seconds;
    return true;
}

/* POSIX counts offsets west of Greenwich, we count east. */
static bool get_offset(const char **p, int32_t *east_s)
{
    if (!get_time(p, OFFSET_HOURS_MAX, east_s))
        return false;
    *east_s = -*east_s;
    return true;
}

static bool get_day(const char **p, struct zone_day *day)
{
    bool ok;

    *day = (struct zone_day){ .time_s = DEFAULT_TIME_S };
    if (skip(p, 'J')) {
        day->form = ZONE_DAY_JULIAN;
        ok = get_number(p, 1, 365, &day->day);
    } else if (skip(p, 'M')) {
        day->form = ZONE_DAY_WEEK;
        ok = get_number(p, 1, 12, &day->month) && skip(p, '.') && get_number(p, 1, 5, &day->week) &&
             skip(p, '.') && get_number(p, 0, 6, &day->day);
    } else {
        day->form = ZONE_DAY_ZERO;
        ok = get_number(p, 0, 365, &day->day);
    }
    if (ok && skip(p, '/'))
        ok = get_time(p, RULE_HOURS_MAX, &day->time_s);
    return ok;
}

static bool get_summer(const char **p, struct zone_rule *rule)
{
    rule->has_summer = true;
    rule->summer_s = rule->standard_s + 3600;
    if (!skip_name(p))
        return false;
    if (**p != ',' && !get_offset(p, &rule->summer_s))
        return false;
    return skip(p, ',') && get_day(p, &rule->start) && skip(p, ',') && get_day(p, &rule->end);
}

enum status zone_rule_parse(const char *text, struct zone_rule *rule, struct error *err)
{
    const char *p = text;
    bool ok;

    *rule = (struct zone_rule){ 0 };
    ok = skip_name(&p) && get_offset(&p, &rule->standard_s);
    if (ok && *p != '\0')
        ok = get_summer(&p, rule);
    if (!ok || *p != '\0')
        return error_set(err, STATUS_CORRUPT, "time zone rule is not a POSIX TZ string");
    return STATUS_OK;
}

/* Seconds since 1970, on the clocks that the change replaces, at which a rule's day comes. */
static int64_t day_start(const struct zone_day *day, int64_t year)
{
    int64_t first = calendar_days(year, 1, 1);
    int64_t days;

    switch (day->form) {
    case ZONE_DAY_JULIAN:
        days = first + day->day - 1;
        if (day->day > 59 && calendar_month_days(year, 2) == 29)
            days++;
        break;
    case ZONE_DAY_WEEK: {
        int64_t month = calendar_days(year, day->month, 1);
        int64_t weekday = month + 4 - 7 * calendar_floor(month + 4, 7); /* 1970-01-01: Thursday */
        int64_t of_month = (day->day - weekday + 7) % 7 + 7 * (day->week - 1);

        if (of_month >= calendar_month_days(year, day->month))
            of_month -= 7;
        days = month + of_month;
        break;
    }
    default:
        days = first + day->day;
        break;
    }
    return days * CALENDAR_DAY_S + day->time_s;
}

int32_t zone_rule_offset(const struct zone_rule *rule, int64_t utc_s)
{
    int64_t local_day = calendar_floor(utc_s + rule->standard_s, CALENDAR_DAY_S);
    int64_t year = calendar_date(local_day).year;
    int64_t start;
    int64_t end;
    bool summer;

    if (!rule->has_summer)
        return rule->standard_s;
    start = day_start(&rule->start, year) - rule->standard_s;
    end = day_start(&rule->end, year) - rule->summer_s;
    if (start < end)
        summer = start <= utc_s && utc_s < end;
    else
        summer = !(end <= utc_s && utc_s < start);
    return summer ? rule->summer_s : rule->standard_s;
}
