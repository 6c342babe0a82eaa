/* One collector of a Mac over a scenario made in C, tick by tick. */
#ifndef DARWIN_SUPPORT_MAC_H
#define DARWIN_SUPPORT_MAC_H

#include "recorder/collector.h"
#include "tests/darwin/fake_kernel.h"

struct mac {
    struct scenario *scenario;
    const struct collector *collector;
    struct clock_host host;
    struct clock clock;
    struct collect_context context;
    struct capability capability;
    void *state;
    struct tick tick;
    int64_t seq;
    struct error err;
};

/* What a scenario has if it says nothing: an M1 with one core, read by root, who is pid 1. */
struct scenario mac_scenario(struct fake_process *processes, size_t count);
/* A process of root's that goes on for ever. */
struct fake_process mac_process(int32_t pid, uint64_t unique_id, const char *comm);

/* Fails the test if it cannot be opened. */
void mac_open(struct mac *mac, struct scenario *scenario, const struct collector *collector);
/* The tick at that time, which stays in mac->tick until the next. */
enum status mac_tick(struct mac *mac, int64_t at_ns);
/* Also fails the test if the kernel did not get back what it handed out. */
void mac_close(struct mac *mac);

/* A row of the latest tick; NULL: there is none. */
const struct tick_row *mac_row(const struct mac *mac, enum table_id table, uint32_t slot);
/* A value of it, or -1 and why it is missing. */
int64_t mac_value(const struct mac *mac, enum table_id table, uint32_t slot, unsigned metric,
                  enum missing *why);

#endif
