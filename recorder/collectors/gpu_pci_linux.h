/*
 * The GPUs on the PCI buses, and which of them are asleep. What the kernel itself keeps of a device is read
 * here, which wakes none; all else is left to those who ask gpu_device_readable first.
 *
 * A driver puts a GPU to sleep after some seconds in which nobody asked it anything, so that a look at it
 * every second would keep it awake for good. One that may sleep and has nothing to do is therefore left
 * alone for a while, and read again if it is still awake then.
 */
#ifndef RECORDER_GPU_PCI_LINUX_H
#define RECORDER_GPU_PCI_LINUX_H

#include "recorder/collectors/gpu.h"

enum {
    GPU_ADDRESS_SIZE = 16,
    GPU_SCAN_READS = 30,   /* the buses are looked at anew at every so many reads */
    GPU_IDLE_READS = 10,   /* without work, after which one is left alone */
    GPU_REST_READS = 15,   /* for so many */
    GPU_RESTS_IN_VAIN = 3, /* one that did not fall asleep in so many is not left alone any more */
    GPU_VENDOR_NVIDIA = 0x10de,
};

struct gpu_device {
    char address[GPU_ADDRESS_SIZE]; /* "0000:01:00.0" */
    char driver[24];                /* "" while none has it */
    int64_t vendor;
    bool asleep;
    bool may_sleep; /* it is allowed to by power/control */
    bool slept;     /* it has been asleep since it was there */
    bool there;
    int idle, rest, rests;
};

struct gpu_pci {
    char root[256];
    int reads; /* until the next scan */
    size_t count;
    struct gpu_device device[GPU_MOST];
};

/* What there is now, and which of it sleeps. Once for each reading. */
void gpu_pci_look(struct gpu_pci *pci);

/* Whether asking its driver wakes nobody, and keeps nobody from falling asleep. */
bool gpu_device_readable(const struct gpu_device *device);
/* It was read, and had something to do or not. */
void gpu_device_was(struct gpu_device *device, bool busy);

/* NULL: there is none with that address. */
struct gpu_device *gpu_pci_find(struct gpu_pci *pci, const char *address);

#endif
