/*
 * A whole file. Bytes that begin as SQLite's do are the file; any others are changes to a small
 * recording: (table, row, column, value) each, after which the checksums are made right again.
 */
#include "tests/fuzz/fuzz_input.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "recorder/writer.h"
#include "schema/database_private.h"
#include "schema/recording.h"

#define SECOND_NS INT64_C(1000000000)
#define START_NS (INT64_C(1767607140) * SECOND_NS) /* a minute before an hour */

static char path[64];
static uint8_t *base;
static size_t base_size;

/* --- the small recording: three slots, a process of 50 seconds after the other in each --- */

static void put_birth(struct tick *tick, uint32_t slot, int pid)
{
    struct tick_birth *birth = tick_add_birth(tick);
    struct tick_version *version = tick_add_version(tick);

    if (birth == NULL || version == NULL)
        abort();
    *birth = (struct tick_birth){ .slot = slot, .pid = pid, .start_ns = tick->start_ns };
    version->slot = slot;
    version->from_ns = tick->start_ns;
    version->known = 1;
    version->text[PROCESS_COMM] = tick_add_text(tick, "program", 7);
}

static void put_exit(struct tick *tick, uint32_t slot)
{
    struct tick_exit *gone = tick_add_exit(tick);

    if (gone == NULL)
        abort();
    *gone = (struct tick_exit){
        .slot = slot, .how = EXIT_REPORTED, .code = 9, .end_ns = tick->start_ns
    };
}

/* All but those of the first tick are seen from birth on: their lifetimes tell how they end. */
static void put_process(struct tick *tick, uint32_t slot, int second, bool first)
{
    uint8_t begin = !first ? 0 : tick->start_ns == START_NS ? ROW_FIRST : ROW_FIRST | ROW_BORN;
    bool last = second % 50 == 49;
    int64_t *values;
    uint8_t *missing;
    struct tick_row *row = tick_row_values(
        tick, TABLE_PROCESS, slot, (uint8_t)(begin | (last ? ROW_LAST : 0)), &values, &missing);

    if (row == NULL)
        abort();
    row->start_ns = row->end_ns = tick->start_ns;
    for (int m = 0; m < 8; m++) {
        bool counter = samples_tables[TABLE_PROCESS].metrics[m].kind == METRIC_COUNTER;

        values[m] = second % 50 * 100 + m;
        missing[m] = last && !counter            ? MISSING_EXITED
                     : m == 5 && second % 7 == 0 ? MISSING_FAILED
                                                 : MISSING_NONE;
    }
    if (first)
        put_birth(tick, slot, 100 + second + (int)slot);
    if (last)
        put_exit(tick, slot);
}

static void put_tick(struct writer *writer, struct tick *tick, int second)
{
    struct tick_event *event;
    struct error err;

    tick_reset(tick);
    tick->start_ns = tick->wall_ns = START_NS + second * SECOND_NS;
    tick_sampled(tick, TABLE_PROCESS);
    for (uint32_t slot = 0; slot < 3; slot++)
        put_process(tick, slot, second + (int)slot * 20,
                    second == 0 || (second + (int)slot * 20) % 50 == 0);
    if (second % 50 == 7 && (event = tick_add_event(tick)) != NULL)
        event->kind = tick_add_text(tick, "suspend", 7);
    if (writer_tick(writer, tick, &err) != STATUS_OK)
        abort();
}

static void remove_file(void)
{
    (void)unlink(path);
}

static void load_base(void)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL || (base = malloc(1 << 20)) == NULL)
        abort();
    base_size = fread(base, 1, 1 << 20, file);
    (void)fclose(file);
}

static void make_base(void)
{
    static const struct session_facts facts = { .boot_id = "boot",
                                                .interval_ns = SECOND_NS,
                                                .core_count = 1,
                                                .timebase = { .wall_start_ns = START_NS } };
    struct writer_options options = { .path = path,
                                      .block_ticks = 60,
                                      .commit_ns = SECOND_NS * 60 };
    struct writer *writer;
    struct tick tick;
    struct error err;

    (void)snprintf(path, sizeof path, "/tmp/fuzz_recording-%ld.pscope", (long)getpid());
    (void)unlink(path);
    (void)atexit(remove_file);
    tick_init(&tick);
    if (writer_open(&writer, &options, &facts, &err) != STATUS_OK)
        abort();
    for (int second = 0; second < 200; second++)
        put_tick(writer, &tick, second);
    if (writer_close(writer, NULL, &err) != STATUS_OK)
        abort();
    tick_release(&tick);
    load_base();
}

/* --- changes --- */

static void change(struct database *db, struct fuzz_input *in)
{
    static const char *const others[] = { "table_check",
                                          "tail",
                                          "process_samples_chunk",
                                          "process_samples_chunk_60",
                                          "process_lifetime_chunk",
                                          "string_chunk" };
    uint8_t which = fuzz_byte(in) % (CHECKED_COUNT + COUNT_OF(others));
    const char *table =
        which < CHECKED_COUNT ? checked_table_name[which] : others[which - CHECKED_COUNT];
    int row = fuzz_byte(in), column = fuzz_byte(in), kind = fuzz_byte(in) % 5, used;
    struct fuzz_input value = fuzz_piece(in);
    sqlite3_stmt *stmt = NULL;
    const char *key;
    char sql[400];
    int64_t number = 0;

    (void)snprintf(sql, sizeof sql, "SELECT * FROM %s LIMIT 0", table);
    if (sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL) != SQLITE_OK)
        return;
    key = sqlite3_column_name(stmt, 0);
    used = kind == 4 ? snprintf(sql, sizeof sql, "DELETE FROM %s", table)
                     : snprintf(sql, sizeof sql, "UPDATE OR IGNORE %s SET \"%s\"=?1", table,
                                sqlite3_column_name(stmt, column % sqlite3_column_count(stmt)));
    (void)snprintf(sql + used, sizeof sql - (size_t)used,
                   " WHERE %s=(SELECT %s FROM %s LIMIT 1 OFFSET %d)", key, key, table, row);
    (void)sqlite3_finalize(stmt);
    if (sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL) != SQLITE_OK)
        return;
    for (size_t i = 0; i < value.size && i < 8; i++)
        number |= (int64_t)((uint64_t)value.data[i] << (8 * i));
    if (kind == 0)
        (void)sqlite3_bind_int64(stmt, 1, number);
    else if (kind == 1)
        (void)sqlite3_bind_text(stmt, 1, (const char *)value.data, (int)value.size, SQLITE_STATIC);
    else if (kind == 2)
        (void)sqlite3_bind_blob(stmt, 1, value.data, (int)value.size, SQLITE_STATIC);
    (void)sqlite3_step(stmt);
    (void)sqlite3_finalize(stmt);
}

/* crc of each row, then rows and sum of each table. */
static void mend_checks(struct database *db)
{
    for (int t = 0; t < CHECKED_COUNT; t++) {
        const char *name = checked_table_name[t];
        char sql[1200], columns[600] = "";
        size_t used = 0;
        sqlite3_stmt *stmt = NULL;

        (void)snprintf(sql, sizeof sql, "SELECT * FROM %s LIMIT 0", name);
        if (sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL) != SQLITE_OK)
            return;
        for (int c = 0; c + 1 < sqlite3_column_count(stmt); c++)
            used += (size_t)snprintf(columns + used, sizeof columns - used, ",\"%s\"",
                                     sqlite3_column_name(stmt, c));
        (void)sqlite3_finalize(stmt);
        (void)snprintf(sql, sizeof sql,
                       "UPDATE %s SET crc=row_crc('%s'%s); UPDATE OR IGNORE table_check SET "
                       "row_count=(SELECT count(*) FROM %s), crc_sum=(SELECT sum(crc) FROM %s) "
                       "WHERE name='%s'",
                       name, name, columns, name, name, name);
        (void)sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    }
    (void)sqlite3_exec(db->handle,
                       "UPDATE table_check SET crc=row_crc('table_check',name,row_count,crc_sum)",
                       NULL, NULL, NULL);
}

static void write_file(const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");

    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        abort();
}

static void write_changed(struct fuzz_input in)
{
    struct database db = { .path = path };
    struct error err;

    write_file(base, base_size);
    if (sqlite3_open_v2(path, &db.handle, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        database_functions(&db, &err) != STATUS_OK)
        abort();
    (void)sqlite3_exec(db.handle, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN", NULL,
                       NULL, NULL);
    for (int i = 0; i < 16 && in.size > 0; i++)
        change(&db, &in);
    mend_checks(&db);
    (void)sqlite3_exec(db.handle, "COMMIT", NULL, NULL, NULL);
    (void)sqlite3_close(db.handle);
}

/* --- reading --- */

static void ignore(void *context, const char *part, const char *what)
{
    (void)context;
    if (part[0] == '\0' || what[0] == '\0')
        abort();
}

static enum status touch(void *context, const struct process *process, struct error *err)
{
    uint32_t *crc = context;

    (void)err;
    for (size_t v = 0; v < process->version_count; v++)
        for (size_t t = 0; t < PROCESS_TEXT_COUNT; t++)
            if (process->versions[v].text[t].data != NULL)
                *crc = crc32c(*crc, process->versions[v].text[t].data,
                              process->versions[v].text[t].size);
    return STATUS_OK;
}

static void read_recording(void)
{
    uint32_t crc = 0;
    struct recording *rec = NULL;
    struct recording_size *sizes = NULL;
    size_t findings, count;
    struct error err = { 0 };
    enum status st = recording_open(&rec, path, &err);

    fuzz_check(st, &err);
    if (st != STATUS_OK)
        return;
    fuzz_check(recording_verify(rec, ignore, NULL, &findings, &err), &err);
    fuzz_check(recording_processes(rec, touch, &crc, &err), &err);
    fuzz_check(recording_sizes(rec, &sizes, &count, &err), &err);
    free(sizes);
    recording_close(rec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (base == NULL)
        make_base();
    if (size >= 16 && memcmp(data, "SQLite format 3", 16) == 0)
        write_file(data, size);
    else
        write_changed((struct fuzz_input){ data, size });
    read_recording();
    return 0;
}
