/* sysctl, and the table of processes. */
#ifndef DARWIN_SYS_SYSCTL_H
#define DARWIN_SYS_SYSCTL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/types.h>

#define CTL_KERN 1
#define CTL_NET 4
#define KERN_ARGMAX 8
#define KERN_PROC 14
#define KERN_PROC_ALL 0
#define KERN_PROC_PID 1
#define KERN_PROCARGS2 49

int sysctl(int *name, unsigned name_count, void *old, size_t *old_size, void *fresh,
           size_t fresh_size);
int sysctlbyname(const char *name, void *old, size_t *old_size, void *fresh, size_t fresh_size);

#define SSTOP 4
#define SZOMB 5

struct extern_proc {
    struct timeval p_starttime;
    uint8_t reserved_links[16];
    int32_t p_flag;
    char p_stat;
    int32_t p_pid;
    int32_t p_oppid;
    uint8_t reserved_usage[192];
    uint8_t p_priority;
    uint8_t p_usrpri;
    char p_nice;
    char p_comm[17];
    uint8_t reserved_end[36];
};
_Static_assert(sizeof(struct timeval) == 16, "struct timeval");
_Static_assert(offsetof(struct extern_proc, p_flag) == 32, "p_flag");
_Static_assert(offsetof(struct extern_proc, p_stat) == 36, "p_stat");
_Static_assert(offsetof(struct extern_proc, p_pid) == 40, "p_pid");
_Static_assert(offsetof(struct extern_proc, p_priority) == 240, "p_priority");
_Static_assert(offsetof(struct extern_proc, p_nice) == 242, "p_nice");
_Static_assert(offsetof(struct extern_proc, p_comm) == 243, "p_comm");
_Static_assert(sizeof(struct extern_proc) == 296, "struct extern_proc");

struct kinfo_proc {
    struct extern_proc kp_proc;
    struct eproc {
        uint8_t reserved_session[96];
        struct {
            uid_t p_ruid;
            uint8_t reserved[24];
        } e_pcred;
        struct {
            uid_t cr_uid; /* effective */
            uint8_t reserved[136];
        } e_ucred;
        pid_t e_ppid;
        pid_t e_pgid;
        uint8_t reserved_end[80];
    } kp_eproc;
};
_Static_assert(sizeof(struct kinfo_proc) == 648, "struct kinfo_proc");
_Static_assert(offsetof(struct kinfo_proc, kp_eproc.e_pcred.p_ruid) == 392, "p_ruid");
_Static_assert(offsetof(struct kinfo_proc, kp_eproc.e_ucred.cr_uid) == 420, "cr_uid");
_Static_assert(offsetof(struct kinfo_proc, kp_eproc.e_ppid) == 560, "e_ppid");
_Static_assert(offsetof(struct kinfo_proc, kp_eproc.e_pgid) == 564, "e_pgid");

struct loadavg {
    uint32_t ldavg[3]; /* of 1, 5 and 15 minutes, times fscale */
    long fscale;
};
_Static_assert(sizeof(struct loadavg) == 24, "struct loadavg");
_Static_assert(offsetof(struct loadavg, fscale) == 16, "fscale");

struct xsw_usage {
    uint64_t xsu_total;
    uint64_t xsu_avail;
    uint64_t xsu_used;
    uint32_t xsu_pagesize;
    int xsu_encrypted;
};
_Static_assert(sizeof(struct xsw_usage) == 32, "struct xsw_usage");

#endif
