/* Adds what a process has used, as proc_pid_rusage tells it, and the priority of IO. */
#ifndef DARWIN_SYS_RESOURCE_H
#define DARWIN_SYS_RESOURCE_H

#include_next <sys/resource.h>

#include <stddef.h>
#include <stdint.h>

#define IOPOL_TYPE_DISK 0
#define IOPOL_SCOPE_PROCESS 0
#define IOPOL_UTILITY 4

int setiopolicy_np(int type, int scope, int policy);

#define RUSAGE_INFO_V2 2
#define RUSAGE_INFO_V4 4
#define RUSAGE_INFO_V6 6

typedef void *rusage_info_t;

/* Times are ticks of the Mach clock. Versions only grow at the end. */
struct rusage_info_v2 {
    uint8_t ri_uuid[16];
    uint64_t ri_user_time;
    uint64_t ri_system_time;
    uint64_t ri_pkg_idle_wkups;
    uint64_t ri_interrupt_wkups;
    uint64_t ri_pageins;
    uint64_t ri_wired_size;
    uint64_t ri_resident_size;
    uint64_t ri_phys_footprint;
    uint64_t ri_proc_start_abstime;
    uint64_t ri_proc_exit_abstime;
    uint64_t reserved_child[6];
    uint64_t ri_diskio_bytesread;
    uint64_t ri_diskio_byteswritten;
};
_Static_assert(sizeof(struct rusage_info_v2) == 160, "V2");

struct rusage_info_v4 {
    uint8_t ri_uuid[16];
    uint64_t ri_user_time;
    uint64_t ri_system_time;
    uint64_t ri_pkg_idle_wkups;
    uint64_t ri_interrupt_wkups;
    uint64_t ri_pageins;
    uint64_t ri_wired_size;
    uint64_t ri_resident_size;
    uint64_t ri_phys_footprint;
    uint64_t ri_proc_start_abstime;
    uint64_t ri_proc_exit_abstime;
    uint64_t reserved_child[6];
    uint64_t ri_diskio_bytesread;
    uint64_t ri_diskio_byteswritten;
    uint64_t reserved_qos[7];
    uint64_t ri_billed_system_time;
    uint64_t ri_serviced_system_time;
    uint64_t ri_logical_writes;
    uint64_t ri_lifetime_max_phys_footprint;
    uint64_t ri_instructions;
    uint64_t ri_cycles;
    uint64_t ri_billed_energy;
    uint64_t ri_serviced_energy;
    uint64_t ri_interval_max_phys_footprint;
    uint64_t ri_runnable_time;
};
_Static_assert(sizeof(struct rusage_info_v4) == 296, "V4");

struct rusage_info_v6 {
    uint8_t ri_uuid[16];
    uint64_t ri_user_time;
    uint64_t ri_system_time;
    uint64_t ri_pkg_idle_wkups;
    uint64_t ri_interrupt_wkups;
    uint64_t ri_pageins;
    uint64_t ri_wired_size;
    uint64_t ri_resident_size;
    uint64_t ri_phys_footprint;
    uint64_t ri_proc_start_abstime;
    uint64_t ri_proc_exit_abstime;
    uint64_t reserved_child[6];
    uint64_t ri_diskio_bytesread;
    uint64_t ri_diskio_byteswritten;
    uint64_t reserved_qos[7];
    uint64_t ri_billed_system_time;
    uint64_t ri_serviced_system_time;
    uint64_t ri_logical_writes;
    uint64_t ri_lifetime_max_phys_footprint;
    uint64_t ri_instructions;
    uint64_t ri_cycles;
    uint64_t ri_billed_energy;
    uint64_t ri_serviced_energy;
    uint64_t ri_interval_max_phys_footprint;
    uint64_t ri_runnable_time;
    uint64_t ri_flags;
    uint64_t reserved_p_cores[4];
    uint64_t ri_energy_nj;
    uint64_t ri_penergy_nj;
    uint64_t reserved_end[14];
};
_Static_assert(sizeof(struct rusage_info_v6) == 464, "V6");
_Static_assert(offsetof(struct rusage_info_v6, ri_user_time) == 16, "ri_user_time");
_Static_assert(offsetof(struct rusage_info_v6, ri_interrupt_wkups) == 40, "ri_interrupt_wkups");
_Static_assert(offsetof(struct rusage_info_v6, ri_pageins) == 48, "ri_pageins");
_Static_assert(offsetof(struct rusage_info_v6, ri_phys_footprint) == 72, "ri_phys_footprint");
_Static_assert(offsetof(struct rusage_info_v6, ri_proc_start_abstime) == 80, "start");
_Static_assert(offsetof(struct rusage_info_v6, ri_proc_exit_abstime) == 88, "exit");
_Static_assert(offsetof(struct rusage_info_v6, ri_diskio_bytesread) == 144, "bytesread");
_Static_assert(offsetof(struct rusage_info_v6, ri_diskio_byteswritten) == 152, "byteswritten");
_Static_assert(offsetof(struct rusage_info_v6, ri_billed_system_time) == 216, "billed");
_Static_assert(offsetof(struct rusage_info_v6, ri_logical_writes) == 232, "logical_writes");
_Static_assert(offsetof(struct rusage_info_v6, ri_instructions) == 248, "instructions");
_Static_assert(offsetof(struct rusage_info_v6, ri_cycles) == 256, "cycles");
_Static_assert(offsetof(struct rusage_info_v6, ri_runnable_time) == 288, "runnable");
_Static_assert(offsetof(struct rusage_info_v6, ri_flags) == 296, "flags");
_Static_assert(offsetof(struct rusage_info_v6, ri_energy_nj) == 336, "energy");
_Static_assert(offsetof(struct rusage_info_v4, ri_instructions) == 248, "instructions of V4");
_Static_assert(offsetof(struct rusage_info_v2, ri_diskio_bytesread) == 144, "bytesread of V2");

#endif
