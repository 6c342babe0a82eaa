/* The text of a check -> what is asked, of whom, and the bound. */
#include <stdlib.h>
#include <string.h>

#include "analyzer/check.h"
#include "analyzer/escape.h"
#include "analyzer/report_ask.h"

enum { WORD_MAX = 64, WHERE_MAX = 4000 };

const char *const check_fact_names[FACT_COUNT_OF_FACTS] = {
    [FACT_TICKS_MISSED] = "ticks_missed",       [FACT_TICKS_DROPPED] = "ticks_dropped",
    [FACT_EXITS_LOST] = "exits_lost",           [FACT_NOT_ATTRIBUTED] = "not_attributed_percent",
    [FACT_COVERED_PERCENT] = "covered_percent", [FACT_GAPS] = "gaps",
};

const char *const check_relation_names[] = {
    [CHECK_BELOW] = "<",     [CHECK_AT_MOST] = "<=", [CHECK_ABOVE] = ">",
    [CHECK_AT_LEAST] = ">=", [CHECK_EQUAL] = "==",   [CHECK_DIFFERENT] = "!=",
};

struct parser {
    struct check *check;
    const char *at;
    struct error *err;
};

/* --- words --- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_space(struct parser *p)
{
    while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n')
        p->at++;
}

/* Characters, not bytes: what a person counts. */
static size_t position(const struct parser *p, const char *at)
{
    size_t count = 1;

    for (const char *c = p->check->text; c < at; c++)
        count += ((unsigned char)*c & 0xc0) != 0x80;
    return count;
}

static enum status refuse(const struct parser *p, const char *at, const char *expected)
{
    char shown[160], word[24] = "";
    size_t size = 0;

    while (size + 1 < sizeof word && at[size] != '\0' && (size == 0 || is_letter(at[size])))
        size++;
    memcpy(word, at, size);
    word[size] = '\0';
    (void)escape_show(shown, sizeof shown, word);
    if (*at == '\0')
        return error_set(p->err, STATUS_INVALID, "%.200s: expected %s at its end", p->check->text,
                         expected);
    return error_set(p->err, STATUS_INVALID, "%.200s: character %zu: expected %s, not %s",
                     p->check->text, position(p, at), expected, shown);
}

static bool take(struct parser *p, const char *sign)
{
    size_t size = strlen(sign);

    skip_space(p);
    if (strncmp(p->at, sign, size) != 0)
        return false;
    p->at += size;
    return true;
}

/* A run of letters and digits; "" where there is none, or a longer one than anything is called. */
static void take_word(struct parser *p, char word[WORD_MAX])
{
    size_t size = 0;

    skip_space(p);
    while (is_letter(p->at[size]) || (size > 0 && is_digit(p->at[size])))
        size++;
    size = size < WORD_MAX ? size : 0;
    memcpy(word, p->at, size);
    word[size] = '\0';
    p->at += size;
}

/* --- whose --- */

struct where_text {
    char text[WHERE_MAX];
    size_t used;
    bool full;
};

static void add(struct where_text *w, const char *text, size_t size)
{
    if (size >= sizeof w->text - w->used) {
        w->full = true;
        return;
    }
    memcpy(w->text + w->used, text, size);
    w->used += size;
    w->text[w->used] = '\0';
}

static bool is_field(const char *word, bool *number)
{
    static const char *const numbers[] = { "process_id", "pid", "ppid", "uid" };
    static const char *const texts[] = { "user",   "comm", "exe",      "cmdline",
                                         "cgroup", "unit", "container" };

    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (strcmp(word, numbers[i]) == 0)
            return *number = true;
    *number = false;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (strcmp(word, texts[i]) == 0)
            return true;
    return false;
}

static enum status take_value(struct parser *p, bool number, struct where_text *w)
{
    const char *begin, *end;

    skip_space(p);
    begin = end = p->at;
    if (number) {
        while (is_digit(*end))
            end++;
        if (end == begin)
            return refuse(p, p->at, "a number");
    } else {
        if (*begin != '"' && *begin != '\'')
            return refuse(p, p->at, "a text in quotes");
        end = strchr(begin + 1, *begin);
        if (end == NULL)
            return refuse(p, begin, "the end of what is quoted");
        end++;
    }
    add(w, begin, (size_t)(end - begin));
    p->at = end;
    return STATUS_OK;
}

static enum status parse_matcher(struct parser *p, struct where_text *w)
{
    static const char *const matches[] = { "!=", "!~", "<=", ">=", "=", "~", "<", ">" };
    const char *begin, *match = NULL;
    char field[WORD_MAX];
    bool number = false;

    skip_space(p);
    begin = p->at;
    take_word(p, field);
    if (!is_field(field, &number))
        return refuse(p, begin,
                      "process_id, pid, ppid, uid, user, comm, exe, cmdline, cgroup, unit or "
                      "container");
    skip_space(p);
    begin = p->at;
    for (size_t i = 0; i < COUNT_OF(matches) && match == NULL; i++)
        if (take(p, matches[i]))
            match = matches[i];
    if (match == NULL || (number && strchr(match, '~') != NULL) ||
        (match[0] == '=' && *p->at == '~'))
        return refuse(p, begin,
                      number ? "= != < <= > or >=" : "= != ~ or !~ (a pattern of * and ?)");
    add(w, match[0] == '!' && match[1] == '~' ? "not " : "",
        match[0] == '!' && match[1] == '~' ? 4 : 0);
    add(w, field, strlen(field));
    add(w, match[0] == '!' && match[1] == '~' ? "~" : match,
        match[0] == '!' && match[1] == '~' ? 1 : strlen(match));
    return take_value(p, number, w);
}

static enum status parse_selector(struct parser *p)
{
    struct where_text *w;
    struct where *where;
    enum status st = STATUS_OK;

    if (!take(p, "{") || take(p, "}"))
        return STATUS_OK;
    w = calloc(1, sizeof *w);
    where = calloc(1, sizeof *where);
    if (w == NULL || where == NULL)
        st = error_set(p->err, STATUS_NO_MEMORY, "a check");
    do {
        if (st == STATUS_OK && w->used > 0)
            add(w, " and ", 5);
        if (st == STATUS_OK)
            st = parse_matcher(p, w);
    } while (st == STATUS_OK && take(p, ","));
    if (st == STATUS_OK && !take(p, "}"))
        st = refuse(p, p->at, "a comma or }");
    if (st == STATUS_OK && w->full)
        st = error_set(p->err, STATUS_INVALID, "%.200s: too long", p->check->text);
    if (st == STATUS_OK)
        st = where_parse(where, w->text, p->err);
    if (st == STATUS_OK) {
        p->check->where = strdup(w->text);
        if (p->check->where == NULL)
            st = error_set(p->err, STATUS_NO_MEMORY, "a check");
    }
    free(w);
    free(where);
    return st;
}

static enum status parse_by(struct parser *p)
{
    const char *before = p->at, *begin;
    char word[WORD_MAX];
    bool open;

    take_word(p, word);
    if (strcmp(word, "by") != 0) {
        p->at = before;
        return STATUS_OK;
    }
    open = take(p, "(");
    skip_space(p);
    begin = p->at;
    take_word(p, word);
    for (size_t i = 0; i < BY_COUNT; i++)
        if (strcmp(word, report_group_names[i]) == 0) {
            p->check->by = (enum group_by)i;
            return !open || take(p, ")") ? STATUS_OK : refuse(p, p->at, ")");
        }
    return refuse(p, begin, "process, comm, exe, user, cgroup, container, unit or lineage");
}

/* --- what --- */

static bool is_quantity(const struct report_column *c)
{
    return (c->fact >= FACT_GPU_SECONDS && c->fact != FACT_ENERGY_METHOD) ||
           c->fact == FACT_PROCESSES || c->fact == FACT_EXIT_CODE;
}

static bool adds_up(const struct report_column *c)
{
    return c->fact == FACT_INCREASE || c->fact == FACT_SWITCHES || c->fact == FACT_IN_GAPS ||
           c->fact == FACT_GPU_SECONDS || c->fact == FACT_GPU_JOULES ||
           c->fact == FACT_CPU_JOULES || c->fact == FACT_PROCESSES;
}

static const struct report_column *find_column(const char *name, const char *suffix)
{
    size_t size = strlen(name);

    for (size_t i = 0; i < report_column_count; i++) {
        const char *have = report_columns[i].output.name;

        if (is_quantity(&report_columns[i]) && strncmp(have, name, size) == 0 &&
            (suffix == NULL ? have[size] == '\0'
                            : have[size] == '_' && strcmp(have + size + 1, suffix) == 0))
            return &report_columns[i];
    }
    return NULL;
}

/* Names of columns that can stand there, without what the function adds. */
static enum status refuse_column(const struct parser *p, const char *at, const char *function)
{
    char known[300] = "";
    size_t used = 0;

    for (size_t i = 0; i < report_column_count && used < sizeof known; i++) {
        const struct report_column *c = &report_columns[i];
        const char *name = c->output.name, *end = strrchr(name, '_');
        bool sum = function != NULL && strcmp(function, "sum") == 0;
        bool fits = is_quantity(c) && (function == NULL ? true
                                       : sum            ? adds_up(c)
                                             : end != NULL && strcmp(end + 1, function) == 0);

        if (fits)
            used += (size_t)snprintf(
                known + used, sizeof known - used, " %.*s",
                function == NULL || sum ? (int)strlen(name) : (int)(end - name), name);
    }
    return error_set(p->err, STATUS_INVALID,
                     "%.100s: character %zu: expected a figure%s%s; there are%s …", p->check->text,
                     position(p, at), function == NULL ? "" : " that has a ",
                     function == NULL ? "" : function, known);
}

static enum status parse_call(struct parser *p, const char *function)
{
    struct check *check = p->check;
    char word[WORD_MAX];
    const char *begin;

    if (strcmp(function, "count") == 0) {
        check->figure = CHECK_COUNT;
    } else {
        bool sum = strcmp(function, "sum") == 0;

        skip_space(p);
        begin = p->at;
        take_word(p, word);
        check->figure = sum ? CHECK_SUM : CHECK_COLUMN;
        check->column = find_column(word, sum ? NULL : function);
        if (check->column == NULL || (sum && !adds_up(check->column)))
            return refuse_column(p, begin, function);
    }
    if (parse_selector(p) != STATUS_OK)
        return p->err->status;
    return take(p, ")") ? parse_by(p) : refuse(p, p->at, "{ or )");
}

static enum status parse_figure(struct parser *p)
{
    static const char *const functions[] = { "max", "mean", "p95", "sum", "count" };
    const char *begin;
    char word[WORD_MAX];

    skip_space(p);
    begin = p->at;
    take_word(p, word);
    for (size_t i = 0; i < COUNT_OF(functions); i++)
        if (strcmp(word, functions[i]) == 0 && take(p, "("))
            return parse_call(p, functions[i]);
    for (size_t i = 0; i < FACT_COUNT_OF_FACTS; i++)
        if (strcmp(word, check_fact_names[i]) == 0) {
            p->check->figure = CHECK_FACT;
            p->check->fact = (enum check_fact)i;
            return STATUS_OK;
        }
    if (word[0] == '\0')
        return refuse(p, begin,
                      "max(, mean(, p95(, sum(, count(, a column of report, or a fact such as "
                      "ticks_missed");
    p->check->column = find_column(word, NULL);
    if (p->check->column == NULL)
        return refuse_column(p, begin, NULL);
    return parse_selector(p) == STATUS_OK ? parse_by(p) : p->err->status;
}

/* --- the bound --- */

static const struct unit {
    const char *name;
    enum output_human human;
    long double size;
} units[] = {
    { "B", HUMAN_BYTES, 1 },
    { "kB", HUMAN_BYTES, 1e3L },
    { "KB", HUMAN_BYTES, 1e3L },
    { "MB", HUMAN_BYTES, 1e6L },
    { "GB", HUMAN_BYTES, 1e9L },
    { "TB", HUMAN_BYTES, 1e12L },
    { "KiB", HUMAN_BYTES, 1024 },
    { "MiB", HUMAN_BYTES, 1048576 },
    { "GiB", HUMAN_BYTES, 1073741824 },
    { "TiB", HUMAN_BYTES, 1099511627776 },
    { "ns", HUMAN_SECONDS, 1e-9L },
    { "us", HUMAN_SECONDS, 1e-6L },
    { "ms", HUMAN_SECONDS, 1e-3L },
    { "s", HUMAN_SECONDS, 1 },
    { "min", HUMAN_SECONDS, 60 },
    { "h", HUMAN_SECONDS, 3600 },
    { "%", HUMAN_PERCENT, 1 },
    { "core", HUMAN_PERCENT, 100 },
    { "cores", HUMAN_PERCENT, 100 },
    { "mW", HUMAN_WATTS, 1e-3L },
    { "W", HUMAN_WATTS, 1 },
    { "kW", HUMAN_WATTS, 1e3L },
    { "J", HUMAN_JOULES, 1 },
    { "kJ", HUMAN_JOULES, 1e3L },
    { "MJ", HUMAN_JOULES, 1e6L },
};

static enum output_human human_of(const struct check *check)
{
    if (check->figure == CHECK_FACT)
        return check->fact == FACT_NOT_ATTRIBUTED || check->fact == FACT_COVERED_PERCENT
                   ? HUMAN_PERCENT
                   : HUMAN_COUNT;
    return check->figure == CHECK_COUNT ? HUMAN_COUNT : check->column->output.human;
}

const char *check_unit(const struct check *check)
{
    switch (human_of(check)) {
    case HUMAN_BYTES:
        return "bytes";
    case HUMAN_SECONDS:
        return "seconds";
    case HUMAN_PERCENT:
        return "percent";
    case HUMAN_WATTS:
        return "watts";
    case HUMAN_JOULES:
        return "joules";
    default:
        return "";
    }
}

static enum status parse_unit(struct parser *p)
{
    enum output_human human = human_of(p->check);
    char expected[160] = "the end";
    const char *begin;
    char word[WORD_MAX];

    skip_space(p);
    begin = p->at;
    if (*p->at == '\0')
        return STATUS_OK;
    if (take(p, "%"))
        (void)memcpy(word, "%", 2);
    else
        take_word(p, word);
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (units[i].human == human && strcmp(units[i].name, word) == 0) {
            p->check->bound *= units[i].size;
            skip_space(p);
            return *p->at == '\0' ? STATUS_OK : refuse(p, p->at, "the end");
        }
        if (units[i].human == human)
            (void)snprintf(expected + strlen(expected), sizeof expected - strlen(expected), ", %s",
                           units[i].name);
    }
    return refuse(p, begin, expected);
}

static enum status parse_bound(struct parser *p)
{
    static const struct {
        const char *sign;
        enum check_relation relation;
    } signs[] = { { "<=", CHECK_AT_MOST },   { ">=", CHECK_AT_LEAST }, { "==", CHECK_EQUAL },
                  { "!=", CHECK_DIFFERENT }, { "<", CHECK_BELOW },     { ">", CHECK_ABOVE } };
    const char *digits;
    char *end;
    bool found = false;

    for (size_t i = 0; i < COUNT_OF(signs) && !found; i++)
        if (take(p, signs[i].sign)) {
            p->check->relation = signs[i].relation;
            found = true;
        }
    if (!found)
        return refuse(p, p->at, "< <= > >= == or !=");
    skip_space(p);
    digits = p->at + (*p->at == '-');
    if (!is_digit(*digits) || strspn(digits, "0123456789.") > 40)
        return refuse(p, p->at, "a number");
    /* Digits and a point: what strtold would take besides, such as 0x10 or 1e9, is not written here. */
    p->check->bound = strtold(p->at, &end);
    digits += strspn(digits, "0123456789");
    digits += *digits == '.' ? 1 + strspn(digits + 1, "0123456789") : 0;
    if (end != digits)
        return refuse(p, digits, "a number of digits and a point, then a unit");
    p->at = end;
    return parse_unit(p);
}

enum status check_parse(struct check *check, const char *text, struct error *err)
{
    struct parser p = { .check = check, .at = text, .err = err };

    *check = (struct check){ .text = text };
    if (parse_figure(&p) != STATUS_OK)
        return err->status;
    return parse_bound(&p);
}

void check_release(struct check *check)
{
    free(check->where);
    check->where = NULL;
}
