/* Incidents as rows: for people one line a figure, for machines the same at full precision. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/escape.h"
#include "analyzer/explain.h"
#include "analyzer/human.h"
#include "analyzer/shell.h"
#include "analyzer/trust.h"

enum { EVENTS_MAX = 8, WORD_MAX = 200 };

/* What a row is of. */
struct row {
    const struct explain_incident *incident;
    size_t number; /* of the incident, from 1 */
    const char *role, *kind;
    size_t place; /* of a culprit, from 1 */
    const char *name;
    size_t name_size;
    const struct explain_line *line;
    const char *figure;  /* without a line */
    double score, value; /* NAN: none */
    int64_t at_ns;       /* NO_TIME: the incident's */
};

struct printing {
    const struct explain *e;
    struct output out;
    bool people;
    char *command; /* "procscope replay FILE", before --at */
};

/* --- for machines --- */

enum machine {
    M_INCIDENT,
    M_ROLE,
    M_CULPRIT,
    M_KIND,
    M_NAME,
    M_TABLE,
    M_FIGURE,
    M_VALUE,
    M_BEFORE,
    M_RATE,
    M_RATE_BEFORE,
    M_SCORE,
    M_FROM,
    M_FROM_NS,
    M_TO,
    M_TO_NS,
    M_BEFORE_FROM,
    M_BEFORE_FROM_NS,
    M_COVERED,
    M_COVERED_BEFORE,
    M_REPLAY,
    M_COUNT,
};

static const struct output_column machine_columns[M_COUNT] = {
    [M_INCIDENT] = { "incident", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_ROLE] = { "role", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_CULPRIT] = { "culprit", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_KIND] = { "kind", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_NAME] = { "name", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_TABLE] = { "source", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_FIGURE] = { "figure", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [M_VALUE] = { "value", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_BEFORE] = { "value_before", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_RATE] = { "per_second", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_RATE_BEFORE] = { "per_second_before", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_SCORE] = { "score", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_FROM] = { "from", OUTPUT_TIME, HUMAN_TIME, 0 },
    [M_FROM_NS] = { "from_ns", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_TO] = { "to", OUTPUT_TIME, HUMAN_TIME, 0 },
    [M_TO_NS] = { "to_ns", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_BEFORE_FROM] = { "before_from", OUTPUT_TIME, HUMAN_TIME, 0 },
    [M_BEFORE_FROM_NS] = { "before_from_ns", OUTPUT_INTEGER, HUMAN_PLAIN, 0 },
    [M_COVERED] = { "covered_seconds", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_COVERED_BEFORE] = { "covered_seconds_before", OUTPUT_REAL, HUMAN_PLAIN, 0 },
    [M_REPLAY] = { "replay", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
};

static struct output_cell text_cell(const char *text)
{
    return (struct output_cell){ .missing = text == NULL,
                                 .text = text,
                                 .text_size = text == NULL ? 0 : strlen(text) };
}

static struct output_cell real_cell(bool known, double value)
{
    return (struct output_cell){ .missing = !known || isnan(value), .real = value };
}

static void put_replay(const struct printing *p, const struct explain_incident *incident,
                       char *text, size_t size)
{
    (void)snprintf(text, size, "%s --at @%" PRId64 ".%09d", p->command,
                   incident->worst_ns / 1000000000, (int)(incident->worst_ns % 1000000000));
}

static void machine_times(const struct row *row, struct output_cell cells[M_COUNT])
{
    const struct explain_incident *incident = row->incident;
    bool event = row->at_ns != NO_TIME;

    cells[M_FROM].integer = cells[M_FROM_NS].integer =
        event ? row->at_ns : incident->window.from_ns;
    cells[M_TO].integer = cells[M_TO_NS].integer = event ? row->at_ns : incident->window.to_ns;
    cells[M_BEFORE_FROM].integer = cells[M_BEFORE_FROM_NS].integer = incident->before.from_ns;
    cells[M_BEFORE_FROM].missing = cells[M_BEFORE_FROM_NS].missing = event;
    cells[M_COVERED] = real_cell(!event, incident->covered_seconds);
    cells[M_COVERED_BEFORE] = real_cell(!event, incident->covered_before_seconds);
}

static void machine_row(struct printing *p, const struct row *row)
{
    const struct explain_line *line = row->line;
    struct output_cell cells[M_COUNT] = { { .missing = false } };
    char replay[4096];

    cells[M_INCIDENT].integer = (int64_t)row->number;
    cells[M_ROLE] = text_cell(row->role);
    cells[M_CULPRIT] =
        (struct output_cell){ .missing = row->place == 0, .integer = (int64_t)row->place };
    cells[M_KIND] = text_cell(row->kind);
    cells[M_NAME] = (struct output_cell){ .missing = row->name == NULL,
                                          .text = row->name,
                                          .text_size = row->name_size };
    cells[M_TABLE] = text_cell(line == NULL ? NULL : line->table);
    cells[M_FIGURE] = text_cell(line == NULL ? row->figure : line->figure);
    cells[M_VALUE] =
        line == NULL ? real_cell(true, row->value) : real_cell(line->known, line->value);
    cells[M_BEFORE] =
        real_cell(line != NULL && line->known_before, line == NULL ? NAN : line->before);
    cells[M_RATE] =
        real_cell(line != NULL && line->counter && line->known, line == NULL ? NAN : line->rate);
    cells[M_RATE_BEFORE] = real_cell(line != NULL && line->counter && line->known_before,
                                     line == NULL ? NAN : line->rate_before);
    cells[M_SCORE] = real_cell(true, row->score);
    machine_times(row, cells);
    put_replay(p, row->incident, replay, sizeof replay);
    cells[M_REPLAY] = text_cell(strcmp(row->role, "incident") == 0 ? replay : NULL);
    output_row(&p->out, cells, OUTPUT_NORMAL);
}

/* --- for people --- */

enum person { P_NUMBER, P_WHAT, P_WHO, P_FIGURE, P_THEN, P_BEFORE, P_COUNT };

static const struct output_column person_columns[P_COUNT] = {
    [P_NUMBER] = { "#", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_WHAT] = { "WHAT", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_WHO] = { "WHO", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_FIGURE] = { "FIGURE", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_THEN] = { "THEN", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
    [P_BEFORE] = { "BEFORE", OUTPUT_TEXT, HUMAN_PLAIN, 0 },
};

/* An amount in the line's unit. */
static void put_amount(char *text, size_t size, bool known, double amount,
                       const struct explain_line *line)
{
    if (!known || isnan(amount))
        (void)snprintf(text, size, "-");
    else
        human_put_unit(text, size, amount * line->human, line->unit);
}

static void put_span(const struct printing *p, const struct row *row, char *text, size_t size)
{
    const struct window *w = &row->incident->window;
    char from[HUMAN_ROOM], to[HUMAN_ROOM], length[HUMAN_ROOM];

    *human_put_time(from, p->out.options.zone, w->from_ns) = '\0';
    *human_put_time(to, p->out.options.zone, w->to_ns) = '\0';
    *human_put_seconds(length, (double)(w->to_ns - w->from_ns) / 1e9) = '\0';
    (void)snprintf(text, size, "%s to %s, %s", from, strncmp(from, to, 11) == 0 ? to + 11 : to,
                   length);
}

static void person_row(struct printing *p, const struct row *row)
{
    struct output_cell cells[P_COUNT];
    char number[24] = "", who[WORD_MAX] = "", then[WORD_MAX] = "", before[WORD_MAX] = "",
         figure[WORD_MAX] = "";
    bool head = strcmp(row->role, "incident") == 0;

    if (head)
        (void)snprintf(number, sizeof number, "%zu", row->number);
    else if (row->place > 0)
        (void)snprintf(number, sizeof number, "%zu.%zu", row->number, row->place);
    if (head)
        put_span(p, row, who, sizeof who);
    if (row->line != NULL) {
        const struct explain_line *line = row->line;

        put_amount(then, sizeof then, line->known, line->counter ? line->rate : line->value, line);
        put_amount(before, sizeof before, line->known_before,
                   line->counter ? line->rate_before : line->before, line);
        (void)snprintf(figure, sizeof figure, "%s", line->title);
    } else {
        (void)snprintf(figure, sizeof figure, "%s", row->figure == NULL ? "" : row->figure);
        if (head)
            (void)snprintf(then, sizeof then, "%.1f s", row->value);
        else if (!isnan(row->score))
            (void)snprintf(then, sizeof then, "%.0f %%", row->score * 100);
        else if (!isnan(row->value))
            (void)snprintf(then, sizeof then, "%.3f s", row->value);
        else if (row->at_ns != NO_TIME)
            *human_put_time(then, p->out.options.zone, row->at_ns) = '\0';
    }
    cells[P_NUMBER] = text_cell(number);
    cells[P_WHAT] = text_cell(row->role);
    cells[P_WHO] = head || row->name == NULL
                       ? text_cell(who)
                       : (struct output_cell){ .text = row->name, .text_size = row->name_size };
    cells[P_FIGURE] = text_cell(figure);
    cells[P_THEN] = text_cell(then);
    cells[P_BEFORE] = text_cell(before);
    output_row(&p->out, cells, OUTPUT_NORMAL);
}

/* --- rows --- */

static void put(struct printing *p, const struct row *row)
{
    if (p->people)
        person_row(p, row);
    else
        machine_row(p, row);
}

static const char *kind_of(const struct explain_subject *s)
{
    return s->lineage ? "lineage" : s->entity_id == 0 ? "host" : entity_kind_name(s->kind);
}

static void put_lines(struct printing *p, struct row row, size_t place)
{
    const struct explain_incident *incident = row.incident;

    for (size_t i = 0; i < incident->line_count; i++) {
        const struct explain_line *line = &incident->line[i];
        const struct explain_subject *s =
            line->subject == SIZE_MAX ? NULL : &p->e->subject[line->subject];

        if (line->culprit != place)
            continue;
        row.role = line->role == EXPLAIN_LINE_SYMPTOM   ? "symptom"
                   : line->role == EXPLAIN_LINE_CULPRIT ? "evidence"
                                                        : "user";
        row.kind = s == NULL ? "lineage" : kind_of(s);
        row.name = s == NULL ? line->owned : s->name.data;
        row.name_size = s == NULL ? line->owned_size : s->name.size;
        row.line = line;
        row.place = place;
        row.score = NAN;
        put(p, &row);
    }
}

static void put_culprits(struct printing *p, struct row row)
{
    static const char nobody[] = "nobody";
    const struct explain_incident *incident = row.incident;

    if (p->people && incident->culprit_count == 0) { /* to machines a missing row says it */
        row.role = "culprit";
        row.name = nobody;
        row.name_size = strlen(nobody);
        row.figure = "used so much more than before";
        put(p, &row);
    }
    for (size_t i = 0; i < incident->culprit_count; i++) {
        const struct explain_subject *s = &p->e->subject[incident->culprit[i].subject];

        row.role = "culprit";
        row.kind = kind_of(s);
        row.name = s->name.data;
        row.name_size = s->name.size;
        row.place = i + 1;
        row.figure = p->people ? "of the host, beyond what is usual" : "score";
        row.score = incident->culprit[i].score;
        put(p, &row);
        put_lines(p, row, i + 1);
    }
}

static void put_events(struct printing *p, struct row row)
{
    const struct recording_contents *c = p->e->asked->contents;
    size_t count = 0;

    for (size_t i = 0; i < c->event_count && count < EVENTS_MAX; i++) {
        const struct recording_event *event = &c->events[i];

        if (event->at_ns <= row.incident->window.from_ns ||
            event->at_ns > row.incident->window.to_ns)
            continue;
        row.role = "event";
        row.kind = "event";
        row.figure = event->kind;
        row.name = event->detail;
        row.name_size = strlen(event->detail);
        row.at_ns = event->at_ns;
        put(p, &row);
        count++;
    }
}

static void put_remainder(struct printing *p, struct row row)
{
    const struct explain_incident *incident = row.incident;
    const struct {
        const char *figure;
        bool known;
        double value;
    } rest[] = {
        { "not_attributed cpu_seconds", incident->cores_known, incident->not_attributed_seconds },
        { "ticks_missed", incident->ticks_missed > 0, (double)incident->ticks_missed },
        { "ticks_dropped", incident->ticks_dropped > 0, (double)incident->ticks_dropped },
        { "exits_lost", incident->exits_lost > 0, (double)incident->exits_lost },
    };

    row.role = "remainder";
    for (size_t i = 0; i < COUNT_OF(rest); i++) {
        row.figure = rest[i].figure;
        row.value = rest[i].value;
        if (rest[i].known)
            put(p, &row);
    }
}

static void put_incident(struct printing *p, size_t number)
{
    const struct row row = { .incident = &p->e->incident[number],
                             .number = number + 1,
                             .score = NAN,
                             .value = NAN,
                             .at_ns = NO_TIME };
    struct row head = row;

    head.role = "incident";
    head.figure = p->people ? "of the host lost" : "severity";
    head.value = row.incident->severity;
    put(p, &head);
    put_lines(p, row, 0);
    put_culprits(p, row);
    put_events(p, row);
    put_remainder(p, row);
}

/* --- notes --- */

static void note_method(struct printing *p)
{
    char text[800], step[HUMAN_ROOM];

    *human_put_seconds(step, (double)p->e->step_ns / 1e9) = '\0';
    (void)snprintf(
        text, sizeof text,
        "%zu steps of %s, each compared with the up to %d before it: more than the median by %d "
        "spreads (1.4826 x median distance) and by a part of the host that is felt: pressure 5 %%, "
        "busy cores 50 %%, memory 5 %%, disk busy 30 %%, network 10 %%; where no pressure was "
        "recorded, "
        "busy cores or a lineage 35 %% of the cores, a lineage 10 %% of memory, 50 MB/s",
        p->e->judged, step, EXPLAIN_WATCH_STEPS, EXPLAIN_SPREADS);
    output_note(&p->out, "method", text);
    if (p->e->incident_count == 0)
        output_note(&p->out, "nothing",
                    p->e->judged > 0 ? "nothing stands out"
                                     : "too little came before to compare with");
    if (p->e->incident_count > p->e->shown_count) {
        (void)snprintf(text, sizeof text, "%zu more incidents, less severe; --top 0 shows all",
                       p->e->incident_count - p->e->shown_count);
        output_note(&p->out, "more", text);
    }
}

static void note_replays(struct printing *p)
{
    char name[40], text[4096];

    for (size_t i = 0; i < p->e->shown_count; i++) {
        (void)snprintf(name, sizeof name, "look at %zu", i + 1);
        put_replay(p, &p->e->incident[i], text, sizeof text);
        output_note(&p->out, name, text);
    }
}

enum status explain_print(const struct explain *e, const char *const files[], size_t file_count,
                          FILE *file, const struct output_options *options, struct error *err)
{
    struct printing p = { .e = e,
                          .people = options->format == OUTPUT_TABLE,
                          .command = shell_command("procscope replay", files, file_count) };
    struct subject read = *e->asked; /* the time before was looked at, too */
    enum status st;

    if (p.command == NULL)
        return error_set(err, STATUS_NO_MEMORY, "a command");
    st = output_open(&p.out, file, p.people ? person_columns : machine_columns,
                     p.people ? P_COUNT : M_COUNT, options, err);
    for (size_t i = 0; i < e->shown_count && st == STATUS_OK; i++)
        put_incident(&p, i);
    if (st == STATUS_OK) {
        note_method(&p);
        if (p.people)
            note_replays(&p);
        if (!read.whole)
            read.window.from_ns = e->steps.from_ns;
        trust_notes_of_coverage(&p.out, &e->coverage, 0, &read);
        st = output_close(&p.out, err);
    } else {
        (void)!output_close(&p.out, &(struct error){ 0 });
    }
    free(p.command);
    return st;
}
