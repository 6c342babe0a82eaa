/* The collector of GPUs on a tree of files, with processes that it may ask for. */
#ifndef TESTS_SUPPORT_GPU_LINUX_H
#define TESTS_SUPPORT_GPU_LINUX_H

#include "recorder/process_directory.h"
#include "tests/support_root.h"

/* Where gpu_rig_put_card puts its GPU. */
#define GPU_RIG_CARD "/sys/bus/pci/devices/0000:03:00.0/"

enum { GPU_RIG_PROCESSES = 8 };

struct gpu_rig {
    struct test_root root;
    struct test_collector t;
    struct process_directory directory;
    struct process_glance process[GPU_RIG_PROCESSES]; /* by slot; pid 0: none */
};

/* Zeroed before. */
void gpu_rig_open(struct gpu_rig *rig, const char *root);
void gpu_rig_tick(struct gpu_rig *rig);
/* That process has the slot from now on; pid 0: nobody. */
void gpu_rig_be(struct gpu_rig *rig, uint32_t slot, int32_t pid, uint64_t start_ticks);

/* A card in a tree of its own, and pid 10 in slot 1, that has used it for five seconds. */
void gpu_rig_start(struct gpu_rig *rig);
void gpu_rig_end(struct gpu_rig *rig);
void gpu_rig_put_card(struct gpu_rig *rig);
void gpu_rig_put_link(struct gpu_rig *rig, const char *path, const char *target);
/* A descriptor of the card: what it worked for that client. */
void gpu_rig_put_client(struct gpu_rig *rig, int pid, int fd, int client, long long ns);
void gpu_rig_remove_fd(struct gpu_rig *rig, int pid, int fd);

/* Of the latest tick: the row of the process in that slot, NULL if it has none; its values as exported. */
const struct tick_row *gpu_rig_row(const struct gpu_rig *rig, uint32_t slot);
enum missing gpu_rig_missing(const struct gpu_rig *rig, uint32_t slot, enum gpu_process_metric m);
int64_t gpu_rig_value(const struct gpu_rig *rig, uint32_t slot, enum gpu_process_metric m);
int64_t gpu_rig_busy_ns(const struct gpu_rig *rig, uint32_t gpu);
bool gpu_rig_has_event(const struct gpu_rig *rig, const char *kind, const char *detail);

#endif
