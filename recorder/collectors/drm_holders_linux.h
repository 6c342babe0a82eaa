/*
 * Which processes hold a device of /dev/dri, found without looking at every descriptor of every process at
 * every reading.
 *
 *   cost    3.5 us for each descriptor of a process that is looked at: one reading after it is
 *           seen, then after 1, 4, 16, 64, 64, … readings, if it has more or fewer descriptors than before
 *           (Linux 6.2). Of one that holds a device: every 4 readings
 */
#ifndef RECORDER_DRM_HOLDERS_LINUX_H
#define RECORDER_DRM_HOLDERS_LINUX_H

#include "recorder/collectors/drm_fdinfo_linux.h"
#include "recorder/collectors/gpu.h"

enum {
    DRM_NODES_MOST = 2 * GPU_MOST,
    DRM_FDS_MOST = 64,      /* descriptors of devices that one process is read with */
    DRM_ACCOUNTS_MOST = 16, /* GPUs of one process */
    DRM_HOLDERS_MOST = 1024,
    DRM_BUDGET_FDS = 2000, /* descriptors looked at in a reading, about 7 ms */
};

/* What a process used of one GPU. */
struct drm_account {
    char key[GPU_KEY_SIZE];
    bool seen, has_engine, has_memory, not_sampled;
    bool known; /* it has been told of */
    int64_t ns_total, memory_bytes;
    int64_t born_ns;  /* it began after that time; 0: not known */
    int64_t added_ns; /* at this reading */
};

/* A process that holds devices, in the order in which they were found. */
struct drm_holder {
    uint32_t slot;
    int32_t pid;
    uint64_t start_ticks;
    int64_t
        unheld_ns; /* what it holds now and did not before began after that time; 0: not known */
    size_t fd_count, account_count;
    struct {
        int fd;
        int node; /* -1: not known */
    } fd[DRM_FDS_MOST];
    struct drm_account account[DRM_ACCOUNTS_MOST];
};

struct drm_node {
    char name[DRM_NAME_SIZE]; /* "renderD128" */
    char key[GPU_KEY_SIZE];   /* its device's name: a PCI address, or what a platform calls it */
};

struct drm_look; /* when a process is to be looked at; by slot of the directory */

struct drm_holders {
    const char *root;
    int64_t reading, now_ns,
        before_ns;   /* this one's number from 1 on, its time, that of the one before */
    int64_t first;   /* the first reading that was told of any process */
    int64_t refused; /* processes that may not be looked into */
    int budget;
    size_t node_count, count, look_size;
    struct drm_node node[DRM_NODES_MOST];
    struct drm_look *look;
    struct drm_holder *holder; /* [count] */
};

/* errors ABSENT: there are no DRM devices; NO_MEMORY */
MUST_USE enum status drm_holders_open(struct drm_holders *holders, const char *root,
                                      struct error *err);
void drm_holders_close(struct drm_holders *holders);

/* The next reading begins: who holds devices among these. */
void drm_holders_find(struct drm_holders *holders, const struct gpu_candidates *candidates);

#endif
