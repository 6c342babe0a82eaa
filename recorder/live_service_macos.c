/*
 * One thread that waits for messages at the service of our launchd job.
 *
 *   source  bootstrap_check_in; mach_msg with the audit trailer, by which the kernel tells who sent
 *           a message; mach_make_memory_entry_64, whose permission is the most that a receiver can map
 *
 * Each request is answered by a right of its own to the same memory. Ticks are published as long as
 * somebody has asked within the last LIVE_SERVICE_LEASE_S: a viewer that is killed needs no goodbye.
 */
#include "recorder/live_service.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mach/mach.h>
#include <servers/bootstrap.h>

#include "recorder/urgency.h"
#include "schema/live_service.h"

enum { WAKE = 0x70736c77, TRAILER_MOST = 128, TOKEN_EUID = 1, TOKEN_PID = 5, MS_PER_S = 1000 };

struct live_service {
    struct live_service_calls calls;
    uid_t own_uid;
    mach_port_t port; /* its receive right */
    pthread_t thread;
    atomic_bool stop;
    bool watched;
    int64_t refused;
};

union request {
    mach_msg_header_t head;
    struct live_service_request request;
    uint8_t room[sizeof(struct live_service_request) + TRAILER_MOST];
};

/* --- who asks for what --- */

/* NULL: the kernel did not say. It is behind the message, at a multiple of four bytes. */
static const mach_msg_audit_trailer_t *trailer_of(const union request *message)
{
    size_t at = ((size_t)message->head.msgh_size + 3) / 4 * 4;
    const mach_msg_audit_trailer_t *trailer =
        (const mach_msg_audit_trailer_t *)(const void *)(message->room + at);

    if (at + sizeof *trailer > sizeof message->room ||
        trailer->msgh_trailer_type != MACH_MSG_TRAILER_FORMAT_0 ||
        trailer->msgh_trailer_size < sizeof *trailer)
        return NULL;
    return trailer;
}

static bool is_request(const union request *message)
{
    return message->head.msgh_id == LIVE_SERVICE_REQUEST &&
           message->head.msgh_size == sizeof message->request &&
           (message->head.msgh_bits & MACH_MSGH_BITS_COMPLEX) == 0 &&
           message->head.msgh_remote_port != MACH_PORT_NULL;
}

/* "": may have it. */
static void judge(struct live_service *service, const union request *message, char *text,
                  size_t size)
{
    const mach_msg_audit_trailer_t *trailer = trailer_of(message);
    uid_t uid = trailer == NULL ? (uid_t)-1 : trailer->msgh_audit.val[TOKEN_EUID];

    text[0] = '\0';
    if (trailer == NULL || (uid != 0 && uid != service->own_uid)) {
        (void)snprintf(text, size, "only root and user %u may watch this recorder",
                       (unsigned)service->own_uid);
        if (service->refused++ == 0) {
            char line[120];

            (void)snprintf(
                line, sizeof line, "live service: refused uid %u, pid %u; others are not told of",
                (unsigned)uid, trailer == NULL ? 0u : trailer->msgh_audit.val[TOKEN_PID]);
            service->calls.log(service->calls.self, line);
        }
    } else if (message->request.version != LIVE_SERVICE_VERSION) {
        (void)snprintf(text, size, "this recorder speaks version %d", LIVE_SERVICE_VERSION);
    }
}

/* --- answers --- */

/* To whom sent `message`, whose right to be answered is used up by it. */
static void send(union request *message, mach_msg_header_t *answer, mach_msg_size_t size,
                 unsigned complex)
{
    answer->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0) | complex;
    answer->msgh_size = size;
    answer->msgh_remote_port = message->head.msgh_remote_port;
    message->head.msgh_remote_port = MACH_PORT_NULL;
    /* Who is gone gets no answer, and who does not take it neither. */
    if (mach_msg(answer, MACH_SEND_MSG | MACH_SEND_TIMEOUT, size, 0, MACH_PORT_NULL, 0,
                 MACH_PORT_NULL) != MACH_MSG_SUCCESS)
        mach_msg_destroy(answer);
}

static void refuse(union request *message, const char *text)
{
    struct live_service_refusal refusal = { .head = { .msgh_id = LIVE_SERVICE_REFUSAL } };

    (void)snprintf(refusal.text, sizeof refusal.text, "%s", text);
    send(message, &refusal.head, sizeof refusal, 0);
}

static enum status make_entry(const void *memory, size_t size, mach_port_t *entry,
                              struct error *err)
{
    memory_object_size_t covered = size;
    kern_return_t result = mach_make_memory_entry_64(
        mach_task_self(), &covered, (memory_object_offset_t)(uintptr_t)memory,
        MAP_MEM_VM_SHARE | VM_PROT_READ, entry, MACH_PORT_NULL);

    if (result != KERN_SUCCESS)
        return error_set(err, STATUS_IO, "mach_make_memory_entry_64: %s",
                         mach_error_string(result));
    if (covered >= size)
        return STATUS_OK;
    (void)mach_port_deallocate(mach_task_self(), *entry);
    return error_set(err, STATUS_IO, "mach_make_memory_entry_64 covers %llu of %zu bytes",
                     (unsigned long long)covered, size);
}

static void offer(struct live_service *service, union request *message)
{
    struct live_service_offer offer = {
        .head = { .msgh_id = LIVE_SERVICE_OFFER },
        .body = { 1 },
        .entry = { .disposition = MACH_MSG_TYPE_MOVE_SEND, .type = MACH_MSG_PORT_DESCRIPTOR },
    };
    struct error err = { 0 };
    const void *memory;
    size_t size;
    enum status st =
        service->calls.watch(service->calls.self, &memory, &size, &offer.generation, &err);

    service->watched = service->watched || st == STATUS_OK;
    if (st == STATUS_OK)
        st = make_entry(memory, size, &offer.entry.name, &err);
    if (st != STATUS_OK) {
        refuse(message, err.message);
        return;
    }
    offer.size = size;
    send(message, &offer.head, sizeof offer, MACH_MSGH_BITS_COMPLEX);
}

static void answer(struct live_service *service, union request *message)
{
    char why[LIVE_SERVICE_TEXT];

    if (!is_request(message))
        return;
    judge(service, message, why, sizeof why);
    if (why[0] != '\0')
        refuse(message, why);
    else
        offer(service, message);
}

/* --- the thread --- */

static void unwatch(struct live_service *service)
{
    if (service->watched)
        service->calls.unwatch(service->calls.self);
    service->watched = false;
}

static void *serve(void *self)
{
    struct live_service *service = self;

    urgency_give_up();
    while (!atomic_load(&service->stop)) {
        union request message = { .room = { 0 } };
        int options = MACH_RCV_MSG | MACH_RCV_TRAILER_TYPE(MACH_MSG_TRAILER_FORMAT_0) |
                      MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT) |
                      (service->watched ? MACH_RCV_TIMEOUT : 0);
        mach_msg_return_t result =
            mach_msg(&message.head, options, 0, sizeof message, service->port,
                     LIVE_SERVICE_LEASE_S * MS_PER_S, MACH_PORT_NULL);

        if (result == MACH_RCV_TIMED_OUT)
            unwatch(service);
        if (result == MACH_RCV_TIMED_OUT || result == MACH_RCV_TOO_LARGE)
            continue;
        if (result != MACH_MSG_SUCCESS)
            break;
        answer(service, &message);
        mach_msg_destroy(&message.head);
    }
    unwatch(service);
    return NULL;
}

enum status live_service_start(struct live_service **started, uid_t own_uid,
                               const struct live_service_calls *calls, struct error *err)
{
    struct live_service *service = calloc(1, sizeof *service);
    kern_return_t result;

    *started = NULL;
    if (service == NULL)
        return error_set(err, STATUS_NO_MEMORY, "live service");
    service->calls = *calls;
    service->own_uid = own_uid;
    atomic_init(&service->stop, false);
    result = bootstrap_check_in(bootstrap_port, LIVE_SERVICE_NAME, &service->port);
    if (result != KERN_SUCCESS) {
        free(service);
        return error_set(err, result == BOOTSTRAP_UNKNOWN_SERVICE ? STATUS_ABSENT : STATUS_IO,
                         "bootstrap_check_in " LIVE_SERVICE_NAME ": %s",
                         bootstrap_strerror(result));
    }
    if (pthread_create(&service->thread, NULL, serve, service) != 0) {
        (void)mach_port_mod_refs(mach_task_self(), service->port, MACH_PORT_RIGHT_RECEIVE, -1);
        free(service);
        return error_set(err, STATUS_IO, "live service: no thread");
    }
    *started = service;
    return STATUS_OK;
}

void live_service_stop(struct live_service *service)
{
    mach_msg_header_t wake = { .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0),
                               .msgh_size = sizeof wake,
                               .msgh_id = WAKE };

    if (service == NULL)
        return;
    atomic_store(&service->stop, true);
    wake.msgh_remote_port = service->port;
    /* A full queue wakes it up as well. */
    if (mach_msg(&wake, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof wake, 0, MACH_PORT_NULL, 0,
                 MACH_PORT_NULL) != MACH_MSG_SUCCESS)
        mach_msg_destroy(&wake);
    pthread_join(service->thread, NULL);
    (void)mach_port_mod_refs(mach_task_self(), service->port, MACH_PORT_RIGHT_RECEIVE, -1);
    free(service);
}
