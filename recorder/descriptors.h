/* How many files may be open at a time. */
#ifndef RECORDER_DESCRIPTORS_H
#define RECORDER_DESCRIPTORS_H

/* More are not asked for, however high the hard limit is. */
enum { DESCRIPTORS_MAX = 65536 };

/*
 * Raise the limit to the hard one: the usual 1024 are meant for programs that call select(2). What is
 * started later inherits it. Returns what it is then.
 */
long descriptors_raise(void);

/* Of the limit as it is, how many may be kept open for processes, so that enough is left for all else. */
long descriptors_for_processes(void);

#endif
