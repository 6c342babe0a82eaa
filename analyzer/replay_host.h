/* What a frame tells of the host, beside its cores: figures of other tables, over the frame's window. */
#ifndef ANALYZER_REPLAY_HOST_H
#define ANALYZER_REPLAY_HOST_H

#include "analyzer/options.h"

enum replay_figure {
    REPLAY_MEMORY_TOTAL, /* bytes */
    REPLAY_MEMORY_AVAILABLE,
    REPLAY_SWAP_TOTAL,
    REPLAY_SWAP_FREE,
    REPLAY_CPU_PRESSURE, /* ns a second in which some task waited */
    REPLAY_MEMORY_PRESSURE,
    REPLAY_IO_PRESSURE,
    REPLAY_DISK_READ, /* bytes a second, of devices that lie on no other */
    REPLAY_DISK_WRITTEN,
    REPLAY_NETWORK_RECEIVED, /* bytes a second, of all but the loopback */
    REPLAY_NETWORK_SENT,
    REPLAY_GPU_POWER, /* W, of all */
    REPLAY_FIGURES,
};

/* Averages over the window, of gauges where no time passed in it the values. */
struct replay_host {
    bool known[REPLAY_FIGURES];
    double value[REPLAY_FIGURES];
};

/* Read them, over subject->window; what was not recorded there is not known. */
MUST_USE enum status replay_host_read(struct replay_host *host, const struct subject *subject,
                                      struct error *err);

#endif
