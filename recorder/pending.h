/*
 * Rows and chunks on their way into the database. They are kept here, in order, until a
 * transaction has taken them all: a full disk or an I/O error then costs nothing but a retry.
 */
#ifndef RECORDER_PENDING_H
#define RECORDER_PENDING_H

#include "schema/block.h"
#include "schema/database.h"

/* Zero-initialised is empty. */
struct pending {
    struct byte_writer bytes; /* one operation behind the other */
    sqlite3_stmt *insert_tail;
    sqlite3_stmt *insert_chunk[LEVEL_COUNT * TABLE_COUNT + 3];
};

static inline bool pending_empty(const struct pending *pending)
{
    return pending->bytes.used == 0;
}

/*
 * A row of a checked table; `replace`: it takes the place of the one with its id. Its columns
 * follow, all but the crc; then pending_row_end, which says NO_MEMORY for all of them.
 */
void pending_row(struct pending *pending, enum checked_table table, bool replace);
void pending_int(struct pending *pending, int64_t value);
void pending_null(struct pending *pending);
void pending_time(struct pending *pending, int64_t time_ns);  /* INT64_MIN: null */
void pending_text(struct pending *pending, const char *text); /* NULL: null */
void pending_text_of(struct pending *pending, const char *text, size_t size);
void pending_blob(struct pending *pending, const void *data, size_t size); /* NULL: null */
MUST_USE enum status pending_row_end(struct pending *pending, struct error *err);

/* A chunk; of a run of usage it takes the place of the one before. */
MUST_USE enum status pending_chunk(struct pending *pending, const struct chunk_place *place,
                                   const struct byte_writer *chunk, struct error *err);
MUST_USE enum status pending_tail(struct pending *pending, int64_t id,
                                  const struct byte_writer *record, struct error *err);
/* All tail records go. */
MUST_USE enum status pending_clear_tail(struct pending *pending, struct error *err);

/*
 * Do it all in the database's open transaction; nothing is forgotten yet.
 *
 *   errors  IO, FULL, NO_MEMORY, CORRUPT: roll back; it may be done again
 */
MUST_USE enum status pending_store(struct pending *pending, struct database *db, struct error *err);
/* The transaction is safe: forget them. A buffer that a sealed block made large is given back. */
void pending_forget(struct pending *pending);
/* Before the database is closed. */
void pending_release(struct pending *pending);

#endif
