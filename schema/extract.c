/* From one recording into another file: choose blocks, copy chunks, write rows, leave one file. */
#include "schema/extract.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schema/extract_private.h"

/* One that is there is never written to: it may be a recording. */
static enum status make_file(const char *path, struct error *err)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (file < 0)
        return error_set(err, errno == EEXIST ? STATUS_INVALID : STATUS_IO, "%s: %s", path,
                         errno == EEXIST ? "there is such a file already" : strerror(errno));
    (void)close(file);
    return STATUS_OK;
}

/* Nobody reads it yet: no WAL, and what fails is removed as a whole. */
static enum status open_out(struct extract *e, const char *path, struct error *err)
{
    if (database_open_write(&e->out, path, err) != STATUS_OK ||
        database_exec(&e->out, "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL", err) !=
            STATUS_OK)
        return err->status;
    return database_begin(&e->out, err);
}

enum status extract_begin(struct extract *e, const char *path, struct error *err)
{
    if (make_file(path, err) != STATUS_OK)
        return err->status;
    if (open_out(e, path, err) == STATUS_OK)
        return STATUS_OK;
    database_close(&e->out);
    database_remove(path);
    return err->status;
}

static enum status write_all(struct extract *e, struct error *err)
{
    enum status st = extract_chunks(e, err);

    if (st == STATUS_OK)
        st = extract_rows(e, err);
    return st == STATUS_OK ? database_commit(&e->out, err) : st;
}

void extract_release(struct extract *e)
{
    if (e->out.path != NULL)
        database_close(&e->out);
    free(e->processes.id);
    free(e->entities.id);
    compressor_release(&e->compressor);
    bytes_release(&e->text);
    bytes_release(&e->scratch);
    bytes_release(&e->frame);
    bytes_release(&e->chunk);
}

enum status extract_write(struct recording *recording, int64_t from_ns, int64_t to_ns,
                          const struct extract_redactor *redactor, const char *path,
                          struct extract_result *result, struct error *err)
{
    struct extract e = { .rec = recording, .redactor = redactor, .end_reason = "extracted" };
    enum status st = extract_choose(&e, from_ns, to_ns, err);

    if (st == STATUS_OK)
        st = extract_begin(&e, path, err);
    if (st != STATUS_OK) {
        extract_release(&e);
        return st;
    }
    st = write_all(&e, err);
    *result = (struct extract_result){ .block_count = e.end - e.first,
                                       .process_count = e.processes.count,
                                       .redacted_count = e.redacted_count,
                                       .from_ns = e.from_ns,
                                       .to_ns = e.to_ns };
    extract_release(&e);
    if (st != STATUS_OK)
        database_remove(path);
    return st;
}
