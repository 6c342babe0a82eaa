/* kqueue, as far as one timer and one descriptor to read from need it. */
#ifndef DARWIN_SYS_EVENT_H
#define DARWIN_SYS_EVENT_H

#include <stdint.h>
#include <time.h>

#define EVFILT_READ (-1)
#define EVFILT_TIMER (-7)
#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ONESHOT 0x0010
#define EV_ERROR 0x4000
#define NOTE_NSECONDS 0x00000004
#define NOTE_MACH_CONTINUOUS_TIME 0x00000080

struct kevent64_s {
    uint64_t ident;
    int16_t filter;
    uint16_t flags;
    uint32_t fflags;
    int64_t data;
    uint64_t udata;
    uint64_t ext[2];
};
_Static_assert(sizeof(struct kevent64_s) == 48, "struct kevent64_s");

#define EV_SET64(event, id, kind, action, notes, value, own, first, second)                        \
    (*(event) = (struct kevent64_s){ .ident = (id),                                                \
                                     .filter = (kind),                                             \
                                     .flags = (action),                                            \
                                     .fflags = (notes),                                            \
                                     .data = (value),                                              \
                                     .udata = (own),                                               \
                                     .ext = { (first), (second) } })

int kqueue(void);
int kevent64(int fd, const struct kevent64_s *changes, int change_count, struct kevent64_s *events,
             int event_count, unsigned flags, const struct timespec *timeout);

#endif
