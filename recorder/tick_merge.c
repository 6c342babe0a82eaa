/* Merging by slot: a row of the earlier tick goes behind that of the later one, or to its end. */
#include "recorder/tick_merge.h"

#include <stdlib.h>
#include <string.h>

struct merging {
    struct slot_note *slot;
    struct tick *to, *from;
    int64_t lost;
};

void tick_merge_release(struct tick_merge *merge)
{
    free(merge->slot);
    *merge = (struct tick_merge){ 0 };
}

/* --- what can fail, before anything is changed --- */

static uint32_t slot_end(const struct tick *tick)
{
    uint32_t end = 0;

    for (size_t t = 0; t < TABLE_COUNT; t++)
        for (size_t i = 0; i < tick->table[t].row_count; i++) {
            const struct tick_row *row = &tick->table[t].rows[i];
            uint32_t process = tick_row_key(&tick->table[t], row, 1);

            if (row->slot >= end)
                end = row->slot + 1;
            if (process >= end && process != UINT32_MAX)
                end = process + 1;
        }
    for (size_t i = 0; i < tick->birth_count; i++)
        if (tick->births[i].slot >= end)
            end = tick->births[i].slot + 1;
    for (size_t i = 0; i < tick->version_count; i++) {
        if (tick->versions[i].slot >= end)
            end = tick->versions[i].slot + 1;
        if (tick->versions[i].like > end)
            end = tick->versions[i].like;
    }
    for (size_t i = 0; i < tick->exit_count; i++)
        if (tick->exits[i].slot >= end)
            end = tick->exits[i].slot + 1;
    return end;
}

static bool reserve_slots(struct tick_merge *merge, size_t count)
{
    struct slot_note *larger;

    if (count <= merge->slot_size)
        return true;
    larger = realloc(merge->slot, count * sizeof *larger);
    if (larger == NULL)
        return false;
    memset(larger + merge->slot_size, 0, (count - merge->slot_size) * sizeof *larger);
    merge->slot = larger;
    merge->slot_size = count;
    return true;
}

/* --- processes that are given up --- */

static void mark_given_up(struct merging *m, bool brief)
{
    const struct tick_table *rows = &m->from->table[TABLE_PROCESS];

    for (size_t i = 0; i < m->to->birth_count; i++)
        m->slot[m->to->births[i].slot].given_up = true;
    for (size_t i = 0; i < rows->row_count; i++) {
        struct slot_note *note = &m->slot[rows->rows[i].slot];

        if (brief && (rows->rows[i].flags & ROW_FIRST) != 0 &&
            (rows->rows[i].flags & ROW_LAST) != 0)
            note->given_up = true;
        m->lost += note->given_up;
    }
}

static void forget_given_up(struct merging *m)
{
    const struct tick_table *rows = &m->from->table[TABLE_PROCESS];

    for (size_t i = 0; i < m->to->birth_count; i++)
        m->slot[m->to->births[i].slot].given_up = false;
    for (size_t i = 0; i < rows->row_count; i++)
        m->slot[rows->rows[i].slot].given_up = false;
}

/* --- lists --- */

/* Room for `count` elements before the others; there is memory for them. */
static void *shift(void *list, size_t *used, size_t count, size_t width)
{
    if (count > 0)
        memmove((char *)list + count * width, list, *used * width);
    *used += count;
    return list;
}

/* Births, versions and exits have their slot first: copy those that are not given up. */
static bool is_kept(const struct merging *m, const char *element)
{
    uint32_t slot;

    memcpy(&slot, element, sizeof slot);
    return !m->slot[slot].given_up;
}

static void put_before(struct merging *m, void *to, size_t *used, const void *from, size_t count,
                       size_t width)
{
    const char *element = from;
    size_t kept = 0;
    char *at;

    for (size_t i = 0; i < count; i++)
        kept += is_kept(m, element + i * width);
    at = shift(to, used, kept, width);
    for (size_t i = 0; i < count; i++) {
        if (!is_kept(m, element + i * width))
            continue;
        memcpy(at, element + i * width, width);
        at += width;
    }
}

/* Whose parent is given up inherits from nobody: its slot may be another's. */
static void disinherit(const struct merging *m, struct tick *tick, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t like = tick->versions[i].like;

        if (like > 0 && m->slot[like - 1].given_up)
            tick->versions[i].like = 0;
    }
}

static void put_processes(struct merging *m)
{
    struct tick *to = m->to;
    const struct tick *from = m->from;

    disinherit(m, m->from, m->from->version_count);

    put_before(m, to->versions, &to->version_count, from->versions, from->version_count,
               sizeof *to->versions);
    put_before(m, to->exits, &to->exit_count, from->exits, from->exit_count, sizeof *to->exits);
    put_before(m, to->births, &to->birth_count, from->births, from->birth_count,
               sizeof *to->births);
}

static void put_entities(struct merging *m)
{
    struct tick_entity *at = shift(m->to->entities, &m->to->entity_count, m->from->entity_count,
                                   sizeof *m->to->entities);

    if (m->from->entity_count > 0)
        memcpy(at, m->from->entities, m->from->entity_count * sizeof *at);
}

static void put_events(struct merging *m)
{
    struct tick_event *at =
        shift(m->to->events, &m->to->event_count, m->from->event_count, sizeof *m->to->events);

    if (m->from->event_count > 0)
        memcpy(at, m->from->events, m->from->event_count * sizeof *at);
}

/* Text of the earlier tick lies behind that of the later one. */
static void move_texts(struct merging *m)
{
    uint32_t by = (uint32_t)m->to->text.used;

    bytes_put(&m->to->text, m->from->text.data, m->from->text.used);
    for (size_t i = 0; i < m->from->version_count; i++)
        for (size_t k = 0; k < PROCESS_TEXT_COUNT; k++)
            m->from->versions[i].text[k].at += by;
    for (size_t i = 0; i < m->from->entity_count; i++) {
        m->from->entities[i].key.at += by;
        m->from->entities[i].label.at += by;
    }
    for (size_t i = 0; i < m->from->event_count; i++) {
        m->from->events[i].kind.at += by;
        m->from->events[i].detail.at += by;
    }
}

/* --- rows --- */

static uint32_t copy_values(struct tick_table *to, const struct tick_table *from, uint32_t at)
{
    memcpy(to->values + to->value_count * to->width, from->values + at * from->width,
           to->width * sizeof *to->values);
    memcpy(to->missing + to->value_count * to->width, from->missing + at * from->width, to->width);
    return (uint32_t)to->value_count++;
}

/* The later row does not have what was not read for it, unless it is read in full: a last one. */
static void copy_unread(struct tick_table *to, const struct tick_table *from, uint32_t to_at,
                        uint32_t from_at)
{
    for (size_t c = 0; c < to->width; c++) {
        if ((to->column_mask >> c & 1) != 0)
            continue;
        to->values[to_at * to->width + c] = from->values[from_at * from->width + c];
        to->missing[to_at * to->width + c] = from->missing[from_at * from->width + c];
    }
}

static void join_row(struct tick_table *to, const struct tick_table *from, struct tick_row *row,
                     const struct tick_row *before)
{
    if ((before->flags & ROW_BORN) != 0)
        row->start_ns = before->start_ns;
    row->flags |= before->flags & (ROW_FIRST | ROW_BORN);
    if ((before->flags & ROW_FIRST) != 0 && from->keys != NULL)
        memcpy(to->keys[row - to->rows], from->keys[before - from->rows], sizeof *to->keys);
    if (before->at == ROW_SAME)
        return;
    if (row->at == ROW_SAME)
        row->at = copy_values(to, from, before->at);
    else if ((row->flags & ROW_LAST) == 0)
        copy_unread(to, from, row->at, before->at);
}

/* It was gone when the later tick came: its series ends where it was last seen. */
static void append_row(struct tick_table *to, const struct tick_table *from,
                       const struct tick_row *before, int64_t seen_ns)
{
    struct tick_row *row = &to->rows[to->row_count++];

    *row = *before;
    if (from->keys != NULL)
        memcpy(to->keys[row - to->rows], from->keys[before - from->rows], sizeof *to->keys);
    if (before->at != ROW_SAME)
        row->at = copy_values(to, from, before->at);
    if ((row->flags & ROW_LAST) == 0)
        row->end_ns = seen_ns;
    row->flags |= ROW_LAST;
}

/* Whether the row is of a process that is given up. */
static bool is_of_given_up(const struct merging *m, enum table_id table,
                           const struct tick_table *rows, const struct tick_row *row)
{
    for (unsigned k = 0; k < 2; k++) {
        uint32_t slot = tick_row_key(rows, row, k);

        if (samples_tables[table].key[k] == ENTITY_PROCESS && slot != UINT32_MAX)
            return m->slot[slot].given_up;
    }
    return false;
}

/* Of a table that only the earlier tick sampled. */
static void drop_given_up(const struct merging *m, enum table_id table, struct tick_table *rows)
{
    size_t kept = 0;

    for (size_t i = 0; i < rows->row_count; i++) {
        if (is_of_given_up(m, table, rows, &rows->rows[i]))
            continue;
        rows->rows[kept] = rows->rows[i];
        if (rows->keys != NULL && kept != i)
            memcpy(rows->keys[kept], rows->keys[i], sizeof *rows->keys);
        kept++;
    }
    rows->row_count = kept;
}

static void merge_rows(struct merging *m, enum table_id table)
{
    struct tick_table *to = &m->to->table[table];
    const struct tick_table *from = &m->from->table[table];
    size_t own = to->row_count;

    for (size_t i = 0; i < own; i++)
        m->slot[to->rows[i].slot].row = (uint32_t)i + 1;
    for (size_t i = 0; i < from->row_count; i++) {
        const struct tick_row *before = &from->rows[i];
        const struct slot_note *note = &m->slot[before->slot];

        if (is_of_given_up(m, table, from, before))
            continue;
        if (note->row == 0)
            append_row(to, from, before, m->from->start_ns);
        else if ((before->flags & ROW_LAST) == 0)
            join_row(to, from, &to->rows[note->row - 1], before);
    }
    for (size_t i = 0; i < own; i++)
        m->slot[to->rows[i].slot].row = 0;
    to->column_mask |= from->column_mask;
}

/* A table that the later tick did not sample keeps the earlier sample. */
static void merge_table(struct merging *m, enum table_id table)
{
    struct tick_table *to = &m->to->table[table], *from = &m->from->table[table];

    if (!from->sampled)
        return;
    if (to->sampled) {
        merge_rows(m, table);
    } else {
        struct tick_table empty = *to;

        *to = *from;
        *from = empty;
        drop_given_up(m, table, to);
    }
}

bool tick_merge(struct tick_merge *merge, struct tick *later, struct tick *earlier, bool brief,
                int64_t *lost)
{
    struct merging m = { .to = later, .from = earlier };
    uint32_t end = slot_end(later), other = slot_end(earlier);

    *lost = 0;
    if (!reserve_slots(merge, end > other ? end : other) || !tick_reserve(later, earlier))
        return false;
    m.slot = merge->slot;
    later->gap_before |= earlier->gap_before;
    move_texts(&m);
    mark_given_up(&m, brief);
    for (size_t t = 0; t < TABLE_COUNT; t++)
        merge_table(&m, (enum table_id)t);
    put_processes(&m);
    put_entities(&m);
    put_events(&m);
    forget_given_up(&m);
    *lost = m.lost;
    return true;
}
