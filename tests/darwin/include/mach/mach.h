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

/* --- messages --- */

typedef int boolean_t;
typedef uint64_t mach_vm_address_t;
typedef uint64_t mach_vm_size_t;
typedef uint64_t mach_vm_offset_t;
typedef uint64_t memory_object_size_t;
typedef uint64_t memory_object_offset_t;
typedef int vm_prot_t;
typedef unsigned vm_inherit_t;
typedef unsigned mach_port_right_t;
typedef int mach_port_delta_t;
typedef int mach_msg_return_t;
typedef int mach_msg_option_t;
typedef unsigned mach_msg_size_t;
typedef unsigned mach_msg_timeout_t;
typedef int mach_msg_id_t;

#define KERN_PROTECTION_FAILURE 2
#define MACH_PORT_RIGHT_RECEIVE 1
#define MACH_MSG_TYPE_MOVE_SEND 17
#define MACH_MSG_TYPE_MOVE_SEND_ONCE 18
#define MACH_MSG_TYPE_COPY_SEND 19
#define MACH_MSG_TYPE_MAKE_SEND 20
#define MACH_MSG_TYPE_MAKE_SEND_ONCE 21
#define MACH_MSGH_BITS_COMPLEX 0x80000000u
#define MACH_MSGH_BITS(remote, local) ((unsigned)(remote) | (unsigned)(local) << 8)
#define MACH_MSGH_BITS_REMOTE(bits) ((bits)&0x1fu)
#define MACH_MSGH_BITS_LOCAL(bits) (((bits)&0x1f00u) >> 8)
#define MACH_MSG_PORT_DESCRIPTOR 0
#define MACH_MSG_TIMEOUT_NONE 0
#define MACH_SEND_MSG 1
#define MACH_RCV_MSG 2
#define MACH_SEND_TIMEOUT 0x10
#define MACH_RCV_TIMEOUT 0x100
#define MACH_RCV_TRAILER_AUDIT 3
#define MACH_RCV_TRAILER_TYPE(type) (((type)&0xf) << 28)
#define MACH_RCV_TRAILER_ELEMENTS(elements) (((elements)&0xf) << 24)
#define MACH_MSG_TRAILER_FORMAT_0 0
#define MACH_MSG_SUCCESS 0
#define MACH_SEND_INVALID_DEST 0x10000003
#define MACH_RCV_TIMED_OUT 0x10004003
#define MACH_RCV_TOO_LARGE 0x10004004

typedef struct {
    unsigned msgh_bits;
    mach_msg_size_t msgh_size;
    mach_port_t msgh_remote_port;
    mach_port_t msgh_local_port;
    mach_port_t msgh_voucher_port;
    mach_msg_id_t msgh_id;
} mach_msg_header_t;
_Static_assert(sizeof(mach_msg_header_t) == 24, "mach_msg_header_t");

typedef struct {
    mach_msg_size_t msgh_descriptor_count;
} mach_msg_body_t;

typedef struct {
    mach_port_t name;
    mach_msg_size_t pad1;
    unsigned pad2 : 16;
    unsigned disposition : 8;
    unsigned type : 8;
} mach_msg_port_descriptor_t;
_Static_assert(sizeof(mach_msg_port_descriptor_t) == 12, "mach_msg_port_descriptor_t");

typedef struct {
    unsigned val[8];
} audit_token_t;

typedef struct {
    unsigned msgh_trailer_type;
    unsigned msgh_trailer_size;
    unsigned msgh_seqno;
    struct {
        unsigned val[2];
    } msgh_sender;
    audit_token_t msgh_audit;
} mach_msg_audit_trailer_t;
_Static_assert(sizeof(mach_msg_audit_trailer_t) == 52, "mach_msg_audit_trailer_t");

mach_msg_return_t mach_msg(mach_msg_header_t *message, mach_msg_option_t option,
                           mach_msg_size_t send_size, mach_msg_size_t receive_size,
                           mach_port_t receive_name, mach_msg_timeout_t timeout,
                           mach_port_t notify);
void mach_msg_destroy(mach_msg_header_t *message);
kern_return_t mach_port_allocate(mach_port_t task, mach_port_right_t right, mach_port_t *name);
kern_return_t mach_port_mod_refs(mach_port_t task, mach_port_t name, mach_port_right_t right,
                                 mach_port_delta_t delta);

/* --- memory --- */

#define VM_PROT_READ 1
#define VM_PROT_WRITE 2
#define VM_FLAGS_ANYWHERE 1
#define VM_INHERIT_NONE 2u
#define MAP_MEM_VM_SHARE 0x400000

kern_return_t mach_make_memory_entry_64(mach_port_t task, memory_object_size_t *size,
                                        memory_object_offset_t offset, vm_prot_t permission,
                                        mach_port_t *entry, mach_port_t parent);
kern_return_t mach_vm_map(mach_port_t task, mach_vm_address_t *address, mach_vm_size_t size,
                          mach_vm_offset_t mask, int flags, mach_port_t object,
                          memory_object_offset_t offset, boolean_t copy, vm_prot_t now,
                          vm_prot_t most, vm_inherit_t inheritance);
kern_return_t mach_vm_deallocate(mach_port_t task, mach_vm_address_t address, mach_vm_size_t size);

#endif
