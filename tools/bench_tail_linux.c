/*
 * What the tail writes: bytes given to storage and syncs per tick, by standing in for the C
 * library's pwrite and fdatasync in this program. Takes the options of make_recording.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/generate_ticks.h"

static struct {
    int64_t database_bytes, wal_bytes, syncs;
} sent;

static bool is_wal(int fd)
{
    char link[64], path[4096];
    ssize_t size;

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    size = readlink(link, path, sizeof path);
    return size > 4 && memcmp(path + size - 4, "-wal", 4) == 0;
}

static ssize_t counted_write(int fd, const void *data, size_t size, int64_t offset)
{
    long written = syscall(SYS_pwrite64, fd, data, size, offset);

    if (written > 0)
        *(is_wal(fd) ? &sent.wal_bytes : &sent.database_bytes) += written;
    return written;
}

/* SQLite's library finds these instead of the C library's: symbols are hidden otherwise. */
#define STANDS_IN __attribute__((visibility("default")))
STANDS_IN ssize_t pwrite(int fd, const void *data, size_t size, off_t offset);
STANDS_IN ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset);
STANDS_IN int fsync(int fd);
STANDS_IN int fdatasync(int fd);

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    return counted_write(fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset)
{
    return counted_write(fd, data, size, offset);
}

int fsync(int fd)
{
    sent.syncs++;
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    sent.syncs++;
    return (int)syscall(SYS_fdatasync, fd);
}

static void print_sent(int64_t ticks)
{
    double n = (double)ticks;

    printf("ticks=%" PRId64 " bytes=%.0f wal_bytes=%.0f database_bytes=%.0f syncs=%.4f\n", ticks,
           (double)(sent.wal_bytes + sent.database_bytes) / n, (double)sent.wal_bytes / n,
           (double)sent.database_bytes / n, (double)sent.syncs / n);
}

static enum status run(const struct generate_options *options, struct error *err)
{
    struct writer_options to = { .path = options->path,
                                 .commit_ns = options->commit_ns,
                                 .sync_ns = options->sync_ns };
    struct session_facts facts;
    struct generate_ticks ticks;
    struct writer *writer = NULL;
    enum status st = generate_ticks_init(&ticks, options, &facts, err);

    if (st == STATUS_OK)
        st = writer_open(&writer, &to, &facts, err);
    memset(&sent, 0, sizeof sent); /* the catalog is written once */
    for (int64_t s = 0; s < options->seconds && st == STATUS_OK; s++) {
        st = generate_ticks_next(&ticks, err);
        if (st == STATUS_OK)
            st = writer_tick(writer, &ticks.tick, err);
        if (st == STATUS_OK)
            st = generate_ticks_after(&ticks, writer, err);
    }
    if (st == STATUS_OK)
        print_sent(options->seconds);
    if (writer != NULL) {
        struct error unused = { 0 };
        enum status closed = writer_close(writer, "stop", st == STATUS_OK ? err : &unused);

        st = st == STATUS_OK ? closed : st;
    }
    generate_ticks_release(&ticks);
    return st;
}

int main(int argc, char *argv[])
{
    struct generate_options options;
    struct error err = { 0 };

    if (generate_options_parse(&options, argc, argv, &err) != STATUS_OK) {
        fprintf(stderr, "bench_tail: %s\n%s", err.message, generate_usage);
        return 2;
    }
    if (run(&options, &err) != STATUS_OK) {
        fprintf(stderr, "bench_tail: %s\n", err.message);
        return 1;
    }
    return 0;
}
