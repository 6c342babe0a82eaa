/*
 * Memory of the host.
 *
 *   source  host_statistics64(HOST_VM_INFO64); sysctl hw.memsize, vm.swapusage
 *   units   pages of the kernel, which under Rosetta are not those of this program
 *   absent  what only Linux tells apart (buffers, dirty, slab ...), times of faults, kills
 *
 * The kernel answers a program that is not Apple's a few times a second, together with all others
 * that ask the same, and then repeats what it said: so it is asked once a second at most, and for
 * 38 words, which is what it has said from macOS 10.9 on. Memory used is as Activity Monitor adds
 * it up: wired, compressed, and what programs hold less what they marked as purgeable; the rest is
 * available.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysctl.h>

#include <mach/mach.h>

#include "recorder/collectors/collectors_macos.h"
#include "recorder/sysctl_macos.h"

#define ONE_SECOND_NS INT64_C(1000000000)

/* The first 38 words of struct vm_statistics64, whose size is another in each SDK. */
struct vm_words {
    uint32_t free_count, active_count, inactive_count, wire_count;
    uint64_t zero_fills, reactivations, pageins, pageouts, faults, cow_faults, lookups, hits;
    uint64_t purges;
    uint32_t purgeable_count, speculative_count;
    uint64_t decompressions, compressions, swapins, swapouts;
    uint32_t compressor_page_count, throttled_count, external_count, internal_count;
    uint64_t uncompressed_in_compressor;
};
_Static_assert(sizeof(struct vm_words) == 152, "38 words");
_Static_assert(offsetof(struct vm_words, pageins) == 32, "pageins");
_Static_assert(offsetof(struct vm_words, purgeable_count) == 88, "purgeable_count");
_Static_assert(offsetof(struct vm_words, swapins) == 112, "swapins");
_Static_assert(offsetof(struct vm_words, external_count) == 136, "external_count");
_Static_assert(offsetof(struct vm_words, uncompressed_in_compressor) == 144, "uncompressed");
enum {
    WORDS = sizeof(struct vm_words) / sizeof(integer_t),
    WORDS_REV0 = 24, /* up to speculative_count: before macOS 10.9, and in some virtual machines */
};

struct memory_state {
    mach_port_t host;
    int64_t total_bytes;
    bool has_total, present;
};

struct row {
    int64_t values[MEMORY_METRIC_COUNT];
    uint8_t missing[MEMORY_METRIC_COUNT];
};

static void put(struct row *row, enum memory_metric metric, int64_t value)
{
    row->values[metric] = value;
    row->missing[metric] = MISSING_NONE;
}

static void put_pages(struct row *row, enum memory_metric metric, int64_t pages)
{
    put(row, metric, pages < 0 ? 0 : pages * (int64_t)vm_kernel_page_size);
}

/* What only REV1 has. Purgeable and external memory may be more than the rest for a moment. */
static void put_rev1(const struct memory_state *memory, struct row *row, const struct vm_words *vm)
{
    int64_t held = (int64_t)vm->internal_count - vm->purgeable_count;
    int64_t used = (held > 0 ? held : 0) + vm->wire_count + vm->compressor_page_count;
    int64_t available = memory->total_bytes - used * (int64_t)vm_kernel_page_size;

    put_pages(row, MEMORY_CACHED_BYTES, (int64_t)vm->external_count + vm->purgeable_count);
    put_pages(row, MEMORY_ANONYMOUS_BYTES, vm->internal_count);
    put_pages(row, MEMORY_COMPRESSED_BYTES, vm->compressor_page_count);
    put_pages(row, MEMORY_SWAP_IN_BYTES_TOTAL, (int64_t)vm->swapins);
    put_pages(row, MEMORY_SWAP_OUT_BYTES_TOTAL, (int64_t)vm->swapouts);
    if (memory->has_total)
        put(row, MEMORY_AVAILABLE_BYTES, available > 0 ? available : 0);
}

static enum status put_statistics(const struct memory_state *memory, struct row *row,
                                  struct error *err)
{
    struct vm_words vm = { 0 };
    mach_msg_type_number_t count = WORDS;
    kern_return_t result =
        host_statistics64(memory->host, HOST_VM_INFO64, (host_info64_t)&vm, &count);

    if (result != KERN_SUCCESS)
        return error_set(err, STATUS_IO, "host_statistics64: %s", mach_error_string(result));
    if (count < WORDS_REV0)
        return error_set(err, STATUS_CORRUPT, "host_statistics64: %u words", count);
    /* free_count has the speculative pages in it */
    put_pages(row, MEMORY_FREE_BYTES, (int64_t)vm.free_count - vm.speculative_count);
    put_pages(row, MEMORY_WIRED_BYTES, vm.wire_count);
    put_pages(row, MEMORY_PAGE_IN_BYTES_TOTAL, (int64_t)vm.pageins);
    put_pages(row, MEMORY_PAGE_OUT_BYTES_TOTAL, (int64_t)vm.pageouts);
    if (count >= WORDS)
        put_rev1(memory, row, &vm);
    return STATUS_OK;
}

/* It may be 0: swap space is made when it is needed. */
static void put_swap(struct row *row)
{
    struct xsw_usage swap;
    size_t size = sizeof swap;

    if (sysctlbyname("vm.swapusage", &swap, &size, NULL, 0) != 0 || size != sizeof swap) {
        row->missing[MEMORY_SWAP_TOTAL_BYTES] = MISSING_FAILED;
        row->missing[MEMORY_SWAP_FREE_BYTES] = MISSING_FAILED;
        return;
    }
    put(row, MEMORY_SWAP_TOTAL_BYTES, (int64_t)swap.xsu_total);
    put(row, MEMORY_SWAP_FREE_BYTES, (int64_t)swap.xsu_avail);
}

static enum status memory_collect(void *state, struct tick *tick, struct error *err)
{
    struct memory_state *memory = state;
    struct row row;
    int64_t *values;
    uint8_t *missing;

    memset(row.values, 0, sizeof row.values);
    memset(row.missing, MISSING_UNSUPPORTED, sizeof row.missing);
    if (put_statistics(memory, &row, err) != STATUS_OK)
        return err->status;
    if (memory->has_total)
        put(&row, MEMORY_TOTAL_BYTES, memory->total_bytes);
    put_swap(&row);
    if (tick_row_values(tick, TABLE_MEMORY, 0, memory->present ? 0 : ROW_FIRST, &values,
                        &missing) == NULL)
        return error_set(err, STATUS_NO_MEMORY, "row of memory_samples");
    memory->present = true;
    memcpy(values, row.values, sizeof row.values);
    memcpy(missing, row.missing, sizeof row.missing);
    tick_sampled(tick, TABLE_MEMORY);
    return STATUS_OK;
}

static void memory_close(void *state)
{
    struct memory_state *memory = state;

    if (memory == NULL)
        return;
    if (memory->host != MACH_PORT_NULL)
        (void)mach_port_deallocate(mach_task_self(), memory->host);
    free(memory);
}

static enum status memory_open(void **state, const struct collect_context *context,
                               struct capability *capability, struct error *err)
{
    struct memory_state *memory = calloc(1, sizeof *memory);

    (void)context;
    *state = memory;
    if (memory == NULL)
        return error_set(err, STATUS_NO_MEMORY, "memory collector");
    *capability = (struct capability){ .status = CAPABILITY_OK };
    memory->host = mach_host_self();
    memory->has_total = sysctl_number("hw.memsize", &memory->total_bytes);
    return STATUS_OK;
}

const struct collector memory_collector = {
    .name = "memory",
    .description = "memory and swap of the host",
    .source = "host_statistics64, vm.swapusage, hw.memsize",
    .needs = "nothing",
    .absence = "buffers, dirty, slab and the like: Darwin does not tell them apart",
    .table = TABLE_MEMORY,
    .divisor = 1,
    .period_ns = ONE_SECOND_NS,
    .open = memory_open,
    .collect = memory_collect,
    .close = memory_close,
};
