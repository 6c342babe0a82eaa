/* One series' rows as text, patched. */
#include "analyzer/export_text.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/escape.h"

enum { SCALE_EXPONENT_MAX = 18 };

/* --- once per export --- */

static enum status prepare_labels(struct export_text *t, size_t m, struct error *err)
{
    const struct export_metric *metric = &t->layout->metric[m];
    size_t longest = TEXT_NUMBER_ROOM;

    t->label_at[m] = calloc(metric->label_count + 1, sizeof *t->label_at[m]);
    if (t->label_at[m] == NULL)
        return error_set(err, STATUS_NO_MEMORY, "labels");
    for (size_t i = 0; i < metric->label_count; i++) {
        const struct text *label = &metric->label[i];
        char *end;

        t->label_at[m][i] = t->labels.used;
        if (!bytes_reserve(&t->labels, ESCAPE_ROOM(label->size) + TEXT_COPY_SIZE))
            return error_set(err, STATUS_NO_MEMORY, "labels");
        end = escape_put_csv((char *)t->labels.data + t->labels.used, label->data, label->size,
                             t->csv_safe);
        t->labels.used = (size_t)(end - (char *)t->labels.data);
        if (t->labels.used - t->label_at[m][i] > longest)
            longest = t->labels.used - t->label_at[m][i];
    }
    t->label_at[m][metric->label_count] = t->labels.used;
    t->fields_room += longest + 1;
    return STATUS_OK;
}

enum status export_text_init(struct export_text *text, const struct export *e,
                             const struct export_layout *layout, struct error *err)
{
    text->layout = layout;
    text->csv_safe = e->output.csv_safe;
    text->cell = calloc(layout->count + 1, sizeof *text->cell);
    if (text->cell == NULL)
        return error_set(err, STATUS_NO_MEMORY, "a row");
    for (size_t m = 0; m < layout->table->metric_count; m++) {
        if (!export_wants_metric(e, m))
            continue;
        text->wanted |= UINT64_C(1) << m;
        if (prepare_labels(text, m, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

void export_text_release(struct export_text *text)
{
    for (size_t m = 0; m < TABLE_METRICS_MAX; m++)
        free(text->label_at[m]);
    bytes_release(&text->labels);
    free(text->cell);
    free(text->row[0].text);
    free(text->row[1].text);
    *text = (struct export_text){ 0 };
}

/* --- fields --- */

static void format_state(struct export_text *t, size_t m, int64_t value)
{
    struct text_field *f = &t->field[m];
    char digits[EXPORT_DIGITS], cell[ESCAPE_ROOM(EXPORT_DIGITS)];
    size_t size;

    if (value >= 0 && (uint64_t)value < t->layout->metric[m].label_count) {
        f->text = (char *)t->labels.data + t->label_at[m][value];
        f->size = (uint32_t)(t->label_at[m][value + 1] - t->label_at[m][value]);
        return;
    }
    size = (size_t)(decimal_put_i64(digits, value) - digits);
    size = (size_t)(escape_put_csv(cell, digits, size, t->csv_safe) - cell);
    memcpy(f->number, cell, size);
    f->text = f->number;
    f->size = (uint32_t)size;
}

static void format(struct export_text *t, size_t m, int64_t value)
{
    const struct export_metric *metric = &t->layout->metric[m];
    struct text_field *f = &t->field[m];
    char *out = f->number;

    if (metric->metric->kind == METRIC_STATE) {
        format_state(t, m, value);
        return;
    }
    f->text = f->number;
    f->size = 0;
    if (metric->exponent < 0 && __builtin_mul_overflow(value, metric->metric->scale, &value))
        return;
    out = decimal_put_i64(out, value);
    if (metric->exponent > 0 && value != 0) {
        memcpy(out, "000000000000000000", SCALE_EXPONENT_MAX);
        out += metric->exponent;
    }
    f->size = (uint32_t)(out - f->number);
}

static inline unsigned first_metric(uint64_t metrics)
{
    return (unsigned)__builtin_ctzll(metrics);
}

static inline char *put_field(char *out, const struct text_field *f)
{
    if (f->size <= TEXT_COPY_SIZE)
        memcpy(out, f->text, TEXT_COPY_SIZE);
    else
        memcpy(out, f->text, f->size);
    return out + f->size;
}

/* Exactly so many bytes: what is behind them stays. */
static inline void overwrite(char *to, const char *from, size_t size)
{
    if (size > 16) {
        memcpy(to, from, size);
    } else if (size >= 8) { /* two that overlap */
        memcpy(to, from, 8);
        memcpy(to + size - 8, from + size - 8, 8);
    } else if (size >= 4) {
        memcpy(to, from, 4);
        memcpy(to + size - 4, from + size - 4, 4);
    } else {
        for (size_t i = 0; i < size; i++)
            to[i] = from[i];
    }
}

/* Lay the fields from metric `first` on behind each other, from `out` in the row. */
static void lay_out(const struct export_text *t, struct text_row *row, unsigned first, char *out)
{
    for (uint64_t rest = t->wanted >> first << first; rest != 0; rest &= rest - 1) {
        unsigned m = first_metric(rest);

        *out++ = ',';
        row->at[m] = (uint32_t)(out - row->text);
        row->field_size[m] = t->field[m].size;
        if ((row->there >> m & 1) != 0)
            out = put_field(out, &t->field[m]);
    }
    *out++ = '\r';
    *out++ = '\n';
    row->size = (size_t)(out - row->text);
    row->stale = 0;
    row->laid_out = true;
}

/* Bring the fields that have another text into the row. */
static void patch(const struct export_text *t, struct text_row *row)
{
    for (uint64_t rest = row->stale & row->there; rest != 0; rest &= rest - 1) {
        unsigned m = first_metric(rest);
        const struct text_field *f = &t->field[m];

        if (row->field_size[m] != f->size) {
            lay_out(t, row, m, row->text + row->at[m] - 1);
            return;
        }
        overwrite(row->text + row->at[m], f->text, f->size);
    }
    row->stale = 0;
}

/* --- rows --- */

static char *put_cell(const struct export_text *t, char *out, const struct output_column *column,
                      const struct output_cell *cell)
{
    if (cell->missing)
        return out;
    if (column->type == OUTPUT_TEXT)
        return escape_put_csv(out, cell->text, cell->text_size, t->csv_safe);
    return decimal_put_i64(out, cell->integer);
}

static enum status make_room(struct export_text *t, struct error *err)
{
    size_t need = t->fields_room + 2 + TEXT_COPY_SIZE;

    for (size_t i = t->layout->identity_at; i < t->layout->metric_at; i++)
        need += ESCAPE_ROOM(t->cell[i].text_size) + DECIMAL_ROOM;
    for (size_t i = 0; i < COUNT_OF(t->row); i++) {
        char *larger;

        if (need <= t->row[i].room)
            continue;
        larger = realloc(t->row[i].text, need);
        if (larger == NULL)
            return error_set(err, STATUS_NO_MEMORY, "a row");
        t->row[i].text = larger;
        t->row[i].room = need;
    }
    return STATUS_OK;
}

enum status export_text_begin(struct export_text *text, const int64_t value[], uint64_t there,
                              struct error *err)
{
    const struct export_layout *layout = text->layout;
    struct text_row *row = &text->row[0];
    char *out;

    if (make_room(text, err) != STATUS_OK)
        return err->status;
    out = row->text;
    for (size_t i = layout->identity_at; i < layout->metric_at; i++) {
        *out++ = ',';
        out = put_cell(text, out, &layout->column[i], &text->cell[i]);
    }
    text->identity_size = (size_t)(out - row->text);
    for (uint64_t rest = there; rest != 0; rest &= rest - 1)
        format(text, first_metric(rest), value[first_metric(rest)]);
    text->stale = text->wanted & ~there;
    text->current = 0;
    text->row[1].laid_out = false;
    row->there = there;
    lay_out(text, row, 0, out);
    return STATUS_OK;
}

/* To the row in which other metrics are missing, made anew if it was of others still. */
static struct text_row *turn(struct export_text *t, uint64_t there)
{
    const struct text_row *from = &t->row[t->current];
    struct text_row *to = &t->row[t->current ^= 1];

    if (to->laid_out && to->there == there)
        return to;
    if (!to->laid_out)
        memcpy(to->text, from->text, t->identity_size);
    to->there = there;
    lay_out(t, to, 0, to->text + t->identity_size);
    return to;
}

void export_text_move(struct export_text *text, const int64_t value[], uint64_t moved,
                      uint64_t there)
{
    struct text_row *row = &text->row[text->current];
    uint64_t other = (text->stale | moved) & there;

    for (uint64_t rest = other; rest != 0; rest &= rest - 1)
        format(text, first_metric(rest), value[first_metric(rest)]);
    text->stale = (text->stale | moved) & ~there;
    text->row[0].stale |= other;
    text->row[1].stale |= other;
    if (row->there != there)
        row = turn(text, there);
    if (row->stale != 0)
        patch(text, row);
}
