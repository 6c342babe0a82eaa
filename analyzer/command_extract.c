/* procscope extract: a part of a recording, as a recording to hand over. */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/command.h"
#include "analyzer/escape.h"
#include "analyzer/human.h"
#include "analyzer/options.h"
#include "analyzer/progress.h"
#include "schema/extract.h"

#define REDACTED "[redacted]" /* as the recorder writes it */

static const char help[] =
    "usage: procscope extract [FILE] [WINDOW] [--redact REGEX] -o OUT.pscope\n"
    "\n"
    "Writes a smaller recording, in which reports on the window say what they say of the whole "
    "one.\n"
    "It has whole blocks, so the samples of some minutes before the window and after it, too; but "
    "no\n"
    "sums of minutes and hours, nor what is known by name only. It tells whom it has by name of "
    "all\n"
    "the time that they lived.\n"
    "\n"
    "  --redact REGEX    put [redacted] where names, command lines, labels and notes match "
    "(POSIX\n"
    "                    extended; arguments are joined by spaces; REGEX may have alternatives: "
    "a|b)\n";

/* --- redaction --- */

struct pattern {
    regex_t regex;
    bool set;
    char *line; /* a text with a NUL after it, and none in it */
    size_t size;
};

static enum status pattern_set(struct pattern *p, const char *text, struct error *err)
{
    char why[200], shown[200];
    int code;

    if (text == NULL)
        return STATUS_OK;
    code = regcomp(&p->regex, text, REG_EXTENDED);
    if (code != 0) {
        (void)regerror(code, &p->regex, why, sizeof why);
        return error_set(err, STATUS_INVALID, "--redact %s: %s",
                         escape_show(shown, sizeof shown, text), why);
    }
    p->set = true;
    if (regexec(&p->regex, "", 0, NULL, 0) == 0)
        return error_set(err, STATUS_INVALID, "--redact %s: it matches nothing at all, anywhere",
                         escape_show(shown, sizeof shown, text));
    return STATUS_OK;
}

static void pattern_release(struct pattern *p)
{
    if (p->set)
        regfree(&p->regex);
    free(p->line);
}

static enum status copy_line(struct pattern *p, const char *text, size_t size, struct error *err)
{
    if (size + 1 > p->size) {
        char *larger = realloc(p->line, size + 1);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "a text");
        p->line = larger;
        p->size = size + 1;
    }
    for (size_t i = 0; i < size; i++)
        p->line[i] = text[i] == '\0' ? ' ' : text[i];
    p->line[size] = '\0';
    return STATUS_OK;
}

static enum status redact(void *self, const char *text, size_t size, struct byte_writer *instead,
                          bool *changed, struct error *err)
{
    struct pattern *p = self;
    size_t at = 0;
    regmatch_t match;

    *changed = false;
    if (copy_line(p, text, size, err) != STATUS_OK)
        return err->status;
    while (at < size && regexec(&p->regex, p->line + at, 1, &match, at > 0 ? REG_NOTBOL : 0) == 0) {
        size_t from = at + (size_t)match.rm_so, to = at + (size_t)match.rm_eo;

        if (to == from) { /* an empty match, as of a*: go on behind it */
            to = from < size ? from + 1 : size;
            bytes_put(instead, text + at, to - at);
        } else {
            bytes_put(instead, text + at, from - at);
            bytes_put(instead, REDACTED, strlen(REDACTED));
            *changed = true;
        }
        at = to;
    }
    bytes_put(instead, text + at, size - at);
    return instead->full ? error_set(err, STATUS_NO_MEMORY, "a text") : STATUS_OK;
}

/* --- run --- */

static void tell(const struct extract_result *result, const struct subject *subject,
                 const struct pattern *pattern)
{
    char from[HUMAN_ROOM + 1], to[HUMAN_ROOM + 1];

    *human_put_time(from, &subject->zone, result->from_ns) = '\0';
    *human_put_time(to, &subject->zone, result->to_ns) = '\0';
    (void)fprintf(stderr, "%zu blocks from %s to %s", result->block_count, from, to);
    if (pattern->set)
        (void)fprintf(stderr, "; %zu texts redacted", result->redacted_count);
    (void)fputc('\n', stderr);
}

static enum status run_open(const struct options *options, const struct subject *subject,
                            struct pattern *pattern, struct error *err)
{
    const struct extract_redactor redactor = { redact, pattern };
    struct extract_result result;
    enum status st;

    recording_watch(subject->recording, progress_show);
    st = extract_write(subject->recording, subject->window.from_ns, subject->window.to_ns,
                       pattern->set ? &redactor : NULL, options->output, &result, err);

    progress_clear();
    if (st == STATUS_OK)
        tell(&result, subject, pattern);
    return st;
}

static enum status run(int argc, char **argv, struct error *err)
{
    const char *text = NULL;
    const struct own_option own[] = { { "--redact", true, &text } };
    struct options options;
    struct subject subject = { 0 };
    struct pattern pattern = { .set = false };
    enum status st =
        options_parse(&options, command_extract.options, own, COUNT_OF(own), argc, argv, err);

    if (st == STATUS_OK && (options.output == NULL || strcmp(options.output, "-") == 0))
        st = error_set(err, STATUS_INVALID, "say with -o where the new recording is to be");
    if (st == STATUS_OK)
        st = pattern_set(&pattern, text, err);
    if (st == STATUS_OK)
        st = subject_open(&subject, &options, err);
    if (st == STATUS_OK)
        st = run_open(&options, &subject, &pattern, err);
    pattern_release(&pattern);
    subject_close(&subject);
    return st;
}

const struct command command_extract = { "extract", "a part of a recording as a smaller one", help,
                                         run, OPTIONS_WINDOW | OPTIONS_OUTPUT };
