/* Escaping of hostile text: command lines, names and paths that processes chose themselves. */
#include "analyzer/escape.h"

#include <stdint.h>
#include <string.h>

#include "schema/error.h"

#define ELLIPSIS "..."

struct range {
    uint32_t first;
    uint32_t last;
};

/* Characters that reorder or hide what stands around them on a screen. */
static const struct range deceptive[] = {
    { 0x061c, 0x061c }, { 0x200b, 0x200b }, { 0x200e, 0x200f }, { 0x2028, 0x202e },
    { 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe007f },
};

/* Combining marks and other characters without a width (the common ones). */
static const struct range zero_width[] = {
    { 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd },   { 0x064b, 0x065f },
    { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200c, 0x200d },   { 0x20d0, 0x20ff },
    { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xe0100, 0xe01ef },
};

/* East Asian Wide and Fullwidth, and emoji (Unicode UAX #11). */
static const struct range double_width[] = {
    { 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0x4dbf },   { 0x4e00, 0xa4cf },
    { 0xa960, 0xa97f },   { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },
    { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },   { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff },
    { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

static bool in_ranges(uint32_t code, const struct range ranges[], size_t count)
{
    for (size_t i = 0; i < count && ranges[i].first <= code; i++)
        if (code <= ranges[i].last)
            return true;
    return false;
}

/*
 * The length of the character at `p`, 0 when it is not valid UTF-8: overlong forms, surrogates and
 * codes above U+10FFFF are not (RFC 3629).
 */
static size_t utf8_get(const uint8_t *p, size_t left, uint32_t *code)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t length = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

    *code = p[0];
    if (length <= 1)
        return length;
    if (p[0] > 0xf4 || length > left)
        return 0;
    *code &= 0x7fU >> length;
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (p[i] & 0x3f);
    }
    if (*code < least[length] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
        return 0;
    return length;
}

static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

static char *put_hex(char *out, const char *prefix, uint32_t byte)
{
    static const char digits[] = "0123456789abcdef";
    size_t size = strlen(prefix);

    memcpy(out, prefix, size);
    out[size] = digits[byte >> 4 & 15];
    out[size + 1] = digits[byte & 15];
    return out + size + 2;
}

static char *put_raw(char *out, const uint8_t *p, size_t size)
{
    if (size > 0)
        memcpy(out, p, size);
    return out + size;
}

/* One character, or one invalid byte, at `*p`, as CSV and terminals take it; moves `*p` on. */
static char *put_character(char *out, const uint8_t **p, size_t left, bool terminal)
{
    uint32_t code;
    size_t length = utf8_get(*p, left, &code);
    const uint8_t *end = *p + (length == 0 ? 1 : length);

    if (length == 0 || is_control(code) ||
        (terminal && code >= 0x61c && in_ranges(code, deceptive, COUNT_OF(deceptive)))) {
        for (; *p < end; ++*p)
            out = put_hex(out, "\\x", **p);
        return out;
    }
    if (code == '\\')
        *out++ = '\\';
    out = put_raw(out, *p, length);
    *p = end;
    return out;
}

/* The number of bytes at the start that are printable ASCII and neither `\` nor `"` nor a comma. */
static size_t plain_prefix(const uint8_t *p, size_t size)
{
    size_t i = 0;

    while (i < size && p[i] >= 0x20 && p[i] < 0x7f && p[i] != '\\' && p[i] != '"' && p[i] != ',')
        i++;
    return i;
}

static bool is_formula(const uint8_t *p, size_t size)
{
    return size > 0 && p[0] != '\0' && strchr("=+-@\t\r", p[0]) != NULL;
}

static bool needs_quotes(const uint8_t *p, size_t size)
{
    return size == 0 || p[0] == ' ' || p[size - 1] == ' ' || memchr(p, ',', size) != NULL ||
           memchr(p, '"', size) != NULL;
}

char *escape_put_csv(char *out, const char *text, size_t size, bool safe)
{
    const uint8_t *p = (const uint8_t *)(size > 0 ? text : "");
    const uint8_t *end = p + size;
    bool quotes = needs_quotes(p, size);
    bool guard = safe && is_formula(p, size);

    if (!quotes && !guard && plain_prefix(p, size) == size)
        return put_raw(out, p, size);
    if (quotes)
        *out++ = '"';
    if (guard)
        *out++ = '\'';
    while (p < end) {
        if (*p == '"')
            *out++ = '"';
        out = put_character(out, &p, (size_t)(end - p), false);
    }
    if (quotes)
        *out++ = '"';
    return out;
}

char *escape_put_terminal(char *out, const char *text, size_t size)
{
    const uint8_t *p = (const uint8_t *)(size > 0 ? text : "");
    const uint8_t *end = p + size;

    while (p < end) {
        size_t plain = plain_prefix(p, (size_t)(end - p));

        out = put_raw(out, p, plain);
        p += plain;
        if (p < end)
            out = put_character(out, &p, (size_t)(end - p), true);
    }
    return out;
}

char *escape_put_json(char *out, const char *text, size_t size)
{
    const uint8_t *p = (const uint8_t *)(size > 0 ? text : "");
    const uint8_t *end = p + size;

    *out++ = '"';
    while (p < end) {
        size_t plain = plain_prefix(p, (size_t)(end - p));
        uint32_t code;
        size_t length;

        out = put_raw(out, p, plain);
        p += plain;
        if (p == end)
            break;
        length = utf8_get(p, (size_t)(end - p), &code);
        if (length == 0) {
            out = put_hex(out, "\\udc", *p++);
            continue;
        }
        if (is_control(code)) {
            out = put_hex(out, "\\u00", code);
        } else {
            if (code == '"' || code == '\\')
                *out++ = '\\';
            out = put_raw(out, p, length);
        }
        p += length;
    }
    *out++ = '"';
    return out;
}

const char *escape_show(char *out, size_t out_size, const char *text)
{
    const uint8_t *p = (const uint8_t *)text;
    const uint8_t *end = p + strlen(text);
    size_t used = 0;
    size_t cut = 0; /* where the ellipsis still fits */

    while (p < end) {
        char piece[4 * 4];
        size_t size = (size_t)(put_character(piece, &p, (size_t)(end - p), true) - piece);

        if (used + size + 1 > out_size) {
            memcpy(out + cut, ELLIPSIS, sizeof ELLIPSIS);
            return out;
        }
        memcpy(out + used, piece, size);
        used += size;
        if (used + sizeof ELLIPSIS <= out_size)
            cut = used;
    }
    out[used] = '\0';
    return out;
}

/* One character of escaped text, so of valid UTF-8; a stray byte counts as one column. */
static size_t next_width(const char *text, size_t left, size_t *length)
{
    uint32_t code;

    *length = utf8_get((const uint8_t *)text, left, &code);
    if (*length == 0)
        *length = 1;
    if (code < 0x300)
        return 1;
    if (in_ranges(code, zero_width, COUNT_OF(zero_width)))
        return 0;
    return in_ranges(code, double_width, COUNT_OF(double_width)) ? 2 : 1;
}

size_t escape_columns(const char *text, size_t size)
{
    size_t columns = 0;
    size_t length;

    for (size_t at = 0; at < size; at += length)
        columns += next_width(text + at, size - at, &length);
    return columns;
}

size_t escape_cut(const char *text, size_t size, size_t columns)
{
    size_t used = 0;
    size_t length;

    for (size_t at = 0; at < size; at += length) {
        used += next_width(text + at, size - at, &length);
        if (used > columns)
            return at;
    }
    return size;
}
