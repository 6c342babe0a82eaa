/* Rows found by a hash of their key; stored as columns, like lifetimes. */
#include "schema/usage.h"

#include <assert.h>
#include <stdlib.h>

#include "schema/column.h"

/* Doubled some times there is room for rows_max rows, two for whom there is no room, and few more. */
enum { ROWS_FIRST = 66, SLOTS_FIRST = 256 };

void usage_init(struct usage *usage, const struct build_shape *shape)
{
    *usage = (struct usage){ .metric_count = shape->metric_count, .rows_max = USAGE_ROWS_MAX };
    for (unsigned m = 0; m < shape->metric_count; m++)
        usage->kind[m] = shape->column[shape->first_column[m]].kind;
}

void usage_clear(struct usage *usage)
{
    for (size_t i = 0; i < usage->count; i++)
        free(usage->row[i].owned);
    usage->count = 0;
    usage->together = 0;
    usage->rows_max = USAGE_ROWS_MAX;
    usage->detail = USAGE_WHOLE;
    if (usage->hash_size > 0)
        memset(usage->hash, 0, usage->hash_size * sizeof *usage->hash);
}

void usage_release(struct usage *usage)
{
    usage_clear(usage);
    free(usage->row);
    free(usage->sum);
    free(usage->hash);
    *usage = (struct usage){ 0 };
}

/* --- rows --- */

static bool same_key(const struct usage_key *a, const struct usage_key *b)
{
    return a->flags == b->flags && a->uid_known == b->uid_known && a->uid == b->uid &&
           text_same(&a->comm, &b->comm) && text_same(&a->user, &b->user) &&
           text_same(&a->cgroup, &b->cgroup);
}

static uint32_t *place(const struct usage *usage, const struct usage_key *key)
{
    uint32_t h = crc32c(key->flags, &key->uid, sizeof key->uid);
    size_t at;

    h = crc32c(h, key->comm.data, key->comm.size);
    h = crc32c(h, key->cgroup.data, key->cgroup.size);
    at = h & (usage->hash_size - 1);
    while (usage->hash[at] != 0 && !same_key(&usage->row[usage->hash[at] - 1].key, key))
        at = (at + 1) & (usage->hash_size - 1);
    return &usage->hash[at];
}

static enum status grow(struct usage *usage, struct error *err)
{
    size_t more = usage->size == 0 ? ROWS_FIRST : usage->size * 2;
    size_t slots = usage->size == 0 ? SLOTS_FIRST : usage->hash_size * 2;
    struct usage_row *row = realloc(usage->row, more * sizeof *row);
    struct usage_sum *sum;
    uint32_t *hash;

    if (row != NULL) {
        usage->row = row;
        memset(row + usage->size, 0, (more - usage->size) * sizeof *row);
    }
    sum = realloc(usage->sum, more * usage->metric_count * sizeof *sum);
    if (sum != NULL)
        usage->sum = sum;
    hash = calloc(slots, sizeof *hash);
    if (row == NULL || sum == NULL || hash == NULL) {
        free(hash);
        return error_set(err, STATUS_NO_MEMORY, "usage by name");
    }
    free(usage->hash);
    usage->hash = hash;
    usage->hash_size = slots;
    usage->size = more;
    for (size_t i = 0; i < usage->count; i++)
        *place(usage, &usage->row[i].key) = (uint32_t)i + 1;
    return STATUS_OK;
}

static void copy_text(struct text *to, const struct text *from, char **room)
{
    *to = (struct text){ from->data == NULL ? NULL : *room, from->size };
    if (from->data != NULL && from->size > 0)
        memcpy(*room, from->data, from->size);
    *room += from->size;
}

static enum status add_row(struct usage *usage, const struct usage_key *key, struct error *err)
{
    struct usage_row *row = &usage->row[usage->count];
    char *room = malloc((size_t)key->comm.size + key->user.size + key->cgroup.size + 1);

    if (room == NULL)
        return error_set(err, STATUS_NO_MEMORY, "usage by name");
    *row = (struct usage_row){ .key = *key, .owned = room };
    copy_text(&row->key.comm, &key->comm, &room);
    copy_text(&row->key.user, &key->user, &room);
    copy_text(&row->key.cgroup, &key->cgroup, &room);
    memset(usage_sums(usage, usage->count), 0, usage->metric_count * sizeof *usage->sum);
    usage->count++;
    return STATUS_OK;
}

/* The key as far as the rows tell keys apart. */
static struct usage_key told_apart(const struct usage *usage, const struct usage_key *key)
{
    struct usage_key k = *key;

    k.flags |= usage->together;
    if (k.flags & USAGE_ALL_LIVES)
        k.flags &= (uint8_t)~USAGE_LIFETIMES;
    if (k.flags & USAGE_ALL_CGROUPS)
        k.cgroup = (struct text){ 0 };
    return k;
}

static enum status put_together(struct usage *usage, uint8_t flags, size_t rows_max,
                                struct error *err);

enum status usage_find(struct usage *usage, const struct usage_key *key, size_t *row,
                       struct error *err)
{
    struct usage_key k = told_apart(usage, key);
    uint32_t *at;

    *row = 0;
    if (usage->count == usage->size && grow(usage, err) != STATUS_OK)
        return err->status;
    at = place(usage, &k);
    if (*at == 0 && usage->count >= usage->rows_max && (k.flags & USAGE_REST) == 0) {
        if ((usage->together & USAGE_ALL_CGROUPS) == 0)
            return put_together(usage, USAGE_ALL_CGROUPS, usage->rows_max, err) == STATUS_OK
                       ? usage_find(usage, key, row, err)
                       : err->status;
        k = (struct usage_key){ .flags = k.flags | USAGE_REST };
        at = place(usage, &k);
    }
    if (*at == 0) {
        if (add_row(usage, &k, err) != STATUS_OK)
            return err->status;
        *at = (uint32_t)usage->count;
    }
    *row = *at - 1;
    return STATUS_OK;
}

void usage_add_cells(struct usage *usage, size_t row, const struct rollup_cell cells[])
{
    struct usage_sum *sum = usage_sums(usage, row);

    for (unsigned m = 0; m < usage->metric_count; m++) {
        const struct rollup_cell *cell = &cells[m];

        if (!cell->present || usage->kind[m] == METRIC_STATE)
            continue;
        if (usage->kind[m] == METRIC_COUNTER) {
            sum[m].increase = wrap_add(sum[m].increase, cell->increase);
            if (cell->rate_max > sum[m].rate_max)
                sum[m].rate_max = cell->rate_max;
        } else if (cell->covered_ns > 0) {
            if (sum[m].covered_ns == 0 || cell->max > sum[m].max)
                sum[m].max = cell->max;
            sum[m].sum = (int128)((uint128)sum[m].sum + (uint128)cell->sum);
        }
        sum[m].covered_ns = wrap_add(sum[m].covered_ns, cell->covered_ns);
    }
}

static void add_sums(struct usage_sum *sum, const struct usage_sum *add)
{
    if (add->covered_ns != 0 && (sum->covered_ns == 0 || add->max > sum->max))
        sum->max = add->max;
    sum->covered_ns = wrap_add(sum->covered_ns, add->covered_ns);
    sum->increase = wrap_add(sum->increase, add->increase);
    sum->sum = (int128)((uint128)sum->sum + (uint128)add->sum);
    if (add->rate_max > sum->rate_max)
        sum->rate_max = add->rate_max;
}

/* Lifetimes of several blocks are so many; of others it is mostly the same ones. */
static void add_count(struct usage_row *row, const struct usage_row *from, bool same_time)
{
    if (same_time || (from->key.flags & USAGE_LIFETIMES) != 0)
        row->process_count = wrap_add(row->process_count, from->process_count);
    else if (from->process_count > row->process_count)
        row->process_count = from->process_count;
}

static enum status merge(struct usage *usage, const struct usage *other, bool same_time,
                         struct error *err)
{
    for (size_t i = 0; i < other->count; i++) {
        size_t row;

        if (usage_find(usage, &other->row[i].key, &row, err) != STATUS_OK)
            return err->status;
        assert(usage->row != NULL); /* as it has one */
        add_count(&usage->row[row], &other->row[i], same_time);
        for (unsigned m = 0; m < usage->metric_count && m < other->metric_count; m++)
            add_sums(&usage_sums(usage, row)[m], &usage_sums(other, i)[m]);
    }
    return STATUS_OK;
}

/* From now on rows do not tell apart what the flags say. */
static enum status put_together(struct usage *usage, uint8_t flags, size_t rows_max,
                                struct error *err)
{
    struct usage before = *usage;
    enum status st;

    usage->row = NULL;
    usage->sum = NULL;
    usage->hash = NULL;
    usage->count = usage->size = usage->hash_size = 0;
    usage->together |= flags;
    usage->rows_max = rows_max;
    st = merge(usage, &before, true, err);
    usage_release(&before);
    return st;
}

enum status usage_merge(struct usage *usage, const struct usage *other, struct error *err)
{
    uint8_t flags = (uint8_t)(other->together & ~usage->together);

    if (other->detail > usage->detail && usage_thin(usage, other->detail, err) != STATUS_OK)
        return err->status;
    if (flags != 0 && put_together(usage, flags, usage->rows_max, err) != STATUS_OK)
        return err->status;
    return merge(usage, other, false, err);
}

/* What is kept to the last. */
static bool is_bare(unsigned metric)
{
    return metric == PROCESS_CPU_NS_TOTAL || metric == PROCESS_DISK_READ_BYTES_TOTAL ||
           metric == PROCESS_DISK_WRITTEN_BYTES_TOTAL;
}

static void strip(struct usage *usage)
{
    for (size_t i = 0; i < usage->count; i++)
        for (unsigned m = 0; m < usage->metric_count; m++) {
            struct usage_sum *sum = &usage_sums(usage, i)[m];

            if (usage->kind[m] != METRIC_COUNTER || (usage->detail == USAGE_BARE && !is_bare(m)))
                *sum = (struct usage_sum){ 0 };
            sum->rate_max = 0;
        }
}

enum status usage_thin(struct usage *usage, enum usage_detail detail, struct error *err)
{
    uint8_t flags = detail == USAGE_BARE ? USAGE_ALL_LIVES | USAGE_ALL_CGROUPS : USAGE_ALL_LIVES;

    if (detail <= usage->detail)
        return STATUS_OK;
    if (put_together(usage, flags, USAGE_THIN_ROWS_MAX, err) != STATUS_OK)
        return err->status;
    usage->detail = detail;
    strip(usage);
    return STATUS_OK;
}

/* --- stored --- */

enum field {
    FIELD_FLAGS,
    FIELD_UID, /* + 1; 0: not known */
    FIELD_COMM,
    FIELD_USER,
    FIELD_CGROUP,
    FIELD_PROCESS_COUNT,
    FIELD_COVERED, /* the longest of the metrics */
    FIELD_COUNT
};

enum part {             /* of a metric */
            PART_SHORT, /* how much less it covers than the longest */
            PART_INCREASE,
            PART_RATE,
            PART_MAXIMUM,
            PART_LOW,
            PART_HIGH
};
enum { PARTS_MAX = 4 };

/* Which parts a kind has; returns how many. */
static unsigned parts_of(uint8_t kind, bool thin, const enum part **parts)
{
    static const enum part counter[] = { PART_INCREASE, PART_SHORT, PART_RATE };
    static const enum part gauge[PARTS_MAX] = { PART_SHORT, PART_MAXIMUM, PART_LOW, PART_HIGH };

    *parts = kind == METRIC_COUNTER ? counter : gauge;
    if (thin)
        return kind == METRIC_COUNTER;
    return kind == METRIC_COUNTER ? COUNT_OF(counter) : kind == METRIC_GAUGE ? PARTS_MAX : 0;
}

static int64_t longest(const struct usage *usage, size_t row)
{
    int64_t covered_ns = 0;

    for (unsigned m = 0; m < usage->metric_count; m++)
        if (usage_sums(usage, row)[m].covered_ns > covered_ns)
            covered_ns = usage_sums(usage, row)[m].covered_ns;
    return covered_ns;
}

static int64_t part_of(const struct usage_sum *sum, enum part part, int64_t covered_ns)
{
    switch (part) {
    case PART_SHORT:
        return wrap_subtract(covered_ns, sum->covered_ns);
    case PART_INCREASE:
        return sum->increase;
    case PART_RATE:
        return sum->rate_max;
    case PART_MAXIMUM:
        return sum->max;
    case PART_LOW:
        return (int64_t)(uint128)sum->sum;
    default:
        return (int64_t)(uint64_t)((uint128)sum->sum >> 64);
    }
}

static void set_part(struct usage_sum *sum, enum part part, int64_t value, int64_t covered_ns)
{
    switch (part) {
    case PART_SHORT:
        sum->covered_ns = wrap_subtract(covered_ns, value);
        break;
    case PART_INCREASE:
        sum->increase = value;
        break;
    case PART_RATE:
        sum->rate_max = value;
        break;
    case PART_MAXIMUM:
        sum->max = value;
        break;
    case PART_LOW:
        sum->sum = (int128)(uint64_t)value;
        break;
    default:
        sum->sum = (int128)((uint128)sum->sum | (uint128)(uint64_t)value << 64);
        break;
    }
}

static int64_t field_of(const struct usage *usage, size_t i, enum field field,
                        struct string_numbers *numbers)
{
    const struct usage_row *row = &usage->row[i];

    switch (field) {
    case FIELD_FLAGS:
        return row->key.flags;
    case FIELD_UID:
        return row->key.uid_known ? (int64_t)row->key.uid + 1 : 0;
    case FIELD_COMM:
        return strings_number(numbers, &row->key.comm);
    case FIELD_USER:
        return strings_number(numbers, &row->key.user);
    case FIELD_CGROUP:
        return strings_number(numbers, &row->key.cgroup);
    case FIELD_PROCESS_COUNT:
        return row->process_count;
    default:
        return longest(usage, i);
    }
}

static bool any_of(const struct usage *usage, unsigned metric)
{
    for (size_t i = 0; i < usage->count; i++)
        if (usage_sums(usage, i)[metric].covered_ns != 0 ||
            usage_sums(usage, i)[metric].increase != 0)
            return true;
    return false;
}

/* `scratch` [2][count]: covered time of each row, then room. */
static void put_rows(const struct usage *usage, struct string_numbers *numbers, int64_t *scratch,
                     struct byte_writer *w)
{
    int64_t *covered_ns = scratch, *value = scratch + usage->count;
    const enum part *parts;

    for (enum field field = 0; field < FIELD_COUNT; field++) {
        for (size_t i = 0; i < usage->count; i++)
            value[i] = field_of(usage, i, field, numbers);
        column_encode(value, usage->count, w);
    }
    memcpy(covered_ns, value, usage->count * sizeof *value);
    for (unsigned m = 0; m < usage->metric_count; m++) {
        unsigned count =
            any_of(usage, m) ? parts_of(usage->kind[m], usage->detail != USAGE_WHOLE, &parts) : 0;

        bytes_put_u8(w, (uint8_t)count);
        for (unsigned p = 0; p < count; p++) {
            for (size_t i = 0; i < usage->count; i++)
                value[i] = part_of(&usage_sums(usage, i)[m], parts[p], covered_ns[i]);
            column_encode(value, usage->count, w);
        }
    }
}

enum status usage_encode(const struct usage *usage, struct byte_writer *w, struct error *err)
{
    struct string_numbers numbers;
    struct byte_writer rows = { 0 };
    int64_t *scratch = malloc((usage->count + 1) * 2 * sizeof *scratch);
    enum status st = strings_begin(&numbers, usage->count * 3, err);

    if (scratch == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "usage by name");
    if (st == STATUS_OK) {
        put_rows(usage, &numbers, scratch, &rows);
        bytes_put_varint(w, usage->count);
        bytes_put_varint(w, usage->metric_count);
        strings_put(&numbers, w);
        bytes_put(w, rows.data, rows.used);
        if (rows.full || w->full)
            st = error_set(err, STATUS_NO_MEMORY, "usage by name");
    }
    strings_release(&numbers);
    bytes_release(&rows);
    free(scratch);
    return st;
}

/* --- read --- */

struct decoding {
    struct usage *to;
    size_t count;
    struct text *string;
    size_t string_count;
    int64_t *value; /* [FIELD_COUNT + 1][count] */
    size_t *row;    /* [count] in `to` */
};

static bool text_at(const struct decoding *d, enum field field, size_t i, struct text *text)
{
    int64_t number = d->value[field * d->count + i];

    if (number < 0 || (uint64_t)number > d->string_count)
        return false;
    *text = number == 0 ? (struct text){ 0 } : d->string[number - 1];
    return true;
}

static enum status get_key(struct decoding *d, size_t i, struct error *err)
{
    int64_t uid = d->value[FIELD_UID * d->count + i];
    int64_t flags = d->value[FIELD_FLAGS * d->count + i];
    int64_t processes = d->value[FIELD_PROCESS_COUNT * d->count + i];
    struct usage_key key = { .flags = (uint8_t)flags };
    struct usage_row *row;

    if (flags < 0 || flags > UINT8_MAX || uid < 0 || uid > (int64_t)UINT32_MAX + 1 ||
        processes < 0 || !text_at(d, FIELD_COMM, i, &key.comm) ||
        !text_at(d, FIELD_USER, i, &key.user) || !text_at(d, FIELD_CGROUP, i, &key.cgroup))
        return error_set(err, STATUS_CORRUPT, "impossible rows");
    if (i == 0) {
        d->to->together = key.flags & (USAGE_ALL_LIVES | USAGE_ALL_CGROUPS);
        if (((d->to->together & USAGE_ALL_LIVES) != 0) != (d->to->detail != USAGE_WHOLE))
            return error_set(err, STATUS_CORRUPT, "rows of another kind");
    } else if ((key.flags & (USAGE_ALL_LIVES | USAGE_ALL_CGROUPS)) != d->to->together) {
        return error_set(err, STATUS_CORRUPT, "rows of several kinds");
    }
    key.uid_known = uid > 0;
    key.uid = (uint32_t)(uid > 0 ? uid - 1 : 0);
    if (usage_find(d->to, &key, &d->row[i], err) != STATUS_OK)
        return err->status;
    assert(d->to->row != NULL); /* as it has one */
    row = &d->to->row[d->row[i]];
    row->process_count = wrap_add(row->process_count, processes);
    return STATUS_OK;
}

static enum status get_metric(struct decoding *d, unsigned metric, struct byte_reader *r,
                              struct error *err)
{
    const int64_t *covered_ns = d->value + FIELD_COVERED * d->count;
    int64_t *value = d->value + FIELD_COUNT * d->count;
    unsigned stored = bytes_get_u8(r), count = 0;
    bool known = metric < d->to->metric_count;
    const enum part *parts = NULL;

    if (known)
        count = parts_of(d->to->kind[metric], d->to->detail != USAGE_WHOLE, &parts);
    if (stored > PARTS_MAX || (known && stored != 0 && stored != count))
        return error_set(err, STATUS_CORRUPT, "an unknown kind of metric");
    for (size_t i = 0; i < d->count && stored == 1 && known; i++)
        usage_sums(d->to, d->row[i])[metric].covered_ns = covered_ns[i];
    for (unsigned p = 0; p < stored; p++) {
        if (column_decode(r, value, d->count, err) != STATUS_OK)
            return err->status;
        for (size_t i = 0; i < d->count && known;
             i++) /* thinned, a metric covers what its row does */
            set_part(&usage_sums(d->to, d->row[i])[metric], parts[p], value[i], covered_ns[i]);
    }
    return STATUS_OK;
}

static enum status get_rows(struct decoding *d, unsigned metrics, struct byte_reader *r,
                            struct error *err)
{
    size_t before = d->to->count;

    for (enum field field = 0; field < FIELD_COUNT; field++)
        if (column_decode(r, d->value + field * d->count, d->count, err) != STATUS_OK)
            return err->status;
    for (size_t i = 0; i < d->count; i++)
        if (get_key(d, i, err) != STATUS_OK)
            return err->status;
    if (d->to->count - before != d->count)
        return error_set(err, STATUS_CORRUPT, "the same row twice");
    for (unsigned m = 0; m < metrics; m++)
        if (get_metric(d, m, r, err) != STATUS_OK)
            return err->status;
    return r->overrun || bytes_left(r) != 0 ? error_set(err, STATUS_CORRUPT, "its length is wrong")
                                            : STATUS_OK;
}

enum status usage_decode(struct usage *usage, enum usage_detail detail, struct byte_reader *r,
                         struct error *err)
{
    uint64_t count = bytes_get_varint(r), metrics = bytes_get_varint(r);
    struct decoding d = { .to = usage, .count = (size_t)count };
    enum status st = STATUS_OK;

    usage_clear(usage);
    usage->detail = detail;
    usage->rows_max = detail == USAGE_WHOLE ? USAGE_ROWS_MAX : USAGE_THIN_ROWS_MAX;
    if (r->overrun || count > USAGE_ROWS_MAX + 2 || metrics > TABLE_METRICS_MAX)
        return error_set(err, STATUS_CORRUPT, "number of rows");
    st = strings_get(r, &d.string, &d.string_count, err);
    d.value = malloc((d.count + 1) * (FIELD_COUNT + 1) * sizeof *d.value);
    d.row = malloc((d.count + 1) * sizeof *d.row);
    if (st == STATUS_OK && (d.value == NULL || d.row == NULL))
        st = error_set(err, STATUS_NO_MEMORY, "usage by name");
    if (st == STATUS_OK)
        st = get_rows(&d, (unsigned)metrics, r, err);
    free(d.string);
    free(d.value);
    free(d.row);
    return st;
}
