/*
 * Network interfaces.
 *
 *   source  sysctl {CTL_NET, PF_LINK, NETLINK_GENERIC, IFMIB_IFALLDATA, 0, IFDATA_GENERAL}: all in
 *           one call
 *   units   bytes and packets, in 64 bits; bits a second
 *   absent  packets dropped before they were sent; speed of interfaces that tell none
 *
 * Not getifaddrs or NET_RT_IFLIST2: these round the bytes to 1024 and cut them to 32 bits for
 * programs that are not Apple's.
 */
#include <errno.h>
#include <net/if.h>
#include <net/if_mib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysctl.h>

#include "recorder/collectors/collectors_macos.h"
#include "recorder/entity_set.h"

enum { ATTEMPTS = 5, SPARE = 8, LINK_DOWN = 2, LINK_UP = 6 }; /* index into the labels of `link` */

struct network_state {
    struct entity_set set;
    struct ifmibdata *items;
    size_t count, room;
};

static int ask(struct ifmibdata *items, size_t *bytes)
{
    int name[] = { CTL_NET, PF_LINK, NETLINK_GENERIC, IFMIB_IFALLDATA, 0, IFDATA_GENERAL };

    return sysctl(name, COUNT_OF(name), items, bytes, NULL, 0);
}

static enum status failed(struct error *err)
{
    return error_set(err, STATUS_IO, "IFMIB_IFALLDATA: %s", strerror(errno));
}

/* For as many as there are now, which is told exactly, and some that come meanwhile. */
static enum status grow(struct network_state *network, struct error *err)
{
    struct ifmibdata *larger;
    size_t bytes = 0, room;

    if (ask(NULL, &bytes) != 0)
        return failed(err);
    room = bytes / sizeof *network->items + SPARE;
    if (room <= network->room)
        room = network->room + SPARE;
    larger = realloc(network->items, room * sizeof *larger);
    if (larger == NULL)
        return error_set(err, STATUS_NO_MEMORY, "interfaces");
    network->items = larger;
    network->room = room;
    return STATUS_OK;
}

static enum status read_items(struct network_state *network, struct error *err)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        size_t bytes;

        if ((i > 0 || network->room == 0) && grow(network, err) != STATUS_OK)
            return err->status;
        bytes = network->room * sizeof *network->items;
        if (ask(network->items, &bytes) == 0) {
            network->count = bytes / sizeof *network->items;
            return STATUS_OK;
        }
        if (errno != ENOMEM)
            return failed(err);
    }
    return error_set(err, STATUS_IO, "IFMIB_IFALLDATA: more interfaces at each attempt");
}

static void put(int64_t *values, uint8_t *missing, enum network_metric metric, uint64_t value)
{
    values[metric] = value > INT64_MAX ? INT64_MAX : (int64_t)value;
    missing[metric] = MISSING_NONE;
}

static void put_values(const struct ifmibdata *item, int64_t *values, uint8_t *missing)
{
    const uint32_t running = IFF_UP | IFF_RUNNING;
    struct if_data64 data = item->ifmd_data;

    put(values, missing, NETWORK_RECEIVED_BYTES_TOTAL, data.ifi_ibytes);
    put(values, missing, NETWORK_SENT_BYTES_TOTAL, data.ifi_obytes);
    put(values, missing, NETWORK_RECEIVED_PACKETS_TOTAL, data.ifi_ipackets);
    put(values, missing, NETWORK_SENT_PACKETS_TOTAL, data.ifi_opackets);
    put(values, missing, NETWORK_RECEIVED_ERRORS_TOTAL, data.ifi_ierrors);
    put(values, missing, NETWORK_SENT_ERRORS_TOTAL, data.ifi_oerrors);
    put(values, missing, NETWORK_RECEIVED_DROPPED_TOTAL, data.ifi_iqdrops);
    put(values, missing, NETWORK_MULTICAST_TOTAL, data.ifi_imcasts);
    put(values, missing, NETWORK_COLLISIONS_TOTAL, data.ifi_collisions);
    put(values, missing, NETWORK_LINK,
        (item->ifmd_flags & running) == running ? LINK_UP : LINK_DOWN);
    if (data.ifi_baudrate != 0)
        put(values, missing, NETWORK_SPEED_BITS_PER_SECOND, data.ifi_baudrate);
    else
        missing[NETWORK_SPEED_BITS_PER_SECOND] = MISSING_NOT_THERE;
}

static enum status add_interface(struct network_state *network, struct tick *tick,
                                 const struct ifmibdata *item, struct error *err)
{
    char name[sizeof item->ifmd_name + 1] = "";
    struct entity_seen seen;
    int64_t *values;
    uint8_t *missing;

    memcpy(name, item->ifmd_name, sizeof item->ifmd_name);
    if (name[0] == '\0') /* it is about to go */
        return STATUS_OK;
    seen = entity_set_see(&network->set, tick, name, name, ENTITY_NO_SLOT);
    if (seen.slot == ENTITY_NO_SLOT)
        return STATUS_OK; /* too many, or memory is out, which the tick tells */
    if (tick_row_values(tick, TABLE_NETWORK, seen.slot, seen.flags, &values, &missing) == NULL)
        return error_set(err, STATUS_NO_MEMORY, "row of network_samples");
    put_values(item, values, missing);
    return STATUS_OK;
}

static enum status network_collect(void *state, struct tick *tick, struct error *err)
{
    struct network_state *network = state;
    enum status st = read_items(network, err);

    if (st != STATUS_OK)
        return st;
    entity_set_begin(&network->set);
    for (size_t i = 0; i < network->count && st == STATUS_OK; i++)
        st = add_interface(network, tick, &network->items[i], err);
    if (st != STATUS_OK)
        return st;
    entity_set_end(&network->set, tick);
    tick_sampled(tick, TABLE_NETWORK);
    return STATUS_OK;
}

static void network_close(void *state)
{
    struct network_state *network = state;

    if (network == NULL)
        return;
    entity_set_release(&network->set);
    free(network->items);
    free(network);
}

static enum status network_open(void **state, const struct collect_context *context,
                                struct capability *capability, struct error *err)
{
    struct network_state *network = calloc(1, sizeof *network);
    size_t bytes = 0;

    (void)context;
    *state = network;
    if (network == NULL)
        return error_set(err, STATUS_NO_MEMORY, "network collector");
    *capability = (struct capability){ .status = CAPABILITY_OK };
    network->set.kind = ENTITY_INTERFACE;
    if (ask(NULL, &bytes) != 0) {
        capability->status = CAPABILITY_UNSUPPORTED;
        (void)snprintf(capability->reason, sizeof capability->reason, "IFMIB_IFALLDATA: %.100s",
                       strerror(errno));
    }
    return STATUS_OK;
}

const struct collector network_collector = {
    .name = "network",
    .description = "traffic, errors, link and speed of every network interface",
    .source = "the interface MIB (sysctl IFMIB_IFALLDATA)",
    .needs = "nothing",
    .absence = "no speed: the interface tells none; packets dropped on sending: Darwin tells none",
    .table = TABLE_NETWORK,
    .divisor = 1,
    .optional = true,
    .open = network_open,
    .collect = network_collect,
    .close = network_close,
};
