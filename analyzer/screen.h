/* A terminal that is drawn on line by line, and its keys: ncurses, in screen.c alone. */
#ifndef ANALYZER_SCREEN_H
#define ANALYZER_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "schema/error.h"

/* What screen_key tells beside characters. */
enum screen_key {
    SCREEN_NONE = -1, /* nothing was typed in time */
    SCREEN_END = -2,  /* the terminal is gone */
    SCREEN_UP = 0x110000,
    SCREEN_DOWN,
    SCREEN_LEFT,
    SCREEN_RIGHT,
    SCREEN_PAGE_UP,
    SCREEN_PAGE_DOWN,
    SCREEN_HOME,
    SCREEN_LAST,
    SCREEN_BACKSPACE,
    SCREEN_RESIZED,
    SCREEN_CLICK, /* where: screen_click */
};

enum screen_style {
    SCREEN_NORMAL,
    SCREEN_HEAD,
    SCREEN_TITLE,
    SCREEN_DIM,
    SCREEN_BAR,
    SCREEN_ALERT
};

struct screen_size {
    size_t rows, columns;
};

/* NULL, or why there is none in this build. */
const char *screen_missing(void);

/*
 * Take the terminal over.
 *
 *   errors  UNSUPPORTED: not in this build; IO: the terminal is of an unknown kind
 */
MUST_USE enum status screen_open(bool colour, struct error *err);
/* Everything as it was; may be called twice, and without screen_open. */
void screen_close(void);

struct screen_size screen_size(void);
/* The terminal shows UTF-8. */
bool screen_is_utf8(void);

/* A Unicode character, or one of screen_key. Waits that long, or, if negative, for ever. */
int screen_key(int wait_ms);
/* Of the last SCREEN_CLICK. */
void screen_click(size_t *row, size_t *column);

/* Draw anew: begin, lines from 0 on (text escaped for terminals, cut at the edge), show. */
void screen_begin(void);
void screen_line(size_t row, const char *text, size_t size, enum screen_style style);
void screen_show(void);

#endif
