/* Commands for people to paste into a shell. */
#ifndef ANALYZER_SHELL_H
#define ANALYZER_SHELL_H

#include <stddef.h>

/*
 * A command and files, quoted as a POSIX shell takes them.
 *
 *   errors  NULL: no memory
 *   owns    free() what is returned
 */
char *shell_command(const char *command, const char *const files[], size_t count);

#endif
