/*
 * Mach: what the host tells of its cores and memory. Answers of memory are fresh a few times a
 * second, counted apart for each size that is asked for; then the last one comes again.
 */
#include "tests/darwin/fake_kernel.h"

#include <stdlib.h>
#include <string.h>

#include <mach/mach.h>

enum { HOST_PORT = 0x1203, TASK_PORT = 0x203, TICK_NS = 10000000, WORDS_MOST = 62, SIZES = 4 };

mach_port_t mach_task_self_ = TASK_PORT;
vm_size_t vm_kernel_page_size;

mach_port_t mach_host_self(void)
{
    fake_take_right(HOST_PORT);
    return HOST_PORT;
}

kern_return_t mach_port_deallocate(mach_port_t task, mach_port_t name)
{
    int result;

    if (task != mach_task_self_)
        return KERN_INVALID_ARGUMENT;
    if (fake_ipc_deallocate(name, &result))
        return result;
    return fake_release_right(name) ? KERN_SUCCESS : KERN_INVALID_NAME;
}

kern_return_t vm_deallocate(mach_port_t task, vm_address_t address, vm_size_t size)
{
    if (task != mach_task_self_)
        return KERN_INVALID_ARGUMENT;
    return fake_take_back(address, size) ? KERN_SUCCESS : KERN_INVALID_ADDRESS;
}

char *mach_error_string(kern_return_t code)
{
    static char text[] = "(os/kern) failure";

    (void)code;
    return text;
}

/* --- cores --- */

/* Of a core that is off line none of them moves. */
static void fill_core(const struct fake_core *core, integer_t *ticks)
{
    int64_t now_ns = fake_now_ns(), awake_ns, user_ns, system_ns, idle_ns;

    if (span_has(&core->off, now_ns))
        now_ns = core->off.from_ns;
    awake_ns = fake_awake_at(now_ns);
    if (fake_now_ns() >= core->off.to_ns)
        awake_ns -= core->off.to_ns - core->off.from_ns;
    user_ns = curve_at(&core->user, 0, awake_ns);
    system_ns = curve_at(&core->system, 0, awake_ns);
    idle_ns = awake_ns - user_ns - system_ns;
    ticks[CPU_STATE_USER] = (integer_t)(core->before[0] + (uint32_t)(user_ns / TICK_NS));
    ticks[CPU_STATE_SYSTEM] = (integer_t)(core->before[1] + (uint32_t)(system_ns / TICK_NS));
    ticks[CPU_STATE_IDLE] = (integer_t)(core->before[2] + (uint32_t)(idle_ns / TICK_NS));
    ticks[CPU_STATE_NICE] = 0;
}

kern_return_t host_processor_info(mach_port_t host, int flavor, natural_t *core_count,
                                  processor_info_array_t *info, mach_msg_type_number_t *count)
{
    fake_count(CALL_PROCESSOR_INFO);
    if (host != HOST_PORT || flavor != PROCESSOR_CPU_LOAD_INFO)
        return KERN_INVALID_ARGUMENT;
    if (span_has(&fake->cores_fail, fake_now_ns()))
        return KERN_FAILURE;
    *core_count = (natural_t)fake->core_count + fake->odd_core_counts;
    *count = (mach_msg_type_number_t)(fake->core_count * CPU_STATE_MAX);
    *info = fake_hand_out(*count * sizeof **info);
    for (size_t i = 0; i < fake->core_count; i++)
        fill_core(&fake->cores[i], *info + i * CPU_STATE_MAX);
    return KERN_SUCCESS;
}

/* --- memory --- */

static uint32_t pages(enum vm_field field)
{
    return (uint32_t)curve_at(&fake->memory[field], 0, fake_awake_at(fake_now_ns()));
}

static void put_wide(uint32_t *words, size_t offset, uint64_t value)
{
    memcpy((uint8_t *)words + offset, &value, sizeof value);
}

static void fill_memory(uint32_t words[WORDS_MOST])
{
    memset(words, 0, WORDS_MOST * sizeof *words);
    words[0] = pages(VM_FREE);
    words[1] = pages(VM_ACTIVE);
    words[2] = pages(VM_INACTIVE);
    words[3] = pages(VM_WIRE);
    put_wide(words, 32, pages(VM_PAGEINS));
    put_wide(words, 40, pages(VM_PAGEOUTS));
    words[22] = pages(VM_PURGEABLE);
    words[23] = pages(VM_SPECULATIVE);
    put_wide(words, 112, pages(VM_SWAPINS));
    put_wide(words, 120, pages(VM_SWAPOUTS));
    words[32] = pages(VM_COMPRESSOR);
    words[34] = pages(VM_EXTERNAL);
    words[35] = pages(VM_INTERNAL);
}

/* The newest revision that fits, and that this kernel has. */
static unsigned words_for(unsigned room)
{
    static const unsigned revisions[SIZES] = { 62, 40, 38, 24 };

    for (size_t i = 0; i < SIZES; i++)
        if (revisions[i] <= room && revisions[i] <= (unsigned)fake->vm_words)
            return revisions[i];
    return 0;
}

kern_return_t host_statistics64(mach_port_t host, int flavor, host_info64_t info,
                                mach_msg_type_number_t *count)
{
    static struct {
        int64_t window_ns, answers;
        uint32_t words[WORDS_MOST];
    } cache[WORDS_MOST + 1]; /* by words */
    unsigned words = words_for(*count);
    int64_t now_ns = fake_now_ns();

    fake_count(CALL_STATISTICS);
    if (host != HOST_PORT || flavor != HOST_VM_INFO64)
        return KERN_INVALID_ARGUMENT;
    if (words == 0 || span_has(&fake->memory_fails, now_ns))
        return KERN_FAILURE;
    if (cache[words].answers == 0 || now_ns - cache[words].window_ns >= 1000000000) {
        cache[words].window_ns = now_ns;
        cache[words].answers = 0;
    }
    if (cache[words].answers++ < fake->vm_fresh_answers)
        fill_memory(cache[words].words);
    memcpy(info, cache[words].words, words * sizeof *info);
    *count = words;
    return KERN_SUCCESS;
}
