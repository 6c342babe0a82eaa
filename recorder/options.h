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
    const char *resident;                        /* "auto", "exact", "approximate" */
    int64_t sync_ns;                             /* 10 s; 0: never */
    int64_t keep_ns, keep_rollups_ns, max_bytes; /* 7 d, 90 d, 2 GiB; 0: no limit */
    const char *redact[OPTIONS_REDACT_MAX];
    size_t redact_count;
    const char *control;       /* path of the socket; NULL: beside the recording; "none": none */
    const char *control_group; /* NULL: root and our own user only */
    int64_t budget_ppm;        /* of one core's time; 0: any */
    bool no_cmdline, list_collectors, json, check_config, print_config, version, help;
    const char *user; /* who records; NULL: who starts it */
    bool no_sandbox;
    const char *config_path; /* NULL: none */
    struct config *config;   /* what it was read into */
    char **command;          /* NULL-terminated, a tail of argv; NULL without one */
};

/* How an option's value may be written in a configuration file. */
enum option_form {
    OPTION_ONE,      /* a string */
    OPTION_FLAG,     /* true or false */
    OPTION_LIST,     /* a string with commas, or an array of strings */
    OPTION_REPEATED, /* a string, or an array of strings that are set one by one */
};

struct option {
    char letter; /* 0: none */
    enum option_form form;
    const char *name;
    const char *value; /* what it is called in the help; NULL: takes none */
    const char *help;
    enum status (*set)(struct options *options, const char *value, struct error *err);
    const char *example; /* for a configuration file; NULL: on the command line only */
};

/* The option of that long name, or NULL. */
const struct option *options_find(const char *name, size_t size);

/*
 * Read the command line, and before it the configuration file that it names: what the command line
 * says goes first; its --redact are added to the file's.
 *
 *   shape   argv[argc] with argv[0] the program, followed by NULL, as main gets it
 *   errors  INVALID, naming the option, its value and what is accepted, or the file and the line;
 *           IO (the file), NO_MEMORY
 *   owns    what the file was read into, until options_release; other strings stay argv's
 */
MUST_USE enum status recorder_options_parse(struct options *options, int argc, char **argv,
                                            struct error *err);

/* Accepts zeroed options, and those of a failed parse. */
void options_release(struct options *options);

void options_print_help(FILE *out);

/* "500ms", "1s", "5m", "1h", "2d", "1.5s" in ns; INVALID when it is anything else. */
MUST_USE enum status options_parse_span(const char *text, int64_t *span_ns, struct error *err);

/* "2G", "500M", "800000" in bytes, units of 1024; INVALID when it is anything else. */
MUST_USE enum status options_parse_bytes(const char *text, int64_t *bytes, struct error *err);

/* The other way, for messages: "500 ms", "1 s". */
void options_print_span(char *text, size_t size, int64_t span_ns);

#endif
