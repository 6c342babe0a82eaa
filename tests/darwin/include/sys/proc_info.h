/* What proc_pidinfo answers. */
#ifndef DARWIN_SYS_PROC_INFO_H
#define DARWIN_SYS_PROC_INFO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROC_PIDTBSDINFO 3
#define PROC_PIDTASKINFO 4
#define PROC_PIDVNODEPATHINFO 9
#define PROC_PIDPATHINFO_MAXSIZE 4096

struct proc_bsdinfo {
    uint32_t pbi_flags;
    uint32_t pbi_status;
    uint32_t pbi_xstatus;
    uint32_t pbi_pid;
    uint32_t pbi_ppid;
    uid_t pbi_uid;
    gid_t pbi_gid;
    uid_t pbi_ruid;
    gid_t pbi_rgid;
    uint32_t reserved_ids[3];
    char pbi_comm[16];
    char pbi_name[32];
    uint32_t pbi_nfiles;
    uint32_t reserved_group[4];
    int32_t pbi_nice;
    uint64_t pbi_start_tvsec;
    uint64_t pbi_start_tvusec;
};
_Static_assert(sizeof(struct proc_bsdinfo) == 136, "struct proc_bsdinfo");
_Static_assert(offsetof(struct proc_bsdinfo, pbi_xstatus) == 8, "pbi_xstatus");
_Static_assert(offsetof(struct proc_bsdinfo, pbi_comm) == 48, "pbi_comm");
_Static_assert(offsetof(struct proc_bsdinfo, pbi_name) == 64, "pbi_name");
_Static_assert(offsetof(struct proc_bsdinfo, pbi_nice) == 116, "pbi_nice");
_Static_assert(offsetof(struct proc_bsdinfo, pbi_start_tvsec) == 120, "pbi_start_tvsec");

/* Times are ticks of the Mach clock. */
struct proc_taskinfo {
    uint64_t pti_virtual_size;
    uint64_t pti_resident_size;
    uint64_t pti_total_user;
    uint64_t pti_total_system;
    uint64_t pti_threads_user;
    uint64_t pti_threads_system;
    int32_t pti_policy;
    int32_t pti_faults;
    int32_t pti_pageins;
    int32_t pti_cow_faults;
    int32_t pti_messages_sent;
    int32_t pti_messages_received;
    int32_t pti_syscalls_mach;
    int32_t pti_syscalls_unix;
    int32_t pti_csw;
    int32_t pti_threadnum;
    int32_t pti_numrunning;
    int32_t pti_priority;
};
_Static_assert(sizeof(struct proc_taskinfo) == 96, "struct proc_taskinfo");
_Static_assert(offsetof(struct proc_taskinfo, pti_policy) == 48, "pti_policy");
_Static_assert(offsetof(struct proc_taskinfo, pti_threadnum) == 84, "pti_threadnum");

struct vnode_info_path {
    uint8_t reserved_vnode[152];
    char vip_path[1024];
};
_Static_assert(sizeof(struct vnode_info_path) == 1176, "struct vnode_info_path");

struct proc_vnodepathinfo {
    struct vnode_info_path pvi_cdir; /* working directory */
    struct vnode_info_path pvi_rdir;
};
_Static_assert(sizeof(struct proc_vnodepathinfo) == 2352, "struct proc_vnodepathinfo");

#endif
