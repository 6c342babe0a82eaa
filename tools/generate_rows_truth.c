/* Ticks as CSV. */
#include "tools/generate_rows_truth.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { KEY_ROOM = 256 };

/* What a slot of a table had last. */
struct slot_values {
    int64_t value[TABLE_METRICS_MAX];
    uint8_t missing[TABLE_METRICS_MAX];
};

/* Whose a slot is, as it is written. */
struct slot_name {
    char text[2 * KEY_ROOM + 1];
};

struct rows_truth {
    FILE *table[TABLE_COUNT], *event, *entity;
    struct slot_values *values[TABLE_COUNT];
    size_t value_count[TABLE_COUNT];
    struct slot_name *name[ENTITY_KIND_COUNT];
    size_t name_count[ENTITY_KIND_COUNT];
};

static enum status open_file(FILE **file, const char *directory, const char *name,
                             struct error *err)
{
    char path[4096];

    (void)snprintf(path, sizeof path, "%s/%s.csv", directory, name);
    *file = fopen(path, "w");
    return *file == NULL ? error_set(err, STATUS_IO, "create %s: %s", path, strerror(errno))
                         : STATUS_OK;
}

static void put_header(FILE *file, const struct samples_table *table)
{
    fputs(table->key[0] == ENTITY_NONE ? "time_ns" : "time_ns,key", file);
    if (table->key[1] != ENTITY_NONE)
        fputs(",key1", file);
    for (size_t m = 0; m < table->metric_count; m++)
        fprintf(file, ",%s", table->metrics[m].name);
    putc('\n', file);
}

enum status rows_truth_open(struct rows_truth **truth, const char *directory, struct error *err)
{
    struct rows_truth *t = *truth = calloc(1, sizeof *t);

    if (t == NULL)
        return error_set(err, STATUS_NO_MEMORY, "truth: out of memory");
    if (mkdir(directory, 0777) != 0 && errno != EEXIST)
        return error_set(err, STATUS_IO, "create %s: %s", directory, strerror(errno));
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (open_file(&t->table[i], directory, samples_tables[i].name, err) != STATUS_OK)
            return err->status;
        put_header(t->table[i], &samples_tables[i]);
    }
    if (open_file(&t->event, directory, "event", err) != STATUS_OK ||
        open_file(&t->entity, directory, "entity", err) != STATUS_OK)
        return err->status;
    fputs("at_ns,duration_ns,value,kind,detail\n", t->event);
    fputs("kind,key,label,parent_key\n", t->entity);
    return STATUS_OK;
}

static bool close_file(FILE *file)
{
    bool good = file == NULL || ferror(file) == 0;

    return (file == NULL || fclose(file) == 0) && good;
}

enum status rows_truth_close(struct rows_truth *t, struct error *err)
{
    bool good = true;

    if (t == NULL)
        return STATUS_OK;
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        good &= close_file(t->table[i]);
        free(t->values[i]);
    }
    good &= close_file(t->event);
    good &= close_file(t->entity);
    for (size_t k = 0; k < ENTITY_KIND_COUNT; k++)
        free(t->name[k]);
    free(t);
    return good ? STATUS_OK : error_set(err, STATUS_IO, "write truth of tables: failed");
}

/* --- whose rows they are --- */

static void hex(char *to, const struct tick *tick, struct tick_text text)
{
    const char *from = tick_text_at(tick, text);
    size_t size = text.size < KEY_ROOM ? text.size : KEY_ROOM;

    for (size_t i = 0; i < size; i++)
        (void)snprintf(to + 2 * i, 3, "%02x", (unsigned char)from[i]);
    to[2 * size] = '\0';
}

/* The name of a slot; NULL: memory is out. */
static struct slot_name *name_at(struct rows_truth *t, enum entity_kind kind, uint32_t slot)
{
    if (slot >= t->name_count[kind]) {
        size_t more = 2 * (size_t)slot + 16;
        struct slot_name *larger = realloc(t->name[kind], more * sizeof *larger);

        if (larger == NULL)
            return NULL;
        memset(larger + t->name_count[kind], 0, (more - t->name_count[kind]) * sizeof *larger);
        t->name[kind] = larger;
        t->name_count[kind] = more;
    }
    return &t->name[kind][slot];
}

static bool add_names(struct rows_truth *t, const struct tick *tick)
{
    for (size_t i = 0; i < tick->birth_count; i++) {
        const struct tick_birth *b = &tick->births[i];
        struct slot_name *name = name_at(t, ENTITY_PROCESS, b->slot);

        if (name == NULL)
            return false;
        (void)snprintf(name->text, sizeof name->text, "%d@%" PRId64, b->pid, b->start_ns);
    }
    for (size_t i = 0; i < tick->entity_count; i++) {
        const struct tick_entity *e = &tick->entities[i];
        struct slot_name *name = name_at(t, e->kind, e->slot);
        char label[2 * KEY_ROOM + 1];

        if (name == NULL)
            return false;
        hex(name->text, tick, e->key);
        hex(label, tick, e->label);
        fprintf(t->entity, "%s,%s,%s,%s\n", entity_kind_name(e->kind), name->text, label,
                e->parent_slot == UINT32_MAX ? "" : t->name[e->kind][e->parent_slot].text);
    }
    return true;
}

/* --- rows --- */

static struct slot_values *values_at(struct rows_truth *t, size_t table, uint32_t slot)
{
    if (slot >= t->value_count[table]) {
        size_t more = 2 * (size_t)slot + 16;
        struct slot_values *larger = realloc(t->values[table], more * sizeof *larger);

        if (larger == NULL)
            return NULL;
        t->values[table] = larger;
        t->value_count[table] = more;
    }
    return &t->values[table][slot];
}

/* A first and a last row tell all metrics, whatever is read at this tick. */
static void put_row(FILE *file, const struct tick_table *from, const struct tick_row *row,
                    size_t metrics, struct slot_values *now)
{
    bool all = (row->flags & (ROW_FIRST | ROW_LAST)) != 0;

    for (size_t m = 0; m < metrics; m++) {
        bool read = all || (from->column_mask >> m & 1) != 0;

        if (read && row->at != ROW_SAME) {
            now->value[m] = from->values[row->at * from->width + m];
            now->missing[m] = from->missing[row->at * from->width + m];
        }
        if (!read)
            fprintf(file, ",!%d", MISSING_NOT_SAMPLED);
        else if (now->missing[m] != MISSING_NONE)
            fprintf(file, ",!%u", now->missing[m]);
        else
            fprintf(file, ",%" PRId64, now->value[m]);
    }
    putc('\n', file);
}

static bool put_table(struct rows_truth *t, size_t table, const struct tick *tick)
{
    const struct samples_table *declared = &samples_tables[table];
    const struct tick_table *from = &tick->table[table];
    FILE *file = t->table[table];

    for (size_t i = 0; from->sampled && i < from->row_count; i++) {
        const struct tick_row *row = &from->rows[i];
        struct slot_values *now = values_at(t, table, row->slot);

        if (now == NULL)
            return false;
        fprintf(file, "%" PRId64, tick->start_ns);
        for (unsigned k = 0; k < 2 && declared->key[k] != ENTITY_NONE; k++) {
            struct slot_name *name = name_at(t, declared->key[k], tick_row_key(from, row, k));

            if (name == NULL)
                return false;
            fprintf(file, ",%s", name->text);
        }
        put_row(file, from, row, declared->metric_count, now);
    }
    return true;
}

static void put_events(struct rows_truth *t, const struct tick *tick)
{
    char kind[2 * KEY_ROOM + 1], detail[2 * KEY_ROOM + 1];

    for (size_t i = 0; i < tick->event_count; i++) {
        const struct tick_event *e = &tick->events[i];

        hex(kind, tick, e->kind);
        hex(detail, tick, e->detail);
        fprintf(t->event, "%" PRId64 ",%" PRId64 ",%" PRId64 ",%s,%s\n", e->at_ns, e->duration_ns,
                e->value, kind, detail);
    }
}

enum status rows_truth_tick(struct rows_truth *t, const struct tick *tick, struct error *err)
{
    bool good = add_names(t, tick);

    for (size_t table = 0; table < TABLE_COUNT && good; table++)
        good = put_table(t, table, tick);
    put_events(t, tick);
    return good ? STATUS_OK : error_set(err, STATUS_NO_MEMORY, "truth: out of memory");
}
