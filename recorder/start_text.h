/* What the log says when recording begins, line by line. */
#ifndef RECORDER_START_TEXT_H
#define RECORDER_START_TEXT_H

#include <limits.h>

#include "recorder/session.h"

enum { START_TEXT_SIZE = PATH_MAX + 2048 };

/* To which file, how often, by which collectors, and how processes are read. */
void start_text(const struct session *session, char text[START_TEXT_SIZE]);
/* What the i-th collector lacks here, and why; false: nothing, or it is not wanted. */
bool start_text_lack(const struct session *session, size_t i, char text[START_TEXT_SIZE]);

#endif
