/* The SMC of a simulated Mac. */
#ifndef DARWIN_FAKE_SMC_H
#define DARWIN_FAKE_SMC_H

#include <stddef.h>
#include <stdint.h>

#include <mach/mach.h>

kern_return_t fake_smc_call(uint32_t selector, const void *input, size_t input_size, void *output,
                            size_t *output_size);

#endif
