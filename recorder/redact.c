/*
 * Replaces confidential values in command lines: finds the arguments, runs the passes of
 * redact_rules.h, and writes what they left.
 *
 * The marks lie in the output's own memory behind what it holds, so a call allocates nothing else
 * (but regexec may, for the user's patterns).
 */
#include "recorder/redact.h"

#include <stdlib.h>

#include "recorder/redact_rules.h"

enum status redactor_init(struct redactor *r, const char *const extra_regex[], size_t count,
                          struct error *err)
{
    *r = (struct redactor){ 0 };
    if (count == 0)
        return STATUS_OK;
    r->extra = calloc(count, sizeof *r->extra);
    if (r->extra == NULL)
        return error_set(err, STATUS_NO_MEMORY, "%zu patterns to redact", count);
    for (size_t i = 0; i < count; i++) {
        int failed = regcomp(&r->extra[i], extra_regex[i], REG_EXTENDED);

        if (failed != 0) {
            char text[200];

            (void)regerror(failed, &r->extra[i], text, sizeof text);
            redactor_release(r);
            return error_set(err, failed == REG_ESPACE ? STATUS_NO_MEMORY : STATUS_INVALID,
                             "pattern \"%.200s\": %s", extra_regex[i], text);
        }
        r->extra_count = i + 1;
    }
    return STATUS_OK;
}

void redactor_release(struct redactor *r)
{
    for (size_t i = 0; i < r->extra_count; i++)
        regfree(&r->extra[i]);
    free(r->extra);
    *r = (struct redactor){ 0 };
}

bool redact_next_argument(const struct redact_line *line, struct redact_argument *arg)
{
    size_t start = arg->next;
    size_t size = arg->end - arg->start;
    const uint8_t *before = line->raw + arg->start;
    const uint8_t *nul;

    if (start >= line->size)
        return false;
    arg->script = size >= 2 && before[0] == '-' && before[1] != '-' && before[size - 1] == 'c';
    nul = memchr(line->raw + start, '\0', line->size - start);
    arg->start = start;
    arg->end = nul == NULL ? line->size : (size_t)(nul - line->raw);
    arg->next = arg->end + 1;
    arg->spaced = false;
    for (size_t i = arg->start; i < arg->end && !arg->spaced; i++)
        arg->spaced = is_blank(line->raw[i]);
    return true;
}

void redact_mark(const struct redact_line *line, size_t start, size_t end)
{
    if (start < end)
        memset(line->marks + start, 1, end - start);
}

void redact_unquote(const struct redact_line *line, size_t *start, size_t *end)
{
    size_t first = *start;
    size_t last = *end;
    size_t escapes;

    while (first < last && line->raw[first] == '\\')
        first++;
    escapes = first - *start;
    if (last - first < 2 || !is_quote(line->raw[first]) ||
        line->raw[last - 1] != line->raw[first] || (line->cut && last == line->size))
        return;
    first++;
    last--;
    for (; escapes > 0 && last > first && line->raw[last - 1] == '\\'; escapes--)
        last--;
    *start = first;
    *end = last;
}

void redact_mark_value(const struct redact_line *line, size_t start, size_t end)
{
    redact_unquote(line, &start, &end);
    redact_mark(line, start, end);
}

size_t redact_closing_quote(const struct redact_line *line, size_t open, size_t limit)
{
    bool escaped = open > 0 && line->raw[open - 1] == '\\'; /* then the next one closes it */
    uint8_t quote = line->raw[open];

    for (size_t at = open + 1; at < limit; at++) {
        if (line->raw[at] == quote)
            return at;
        if (line->raw[at] == '\\' && quote == '"' && !escaped)
            at++;
    }
    return limit;
}

size_t redact_quoted_end(const struct redact_line *line, size_t open, size_t limit)
{
    bool escaped = open > 0 && line->raw[open - 1] == '\\';
    size_t end = redact_closing_quote(line, open, limit);

    return escaped && end < limit && line->raw[end - 1] == '\\' ? end - 1 : end;
}

size_t redact_word_step(const struct redact_line *line, size_t at, size_t limit, uint8_t open)
{
    uint8_t c = line->raw[at];
    size_t last = at;

    if ((open != 0 && c == open) || is_blank(c) || (open == 0 && is_separator(c)))
        return at;
    if (c == '\\' && at + 1 < limit)
        last = at + 1;
    if (is_quote(line->raw[last]))
        last = redact_closing_quote(line, last, limit);
    return last < limit ? last + 1 : limit;
}

size_t redact_word_end(const struct redact_line *line, size_t start, size_t limit, uint8_t open)
{
    size_t at = start;

    while (at < limit) {
        size_t next = redact_word_step(line, at, limit, open);

        if (next == at)
            break;
        at = next;
    }
    return at;
}

uint8_t redact_quote_after(const struct redact_line *line, size_t at, size_t start, uint8_t open)
{
    uint8_t c = line->raw[at];

    if (!is_quote(c) || (at > start && line->raw[at - 1] == '\\'))
        return open;
    if (open == 0)
        return c;
    return open == c ? 0 : open;
}

/* With patterns of the user's there is no telling what half a word would have become. */
static void mark_last_word(const struct redact_line *line)
{
    size_t start = line->size;

    while (start > 0 && line->raw[start - 1] != '\0' && !is_blank(line->raw[start - 1]))
        start--;
    redact_mark(line, start, line->size);
}

/* Append the line; its marks begin at `marks` in the same writer, which may move. */
static void put_unmarked(const struct redact_line *line, size_t marks, struct byte_writer *out)
{
    bool inside = false;

    for (size_t i = 0; i < line->size && !out->full; i++) {
        bool marked = out->data[marks + i] != 0;

        if (marked && !inside)
            bytes_put(out, REDACTED_TEXT, strlen(REDACTED_TEXT));
        else if (!marked)
            bytes_put_u8(out, line->raw[i] == '\0' ? ' ' : line->raw[i]);
        inside = marked;
    }
}

/* Move what stands from `from` on down to `to`. */
static void move_down(struct byte_writer *out, size_t from, size_t to)
{
    if (out->used > from)
        memmove(out->data + to, out->data + from, out->used - from);
    out->used = to + (out->used - from);
}

/* Replace each match of one pattern in what stands from `start` on. */
static void replace_matches(const regex_t *regex, size_t start, struct byte_writer *out)
{
    size_t end = out->used; /* of the old text; the new one is built behind its NUL */
    size_t at = start;
    regmatch_t match;

    bytes_put_u8(out, '\0');
    while (at <= end && !out->full &&
           regexec(regex, (const char *)out->data + at, 1, &match, at > start ? REG_NOTBOL : 0) ==
               0) {
        size_t from = at + (size_t)match.rm_so;
        size_t to = at + (size_t)match.rm_eo;

        if (!bytes_reserve(out, from - at + sizeof REDACTED_TEXT + 1))
            return;
        bytes_put(out, out->data + at, from - at);
        if (to > from)
            bytes_put(out, REDACTED_TEXT, strlen(REDACTED_TEXT));
        else if (to < end)
            bytes_put_u8(out, out->data[to++]);
        else
            to++;
        at = to;
    }
    if (at < end && bytes_reserve(out, end - at))
        bytes_put(out, out->data + at, end - at);
    if (!out->full)
        move_down(out, end + 1, start);
}

enum status redact_arguments(const struct redactor *r, const uint8_t *raw, size_t size, bool cut,
                             struct byte_writer *out, struct error *err)
{
    struct redact_line line = { .raw = raw, .size = size };
    size_t start = out->used;

    line.cut = cut && size > 0 && raw[size - 1] != '\0';
    while (line.size > 0 && raw[line.size - 1] == '\0')
        line.size--;
    if (line.size == 0)
        return STATUS_OK;
    if (!bytes_reserve(out, 3 * line.size))
        goto done;
    line.marks = out->data + start;
    memset(line.marks, 0, line.size);
    redact_options(&line);
    redact_names(&line);
    redact_urls(&line);
    redact_tokens(&line);
    redact_private_keys(&line);
    if (line.cut && r->extra_count > 0)
        mark_last_word(&line);

    out->used = start + line.size;
    put_unmarked(&line, start, out);
    if (!out->full)
        move_down(out, start + line.size, start);
    for (size_t i = 0; i < r->extra_count && !out->full; i++)
        replace_matches(&r->extra[i], start, out);
done:
    if (!out->full)
        return STATUS_OK;
    out->used = start;
    return error_set(err, STATUS_NO_MEMORY, "redacting %zu bytes of a command line", size);
}
