/*
 * A text as --where takes it: refused with a character that it has, or true or false of some processes, and
 * `not (TEXT)` the other of them.
 */
#include "tests/fuzz/fuzz_input.h"

#include <stdio.h>
#include <string.h>

#include "analyzer/where.h"
#include "schema/recording_private.h"

#define TEXT(literal)                                                                              \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

static const struct recording nothing_known;
static const struct version versions[] = {
    { .from_ns = 5, .uid_known = true, .uid = 33 },
    { .from_ns = 6,
      .uid_known = true,
      .uid = 0,
      .text = { [PROCESS_COMM] = TEXT("aaab"),
                [PROCESS_EXE] = TEXT(""),
                [PROCESS_CMDLINE] = TEXT("x 'y' \"z\" \xff* ?"),
                [PROCESS_CGROUP] = TEXT("/kubepods/pod1/a\\x2db.service"),
                [PROCESS_CONTAINER] = TEXT("c0ffee"),
                [PROCESS_USER] = TEXT("root") } },
};

static const char *parse(struct where *where, const char *text, struct error *err)
{
    const struct when_context context = { .utc = true, .first_ns = 0, .last_ns = INT64_MAX / 2 };
    struct when_warning warning = { "" };

    *where = (struct where){ .given = false };
    if (where_parse(where, text, err) == STATUS_OK &&
        where_bind(where, &context, &warning, err) == STATUS_OK)
        return NULL;
    return err->message;
}

static void check_refusal(const char *message, size_t size)
{
    const char *at = strstr(message, "character ");

    if (message[0] == '\0' || (at != NULL && strtoul(at + 10, NULL, 10) - 1 > size))
        abort();
}

static void check_opposite(const struct where *where, const struct where *opposite)
{
    const struct process process = { .process_id = 3, .pid = 300, .ppid = 1, .start_ns = 1000 };

    for (size_t i = 0; i <= COUNT_OF(versions); i++) {
        const struct version *version = i == 0 ? NULL : &versions[i - 1];

        if (where_match(where, &nothing_known, &process, version) ==
            where_match(opposite, &nothing_known, &process, version))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct where where, opposite;
    struct error err = { 0 };
    char *text = malloc(size + 8), *negated = malloc(size + 8);
    const char *refusal;

    if (text == NULL || negated == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    (void)snprintf(negated, size + 8, "not (%s)", text);
    refusal = parse(&where, text, &err);
    if (refusal != NULL)
        check_refusal(refusal, size);
    else if (parse(&opposite, negated, &err) == NULL) /* it may be one too deep */
        check_opposite(&where, &opposite);
    free(text);
    free(negated);
    return 0;
}
