/* The ticks of a made-up host one after the other, for a writer of one's own. */
#ifndef TOOLS_GENERATE_TICKS_H
#define TOOLS_GENERATE_TICKS_H

#include "recorder/writer.h"
#include "schema/tick.h"
#include "tools/generate_host.h"
#include "tools/generate_options.h"
#include "tools/generate_process.h"
#include "tools/generate_random.h"

struct generate_ticks {
    const struct generate_options *options;
    struct population population;
    struct host host;
    struct random_source random;
    struct tick tick;
    struct moment moment; /* of that tick */
};

/*
 * Make up the host and the facts of its only session.
 *
 *   owns    generate_ticks_release, also after an error; `options` must outlive it
 */
MUST_USE enum status generate_ticks_init(struct generate_ticks *ticks,
                                         const struct generate_options *options,
                                         struct session_facts *facts, struct error *err);
void generate_ticks_release(struct generate_ticks *ticks);

/* Make ticks->tick the next one. */
MUST_USE enum status generate_ticks_next(struct generate_ticks *ticks, struct error *err);

/* After writer_tick of it. */
MUST_USE enum status generate_ticks_after(struct generate_ticks *ticks, const struct writer *writer,
                                          struct error *err);

#endif
