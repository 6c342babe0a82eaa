/* Declared in mach.h, where the kernel has them by themselves. */
#ifndef DARWIN_MACH_MACH_VM_H
#define DARWIN_MACH_MACH_VM_H

#include <mach/mach.h>

#endif
