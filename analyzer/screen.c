#include "analyzer/screen.h"

#ifdef PROCSCOPE_CURSES_MISSING

const char *screen_missing(void)
{
    return PROCSCOPE_CURSES_MISSING;
}

enum status screen_open(bool colour, struct error *err)
{
    (void)colour;
    return error_set(err, STATUS_UNSUPPORTED, "%s", PROCSCOPE_CURSES_MISSING);
}

void screen_close(void)
{
}

struct screen_size screen_size(void)
{
    return (struct screen_size){ 0, 0 };
}

bool screen_is_utf8(void)
{
    return false;
}

int screen_key(int wait_ms)
{
    (void)wait_ms;
    return SCREEN_END;
}

void screen_click(size_t *row, size_t *column)
{
    *row = *column = 0;
}

void screen_begin(void)
{
}

void screen_line(size_t row, const char *text, size_t size, enum screen_style style)
{
    (void)row;
    (void)text;
    (void)size;
    (void)style;
}

void screen_show(void)
{
}

#else

#define NCURSES_WIDECHAR 1

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/escape.h"

static SCREEN *screen; /* a program has one terminal */
static bool coloured, utf8;
static size_t click_row, click_column;

const char *screen_missing(void)
{
    return NULL;
}

static void choose_colours(bool colour)
{
    coloured = colour && has_colors() && start_color() == OK && use_default_colors() == OK;
    if (!coloured)
        return;
    (void)init_pair(SCREEN_HEAD, COLOR_CYAN, -1);
    (void)init_pair(SCREEN_TITLE, COLOR_BLACK, COLOR_GREEN);
    (void)init_pair(SCREEN_BAR, COLOR_GREEN, -1);
    (void)init_pair(SCREEN_ALERT, COLOR_YELLOW, -1);
}

enum status screen_open(bool colour, struct error *err)
{
    (void)setlocale(LC_CTYPE, ""); /* what the terminal's characters are; nothing else is local */
    utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    screen = newterm(NULL, stdout, stdin);
    if (screen == NULL)
        return error_set(
            err, STATUS_IO,
            "no terminal of a known kind: set TERM, or give --count for frames as text");
    (void)raw(); /* Ctrl-C is a key */
    (void)noecho();
    (void)keypad(stdscr, TRUE);
    (void)curs_set(0);
    (void)set_escdelay(50);
    (void)mousemask(BUTTON1_CLICKED | BUTTON1_PRESSED, NULL);
    choose_colours(colour);
    return STATUS_OK;
}

void screen_close(void)
{
    if (screen == NULL)
        return;
    (void)endwin();
    delscreen(screen);
    screen = NULL;
}

struct screen_size screen_size(void)
{
    int rows, columns;

    getmaxyx(stdscr, rows, columns);
    return (struct screen_size){ (size_t)rows, (size_t)columns };
}

bool screen_is_utf8(void)
{
    return utf8;
}

static int click(void)
{
    MEVENT event;

    if (getmouse(&event) != OK)
        return SCREEN_NONE;
    click_row = (size_t)event.y;
    click_column = (size_t)event.x;
    return SCREEN_CLICK;
}

static int function_key(wint_t key)
{
    switch (key) {
    case KEY_UP:
        return SCREEN_UP;
    case KEY_DOWN:
        return SCREEN_DOWN;
    case KEY_LEFT:
        return SCREEN_LEFT;
    case KEY_RIGHT:
        return SCREEN_RIGHT;
    case KEY_PPAGE:
        return SCREEN_PAGE_UP;
    case KEY_NPAGE:
        return SCREEN_PAGE_DOWN;
    case KEY_HOME:
        return SCREEN_HOME;
    case KEY_END:
        return SCREEN_LAST;
    case KEY_BACKSPACE:
        return SCREEN_BACKSPACE;
    case KEY_RESIZE:
        return SCREEN_RESIZED;
    case KEY_MOUSE:
        return click();
    default:
        return SCREEN_NONE;
    }
}

int screen_key(int wait_ms)
{
    wint_t key;
    int kind;

    timeout(wait_ms);
    kind = get_wch(&key);
    if (kind == KEY_CODE_YES)
        return function_key(key);
    if (kind == ERR) /* in time nothing, or there is nobody to type any more */
        return wait_ms < 0 ? SCREEN_END : SCREEN_NONE;
    return key == 127 || key == 8 ? SCREEN_BACKSPACE : (int)key;
}

void screen_click(size_t *row, size_t *column)
{
    *row = click_row;
    *column = click_column;
}

void screen_begin(void)
{
    (void)erase();
}

static attr_t attributes(enum screen_style style)
{
    static const attr_t plain[] = { A_NORMAL, A_BOLD, A_REVERSE, A_DIM, A_NORMAL, A_BOLD };
    attr_t colour = coloured && style != SCREEN_NORMAL && style != SCREEN_DIM
                        ? (attr_t)COLOR_PAIR((short)style)
                        : 0;

    return style == SCREEN_TITLE && coloured ? colour : plain[style] | colour;
}

void screen_line(size_t row, const char *text, size_t size, enum screen_style style)
{
    struct screen_size edge = screen_size();
    size_t cut = escape_cut(text, size, edge.columns);

    if (row >= edge.rows)
        return;
    (void)attrset((int)attributes(style));
    (void)mvaddnstr((int)row, 0, text, (int)cut);
    if (style == SCREEN_TITLE)
        for (size_t at = escape_columns(text, cut); at < edge.columns; at++)
            (void)addch(' ');
    (void)attrset(A_NORMAL);
}

void screen_show(void)
{
    (void)refresh();
}

#endif
