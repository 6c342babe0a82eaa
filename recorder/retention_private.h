/* What the files of retention share. */
#ifndef RECORDER_RETENTION_PRIVATE_H
#define RECORDER_RETENTION_PRIVATE_H

#include "recorder/retention.h"

#define HOUR_NS (INT64_C(3600) * 1000000000)

struct oldest_block {
    int64_t block_id, block_seq, session_id, start_ns, end_ns;
};

/* What of a level, or of usage by the hour, would go next. */
struct candidate {
    int64_t start_ns, end_ns; /* timeline */
    int64_t session_id;
    int64_t run_seq; /* level 0: of the run, 0: its blocks are of an older version, without */
    int64_t end_seq; /* level 0: of the first block that stays; hours: their number */
    enum usage_detail detail; /* hours: what is to be left of it; COUNT: nothing */
};

/* Choosing: retention_choose.c. Each is ABSENT where there is nothing. */
enum status retention_oldest_block(struct retention *r, unsigned level, struct oldest_block *block,
                                   struct error *err);
/* What would go next of one kind; `aged`: because it is too old, else to make room. */
enum status retention_candidate(struct retention *r, enum kept kept,
                                const struct retention_need *need, bool aged, struct candidate *c,
                                struct error *err);
/* What goes next to make room: KEPT_COUNT: all is gone. */
enum status retention_choose(struct retention *r, const struct retention_need *need, int64_t used,
                             int64_t room, enum kept *chosen, struct candidate *of,
                             struct error *err);
/*
 * What of the size is left to the file beside its WAL, as that is before the transaction at hand spills
 * into it; and what it may become by this one, or one like the largest of late.
 */
int64_t retention_room(const struct retention *r);
int64_t retention_with_pages(int64_t chunk_bytes);
int64_t retention_size_of(const char *path, const char *suffix);

/* Taking away: retention_evict.c */
enum status retention_evict(struct retention *r, enum kept kept, const struct candidate *c,
                            const struct retention_need *need, struct error *err);

#endif
