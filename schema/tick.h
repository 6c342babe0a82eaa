/*
 * One tick: what all collectors saw at one firing of the clock, on its way to the writer.
 *
 * A tick holds rows per samples table. A row belongs to a *slot*: a small number by which the
 * collector that owns an entity names it while it lives. A slot is announced before or at its
 * first row (a process by tick_birth, anything else by tick_entity) and may be given to another
 * entity only at a later tick than the row that carried ROW_LAST. An announced entity that has
 * no row in a tick at which its table is sampled is gone: its series ends at its previous row.
 *
 * In a table with two keys a slot names the pair, and belongs to that table alone; tick_row_keys tells
 * the slots of both entities.
 *
 * All times are timeline ns: wall time at session start plus boot-clock time since. Values are
 * stored units (metric.h: exported value = stored * scale).
 */
#ifndef SCHEMA_TICK_H
#define SCHEMA_TICK_H

#include "schema/bytes.h"
#include "schema/error.h"
#include "schema/metric.h"

enum row_flags {
    ROW_FIRST = 1, /* first row of this slot */
    ROW_BORN = 2,  /* with ROW_FIRST: it began in view, counters were 0 at start_ns */
    ROW_LAST = 4,  /* it ended at end_ns; counters are final */
};

#define ROW_SAME UINT32_MAX /* row.at: nothing changed since the slot's previous row */

struct tick_row {
    uint32_t slot;
    uint32_t at; /* index of its values, in rows of the table's width; or ROW_SAME */
    uint8_t flags;
    int64_t start_ns; /* with ROW_BORN */
    int64_t end_ns;   /* with ROW_LAST */
};

struct tick_table {
    bool sampled;         /* the collector ran at this tick */
    uint64_t column_mask; /* bit i: metric i was read at this tick (see MISSING_NOT_SAMPLED) */
    size_t width;         /* metrics per row */
    struct tick_row *rows;
    size_t row_count, row_size;
    uint32_t (*keys)[2]; /* of tables with two keys: the slots of both entities, [row_count] */
    size_t key_size;
    int64_t *values;  /* [value_count][width] */
    uint8_t *missing; /* [value_count][width], enum missing */
    size_t value_count, value_size;
};

/* Text in a tick: a slice of tick.text. */
struct tick_text {
    uint32_t at;
    uint32_t size;
};

enum process_text {
    PROCESS_COMM,
    PROCESS_EXE,
    PROCESS_CMDLINE,
    PROCESS_CWD,
    PROCESS_CGROUP,
    PROCESS_CONTAINER,
    PROCESS_USER, /* name of the uid, where it is known on the recorded host */
    PROCESS_TEXT_COUNT,
};

enum birth_flags {
    BIRTH_START_APPROXIMATE =
        1, /* start is known to the second only (exit record without a sample) */
    BIRTH_KERNEL_THREAD = 2,
    BIRTH_KNOWN = 4, /* set in tail records: an earlier session has a row for it */
};

/*
 * A process that was not there before: its identity is (boot, pid, start_ticks). Its first row
 * comes in the same tick.
 */
struct tick_birth {
    uint32_t slot;
    int32_t pid, ppid;
    uint64_t start_ticks; /* kernel clock ticks after boot, rounded down */
    int64_t start_ns;
    uint32_t flags;
};

/*
 * What a process is called from `from_ns` on. `known` has a bit per enum process_text, and
 * VERSION_UID; what is not known is carried over from the process's earlier version. A second
 * record with the same slot and from_ns completes the first.
 */
enum { VERSION_UID = 1 << PROCESS_TEXT_COUNT };
struct tick_version {
    uint32_t slot;
    uint32_t known;
    int64_t from_ns;
    uint32_t uid;
    uint32_t cmdline_length; /* of the redacted whole, before it was cut */
    uint64_t cmdline_hash;   /* keyed hash of the redacted whole; 0 when unknown */
    struct tick_text text[PROCESS_TEXT_COUNT];
    /*
     * Of those not known, these (bits as in `known`) are what the process in slot `like` - 1 was called
     * at from_ns: it forked this one. 0: nobody's.
     */
    uint32_t like, inherited;
};

enum exit_how {
    EXIT_UNKNOWN = 0,  /* it was gone; last seen at its last row */
    EXIT_REPORTED = 1, /* the kernel reported the exit: code and totals are final */
};

struct tick_exit {
    uint32_t slot;
    uint8_t how;
    int32_t code; /* wait status as wait(2) gives it; -1 unknown */
    int64_t end_ns;
};

/* An entity other than a process, announced once per session. */
struct tick_entity {
    enum entity_kind kind;
    uint32_t slot;
    uint32_t parent_slot; /* of the same tick or earlier, same kind; UINT32_MAX none */
    struct tick_text key, label;
};

struct tick_event {
    int64_t at_ns;
    int64_t duration_ns; /* 0 where there is none */
    int64_t value;       /* kind-specific: missed ticks, ns of clock step, … */
    struct tick_text kind, detail;
};

struct tick {
    int64_t seq;      /* of this session, 0 first; missed ticks leave no hole */
    int64_t start_ns; /* sweep start: the time of every sample of this tick */
    int64_t end_ns;   /* sweep end */
    int64_t wall_ns;  /* the wall clock as it was at start_ns */
    bool gap_before;  /* rates must not be taken across start_ns (suspend, lost ticks) */
    bool is_last;     /* of its session: nothing can be told later */
    bool slots_held;  /* ticks before this one wait: slots that ended in them should not return */
    struct tick_table table[TABLE_COUNT];
    struct tick_birth *births;
    size_t birth_count, birth_size;
    struct tick_version *versions;
    size_t version_count, version_size;
    struct tick_exit *exits;
    size_t exit_count, exit_size;
    struct tick_entity *entities;
    size_t entity_count, entity_size;
    struct tick_event *events;
    size_t event_count, event_size;
    struct byte_writer text;
    bool no_memory; /* something was dropped: the tick must not be stored as complete */
};

void tick_init(struct tick *tick);
void tick_release(struct tick *tick);
/* Empty it and keep its memory. */
void tick_reset(struct tick *tick);

/* Bytes of memory that it holds. */
size_t tick_bytes(const struct tick *tick);
/* Room for all that `more` holds, besides what is there; false: memory is out. */
bool tick_reserve(struct tick *tick, const struct tick *more);

/* Mark `table` as sampled now, with all its metrics read. */
void tick_sampled(struct tick *tick, enum table_id table);

/*
 * Add a row with values: the caller fills values[width] (all 0) and missing[width] (all
 * MISSING_UNSUPPORTED) through the pointers, which hold until the next call with this tick.
 * Returns NULL, and sets tick->no_memory, when memory is out.
 */
struct tick_row *tick_row_values(struct tick *tick, enum table_id table, uint32_t slot,
                                 uint8_t flags, int64_t **values, uint8_t **missing);
/*
 * Whose the row added last is, in a table with two keys: slots of its two kinds of entities. Needed with
 * ROW_FIRST; not heeded otherwise.
 */
void tick_row_keys(struct tick *tick, enum table_id table, uint32_t key0, uint32_t key1);
/* The slot of the k-th entity of a row; of one of several keys as tick_row_keys told. */
static inline uint32_t tick_row_key(const struct tick_table *table, const struct tick_row *row,
                                    unsigned k)
{
    return table->keys == NULL ? row->slot : table->keys[row - table->rows][k];
}
/* Add a row that equals the slot's previous one. */
void tick_row_same(struct tick *tick, enum table_id table, uint32_t slot);

/* Each returns a zeroed new record, or NULL with no_memory set. */
struct tick_birth *tick_add_birth(struct tick *tick);
struct tick_version *tick_add_version(struct tick *tick);
struct tick_exit *tick_add_exit(struct tick *tick);
struct tick_entity *tick_add_entity(struct tick *tick);
struct tick_event *tick_add_event(struct tick *tick);

struct tick_text tick_add_text(struct tick *tick, const void *text, size_t size);

static inline const char *tick_text_at(const struct tick *tick, struct tick_text text)
{
    return (const char *)tick->text.data + text.at;
}

#endif
