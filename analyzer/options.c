/* The command line of a subcommand. */
#include "analyzer/options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/escape.h"

static const struct shared_option {
    const char *name;
    unsigned set;
    bool value;
    const char *help;
} shared[] = {
    { "--from", OPTIONS_WINDOW, true, "--from TIME       begin of the window" },
    { "--to", OPTIONS_WINDOW, true, "--to TIME         end of the window" },
    { "--last", OPTIONS_WINDOW, true, "--last DURATION   the last 15m, 2h, 1d of the recording" },
    { "--at", OPTIONS_WINDOW, true, "--at TIME         a window around a time" },
    { "--span", OPTIONS_WINDOW, true, "--span DURATION   how long that window is (5m)" },
    { "--utc", OPTIONS_WINDOW, false, "--utc             times without an offset are UTC" },
    { "--pid", OPTIONS_SELECT, true, "--pid N           only this process number (repeatable)" },
    { "--comm", OPTIONS_SELECT, true,
      "--comm NAME       only processes so named; * at either end (repeatable)" },
    { "--user", OPTIONS_SELECT, true, "--user NAME|UID   only this user's (repeatable)" },
    { "--cgroup", OPTIONS_SELECT, true,
      "--cgroup PATH     only of this cgroup; * at either end (repeatable)" },
    { "--container", OPTIONS_SELECT, true,
      "--container NAME  only of this container, by id or name; * at either end (repeatable)" },
    { "--where", OPTIONS_SELECT, true,
      "--where EXPR      only processes of which it is true, as 'uid >= 1000 and comm ~ \"py*\"'" },
    { "--format", OPTIONS_FORMAT, true, "--format FORMAT   table, csv, json or ndjson" },
    { "--csv-safe", OPTIONS_FORMAT, false,
      "--csv-safe        disarm cells that a spreadsheet would take for a formula" },
    { "-o", OPTIONS_OUTPUT, true, "-o FILE           write there instead of standard output" },
    { "--output", OPTIONS_OUTPUT, true, NULL }, /* as procscoped calls it */
};

void options_help(FILE *out, unsigned sets)
{
    for (size_t i = 0; i < COUNT_OF(shared); i++)
        if ((shared[i].set & sets) != 0 && shared[i].help != NULL)
            (void)fprintf(out, "  %s\n", shared[i].help);
    if ((sets & OPTIONS_WINDOW) != 0)
        (void)fputs("\nTIME: 2026-11-20T14:03:05Z, \"2026-11-20 14:03\" or 14:03 on the recorded "
                    "host's clock,\n      -15m before the end, @1795255618 since 1970\n",
                    out);
}

/* Number of edits from one word to the other (Levenshtein), for "did you mean". */
static size_t distance(const char *a, const char *b)
{
    size_t row[40], size = strlen(b);

    if (size >= COUNT_OF(row))
        return SIZE_MAX;
    for (size_t j = 0; j <= size; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= size; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            best = best < row[j] + 1 ? best : row[j] + 1;
            row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
        }
    }
    return row[size];
}

static enum status unknown(const char *word, unsigned sets, const struct own_option own[],
                           size_t own_count, struct error *err)
{
    const char *nearest = NULL;
    size_t best = 4;
    char shown[120];

    for (size_t i = 0; i < COUNT_OF(shared) + own_count; i++) {
        const char *name = i < own_count ? own[i].name : shared[i - own_count].name;

        if ((i < own_count || (shared[i - own_count].set & sets) != 0) &&
            distance(word, name) < best) {
            best = distance(word, name);
            nearest = name;
        }
    }
    (void)escape_show(shown, sizeof shown, word);
    return error_set(err, STATUS_INVALID, "unknown option %s%s%s%s", shown,
                     nearest == NULL ? "" : "; did you mean ", nearest == NULL ? "" : nearest,
                     nearest == NULL ? "" : "?");
}

static enum status take_shared(struct options *options, const char *name, const char *value,
                               struct error *err)
{
    const struct {
        const char *name;
        const char **seen;
    } windows[] = { { "--from", &options->window.from }, { "--to", &options->window.to },
                    { "--last", &options->window.last }, { "--at", &options->window.at },
                    { "--span", &options->window.span }, { "-o", &options->output },
                    { "--output", &options->output } };

    for (size_t i = 0; i < COUNT_OF(windows); i++)
        if (strcmp(name, windows[i].name) == 0) {
            *windows[i].seen = value;
            return STATUS_OK;
        }
    if (strcmp(name, "--utc") == 0) {
        options->utc = true;
        return STATUS_OK;
    }
    if (strcmp(name, "--csv-safe") == 0) {
        options->csv_safe = true;
        return STATUS_OK;
    }
    if (strcmp(name, "--format") == 0) {
        options->format_given = true;
        if (strcmp(value, "sqlite") == 0 || strcmp(value, "openmetrics") == 0 ||
            strcmp(value, "perfetto") == 0) {
            options->whole = value;
            return STATUS_OK;
        }
        options->whole = NULL;
        return output_format_parse(value, &options->format, err);
    }
    return select_add(&options->select, name, value, err);
}

/* The option of that name in `word`, which may go on with =VALUE, or with the VALUE of a letter. */
static bool is_option(const char *word, const char *name, const char **attached)
{
    size_t size = strlen(name);

    *attached = NULL;
    if (strncmp(word, name, size) != 0)
        return false;
    if (word[size] == '=' && size > 2)
        *attached = word + size + 1;
    else if (word[size] != '\0' && size == 2)
        *attached = word + size;
    return word[size] == '\0' || *attached != NULL;
}

static enum status value_of(int argc, char **argv, int *i, const char *name, bool wants,
                            const char *attached, const char **value, struct error *err)
{
    if (!wants) {
        *value = "";
        return attached == NULL ? STATUS_OK
                                : error_set(err, STATUS_INVALID, "%s takes no value", name);
    }
    *value = attached;
    if (attached == NULL && *i + 1 < argc)
        *value = argv[++*i];
    return *value != NULL ? STATUS_OK : error_set(err, STATUS_INVALID, "%s wants a value", name);
}

static enum status take_option(struct options *options, unsigned sets,
                               const struct own_option own[], size_t own_count, int argc,
                               char **argv, int *i, struct error *err)
{
    const char *attached, *value;

    for (size_t k = 0; k < own_count; k++) {
        const char *word = argv[*i];

        if (!is_option(word, own[k].name, &attached))
            continue;
        if (value_of(argc, argv, i, own[k].name, own[k].value, attached, &value, err) != STATUS_OK)
            return err->status;
        *own[k].seen = value;
        return STATUS_OK;
    }
    for (size_t k = 0; k < COUNT_OF(shared); k++) {
        if ((shared[k].set & sets) == 0 || !is_option(argv[*i], shared[k].name, &attached))
            continue;
        if (value_of(argc, argv, i, shared[k].name, shared[k].value, attached, &value, err) !=
            STATUS_OK)
            return err->status;
        return take_shared(options, shared[k].name, value, err);
    }
    return unknown(argv[*i], sets, own, own_count, err);
}

static enum status add_file(struct options *options, unsigned sets, const char *file,
                            struct error *err)
{
    char first[160], second[160];

    if (options->file != NULL && (sets & OPTIONS_SEVERAL) == 0)
        return error_set(err, STATUS_INVALID,
                         "two recordings, %s and %s: one at a time; report, timeline, "
                         "replay and export read several as one",
                         escape_show(first, sizeof first, options->file),
                         escape_show(second, sizeof second, file));
    if (options->file_count == OPTIONS_FILES_MOST)
        return error_set(err, STATUS_INVALID, "more than %d recordings", OPTIONS_FILES_MOST);
    if (options->file == NULL)
        options->file = file;
    options->files[options->file_count++] = file;
    return STATUS_OK;
}

enum status options_parse(struct options *options, unsigned sets, const struct own_option own[],
                          size_t own_count, int argc, char **argv, struct error *err)
{
    bool only_files = false;

    *options = (struct options){ .format = OUTPUT_TABLE };
    for (int i = 1; i < argc; i++) {
        if (!only_files && strcmp(argv[i], "--") == 0) {
            only_files = true;
        } else if (!only_files && argv[i][0] == '-' && argv[i][1] != '\0') {
            if (take_option(options, sets, own, own_count, argc, argv, &i, err) != STATUS_OK)
                return err->status;
        } else if ((sets & OPTIONS_TEXT) != 0 && options->file == NULL) {
            options->file = options->text;
            options->text = argv[i];
        } else if (add_file(options, sets, argv[i], err) != STATUS_OK) {
            return err->status;
        }
    }
    if (options->whole != NULL && (sets & OPTIONS_WHOLE) == 0)
        return error_set(err, STATUS_INVALID, "--format %s: only procscope export writes that",
                         options->whole);
    return STATUS_OK;
}

/* The host's name as procscoped makes a file name of it. */
static void host_name(char *name, size_t size)
{
    if (gethostname(name, size) != 0)
        name[0] = '\0';
    name[size - 1] = '\0';
    if (name[0] == '\0' || name[0] == '.')
        (void)snprintf(name, size, "host");
    for (char *c = name; *c != '\0'; c++)
        if (*c == '/')
            *c = '_';
}

/* Root records to /var/lib, others to their state directory: see procscoped --help. */
enum status options_default_file(char **path, struct error *err)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    char host[256];
    char name[4096];

    host_name(host, sizeof host);
    if (geteuid() == 0)
        (void)snprintf(name, sizeof name, "/var/lib/procscope/%s.pscope", host);
    else if (state != NULL && state[0] == '/')
        (void)snprintf(name, sizeof name, "%s/procscope/%s.pscope", state, host);
    else if (home != NULL && home[0] == '/')
        (void)snprintf(name, sizeof name, "%s/.local/state/procscope/%s.pscope", home, host);
    else
        return error_set(err, STATUS_INVALID,
                         "no FILE given, and no home directory to find one in");
    if (access(name, F_OK) != 0)
        return error_set(err, STATUS_ABSENT,
                         "no FILE given, and this host's recording %.300s is not there; start "
                         "procscoped to record it",
                         name);
    *path = strdup(name);
    return *path == NULL ? error_set(err, STATUS_NO_MEMORY, "path") : STATUS_OK;
}
