/* The options that subcommands share, and what follows from them: file, window, output. */
#ifndef ANALYZER_OPTIONS_H
#define ANALYZER_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "analyzer/output.h"
#include "analyzer/select.h"
#include "analyzer/when.h"
#include "analyzer/zone.h"
#include "schema/error.h"
#include "schema/recording.h"

/* Which of the shared options a command takes. */
enum option_set {
    OPTIONS_WINDOW = 1,   /* --from --to --last --at --span --utc */
    OPTIONS_SELECT = 2,   /* --pid --comm --user --cgroup --container --where */
    OPTIONS_FORMAT = 4,   /* --format --csv-safe */
    OPTIONS_OUTPUT = 8,   /* -o */
    OPTIONS_TEXT = 16,    /* the last word is `text`, not a file */
    OPTIONS_SEVERAL = 64, /* more than one file: they are one timeline */
    OPTIONS_WHOLE = 32,   /* --format also sqlite, openmetrics, perfetto: `whole` */
};

enum { OPTIONS_FILES_MOST = 400 }; /* a year of days */

struct options {
    const char *file; /* NULL: the default recording; else the first of: */
    const char *files[OPTIONS_FILES_MOST];
    size_t file_count;
    const char *text; /* NULL: none was given, or the command takes none */
    struct window_options window;
    bool utc;
    struct select select;
    enum output_format format;
    bool format_given;
    const char *whole; /* a format of more than one table; NULL: one of output.h */
    bool csv_safe;
    const char *output; /* NULL: standard output */
};

/* A command's own option; `value` false: a flag, seen as "". */
struct own_option {
    const char *name; /* "--by" */
    bool value;
    const char **seen; /* NULL until given */
};

/* Text about the shared options of these sets, for --help. */
void options_help(FILE *out, unsigned sets);

/*
 * Understand a command line. The words are those of argv; nothing is copied.
 *
 *   errors  INVALID: an unknown option (the nearest known one is named), a missing value, two files
 */
MUST_USE enum status options_parse(struct options *options, unsigned sets,
                                   const struct own_option own[], size_t own_count, int argc,
                                   char **argv, struct error *err);

/* The recording that is meant without a FILE. errors ABSENT with how to make one. owns: free() */
MUST_USE enum status options_default_file(char **path, struct error *err);

/* A recording opened as the options say, its zone, and the window they ask for. */
struct subject {
    struct recording *recording;
    const struct recording_contents *contents;
    struct zone zone;
    int64_t first_ns, last_ns; /* of its level-0 samples */
    int64_t evicted_ns;   /* what is left of those before begins here; NO_TIME: there is none */
    struct window window; /* samples with from_ns < time <= to_ns */
    bool whole;           /* no window was asked for */
    char *path;           /* when it is the default one */
};

/* Times in options->select are worked out, too. */
MUST_USE enum status subject_open(struct subject *subject, struct options *options,
                                  struct error *err);
/* Another window of a subject that is open: that which the options ask for. errors INVALID, NO_MEMORY */
MUST_USE enum status subject_window(struct subject *subject, struct options *options,
                                    struct error *err);
void subject_close(struct subject *subject);
/* A time as users write it, once the subject is open; of one that came twice the first. errors INVALID */
MUST_USE enum status subject_time(const struct subject *subject, const struct options *options,
                                  const char *text, int64_t *time_ns, struct error *err);

/* Where output goes: standard output, or -o FILE, created by this call. */
struct sink {
    FILE *file;
    const char *path; /* NULL: standard output */
    bool whole;       /* a part is of no use: a file is removed unless all went well */
};
MUST_USE enum status sink_open(struct sink *sink, const struct options *options,
                               const struct subject *subject, struct error *err);
MUST_USE enum status sink_close(struct sink *sink, enum status so_far, struct error *err);

/* How a table is to be printed there. */
struct output_options sink_options(const struct sink *sink, const struct options *options,
                                   const struct subject *subject);

#endif
