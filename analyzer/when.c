/* Times, durations and windows as users write them on the command line. */
#include "analyzer/when.h"

#include "schema/bytes.h"

#include <stdio.h>
#include <string.h>

#include "analyzer/calendar.h"
#include "analyzer/decimal.h"
#include "analyzer/escape.h"

#define YEAR_MIN 1970
#define YEAR_MAX 2261
#define SHOWN_SIZE 80
#define TIME_FORMS                                                                                 \
    "2026-11-20T14:03:05Z, \"2026-11-20 14:03\", 2026-11-20, 14:03, -15m, @1795183385"
#define DURATION_FORMS "90s, 15m, 2h30m, 1.5h, 1d, 500ms, 250us"

/* What stands in the text, before it is a time. */
struct stamp {
    int64_t day;       /* since 1970 */
    int64_t of_day_ns; /* since midnight */
    bool has_offset;
    int32_t offset_s;
};

struct unit {
    const char *name;
    int64_t ns;
};

/* The largest first: each may only follow a larger one. */
static const struct unit units[] = {
    { "d", CALENDAR_DAY_NS },
    { "h", 3600 * CALENDAR_SECOND_NS },
    { "m", 60 * CALENDAR_SECOND_NS },
    { "s", CALENDAR_SECOND_NS },
    { "ms", 1000000 },
    { "us", 1000 },
    { "ns", 1 },
};

static void add_warning(struct when_warning *warning, const char *text)
{
    size_t used = strlen(warning->text);

    (void)snprintf(warning->text + used, sizeof warning->text - used, "%s%s", used > 0 ? "; " : "",
                   text);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool skip(const char **p, char c)
{
    if (**p != c)
        return false;
    ++*p;
    return true;
}

/* Exactly `count` digits, as a number of at most `most`. */
static bool get_digits(const char **p, int count, int most, int *value)
{
    *value = 0;
    for (; count > 0; count--, ++*p) {
        if (!is_digit(**p))
            return false;
        *value = *value * 10 + (**p - '0');
    }
    return *value <= most;
}

/* ".5": one to nine digits; without a dot nothing is taken and the fraction is 0. */
static bool get_fraction(const char **p, int64_t *ns)
{
    int64_t scale = CALENDAR_SECOND_NS;

    *ns = 0;
    if (!skip(p, '.'))
        return true;
    if (!is_digit(**p))
        return false;
    for (; is_digit(**p) && scale > 1; ++*p) {
        scale /= 10;
        *ns += (**p - '0') * scale;
    }
    return !is_digit(**p);
}

/* HH:MM[:SS[.FRACTION]] */
static bool get_clock(const char **p, int64_t *of_day_ns)
{
    int hour;
    int minute;
    int second = 0;
    int64_t fraction = 0;

    if (!get_digits(p, 2, 23, &hour) || !skip(p, ':') || !get_digits(p, 2, 59, &minute))
        return false;
    if (skip(p, ':') && (!get_digits(p, 2, 59, &second) || !get_fraction(p, &fraction)))
        return false;
    *of_day_ns = (hour * 3600 + minute * 60 + second) * CALENDAR_SECOND_NS + fraction;
    return true;
}

/* Z, +HH:MM, +HHMM or nothing. */
static bool get_offset(const char **p, struct stamp *stamp)
{
    bool negative = **p == '-';
    int hour;
    int minute;

    stamp->has_offset = **p != '\0';
    if (!stamp->has_offset || skip(p, 'Z') || skip(p, 'z'))
        return true;
    if (!skip(p, '+') && !skip(p, '-'))
        return false;
    if (!get_digits(p, 2, 23, &hour))
        return false;
    (void)skip(p, ':');
    if (!get_digits(p, 2, 59, &minute))
        return false;
    stamp->offset_s = hour * 3600 + minute * 60;
    if (negative)
        stamp->offset_s = -stamp->offset_s;
    return true;
}

/* YYYY-MM-DD, alone or with a clock and perhaps an offset. */
static bool get_stamp(const char *p, struct stamp *stamp)
{
    int year;
    int month;
    int day;

    if (!get_digits(&p, 4, YEAR_MAX, &year) || year < YEAR_MIN || !skip(&p, '-') ||
        !get_digits(&p, 2, 12, &month) || month < 1 || !skip(&p, '-') ||
        !get_digits(&p, 2, calendar_month_days(year, month), &day) || day < 1)
        return false;
    stamp->day = calendar_days(year, month, day);
    if (*p == '\0')
        return true;
    if (!skip(&p, 'T') && !skip(&p, 't') && !skip(&p, ' '))
        return false;
    return get_clock(&p, &stamp->of_day_ns) && get_offset(&p, stamp) && *p == '\0';
}

static enum status not_a_time(const char *text, struct error *err)
{
    char shown[SHOWN_SIZE];

    return error_set(err, STATUS_INVALID, "\"%s\" is not a time; write one like %s",
                     escape_show(shown, sizeof shown, text), TIME_FORMS);
}

static enum status out_of_years(const char *text, struct error *err)
{
    char shown[SHOWN_SIZE];

    return error_set(err, STATUS_INVALID, "time \"%s\" is not in the years %d to %d",
                     escape_show(shown, sizeof shown, text), YEAR_MIN, YEAR_MAX);
}

static int64_t years_end_ns(void)
{
    return calendar_days(YEAR_MAX + 1, 1, 1) * CALENDAR_DAY_NS;
}

/* RFC 3339 with a NUL, for messages. */
static const char *show_time(char out[DECIMAL_RFC3339_SIZE + 1], int64_t ns)
{
    struct decimal_clock clock = { 0 };

    *decimal_put_rfc3339(&clock, out, ns) = '\0';
    return out;
}

/* A zone's name for messages. */
static const char *zone_name(const struct when_context *context, char shown[SHOWN_SIZE])
{
    const char *name = context->zone != NULL ? context->zone->name : NULL;

    if (name == NULL || name[0] == '\0')
        name = "the recorded host's zone";
    return escape_show(shown, SHOWN_SIZE, name);
}

/* The UTC times at which clocks of the zone show a local time; one that never came is shifted. */
static struct when_time local_to_utc(const char *text, const struct when_context *context,
                                     int64_t local_ns, struct when_warning *warning)
{
    struct when_time utc;
    char line[sizeof warning->text];
    char zone[SHOWN_SIZE];
    char shown[SHOWN_SIZE];
    char first[DECIMAL_RFC3339_SIZE + 1];
    char second[DECIMAL_RFC3339_SIZE + 1];
    enum zone_fit fit = zone_from_local(context->zone, local_ns, &utc.first_ns, &utc.last_ns);

    if (fit != ZONE_TWICE)
        utc.last_ns = utc.first_ns;
    if (fit == ZONE_ONCE)
        return utc;
    (void)escape_show(shown, sizeof shown, text);
    (void)show_time(first, utc.first_ns);
    if (fit == ZONE_TWICE)
        (void)snprintf(line, sizeof line, "\"%s\" came twice in %s, at %s and %s: both are meant",
                       shown, zone_name(context, zone), first, show_time(second, utc.last_ns));
    else
        (void)snprintf(line, sizeof line, "\"%s\" never came in %s, clocks skipped it; took %s",
                       shown, zone_name(context, zone), first);
    add_warning(warning, line);
    return utc;
}

/*
 * Add to `time` when the wall clock showed a UTC time, on the timeline. One that it skipped is where it
 * was set.
 */
static size_t wall_to_timeline(const struct when_context *context, int64_t utc_ns,
                               struct when_time *time)
{
    int64_t skipped_ns = INT64_MAX;
    size_t count = 0;

    for (size_t i = 0; i < context->wall_count; i++) {
        const struct when_wall *wall = &context->wall[i];
        int64_t start_ns = i == 0 ? INT64_MIN : wall->timeline_ns;
        int64_t end_ns = i + 1 < context->wall_count ? wall[1].timeline_ns : INT64_MAX;
        int64_t at_ns = wrap_subtract(utc_ns, wall->offset_ns);

        if (at_ns < start_ns && start_ns < skipped_ns)
            skipped_ns = start_ns;
        if (at_ns < start_ns || at_ns >= end_ns)
            continue;
        time->first_ns = at_ns < time->first_ns ? at_ns : time->first_ns;
        time->last_ns = at_ns > time->last_ns ? at_ns : time->last_ns;
        count++;
    }
    if (count > 0 || context->wall_count == 0)
        return count;
    time->first_ns = skipped_ns < time->first_ns ? skipped_ns : time->first_ns;
    time->last_ns = skipped_ns > time->last_ns ? skipped_ns : time->last_ns;
    return 0;
}

static void wall_clock(const char *text, const struct when_context *context, struct when_time *time,
                       struct when_warning *warning)
{
    struct when_time utc = *time;
    char line[sizeof warning->text];
    char shown[SHOWN_SIZE];
    size_t count;

    if (context->wall_count == 0)
        return;
    *time = (struct when_time){ INT64_MAX, INT64_MIN };
    count = wall_to_timeline(context, utc.first_ns, time);
    if (utc.last_ns != utc.first_ns)
        (void)wall_to_timeline(context, utc.last_ns, time);
    (void)escape_show(shown, sizeof shown, text);
    if (count > 1)
        (void)snprintf(line, sizeof line,
                       "the host's clock was set back and showed \"%s\" %zu times: all are meant",
                       shown, count);
    else if (count == 0)
        (void)snprintf(line, sizeof line,
                       "the host's clock was set forward and never showed \"%s\": took when it was",
                       shown);
    if (count != 1)
        add_warning(warning, line);
}

static enum status stamp_to_time(const char *text, const struct stamp *stamp,
                                 const struct when_context *context, struct when_time *time,
                                 struct when_warning *warning, struct error *err)
{
    int64_t local_ns = stamp->day * CALENDAR_DAY_NS + stamp->of_day_ns;

    time->first_ns = time->last_ns = local_ns;
    if (stamp->has_offset)
        time->first_ns = time->last_ns = local_ns - stamp->offset_s * CALENDAR_SECOND_NS;
    else if (!context->utc)
        *time = local_to_utc(text, context, local_ns, warning);
    if (time->first_ns < 0 || time->first_ns >= years_end_ns())
        return out_of_years(text, err);
    wall_clock(text, context, time, warning);
    return STATUS_OK;
}

static enum status parse_clock(const char *text, const struct when_context *context,
                               struct when_time *time, struct when_warning *warning,
                               struct error *err)
{
    struct stamp stamp = { 0 };
    const char *p = text;
    int64_t offset_s = context->utc ? 0 : zone_offset(context->zone, context->last_ns);
    int64_t last_s = calendar_floor(context->last_ns, CALENDAR_SECOND_NS) + offset_s;

    if (!get_clock(&p, &stamp.of_day_ns) || *p != '\0')
        return not_a_time(text, err);
    stamp.day = calendar_floor(last_s, CALENDAR_DAY_S);
    if (stamp.day < 0 || stamp.day > calendar_days(YEAR_MAX, 12, 31))
        return out_of_years(text, err);
    return stamp_to_time(text, &stamp, context, time, warning, err);
}

static enum status parse_epoch(const char *text, int64_t *ns, struct error *err)
{
    int64_t limit_s = years_end_ns() / CALENDAR_SECOND_NS;
    const char *p = text + 1;
    int64_t seconds = 0;
    int64_t fraction;

    if (!is_digit(*p))
        return not_a_time(text, err);
    for (; is_digit(*p); p++) {
        seconds = seconds * 10 + (*p - '0');
        if (seconds >= limit_s)
            return out_of_years(text, err);
    }
    if (!get_fraction(&p, &fraction) || *p != '\0')
        return not_a_time(text, err);
    *ns = seconds * CALENDAR_SECOND_NS + fraction;
    return STATUS_OK;
}

static enum status parse_before_end(const char *text, const struct when_context *context,
                                    int64_t *ns, struct error *err)
{
    int64_t before_ns;
    enum status st = duration_parse(text + 1, &before_ns, err);

    if (st != STATUS_OK)
        return error_prefix(err, "time before the recording's end");
    if (context->last_ns < before_ns || context->last_ns >= years_end_ns())
        return out_of_years(text, err);
    *ns = context->last_ns - before_ns;
    return STATUS_OK;
}

enum status when_parse(const char *text, const struct when_context *context, struct when_time *time,
                       struct when_warning *warning, struct error *err)
{
    struct stamp stamp = { 0 };
    enum status st;

    *time = (struct when_time){ 0 };
    if (text[0] == '@' || text[0] == '-') {
        st = text[0] == '@' ? parse_epoch(text, &time->first_ns, err)
                            : parse_before_end(text, context, &time->first_ns, err);
        time->last_ns = time->first_ns;
        return st;
    }
    if (strlen(text) >= 3 && text[2] == ':')
        return parse_clock(text, context, time, warning, err);
    if (!get_stamp(text, &stamp))
        return not_a_time(text, err);
    return stamp_to_time(text, &stamp, context, time, warning, err);
}

/* The unit at `*p`, from `units[first]` on; NULL when there is none. */
static const struct unit *get_unit(const char **p, size_t first)
{
    size_t size = strspn(*p, "abcdefghijklmnopqrstuvwxyz");

    for (size_t i = first; i < COUNT_OF(units); i++) {
        if (strlen(units[i].name) == size && memcmp(units[i].name, *p, size) == 0) {
            *p += size;
            return &units[i];
        }
    }
    return NULL;
}

/* digits * unit, where `count` digits follow the dot that may be among them; exact or refused. */
static bool add_part(const char *digits, const char *end, int64_t unit_ns, int64_t *ns)
{
    int64_t whole = 0;
    int64_t scaled;

    for (; digits < end && *digits != '.'; digits++) {
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, *digits - '0', &whole))
            return false;
    }
    if (__builtin_mul_overflow(whole, unit_ns, &scaled) || __builtin_add_overflow(*ns, scaled, ns))
        return false;
    for (digits++; digits < end; digits++) {
        if (*digits != '0' && (unit_ns % 10 != 0 || unit_ns == 0))
            return false; /* finer than a nanosecond */
        unit_ns /= 10;
        if (__builtin_add_overflow(*ns, (*digits - '0') * unit_ns, ns))
            return false;
    }
    return true;
}

static bool get_duration(const char *p, int64_t *ns)
{
    size_t next = 0;

    *ns = 0;
    do {
        const char *digits = p;
        const char *end;
        const struct unit *unit;

        if (!is_digit(*p))
            return false;
        p += strspn(p, "0123456789");
        if (skip(&p, '.')) {
            if (!is_digit(*p))
                return false;
            p += strspn(p, "0123456789");
        }
        end = p;
        unit = get_unit(&p, next);
        if (unit == NULL || !add_part(digits, end, unit->ns, ns))
            return false;
        next = (size_t)(unit - units) + 1;
    } while (*p != '\0');
    return true;
}

enum status duration_parse(const char *text, int64_t *ns, struct error *err)
{
    char shown[SHOWN_SIZE];

    if (get_duration(text, ns))
        return STATUS_OK;
    return error_set(err, STATUS_INVALID, "\"%s\" is not a duration; write one like %s",
                     escape_show(shown, sizeof shown, text), DURATION_FORMS);
}

static enum status check_combination(const struct window_options *options, struct error *err)
{
    bool bounds = options->from != NULL || options->to != NULL;
    int kinds = bounds + (options->last != NULL) + (options->at != NULL);

    if (kinds > 1)
        return error_set(err, STATUS_INVALID,
                         "--from and --to, --last, and --at are three ways to name a window; "
                         "use one of them");
    if (options->span != NULL && options->at == NULL)
        return error_set(err, STATUS_INVALID, "--span is the length of the window around --at T");
    return STATUS_OK;
}

static enum status resolve_bounds(const struct window_options *options,
                                  const struct when_context *context, struct window *window,
                                  struct when_warning *warning, struct error *err)
{
    struct when_time time;

    if (options->from != NULL) {
        if (when_parse(options->from, context, &time, warning, err) != STATUS_OK)
            return error_prefix(err, "--from");
        window->from_ns = time.first_ns;
    }
    if (options->to != NULL) {
        if (when_parse(options->to, context, &time, warning, err) != STATUS_OK)
            return error_prefix(err, "--to");
        window->to_ns = time.last_ns;
    }
    return STATUS_OK;
}

static enum status resolve_last(const char *last, struct window *window, struct error *err)
{
    int64_t length_ns = 0;
    enum status st = duration_parse(last, &length_ns, err);

    if (st != STATUS_OK)
        return error_prefix(err, "--last");
    window->from_ns = window->to_ns > length_ns ? window->to_ns - length_ns : 0;
    return STATUS_OK;
}

static enum status resolve_at(const struct window_options *options,
                              const struct when_context *context, struct window *window,
                              struct when_warning *warning, struct error *err)
{
    int64_t span_ns = WHEN_SPAN_DEFAULT_NS;
    struct when_time at = { 0 };
    enum status st = when_parse(options->at, context, &at, warning, err);

    if (st != STATUS_OK)
        return error_prefix(err, "--at");
    if (options->span != NULL)
        st = duration_parse(options->span, &span_ns, err);
    if (st != STATUS_OK)
        return error_prefix(err, "--span");
    window->from_ns = at.first_ns > span_ns / 2 ? at.first_ns - span_ns / 2 : 0;
    if (__builtin_add_overflow(at.last_ns, span_ns - span_ns / 2, &window->to_ns))
        window->to_ns = INT64_MAX;
    return STATUS_OK;
}

static enum status check_window(const struct window *window, const struct when_context *context,
                                struct when_warning *warning, struct error *err)
{
    char line[sizeof warning->text];
    char first[DECIMAL_RFC3339_SIZE + 1];
    char last[DECIMAL_RFC3339_SIZE + 1];

    if (window->from_ns >= window->to_ns)
        return error_set(err, STATUS_INVALID, "the window is empty: from %s to %s",
                         show_time(first, window->from_ns), show_time(last, window->to_ns));
    if (window->to_ns < context->first_ns || window->from_ns > context->last_ns) {
        (void)snprintf(line, sizeof line,
                       "the window has nothing of the recording, which is from %s to %s",
                       show_time(first, context->first_ns), show_time(last, context->last_ns));
        add_warning(warning, line);
    }
    return STATUS_OK;
}

enum status window_resolve(const struct window_options *options, const struct when_context *context,
                           struct window *window, struct when_warning *warning, struct error *err)
{
    enum status st = check_combination(options, err);

    *window = (struct window){ .from_ns = context->first_ns, .to_ns = context->last_ns };
    if (st != STATUS_OK)
        return st;
    if (options->last != NULL)
        st = resolve_last(options->last, window, err);
    else if (options->at != NULL)
        st = resolve_at(options, context, window, warning, err);
    else if (options->from != NULL || options->to != NULL)
        st = resolve_bounds(options, context, window, warning, err);
    else
        return STATUS_OK; /* the whole recording, even one of a single sample */
    return st != STATUS_OK ? st : check_window(window, context, warning, err);
}
