/* One socket per word: a manager that was started anew listens at a new one. */
#include "recorder/service.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t watchdog_max_us = INT64_C(366) * 86400 * 1000000;

/* A path, or with '@' a name of Linux' abstract namespace. */
static void set_address(struct service *service, const char *name)
{
    size_t size = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || size >= sizeof service->to.sun_path)
        return;
    service->to.sun_family = AF_UNIX;
    memcpy(service->to.sun_path, name, size);
    service->to_size =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (name[0] == '/'));
    if (name[0] == '@')
        service->to.sun_path[0] = '\0';
}

static int64_t number_of(const char *name)
{
    const char *text = getenv(name);
    char *end;
    long long value = text == NULL ? 0 : strtoll(text, &end, 10);

    return text == NULL || *end != '\0' || value < 0 ? 0 : value;
}

void service_open(struct service *service)
{
    const char *name = getenv("NOTIFY_SOCKET");
    int64_t watchdog_us = number_of("WATCHDOG_USEC");

    *service = (struct service){ .to_size = 0 };
    if (name != NULL)
        set_address(service, name);
    if (getenv("WATCHDOG_PID") != NULL && number_of("WATCHDOG_PID") != getpid())
        watchdog_us = 0;
    if (service->to_size > 0 && watchdog_us < watchdog_max_us)
        service->watchdog_ns = watchdog_us * 1000;
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
}

void service_say(const struct service *service, const char *format, ...)
{
    char text[1200];
    va_list args;
    int fd;

    if (service->to_size == 0)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, text, strlen(text), MSG_DONTWAIT, (const struct sockaddr *)&service->to,
                 service->to_size);
    close(fd);
}
