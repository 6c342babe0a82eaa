/* Quoting of words for a shell. */
#include "analyzer/shell.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static char *put_word(char *at, const char *word)
{
    static const char quote[] = "'\\''";
    bool plain =
        word[0] != '\0' && word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "0123456789./_-+:,=@%")] == '\0';

    if (!plain)
        *at++ = '\'';
    for (const char *c = word; *c != '\0'; c++) {
        size_t more = *c == '\'' ? strlen(quote) : 1;

        memcpy(at, *c == '\'' ? quote : c, more);
        at += more;
    }
    if (!plain)
        *at++ = '\'';
    return at;
}

char *shell_command(const char *command, const char *const files[], size_t count)
{
    size_t size = strlen(command) + 1;
    char *text, *at;

    for (size_t i = 0; i < count; i++)
        size += strlen(files[i]) * 4 + 4;
    text = malloc(size);
    if (text == NULL)
        return NULL;
    memcpy(text, command, strlen(command));
    at = text + strlen(command);
    for (size_t i = 0; i < count; i++) {
        *at++ = ' ';
        at = put_word(at, files[i]);
    }
    *at = '\0';
    return text;
}
