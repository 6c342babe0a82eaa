/*
 * Values that stand beside their name in the same argument: NAME=value, --name=value, name=value
 * in links and connection strings, "name": "value" in JSON, and Header: value.
 */
#include "recorder/redact_rules.h"

/* A name and the sign after it. */
struct name_place {
    size_t start;
    size_t end;
    size_t sign;  /* the place of "=" or ":" */
    bool quoted;  /* a quote stands between */
    bool spaced;  /* blanks stand between */
    uint8_t open; /* the quote in which it all stands, or 0 */
};

enum {
    ESCAPES_MAX = 7,     /* backslashes before a quote in a quoted quote */
    BLANKS_MAX = 8,      /* between a name, its sign and its value */
    NEXT_NAME_MAX = 64,  /* looked at to find the next NAME= of a list */
    LONG_KEY_LENGTH = 16 /* "key=" in a link is mostly something else */
};

static size_t skip_blanks(const struct redact_line *line, size_t at, size_t limit)
{
    for (size_t i = 0; i < BLANKS_MAX && at < limit && is_blank(line->raw[at]); i++)
        at++;
    return at;
}

/* Past the backslashes at `at` if a quote comes next, else `at`. */
static size_t skip_escapes(const struct redact_line *line, size_t at, size_t limit)
{
    size_t i = at;

    while (i < limit && i - at < ESCAPES_MAX && line->raw[i] == '\\')
        i++;
    return i < limit && is_quote(line->raw[i]) ? i : at;
}

/* Find "=" or ":" behind the name. */
static bool find_sign(const struct redact_line *line, size_t limit, struct name_place *place)
{
    size_t at = place->end;

    if (at < limit && line->raw[at] == ']') /* user[password]= */
        at++;
    at = skip_escapes(line, at, limit);
    if (at < limit && is_quote(line->raw[at])) {
        place->quoted = true;
        at++;
    }
    place->sign = skip_blanks(line, at, limit);
    place->spaced = place->sign > at;
    return place->sign < limit && (line->raw[place->sign] == '=' || line->raw[place->sign] == ':');
}

/* At `at`, perhaps after one blank, stands NAME=. */
static bool is_next_name(const struct redact_line *line, size_t at, size_t limit)
{
    size_t start;

    if (at < limit && line->raw[at] == ' ')
        at++;
    start = at;
    while (at < limit && at - start < NEXT_NAME_MAX && is_name(line->raw[at]))
        at++;
    return at > start && at < limit && line->raw[at] == '=';
}

/* A value in a list a=1,b=2 goes on to the next name: a password may have any character. */
static bool ends_list_value(const struct redact_line *line, size_t at, size_t limit)
{
    uint8_t c = line->raw[at];

    if ((c == ',' || c == ';' || c == '&') && is_next_name(line, at + 1, limit))
        return true;
    return c == ';' && at + 1 == limit && !(line->cut && limit == line->size);
}

/* The end of a value in a list, at the latest at the quote `open` if that is not 0. */
static size_t list_value_end(const struct redact_line *line, size_t start, size_t limit,
                             uint8_t open)
{
    while (start < limit && !ends_list_value(line, start, limit) &&
           (open == 0 || line->raw[start] != open))
        start++;
    return start;
}

/* The same for a value that is also a word. */
static size_t list_word_end(const struct redact_line *line, size_t start, size_t limit,
                            uint8_t open)
{
    while (start < limit && !ends_list_value(line, start, limit)) {
        size_t next = redact_word_step(line, start, limit, open);

        if (next == start)
            break;
        start = next;
    }
    return start;
}

static size_t query_value_end(const struct redact_line *line, size_t start, size_t limit)
{
    while (start < limit) {
        uint8_t c = line->raw[start];

        if (c == '&' || c == '#' || is_quote(c) || is_blank(c))
            break;
        start++;
    }
    return start;
}

static size_t open_quote_end(const struct redact_line *line, size_t start, size_t limit,
                             uint8_t open)
{
    const uint8_t *found = memchr(line->raw + start, open, limit - start);

    return found == NULL ? limit : (size_t)(found - line->raw);
}

static bool is_quoted_at(const struct redact_line *line, size_t at, size_t limit)
{
    return at < limit && is_quote(line->raw[skip_escapes(line, at, limit)]);
}

/* Where the value of an assignment ends. */
static size_t assigned_end(const struct redact_line *line, const struct redact_argument *arg,
                           const struct name_place *place, size_t value)
{
    uint8_t before = place->start > arg->start ? line->raw[place->start - 1] : 0;

    if (place->start == arg->start && (!arg->spaced || !arg->script)) {
        if (line->raw[place->start] == '-' || is_quoted_at(line, value, arg->end))
            return arg->end;
        return list_value_end(line, value, arg->end, 0);
    }
    if (!place->quoted && is_quote(before)) {
        size_t close = redact_quoted_end(line, place->start - 1, arg->end);

        return close < value ? value : list_value_end(line, value, close, 0);
    }
    if (is_quoted_at(line, value, arg->end) && line->raw[value] != place->open)
        return redact_word_end(line, value, arg->end, 0);
    if (!arg->spaced)
        return list_value_end(line, value, arg->end, 0);
    if (before == ';' && !arg->script)
        return list_value_end(line, value, arg->end, place->open);
    return list_word_end(line, value, arg->end, place->open);
}

/* "key=" in a link, only if what follows is as long as keys are. */
static bool is_long_key(const struct redact_line *line, const struct redact_argument *arg,
                        const struct name_place *place)
{
    size_t end;

    if (!name_equals(line->raw + place->start, place->end - place->start, "key"))
        return false;
    end = query_value_end(line, place->sign + 1, arg->end);
    return end - place->sign > LONG_KEY_LENGTH || (line->cut && end == line->size);
}

static bool is_after_query_sign(const struct redact_line *line, const struct redact_argument *arg,
                                size_t start)
{
    uint8_t before = start > arg->start ? line->raw[start - 1] : 0;

    return before == '?' || before == '&' || before == '#';
}

/* PWD=/home is where a process is; Pwd=x in a connection string is not. */
static bool is_working_directory(const struct redact_line *line, const struct name_place *place,
                                 size_t value)
{
    return name_equals(line->raw + place->start, place->end - place->start, "pwd") &&
           line->raw[value] == '/';
}

/* NAME=value; the answer is where to go on. */
static size_t see_assignment(const struct redact_line *line, const struct redact_argument *arg,
                             const struct name_place *place)
{
    const uint8_t *name = line->raw + place->start;
    size_t size = place->end - place->start;
    size_t value = place->sign + 1;
    bool query = is_after_query_sign(line, arg, place->start);
    enum name_use use = query ? NAME_QUERY : name[0] == '-' ? NAME_OPTION : NAME_ASSIGNMENT;
    size_t end;

    if (place->spaced)
        value = skip_blanks(line, value, arg->end);
    if (value >= arg->end)
        return place->end;
    if (!name_is_confidential(name, size, use) && !(query && is_long_key(line, arg, place)))
        return place->end;
    if (line->raw[value] == '=' && use != NAME_OPTION) /* a comparison, a pinned version */
        return value;
    if (is_working_directory(line, place, value))
        return place->end;
    end = query ? query_value_end(line, value, arg->end) : assigned_end(line, arg, place, value);
    redact_mark_value(line, value, end);
    return end;
}

/* Everything after the colon, in the word or the quote of the header. */
static size_t header_end(const struct redact_line *line, const struct redact_argument *arg,
                         const struct name_place *place, size_t value)
{
    if (place->start > arg->start && is_quote(line->raw[place->start - 1]))
        return redact_quoted_end(line, place->start - 1, arg->end);
    if (is_quoted_at(line, value, arg->end) && line->raw[value] != place->open)
        return redact_word_end(line, value, arg->end, 0);
    if (place->open != 0)
        return open_quote_end(line, value, arg->end, place->open);
    if (!arg->spaced || (place->start == arg->start && !arg->script))
        return arg->end;
    if (!is_blank(line->raw[place->sign + 1]))
        return redact_word_end(line, value, arg->end, 0);
    while (value < arg->end && line->raw[value] != '\n' && !is_quote(line->raw[value]))
        value++;
    return value;
}

/* "name": "value" or a bare value. */
static size_t json_end(const struct redact_line *line, size_t value, size_t limit)
{
    if (line->raw[value] == '{' || line->raw[value] == '[')
        return value;
    if (is_quoted_at(line, value, limit)) {
        size_t close = redact_closing_quote(line, skip_escapes(line, value, limit), limit);

        return close < limit ? close + 1 : limit;
    }
    while (value < limit && !is_blank(line->raw[value]) && line->raw[value] != ',' &&
           line->raw[value] != '}' && line->raw[value] != ']')
        value++;
    return value;
}

/* Header: value, "name": value, password:value; the answer is where to go on. */
static size_t see_colon(const struct redact_line *line, const struct redact_argument *arg,
                        const struct name_place *place)
{
    const uint8_t *name = line->raw + place->start;
    size_t size = place->end - place->start;
    size_t value = skip_blanks(line, place->sign + 1, arg->end);
    uint8_t before = place->start > arg->start ? line->raw[place->start - 1] : 0;
    size_t end;

    if (value >= arg->end || (place->spaced && !place->quoted))
        return place->end;
    if (!place->quoted && name_is_header(name, size))
        end = header_end(line, arg, place, value);
    else if (place->quoted &&
             (name_is_confidential(name, size, NAME_ASSIGNMENT) || name_is_header(name, size)))
        end = json_end(line, value, arg->end);
    else if (!place->quoted && before != '/' && before != '@' && name_is_password(name, size))
        end = assigned_end(line, arg, place, value);
    else
        return place->end;
    if (end <= value)
        return place->end;
    redact_mark_value(line, value, end);
    return end;
}

static void see_argument(const struct redact_line *line, const struct redact_argument *arg)
{
    uint8_t open = 0;

    for (size_t at = arg->start; at < arg->end;) {
        struct name_place place = { .start = at, .end = at, .open = open };

        while (place.end < arg->end && is_name(line->raw[place.end]))
            place.end++;
        if (place.end == at) {
            open = redact_quote_after(line, at, arg->start, open);
            at++;
            continue;
        }
        at = place.end;
        if (!find_sign(line, arg->end, &place))
            continue;
        at = line->raw[place.sign] == '=' ? see_assignment(line, arg, &place)
                                          : see_colon(line, arg, &place);
    }
}

void redact_names(const struct redact_line *line)
{
    struct redact_argument arg = { 0 };

    while (redact_next_argument(line, &arg))
        see_argument(line, &arg);
}
