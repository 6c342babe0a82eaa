/* One subcommand of procscope: command_NAME.c defines one, main.c lists them. */
#ifndef ANALYZER_COMMAND_H
#define ANALYZER_COMMAND_H

#include <stdio.h>

#include "schema/error.h"

struct command {
    const char *name;
    const char *summary; /* one line */
    const char *help;    /* all of it, but for the common options (options.h) */
    /*
     * argv[0] is the command's name. INVALID: wrong usage. CORRUPT: the recording is damaged, and
     * the message says how much was read.
     */
    enum status (*run)(int argc, char **argv, struct error *err);
    unsigned options; /* enum option_set: the shared options it takes, printed after `help` */
};

extern const struct command command_info;
extern const struct command command_report;
extern const struct command command_timeline;
extern const struct command command_replay;
extern const struct command command_explain;
extern const struct command command_compare;
extern const struct command command_check;
extern const struct command command_export;
extern const struct command command_html;
extern const struct command command_sql;
extern const struct command command_extract;
extern const struct command command_verify;
extern const struct command command_live;
extern const struct command command_status;
extern const struct command command_mark;
extern const struct command command_flush;
extern const struct command command_stop;

#endif
