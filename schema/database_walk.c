/*
 * A scan of a table ends at the first page that cannot be read. Seen from both ends, the rest lies
 * between: that is halved until scans find rows again, or there is nothing left to halve. An id can be
 * anything, so first the rest is cut into pieces that double in length: ids are dense where rows are.
 */
#include "schema/database_walk.h"

#include <stdio.h>
#include <stdlib.h>

enum { PIECES_MOST = 1 << 14 }; /* of one table: a broken page of 1024 bytes holds some 200 ids */

struct piece {
    int64_t low, high;
};

struct walking {
    struct database *db;
    struct database_ids *ids;
    sqlite3_stmt *scan[2]; /* [down] ids between two, in order */
    struct piece *piece;   /* looked at in order: all of one length before those of half of it */
    size_t piece_count;
};

static enum status add_id(struct database_ids *ids, int64_t id, struct error *err)
{
    if (ids->count == ids->size) {
        size_t more = ids->size == 0 ? 256 : ids->size * 2;
        int64_t *larger = realloc(ids->id, more * sizeof *larger);

        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "rows");
        ids->id = larger;
        ids->size = more;
    }
    ids->id[ids->count++] = id;
    return STATUS_OK;
}

/*
 * Ids of a piece from one of its ends on, up to a page that cannot be read: the piece is what is left,
 * empty if all was read.
 */
static enum status scan(struct walking *w, struct piece *piece, bool down, struct error *err)
{
    sqlite3_stmt *stmt = w->scan[down];
    enum status st = STATUS_OK;

    (void)sqlite3_reset(stmt);
    (void)sqlite3_bind_int64(stmt, 1, piece->low);
    (void)sqlite3_bind_int64(stmt, 2, piece->high);
    while (piece->low <= piece->high && (st = database_step(w->db, stmt, err)) == STATUS_OK) {
        int64_t id = sqlite3_column_int64(stmt, 0);

        if (id < piece->low || id > piece->high || (int64_t)w->ids->count > w->db->all_bytes) {
            st = STATUS_CORRUPT; /* out of order: a tree that leads back */
            break;
        }
        if (add_id(w->ids, id, err) != STATUS_OK) {
            st = err->status;
            break;
        }
        if (id == (down ? INT64_MIN : INT64_MAX))
            piece->high = piece->low - 1;
        else if (down)
            piece->high = id - 1;
        else
            piece->low = id + 1;
    }
    (void)sqlite3_reset(stmt);
    if (st == STATUS_ABSENT)
        *piece = (struct piece){ 1, 0 };
    return st == STATUS_ABSENT || st == STATUS_CORRUPT ? STATUS_OK : st;
}

static void add_piece(struct walking *w, int64_t low, int64_t high)
{
    if (low <= high && w->piece_count < PIECES_MOST)
        w->piece[w->piece_count++] = (struct piece){ low, high };
}

/* What is left of the whole table, in pieces that double in length. */
static void cut(struct walking *w, struct piece rest)
{
    int64_t low = rest.low;

    for (int64_t length = 1; low <= rest.high; length *= 2) {
        int64_t high =
            length > INT64_MAX / 4 || rest.high - length < low ? rest.high : low + length - 1;

        add_piece(w, low, high);
        if (high == rest.high)
            return;
        low = high + 1;
    }
}

static enum status look(struct walking *w, struct error *err)
{
    struct piece rest = { INT64_MIN / 4, INT64_MAX / 2 }; /* so that lengths are numbers */

    if (scan(w, &rest, false, err) != STATUS_OK)
        return err->status;
    if (rest.low > rest.high)
        return STATUS_OK;
    w->ids->broken = true;
    if (scan(w, &rest, true, err) != STATUS_OK)
        return err->status;
    cut(w, rest);
    for (size_t i = 0; i < w->piece_count; i++) {
        struct piece piece = w->piece[i];

        if (scan(w, &piece, false, err) != STATUS_OK || scan(w, &piece, true, err) != STATUS_OK)
            return err->status;
        if (piece.low < piece.high) {
            int64_t middle = piece.low + (piece.high - piece.low) / 2;

            add_piece(w, piece.low, middle);
            add_piece(w, middle + 1, piece.high);
        }
    }
    return STATUS_OK;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

enum status database_walk_ids(struct database *db, const char *table, struct database_ids *ids,
                              struct error *err)
{
    struct walking w = { .db = db, .ids = ids, .piece = malloc(PIECES_MOST * sizeof *w.piece) };
    size_t kept = 0;
    enum status st = STATUS_OK;

    *ids = (struct database_ids){ 0 };
    if (w.piece == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "rows");
    for (int down = 0; down < 2 && st == STATUS_OK; down++) {
        char sql[300];

        (void)snprintf(sql, sizeof sql,
                       "SELECT rowid FROM %.200s WHERE rowid BETWEEN ?1 AND ?2 ORDER BY rowid%s",
                       table, down ? " DESC" : "");
        st = database_prepare(db, &w.scan[down], sql, err);
    }
    if (st == STATUS_OK)
        st = look(&w, err);
    (void)sqlite3_finalize(w.scan[0]);
    (void)sqlite3_finalize(w.scan[1]);
    free(w.piece);
    if (ids->count > 1)
        qsort(ids->id, ids->count, sizeof *ids->id, by_value);
    for (size_t i = 0; i < ids->count; i++)
        if (kept == 0 || ids->id[kept - 1] != ids->id[i])
            ids->id[kept++] = ids->id[i];
    ids->count = kept;
    if (st == STATUS_CORRUPT) { /* the table cannot even be asked for */
        ids->broken = true;
        return STATUS_OK;
    }
    return st;
}

enum status database_walk(struct database *db, enum checked_table table, database_take *take,
                          database_gone *gone, void *context, struct database_ids *kept,
                          struct error *err)
{
    struct database_ids ids;
    sqlite3_stmt *row = NULL;
    enum status st = database_walk_ids(db, checked_table_name[table], &ids, err);

    *kept = (struct database_ids){ .broken = ids.broken };
    if (st == STATUS_OK && ids.count > 0)
        st = database_select(db, table, &row, "WHERE rowid=?1", err);
    for (size_t i = 0; i < ids.count && (st == STATUS_OK || st == STATUS_CORRUPT); i++) {
        if (row == NULL) { /* its columns are not those that it should have */
            gone(context, table, ids.id[i], err->message);
            continue;
        }
        (void)sqlite3_reset(row);
        (void)sqlite3_bind_int64(row, 1, ids.id[i]);
        st = database_step(db, row, err);
        if (st == STATUS_OK)
            st = database_check_row(db, table, row, err);
        if (st == STATUS_OK)
            st = take(context, row, err);
        if (st == STATUS_OK)
            st = add_id(kept, ids.id[i], err);
        else if (st == STATUS_CORRUPT || st == STATUS_ABSENT) {
            gone(context, table, ids.id[i], st == STATUS_ABSENT ? "it is not found" : err->message);
            st = STATUS_OK;
        }
    }
    (void)sqlite3_finalize(row);
    free(ids.id);
    return st == STATUS_CORRUPT ? STATUS_OK : st;
}
