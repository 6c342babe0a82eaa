/*
 * Word to a service manager by the protocol of sd_notify, without its library: one datagram to the
 * socket that NOTIFY_SOCKET names. https://www.freedesktop.org/software/systemd/man/sd_notify.html
 */
#ifndef RECORDER_SERVICE_H
#define RECORDER_SERVICE_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "schema/error.h"

/* Zeroed is one that nobody listens to. */
struct service {
    struct sockaddr_un to;
    socklen_t to_size;   /* 0: nobody */
    int64_t watchdog_ns; /* it wants to hear from us at least this often; 0: it does not */
};

/* Read the environment, and take out of it what is meant for us, so that no child answers instead. */
void service_open(struct service *service);

/* Lines NAME=VALUE. Never blocks; that nobody listens any more is no failure of ours. */
void service_say(const struct service *service, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
