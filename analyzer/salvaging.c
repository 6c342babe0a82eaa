/* The list: a line for each thing that is gone, then how much is left. */
#include "analyzer/salvaging.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/decimal.h"
#include "analyzer/escape.h"
#include "analyzer/human.h"
#include "schema/salvage.h"

enum { SHOWN_BYTES = 8000 };

static void print_gone(void *context, const struct salvage_gone *gone)
{
    char from[DECIMAL_RFC3339_SIZE + 1] = "", to[DECIMAL_RFC3339_SIZE + 1] = "";
    struct decimal_clock clock = { 0 };
    char table[300], why[600];
    static char what[SHOWN_BYTES];
    FILE *out = context;

    (void)fprintf(out, "gone: %s", escape_show(table, sizeof table, gone->table));
    if (gone->block_seq != 0)
        (void)fprintf(out, ", block %" PRId64, gone->block_seq);
    if (gone->from_ns != NO_TIME) {
        *decimal_put_rfc3339(&clock, from, gone->from_ns) = '\0';
        *decimal_put_rfc3339(&clock, to, gone->to_ns) = '\0';
        (void)fprintf(out, ", %s to %s", from, to);
    }
    (void)fprintf(out, ": %s: %s\n", escape_show(what, sizeof what, gone->what),
                  escape_show(why, sizeof why, gone->why));
}

static void print_left(FILE *out, const struct salvage_result *r)
{
    char lost[HUMAN_ROOM + 1], whole[HUMAN_ROOM + 1];

    *human_put_seconds(lost, (double)r->lost_ns / 1e9) = '\0';
    *human_put_seconds(whole, (double)r->whole_ns / 1e9) = '\0';
    (void)fprintf(out,
                  "%s: %" PRIu64 " of %" PRIu64 " chunks and %" PRId64 " of %" PRId64
                  " rows are kept; of %s of %s there is no sample\n",
                  r->gone_count == 0 ? "ok" : "salvaged", r->chunks_kept, r->chunk_count,
                  r->rows_kept, r->row_count, lost, whole);
}

static enum status salvage(const char *from, const char *to, const struct options *options,
                           struct error *err)
{
    const struct recording_contents contents = { .path = from };
    const struct subject subject = { .contents = &contents };
    struct salvage_result result;
    struct sink sink = { 0 };
    enum status st = sink_open(&sink, options, &subject, err);

    if (st != STATUS_OK)
        return st;
    st = salvage_write(from, to, print_gone, sink.file, &result, err);
    if (st == STATUS_CORRUPT)
        st = error_prefix(err, "nothing was written");
    if (st == STATUS_OK) {
        print_left(sink.file, &result);
        if (result.gone_count > 0)
            st = error_set(err, STATUS_CORRUPT, "%zu thing%s gone; %s has the rest",
                           result.gone_count, result.gone_count == 1 ? " is" : "s are", to);
    }
    return sink_close(&sink, st, err);
}

enum status salvaging_run(const struct options *options, const char *to, struct error *err)
{
    char *path = NULL;
    enum status st = STATUS_OK;

    if (options->output != NULL && strcmp(options->output, to) == 0)
        return error_set(err, STATUS_INVALID, "-o and --salvage name the same file");
    if (access(to, F_OK) == 0)
        return error_set(err, STATUS_INVALID, "--salvage %s: there is such a file already", to);
    if (options->file == NULL)
        st = options_default_file(&path, err);
    if (st == STATUS_OK)
        st = salvage(options->file == NULL ? path : options->file, to, options, err);
    free(path);
    return st;
}
