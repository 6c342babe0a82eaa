/* See gpu_creator.h. */
#include "recorder/collectors/gpu_creator.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int32_t gpu_creator_pid(const char *text)
{
    static const char prefix[] = "pid ";
    const char *digits = text + sizeof prefix - 1;
    char *end;
    long pid;

    if (strncmp(text, prefix, sizeof prefix - 1) != 0 || *digits < '0' || *digits > '9')
        return -1;
    errno = 0;
    pid = strtol(digits, &end, 10);
    return errno == 0 && *end == ',' && pid <= INT32_MAX ? (int32_t)pid : -1;
}
