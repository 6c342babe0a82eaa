/*
 * The client of a recorder's Mach service.
 *
 *   source  bootstrap_look_up, mach_msg, mach_vm_map
 *
 * A right that comes with a message is ours: it is given back whatever is wrong with the rest.
 */
#include "schema/live_service.h"

#include <stdio.h>
#include <string.h>

#include <mach/mach_vm.h>
#include <servers/bootstrap.h>

enum { PATIENCE_MS = 2000, TRAILER_MOST = 128 };

union answer {
    mach_msg_header_t head;
    struct live_service_offer offer;
    struct live_service_refusal refusal;
    uint8_t room[sizeof(struct live_service_refusal) + TRAILER_MOST];
};

enum status live_client_open(struct live_client *client, struct error *err)
{
    kern_return_t result;

    *client = (struct live_client){ .service = MACH_PORT_NULL };
    result = bootstrap_look_up(bootstrap_port, LIVE_SERVICE_NAME, &client->service);
    if (result != KERN_SUCCESS) {
        client->service = MACH_PORT_NULL;
        return error_set(err, STATUS_ABSENT, "no recorder offers " LIVE_SERVICE_NAME ": %s",
                         bootstrap_strerror(result));
    }
    result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &client->reply);
    if (result == KERN_SUCCESS)
        return STATUS_OK;
    client->reply = MACH_PORT_NULL;
    live_client_close(client);
    return error_set(err, STATUS_IO, "mach_port_allocate: %s", mach_error_string(result));
}

static void unmap(struct live_client *client)
{
    if (client->generation != 0)
        (void)mach_vm_deallocate(mach_task_self(),
                                 (mach_vm_address_t)(uintptr_t)client->source.memory,
                                 client->source.size);
    client->generation = 0;
    client->source = (struct live_source){ .memory = NULL };
}

void live_client_close(struct live_client *client)
{
    unmap(client);
    if (client->reply != MACH_PORT_NULL)
        (void)mach_port_mod_refs(mach_task_self(), client->reply, MACH_PORT_RIGHT_RECEIVE, -1);
    if (client->service != MACH_PORT_NULL)
        (void)mach_port_deallocate(mach_task_self(), client->service);
    *client = (struct live_client){ .service = MACH_PORT_NULL };
}

static enum status ask(const struct live_client *client, union answer *answer, struct error *err)
{
    struct live_service_request request = {
        .head = { .msgh_bits =
                      MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
                  .msgh_size = sizeof request,
                  .msgh_remote_port = client->service,
                  .msgh_local_port = client->reply,
                  .msgh_id = LIVE_SERVICE_REQUEST },
        .version = LIVE_SERVICE_VERSION,
    };
    mach_msg_return_t result =
        mach_msg(&request.head, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof request, 0,
                 MACH_PORT_NULL, PATIENCE_MS, MACH_PORT_NULL);

    if (result != MACH_MSG_SUCCESS) {
        mach_msg_destroy(&request.head);
        return error_set(err, STATUS_IO, "the recorder has ended: %s", mach_error_string(result));
    }
    memset(answer, 0, sizeof *answer);
    result = mach_msg(&answer->head, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof *answer,
                      client->reply, PATIENCE_MS, MACH_PORT_NULL);
    if (result != MACH_MSG_SUCCESS)
        return error_set(err, STATUS_IO, "the recorder does not answer: %s",
                         mach_error_string(result));
    return STATUS_OK;
}

static bool is_offer(const union answer *answer)
{
    const struct live_service_offer *offer = &answer->offer;

    return offer->head.msgh_id == LIVE_SERVICE_OFFER && offer->head.msgh_size == sizeof *offer &&
           (offer->head.msgh_bits & MACH_MSGH_BITS_COMPLEX) != 0 &&
           offer->body.msgh_descriptor_count == 1 &&
           offer->entry.type == MACH_MSG_PORT_DESCRIPTOR &&
           offer->entry.disposition == MACH_MSG_TYPE_MOVE_SEND &&
           offer->size >= sizeof(struct live_map) && offer->generation != 0;
}

/* Where the kernel has mapped something. */
static void *pointer_of(mach_vm_address_t address)
{
    uintptr_t narrow = (uintptr_t)address;
    void *pointer;

    memcpy(&pointer, &narrow, sizeof pointer);
    return pointer;
}

static enum status map(struct live_client *client, const struct live_service_offer *offer,
                       struct error *err)
{
    mach_vm_address_t address = 0;
    kern_return_t result;

    unmap(client);
    result = mach_vm_map(mach_task_self(), &address, offer->size, 0, VM_FLAGS_ANYWHERE,
                         offer->entry.name, 0, false, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE);
    if (result != KERN_SUCCESS)
        return error_set(err, STATUS_IO, "mach_vm_map: %s", mach_error_string(result));
    client->generation = offer->generation;
    client->source = (struct live_source){ .fd = -1,
                                           .memory = pointer_of(address),
                                           .size = (size_t)offer->size };
    return STATUS_OK;
}

enum status live_client_ask(struct live_client *client, struct error *err)
{
    union answer answer;
    enum status st = ask(client, &answer, err);

    if (st != STATUS_OK)
        return st;
    if (is_offer(&answer)) {
        if (answer.offer.generation != client->generation)
            st = map(client, &answer.offer, err);
    } else if (answer.head.msgh_id == LIVE_SERVICE_REFUSAL &&
               answer.head.msgh_size == sizeof answer.refusal &&
               (answer.head.msgh_bits & MACH_MSGH_BITS_COMPLEX) == 0) {
        st = error_set(err, STATUS_IO, "%.*s", LIVE_SERVICE_TEXT - 1, answer.refusal.text);
    } else {
        st = error_set(err, STATUS_CORRUPT, LIVE_SERVICE_NAME ": this is no recorder");
    }
    mach_msg_destroy(&answer.head); /* and the right in it: what is mapped stays */
    return st;
}
