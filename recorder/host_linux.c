/*
 * Facts of a Linux host.
 *
 *   source  uname, sysconf, /proc/sys/kernel/random/boot_id, /proc/cpuinfo,
 *           /proc/device-tree/model, /sys/class/dmi/id/product_name, TZ, /etc/localtime,
 *           /etc/timezone
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "recorder/host.h"
#include "version.h"

enum { SEARCH_DAYS = 400, SECONDS_PER_DAY = 86400, NS_PER_SECOND = 1000000000 };

static void set(char *field, size_t size, const char *text)
{
    size_t length = strnlen(text, size - 1);

    memcpy(field, text, length);
    field[length] = '\0';
}

/* The first line of a file, without trailing blanks; false and "" when it cannot be read. */
static bool first_line(const char *root, const char *path, char *line, size_t size)
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

/* The value of the first "name : value" in /proc/cpuinfo. */
static bool cpuinfo(const char *root, const char *name, char *value, size_t size)
{
    char full[PATH_MAX];
    char line[1024];
    FILE *file;
    bool found = false;

    (void)snprintf(full, sizeof full, "%s/proc/cpuinfo", root);
    file = fopen(full, "re");
    if (file == NULL)
        return false;
    while (!found && fgets(line, sizeof line, file) != NULL) {
        char *colon = strchr(line, ':');

        found = colon != NULL && strncmp(line, name, strlen(name)) == 0 &&
                strchr(" \t:", line[strlen(name)]) != NULL;
        if (found) {
            colon += 1 + strspn(colon + 1, " \t");
            colon[strcspn(colon, "\n")] = '\0';
            set(value, size, colon);
        }
    }
    fclose(file);
    return found;
}

static void fill_hardware(struct session_facts *facts, const char *root)
{
    char *text = facts->hardware;
    size_t size = sizeof facts->hardware;

    if (cpuinfo(root, "model name", text, size) || /* x86 */
        first_line(root, "/proc/device-tree/model", text, size) ||
        cpuinfo(root, "cpu model", text, size) || /* MIPS */
        cpuinfo(root, "cpu", text, size) ||       /* POWER */
        first_line(root, "/sys/class/dmi/id/product_name", text, size))
        return;
    text[0] = '\0';
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

static void fill_zone_name(struct session_facts *facts, const char *root)
{
    const char *environment = getenv("TZ");
    const char *zone = NULL;
    char path[PATH_MAX];
    char link[PATH_MAX];
    ssize_t size;

    if (environment != NULL) { /* it alone decides */
        set(facts->zone, sizeof facts->zone, zone_of_environment(environment));
        return;
    }
    (void)snprintf(path, sizeof path, "%s/etc/localtime", root);
    size = readlink(path, link, sizeof link - 1);
    if (size > 0) {
        link[size] = '\0';
        zone = zone_of_path(link);
    }
    if (zone != NULL)
        set(facts->zone, sizeof facts->zone, zone);
    else
        (void)first_line(root, "/etc/timezone", facts->zone, sizeof facts->zone);
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

void host_facts(struct session_facts *facts, const char *root, int64_t wall_ns)
{
    struct utsname name;

    *facts = (struct session_facts){ 0 };
    tzset();
    (void)first_line(root, "/proc/sys/kernel/random/boot_id", facts->boot_id,
                     sizeof facts->boot_id);
    if (uname(&name) == 0) {
        set(facts->host, sizeof facts->host, name.nodename);
        set(facts->os, sizeof facts->os, name.sysname);
        set(facts->release, sizeof facts->release, name.release);
        set(facts->machine, sizeof facts->machine, name.machine);
    }
    fill_hardware(facts, root);
    set(facts->version, sizeof facts->version, PROCSCOPE_VERSION);
    fill_zone_name(facts, root);
    host_zone_rules(facts, wall_ns);
    facts->core_count = sysconf(_SC_NPROCESSORS_ONLN);
    facts->page_bytes = sysconf(_SC_PAGESIZE);
    facts->memory_bytes = sysconf(_SC_PHYS_PAGES) * facts->page_bytes;
    facts->clock_ticks_per_second = sysconf(_SC_CLK_TCK);
    facts->pid = getpid();
}

int64_t host_own_resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long long pages = -1;

    if (file == NULL)
        return -1;
    if (fscanf(file, "%*d %lld", &pages) != 1)
        pages = -1;
    (void)fclose(file);
    return pages < 0 ? -1 : pages * sysconf(_SC_PAGESIZE);
}
