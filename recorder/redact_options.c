/*
 * Values of options: "--password X" by the option's name, "mysql -pX" by the program.
 *
 * An argument with white space is looked at word by word, as a shell would ("sh -c ..."). Quotes
 * only matter where a value begins; that way a quoted command in a quoted command is still seen.
 */
#include "recorder/redact_rules.h"

struct option_state {
    const struct program *program; /* the last known program that was named */
    bool has_subcommand;           /* ... and the subcommand that it needs */
    bool after_name;               /* the last word was "--name" or alike: this one is no program */
    enum take pending;             /* the next word is the value of an option */
};

/* Where the words of one argument are; a plain argument is one word, whatever is in it. */
struct word_scope {
    size_t limit;
    bool plain;
    uint8_t open; /* the quote in which the current word stands, or 0 */
};

static void take_after(const struct redact_line *line, size_t start, size_t end, uint8_t mark)
{
    const uint8_t *found = memchr(line->raw + start, mark, end - start);

    if (found != NULL)
        redact_mark_value(line, (size_t)(found - line->raw) + 1, end);
}

static void take_userinfo(const struct redact_line *line, size_t start, size_t end)
{
    const uint8_t *colon = memchr(line->raw + start, ':', end - start);
    size_t from = colon == NULL ? end : (size_t)(colon - line->raw) + 1;
    size_t at = end;

    if (colon == NULL || (end - from >= 2 && memcmp(colon, "://", 3) == 0))
        return; /* a whole URL has its own pass */
    while (at > from && line->raw[at - 1] != '@')
        at--;
    if (at > from)
        redact_mark(line, from, at - 1);
    else if (line->cut && end == line->size)
        redact_mark(line, from, end);
}

static void take_value(const struct redact_line *line, size_t start, size_t end, enum take take)
{
    redact_unquote(line, &start, &end);
    switch (take) {
    case TAKE_NOTHING:
    case TAKE_KEEP:
        break;
    case TAKE_ALL:
        redact_mark(line, start, end);
        break;
    case TAKE_COLON:
        take_after(line, start, end, ':');
        break;
    case TAKE_PERCENT:
        take_after(line, start, end, '%');
        break;
    case TAKE_PASS:
        if (end - start > 5 && name_equals(line->raw + start, 5, "pass:"))
            redact_mark(line, start + 5, end);
        break;
    case TAKE_USERINFO:
        take_userinfo(line, start, end);
        break;
    case TAKE_COOKIE:
        if (memchr(line->raw + start, '=', end - start) != NULL || (line->cut && end == line->size))
            redact_mark(line, start, end);
        break;
    }
}

static size_t value_end(const struct redact_line *line, const struct word_scope *scope,
                        size_t start)
{
    if (scope->plain)
        return scope->limit;
    return redact_word_end(line, start, scope->limit, scope->open);
}

/*
 * Take the value at `start`, inside the word that ends at `word_end`. The answer is where to go
 * on: behind a quoted value, else at the word's end, so that nothing after a ";" is passed over.
 */
static size_t take_attached(const struct redact_line *line, const struct word_scope *scope,
                            size_t start, size_t word_end, enum take take)
{
    size_t end = value_end(line, scope, start);

    take_value(line, start, end, take);
    if (word_end < end && (is_quote(line->raw[word_end]) || line->raw[word_end] == '\\'))
        return end;
    return word_end > start ? word_end : start;
}

/* A value may begin at `at`: in the word, or with a quote right behind it. */
static bool is_attached(const struct redact_line *line, const struct word_scope *scope, size_t at,
                        size_t word_end)
{
    if (at < word_end)
        return true;
    if (at >= scope->limit)
        return false;
    return line->raw[at] == '\\' || (is_quote(line->raw[at]) && line->raw[at] != scope->open);
}

/* "-sSuVALUE": flags of the program, then one of its options; false if it is something else. */
static bool short_options(struct option_state *state, const struct redact_line *line,
                          const struct word_scope *scope, size_t start, size_t *end)
{
    const struct program *program = state->program;

    if (line->raw[start + 1] == '-' || (program->needs != NULL && !state->has_subcommand))
        return false;
    for (size_t i = start + 1; i < *end; i++) {
        const uint8_t name[2] = { '-', line->raw[i] };
        const struct program_option *option = program_option_find(program, name, 2);

        if (option == NULL) {
            if (name[1] == '\0' || strchr(program->flags, name[1]) == NULL)
                return false;
            continue;
        }
        if (is_attached(line, scope, i + 1, *end)) {
            if (option->form == FORM_SEPARATE)
                return false;
            *end = take_attached(line, scope, i + 1, *end, option->take);
        } else if (option->form != FORM_ATTACHED) {
            state->pending = option->take;
        }
        return true;
    }
    return false;
}

/* "--user=VALUE", "-passin VALUE": an option of the program by its whole name. */
static bool long_option(struct option_state *state, const struct redact_line *line,
                        const struct word_scope *scope, size_t start, size_t *end)
{
    const uint8_t *equals = memchr(line->raw + start, '=', *end - start);
    size_t name_end = equals == NULL ? *end : (size_t)(equals - line->raw);
    const struct program_option *option =
        program_option_find(state->program, line->raw + start, name_end - start);

    if (option == NULL || name_end - start <= 2)
        return false;
    if (equals == NULL)
        state->pending = option->take;
    else if (is_attached(line, scope, name_end + 1, *end))
        *end = take_attached(line, scope, name_end + 1, *end, option->take);
    return true;
}

/* An option in start..end; the answer is where to go on. "--name=value" is left to redact_names. */
static size_t see_option(struct option_state *state, const struct redact_line *line,
                         const struct word_scope *scope, size_t start, size_t end)
{
    size_t name = start;

    state->after_name = option_takes_name(line->raw + start, end - start);
    if (end - start < 2)
        return end;
    if (state->program != NULL) {
        if (long_option(state, line, scope, start, &end))
            return end;
        if (short_options(state, line, scope, start, &end))
            return end;
    }
    while (name < end && line->raw[name] == '-')
        name++;
    if (end - start > 2 && memchr(line->raw + name, '=', end - name) == NULL &&
        name_is_confidential(line->raw + name, end - name, NAME_OPTION))
        state->pending = TAKE_ALL;
    return end;
}

static void see_plain_word(struct option_state *state, const struct redact_line *line, size_t start,
                           size_t end)
{
    const struct program *found = program_find(line->raw + start, end - start);
    bool is_wrapped = state->program != NULL && state->program->runs_another;

    if (state->program != NULL && state->program->needs != NULL && !state->after_name &&
        name_equals(line->raw + start, end - start, state->program->needs))
        state->has_subcommand = true;
    if ((found != NULL && !state->after_name) || is_wrapped) {
        state->program = found;
        state->has_subcommand = false;
    }
    state->after_name = false;
}

/* "--" begins no value, and "-x" is far more often the next option than a password. */
static bool looks_like_option(const struct redact_line *line, size_t start, size_t end)
{
    if (end - start < 2 || line->raw[start] != '-')
        return false;
    return line->raw[start + 1] == '-' || (end - start == 2 && !(line->cut && end == line->size));
}

/* The word start..end; the answer is where to go on. */
static size_t see_word(struct option_state *state, const struct redact_line *line,
                       const struct word_scope *scope, size_t start, size_t end)
{
    enum take pending = state->pending;

    state->pending = TAKE_NOTHING;
    if (pending != TAKE_NOTHING && !looks_like_option(line, start, end)) {
        state->after_name = false;
        if (!scope->plain && start > 0 && is_quote(line->raw[start - 1])) {
            end = redact_quoted_end(line, start - 1, scope->limit);
            take_value(line, start, end, pending);
            return end;
        }
        return take_attached(line, scope, start, end, pending);
    }
    if (line->raw[start] == '-')
        return see_option(state, line, scope, start, end);
    see_plain_word(state, line, start, end);
    return end;
}

static bool ends_word(uint8_t c)
{
    return is_blank(c) || is_separator(c) || is_quote(c);
}

/* Outside of quotes; a lone "&" may as well be in a URL. */
static bool ends_command(const struct redact_line *line, size_t at, size_t limit)
{
    uint8_t c = line->raw[at];

    if (c == '&')
        return at + 1 < limit && (line->raw[at + 1] == '&' || is_blank(line->raw[at + 1]));
    return c == ';' || c == '|' || c == '\n';
}

/* Every word of start..limit. */
static void see_words(struct option_state *state, const struct redact_line *line, size_t start,
                      size_t limit)
{
    struct word_scope scope = { .limit = limit };
    size_t first = start;

    for (size_t at = start; at < limit;) {
        uint8_t c = line->raw[at];
        size_t end = at;

        if (scope.open == 0 && ends_command(line, at, limit))
            *state = (struct option_state){ 0 };
        if (ends_word(c) || c == '\\' || c == '$' || c == '{') {
            scope.open = redact_quote_after(line, at, first, scope.open);
            at++;
            continue;
        }
        while (end < limit && !ends_word(line->raw[end]) && line->raw[end] != '\\')
            end++;
        at = see_word(state, line, &scope, at, end);
    }
    state->after_name = false;
    state->pending = TAKE_NOTHING;
}

void redact_options(const struct redact_line *line)
{
    struct option_state state = { 0 };
    struct redact_argument arg = { 0 };

    while (redact_next_argument(line, &arg)) {
        const struct word_scope whole = { .limit = arg.end, .plain = true };
        bool pending = state.pending != TAKE_NOTHING;

        if (arg.end == arg.start) {
            state.pending = TAKE_NOTHING;
        } else if (pending || !arg.spaced) {
            (void)see_word(&state, line, &whole, arg.start, arg.end);
        } else if (line->raw[arg.start] == '-' && !arg.script) {
            struct option_state inner = state;

            (void)see_option(&state, line, &whole, arg.start, arg.end);
            state.pending = TAKE_NOTHING;
            see_words(&inner, line, arg.start, arg.end);
        } else {
            see_words(&state, line, arg.start, arg.end);
        }
    }
}
