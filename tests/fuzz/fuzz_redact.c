/*
 * Redaction of a command line around a planted value: a byte chooses where the value stands, a word
 * where the line is cut, a piece is the arguments before it, the rest is what comes after it.
 * Nothing of the value may be left, and nothing may be added but marks.
 */
#include "tests/fuzz/fuzz_input.h"

#include <string.h>

#include "recorder/redact.h"

#define VALUE "Zk7wQ0vXu2bYj5Rm9TgHs3Lp"
#define TEXT(literal) (literal), sizeof(literal) - 1

enum {
    CHOICE_PATTERNS = 64, /* bits of the first byte */
    CHOICE_CUT = 128,
    TELLING = 4, /* so many bytes of the value are not there by chance */
    MARK_SIZE = sizeof REDACTED_TEXT - 1,
};

static const struct place {
    bool first; /* only at the line's beginning; else whatever else is in the line */
    const char *before;
    size_t before_size;
    const char *after;
    size_t after_size;
} places[] = {
    { false, TEXT("app\0--password\0"), TEXT("") },
    { false, TEXT("app\0--api-key="), TEXT("") },
    { false, TEXT("DB_PASSWORD="), TEXT("\0") },
    { false, TEXT("https://me:"), TEXT("@host/") },
    { false, TEXT("-H\0Authorization: Bearer "), TEXT("") },
    { false, TEXT("{\"user\":1,\"password\":\""), TEXT("\"}\0") },
    { false, TEXT("glpat-"), TEXT("") },
    { false, TEXT("sh\0-c\0exec app --password '"), TEXT("' && ls\0") },
    { false, TEXT("-----BEGIN\0PRIVATE\0KEY-----\0"), TEXT("\0-----END") },
    { true, TEXT("mysql\0-sNp"), TEXT("\0") },
    { true, TEXT("curl\0-u\0me:"), TEXT("\0") },
    { true, TEXT("sshpass\0-p\0"), TEXT("\0ssh\0") },
    { true, TEXT("/usr/bin/openssl\0rsa\0-passin\0pass:"), TEXT("\0") },
};

/* Matching everywhere, nothing, both ends, and what marks are made of. */
static const char *const patterns[] = { "x*", "id[0-9]+", "^a|z$", "red(act)?" };

static struct redactor plain, own;

struct line {
    struct byte_writer raw;
    size_t value_at, value_size; /* as much of it as is in the line */
};

static void build_line(struct line *line, uint8_t choice, size_t cut, struct fuzz_input in)
{
    const struct place *place = &places[choice % 64 % COUNT_OF(places)];
    struct fuzz_input before = fuzz_piece(&in);

    if (!place->first) {
        bytes_put(&line->raw, before.data, before.size);
        bytes_put_u8(&line->raw, '\0');
    }
    bytes_put(&line->raw, place->before, place->before_size);
    line->value_at = line->raw.used;
    bytes_put(&line->raw, TEXT(VALUE));
    bytes_put(&line->raw, place->after, place->after_size);
    bytes_put(&line->raw, in.data, in.size);
    if (line->raw.full)
        abort();
    if ((choice & CHOICE_CUT) != 0)
        line->raw.used = line->value_at + cut % (line->raw.used - line->value_at + 1);
    line->value_size = line->raw.used - line->value_at;
    if (line->value_size > sizeof VALUE - 1)
        line->value_size = sizeof VALUE - 1;
}

static bool holds(const uint8_t *data, size_t size, const uint8_t *what, size_t what_size)
{
    for (size_t i = 0; i + what_size <= size; i++)
        if (memcmp(data + i, what, what_size) == 0)
            return true;
    return false;
}

/* The value is gone, unless the fuzzer knows it. */
static void check_value(const struct line *line, const uint8_t *text, size_t size)
{
    const uint8_t *value = line->raw.data + line->value_at, *after = value + line->value_size;

    if (line->value_size < TELLING ||
        holds(line->raw.data, line->value_at, value, line->value_size) ||
        holds(after, (size_t)(line->raw.data + line->raw.used - after), value, line->value_size))
        return;
    if (holds(text, size, value, line->value_size))
        abort();
}

/* Without its marks the text is the line, in which bytes were left out. */
static void check_rest(const struct line *line, const uint8_t *text, size_t size)
{
    size_t at = 0;

    for (size_t i = 0; i < size; i++) {
        if (size - i >= MARK_SIZE && memcmp(text + i, REDACTED_TEXT, MARK_SIZE) == 0) {
            i += MARK_SIZE - 1;
            continue;
        }
        while (at < line->raw.used &&
               (line->raw.data[at] == '\0' ? ' ' : line->raw.data[at]) != text[i])
            at++;
        if (at++ >= line->raw.used)
            abort();
    }
}

static void check(const struct line *line, const struct redactor *redactor, bool cut)
{
    uint8_t *copy = malloc(line->raw.used + (line->raw.used == 0)); /* an overread shows */
    struct byte_writer out = { 0 };
    size_t most = line->raw.used * MARK_SIZE;
    struct error err = { 0 };

    if (copy == NULL)
        return;
    memcpy(copy, line->raw.data, line->raw.used);
    bytes_put(&out, TEXT("before"));
    if (redact_arguments(redactor, copy, line->raw.used, cut, &out, &err) != STATUS_OK)
        abort();
    for (size_t i = 0; i < redactor->extra_count; i++)
        most *= MARK_SIZE;
    if (out.used < 6 || memcmp(out.data, "before", 6) != 0 || out.used - 6 > most)
        abort();
    check_value(line, out.data + 6, out.used - 6);
    if (redactor->extra_count == 0)
        check_rest(line, out.data + 6, out.used - 6);
    bytes_release(&out);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    uint8_t choice = fuzz_byte(&in);
    size_t cut = fuzz_word(&in);
    struct line line = { 0 };
    struct error err;

    if (own.extra == NULL && redactor_init(&own, patterns, COUNT_OF(patterns), &err) != STATUS_OK)
        abort();
    build_line(&line, choice, cut, in);
    check(&line, (choice & CHOICE_PATTERNS) != 0 ? &own : &plain, (choice & CHOICE_CUT) != 0);
    bytes_release(&line.raw);
    return 0;
}
