/* What proc_pidinfo answers. */
#ifndef DARWIN_SYS_PROC_INFO_H
#define DARWIN_SYS_PROC_INFO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROC_ALL_PIDS 1
#define PROC_PGRP_ONLY 2
#define PROC_TTY_ONLY 3
#define PROC_UID_ONLY 4
#define PROC_RUID_ONLY 5
#define PROC_PPID_ONLY 6

#define PROC_PIDLISTFDS 1
#define PROC_PIDTASKALLINFO 2
#define PROC_PIDTBSDINFO 3
#define PROC_PIDTASKINFO 4
#define PROC_PIDVNODEPATHINFO 9
#define PROC_PIDPATHINFO 11
#define PROC_PIDT_SHORTBSDINFO 13
#define PROC_PIDLISTFILEPORTS 14
#define PROC_PIDPATHINFO_MAXSIZE 4096
#define PROC_PIDFDSOCKETINFO 3
#define PROX_FDTYPE_VNODE 1
#define PROX_FDTYPE_SOCKET 2
#define PROX_FDTYPE_PIPE 6

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
    uint32_t pbi_pgid;
    uint32_t pbi_pjobc;
    uint32_t e_tdev;
    uint32_t e_tpgid;
    int32_t pbi_nice;
    uint64_t pbi_start_tvsec;
    uint64_t pbi_start_tvusec;
};
_Static_assert(sizeof(struct proc_bsdinfo) == 136, "struct proc_bsdinfo");
_Static_assert(offsetof(struct proc_bsdinfo, pbi_xstatus) == 8, "pbi_xstatus");
_Static_assert(offsetof(struct proc_bsdinfo, pbi_comm) == 48, "pbi_comm");
_Static_assert(offsetof(struct proc_bsdinfo, pbi_name) == 64, "pbi_name");
_Static_assert(offsetof(struct proc_bsdinfo, pbi_pgid) == 100, "pbi_pgid");
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

struct proc_fdinfo {
    int32_t proc_fd;
    uint32_t proc_fdtype;
};
_Static_assert(sizeof(struct proc_fdinfo) == 8, "struct proc_fdinfo");

struct proc_fileportinfo {
    uint32_t proc_fileport;
    uint32_t proc_fdtype;
};
_Static_assert(sizeof(struct proc_fileportinfo) == 8, "struct proc_fileportinfo");

struct sockbuf_info {
    uint32_t sbi_cc;
    uint32_t sbi_hiwat;
    uint8_t reserved[16];
};
_Static_assert(sizeof(struct sockbuf_info) == 24, "struct sockbuf_info");

struct tcp_sockinfo {
    uint8_t reserved_ini[80];
    int32_t tcpsi_state;
    uint8_t reserved_end[36];
};
_Static_assert(sizeof(struct tcp_sockinfo) == 120, "struct tcp_sockinfo");

struct socket_info {
    uint8_t reserved_stat[136];
    uint64_t soi_so;
    uint64_t soi_pcb;
    int32_t soi_type;
    int32_t soi_protocol;
    int32_t soi_family;
    uint8_t reserved_options[20];
    struct sockbuf_info soi_rcv;
    struct sockbuf_info soi_snd;
    int32_t soi_kind;
    uint32_t reserved_kind;
    union {
        struct tcp_sockinfo pri_tcp;
        uint64_t reserved[66];
    } soi_proto;
};
_Static_assert(sizeof(struct socket_info) == 768, "struct socket_info");

struct socket_fdinfo {
    uint8_t reserved_file[24];
    struct socket_info psi;
};
_Static_assert(sizeof(struct socket_fdinfo) == 792, "struct socket_fdinfo");

#endif
