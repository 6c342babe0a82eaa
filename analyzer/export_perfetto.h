/*
 * A trace for Perfetto (https://ui.perfetto.dev), block by block in bounded memory.
 *
 *   processes   a track each, by process_id, with its life as a slice, what it was called when as
 *               slices below, and its metrics as counters; a pid that came twice is two processes
 *   others      counters named TABLE.METRIC [ENTITY], below a track of their table
 *   counters    of the recording become rates: ns and us percent (100: all the time), energy watts,
 *               others per second; a rate stands where its interval begins. Gauges stand at their
 *               tick. States are left out.
 *   no value    a trace cannot say that nothing is known, and a viewer goes on with the last value.
 *               So that it does not across a gap, there is a 0 with the note `no_value` where what
 *               is known ends: for a rate the last sample, for a gauge 1 ns after it (at the tick at
 *               which it was missing, or the process' end). A track "gaps" tells where and why.
 *   events      instants on a track "events", with their detail, value and duration as notes
 *   time        the recording's timeline, as the clock REALTIME
 *
 * What was there before the window begins with it.
 */
#ifndef ANALYZER_EXPORT_PERFETTO_H
#define ANALYZER_EXPORT_PERFETTO_H

#include "analyzer/options.h"

/*
 * As options->output says, of the subject's window and the processes that are selected.
 *
 *   shape   table: its metrics only, of these those in `metrics` by position; NULL: all
 *   errors  those of writing: then there is no file; CORRUPT: damaged blocks were left out
 */
MUST_USE enum status export_perfetto(const struct options *options, const struct subject *subject,
                                     const struct recording_table *table, uint64_t metrics,
                                     struct error *err);

#endif
