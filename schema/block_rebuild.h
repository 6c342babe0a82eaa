/* A stored block back into the form it was built in, to fold it once more. */
#ifndef SCHEMA_BLOCK_REBUILD_H
#define SCHEMA_BLOCK_REBUILD_H

#include "schema/block.h"
#include "schema/build.h"

/*
 * Fill `build` (fresh, or after build_restart with no open series) from one table of a block.
 * Series that go on after the block stay open.
 *
 *   errors  ABSENT (nothing of the table in the block), CORRUPT, NO_MEMORY
 */
MUST_USE enum status block_rebuild(struct build *build, const struct chunk_place *place,
                                   const struct block_ticks *ticks, chunk_source *source,
                                   void *source_context, struct decompressor *d, struct error *err);

#endif
