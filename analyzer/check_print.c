/* Checks and their answers: a line each for people, rows for machines. */
#include <stdio.h>
#include <string.h>

#include "analyzer/check.h"
#include "analyzer/human.h"
#include "analyzer/trust.h"

enum { COMMAND_MAX = 4096 };

static char *put_number(char *out, long double value)
{
    return out + snprintf(out, HUMAN_ROOM, "%.15Lg", value);
}

void check_show_value(const struct check *check, char *text, size_t size)
{
    char shown[HUMAN_ROOM + 1];
    const char *unit = check_unit(check);
    double value = (double)check->value;
    char *end;

    if (!check->known) {
        (void)snprintf(text, size, "-");
        return;
    }
    if (strcmp(unit, "bytes") == 0)
        end = human_put_bytes(shown, value);
    else if (strcmp(unit, "seconds") == 0)
        end = human_put_seconds(shown, value);
    else if (strcmp(unit, "percent") == 0)
        end = human_put_percent(shown, value);
    else if (strcmp(unit, "watts") == 0)
        end = human_put_watts(shown, value);
    else if (strcmp(unit, "joules") == 0)
        end = human_put_joules(shown, value);
    else
        end = put_number(shown, check->value);
    *end = '\0';
    (void)snprintf(text, size, "%s%s", shown, strcmp(unit, "percent") == 0 ? " %" : "");
}

static struct output_cell text_cell(const char *text)
{
    return (struct output_cell){ .missing = text == NULL || text[0] == '\0',
                                 .text = text,
                                 .text_size = text == NULL ? 0 : strlen(text) };
}

void check_command(const struct check *check, const char *question, char *text, size_t size)
{
    text[0] = '\0';
    if (!check->known || check->column == NULL || check->figure != CHECK_COLUMN ||
        check->process_id == 0 || !report_column_measured(check->column))
        return;
    (void)snprintf(text, size, "%s --explain-cell process_id=%lld:%s", question,
                   (long long)check->process_id, check->column->output.name);
}

/* --- for people --- */

enum person { P_HOLDS, P_VALUE, P_CHECK, P_WHO, P_COUNT };
static const struct output_column person_columns[P_COUNT] = {
    [P_HOLDS] = { "HOLDS", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_VALUE] = { "VALUE", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_CHECK] = { "CHECK", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_WHO] = { "OF", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
};

/* Room for all of it. */
void check_describe(const struct check *check, char *text, size_t size)
{
    if (!check->known)
        (void)snprintf(text, size, "%s", check->reason);
    else if (check->pid != 0)
        (void)snprintf(text, size, "%s, pid %lld: %s", check->who, (long long)check->pid,
                       check->cmdline);
    else if (check->figure == CHECK_COLUMN)
        (void)snprintf(text, size, "%s", check->who[0] == '\0' ? "[none]" : check->who);
    else if (check->figure == CHECK_SUM)
        (void)snprintf(text, size, "%zu row%s", check->rows, check->rows == 1 ? "" : "s");
    else
        text[0] = '\0';
    if (check->known && check->unknown > 0) {
        char more[60];
        size_t used;

        (void)snprintf(more, sizeof more, " (not known of %zu more)", check->unknown);
        used = strlen(text) < size - sizeof more ? strlen(text) : size - sizeof more;
        (void)snprintf(text + used, size - used, "%s", more);
    }
}

static void person_row(struct output *out, const struct check *check)
{
    char value[HUMAN_ROOM + 4], who[2 * CHECK_WHO_MAX + 40];
    struct output_cell cells[P_COUNT];

    check_show_value(check, value, sizeof value);
    check_describe(check, who, sizeof who);
    cells[P_HOLDS] = text_cell(check->holds ? "yes" : "NO");
    cells[P_VALUE] = text_cell(value);
    cells[P_CHECK] = text_cell(check->text);
    cells[P_WHO] = text_cell(who);
    output_row(out, cells, OUTPUT_NORMAL);
}

static void person_notes(struct output *out, const struct check checks[], size_t count,
                         const char *question)
{
    for (size_t i = 0; i < count; i++) {
        char command[COMMAND_MAX], name[32];

        check_command(&checks[i], question, command, sizeof command);
        if (checks[i].holds || command[0] == '\0')
            continue;
        (void)snprintf(name, sizeof name, "check %zu", i + 1);
        output_note(out, name, command);
    }
}

/* --- for machines --- */

enum machine {
    M_CHECK,
    M_HOLDS,
    M_VALUE,
    M_RELATION,
    M_BOUND,
    M_UNIT,
    M_PROCESS_ID,
    M_PID,
    M_NAME,
    M_CMDLINE,
    M_REASON,
    M_COMMAND,
    M_UNKNOWN,
    M_COUNT
};
static const struct output_column machine_columns[M_COUNT] = {
    [M_CHECK] = { "check", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_HOLDS] = { "holds", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_VALUE] = { "value", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_RELATION] = { "relation", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_BOUND] = { "bound", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_UNIT] = { "unit", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_PROCESS_ID] = { "process_id", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_PID] = { "pid", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_NAME] = { "name", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_CMDLINE] = { "cmdline", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_REASON] = { "reason", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_COMMAND] = { "command", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_UNKNOWN] = { "rows_without_value", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
};

static void machine_row(struct output *out, const struct check *check, const char *question)
{
    char command[COMMAND_MAX];
    struct output_cell cells[M_COUNT];
    bool of_row = check->known && check->figure == CHECK_COLUMN;

    check_command(check, question, command, sizeof command);
    cells[M_CHECK] = text_cell(check->text);
    cells[M_HOLDS] = (struct output_cell){ .integer = check->holds };
    cells[M_VALUE] = (struct output_cell){ .missing = !check->known, .real = (double)check->value };
    cells[M_RELATION] = text_cell(check_relation_names[check->relation]);
    cells[M_BOUND] = (struct output_cell){ .real = (double)check->bound };
    cells[M_UNIT] = text_cell(check_unit(check));
    cells[M_PROCESS_ID] =
        (struct output_cell){ .missing = check->process_id == 0, .integer = check->process_id };
    cells[M_PID] = (struct output_cell){ .missing = check->process_id == 0, .integer = check->pid };
    cells[M_NAME] = (struct output_cell){ .missing = !of_row,
                                          .text = check->who,
                                          .text_size = strlen(check->who) };
    cells[M_CMDLINE] = text_cell(check->cmdline);
    cells[M_REASON] = text_cell(check->reason);
    cells[M_COMMAND] = text_cell(command);
    cells[M_UNKNOWN] =
        (struct output_cell){ .missing = !check->known || check->figure == CHECK_FACT,
                              .integer = (int64_t)check->unknown };
    output_row(out, cells, OUTPUT_NORMAL);
}

enum status check_print(const struct check checks[], size_t count, const struct report *facts,
                        const struct subject *subject, const char *question, FILE *file,
                        const struct output_options *options, struct error *err)
{
    bool people = options->format == OUTPUT_TABLE;
    struct output out;
    enum status st = output_open(&out, file, people ? person_columns : machine_columns,
                                 people ? P_COUNT : M_COUNT, options, err);

    for (size_t i = 0; i < count && st == STATUS_OK; i++) {
        if (people)
            person_row(&out, &checks[i]);
        else
            machine_row(&out, &checks[i], question);
    }
    if (st != STATUS_OK) {
        (void)!output_close(&out, &(struct error){ 0 });
        return st;
    }
    if (people)
        person_notes(&out, checks, count, question);
    trust_notes(&out, facts, subject);
    return output_close(&out, err);
}
