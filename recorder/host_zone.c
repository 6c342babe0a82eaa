/*
 * The time zone, and what host_SYSTEM.c needs for the facts of a host.
 *
 *   source  TZ, /etc/localtime, /etc/timezone; localtime_r
 */
#include "recorder/host_text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SEARCH_DAYS = 400, SECONDS_PER_DAY = 86400, NS_PER_SECOND = 1000000000 };

void host_set(char *field, size_t size, const char *text)
{
    size_t length = strnlen(text, size - 1);

    memcpy(field, text, length);
    field[length] = '\0';
}

bool host_first_line(const char *root, const char *path, char *line, size_t size)
{
    char full[PATH_MAX];
    FILE *file;
    size_t length;

    line[0] = '\0';
    (void)snprintf(full, sizeof full, "%s%s", root, path);
    file = fopen(full, "re");
    if (file == NULL)
        return false;
    if (fgets(line, (int)size, file) == NULL)
        line[0] = '\0';
    fclose(file);
    length = strlen(line);
    while (length > 0 && strchr(" \t\r\n", line[length - 1]) != NULL)
        line[--length] = '\0';
    return length > 0;
}

/* What follows "zoneinfo/" in a path, less the variants "posix/" and "right/"; or NULL. */
static const char *zone_of_path(const char *path)
{
    const char *zone = strstr(path, "zoneinfo/");

    if (zone == NULL)
        return NULL;
    zone += strlen("zoneinfo/");
    if (strncmp(zone, "posix/", 6) == 0 || strncmp(zone, "right/", 6) == 0)
        zone += 6;
    return zone;
}

/* The IANA name in the variable TZ; "" for a rule such as "CET-1CEST" and for other files. */
static const char *zone_of_environment(const char *tz)
{
    if (tz[0] == '\0')
        return "UTC";
    tz += tz[0] == ':';
    if (tz[0] == '/')
        return zone_of_path(tz) != NULL ? zone_of_path(tz) : "";
    if (strncmp(tz, "Etc/", 4) != 0 && strpbrk(tz, ",<>0123456789") != NULL)
        return "";
    return tz;
}

void host_zone_name(struct session_facts *facts, const char *root)
{
    const char *environment = getenv("TZ");
    const char *zone = NULL;
    char path[PATH_MAX];
    char link[PATH_MAX];
    ssize_t size;

    if (environment != NULL) { /* it alone decides */
        host_set(facts->zone, sizeof facts->zone, zone_of_environment(environment));
        return;
    }
    (void)snprintf(path, sizeof path, "%s/etc/localtime", root);
    size = readlink(path, link, sizeof link - 1);
    if (size > 0) {
        link[size] = '\0';
        zone = zone_of_path(link);
    }
    if (zone != NULL)
        host_set(facts->zone, sizeof facts->zone, zone);
    else
        (void)host_first_line(root, "/etc/timezone", facts->zone, sizeof facts->zone);
}

static long offset_at(time_t at)
{
    struct tm local;

    return localtime_r(&at, &local) != NULL ? local.tm_gmtoff : 0;
}

void host_zone_rules(struct session_facts *facts, int64_t wall_ns)
{
    time_t now = (time_t)(wall_ns / NS_PER_SECOND);
    long offset = offset_at(now);
    time_t same = now;
    time_t other = now;

    facts->zone_offset_s = (int32_t)offset;
    for (int day = 0; day < SEARCH_DAYS && offset_at(other) == offset; day++) {
        same = other;
        other += SECONDS_PER_DAY;
    }
    if (offset_at(other) == offset)
        return;
    while (other - same > 1) {
        time_t middle = same + (other - same) / 2;

        if (offset_at(middle) == offset)
            same = middle;
        else
            other = middle;
    }
    facts->zone_next_change_ns = (int64_t)other * NS_PER_SECOND;
    facts->zone_next_offset_s = (int32_t)offset_at(other);
}
