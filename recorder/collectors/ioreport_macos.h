/*
 * IOReport, a private library of macOS, which tells energy and residencies: all of it is behind this. It is loaded
 * when it is there and has every function that is used; else there is nothing, and why.
 */
#ifndef RECORDER_IOREPORT_MACOS_H
#define RECORDER_IOREPORT_MACOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/error.h"

enum { IOREPORT_NAME_SIZE = 64, IOREPORT_STATES_MAX = 64, IOREPORT_CHANNELS_MAX = 512 };

/* Names do not change; the rest is of the latest sample. */
struct ioreport_channel {
    char group[IOREPORT_NAME_SIZE], subgroup[IOREPORT_NAME_SIZE], name[IOREPORT_NAME_SIZE];
    char unit[16];
    bool there;    /* in the latest sample */
    int64_t value; /* since the host started; INT64_MIN: none */
    int state_count;
    struct {
        char name[16];
        int64_t residency;
    } state[IOREPORT_STATES_MAX];
};

struct ioreport_group {
    const char *group, *subgroup; /* subgroup: NULL for all */
};

struct ioreport;

/*
 * Subscribe to those channels of the groups that are wanted.
 *
 *   errors  ABSENT: there is no library, a function is missing, none of the groups is there, or it
 *           refuses; NO_MEMORY
 *   owns    *opened until ioreport_close, from any thread but one at a time
 */
MUST_USE enum status ioreport_open(struct ioreport **opened, const struct ioreport_group groups[],
                                   size_t group_count,
                                   bool (*wanted)(const struct ioreport_channel *channel),
                                   struct error *err);
void ioreport_close(struct ioreport *report);

/* Read all of them; takes up to milliseconds. IO. */
MUST_USE enum status ioreport_sample(struct ioreport *report, struct error *err);
size_t ioreport_count(const struct ioreport *report);
const struct ioreport_channel *ioreport_at(const struct ioreport *report, size_t place);

#endif
