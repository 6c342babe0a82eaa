/*
 * Facts of a Mac.
 *
 *   source  sysctl: kern.bootsessionuuid, kern.hostname, kern.ostype, kern.osrelease, hw.machine,
 *           machdep.cpu.brand_string, hw.model, hw.memsize, hw.activecpu; own proc_pid_rusage
 */
#include <libproc.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mach/mach.h>

#include "recorder/collectors/process_list_macos.h"
#include "recorder/host_text.h"
#include "recorder/sysctl_macos.h"
#include "version.h"

/* "Apple M1, MacBookAir10,1", or what of it fits. */
static void fill_hardware(struct session_facts *facts)
{
    char *text = facts->hardware;
    size_t used;

    (void)sysctl_text("machdep.cpu.brand_string", text, sizeof facts->hardware);
    used = strlen(text);
    if (used > 0 && used + 2 < sizeof facts->hardware) {
        memcpy(text + used, ", ", 3);
        used += 2;
    }
    if (!sysctl_text("hw.model", text + used, sizeof facts->hardware - used) && used >= 2)
        text[used - 2] = '\0';
}

void host_facts(struct session_facts *facts, const char *root, int64_t wall_ns)
{
    *facts = (struct session_facts){ 0 };
    tzset();
    (void)sysctl_text("kern.bootsessionuuid", facts->boot_id, sizeof facts->boot_id);
    (void)sysctl_text("kern.hostname", facts->host, sizeof facts->host);
    (void)sysctl_text("kern.ostype", facts->os, sizeof facts->os);
    (void)sysctl_text("kern.osrelease", facts->release, sizeof facts->release);
    (void)sysctl_text("hw.machine", facts->machine, sizeof facts->machine);
    fill_hardware(facts);
    host_set(facts->version, sizeof facts->version, PROCSCOPE_VERSION);
    host_zone_name(facts, root);
    host_zone_rules(facts, wall_ns);
    (void)sysctl_number("hw.activecpu", &facts->core_count);
    (void)sysctl_number("hw.memsize", &facts->memory_bytes);
    facts->page_bytes = (int64_t)vm_kernel_page_size;
    facts->clock_ticks_per_second = PROCESS_START_HZ;
    facts->pid = getpid();
}

int64_t host_own_resident_bytes(void)
{
    struct rusage_info_v2 usage;

    if (proc_pid_rusage(getpid(), RUSAGE_INFO_V2, (rusage_info_t *)&usage) != 0)
        return -1;
    return (int64_t)usage.ri_resident_size;
}
