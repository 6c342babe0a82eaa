/* Facts come in four or eight bytes, and which it is says only the size that comes back. */
#include "recorder/sysctl_macos.h"

#include <string.h>
#include <sys/sysctl.h>

static const uint64_t ns_per_s = 1000000000;

bool sysctl_number(const char *name, int64_t *value)
{
    union {
        int32_t narrow;
        int64_t wide;
    } number = { .wide = 0 };
    size_t size = sizeof number;

    *value = 0;
    if (sysctlbyname(name, &number, &size, NULL, 0) != 0)
        return false;
    if (size == sizeof number.narrow)
        *value = number.narrow;
    else if (size == sizeof number.wide)
        *value = number.wide;
    else
        return false;
    return true;
}

bool sysctl_text(const char *name, char *text, size_t size)
{
    size_t used = size - 1;

    memset(text, 0, size);
    /* What is too long is not there: all such texts are short. */
    if (sysctlbyname(name, text, &used, NULL, 0) != 0) {
        text[0] = '\0';
        return false;
    }
    return text[0] != '\0';
}

uint64_t sysctl_mach_hz(void)
{
    int64_t hz;

    return sysctl_number("hw.tbfrequency", &hz) && hz > 0 ? (uint64_t)hz : ns_per_s;
}
