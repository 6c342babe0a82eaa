/*
 * What the passes of redact.c share: the line under work, and the tables of names.
 *
 * Each pass reads the raw bytes from left to right and marks what must not be written; passes do
 * not see each other's marks. A pass resumes behind what it marked, which keeps it linear.
 */
#ifndef RECORDER_REDACT_RULES_H
#define RECORDER_REDACT_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct redact_line {
    const uint8_t *raw;
    size_t size;
    bool cut;       /* the last argument goes on behind raw[size - 1] */
    uint8_t *marks; /* marks[size]: not 0 where the byte is confidential */
};

/* One argument; zero-initialised stands before the first. */
struct redact_argument {
    size_t start;
    size_t end;
    size_t next;
    bool spaced; /* has white space: perhaps a command line itself, so looked at word by word */
    bool script; /* comes after "-c", "-lc", …: surely a command line */
};

enum name_use {
    NAME_OPTION,     /* --db-password: the last words decide */
    NAME_ASSIGNMENT, /* DB_PASSWORD_PROD=: any word */
    NAME_QUERY,      /* ?sig=: the last words, and those of signed links */
};

/* What of an option's value is confidential. */
enum take {
    TAKE_NOTHING, /* no value is expected */
    TAKE_KEEP,    /* a value that is harmless whatever the option is called */
    TAKE_ALL,
    TAKE_COLON,    /* user:PASSWORD */
    TAKE_PERCENT,  /* user%PASSWORD */
    TAKE_PASS,     /* pass:PASSWORD, but file:NAME and env:NAME are harmless */
    TAKE_USERINFO, /* user:PASSWORD@host */
    TAKE_COOKIE,   /* NAME=VALUE, or a file */
};

/* How a short option is written. */
enum form {
    FORM_EITHER,
    FORM_ATTACHED, /* -pVALUE; "-p VALUE" means something else */
    FORM_SEPARATE, /* -k VALUE; "-kfile" is another option */
};

struct program_option {
    const char *name; /* with its dashes; exact, also in case */
    enum take take;
    enum form form;
};

struct program {
    const char *names; /* separated by spaces */
    const char *needs; /* the subcommand that its short options belong to, or NULL */
    const char *flags; /* short options without a value, which may stand before another */
    bool runs_another; /* its first argument that is no option starts another command */
    struct program_option options[8];
};

/* The program called by this path, or NULL. */
const struct program *program_find(const uint8_t *path, size_t size);
/* The rule for an option of this name, dashes included, or NULL. */
const struct program_option *program_option_find(const struct program *p, const uint8_t *name,
                                                 size_t size);

/* "--name mysql", "--host curl": what comes next is called like a program but is none. */
bool option_takes_name(const uint8_t *option, size_t size);

bool name_is_confidential(const uint8_t *name, size_t size, enum name_use use);
/* Password, passwd, passphrase: so clear that "password:x" is taken without quotes. */
bool name_is_password(const uint8_t *name, size_t size);
/* "Authorization", "X-Anything-Token", also with "-H" before it. */
bool name_is_header(const uint8_t *name, size_t size);
/* Equal but for the case of ASCII letters. */
bool name_equals(const uint8_t *name, size_t size, const char *text);

bool redact_next_argument(const struct redact_line *line, struct redact_argument *arg);
void redact_mark(const struct redact_line *line, size_t start, size_t end);
/* Leave out the quotes around a value, \"escaped\" or not; a cut value may not have its own yet. */
void redact_unquote(const struct redact_line *line, size_t *start, size_t *end);
/* Mark what redact_unquote leaves. */
void redact_mark_value(const struct redact_line *line, size_t start, size_t end);
/* The place of the quote that closes the one at `open`; `limit` if nothing does. */
size_t redact_closing_quote(const struct redact_line *line, size_t open, size_t limit);
/* The end of the text in that quote, before what escapes the closing one. */
size_t redact_quoted_end(const struct redact_line *line, size_t open, size_t limit);
/* Behind the next byte or quoted part of a shell word; `at` where the word ends. */
size_t redact_word_step(const struct redact_line *line, size_t at, size_t limit, uint8_t open);
/* The end of a shell word, quoted parts included; `open` is the quote it stands in, or 0. */
size_t redact_word_end(const struct redact_line *line, size_t start, size_t limit, uint8_t open);
/* Follow the quotes of a shell: what is open after the byte at `at`. */
uint8_t redact_quote_after(const struct redact_line *line, size_t at, size_t start, uint8_t open);

static inline bool is_letter(uint8_t c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static inline bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static inline bool is_blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool is_quote(uint8_t c)
{
    return c == '\'' || c == '"';
}

static inline bool is_separator(uint8_t c)
{
    return c != '\0' && strchr(";&|()<>`", c) != NULL;
}

static inline bool is_name(uint8_t c)
{
    return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
}

/* The passes. */
void redact_options(const struct redact_line *line);
void redact_names(const struct redact_line *line);
void redact_urls(const struct redact_line *line);
void redact_tokens(const struct redact_line *line);
void redact_private_keys(const struct redact_line *line);

#endif
