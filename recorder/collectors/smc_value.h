/* What the bytes of a key of the System Management Controller mean, by the type that it has. */
#ifndef RECORDER_SMC_VALUE_H
#define RECORDER_SMC_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "Tp01" and the like as a number, as the controller has them. */
#define SMC_KEY(a, b, c, d)                                                                        \
    ((uint32_t)(uint8_t)(a) << 24 | (uint32_t)(uint8_t)(b) << 16 | (uint32_t)(uint8_t)(c) << 8 |   \
     (uint32_t)(uint8_t)(d))

/* Thousandths of the number; false: the type is not known, or it is no number. */
bool smc_value_milli(uint32_t type, const uint8_t *bytes, size_t size, int64_t *milli);

enum smc_kind { SMC_NOTHING, SMC_CPU_HEAT, SMC_GPU_HEAT };
/* What a key of Apple Silicon or of Intel Macs tells; NOTHING for those that nobody explains. */
enum smc_kind smc_kind_of(uint32_t key);

#endif
