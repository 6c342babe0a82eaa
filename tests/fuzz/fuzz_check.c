/*
 * A check as a CI writes it: refused with a character that it has, or understood; then whom it is of is
 * an expression that --where takes.
 */
#include "tests/fuzz/fuzz_input.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/check.h"

static void check_refusal(const char *message, size_t size)
{
    const char *at = strstr(message, ": character ");

    if (message[0] == '\0' || (at != NULL && strtoul(at + 12, NULL, 10) - 1 > size))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct where where;
    struct check check;
    struct error err = { 0 };
    char *text = malloc(size + 1);
    enum status st;

    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    st = check_parse(&check, text, &err);
    if (st != STATUS_OK) {
        /* A text that looks like a message of its own cannot be told from one. */
        if (strstr(text, "character") == NULL)
            check_refusal(err.message, size);
    } else {
        where = (struct where){ .given = false };
        if ((check.where != NULL && where_parse(&where, check.where, &err) != STATUS_OK) ||
            !isfinite(check.bound) || check_unit(&check) == NULL)
            abort();
    }
    check_release(&check);
    free(text);
    return 0;
}
