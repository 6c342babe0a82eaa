/*
 * The live mapping by Mach messages: what a recorder that launchd started answers at its service, and
 * the client's end (live_service_macos.c). CONTROL.md, section "The Mach service", tells more.
 */
#ifndef SCHEMA_LIVE_SERVICE_H
#define SCHEMA_LIVE_SERVICE_H

#include "schema/live.h"

#include <mach/mach.h>

#define LIVE_SERVICE_NAME "io.github.procscope.live"

enum {
    LIVE_SERVICE_VERSION = 1,
    LIVE_SERVICE_REQUEST = 0x70736c71, /* message ids */
    LIVE_SERVICE_OFFER = 0x70736c6f,
    LIVE_SERVICE_REFUSAL = 0x70736c72,
    LIVE_SERVICE_LEASE_S = 10, /* so long after a request ticks are published */
    LIVE_SERVICE_TEXT = 160,
};

struct live_service_request {
    mach_msg_header_t head; /* with a port for the reply, to send to once */
    uint32_t version;
    uint32_t reserved;
};

struct live_service_offer {
    mach_msg_header_t head;
    mach_msg_body_t body;
    mach_msg_port_descriptor_t entry; /* of the mapping, which allows no more than reading it */
    uint64_t size;
    uint64_t generation; /* another number: another mapping */
};

struct live_service_refusal {
    mach_msg_header_t head;
    char text[LIVE_SERVICE_TEXT]; /* for a person; NUL-terminated */
};

/* Zeroed is closed. */
struct live_client {
    mach_port_t service, reply;
    uint64_t generation; /* 0: nothing is mapped */
    struct live_source source;
};

/* errors ABSENT: no recorder offers it; IO */
MUST_USE enum status live_client_open(struct live_client *client, struct error *err);
/*
 * Ask for the mapping, and ask again in less than LIVE_SERVICE_LEASE_S as long as ticks are wanted;
 * client->source reads it.
 *
 *   errors  IO: the recorder's own words, or that it does not answer; CORRUPT: it is no recorder
 */
MUST_USE enum status live_client_ask(struct live_client *client, struct error *err);
void live_client_close(struct live_client *client);

#endif
