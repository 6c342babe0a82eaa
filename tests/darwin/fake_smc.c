/* The System Management Controller: keys of four letters. */
#include "tests/darwin/fake_smc.h"

#include "tests/darwin/fake_iokit.h"

kern_return_t fake_smc_call(uint32_t selector, const void *input, size_t input_size, void *output,
                            size_t *output_size)
{
    (void)selector, (void)input, (void)input_size, (void)output, (void)output_size;
    return KERN_FAILURE;
}
