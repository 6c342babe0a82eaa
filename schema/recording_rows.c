/* The small tables of a recording, read whole and checked at opening. */
#include <stdlib.h>
#include <string.h>

#include "schema/recording_private.h"

enum { SAMPLES_TABLES_MAX = 256 };

enum status recording_check_table(const struct recording *rec, enum checked_table table,
                                  int64_t rows, int64_t sum, struct error *err)
{
    const struct table_check *check = &rec->db.check[table];

    if (rows != check->row_count)
        return error_set(err, STATUS_CORRUPT, "%s: %s: %lld rows where %lld were written",
                         rec->contents.path, checked_table_name[table], (long long)rows,
                         (long long)check->row_count);
    if (sum != check->crc_sum)
        return error_set(err, STATUS_CORRUPT, "%s: %s: a row is not the one that was written",
                         rec->contents.path, checked_table_name[table]);
    return STATUS_OK;
}

enum status recording_next_row(const struct recording *rec, enum checked_table table, int64_t rows,
                               int64_t *previous, int64_t id, struct error *err)
{
    if (rows > 0 && id <= *previous)
        return error_set(err, STATUS_CORRUPT, "%s: %s: row %lld comes after row %lld",
                         rec->contents.path, checked_table_name[table], (long long)id,
                         (long long)*previous);
    if (rows >= rec->db.check[table].row_count || rows >= rec->db.all_bytes)
        return error_set(err, STATUS_CORRUPT, "%s: %s: more rows than the %lld that were written",
                         rec->contents.path, checked_table_name[table],
                         (long long)rec->db.check[table].row_count);
    *previous = id;
    return STATUS_OK;
}

static const char *text(struct recording *rec, sqlite3_stmt *stmt, int column)
{
    const char *copy = sqlite3_column_bytes(stmt, column) == 0
                           ? ""
                           : recording_own(rec, database_text(stmt, column));

    rec->no_memory |= copy == NULL;
    return copy == NULL ? "" : copy;
}

static int64_t integer(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_int64(stmt, column);
}

static int64_t time_or_none(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt, column) == SQLITE_NULL ? NO_TIME : integer(stmt, column);
}

/* Read a checked table into a growing array that the recording owns. */
static enum status read_table(struct recording *rec, enum checked_table table, const char *order,
                              size_t width, void **array, size_t *count, recording_take *take,
                              struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    size_t size = 0;
    int64_t sum = 0, previous = INT64_MIN;
    char *elements = NULL;
    enum status st;

    if (rec->damage != NULL)
        return recording_read_damaged(rec, table, width, array, count, take, err);
    st = database_select(&rec->db, table, &stmt, order, err);
    *count = 0;
    while (st == STATUS_OK && (st = database_step(&rec->db, stmt, err)) == STATUS_OK) {
        st = recording_next_row(rec, table, (int64_t)*count, &previous, integer(stmt, 0), err);
        if (st != STATUS_OK)
            break;
        if (*count == size || elements == NULL) {
            char *larger;

            size = size == 0 ? 16 : size * 2;
            larger = realloc(elements, size * width);
            if (larger == NULL) {
                st = error_set(err, STATUS_NO_MEMORY, "%s", checked_table_name[table]);
                break;
            }
            elements = larger;
        }
        st = database_check_row(&rec->db, table, stmt, err);
        sum += integer(stmt, checked_table_columns[table] - 1);
        memset(elements + *count * width, 0, width);
        if (st == STATUS_OK)
            st = take(rec, stmt, elements + *count * width, err);
        if (st == STATUS_OK && rec->no_memory)
            st = error_set(err, STATUS_NO_MEMORY, "%s", checked_table_name[table]);
        ++*count;
    }
    (void)sqlite3_finalize(stmt);
    if (st == STATUS_ABSENT)
        st = recording_check_table(rec, table, (int64_t)*count, sum, err);
    *array = recording_own(rec, elements);
    return st;
}

static enum status take_session(struct recording *rec, sqlite3_stmt *stmt, void *element,
                                struct error *err)
{
    struct recording_session *s = element;

    (void)err;
    *s = (struct recording_session){
        .session_id = integer(stmt, 0),
        .boot_id = text(rec, stmt, 1),
        .host = text(rec, stmt, 2),
        .os = text(rec, stmt, 3),
        .release = text(rec, stmt, 4),
        .machine = text(rec, stmt, 5),
        .hardware = text(rec, stmt, 6),
        .version = text(rec, stmt, 7),
        .process_source = text(rec, stmt, 8),
        .zone = text(rec, stmt, 9),
        .zone_offset_s = (int32_t)integer(stmt, 10),
        .zone_next_change_ns = integer(stmt, 11),
        .zone_next_offset_s = (int32_t)integer(stmt, 12),
        .core_count = integer(stmt, 13),
        .page_bytes = integer(stmt, 14),
        .memory_bytes = integer(stmt, 15),
        .clock_ticks_per_second = integer(stmt, 16),
        .interval_ns = integer(stmt, 17),
        .pid = integer(stmt, 18),
        .wall_start_ns = integer(stmt, 19),
        .boot_start_ns = integer(stmt, 20),
        .end_ns = time_or_none(stmt, 21),
        .end_reason = text(rec, stmt, 22),
    };
    return STATUS_OK;
}

static enum status take_timeline(struct recording *rec, sqlite3_stmt *stmt, void *element,
                                 struct error *err)
{
    struct recording_timeline *t = element;

    (void)rec;
    (void)err;
    t->session_id = integer(stmt, 1);
    t->timeline_ns = integer(stmt, 2);
    t->wall_ns = integer(stmt, 3);
    return STATUS_OK;
}

static enum status take_capability(struct recording *rec, sqlite3_stmt *stmt, void *element,
                                   struct error *err)
{
    struct recording_capability *c = element;

    (void)err;
    c->session_id = integer(stmt, 1);
    c->collector = text(rec, stmt, 2);
    c->status = text(rec, stmt, 3);
    c->reason = text(rec, stmt, 4);
    c->enable = text(rec, stmt, 5);
    return STATUS_OK;
}

static enum entity_kind kind_of(const char *name)
{
    for (int kind = 0; kind < ENTITY_KIND_COUNT; kind++)
        if (strcmp(name, entity_kind_name((enum entity_kind)kind)) == 0)
            return (enum entity_kind)kind;
    return ENTITY_RESOURCE; /* a kind of a newer version: something with a label */
}

static enum status take_entity(struct recording *rec, sqlite3_stmt *stmt, void *element,
                               struct error *err)
{
    struct recording_entity *e = element;

    (void)err;
    e->entity_id = integer(stmt, 0);
    e->kind = kind_of(text(rec, stmt, 1));
    e->key = text(rec, stmt, 2);
    e->label = text(rec, stmt, 3);
    e->parent_id = integer(stmt, 4);
    e->first_ns = integer(stmt, 5);
    e->last_ns = time_or_none(stmt, 6);
    return STATUS_OK;
}

static enum status take_event(struct recording *rec, sqlite3_stmt *stmt, void *element,
                              struct error *err)
{
    struct recording_event *e = element;

    (void)err;
    e->event_id = integer(stmt, 0);
    e->session_id = integer(stmt, 1);
    e->at_ns = integer(stmt, 2);
    e->duration_ns = integer(stmt, 3);
    e->value = integer(stmt, 4);
    e->kind = text(rec, stmt, 5);
    e->detail = text(rec, stmt, 6);
    return STATUS_OK;
}

static enum status take_samples_table(struct recording *rec, sqlite3_stmt *stmt, void *element,
                                      struct error *err)
{
    struct recording_table *t = element;

    t->table_id = (uint32_t)integer(stmt, 0);
    t->name = text(rec, stmt, 1);
    t->key[0] = kind_of(text(rec, stmt, 2));
    t->key[1] = kind_of(text(rec, stmt, 3));
    t->description = text(rec, stmt, 4);
    return t->name[0] != '\0' || rec->no_memory /* told later */
               ? STATUS_OK
               : error_set(err, STATUS_CORRUPT, "%s: samples table %u has no name",
                           rec->contents.path, t->table_id);
}

static enum metric_kind metric_kind_of(const char *name)
{
    if (strcmp(name, "counter") == 0)
        return METRIC_COUNTER;
    return strcmp(name, "state") == 0 ? METRIC_STATE : METRIC_GAUGE;
}

static enum status take_metric(struct recording *rec, sqlite3_stmt *stmt, void *element,
                               struct error *err)
{
    struct metric_row *m = element;

    m->table_id = (uint32_t)integer(stmt, 1);
    m->position = integer(stmt, 2);
    m->metric = (struct recording_metric){ .name = text(rec, stmt, 3),
                                           .kind = metric_kind_of(text(rec, stmt, 4)),
                                           .unit = text(rec, stmt, 5),
                                           .scale = integer(stmt, 6),
                                           .labels = text(rec, stmt, 7),
                                           .description = text(rec, stmt, 8) };
    if (m->position < 0 || m->position >= TABLE_METRICS_MAX || m->metric.scale == 0 ||
        (m->metric.name[0] == '\0' && !rec->no_memory))
        return error_set(err, STATUS_CORRUPT, "%s: metric %s is impossible", rec->contents.path,
                         m->metric.name);
    return STATUS_OK;
}

/* Give each table its metrics, which must fill positions 0, 1, 2, … */
static enum status join_metrics(struct recording *rec, struct recording_table *table,
                                const struct metric_row *rows, size_t count, struct error *err)
{
    enum metric_kind kinds[TABLE_METRICS_MAX];
    bool seen[TABLE_METRICS_MAX] = { false };
    unsigned keys = table->key[0] == ENTITY_NONE ? 0 : table->key[1] == ENTITY_NONE ? 1 : 2;

    table->metrics = recording_own(rec, calloc(TABLE_METRICS_MAX, sizeof *table->metrics));
    if (table->metrics == NULL)
        return error_set(err, STATUS_NO_MEMORY, "catalog");
    for (size_t i = 0; i < count; i++) {
        if (rows[i].table_id != table->table_id)
            continue;
        if (seen[rows[i].position])
            return error_set(err, STATUS_CORRUPT, "%s: %s has metric %lld twice",
                             rec->contents.path, table->name, (long long)rows[i].position);
        table->metrics[rows[i].position] = rows[i].metric;
        kinds[rows[i].position] = rows[i].metric.kind;
        seen[rows[i].position] = true;
        table->metric_count++;
    }
    for (size_t m = 0; m < table->metric_count; m++)
        if (!seen[m])
            return error_set(err, STATUS_CORRUPT, "%s: %s lacks metric %zu", rec->contents.path,
                             table->name, m);
    if (table->metric_count == 0)
        return error_set(err, STATUS_CORRUPT, "%s: %s has no metrics", rec->contents.path,
                         table->name);
    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        build_shape_init(&table->shape[level], table->name, table->table_id, keys, kinds,
                         table->metric_count, level);
    return STATUS_OK;
}

static enum status take_nothing(struct recording *rec, sqlite3_stmt *stmt, void *element,
                                struct error *err)
{
    (void)rec;
    (void)stmt;
    (void)element;
    (void)err;
    return STATUS_OK;
}

/* metric_column is for those who read the file without this program. */
enum status recording_check_columns(struct recording *rec, struct error *err)
{
    void *unused = NULL;
    size_t count;

    return read_table(rec, CHECKED_METRIC_COLUMN, "ORDER BY metric_column_id", 1, &unused, &count,
                      take_nothing, err);
}

static enum status take_blob(struct recording *rec, sqlite3_stmt *stmt, int column, uint8_t **data,
                             size_t *size, struct error *err)
{
    *size = (size_t)sqlite3_column_bytes(stmt, column);
    *data = recording_own(rec, malloc(*size + 1));
    if (*data == NULL)
        return error_set(err, STATUS_NO_MEMORY, "blocks");
    if (*size > 0)
        memcpy(*data, sqlite3_column_blob(stmt, column), *size);
    return STATUS_OK;
}

static enum status take_block(struct recording *rec, sqlite3_stmt *stmt, void *element,
                              struct error *err)
{
    struct any_block *b = element;
    int64_t seconds = integer(stmt, 1);
    int64_t session_id = b->session_id = integer(stmt, 3);

    b->block = (struct recording_block){ .level = LEVEL_COUNT,
                                         .block_seq = integer(stmt, 2),
                                         .session = SIZE_MAX,
                                         .first_tick = integer(stmt, 4),
                                         .tick_count = (uint32_t)integer(stmt, 5),
                                         .previous_ns = time_or_none(stmt, 6),
                                         .start_ns = integer(stmt, 7),
                                         .end_ns = integer(stmt, 8) };
    for (unsigned level = 0; level < LEVEL_COUNT; level++)
        if (level_seconds[level] == seconds)
            b->block.level = level;
    for (size_t s = 0; s < rec->contents.session_count; s++)
        if (rec->contents.sessions[s].session_id == session_id)
            b->block.session = s;
    if (b->block.block_seq <= 0 || b->block.block_seq > INT64_MAX >> 20)
        return error_set(err, STATUS_CORRUPT, "%s: block %lld is impossible", rec->contents.path,
                         (long long)b->block.block_seq);
    if (b->block.session == SIZE_MAX && rec->damage == NULL)
        return error_set(err, STATUS_CORRUPT, "%s: block %lld belongs to no session",
                         rec->contents.path, (long long)b->block.block_seq);
    if (take_blob(rec, stmt, 9, &b->row.ticks, &b->row.ticks_size, err) != STATUS_OK)
        return err->status;
    return take_blob(rec, stmt, 10, &b->row.contents, &b->row.contents_size, err);
}

static int by_block_seq(const void *a, const void *b)
{
    const struct any_block *x = a, *y = b;

    return (x->block.block_seq > y->block.block_seq) - (x->block.block_seq < y->block.block_seq);
}

/* Sort blocks into their levels; numbers must follow each other. A level we do not know is left. */
static enum status split_blocks(struct recording *rec, const struct any_block *all, size_t count,
                                struct error *err)
{
    for (unsigned level = 0; level < LEVEL_COUNT; level++) {
        size_t *n = &rec->contents.block_count[level];

        /* one more than there are: the tail may come as a block */
        rec->contents.blocks[level] =
            recording_own(rec, calloc(count + 1, sizeof *rec->contents.blocks[level]));
        rec->rows[level] = recording_own(rec, calloc(count + 1, sizeof *rec->rows[level]));
        if (rec->contents.blocks[level] == NULL || rec->rows[level] == NULL)
            return error_set(err, STATUS_NO_MEMORY, "blocks");
        for (size_t i = 0; i < count; i++) {
            if (all[i].block.level != level)
                continue;
            if (*n > 0 &&
                all[i].block.block_seq != rec->contents.blocks[level][*n - 1].block_seq + 1)
                return error_set(err, STATUS_CORRUPT, "%s: block %lld of level %lld is missing",
                                 rec->contents.path,
                                 (long long)rec->contents.blocks[level][*n - 1].block_seq + 1,
                                 (long long)level_seconds[level]);
            rec->rows[level][*n] = all[i].row;
            rec->contents.blocks[level][(*n)++] = all[i].block;
        }
    }
    for (size_t i = 0; i < rec->contents.block_count[0]; i++) {
        uint64_t lifetimes = 0;

        (void)recording_chunk_count(rec, &rec->contents.blocks[0][i], LIFETIME_TABLE, &lifetimes);
        rec->contents.blocks[0][i].lifetime_count = (size_t)lifetimes;
    }
    return STATUS_OK;
}

static enum status load_catalog(struct recording *rec, struct error *err)
{
    struct recording_contents *c = &rec->contents;
    void *metrics = NULL, *tables = NULL;
    struct metric_row *rows;
    size_t metric_count = 0;

    if (read_table(rec, CHECKED_SAMPLES_TABLE, "ORDER BY table_id", sizeof *c->tables, &tables,
                   &c->table_count, take_samples_table, err) != STATUS_OK ||
        read_table(rec, CHECKED_METRIC, "ORDER BY metric_id", sizeof(struct metric_row), &metrics,
                   &metric_count, take_metric, err) != STATUS_OK)
        return err->status;
    c->tables = tables;
    if (c->table_count > SAMPLES_TABLES_MAX)
        return error_set(err, STATUS_CORRUPT, "%s: %zu samples tables where %d are the most",
                         rec->contents.path, c->table_count, SAMPLES_TABLES_MAX);
    rows = metrics;
    if (rec->damage != NULL && recording_mend_catalog(rec, &rows, &metric_count, err) != STATUS_OK)
        return err->status;
    for (size_t t = 0; t < c->table_count; t++)
        if (join_metrics(rec, &c->tables[t], rows, metric_count, err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

enum status recording_load_rows(struct recording *rec, struct error *err)
{
    struct recording_contents *c = &rec->contents;
    void *blocks = NULL, *sessions = NULL, *timeline = NULL, *capabilities = NULL;
    void *entities = NULL, *events = NULL;
    size_t block_count = 0;

    if (read_table(rec, CHECKED_SESSION, "ORDER BY session_id", sizeof *c->sessions, &sessions,
                   &c->session_count, take_session, err) != STATUS_OK)
        return err->status;
    c->sessions = sessions;
    if (read_table(rec, CHECKED_TIMELINE, "ORDER BY timeline_id", sizeof *c->timeline, &timeline,
                   &c->timeline_count, take_timeline, err) != STATUS_OK)
        return err->status;
    c->timeline = timeline;
    if (read_table(rec, CHECKED_CAPABILITY, "ORDER BY capability_id", sizeof *c->capabilities,
                   &capabilities, &c->capability_count, take_capability, err) != STATUS_OK)
        return err->status;
    c->capabilities = capabilities;
    if (read_table(rec, CHECKED_ENTITY, "ORDER BY entity_id", sizeof *c->entities, &entities,
                   &c->entity_count, take_entity, err) != STATUS_OK)
        return err->status;
    c->entities = entities;
    if (read_table(rec, CHECKED_EVENT, "ORDER BY event_id", sizeof *c->events, &events,
                   &c->event_count, take_event, err) != STATUS_OK)
        return err->status;
    c->events = events;
    if (load_catalog(rec, err) != STATUS_OK ||
        read_table(rec, CHECKED_BLOCK, "ORDER BY block_id", sizeof(struct any_block), &blocks,
                   &block_count, take_block, err) != STATUS_OK)
        return err->status;
    if (block_count > 1)
        qsort(blocks, block_count, sizeof(struct any_block), by_block_seq);
    c->format_major = FORMAT_MAJOR;
    c->format_minor = FORMAT_MINOR;
    if (rec->damage != NULL && recording_mend_blocks(rec, blocks, block_count, err) != STATUS_OK)
        return err->status;
    c->unclean = c->session_count > 0 && c->sessions[c->session_count - 1].end_ns == NO_TIME;
    return rec->damage != NULL ? STATUS_OK : split_blocks(rec, blocks, block_count, err);
}
