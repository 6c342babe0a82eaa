/* A terminal that is drawn on again and again: plain ANSI, no library. */
#ifndef ANALYZER_TERMINAL_H
#define ANALYZER_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "schema/error.h"

struct terminal_size {
    size_t rows, columns;
};

/*
 * Take standard input and output over: another screen, no echo, keys at once. Signals that end the
 * program only set what terminal_ended tells, so that terminal_close is reached.
 *
 *   errors  IO
 */
MUST_USE enum status terminal_open(struct error *err);
/* Everything as it was. May be called without terminal_open, and twice. */
void terminal_close(void);

/* 80 x 24 when the terminal does not say. */
struct terminal_size terminal_size(void);
/* It was resized since the last call. */
bool terminal_resized(void);
/* A signal, or q typed: reads what keys there are, without waiting. */
bool terminal_ended(void);

/* Show `text` from the top; lines are cut at the last row, and what stood there before goes. */
MUST_USE enum status terminal_draw(const char *text, size_t size, struct error *err);

#endif
