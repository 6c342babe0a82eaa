/* Mach: ports, what the host tells of its cores and memory, and giving back what was handed out. */
#ifndef DARWIN_MACH_MACH_H
#define DARWIN_MACH_MACH_H

#include <stdint.h>

typedef int kern_return_t;
typedef unsigned mach_port_t;
typedef unsigned natural_t;
typedef int integer_t;
typedef uintptr_t vm_address_t;
typedef uintptr_t vm_size_t;
typedef integer_t *processor_info_array_t;
typedef integer_t *host_info64_t;
typedef unsigned mach_msg_type_number_t;

#define KERN_SUCCESS 0
#define KERN_INVALID_ADDRESS 1
#define KERN_INVALID_ARGUMENT 4
#define KERN_FAILURE 5
#define KERN_INVALID_NAME 15
#define KERN_INVALID_RIGHT 17
#define MACH_PORT_NULL 0

#define PROCESSOR_CPU_LOAD_INFO 2
#define CPU_STATE_USER 0
#define CPU_STATE_SYSTEM 1
#define CPU_STATE_IDLE 2
#define CPU_STATE_NICE 3
#define CPU_STATE_MAX 4
#define HOST_VM_INFO64 4

extern mach_port_t mach_task_self_; /* not a reference of ours: never given back */
#define mach_task_self() mach_task_self_
extern vm_size_t vm_kernel_page_size;

mach_port_t mach_host_self(void); /* another reference at each call */
kern_return_t mach_port_deallocate(mach_port_t task, mach_port_t name);
/* Memory out of line at *info: vm_deallocate. */
kern_return_t host_processor_info(mach_port_t host, int flavor, natural_t *core_count,
                                  processor_info_array_t *info, mach_msg_type_number_t *count);
kern_return_t host_statistics64(mach_port_t host, int flavor, host_info64_t info,
                                mach_msg_type_number_t *count);
kern_return_t vm_deallocate(mach_port_t task, vm_address_t address, vm_size_t size);
char *mach_error_string(kern_return_t code);

#endif
