/* One line, written over and over. */
#include "analyzer/progress.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { QUIET_MS = 1000, STEP_MS = 100 };

static struct {
    bool on, shown;
    int64_t begun_ms, shown_ms;
    size_t pass, pass_count;
} progress;

static int64_t now_ms(void)
{
    struct timespec now = { 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_begin(void)
{
    progress.on = isatty(STDERR_FILENO) == 1;
    progress.begun_ms = now_ms();
}

void progress_off(void)
{
    progress_clear();
    progress.on = false;
}

void progress_pass(size_t pass, size_t count)
{
    progress.pass = pass;
    progress.pass_count = count;
}

void progress_show(size_t done, size_t all)
{
    int64_t now;

    if (!progress.on)
        return;
    now = now_ms();
    if (now - progress.begun_ms < QUIET_MS || now - progress.shown_ms < STEP_MS)
        return;
    progress.shown = true;
    progress.shown_ms = now;
    if (progress.pass_count > 1 && all > 0)
        (void)fprintf(stderr, "\rread %.1f %% ",
                      100 * ((double)progress.pass + (double)done / (double)all) /
                          (double)progress.pass_count);
    else
        (void)fprintf(stderr, "\rreading %zu of %zu blocks ", done, all);
}

void progress_clear(void)
{
    if (progress.shown)
        (void)fputs("\r\033[K", stderr);
    progress.shown = false;
}
