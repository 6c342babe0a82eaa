/* Who opened a user client of IOKit, as the kernel writes it: "pid 533, WindowServer". */
#ifndef RECORDER_GPU_CREATOR_H
#define RECORDER_GPU_CREATOR_H

#include <stdint.h>

/* The pid; -1: the text is none of that form. The name behind it may hold anything, commas too. */
int32_t gpu_creator_pid(const char *text);

#endif
