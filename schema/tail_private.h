/* What tail_put.c and tail_get.c share. */
#ifndef SCHEMA_TAIL_PRIVATE_H
#define SCHEMA_TAIL_PRIVATE_H

#include "schema/open_block.h"

enum record_kind { RECORD_BASE = 0, RECORD_TICK = 1 };

/* Put a name on a process of the block; `unknown`: the error if it is not there, a rule broken or damage. */
MUST_USE enum status tail_apply_name(struct open_block *block, int64_t process_id,
                                     const struct version *version, enum status unknown,
                                     struct error *err);
void tail_apply_exit(struct open_process *p, uint8_t how, int32_t code, int64_t end_ns);

#endif
