/* What others ask of a writer between two ticks: to flush, and what it knows. */
#include <stdio.h>

#include "recorder/writer_private.h"

/* The WAL as SQLite's own file, so that whatever stands between it and the disk takes part. */
static enum status sync_wal(struct writer *writer, struct error *err)
{
    sqlite3_file *wal = NULL;
    int code = sqlite3_file_control(writer->db.handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);

    if (code == SQLITE_OK && wal != NULL && wal->pMethods != NULL)
        code = wal->pMethods->xSync(wal, SQLITE_SYNC_FULL);
    return code == SQLITE_OK
               ? STATUS_OK
               : error_set(err, STATUS_IO, "%s-wal: sync: %s", writer->path, sqlite3_errstr(code));
}

enum status writer_flush(struct writer *writer, struct error *err)
{
    if (writer->broken)
        return error_set(err, STATUS_INVALID, "%s: memory ran out; nothing more can be recorded",
                         writer->path);
    if ((writer->commit_due || !pending_empty(&writer->pending)) &&
        writer_commit(writer, err) != STATUS_OK)
        return err->status;
    if (sync_wal(writer, err) != STATUS_OK)
        return err->status;
    writer->first_unsynced_ns = NO_TIME;
    writer->stats.syncs++;
    return STATUS_OK;
}

const struct open_block *writer_block(const struct writer *writer)
{
    return &writer->block;
}

void writer_entity_name(const struct writer *writer, int64_t entity_id, char *name, size_t size)
{
    name[0] = '\0';
    for (size_t i = 0; i < writer->entity_count; i++)
        if (writer->entity[i].entity_id == entity_id)
            (void)snprintf(name, size, "%.*s", (int)writer->entity[i].key_size,
                           writer->entity[i].key);
}
