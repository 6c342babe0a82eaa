/*
 * Word of services that come and go. On a Mac it comes on a queue; here when time has passed. The next one comes only
 * when all that the one before told of was taken.
 */
#include "tests/darwin/fake_registry.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { NOTIFICATIONS_MAX = 16 };

struct io_notification_port {
    dispatch_queue_t queue;
};

struct dispatch_queue {
    bool used;
};

struct notification {
    IONotificationPortRef port;
    IOServiceMatchingCallback callback;
    void *context;
    char *class_name;
    io_iterator_t iterator;
    bool used, departures, armed;
    bool known[ENTRIES_MAX];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct notification notifications[NOTIFICATIONS_MAX];
static int ports_out, queues_out;
static _Thread_local bool delivering;

static bool is_pending(const struct notification *n, int at)
{
    bool now =
        fake_entry_conforms(at, n->class_name) && fake_entry_registered(at) && fake_entry_there(at);

    return n->departures ? n->known[at] && !now : !n->known[at] && now;
}

static bool take_pending(struct notification *n, int *at)
{
    for (*at = 0; *at < fake_entry_count(); (*at)++) {
        bool now = fake_entry_conforms(*at, n->class_name) && fake_entry_there(*at);
        bool pending = is_pending(n, *at);

        if (pending)
            n->known[*at] = !n->departures;
        else if (!n->departures)
            n->known[*at] = n->known[*at] && now;
        if (pending)
            return true;
    }
    return false;
}

static bool has_pending(const struct notification *n)
{
    for (int i = 0; i < fake_entry_count(); i++)
        if (is_pending(n, i))
            return true;
    return false;
}

/* On a Mac they come on their queue; here when time has passed. */
void fake_iokit_deliver(void)
{
    if (delivering)
        return;
    delivering = true;
    for (size_t i = 0; i < NOTIFICATIONS_MAX; i++) {
        struct notification *n = &notifications[i];
        bool due;

        pthread_mutex_lock(&lock);
        for (int k = 0; n->used && n->departures && k < fake_entry_count(); k++)
            n->known[k] =
                n->known[k] || (fake_entry_conforms(k, n->class_name) && fake_entry_there(k));
        due = n->used && n->armed && n->port->queue != NULL && has_pending(n);
        n->armed = n->armed && !due;
        pthread_mutex_unlock(&lock);
        if (due)
            n->callback(n->context, n->iterator);
    }
    delivering = false;
}

IONotificationPortRef IONotificationPortCreate(mach_port_t port)
{
    IONotificationPortRef created = calloc(1, sizeof *created);

    if (created == NULL || port != MACH_PORT_NULL)
        abort();
    ports_out++;
    return created;
}

void IONotificationPortSetDispatchQueue(IONotificationPortRef port, dispatch_queue_t queue)
{
    port->queue = queue;
}

void IONotificationPortDestroy(IONotificationPortRef port)
{
    ports_out--;
    free(port);
}

dispatch_queue_t dispatch_queue_create(const char *label, void *attribute)
{
    dispatch_queue_t queue = calloc(1, sizeof *queue);

    (void)label, (void)attribute;
    if (queue == NULL)
        abort();
    queues_out++;
    return queue;
}

void dispatch_sync_f(dispatch_queue_t queue, void *context, void (*work)(void *context))
{
    (void)queue;
    work(context);
}

void dispatch_release(dispatch_queue_t queue)
{
    queues_out--;
    free(queue);
}

bool fake_notify_take(int notification, int *at)
{
    struct notification *n = &notifications[notification];
    bool taken;

    pthread_mutex_lock(&lock);
    taken = take_pending(n, at);
    n->armed = !taken;
    pthread_mutex_unlock(&lock);
    return taken;
}

void fake_notify_drop(int notification)
{
    pthread_mutex_lock(&lock);
    notifications[notification].used = false;
    pthread_mutex_unlock(&lock);
}

int fake_notify_settle(FILE *out)
{
    if (ports_out != 0 || queues_out != 0)
        fprintf(out, "fake kernel: %d ports for notifications and %d queues are left\n", ports_out,
                queues_out);
    return abs(ports_out) + abs(queues_out);
}

kern_return_t IOServiceAddMatchingNotification(IONotificationPortRef port, const char *type,
                                               CFDictionaryRef matching,
                                               IOServiceMatchingCallback callback, void *context,
                                               io_iterator_t *iterator)
{
    int i = 0;
    struct notification *n;
    char name[128];

    if (matching == NULL)
        return kIOReturnBadArgument;
    fake_class_of(matching, name);
    fake_entries_build();
    pthread_mutex_lock(&lock);
    while (i < NOTIFICATIONS_MAX && notifications[i].used)
        i++;
    if (i == NOTIFICATIONS_MAX)
        abort();
    n = &notifications[i];
    free(n->class_name);
    *n = (struct notification){ .used = true,
                                .departures = strcmp(type, kIOTerminatedNotification) == 0,
                                .port = port,
                                .callback = callback,
                                .context = context,
                                .class_name = strdup(name) };
    for (int k = 0; k < fake_entry_count() && n->departures; k++)
        n->known[k] = fake_entry_conforms(k, name) && fake_entry_there(k);
    pthread_mutex_unlock(&lock);
    n->iterator = *iterator = fake_iterator_of(i);
    return KERN_SUCCESS;
}
