/*
 * Network interfaces, of the network namespace that the recorder is in.
 *
 *   source  /proc/net/dev; /sys/class/net/NAME/operstate; speed, every ten seconds and by a worker, since
 *           the kernel asks the driver with its network lock held (net/core/net-sysfs.c)
 *   units   bytes and packets; speed in Mbit/s
 *   absent  speed of virtual interfaces and of those that are down
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/collectors/collectors_linux.h"
#include "recorder/collectors/hostfs_linux.h"
#include "recorder/collectors/sysfs_linux.h"
#include "recorder/entity_set.h"
#include "recorder/textfile.h"
#include "recorder/worker.h"

enum {
    DEV_ROOM = 16384,
    DEV_LIMIT = 1 << 22,
    STATE_ROOM = 32,
    NAME_SIZE = 64,
    INTERFACES_MAX = 4096,
    COUNT_START = 16,
    BITS_PER_MBIT = 1000000,
};

#define SPEED_PERIOD_NS INT64_C(10000000000)

/* Of the worker: speeds by name. */
struct speeds {
    char root[SYSFS_PATH_MAX];
    struct sysfs_names names;
    struct hostfs_number *speed; /* [names.count] */
    size_t size;
};

struct link { /* what is kept of an interface, by slot */
    struct textfile operstate;
};

struct network_state {
    const struct collect_context *context;
    struct textfile dev;
    struct entity_set set;
    struct link *links;
    size_t link_count;
    struct worker *worker;
    struct speeds *speeds; /* the worker's between kick and take */
    bool due;              /* at this tick */
    bool kicked, speeds_known;
    int64_t next_kick_ns;
};

/* --- speeds --- */

static void speeds_release(void *self)
{
    struct speeds *speeds = self;

    sysfs_names_release(&speeds->names);
    free(speeds->speed);
    free(speeds);
}

static enum status speeds_read(void *self, struct error *err)
{
    struct speeds *speeds = self;
    struct sysfs_directory class;
    struct hostfs_number *larger;
    enum status st;

    if (!sysfs_at(&class, speeds->root, "/sys/class/net"))
        return error_set(err, STATUS_INVALID, "path too long");
    st = sysfs_list(&speeds->names, &class, "", INTERFACES_MAX, err);
    if (st != STATUS_OK)
        return st;
    if (speeds->names.count > speeds->size) {
        larger = realloc(speeds->speed, speeds->names.count * sizeof *larger);
        if (larger == NULL) {
            speeds->names.count = 0;
            return error_set(err, STATUS_NO_MEMORY, "speeds of interfaces");
        }
        speeds->speed = larger;
        speeds->size = speeds->names.count;
    }
    for (size_t i = 0; i < speeds->names.count; i++) {
        struct hostfs_number *speed = &speeds->speed[i];

        worker_at(worker_self(), speeds->names.name[i]);
        speed->missing =
            (uint8_t)sysfs_number(&class, &speed->value, "%s/speed", speeds->names.name[i]);
        /* EINVAL and -1, in 32 bits on some kernels: no speed, as the link is down or virtual */
        if (speed->missing == MISSING_FAILED || speed->value <= 0 || speed->value >= UINT32_MAX)
            *speed = (struct hostfs_number){ .missing = MISSING_NOT_THERE };
    }
    return STATUS_OK;
}

static struct hostfs_number speed_of(const struct network_state *network, const char *name)
{
    const struct speeds *speeds = network->speeds;

    for (size_t i = 0; i < speeds->names.count; i++)
        if (strcmp(speeds->names.name[i], name) == 0)
            return speeds->speed[i];
    return (struct hostfs_number){ .missing = MISSING_NOT_THERE };
}

static void network_begin(void *state, const struct tick *tick)
{
    struct network_state *network = state;

    network->due = true;
    if (tick->start_ns < network->next_kick_ns || !worker_kick(network->worker, tick->start_ns))
        return;
    network->kicked = true;
    network->next_kick_ns = tick->start_ns + SPEED_PERIOD_NS;
}

/* Whether there are speeds for this tick. */
static bool take_speeds(struct network_state *network)
{
    enum status st;
    struct error err;

    if (!network->kicked || !worker_take(network->worker, &st, &err))
        return false;
    network->kicked = false;
    return st == STATUS_OK || st == STATUS_ABSENT;
}

/* --- links --- */

/* RFC 2863's states as the kernel names them, in the order of the metric's labels. */
static int64_t link_of(const struct textfile *file)
{
    static const char *const names[] = { "unknown", "notpresent", "down", "lowerlayerdown",
                                         "testing", "dormant",    "up" };
    size_t size = strcspn(file->text, "\n");

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strlen(names[i]) == size && memcmp(names[i], file->text, size) == 0)
            return (int64_t)i;
    return 0;
}

static bool grow_links(struct network_state *network, uint32_t slot)
{
    size_t count = (size_t)slot + COUNT_START;
    struct link *larger;

    if (slot < network->link_count)
        return true;
    larger = realloc(network->links, count * sizeof *larger);
    if (larger == NULL)
        return false;
    memset(larger + network->link_count, 0, (count - network->link_count) * sizeof *larger);
    network->links = larger;
    network->link_count = count;
    return true;
}

/* The state of the link. A file of an interface that went and came again is dead: then once more. */
static struct hostfs_number read_link(struct network_state *network, struct link *link,
                                      const char *name)
{
    char path[NAME_SIZE + 32];
    struct error err;

    if (textfile_is_open(&link->operstate) && textfile_read(&link->operstate, &err) == STATUS_OK)
        return (struct hostfs_number){ .value = link_of(&link->operstate) };
    textfile_close(&link->operstate);
    (void)snprintf(path, sizeof path, "/sys/class/net/%s/operstate", name);
    if (textfile_open(&link->operstate, network->context->root, path, STATE_ROOM, STATE_ROOM,
                      &err) == STATUS_OK &&
        textfile_read(&link->operstate, &err) == STATUS_OK)
        return (struct hostfs_number){ .value = link_of(&link->operstate) };
    return (struct hostfs_number){ .missing = (uint8_t)textfile_missing(link->operstate.failure) };
}

/* --- the tick --- */

static const struct {
    enum network_metric metric;
    enum hostfs_interface_field field;
} counters[] = {
    { NETWORK_RECEIVED_BYTES_TOTAL, NETDEV_RECEIVED_BYTES },
    { NETWORK_SENT_BYTES_TOTAL, NETDEV_SENT_BYTES },
    { NETWORK_RECEIVED_PACKETS_TOTAL, NETDEV_RECEIVED_PACKETS },
    { NETWORK_SENT_PACKETS_TOTAL, NETDEV_SENT_PACKETS },
    { NETWORK_RECEIVED_ERRORS_TOTAL, NETDEV_RECEIVED_ERRORS },
    { NETWORK_SENT_ERRORS_TOTAL, NETDEV_SENT_ERRORS },
    { NETWORK_RECEIVED_DROPPED_TOTAL, NETDEV_RECEIVED_DROPPED },
    { NETWORK_SENT_DROPPED_TOTAL, NETDEV_SENT_DROPPED },
    { NETWORK_MULTICAST_TOTAL, NETDEV_MULTICAST },
    { NETWORK_COLLISIONS_TOTAL, NETDEV_COLLISIONS },
};

static enum status add_interface(struct network_state *network, struct tick *tick,
                                 const struct hostfs_interface *line, bool speeds,
                                 struct error *err)
{
    char name[NAME_SIZE + 1];
    struct entity_seen seen;
    struct hostfs_number link, speed = { .missing = MISSING_NOT_SAMPLED };
    int64_t *values;
    uint8_t *missing;

    memcpy(name, line->name.at, line->name.size);
    name[line->name.size] = '\0';
    seen = entity_set_see(&network->set, tick, name, name, ENTITY_NO_SLOT);
    if (seen.slot == ENTITY_NO_SLOT || !grow_links(network, seen.slot))
        return STATUS_OK; /* too many, or memory is out, which the tick tells */
    if (seen.fresh)
        textfile_close(&network->links[seen.slot].operstate);
    link = read_link(network, &network->links[seen.slot], name);
    if (tick_row_values(tick, TABLE_NETWORK, seen.slot, seen.flags, &values, &missing) == NULL)
        return error_set(err, STATUS_NO_MEMORY, "row of network_samples");
    for (size_t i = 0; i < COUNT_OF(counters); i++) {
        values[counters[i].metric] = line->field[counters[i].field].value;
        missing[counters[i].metric] = line->field[counters[i].field].missing;
    }
    values[NETWORK_LINK] = link.value;
    missing[NETWORK_LINK] = link.missing;
    if (speeds)
        speed = speed_of(network, name);
    values[NETWORK_SPEED_BITS_PER_SECOND] = speed.value * BITS_PER_MBIT;
    missing[NETWORK_SPEED_BITS_PER_SECOND] = speed.missing;
    return STATUS_OK;
}

static enum status add_interfaces(struct network_state *network, struct tick *tick, bool speeds,
                                  struct error *err)
{
    const char *at = network->dev.text;
    const char *end = at + network->dev.size;
    const char *line_end;

    for (; (line_end = textfile_line_end(at, end)) != NULL; at = line_end + 1) {
        struct hostfs_interface line;

        if (hostfs_parse_interface(at, line_end, &line) &&
            add_interface(network, tick, &line, speeds, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static enum status network_collect(void *state, struct tick *tick, struct error *err)
{
    struct network_state *network = state;
    bool speeds;
    enum status st;

    worker_report(network->worker, tick);
    if (!network->due) /* speeds that are there wait, too */
        return STATUS_OK;
    network->due = false;
    speeds = take_speeds(network);
    do {
        st = textfile_read(&network->dev, err);
    } while (st == STATUS_OK && network->dev.cut && textfile_grow(&network->dev));
    if (st != STATUS_OK)
        return error_prefix(err, "/proc/net/dev");
    entity_set_begin(&network->set);
    st = add_interfaces(network, tick, speeds, err);
    if (st != STATUS_OK)
        return st;
    entity_set_end(&network->set, tick);
    tick_sampled(tick, TABLE_NETWORK);
    if (!speeds)
        tick->table[TABLE_NETWORK].column_mask &= ~(UINT64_C(1) << NETWORK_SPEED_BITS_PER_SECOND);
    return STATUS_OK;
}

static void network_close(void *state)
{
    struct network_state *network = state;

    if (network == NULL)
        return;
    worker_stop(network->worker);
    for (size_t i = 0; i < network->link_count; i++)
        textfile_close(&network->links[i].operstate);
    free(network->links);
    textfile_close(&network->dev);
    entity_set_release(&network->set);
    free(network);
}

static enum status start_worker(struct network_state *network, struct error *err)
{
    struct speeds *speeds = calloc(1, sizeof *speeds);
    const struct worker_job job = {
        .name = "network", .read = speeds_read, .release = speeds_release, .self = speeds
    };

    if (speeds == NULL)
        return error_set(err, STATUS_NO_MEMORY, "network collector");
    (void)snprintf(speeds->root, sizeof speeds->root, "%s", network->context->root);
    network->speeds = speeds;
    return worker_start(&network->worker, &job, network->context->root[0] == '\0', err);
}

static enum status network_open(void **state, const struct collect_context *context,
                                struct capability *capability, struct error *err)
{
    struct network_state *network = calloc(1, sizeof *network);
    struct sysfs_directory class;
    struct error why = { 0 };

    if (network == NULL)
        return error_set(err, STATUS_NO_MEMORY, "network collector");
    *state = network;
    *capability = (struct capability){ .status = CAPABILITY_OK };
    network->context = context;
    network->set.kind = ENTITY_INTERFACE;
    network->next_kick_ns = INT64_MIN;
    if (textfile_open(&network->dev, context->root, "/proc/net/dev", DEV_ROOM, DEV_LIMIT, &why) !=
        STATUS_OK) {
        capability->status = CAPABILITY_NOT_THERE;
        (void)snprintf(capability->reason, sizeof capability->reason, "%.190s", why.message);
        (void)snprintf(capability->enable, sizeof capability->enable, "mount procfs on /proc");
        return STATUS_OK;
    }
    if (!sysfs_at(&class, context->root, "/sys/class/net") || access(class.path, R_OK) != 0) {
        capability->status = CAPABILITY_PARTIAL;
        (void)snprintf(capability->reason, sizeof capability->reason,
                       "no /sys/class/net: link and speed_bits_per_second are not known");
        (void)snprintf(capability->enable, sizeof capability->enable, "mount sysfs on /sys");
    }
    return start_worker(network, err);
}

/* Read past its time and still waited for: the speeds. */
static int64_t network_not_answering(const void *state)
{
    return worker_late(((const struct network_state *)state)->worker);
}

static int64_t network_other_cpu_ns(const void *state)
{
    return worker_cpu_ns(((const struct network_state *)state)->worker);
}

const struct collector network_collector = {
    .name = "network",
    .description = "traffic, errors, link and speed of every network interface",
    .source = "/proc/net/dev; operstate, speed of /sys/class/net",
    .needs = "nothing; the interfaces are those of the recorder's network namespace",
    .absence = "no speed: the driver tells none, as of virtual interfaces",
    .table = TABLE_NETWORK,
    .divisor = 1,
    .optional = true,
    .open = network_open,
    .begin = network_begin,
    .collect = network_collect,
    .close = network_close,
    .not_answering = network_not_answering,
    .other_cpu_ns = network_other_cpu_ns,
};
