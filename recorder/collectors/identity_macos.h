/*
 * What a process is called on a Mac: command line, program, directory, user. For slow threads: the
 * kernel waits while a process is about to become another program.
 */
#ifndef RECORDER_COLLECTORS_IDENTITY_MACOS_H
#define RECORDER_COLLECTORS_IDENTITY_MACOS_H

#include "recorder/collectors/identity.h"

/*
 * The functions of a slow_work; its `self` is an identity_source. request->start_ticks is the start
 * in microseconds since 1970.
 *
 *   errors  of identity_open: NO_MEMORY
 */
MUST_USE enum status identity_open(void *source, void **opened, struct error *err);
void identity_close(void *context);
void identity_read(void *context, const struct slow_request *request);
void identity_answer(void *context, const struct slow_request *request, struct slow_answer *answer);

#endif
