/* The command line of procscoped. */
#ifndef RECORDER_OPTIONS_H
#define RECORDER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "schema/error.h"

enum { OPTIONS_REDACT_MAX = 64 };

struct options {
    const char *output;     /* NULL: the default path */
    int64_t interval_ns;    /* 1 s */
    int64_t duration_ns;    /* 0: until stopped */
    const char *collectors; /* comma-separated; NULL: all */
    const char *process_source;
    int64_t sync_ns; /* 10 s; 0: never */
    const char *redact[OPTIONS_REDACT_MAX];
    size_t redact_count;
    bool no_cmdline, list_collectors, json, version, help;
    char **command; /* NULL-terminated, a tail of argv; NULL without one */
};

/*
 * Read the command line.
 *
 *   shape   argv[argc] with argv[0] the program, followed by NULL, as main gets it
 *   errors  INVALID, naming the option, its value and what is accepted
 *   owns    nothing: the strings stay argv's
 */
MUST_USE enum status recorder_options_parse(struct options *options, int argc, char **argv,
                                            struct error *err);

void options_print_help(FILE *out);

/* "500ms", "1s", "5m", "1h", "2d", "1.5s" in ns; INVALID when it is anything else. */
MUST_USE enum status options_parse_span(const char *text, int64_t *span_ns, struct error *err);

/* The other way, for messages: "500 ms", "1 s". */
void options_print_span(char *text, size_t size, int64_t span_ns);

#endif
