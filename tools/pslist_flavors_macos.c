/* Numbers and offsets: the same on both processors from macOS 11 to 15. */
#include "tools/pslist_flavors.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

#define BSD_FIELDS(base)                                                                           \
    { "pbi_flags", (base), FIELD_U32, 0 }, { "pbi_status", (base) + 4, FIELD_U32, 0 },             \
        { "pbi_xstatus", (base) + 8, FIELD_U32, 0 }, { "pbi_pid", (base) + 12, FIELD_U32, 0 },     \
        { "pbi_ppid", (base) + 16, FIELD_U32, 0 }, { "pbi_uid", (base) + 20, FIELD_U32, 0 },       \
        { "pbi_gid", (base) + 24, FIELD_U32, 0 }, { "pbi_ruid", (base) + 28, FIELD_U32, 0 },       \
        { "pbi_comm", (base) + 48, FIELD_TEXT, 16 }, { "pbi_name", (base) + 64, FIELD_TEXT, 32 },  \
        { "pbi_nfiles", (base) + 96, FIELD_U32, 0 }, { "pbi_pgid", (base) + 100, FIELD_U32, 0 },   \
        { "e_tdev", (base) + 108, FIELD_U32, 0 }, { "pbi_nice", (base) + 116, FIELD_I32, 0 },      \
        { "pbi_start_tvsec", (base) + 120, FIELD_U64, 0 },                                         \
    {                                                                                              \
        "pbi_start_tvusec", (base) + 128, FIELD_U64, 0                                             \
    }
#define TASK_FIELDS(base)                                                                          \
    { "pti_virtual_size", (base), FIELD_U64, 0 },                                                  \
        { "pti_resident_size", (base) + 8, FIELD_U64, 0 },                                         \
        { "pti_total_user", (base) + 16, FIELD_U64, 0 },                                           \
        { "pti_total_system", (base) + 24, FIELD_U64, 0 },                                         \
        { "pti_policy", (base) + 48, FIELD_I32, 0 }, { "pti_faults", (base) + 52, FIELD_I32, 0 },  \
        { "pti_pageins", (base) + 56, FIELD_I32, 0 }, { "pti_csw", (base) + 80, FIELD_I32, 0 },    \
        { "pti_threadnum", (base) + 84, FIELD_I32, 0 },                                            \
        { "pti_numrunning", (base) + 88, FIELD_I32, 0 },                                           \
    {                                                                                              \
        "pti_priority", (base) + 92, FIELD_I32, 0                                                  \
    }

static const struct pslist_field descriptor[] = { { "proc_fd", 0, FIELD_I32, 0 },
                                                  { "proc_fdtype", 4, FIELD_U32, 0 } };
static const struct pslist_field bsd[] = { BSD_FIELDS(0) };
static const struct pslist_field task[] = { TASK_FIELDS(0) };
static const struct pslist_field both[] = { BSD_FIELDS(0), TASK_FIELDS(136) };
static const struct pslist_field thread[] = {
    { "pth_user_time", 0, FIELD_U64, 0 },   { "pth_system_time", 8, FIELD_U64, 0 },
    { "pth_cpu_usage", 16, FIELD_I32, 0 },  { "pth_policy", 20, FIELD_I32, 0 },
    { "pth_run_state", 24, FIELD_I32, 0 },  { "pth_flags", 28, FIELD_I32, 0 },
    { "pth_sleep_time", 32, FIELD_I32, 0 }, { "pth_curpri", 36, FIELD_I32, 0 },
    { "pth_name", 48, FIELD_TEXT, 64 },
};
static const struct pslist_field handle[] = { { "handle", 0, FIELD_U64, 0 } };
static const struct pslist_field directories[] = { { "pvi_cdir", 152, FIELD_TEXT, 1024 },
                                                   { "pvi_rdir", 1328, FIELD_TEXT, 1024 } };
static const struct pslist_field path[] = { { "path", 0, FIELD_TEXT, 4096 } };
static const struct pslist_field queue[] = { { "pwq_nthreads", 0, FIELD_U32, 0 },
                                             { "pwq_runthreads", 4, FIELD_U32, 0 },
                                             { "pwq_blockedthreads", 8, FIELD_U32, 0 },
                                             { "pwq_state", 12, FIELD_U32, 0 } };
static const struct pslist_field brief[] = {
    { "pbsi_pid", 0, FIELD_U32, 0 },     { "pbsi_ppid", 4, FIELD_U32, 0 },
    { "pbsi_pgid", 8, FIELD_U32, 0 },    { "pbsi_status", 12, FIELD_U32, 0 },
    { "pbsi_comm", 16, FIELD_TEXT, 16 }, { "pbsi_flags", 32, FIELD_U32, 0 },
    { "pbsi_uid", 36, FIELD_U32, 0 },    { "pbsi_gid", 40, FIELD_U32, 0 },
    { "pbsi_ruid", 44, FIELD_U32, 0 },
};
static const struct pslist_field port[] = { { "proc_fileport", 0, FIELD_U32, 0 },
                                            { "proc_fdtype", 4, FIELD_U32, 0 } };
static const struct pslist_field unique[] = { { "p_uuid", 0, FIELD_HEX, 16 },
                                              { "p_uniqueid", 16, FIELD_U64, 0 },
                                              { "p_puniqueid", 24, FIELD_U64, 0 },
                                              { "p_idversion", 32, FIELD_I32, 0 } };
static const struct pslist_field bsd_unique[] = { BSD_FIELDS(0),
                                                  { "p_uuid", 136, FIELD_HEX, 16 },
                                                  { "p_uniqueid", 152, FIELD_U64, 0 } };
static const struct pslist_field arch[] = { { "p_cputype", 0, FIELD_I32, 0 },
                                            { "p_cpusubtype", 4, FIELD_I32, 0 } };
static const struct pslist_field coalition[] = { { "coalition_id_resource", 0, FIELD_U64, 0 },
                                                 { "coalition_id_jetsam", 8, FIELD_U64, 0 } };
static const struct pslist_field platform[] = { { "platform", 0, FIELD_U32, 0 } };
static const struct pslist_field table[] = { { "table_size", 0, FIELD_U32, 0 },
                                             { "table_free", 4, FIELD_U32, 0 } };

#define WITH(list) list, COUNT_OF(list)
#define NOTHING NULL, 0

const struct pslist_flavor pslist_pid_flavors[] = {
    { 1, "PROC_PIDLISTFDS", ASK_PLAIN, WITH(descriptor), 8 },
    { 2, "PROC_PIDTASKALLINFO", ASK_PLAIN, WITH(both), 0 },
    { 3, "PROC_PIDTBSDINFO", ASK_ZOMBIES, WITH(bsd), 0 },
    { 4, "PROC_PIDTASKINFO", ASK_PLAIN, WITH(task), 0 },
    { 5, "PROC_PIDTHREADINFO", ASK_THREADS, WITH(thread), 0 },
    { 6, "PROC_PIDLISTTHREADS", ASK_PLAIN, WITH(handle), 8 },
    { 7, "PROC_PIDREGIONINFO", ASK_PLAIN, NOTHING, 0 },
    { 8, "PROC_PIDREGIONPATHINFO", ASK_PLAIN, NOTHING, 0 },
    { 9, "PROC_PIDVNODEPATHINFO", ASK_PLAIN, WITH(directories), 0 },
    { 10, "PROC_PIDTHREADPATHINFO", ASK_THREADS, WITH(thread), 0 },
    { 11, "PROC_PIDPATHINFO", ASK_PLAIN, WITH(path), 0 },
    { 12, "PROC_PIDWORKQUEUEINFO", ASK_PLAIN, WITH(queue), 0 },
    { 13, "PROC_PIDT_SHORTBSDINFO", ASK_ZOMBIES, WITH(brief), 0 },
    { 14, "PROC_PIDLISTFILEPORTS", ASK_PLAIN, WITH(port), 8 },
    { 15, "PROC_PIDTHREADID64INFO", ASK_IDS, WITH(thread), 0 },
    { 17, "PROC_PIDUNIQIDENTIFIERINFO", ASK_ZOMBIES, WITH(unique), 0 },
    { 18, "PROC_PIDT_BSDINFOWITHUNIQID", ASK_ZOMBIES, WITH(bsd_unique), 0 },
    { 19, "PROC_PIDARCHINFO", ASK_PLAIN, WITH(arch), 0 },
    { 20, "PROC_PIDCOALITIONINFO", ASK_PLAIN, WITH(coalition), 0 },
    { 25, "PROC_PIDEXITREASONBASICINFO", ASK_ZOMBIES, NOTHING, 0 },
    { 28, "PROC_PIDLISTTHREADIDS", ASK_PLAIN, WITH(handle), 8 },
    { 30, "PROC_PIDPLATFORMINFO", ASK_ZOMBIES, WITH(platform), 0 },
    { 32, "PROC_PIDIPCTABLEINFO", ASK_PLAIN, WITH(table), 0 },
    { 33, "PROC_PIDTHREADSCHEDINFO", ASK_IDS, NOTHING, 0 },
    { 34, "PROC_PIDTHREADCOUNTS", ASK_IDS, NOTHING, 0 },
};
const size_t pslist_pid_flavor_count = COUNT_OF(pslist_pid_flavors);

/* Behind the 24 bytes that say how it was opened. */
static const struct pslist_field opened[] = { { "fi_openflags", 0, FIELD_U32, 0 },
                                              { "fi_status", 4, FIELD_U32, 0 },
                                              { "fi_type", 16, FIELD_I32, 0 } };
static const struct pslist_field vnode[] = { { "fi_openflags", 0, FIELD_U32, 0 },
                                             { "vip_path", 176, FIELD_TEXT, 1024 } };
static const struct pslist_field socket[] = {
    { "soi_so", 160, FIELD_U64, 0 },         { "soi_type", 176, FIELD_I32, 0 },
    { "soi_protocol", 180, FIELD_I32, 0 },   { "soi_family", 184, FIELD_I32, 0 },
    { "soi_rcv.sbi_cc", 208, FIELD_U32, 0 }, { "soi_snd.sbi_cc", 232, FIELD_U32, 0 },
    { "soi_kind", 256, FIELD_I32, 0 },       { "insi_fport", 264, FIELD_PORT, 0 },
    { "insi_lport", 268, FIELD_PORT, 0 },    { "tcpsi_state", 344, FIELD_I32, 0 },
};

const struct pslist_flavor pslist_fd_flavors[] = {
    { 1, "PROC_PIDFDVNODEINFO", ASK_PLAIN, WITH(opened), 0 },
    { 2, "PROC_PIDFDVNODEPATHINFO", ASK_PLAIN, WITH(vnode), 0 },
    { 3, "PROC_PIDFDSOCKETINFO", ASK_PLAIN, WITH(socket), 0 },
    { 4, "PROC_PIDFDPSEMINFO", ASK_PLAIN, WITH(opened), 0 },
    { 5, "PROC_PIDFDPSHMINFO", ASK_PLAIN, WITH(opened), 0 },
    { 6, "PROC_PIDFDPIPEINFO", ASK_PLAIN, WITH(opened), 0 },
    { 7, "PROC_PIDFDKQUEUEINFO", ASK_PLAIN, WITH(opened), 0 },
    { 8, "PROC_PIDFDATALKINFO", ASK_PLAIN, WITH(opened), 0 },
    { 9, "PROC_PIDFDKQUEUE_EXTINFO", ASK_PLAIN, NOTHING, 0 },
    { 10, "PROC_PIDFDCHANNELINFO", ASK_PLAIN, WITH(opened), 0 },
};
const size_t pslist_fd_flavor_count = COUNT_OF(pslist_fd_flavors);

const struct pslist_flavor pslist_port_flavors[] = {
    { 2, "PROC_PIDFILEPORTVNODEPATHINFO", ASK_PLAIN, WITH(vnode), 0 },
    { 3, "PROC_PIDFILEPORTSOCKETINFO", ASK_PLAIN, WITH(socket), 0 },
    { 5, "PROC_PIDFILEPORTPSHMINFO", ASK_PLAIN, WITH(opened), 0 },
    { 6, "PROC_PIDFILEPORTPIPEINFO", ASK_PLAIN, WITH(opened), 0 },
};
const size_t pslist_port_flavor_count = COUNT_OF(pslist_port_flavors);
