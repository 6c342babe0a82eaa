/*
 * The rule at the end of a TZif file, for times after its last stored change: a POSIX TZ string
 * such as "CET-1CEST,M3.5.0,M10.5.0/3".
 *
 *   source  POSIX.1-2017, Environment Variables, "TZ"; RFC 9636, section 3.3.1, lets a time of day
 *           run from -167 to 167 hours
 */
#ifndef ANALYZER_ZONE_RULE_H
#define ANALYZER_ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "schema/error.h"

#define ZONE_OFFSET_LIMIT_S (26 * 3600)

enum zone_day_form {
    ZONE_DAY_JULIAN, /* Jn: 1 to 365, February 29 never counts */
    ZONE_DAY_ZERO,   /* n: 0 to 365, February 29 counts */
    ZONE_DAY_WEEK,   /* Mm.w.d: weekday d of week w of month m; week 5 is the last */
};

struct zone_day {
    enum zone_day_form form;
    int day; /* for ZONE_DAY_WEEK the weekday, 0 is Sunday */
    int week;
    int month;
    int32_t time_s;
};

struct zone_rule {
    int32_t standard_s;
    int32_t summer_s;
    bool has_summer;
    struct zone_day start; /* of summer time, on standard clocks */
    struct zone_day end;   /* of summer time, on summer clocks */
};

/* CORRUPT when `text` is not a rule. */
MUST_USE enum status zone_rule_parse(const char *text, struct zone_rule *rule, struct error *err);

int32_t zone_rule_offset(const struct zone_rule *rule, int64_t utc_s);

#endif
