/* procscope check: claims about a recording, for a CI that fails where one does not hold. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/check.h"
#include "analyzer/command.h"
#include "analyzer/report_ask.h"
#include "analyzer/shell.h"

static const char help[] =
    "usage: procscope check [FILE…] [WINDOW] 'CHECK'… [OPTION…]\n"
    "\n"
    "Tells of each CHECK whether it holds, and of which process the value is that decides. Ends\n"
    "with 0 if all hold, 1 if one does not, 2 if one is not understood, 3 if the recording is\n"
    "damaged. A value that is not known holds nothing: what is missing is not 0.\n"
    "\n"
    "  'max(resident_bytes{comm=\"x\"}) < 500MB'  a column of report, of every process; also mean, "
    "p95\n"
    "  'sum(cpu_seconds{user=\"x\"}) < 90s'       of all of them together\n"
    "  'count({comm~\"x*\"}) >= 1'               how many there were\n"
    "  'exit_code{comm=\"x\"} == 0'              a column by its whole name\n"
    "  'max(resident_bytes) by unit < 2GiB'    of each unit together, or comm, user, …\n"
    "  'ticks_missed == 0'                     of the recording: ticks_dropped, exits_lost, gaps,\n"
    "                                          not_attributed_percent, covered_percent\n"
    "\n"
    "A word with < > or = in it is a CHECK, others are files.\n"
    "\n"
    "  --file FILE       the checks in FILE too, one a line; lines that begin with # are not read\n"
    "  --junit FILE      write the answers there as JUnit's XML\n";

enum { CHECKS_MAX = 1000, LINE_MAX_BYTES = 8192 };

struct words {
    struct options options;
    const char *file, *junit;
    char *lines; /* of --file */
    const char **check;
    size_t count;
};

/* --- the command line --- */

static enum status add_check(struct words *words, const char *text, struct error *err)
{
    if (words->count == CHECKS_MAX)
        return error_set(err, STATUS_INVALID, "more than %d checks", CHECKS_MAX);
    words->check[words->count++] = text;
    return STATUS_OK;
}

/* Does that word's value follow it? */
static bool takes_value(const char *word)
{
    return word[0] == '-' && word[1] != '\0' && strchr(word, '=') == NULL &&
           strcmp(word, "--utc") != 0 && strcmp(word, "--csv-safe") != 0;
}

/* Checks leave argv; what stays is as for any other command. */
static enum status take_checks(struct words *words, int *argc, char **argv, struct error *err)
{
    int kept = 1;
    enum status st = STATUS_OK;

    for (int i = 1; i < *argc && st == STATUS_OK; i++) {
        bool value = i > 1 && takes_value(argv[i - 1]);

        if (!value && argv[i][0] != '-' && strpbrk(argv[i], "<>=") != NULL)
            st = add_check(words, argv[i], err);
        else
            argv[kept++] = argv[i];
    }
    *argc = kept;
    return st;
}

static enum status read_all(const char *path, char **text, struct error *err)
{
    FILE *file = fopen(path, "re");
    size_t used = 0, size = 0;
    bool failed = false;

    *text = NULL;
    if (file == NULL)
        return error_set(err, STATUS_IO, "--file %s: %s", path, strerror(errno));
    do {
        char *more = used + LINE_MAX_BYTES >= size ? realloc(*text, size += 1 << 16) : *text;

        if (more == NULL) {
            (void)fclose(file);
            return error_set(err, STATUS_NO_MEMORY, "--file %s", path);
        }
        *text = more;
        used += fread(*text + used, 1, size - used - 1, file);
        failed = ferror(file) != 0;
    } while (!failed && !feof(file) && size < 1 << 24);
    (*text)[used] = '\0';
    (void)fclose(file);
    if (failed)
        return error_set(err, STATUS_IO, "--file %s: it cannot be read", path);
    return strlen(*text) == used ? STATUS_OK
                                 : error_set(err, STATUS_INVALID, "--file %s: not a text", path);
}

static enum status take_lines(struct words *words, struct error *err)
{
    enum status st = read_all(words->file, &words->lines, err);
    char *line = words->lines;

    while (st == STATUS_OK && *line != '\0') {
        size_t size = strcspn(line, "\r\n");
        char *next = line + size + (line[size] != '\0');

        line[size] = '\0';
        line += strspn(line, " \t");
        if (*line != '\0' && *line != '#')
            st = add_check(words, line, err);
        line = next;
    }
    return st;
}

static enum status parse(struct words *words, int argc, char **argv, struct error *err)
{
    const struct own_option own[] = { { "--file", true, &words->file },
                                      { "--junit", true, &words->junit } };
    enum status st;

    words->check = calloc(CHECKS_MAX, sizeof *words->check);
    if (words->check == NULL)
        return error_set(err, STATUS_NO_MEMORY, "checks");
    st = take_checks(words, &argc, argv, err);
    if (st == STATUS_OK)
        st = options_parse(&words->options, command_check.options, own, COUNT_OF(own), argc, argv,
                           err);
    if (st == STATUS_OK && words->file != NULL)
        st = take_lines(words, err);
    if (st == STATUS_OK && words->count == 0)
        st = error_set(err, STATUS_INVALID,
                       "no check; for example 'max(resident_bytes{comm=\"x\"}) < 500MB'");
    return st;
}

/* --- the answers --- */

/* What the recording itself can tell, whoever is asked about. */
static enum status read_facts(struct report *facts, const struct subject *subject,
                              struct error *err)
{
    static const struct select all;

    facts->aggregate.select = &all;
    facts->top = 1;
    if (report_parse_sort(facts, NULL, err) != STATUS_OK ||
        report_add_column(facts, "cpu_seconds", err) != STATUS_OK)
        return err->status;
    report_want(facts);
    return report_read(facts, subject, err);
}

/* report of the same files and window, as it was written; NULL: no memory. */
static char *make_question(const struct words *words, const struct subject *subject)
{
    const struct window_options *w = &words->options.window;
    const struct {
        const char *name, *value;
    } given[] = { { "--from", w->from },
                  { "--to", w->to },
                  { "--last", w->last },
                  { "--at", w->at },
                  { "--span", w->span } };
    const char *word[OPTIONS_FILES_MOST + 2 * COUNT_OF(given) + 2];
    size_t count = 0;

    for (size_t i = 0; i < words->options.file_count; i++)
        word[count++] = words->options.files[i];
    if (count == 0)
        word[count++] = subject->contents->path;
    for (size_t i = 0; i < COUNT_OF(given); i++)
        if (given[i].value != NULL) {
            word[count++] = given[i].name;
            word[count++] = given[i].value;
        }
    if (words->options.utc)
        word[count++] = "--utc";
    return shell_command("procscope report", word, count);
}

static enum status print(const struct words *words, const struct check checks[],
                         const struct report *facts, const struct subject *subject,
                         struct error *err)
{
    char *question = make_question(words, subject);
    struct output_options options;
    struct sink sink;
    enum status st;

    if (question == NULL)
        return error_set(err, STATUS_NO_MEMORY, "a command");
    st = sink_open(&sink, &words->options, subject, err);
    if (st == STATUS_OK) {
        options = sink_options(&sink, &words->options, subject);
        st = check_print(checks, words->count, facts, subject, question, sink.file, &options, err);
        st = sink_close(&sink, st, err);
    }
    if (st == STATUS_OK && words->junit != NULL)
        st = check_write_junit(checks, words->count, subject->contents->path, question,
                               words->junit, err);
    free(question);
    return st;
}

static enum status ask_all(const struct words *words, struct check checks[], struct error *err)
{
    struct options options = words->options;
    struct subject subject = { 0 };
    struct report facts = { .column_count = 0 };
    size_t broken = 0;
    enum status st = subject_open(&subject, &options, err);

    if (st == STATUS_OK)
        st = read_facts(&facts, &subject, err);
    for (size_t i = 0; i < words->count && st == STATUS_OK; i++) {
        st = check_ask(&checks[i], &facts, &subject, err);
        broken += !checks[i].holds;
    }
    if (st == STATUS_OK)
        st = print(words, checks, &facts, &subject, err);
    if (st == STATUS_OK && broken > 0)
        st = error_set(err, STATUS_ABSENT, "%zu of %zu check%s not hold", broken, words->count,
                       words->count == 1 ? " does" : "s do");
    report_release(&facts);
    subject_close(&subject);
    return st;
}

static enum status run(int argc, char **argv, struct error *err)
{
    struct words words = { .file = NULL };
    struct check *checks = NULL;
    enum status st = parse(&words, argc, argv, err);

    if (st == STATUS_OK) {
        checks = calloc(words.count, sizeof *checks);
        st = checks == NULL ? error_set(err, STATUS_NO_MEMORY, "checks") : STATUS_OK;
    }
    for (size_t i = 0; i < words.count && st == STATUS_OK; i++)
        st = check_parse(&checks[i], words.check[i], err);
    if (st == STATUS_OK)
        st = ask_all(&words, checks, err);
    for (size_t i = 0; checks != NULL && i < words.count; i++)
        check_release(&checks[i]);
    free(checks);
    free(words.check);
    free(words.lines);
    return st;
}

const struct command command_check = { "check", "whether claims about it hold, for a CI", help, run,
                                       OPTIONS_SEVERAL | OPTIONS_WINDOW | OPTIONS_FORMAT |
                                           OPTIONS_OUTPUT };
