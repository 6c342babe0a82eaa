/* Opening what a command is about, and the place its output goes to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/evicted.h"
#include "analyzer/options.h"

static void find_span(struct subject *subject)
{
    const struct recording_contents *c = subject->contents;

    for (size_t i = 0; i < c->block_count[0]; i++) {
        if (i == 0 || c->blocks[0][i].start_ns < subject->first_ns)
            subject->first_ns = c->blocks[0][i].start_ns;
        if (i == 0 || c->blocks[0][i].end_ns > subject->last_ns)
            subject->last_ns = c->blocks[0][i].end_ns;
    }
    if (c->block_count[0] == 0 && c->session_count > 0)
        subject->first_ns = subject->last_ns = c->sessions[c->session_count - 1].wall_start_ns;
}

/*
 * How the wall clock stood to the timeline, when: nothing if it never left it. Sessions begin with both
 * the same.
 */
static enum status find_wall(const struct subject *subject, struct when_wall **list, size_t *count,
                             struct error *err)
{
    const struct recording_contents *c = subject->contents;
    struct when_wall *wall = malloc((c->session_count + c->timeline_count + 1) * sizeof *wall);
    bool set = false;

    *list = wall;
    *count = 0;
    if (wall == NULL)
        return error_set(err, STATUS_NO_MEMORY, "timeline");
    for (size_t s = 0; s < c->session_count; s++) {
        struct when_wall next = { c->sessions[s].wall_start_ns, 0 };

        if (*count == 0 || next.timeline_ns > wall[*count - 1].timeline_ns)
            wall[(*count)++] = next;
        for (size_t i = 0; i < c->timeline_count; i++) {
            const struct recording_timeline *t = &c->timeline[i];

            next = (struct when_wall){ t->timeline_ns, wrap_subtract(t->wall_ns, t->timeline_ns) };
            if (t->session_id != c->sessions[s].session_id ||
                next.timeline_ns <= wall[*count - 1].timeline_ns)
                continue;
            wall[(*count)++] = next;
            set = true;
        }
    }
    if (!set)
        *count = 0;
    return STATUS_OK;
}

static struct when_context when_context_of(const struct subject *subject,
                                           const struct options *options)
{
    return (struct when_context){ .zone = &subject->zone,
                                  .utc = options->utc,
                                  .first_ns = subject->first_ns,
                                  .last_ns = subject->last_ns };
}

static enum status resolve(struct subject *subject, struct options *options,
                           struct when_context *context, struct when_warning *warning,
                           struct error *err)
{
    struct when_wall *wall = NULL;
    enum status st = find_wall(subject, &wall, &context->wall_count, err);

    context->wall = wall;
    if (st == STATUS_OK && !subject->whole)
        st = window_resolve(&options->window, context, &subject->window, warning, err);
    if (st == STATUS_OK)
        st = where_bind(&options->select.where, context, warning, err);
    free(wall);
    return st;
}

enum status subject_time(const struct subject *subject, const struct options *options,
                         const char *text, int64_t *time_ns, struct error *err)
{
    struct when_context context = when_context_of(subject, options);
    struct when_wall *wall = NULL;
    struct when_warning warning = { "" };
    struct when_time time = { 0 };
    enum status st = find_wall(subject, &wall, &context.wall_count, err);

    context.wall = wall;
    if (st == STATUS_OK)
        st = when_parse(text, &context, &time, &warning, err);
    free(wall);
    *time_ns = time.first_ns;
    return st;
}

enum status subject_window(struct subject *subject, struct options *options, struct error *err)
{
    const struct window_options *w = &options->window;
    struct when_context context = when_context_of(subject, options);
    struct when_warning warning = { "" };
    int64_t before_first = subject->evicted_ns != NO_TIME   ? subject->evicted_ns
                           : subject->first_ns == INT64_MIN ? INT64_MIN
                                                            : subject->first_ns - 1;

    subject->whole =
        w->from == NULL && w->to == NULL && w->last == NULL && w->at == NULL && w->span == NULL;
    subject->window = (struct window){ before_first, subject->last_ns };
    if (resolve(subject, options, &context, &warning, err) != STATUS_OK)
        return err->status;
    if (w->from == NULL && w->last == NULL && w->at == NULL)
        subject->window.from_ns = before_first;
    if (warning.text[0] != '\0')
        (void)fprintf(stderr, "procscope: %s\n", warning.text);
    return STATUS_OK;
}

enum status subject_open(struct subject *subject, struct options *options, struct error *err)
{
    const struct recording_session *session;
    struct error ignored;
    enum status st;

    *subject = (struct subject){ 0 };
    if (options->file == NULL && options_default_file(&subject->path, err) != STATUS_OK)
        return err->status;
    if (options->file_count > 1)
        st = recording_open_many(&subject->recording, options->files, options->file_count, err);
    else
        st = recording_open(&subject->recording,
                            options->file == NULL ? subject->path : options->file, err);
    if (st == STATUS_INVALID)
        st = err->status = STATUS_UNSUPPORTED; /* not a recording: no fault of the command line */
    if (st == STATUS_CORRUPT)
        st = error_prefix(err, "nothing was read");
    if (st != STATUS_OK)
        return st;
    subject->contents = recording_contents(subject->recording);
    if (subject->contents->session_count > 0) {
        session = &subject->contents->sessions[subject->contents->session_count - 1];
        subject->zone = (struct zone){ .name = session->zone,
                                       .offset_s = session->zone_offset_s,
                                       .next_change_ns = session->zone_next_change_ns,
                                       .next_offset_s = session->zone_next_offset_s };
        (void)!zone_load(&subject->zone, NULL, &ignored); /* else the stored offsets serve */
    }
    find_span(subject);
    subject->evicted_ns = evicted_since(subject->recording);
    return subject_window(subject, options, err);
}

void subject_close(struct subject *subject)
{
    zone_release(&subject->zone);
    recording_close(subject->recording);
    free(subject->path);
    *subject = (struct subject){ 0 };
}

enum status sink_open(struct sink *sink, const struct options *options,
                      const struct subject *subject, struct error *err)
{
    struct stat recording, target;

    *sink = (struct sink){ .file = stdout };
    if (options->output == NULL || strcmp(options->output, "-") == 0)
        return STATUS_OK;
    for (size_t i = 0; i < options->file_count || i == 0; i++)
        if (stat(i < options->file_count ? options->files[i] : subject->contents->path,
                 &recording) == 0 &&
            stat(options->output, &target) == 0 && recording.st_dev == target.st_dev &&
            recording.st_ino == target.st_ino)
            return error_set(err, STATUS_INVALID, "-o %s: that is the recording itself",
                             options->output);
    sink->path = options->output;
    sink->file = fopen(options->output, "we");
    if (sink->file == NULL)
        return error_set(err, STATUS_IO, "-o %s: %s", options->output, strerror(errno));
    return STATUS_OK;
}

/* Flush, and close what was opened. What failed before counts, too: its reason may be lost. */
static enum status close_file(struct sink *sink, struct error *err)
{
    bool failed = ferror(sink->file) != 0;
    int reason;

    errno = 0;
    if ((sink->path == NULL ? fflush(sink->file) : fclose(sink->file)) != 0)
        failed = true;
    reason = errno;
    sink->file = NULL;
    if (!failed)
        return STATUS_OK;
    return error_set(err, STATUS_IO, "%s: %s", sink->path == NULL ? "output" : sink->path,
                     reason == 0 ? "not all could be written" : strerror(reason));
}

/* A device, say, is left alone; of a link what it means is made empty. */
static void discard(const struct sink *sink)
{
    struct stat target;

    if (sink->path == NULL || stat(sink->path, &target) != 0 || !S_ISREG(target.st_mode))
        return;
    (void)!truncate(sink->path, 0);
    if (lstat(sink->path, &target) == 0 && S_ISREG(target.st_mode))
        (void)unlink(sink->path);
}

enum status sink_close(struct sink *sink, enum status so_far, struct error *err)
{
    struct error closing = { 0 };
    enum status closed;

    if (sink->file == NULL)
        return so_far;
    closed = close_file(sink, &closing);
    if (so_far == STATUS_OK && closed != STATUS_OK) {
        *err = closing;
        so_far = closed;
    } else if (so_far == STATUS_IO && sink->path != NULL) {
        so_far = error_prefix(err, sink->whole ? "-o %s" : "-o %s: incomplete", sink->path);
    }
    if (sink->whole && so_far != STATUS_OK)
        discard(sink);
    return so_far;
}

struct output_options sink_options(const struct sink *sink, const struct options *options,
                                   const struct subject *subject)
{
    struct output_options o = { .format = options->format,
                                .csv_safe = options->csv_safe,
                                .zone = options->utc ? NULL : &subject->zone,
                                .notes = stderr };
    struct winsize size;

    if (options->format != OUTPUT_TABLE || !isatty(fileno(sink->file)))
        return o;
    o.colour = getenv("NO_COLOR") == NULL;
    o.width = 80;
    if (ioctl(fileno(sink->file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        o.width = size.ws_col;
    return o;
}
