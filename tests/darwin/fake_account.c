/* Rights, memory handed out, and calls. A wrong release is a fault that is told at the end. */
#include "tests/darwin/fake_kernel.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_MAX = 64, RIGHTS_MAX = 16 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t calls[CALL_COUNT];
static struct {
    unsigned name;
    int references;
} rights[RIGHTS_MAX];
static struct {
    void *memory;
    size_t size;
} out_of_line[OUT_MAX];
static int wrong_rights, wrong_memory;

void fake_count(enum fake_call call)
{
    pthread_mutex_lock(&lock);
    calls[call]++;
    pthread_mutex_unlock(&lock);
}

int64_t fake_counted(enum fake_call call)
{
    int64_t count;

    pthread_mutex_lock(&lock);
    count = calls[call];
    pthread_mutex_unlock(&lock);
    return count;
}

const char *fake_call_name(enum fake_call call)
{
    static const char *const names[CALL_COUNT] = {
        "sysctl",         "proc_pidinfo",        "proc_pid_rusage",
        "proc_pidfdinfo", "proc_listpids",       "coalition_info_resource_usage",
        "proc_pidpath",   "host_processor_info", "host_statistics64"
    };

    return names[call];
}

void fake_take_right(unsigned name)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < RIGHTS_MAX; i++) {
        if (rights[i].name != 0 && rights[i].name != name)
            continue;
        rights[i].name = name;
        rights[i].references++;
        break;
    }
    pthread_mutex_unlock(&lock);
}

bool fake_release_right(unsigned name)
{
    bool held = false;

    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < RIGHTS_MAX && !held; i++) {
        held = rights[i].name == name && rights[i].references > 0;
        rights[i].references -= held;
    }
    wrong_rights += !held;
    pthread_mutex_unlock(&lock);
    return held;
}

void *fake_hand_out(size_t size)
{
    void *memory = malloc(size);

    if (memory == NULL)
        abort();
    memset(memory, 0xa5, size);
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < OUT_MAX; i++) {
        if (out_of_line[i].memory != NULL)
            continue;
        out_of_line[i].memory = memory;
        out_of_line[i].size = size;
        pthread_mutex_unlock(&lock);
        return memory;
    }
    fputs("fake kernel: too much memory is out\n", stderr);
    abort();
}

bool fake_take_back(uintptr_t address, size_t size)
{
    void *memory = NULL;

    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < OUT_MAX && memory == NULL; i++) {
        if ((uintptr_t)out_of_line[i].memory != address || out_of_line[i].size != size)
            continue;
        memory = out_of_line[i].memory;
        out_of_line[i].memory = NULL;
    }
    wrong_memory += memory == NULL;
    pthread_mutex_unlock(&lock);
    free(memory);
    return memory != NULL;
}

int fake_settle(FILE *out)
{
    int faults = wrong_rights + wrong_memory + fake_ipc_settle(out) + fake_iokit_settle(out);

    if (wrong_rights > 0)
        fprintf(out, "fake kernel: %d rights released that were not held\n", wrong_rights);
    if (wrong_memory > 0)
        fprintf(out, "fake kernel: %d times memory given back that was not out\n", wrong_memory);
    for (size_t i = 0; i < RIGHTS_MAX; i++) {
        if (rights[i].references == 0)
            continue;
        fprintf(out, "fake kernel: port %#x has %d references\n", rights[i].name,
                rights[i].references);
        faults++;
    }
    for (size_t i = 0; i < OUT_MAX; i++) {
        if (out_of_line[i].memory == NULL)
            continue;
        fprintf(out, "fake kernel: %zu bytes were not given back\n", out_of_line[i].size);
        faults++;
    }
    return faults;
}
