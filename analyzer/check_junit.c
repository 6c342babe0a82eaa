/*
 * Answers as the XML that CI servers read: a suite of the recording, a case for each check.
 *
 *   source  the format of Ant's JUnit task as Jenkins and GitLab take it: testsuites, testsuite, testcase, failure
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/check.h"
#include "analyzer/escape.h"

enum { TEXT_MAX = 8192 };

/*
 * Any bytes: what is no text, or not allowed in XML 1.0 (https://www.w3.org/TR/xml/#charsets: control characters,
 * U+FFFE, U+FFFF), becomes \xHH.
 */
static void put_text(FILE *out, const char *text)
{
    static char safe[ESCAPE_ROOM(TEXT_MAX) + 1];
    size_t size = strlen(text);
    char *end = escape_put_terminal(safe, text, size < TEXT_MAX ? size : TEXT_MAX);

    for (const char *c = safe; c < end; c++) {
        bool last =
            c[0] == '\xef' && end - c >= 3 && c[1] == '\xbf' && (c[2] == '\xbe' || c[2] == '\xbf');

        if (last) {
            (void)fprintf(out, "\\xef\\xbf\\x%02x", (unsigned)(unsigned char)c[2]);
            c += 2;
        } else if (*c == '&') {
            (void)fputs("&amp;", out);
        } else if (*c == '<') {
            (void)fputs("&lt;", out);
        } else if (*c == '>') {
            (void)fputs("&gt;", out);
        } else if (*c == '"') {
            (void)fputs("&quot;", out);
        } else {
            (void)fputc(*c, out);
        }
    }
}

static void put_attribute(FILE *out, const char *name, const char *text)
{
    (void)fprintf(out, " %s=\"", name);
    put_text(out, text);
    (void)fputc('"', out);
}

static void put_case(FILE *out, const struct check *check, const char *question)
{
    char value[100], who[2 * CHECK_WHO_MAX + 40], command[TEXT_MAX], told[1200];

    check_show_value(check, value, sizeof value);
    check_describe(check, who, sizeof who);
    check_command(check, question, command, sizeof command);
    (void)fputs("    <testcase classname=\"procscope.check\"", out);
    put_attribute(out, "name", check->text);
    (void)fputs(" time=\"0\">\n", out);
    if (!check->holds) {
        (void)snprintf(told, sizeof told, "%s%s%s", value, who[0] == '\0' ? "" : ": ", who);
        (void)fputs("      <failure type=\"check\"", out);
        put_attribute(out, "message", told);
        (void)fputc('>', out);
        put_text(out, command);
        (void)fputs("</failure>\n", out);
    }
    (void)fputs("      <system-out>", out);
    (void)snprintf(told, sizeof told, "value %s %s", value, who);
    put_text(out, told);
    (void)fputs("</system-out>\n    </testcase>\n", out);
}

enum status check_write_junit(const struct check checks[], size_t count, const char *recording,
                              const char *question, const char *path, struct error *err)
{
    FILE *out = fopen(path, "we");
    size_t failures = 0;
    bool failed;

    if (out == NULL)
        return error_set(err, STATUS_IO, "--junit %s: %s", path, strerror(errno));
    for (size_t i = 0; i < count; i++)
        failures += !checks[i].holds;
    (void)fprintf(out,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                  "<testsuites tests=\"%zu\" failures=\"%zu\" errors=\"0\">\n"
                  "  <testsuite tests=\"%zu\" failures=\"%zu\" errors=\"0\"",
                  count, failures, count, failures);
    put_attribute(out, "name", recording);
    (void)fputs(">\n", out);
    for (size_t i = 0; i < count; i++)
        put_case(out, &checks[i], question);
    (void)fputs("  </testsuite>\n</testsuites>\n", out);
    failed = ferror(out) != 0;
    failed = fclose(out) != 0 || failed;
    return failed ? error_set(err, STATUS_IO, "--junit %s: %s", path, strerror(errno)) : STATUS_OK;
}
