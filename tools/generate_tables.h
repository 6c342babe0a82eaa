/*
 * Samples of all that a host has besides processes, cores and memory: made up for --tables, table by
 * table. What the metrics of a table do is told by shapes; what follows from others, by a function.
 */
#ifndef TOOLS_GENERATE_TABLES_H
#define TOOLS_GENERATE_TABLES_H

#include "recorder/entity_set.h"
#include "schema/tick.h"
#include "tools/generate_process.h"
#include "tools/generate_shape.h"

enum { MADE_ENTITIES_MAX = 8, MADE_TABLES_MAX = 8, DETAIL_SLOTS = 12, DETAIL_SLOTS_MAX = 1024 };

struct made_name {
    const char *key, *label;
    int parent; /* number of it in the same list; -1: none */
};

struct made_table;

/* What a table's function needs to know. */
struct making {
    int64_t dt_ns;         /* since the last sample */
    size_t number;         /* of the entity in its list */
    const int64_t *before; /* values of the last sample */
    const struct strain *strain;
    struct random_source *random;
};

struct made_table {
    enum table_id table;
    enum entity_kind kind;
    int64_t every_ns; /* 0: at each tick */
    const struct made_name *names;
    size_t count;
    const struct shape *shapes; /* one a metric */
    void (*derive)(const struct making *making, int64_t values[]);
};
/* tools/generate_tables_host.c, tools/generate_tables_groups.c */
extern const struct made_table made_pressure, made_disk, made_filesystem, made_network,
    made_thermal, made_power, made_cgroup, made_container;

struct made_state {
    struct entity_set set;
    int64_t values[MADE_ENTITIES_MAX][TABLE_METRICS_MAX];
    bool begun;
    bool failing[MADE_ENTITIES_MAX]; /* what it counts cannot be read at the moment */
    int64_t awake_ns;                /* since the last sample */
    int64_t sampled_ns;              /* when that was */
};

struct tables {
    const struct generate_options *options;
    struct random_source random;
    struct made_state state[MADE_TABLES_MAX];
    int64_t detail_of[DETAIL_SLOTS_MAX]; /* truth_id that had a row in the last sample, by slot */
    int64_t detail_ns;
};

void tables_init(struct tables *tables, const struct generate_options *options);
void tables_release(struct tables *tables);

/* Add the rows of a tick that are due, and events. After population_tick. */
void tables_tick(struct tables *tables, const struct population *population,
                 const struct moment *moment, const struct strain *strain, struct tick *tick);

#endif
