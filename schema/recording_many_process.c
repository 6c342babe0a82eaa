/* A process that goes on from one part to the next is one: same boot, pid and start. */
#include <stdlib.h>
#include <string.h>

#include "schema/recording_many.h"

/* --- ids --- */

int64_t many_process(const struct many_part *part, int64_t process_id)
{
    size_t low = 0, high = part->alias_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (part->alias[middle].from < process_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < part->alias_count && part->alias[low].from == process_id ? part->alias[low].to
                                                                          : process_id;
}

/* Among the first `count` that are of several parts; NULL: it is not. */
static struct process *find_merged(const struct many *many, size_t count, int64_t process_id)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (many->merged[middle].process_id < process_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && many->merged[low].process_id == process_id ? &many->merged[low] : NULL;
}

const struct process *many_merged(const struct recording *rec, int64_t process_id)
{
    return find_merged(rec->many, rec->many->merged_count, process_id);
}

void many_translate(const struct many_part *part, const struct recording_table *table,
                    struct block_table *directory)
{
    for (size_t i = 0; i < directory->series_count; i++)
        for (int k = 0; k < 2; k++) {
            int64_t *key = &directory->series[i].key[k];
            const struct recording_entity *e;

            if (table->key[k] == ENTITY_NONE)
                continue;
            if (table->key[k] == ENTITY_PROCESS) {
                *key = many_process(part, wrap_add(*key, part->recording->process_offset));
                continue;
            }
            e = recording_entity(part->recording, *key);
            *key = e == NULL ? 0 : part->entity[e - part->recording->contents.entities];
        }
}

/* --- who goes on --- */

struct candidates {
    const struct process **list;
    size_t count;
};

static int by_birth(const void *a, const void *b)
{
    const struct process *x = *(const struct process *const *)a;
    const struct process *y = *(const struct process *const *)b;

    if (x->pid != y->pid)
        return x->pid < y->pid ? -1 : 1;
    return (x->start_ticks > y->start_ticks) - (x->start_ticks < y->start_ticks);
}

/* All that have a row, and those that one block alone knows: its first or its last. */
static enum status find_candidates(struct recording *part, bool last, struct candidates *c,
                                   struct error *err)
{
    const struct recording_contents *of = &part->contents;
    const struct lifetimes *lives = NULL;
    size_t block = last ? of->block_count[0] - 1 : 0;

    if (recording_load_processes(part, err) != STATUS_OK ||
        recording_lifetimes(part, &of->blocks[0][block], &lives, err) != STATUS_OK)
        return err->status;
    c->list = malloc((part->process_count + lives->count + 1) * sizeof *c->list);
    if (c->list == NULL)
        return error_set(err, STATUS_NO_MEMORY, "processes");
    for (size_t i = 0; i < part->process_count; i++)
        c->list[c->count++] = &part->process[i];
    for (size_t i = 0; i < lives->count; i++)
        c->list[c->count++] = &lives->process[i];
    if (c->count > 1)
        qsort(c->list, c->count, sizeof *c->list, by_birth);
    return STATUS_OK;
}

static const char *boot_of(const struct recording *rec, const struct process *p)
{
    for (size_t s = 0; s < rec->contents.session_count; s++)
        if (rec->contents.sessions[s].session_id == p->session_id)
            return rec->contents.sessions[s].boot_id;
    return "";
}

static bool same_version(const struct version *a, const struct version *b)
{
    for (int t = 0; t < PROCESS_TEXT_COUNT; t++)
        if (a->text[t].size != b->text[t].size ||
            (a->text[t].data == NULL) != (b->text[t].data == NULL) ||
            (a->text[t].data != NULL && b->text[t].data != NULL &&
             memcmp(a->text[t].data, b->text[t].data, a->text[t].size) != 0))
            return false;
    return a->uid_known == b->uid_known && a->uid == b->uid &&
           a->cmdline_length == b->cmdline_length && a->cmdline_hash == b->cmdline_hash;
}

/* What it was called goes on, too. from_ns: the part's first tick. */
static enum status extend(struct recording *rec, struct process *to, const struct process *more,
                          int64_t from_ns, struct error *err)
{
    size_t count = to->version_count;
    struct version *all = recording_own(rec, calloc(count + more->version_count + 1, sizeof *all));

    if (all == NULL)
        return error_set(err, STATUS_NO_MEMORY, "processes");
    for (size_t i = 0; i < count; i++)
        all[i] = to->versions[i];
    for (size_t i = 0; i < more->version_count; i++) {
        if (count > 0 && same_version(&all[count - 1], &more->versions[i]))
            continue;
        all[count] = more->versions[i];
        if (all[count].from_ns < from_ns && count > 0)
            all[count].from_ns = from_ns;
        count++;
    }
    to->versions = all;
    to->version_count = count;
    to->end_ns = more->end_ns;
    to->exit_code = more->exit_code;
    to->how = more->how;
    return STATUS_OK;
}

static int by_process(const void *a, const void *b)
{
    const struct process *x = a, *y = b;

    return (x->process_id > y->process_id) - (x->process_id < y->process_id);
}

static int by_from(const void *a, const void *b)
{
    const struct many_alias *x = a, *y = b;

    return (x->from > y->from) - (x->from < y->from);
}

/* `old`, by the id that it has among all, is `new` of the part. */
static enum status link_one(struct recording *rec, struct many_part *part, size_t known,
                            const struct process *old, int64_t id, const struct process *new,
                            struct error *err)
{
    struct many *many = rec->many;
    struct process *to = find_merged(many, known, id);

    if (to == NULL) {
        to = &many->merged[many->merged_count++];
        *to = *old;
        to->process_id = id;
    }
    part->alias[part->alias_count++] = (struct many_alias){ new->process_id, id };
    return extend(rec, to, new, part->recording->contents.blocks[0][0].start_ns, err);
}

static enum status link_all(struct recording *rec, size_t number, const struct candidates *old,
                            const struct candidates *new, struct error *err)
{
    struct many *many = rec->many;
    struct many_part *before = &many->part[number - 1], *part = &many->part[number];
    size_t known = many->merged_count, o = 0;
    struct process *larger = realloc(many->merged, (known + new->count + 1) * sizeof *many->merged);

    part->alias = calloc(new->count + 1, sizeof *part->alias);
    if (larger != NULL)
        many->merged = larger;
    if (larger == NULL || part->alias == NULL)
        return error_set(err, STATUS_NO_MEMORY, "processes");
    for (size_t n = 0; n < new->count; n++) {
        const struct process *p = new->list[n];

        if (n > 0 && by_birth(&new->list[n - 1], &new->list[n]) == 0)
            continue; /* of two boots */
        while (o < old->count && by_birth(&old->list[o], &new->list[n]) < 0)
            o++;
        for (size_t i = o; i < old->count && by_birth(&old->list[i], &new->list[n]) == 0; i++) {
            if (strcmp(boot_of(rec, old->list[i]), boot_of(rec, p)) != 0)
                continue;
            if (link_one(rec, part, known, old->list[i],
                         many_process(before, old->list[i]->process_id), p, err) != STATUS_OK)
                return err->status;
            break;
        }
    }
    if (part->alias_count > 1)
        qsort(part->alias, part->alias_count, sizeof *part->alias, by_from);
    if (many->merged_count > 1)
        qsort(many->merged, many->merged_count, sizeof *many->merged, by_process);
    return STATUS_OK;
}

/* Ids of the part that comes next begin after those of this one. */
static enum status find_next(struct many_part *part, struct error *err)
{
    const struct recording_contents *c = &part->recording->contents;
    int64_t next = part->recording->process_offset;

    for (size_t i = 0; i < part->recording->process_count; i++)
        if (part->recording->process[i].process_id > next)
            next = part->recording->process[i].process_id;
    for (size_t b = 0; b < c->block_count[0]; b++) {
        const struct block_row *row = &part->recording->rows[0][b];
        struct byte_reader r = { .data = row->contents, .size = row->contents_size };
        uint64_t id;

        for (uint64_t tables = bytes_get_varint(&r); tables > 0 && !r.overrun; tables--) {
            (void)bytes_get_varint(&r);
            (void)bytes_get_varint(&r);
        }
        (void)bytes_get_varint(&r);
        (void)bytes_get_varint(&r);
        id = bytes_get_varint(&r);
        if (!r.overrun && id < (uint64_t)1 << 40 &&
            (int64_t)id + part->recording->process_offset > next)
            next = (int64_t)id + part->recording->process_offset;
    }
    if (next >= INT64_C(1) << 52)
        return error_set(err, STATUS_UNSUPPORTED, "%s: its processes have too large numbers",
                         c->path);
    part->next_process = next;
    return STATUS_OK;
}

/* Processes of the tail's block are lifetimes. */
static enum status see_last_lives(struct many_part *part, struct error *err)
{
    const struct recording_contents *c = &part->recording->contents;
    const struct lifetimes *lives;

    if (recording_lifetimes(part->recording, &c->blocks[0][c->block_count[0] - 1], &lives, err) !=
        STATUS_OK)
        return err->status;
    if (lives->count > 0 && lives->process[lives->count - 1].process_id > part->next_process)
        part->next_process = lives->process[lives->count - 1].process_id;
    return STATUS_OK;
}

enum status many_link(struct recording *rec, size_t number, struct error *err)
{
    struct many_part *part = &rec->many->part[number];
    struct candidates old = { NULL, 0 }, new = { NULL, 0 };
    enum status st;

    if (number > 0)
        part->recording->process_offset = part[-1].next_process;
    st = recording_load_processes(part->recording, err);
    if (st == STATUS_OK && number > 0)
        st = find_candidates(part[-1].recording, true, &old, err);
    if (st == STATUS_OK && number > 0)
        st = find_candidates(part->recording, false, &new, err);
    if (st == STATUS_OK && number > 0)
        st = link_all(rec, number, &old, &new, err);
    if (st == STATUS_OK)
        st = find_next(part, err);
    if (st == STATUS_OK)
        st = see_last_lives(part, err);
    free(old.list);
    free(new.list);
    return st;
}

/* --- what is handed out --- */

/* Ids and what is known of the whole life, in place of what the part knows. */
static void whole(const struct recording *rec, const struct many_part *part, struct process *p)
{
    const struct process *merged = many_merged(rec, many_process(part, p->process_id));

    if (merged != NULL)
        *p = *merged;
}

enum status many_lifetimes(struct recording *rec, const struct recording_block *block,
                           const struct lifetimes **lifetimes, struct error *err)
{
    struct many_part *part = many_part_of(rec, &block);
    const struct recording_contents *c = &part->recording->contents;
    size_t index = (size_t)(block - c->blocks[0]);
    bool last = index + 1 == c->block_count[0];
    struct lifetimes **view = &part->view[index == 0 ? 0 : 1];
    const struct lifetimes *own;

    if (recording_lifetimes(part->recording, block, &own, err) != STATUS_OK)
        return err->status;
    *lifetimes = own;
    if ((index > 0 && !last) || own->count == 0)
        return STATUS_OK;
    if (*view == NULL) {
        *view = recording_own(rec, calloc(1, sizeof **view));
        if (*view != NULL)
            (*view)->process = recording_own(rec, calloc(own->count, sizeof *own->process));
        if (*view == NULL || (*view)->process == NULL)
            return error_set(err, STATUS_NO_MEMORY, "lifetimes");
        memcpy((*view)->process, own->process, own->count * sizeof *own->process);
        for (size_t i = 0; i < own->count; i++)
            whole(rec, part, &(*view)->process[i]);
    }
    (*view)->count = own->count;
    (*view)->cell = own->cell;
    *lifetimes = *view;
    return STATUS_OK;
}

struct visiting {
    const struct recording *rec;
    const struct many_part *part;
    process_visit *visit;
    void *context;
};

static enum status visit_one(void *context, const struct process *process, struct error *err)
{
    const struct visiting *v = context;
    int64_t id = many_process(v->part, process->process_id);
    const struct process *merged = many_merged(v->rec, id);

    if (id != process->process_id) /* an earlier part had it */
        return STATUS_OK;
    return v->visit(v->context, merged == NULL ? process : merged, err);
}

enum status many_processes(struct recording *rec, process_visit *visit, void *context,
                           struct error *err)
{
    for (size_t i = 0; i < rec->many->count; i++) {
        struct visiting v = { rec, &rec->many->part[i], visit, context };

        if (recording_processes(v.part->recording, visit_one, &v, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

void many_close(struct recording *rec)
{
    struct many *many = rec->many;

    for (size_t i = 0; many != NULL && i < many->count; i++) {
        recording_close(many->part[i].recording);
        free(many->part[i].alias);
        free(many->part[i].entity);
    }
    if (many != NULL) {
        free(many->part);
        free(many->merged);
    }
    free(many);
}
