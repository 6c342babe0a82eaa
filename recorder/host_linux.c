/*
 * Facts of a Linux host.
 *
 *   source  uname, sysconf, /proc/sys/kernel/random/boot_id, /proc/cpuinfo,
 *           /proc/device-tree/model, /sys/class/dmi/id/product_name
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "recorder/host_text.h"
#include "version.h"

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
            host_set(value, size, colon);
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
        host_first_line(root, "/proc/device-tree/model", text, size) ||
        cpuinfo(root, "cpu model", text, size) || /* MIPS */
        cpuinfo(root, "cpu", text, size) ||       /* POWER */
        host_first_line(root, "/sys/class/dmi/id/product_name", text, size))
        return;
    text[0] = '\0';
}

void host_facts(struct session_facts *facts, const char *root, int64_t wall_ns)
{
    struct utsname name;

    *facts = (struct session_facts){ 0 };
    tzset();
    (void)host_first_line(root, "/proc/sys/kernel/random/boot_id", facts->boot_id,
                          sizeof facts->boot_id);
    if (uname(&name) == 0) {
        host_set(facts->host, sizeof facts->host, name.nodename);
        host_set(facts->os, sizeof facts->os, name.sysname);
        host_set(facts->release, sizeof facts->release, name.release);
        host_set(facts->machine, sizeof facts->machine, name.machine);
    }
    fill_hardware(facts, root);
    host_set(facts->version, sizeof facts->version, PROCSCOPE_VERSION);
    host_zone_name(facts, root);
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
