/*
 * Any bytes as text that is safe to hand on, and from which the bytes can be had back.
 *
 *   CSV       UTF-8 passes. Control characters (C0, DEL, C1) and bytes that are not UTF-8 become
 *             \xHH, one per byte, and a backslash becomes \\, so every cell can be undone.
 *   terminal  the same, and so are characters that reorder or hide text (bidirectional controls,
 *             zero-width space, line separators, tags).
 *   JSON      UTF-8 passes. Control characters become \u00HH. A byte HH that is not UTF-8 becomes
 *             the lone surrogate \udcHH, which is Python's "surrogateescape": there
 *             json.loads(text)[name].encode("utf-8", "surrogateescape") is the original bytes.
 *
 * A put writes no NUL and returns the end; the caller has made ESCAPE_ROOM(size) bytes of room.
 * `text` may be NULL when its size is 0.
 */
#ifndef ANALYZER_ESCAPE_H
#define ANALYZER_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

/* The longest a text of `size` bytes can become, quotes included, in any form. */
#define ESCAPE_ROOM(size) (6 * (size) + 3)

/*
 * A whole CSV cell (RFC 4180). Quoted when it has a comma, a quote or a space at an end, or is
 * empty: an empty cell without quotes is a missing value.
 *
 * With `safe`, text that a spreadsheet could take for a formula (first byte = + - @ TAB CR) gets an
 * apostrophe before it; that apostrophe alone cannot be told from one in the text.
 */
char *escape_put_csv(char *out, const char *text, size_t size, bool safe);

/* Text for a terminal, without quotes. */
char *escape_put_terminal(char *out, const char *text, size_t size);

/* A whole JSON string with its quotes. */
char *escape_put_json(char *out, const char *text, size_t size);

/* `text` for an error message: escaped as for a terminal, NUL at the end, "..." where cut. */
const char *escape_show(char *out, size_t out_size, const char *text);

/* How many terminal columns escaped text takes: combining marks none, East Asian wide two. */
size_t escape_columns(const char *text, size_t size);

/* The size of the longest start of escaped text that takes at most `columns` columns. */
size_t escape_cut(const char *text, size_t size, size_t columns);

#endif
