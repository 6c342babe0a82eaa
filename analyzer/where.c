/* The text of --where -> its tree. Recursive descent; a node for each operator and comparison. */
#include "analyzer/where.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "analyzer/escape.h"

static const char *const field_names[WHERE_FIELD_COUNT] = {
    [WHERE_PROCESS_ID] = "process_id",
    [WHERE_PID] = "pid",
    [WHERE_PPID] = "ppid",
    [WHERE_UID] = "uid",
    [WHERE_START_TIME] = "start_time",
    [WHERE_USER] = "user",
    [WHERE_COMM] = "comm",
    [WHERE_EXE] = "exe",
    [WHERE_CMDLINE] = "cmdline",
    [WHERE_CGROUP] = "cgroup",
    [WHERE_UNIT] = "unit",
    [WHERE_CONTAINER] = "container",
};

/* --- words --- */

enum token_kind {
    TOKEN_END,
    TOKEN_WORD, /* a field, and, or, not */
    TOKEN_NUMBER,
    TOKEN_TEXT,
    TOKEN_OPERATOR,
    TOKEN_LEFT,
    TOKEN_RIGHT,
    TOKEN_OPEN,  /* a quote that is not closed */
    TOKEN_OTHER, /* no word of the language */
};

struct token {
    enum token_kind kind;
    const char *at;
    size_t size;
    struct text text; /* between the quotes */
    enum where_relation relation;
};

struct parser {
    struct where *where;
    const char *text;
    struct token token; /* the next one */
    unsigned depth;
    struct error *err;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A run of letters and digits: a number if it begins with a digit, or with - before one. */
static void take_run(struct token *token)
{
    token->kind = is_letter(token->at[0]) ? TOKEN_WORD : TOKEN_NUMBER;
    for (token->size = 1; is_letter(token->at[token->size]) || is_digit(token->at[token->size]);)
        token->size++;
}

static void take_quoted(struct token *token)
{
    const char *end = strchr(token->at + 1, token->at[0]);

    token->kind = end == NULL ? TOKEN_OPEN : TOKEN_TEXT;
    token->size = end == NULL ? strlen(token->at) : (size_t)(end - token->at) + 1;
    if (end != NULL)
        token->text = (struct text){ token->at + 1, (uint32_t)(token->size - 2) };
}

static void take_operator(struct token *token)
{
    static const struct {
        const char *text;
        enum where_relation relation;
    } operators[] = { { "!=", WHERE_NOT_EQUAL }, { "<=", WHERE_AT_MOST }, { ">=", WHERE_AT_LEAST },
                      { "=", WHERE_EQUAL },      { "<", WHERE_LESS },     { ">", WHERE_GREATER },
                      { "~", WHERE_LIKE } };

    token->kind = TOKEN_OTHER;
    token->size = 1;
    for (size_t i = 0; i < COUNT_OF(operators) && token->kind == TOKEN_OTHER; i++)
        if (strncmp(token->at, operators[i].text, strlen(operators[i].text)) == 0) {
            token->kind = TOKEN_OPERATOR;
            token->size = strlen(operators[i].text);
            token->relation = operators[i].relation;
        }
}

static void take(struct parser *p)
{
    const char *at = p->token.at + p->token.size;
    struct token *token = &p->token;

    while (*at == ' ' || *at == '\t' || *at == '\n')
        at++;
    *token = (struct token){ .kind = TOKEN_END, .at = at };
    if (*at == '\0')
        return;
    if (is_letter(*at) || is_digit(*at) || (*at == '-' && is_digit(at[1]))) {
        take_run(token);
    } else if (*at == '\'' || *at == '"') {
        take_quoted(token);
    } else if (*at == '(' || *at == ')') {
        token->kind = *at == '(' ? TOKEN_LEFT : TOKEN_RIGHT;
        token->size = 1;
    } else {
        take_operator(token);
    }
}

static bool is_word(const struct token *token, const char *word)
{
    return token->kind == TOKEN_WORD && token->size == strlen(word) &&
           strncasecmp(token->at, word, token->size) == 0;
}

/* Characters, not bytes: what a person counts. */
static size_t position(const struct parser *p, const char *at)
{
    size_t count = 1;

    for (const char *c = p->text; c < at; c++)
        count += ((unsigned char)*c & 0xc0) != 0x80;
    return count;
}

/* What was expected instead of the next token. */
static enum status refuse(const struct parser *p, const char *expected)
{
    const struct token *token = &p->token;
    char word[44], shown[120];

    (void)snprintf(word, sizeof word, "%.*s", (int)(token->size < 40 ? token->size : 40),
                   token->at);
    if (token->kind == TOKEN_END)
        return error_set(p->err, STATUS_INVALID, "--where: expected %s at its end", expected);
    if (token->kind == TOKEN_OPEN)
        return error_set(p->err, STATUS_INVALID, "--where, character %zu: the quote is not closed",
                         position(p, token->at));
    return error_set(p->err, STATUS_INVALID, "--where, character %zu: expected %s, not %s",
                     position(p, token->at), expected, escape_show(shown, sizeof shown, word));
}

/* --- the tree --- */

static enum status add_node(struct parser *p, struct where_node node, uint16_t *number)
{
    struct where *where = p->where;

    if (where->count == WHERE_NODES_MAX)
        return error_set(p->err, STATUS_INVALID,
                         "--where, character %zu: more than %d comparisons, ands, ors and nots",
                         position(p, p->token.at), WHERE_NODES_MAX);
    *number = (uint16_t)where->count;
    where->node[where->count++] = node;
    return STATUS_OK;
}

static enum status take_number(struct parser *p, struct where_node *node)
{
    char digits[24], expected[60];
    char *end;

    (void)snprintf(expected, sizeof expected, "a number to compare %s with",
                   field_names[node->field]);
    if (p->token.kind != TOKEN_NUMBER || p->token.size >= sizeof digits)
        return refuse(p, expected);
    memcpy(digits, p->token.at, p->token.size);
    digits[p->token.size] = '\0';
    errno = 0;
    node->number = strtoll(digits, &end, 10);
    return *end != '\0' || errno != 0 ? refuse(p, expected) : STATUS_OK;
}

static enum status take_text(struct parser *p, struct where_node *node)
{
    char expected[80];

    (void)snprintf(expected, sizeof expected, "%s in quotes to compare %s with",
                   node->field == WHERE_START_TIME ? "a time" : "a text", field_names[node->field]);
    if (p->token.kind != TOKEN_TEXT)
        return refuse(p, expected);
    node->text = p->token.text;
    return STATUS_OK;
}

static enum status parse_comparison(struct parser *p, uint16_t *number)
{
    struct where_node node = { .kind = WHERE_COMPARE, .field = WHERE_FIELD_COUNT };
    size_t at;

    for (size_t i = 0; i < WHERE_FIELD_COUNT; i++)
        if (is_word(&p->token, field_names[i]))
            node.field = (uint8_t)i;
    if (node.field == WHERE_FIELD_COUNT)
        return refuse(p, "a comparison of process_id, pid, ppid, uid, start_time, user, comm, exe, "
                         "cmdline, cgroup, unit or container");
    take(p);
    if (p->token.kind != TOKEN_OPERATOR)
        return refuse(p, "one of = != < <= > >= and ~");
    node.relation = (uint8_t)p->token.relation;
    if (node.relation == WHERE_LIKE && node.field <= WHERE_START_TIME)
        return refuse(p, "= != < <= > or >= (~ is for texts)");
    take(p);
    at = position(p, p->token.at);
    node.position = at < UINT16_MAX ? (uint16_t)at : UINT16_MAX;
    if ((node.field < WHERE_START_TIME ? take_number(p, &node) : take_text(p, &node)) != STATUS_OK)
        return p->err->status;
    take(p);
    return add_node(p, node, number);
}

static enum status parse_or(struct parser *p, uint16_t *number);

static enum status parse_condition(struct parser *p, uint16_t *number)
{
    bool negated = is_word(&p->token, "not");
    enum status st;

    if (!negated && p->token.kind != TOKEN_LEFT)
        return parse_comparison(p, number);
    if (p->depth++ == WHERE_DEPTH_MAX)
        return error_set(p->err, STATUS_INVALID, "--where, character %zu: nested too deep",
                         position(p, p->token.at));
    take(p);
    st = negated ? parse_condition(p, number) : parse_or(p, number);
    p->depth--;
    if (st != STATUS_OK)
        return st;
    if (negated)
        return add_node(p, (struct where_node){ .kind = WHERE_NOT, .left = *number }, number);
    if (p->token.kind != TOKEN_RIGHT)
        return refuse(p, "and, or or )");
    take(p);
    return STATUS_OK;
}

static enum status parse_and(struct parser *p, uint16_t *number)
{
    struct where_node node = { .kind = WHERE_AND };

    if (parse_condition(p, number) != STATUS_OK)
        return p->err->status;
    while (is_word(&p->token, "and")) {
        take(p);
        node.left = *number;
        if (parse_condition(p, &node.right) != STATUS_OK || add_node(p, node, number) != STATUS_OK)
            return p->err->status;
    }
    return STATUS_OK;
}

static enum status parse_or(struct parser *p, uint16_t *number)
{
    struct where_node node = { .kind = WHERE_OR };

    if (parse_and(p, number) != STATUS_OK)
        return p->err->status;
    while (is_word(&p->token, "or")) {
        take(p);
        node.left = *number;
        if (parse_and(p, &node.right) != STATUS_OK || add_node(p, node, number) != STATUS_OK)
            return p->err->status;
    }
    return STATUS_OK;
}

enum status where_parse(struct where *where, const char *text, struct error *err)
{
    struct parser p = { .where = where, .text = text, .token = { .at = text }, .err = err };

    where->count = 0;
    take(&p);
    if (parse_or(&p, &where->root) != STATUS_OK)
        return err->status;
    if (p.token.kind != TOKEN_END)
        return refuse(&p, "and, or or the end");
    where->given = true;
    return STATUS_OK;
}
