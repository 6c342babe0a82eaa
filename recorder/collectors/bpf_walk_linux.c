/*
 * libbpf loads the program and is done then: what stays are descriptors and mappings. Nothing is
 * allocated or loaded after that, but for a longer mapping when there are more processes.
 *
 *   source  bpf(2); Documentation/bpf/ringbuf.rst of the kernel
 */
#include "recorder/collectors/bpf_walk_linux.h"

#ifdef PROCSCOPE_BPF_MISSING

enum status bpf_walk_open(struct bpf_walk **walk, enum bpf_rung rung, struct error *err)
{
    (void)rung;
    *walk = NULL;
    return error_set(err, STATUS_UNSUPPORTED, "%s", PROCSCOPE_BPF_MISSING);
}

void bpf_walk_close(struct bpf_walk *walk)
{
    (void)walk;
}

struct process_source bpf_walk_source(struct bpf_walk *walk)
{
    (void)walk;
    return (struct process_source){ .name = NULL };
}

bool bpf_walk_runs(struct bpf_walk *walk)
{
    (void)walk;
    return false;
}

#else

#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "process_bpf.h"
#include "recorder/collectors/bpf_ring_linux.h"
#include "recorder/collectors/bpf_stream_linux.h"

enum {
    FIRST_RECORDS = 1024, /* mapped at first */
    RECORDS_LEAST = 4096,
    RECORDS_MOST = 65536, /* 16 MiB of the kernel's memory */
    STREAM_BYTES = 256 * 1024,
    EVENT_PROGRAMS = 3,
};

struct bpf_walk {
    enum bpf_rung rung;
    int program_fd;               /* walk */
    int iterator_fd;              /* the link of iterate */
    int event_fd[EVENT_PROGRAMS]; /* the tracepoints stay attached as long as these are open */
    int records_fd;
    struct walk_control *control;
    struct walk_record *records;
    size_t mapped, room; /* records: that we have, that there are */
    struct bpf_ring ring;
    /* of rung 2 */
    uint8_t *bytes; /* [STREAM_BYTES] */
    struct bpf_stream stream;
};

static const char *const event_programs[EVENT_PROGRAMS] = { "on_exec", "on_exit", "on_free" };

/* --- loading --- */

/* What libbpf says first is about what failed. */
static char first_words[100];

__attribute__((format(printf, 2, 0))) static int remember_words(enum libbpf_print_level level,
                                                                const char *format, va_list args)
{
    if (level == LIBBPF_WARN && first_words[0] == '\0')
        (void)vsnprintf(first_words, sizeof first_words, format, args);
    return 0;
}

static enum status why_not(struct error *err, const char *what, int failure)
{
    first_words[strcspn(first_words, "\n")] = '\0';
    if (failure == -EPERM || failure == -EACCES)
        return error_set(err, STATUS_ABSENT, "%s: not permitted", what);
    return error_set(err, STATUS_UNSUPPORTED, "%s: %s%s%s", what, strerror(-failure),
                     first_words[0] != '\0' ? ": " : "", first_words);
}

/* Without find_cpus, resident pages are approximate where CPUs count them apart (Linux 6.2). */
static bool is_wanted(const char *name, enum bpf_rung rung)
{
    if (strcmp(name, "find_cpus") == 0)
        return libbpf_probe_bpf_helper(BPF_PROG_TYPE_SYSCALL, BPF_FUNC_map_lookup_percpu_elem,
                                       NULL) == 1;
    if (strcmp(name, "walk") == 0)
        return rung == BPF_WALKS;
    if (strcmp(name, "iterate") == 0)
        return rung == BPF_ITERATES;
    return true;
}

static int duplicate(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    return copy < 0 ? -errno : copy;
}

static int program_fd(const struct bpf_object *object, const char *name)
{
    return bpf_program__fd(bpf_object__find_program_by_name(object, name));
}

static int attach_events(struct bpf_walk *walk, const struct bpf_object *object)
{
    for (size_t i = 0; i < EVENT_PROGRAMS; i++) {
        int fd = bpf_raw_tracepoint_open(NULL, program_fd(object, event_programs[i]));

        if (fd < 0)
            return -errno;
        walk->event_fd[i] = fd;
    }
    return 0;
}

static int run(int fd)
{
    struct bpf_test_run_opts options = { .sz = sizeof options };

    return bpf_prog_test_run_opts(fd, &options) == 0 ? 0 : -errno;
}

static int map_all(struct bpf_walk *walk, const struct bpf_object *object)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int fd = bpf_object__find_map_fd_by_name(object, "control");
    void *at = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (at == MAP_FAILED)
        return -errno;
    walk->control = at;
    walk->records_fd = duplicate(bpf_object__find_map_fd_by_name(object, "records"));
    if (walk->records_fd < 0)
        return walk->records_fd;
    return bpf_ring_open(&walk->ring, bpf_object__find_map_fd_by_name(object, "ring"),
                         WALK_RING_BYTES);
}

/* Programs and maps stay as long as they are attached, mapped, or our copies are open. */
static int keep(struct bpf_walk *walk, const struct bpf_object *object)
{
    int failure = map_all(walk, object);

    if (failure == 0 && program_fd(object, "find_cpus") >= 0)
        (void)run(program_fd(object, "find_cpus"));
    if (failure == 0 && walk->rung == BPF_WALKS)
        failure = walk->program_fd = duplicate(program_fd(object, "walk"));
    if (failure >= 0 && walk->rung == BPF_ITERATES)
        failure = walk->iterator_fd =
            bpf_link_create(program_fd(object, "iterate"), 0, BPF_TRACE_ITER, NULL);
    return failure < 0 ? failure : attach_events(walk, object);
}

/* For twice as many as there are: a list that is longer takes more runs, and what has not run is not known. */
static size_t records_room(void)
{
    struct sysinfo info = { 0 };
    size_t twice;

    (void)sysinfo(&info);
    twice = (size_t)info.procs * 2;
    return twice < RECORDS_LEAST ? RECORDS_LEAST : twice > RECORDS_MOST ? RECORDS_MOST : twice;
}

static enum status load(struct bpf_walk *walk, struct error *err)
{
    struct bpf_object_open_opts options = { .sz = sizeof options, .object_name = "procscope" };
    struct bpf_object *object;
    struct bpf_program *program;
    int failure;

    first_words[0] = '\0';
    (void)libbpf_set_print(remember_words);
    object = bpf_object__open_mem(process_bpf, process_bpf_size, &options);
    if (object == NULL)
        return why_not(err, "BPF object", -errno);
    bpf_object__for_each_program(program, object)(void)
        bpf_program__set_autoload(program, is_wanted(bpf_program__name(program), walk->rung));
    walk->room = records_room();
    (void)bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "records"),
                                   (uint32_t)walk->room);
    failure = bpf_object__load(object);
    if (failure == 0)
        failure = keep(walk, object);
    bpf_object__close(object);
    (void)malloc_trim(0); /* the kernel's types took megabytes */
    return failure == 0 ? STATUS_OK : why_not(err, "BPF", failure);
}

static enum status map_records(struct bpf_walk *walk, size_t count, struct error *err)
{
    void *at =
        mmap(NULL, count * sizeof *walk->records, PROT_READ, MAP_SHARED, walk->records_fd, 0);

    if (at == MAP_FAILED)
        return error_set(err, STATUS_NO_MEMORY, "records of %zu processes: %s", count,
                         strerror(errno));
    if (walk->records != NULL)
        munmap(walk->records, walk->mapped * sizeof *walk->records);
    walk->records = at;
    walk->mapped = count;
    return STATUS_OK;
}

enum status bpf_walk_open(struct bpf_walk **opened, enum bpf_rung rung, struct error *err)
{
    struct bpf_walk *walk = calloc(1, sizeof *walk);
    enum status st;

    *opened = walk;
    if (walk == NULL)
        return error_set(err, STATUS_NO_MEMORY, "no memory for BPF");
    *walk = (struct bpf_walk){
        .rung = rung,
        .program_fd = -1,
        .iterator_fd = -1,
        .event_fd = { -1, -1, -1 },
        .records_fd = -1,
    };
    st = access("/sys/kernel/btf/vmlinux", R_OK) == 0
             ? load(walk, err)
             : error_set(err, STATUS_UNSUPPORTED, "kernel without type information (BTF)");
    if (st == STATUS_OK && rung == BPF_WALKS)
        st = map_records(walk, FIRST_RECORDS, err);
    if (st == STATUS_OK && rung == BPF_ITERATES && (walk->bytes = malloc(STREAM_BYTES)) == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "no memory for BPF");
    if (st == STATUS_OK && !bpf_walk_runs(walk))
        st = error_set(err, STATUS_UNSUPPORTED, "BPF: loaded, but finds no process");
    if (st == STATUS_OK)
        return STATUS_OK;
    bpf_walk_close(walk);
    *opened = NULL;
    return st;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void bpf_walk_close(struct bpf_walk *walk)
{
    if (walk == NULL)
        return;
    for (size_t i = 0; i < EVENT_PROGRAMS; i++)
        close_fd(walk->event_fd[i]);
    close_fd(walk->program_fd);
    close_fd(walk->iterator_fd);
    close_fd(walk->records_fd);
    if (walk->records != NULL)
        munmap(walk->records, walk->mapped * sizeof *walk->records);
    if (walk->control != NULL)
        munmap(walk->control, (size_t)sysconf(_SC_PAGESIZE));
    bpf_ring_close(&walk->ring);
    bpf_stream_release(&walk->stream);
    free(walk->bytes);
    free(walk);
}

/* --- rung 1 --- */

static void set_wish(struct bpf_walk *walk, const struct walk_wish *wish)
{
    struct walk_control *control = walk->control;

    assert(control != NULL); /* mapped before the first walk */
    control->cpu_count = control->cpus_found;
    control->exact_all = wish->exact_all;
    control->wants_cgroups = wish->cgroups;
    control->wants_block_delay = wish->block_delay;
    control->wants_all = wish->all;
    control->exact_pages = wish->exact_pages;
    control->exact_since_boot_ns = (uint64_t)wish->exact_since_ns;
    control->capacity = (uint32_t)walk->mapped;
    control->after_pid = 0;
    control->after_start_boot_ns = 0;
}

static enum status walk_list(struct bpf_walk *walk, walk_take *take, void *to, struct error *err)
{
    struct walk_control *control = walk->control;
    size_t total = 0;

    do {
        const struct walk_record *last;
        int failure = run(walk->program_fd);

        if (failure == 0 && control->count == 0 && total > 0)
            break; /* who was behind the last one is gone */
        if (failure != 0 || control->count == 0 || control->count > walk->mapped)
            return error_set(err, STATUS_IO, "walk of processes: %s",
                             failure != 0 ? strerror(-failure) : "it found none");
        take(to, walk->records, control->count);
        total += control->count;
        last = &walk->records[control->count - 1];
        control->after_pid = last->pid;
        control->after_start_boot_ns = last->start_boot_ns;
    } while (control->more);
    /* From the next time on in one run, if there is that much room; else these stay enough. */
    if (total > walk->mapped && walk->mapped < walk->room)
        (void)!map_records(walk, total + total / 4 < walk->room ? total + total / 4 : walk->room,
                           err);
    return STATUS_OK;
}

/* --- rung 2 --- */

static enum status read_stream(struct bpf_walk *walk, int fd, struct error *err)
{
    size_t used = 0;

    for (;;) {
        ssize_t got = read(fd, walk->bytes + used, STREAM_BYTES - used), taken;

        if (got < 0 && errno == EAGAIN) /* the kernel was about to hold the CPU for too long */
            continue;
        if (got <= 0)
            return got == 0 && used == 0 ? STATUS_OK
                                         : error_set(err, STATUS_IO, "iterator of processes: %s",
                                                     got < 0 ? strerror(errno) : "cut short");
        used += (size_t)got;
        taken = bpf_stream_take(&walk->stream, walk->bytes, used);
        if (taken < 0)
            return error_set(err, STATUS_NO_MEMORY, "no memory for the list of processes");
        used -= (size_t)taken;
        memmove(walk->bytes, walk->bytes + taken, used);
    }
}

static enum status iterate(struct bpf_walk *walk, walk_take *take, void *to, struct error *err)
{
    int fd = bpf_iter_create(walk->iterator_fd);
    enum status st;

    if (fd < 0)
        return error_set(err, STATUS_IO, "iterator of processes: %s", strerror(errno));
    bpf_stream_begin(&walk->stream);
    st = read_stream(walk, fd, err);
    close(fd);
    bpf_stream_end(&walk->stream);
    if (walk->stream.count > 0)
        take(to, walk->stream.list, walk->stream.count);
    return st;
}

/* --- the source --- */

static enum status walk_all(void *self, const struct walk_wish *wish, walk_take *take, void *to,
                            struct error *err)
{
    struct bpf_walk *walk = self;

    set_wish(walk, wish);
    return walk->rung == BPF_WALKS ? walk_list(walk, take, to, err) : iterate(walk, take, to, err);
}

static void drain(void *self, walk_event_take *take, void *to)
{
    struct bpf_walk *walk = self;

    bpf_ring_drain(&walk->ring, take, to);
}

static struct walk_losses losses(const void *self)
{
    const struct bpf_walk *walk = self;
    const volatile struct walk_control *control = walk->control;

    return (struct walk_losses){ control->lost_execs, control->lost_exits };
}

struct process_source bpf_walk_source(struct bpf_walk *walk)
{
    return (struct process_source){
        .name = walk->rung == BPF_WALKS ? "bpf" : "iter",
        .walk = walk_all,
        .drain = drain,
        .losses = losses,
        .self = walk,
    };
}

static void count_records(void *to, const struct walk_record *records, size_t count)
{
    size_t *sum = to;

    (void)records;
    *sum += count;
}

bool bpf_walk_runs(struct bpf_walk *walk)
{
    const struct walk_wish wish = { .exact_pages = INT64_MAX };
    struct error err;
    size_t count = 0;

    return walk_all(walk, &wish, count_records, &count, &err) == STATUS_OK && count > 0;
}

#endif
