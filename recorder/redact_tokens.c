/*
 * Values that give themselves away: tokens with a published prefix, JWTs, private keys, and the
 * passwords of URLs.
 *
 * The prefixes are those that the issuers document so that scanners find them.
 */
#include "recorder/redact_rules.h"

#include <pthread.h>

#include "schema/error.h"

enum token_bytes {
    BYTES_ALNUM,
    BYTES_WORD,   /* also _ and - */
    BYTES_DOTTED, /* also . */
    BYTES_PATH,   /* also / */
};

#define P(prefix) prefix, sizeof(prefix) - 1

static const struct token_shape {
    const char *prefix;
    size_t length;
    enum token_bytes bytes;
    size_t least; /* bytes after the prefix, not more than all real ones have */
} shapes[] = {
    { P("AKIA"), BYTES_ALNUM, 12 },
    { P("ASIA"), BYTES_ALNUM, 12 },
    { P("ABIA"), BYTES_ALNUM, 12 },
    { P("ACCA"), BYTES_ALNUM, 12 },
    { P("LTAI"), BYTES_ALNUM, 12 },
    { P("AKID"), BYTES_ALNUM, 28 },
    { P("AIza"), BYTES_WORD, 30 },
    { P("ya29."), BYTES_DOTTED, 16 },
    { P("GOCSPX-"), BYTES_WORD, 16 },
    { P("ghp_"), BYTES_ALNUM, 20 },
    { P("gho_"), BYTES_ALNUM, 20 },
    { P("ghu_"), BYTES_ALNUM, 20 },
    { P("ghs_"), BYTES_DOTTED, 20 },
    { P("ghr_"), BYTES_ALNUM, 20 },
    { P("github_pat_"), BYTES_WORD, 20 },
    { P("glpat-"), BYTES_DOTTED, 16 },
    { P("gldt-"), BYTES_WORD, 16 },
    { P("glrt-"), BYTES_DOTTED, 16 },
    { P("glcbt-"), BYTES_WORD, 16 },
    { P("glptt-"), BYTES_WORD, 16 },
    { P("glsoat-"), BYTES_WORD, 16 },
    { P("glft-"), BYTES_WORD, 16 },
    { P("glagent-"), BYTES_WORD, 16 },
    { P("ATBB"), BYTES_ALNUM, 28 },
    { P("ATATT3"), BYTES_WORD, 24 },
    { P("ATCTT3"), BYTES_WORD, 24 },
    { P("xoxb-"), BYTES_WORD, 10 },
    { P("xoxp-"), BYTES_WORD, 10 },
    { P("xoxa-"), BYTES_WORD, 10 },
    { P("xoxr-"), BYTES_WORD, 10 },
    { P("xoxs-"), BYTES_WORD, 10 },
    { P("xoxc-"), BYTES_WORD, 10 },
    { P("xoxd-"), BYTES_WORD, 10 },
    { P("xoxe-"), BYTES_WORD, 10 },
    { P("xoxe."), BYTES_DOTTED, 10 },
    { P("xapp-"), BYTES_WORD, 10 },
    { P("hooks.slack.com/services/"), BYTES_PATH, 16 },
    { P("discord.com/api/webhooks/"), BYTES_PATH, 16 },
    { P("sk_live_"), BYTES_ALNUM, 12 },
    { P("sk_test_"), BYTES_ALNUM, 12 },
    { P("rk_live_"), BYTES_ALNUM, 12 },
    { P("rk_test_"), BYTES_ALNUM, 12 },
    { P("whsec_"), BYTES_ALNUM, 16 },
    { P("sq0atp-"), BYTES_WORD, 16 },
    { P("sq0csp-"), BYTES_WORD, 16 },
    { P("sk-ant-"), BYTES_WORD, 16 },
    { P("sk-proj-"), BYTES_WORD, 16 },
    { P("sk-svcacct-"), BYTES_WORD, 16 },
    { P("sk-or-v1-"), BYTES_ALNUM, 16 },
    { P("sk-"), BYTES_ALNUM, 32 },
    { P("gsk_"), BYTES_ALNUM, 32 },
    { P("xai-"), BYTES_ALNUM, 32 },
    { P("nvapi-"), BYTES_WORD, 32 },
    { P("pplx-"), BYTES_ALNUM, 32 },
    { P("hf_"), BYTES_ALNUM, 28 },
    { P("r8_"), BYTES_ALNUM, 30 },
    { P("npm_"), BYTES_ALNUM, 30 },
    { P("pypi-"), BYTES_WORD, 40 },
    { P("rubygems_"), BYTES_ALNUM, 32 },
    { P("dckr_pat_"), BYTES_WORD, 16 },
    { P("dckr_oat_"), BYTES_WORD, 16 },
    { P("dop_v1_"), BYTES_ALNUM, 32 },
    { P("doo_v1_"), BYTES_ALNUM, 32 },
    { P("dor_v1_"), BYTES_ALNUM, 32 },
    { P("shpat_"), BYTES_ALNUM, 24 },
    { P("shpca_"), BYTES_ALNUM, 24 },
    { P("shppa_"), BYTES_ALNUM, 24 },
    { P("shpss_"), BYTES_ALNUM, 24 },
    { P("SG."), BYTES_DOTTED, 40 },
    { P("key-"), BYTES_ALNUM, 32 },
    { P("xkeysib-"), BYTES_WORD, 32 },
    { P("hvs."), BYTES_WORD, 20 },
    { P("hvb."), BYTES_WORD, 20 },
    { P("hvr."), BYTES_WORD, 20 },
    { P("dapi"), BYTES_WORD, 32 },
    { P("glc_"), BYTES_WORD, 24 },
    { P("glsa_"), BYTES_WORD, 24 },
    { P("NRAK-"), BYTES_ALNUM, 20 },
    { P("sntrys_"), BYTES_WORD, 24 },
    { P("sntryu_"), BYTES_ALNUM, 24 },
    { P("lin_api_"), BYTES_ALNUM, 24 },
    { P("figd_"), BYTES_WORD, 24 },
    { P("PMAK-"), BYTES_WORD, 24 },
    { P("pscale_tkn_"), BYTES_WORD, 24 },
    { P("pscale_pw_"), BYTES_WORD, 24 },
    { P("sbp_"), BYTES_ALNUM, 32 },
    { P("sb_secret_"), BYTES_WORD, 16 },
    { P("phx_"), BYTES_ALNUM, 32 },
    { P("tskey-"), BYTES_WORD, 16 },
    { P("ntn_"), BYTES_ALNUM, 32 },
    { P("dp.pt."), BYTES_ALNUM, 32 },
    { P("dp.st."), BYTES_DOTTED, 32 },
    { P("dt0c01."), BYTES_DOTTED, 40 },
    { P("ops_eyJ"), BYTES_WORD, 40 },
    { P("amzn.mws."), BYTES_WORD, 24 },
    { P("AGE-SECRET-KEY-1"), BYTES_ALNUM, 32 },
};

static bool is_token_byte(uint8_t c, enum token_bytes bytes)
{
    if (is_letter(c) || is_digit(c))
        return true;
    if (bytes >= BYTES_WORD && (c == '_' || c == '-'))
        return true;
    return (bytes >= BYTES_DOTTED && c == '.') || (bytes >= BYTES_PATH && c == '/');
}

static size_t run_end(const struct redact_line *line, size_t at, enum token_bytes bytes)
{
    while (at < line->size && is_token_byte(line->raw[at], bytes))
        at++;
    return at;
}

/* The line breaks off at `end`: what is missing could make it a token. */
static bool is_cut_at(const struct redact_line *line, size_t end)
{
    return line->cut && end == line->size;
}

/* The end of the token that begins at `at`; `at` if there is none. */
static size_t shape_end(const struct redact_line *line, size_t at, const struct token_shape *shape)
{
    size_t left = line->size - at;
    size_t length = shape->length;
    size_t end;

    if (left < length)
        return line->cut && memcmp(line->raw + at, shape->prefix, left) == 0 ? line->size : at;
    if (memcmp(line->raw + at, shape->prefix, length) != 0)
        return at;
    end = run_end(line, at + length, shape->bytes);
    return end - at - length >= shape->least || is_cut_at(line, end) ? end : at;
}

/*
 * eyJ….eyJ….…: two parts that are base64 of {". `*checked` is how far the first part was searched
 * in vain, so that no byte is searched twice.
 */
static size_t jwt_end(const struct redact_line *line, size_t at, size_t *checked)
{
    size_t left = line->size - at;
    size_t end;

    if (at < *checked || memcmp(line->raw + at, "eyJ", left < 3 ? left : 3) != 0)
        return at;
    if (left < 3)
        return line->cut ? line->size : at;
    end = run_end(line, at, BYTES_WORD);
    if (is_cut_at(line, end))
        return end;
    if (line->size - end >= 4 ? memcmp(line->raw + end, ".eyJ", 4) == 0
                              : line->cut && memcmp(line->raw + end, ".eyJ", line->size - end) == 0)
        return run_end(line, end, BYTES_DOTTED);
    *checked = end;
    return at;
}

/* A chat bot's 123456789:AA…; the number is its public name. */
static size_t bot_token(const struct redact_line *line, size_t at, size_t *end)
{
    size_t colon = at;

    while (colon < line->size && colon - at < 11 && is_digit(line->raw[colon]))
        colon++;
    *end = at;
    if (colon - at < 8 || colon - at > 10 || colon == line->size || line->raw[colon] != ':')
        return at;
    *end = run_end(line, colon + 1, BYTES_WORD);
    if (*end - colon - 1 < 34 && !is_cut_at(line, *end))
        *end = at;
    return colon + 1;
}

/*
 * Which shapes begin with a byte, one behind the other; most bytes begin none and need not be looked at.
 */
static struct beginnings {
    bool any[UINT8_MAX + 1];                              /* also of what is no shape */
    uint8_t first[UINT8_MAX + 1], next[COUNT_OF(shapes)]; /* number of a shape, counted from 1 */
} beginnings;
static pthread_once_t beginnings_listed = PTHREAD_ONCE_INIT;

static void list_beginnings(void)
{
    struct beginnings *b = &beginnings;

    for (size_t i = COUNT_OF(shapes); i > 0; i--) {
        uint8_t c = (uint8_t)shapes[i - 1].prefix[0];

        b->next[i - 1] = b->first[c];
        b->first[c] = (uint8_t)i;
        b->any[c] = true;
    }
    b->any['e'] = true; /* jwt_end */
    for (size_t c = '0'; c <= '9'; c++)
        b->any[c] = true; /* bot_token */
}

static size_t any_shape_end(const struct redact_line *line, size_t at)
{
    size_t end = at;

    for (size_t i = beginnings.first[line->raw[at]]; i > 0 && end == at; i = beginnings.next[i - 1])
        end = shape_end(line, at, &shapes[i - 1]);
    return end;
}

void redact_tokens(const struct redact_line *line)
{
    size_t checked = 0;

    (void)pthread_once(&beginnings_listed, list_beginnings);
    for (size_t at = 0; at < line->size;) {
        uint8_t before = at > 0 ? line->raw[at - 1] : 0;
        size_t start = at;
        size_t end;

        if (!beginnings.any[line->raw[at]] || is_letter(before) || is_digit(before) ||
            before == '_') {
            at++;
            continue;
        }
        end = any_shape_end(line, at);
        if (end == at)
            end = jwt_end(line, at, &checked);
        if (end == at && is_digit(line->raw[at]))
            start = bot_token(line, at, &end);
        if (end > start)
            redact_mark(line, start, end);
        at = end > at ? end : at + 1;
    }
}

static bool is_text_at(const struct redact_line *line, size_t at, const char *text)
{
    size_t length = strlen(text);

    return line->size - at >= length && memcmp(line->raw + at, text, length) == 0;
}

/*
 * Behind the line "-----BEGIN … PRIVATE KEY-----" at `at`, whose words may be arguments of their
 * own; `at` if there is none.
 */
static size_t private_key_start(const struct redact_line *line, size_t at)
{
    enum { TITLE_MAX = 64 };
    size_t limit = line->size - at < TITLE_MAX ? line->size : at + TITLE_MAX;

    if (!is_text_at(line, at, "-----BEGIN"))
        return at;
    for (size_t i = at + 10; i + 11 <= limit; i++) {
        if (!is_text_at(line, i, "PRIVATE") || !is_text_at(line, i + 8, "KEY"))
            continue;
        i += 11;
        if (is_text_at(line, i, " BLOCK"))
            i += 6;
        while (i < line->size && line->raw[i] == '-')
            i++;
        return i;
    }
    return at;
}

void redact_private_keys(const struct redact_line *line)
{
    for (size_t at = 0; at < line->size;) {
        size_t start = line->raw[at] == '-' ? private_key_start(line, at) : at;
        size_t end = start;

        if (start == at) {
            at++;
            continue;
        }
        while (end < line->size && !is_text_at(line, end, "-----END"))
            end++;
        redact_mark(line, start, end);
        at = end;
    }
}

/* One URL from its authority on. */
struct url {
    size_t start;
    size_t colon; /* the first ":"; 0 is none */
    size_t at;    /* the last "@"; 0 is none */
    size_t end;   /* of the authority */
    bool port;    /* after the colon there are only digits */
};

static bool ends_url(uint8_t c)
{
    return c == '\0' || is_blank(c) || is_quote(c) || c == '<' || c == '>';
}

static struct url parse_authority(const struct redact_line *line, size_t start)
{
    struct url url = { .start = start, .end = start, .port = true };

    for (; url.end < line->size && !ends_url(line->raw[url.end]); url.end++) {
        uint8_t c = line->raw[url.end];

        if (c == '/' || c == '?' || c == '#')
            break;
        if (c == '@')
            url.at = url.end;
        else if (c == ':' && url.colon == 0)
            url.colon = url.end;
        else if (url.colon != 0 && !is_digit(c))
            url.port = false;
    }
    return url;
}

/*
 * The password of user:password@host is from `colon` to the last "@". What stands after the colon
 * and is no port may be a password with a "/" in it; then the "@" is further on. `*searched` is how
 * far such an "@" was searched in vain.
 */
static size_t see_url(const struct redact_line *line, size_t start, size_t *searched)
{
    struct url url = parse_authority(line, start);
    size_t end = url.end;

    if (url.colon == 0 || (url.at != 0 && url.at < url.colon) || line->raw[start] == '[')
        return url.end;
    if (url.at == 0 && !url.port && url.end >= *searched) {
        for (; end < line->size && !ends_url(line->raw[end]); end++)
            if (line->raw[end] == '@')
                url.at = end;
        if (url.at == 0)
            *searched = end;
    }
    if (is_cut_at(line, end)) /* a later "@" may be missing */
        url.at = end;
    if (url.at == 0)
        return url.end;
    redact_mark(line, url.colon + 1, url.at);
    return url.at;
}

void redact_urls(const struct redact_line *line)
{
    size_t searched = 0;

    for (size_t at = 0; at < line->size;) {
        if (line->raw[at] == ':' && is_text_at(line, at, "://"))
            at = at + 3 < line->size ? see_url(line, at + 3, &searched) : line->size;
        else
            at++;
    }
}
