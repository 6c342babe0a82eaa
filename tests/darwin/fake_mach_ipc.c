/*
 * Ports, messages, and memory entries, within one program that is both ends. Every right is counted:
 * one that is left over, used without being held, or given back twice is told at the end. Who sent a
 * message the kernel says, not the message.
 */
#include "tests/darwin/fake_kernel.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <mach/mach.h>
#include <servers/bootstrap.h>

enum { PORTS = 32, QUEUE = 5, MESSAGE_MOST = 1024, FIRST_NAME = 0x3003, STEP = 0x100, MAPS = 8 };
enum { BOOTSTRAP = 0x707, MS_PER_S = 1000, NS_PER_MS = 1000000, PAGE = 4096 };

mach_port_t bootstrap_port = BOOTSTRAP;

struct message {
    union {
        mach_msg_header_t head;
        uint8_t bytes[MESSAGE_MOST];
    };
    unsigned uid, pid;
};

static struct port {
    bool used, receive;
    int send, send_once;
    struct message queue[QUEUE];
    int queued;
    void *memory; /* of a memory entry */
    size_t size;
    int most; /* the protection that it allows */
} ports[PORTS];

static struct {
    void *address;
    size_t size;
} maps[MAPS];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static const char *declared;
static mach_port_t service; /* 0: not checked in */
static unsigned sender_uid, sender_pid;
static int wrong;

void fake_declare_service(const char *name)
{
    declared = name;
}

void fake_send_as(unsigned uid, unsigned pid)
{
    sender_uid = uid;
    sender_pid = pid;
}

/* --- ports --- */

static struct port *port_of(mach_port_t name)
{
    size_t index = (name - FIRST_NAME) / STEP;

    if (name < FIRST_NAME || (name - FIRST_NAME) % STEP != 0 || index >= PORTS ||
        !ports[index].used)
        return NULL;
    return &ports[index];
}

static mach_port_t new_port(void)
{
    for (size_t i = 0; i < PORTS; i++) {
        if (ports[i].used)
            continue;
        ports[i] = (struct port){ .used = true };
        return FIRST_NAME + (mach_port_t)i * STEP;
    }
    abort();
}

static void drop_if_unused(struct port *port)
{
    if (port->receive || port->send > 0 || port->send_once > 0)
        return;
    if (port->memory != NULL)
        (void)munmap(port->memory, port->size);
    port->used = false;
}

static void destroy_message(mach_msg_header_t *head);

static void end_receiving(struct port *port)
{
    port->receive = false;
    while (port->queued > 0)
        destroy_message(&port->queue[--port->queued].head);
    drop_if_unused(port);
}

/* Give back one right of that kind. */
static bool release(mach_port_t name, unsigned type)
{
    struct port *port = port_of(name);
    int *count;

    if (port == NULL)
        return false;
    count = type == MACH_MSG_TYPE_MOVE_SEND_ONCE ? &port->send_once : &port->send;
    if (*count == 0) {
        wrong++;
        return false;
    }
    (*count)--;
    drop_if_unused(port);
    return true;
}

bool fake_ipc_deallocate(unsigned name, int *result)
{
    const struct port *port;
    bool ours;

    pthread_mutex_lock(&lock);
    port = port_of(name);
    ours = name >= FIRST_NAME && (name - FIRST_NAME) % STEP == 0;
    *result = KERN_SUCCESS;
    if (ours && (port == NULL || !release(name, port->send > 0 ? MACH_MSG_TYPE_MOVE_SEND
                                                               : MACH_MSG_TYPE_MOVE_SEND_ONCE))) {
        wrong += port == NULL;
        *result = KERN_INVALID_NAME;
    }
    pthread_mutex_unlock(&lock);
    return ours;
}

kern_return_t mach_port_allocate(mach_port_t task, mach_port_right_t right, mach_port_t *name)
{
    if (task != mach_task_self_ || right != MACH_PORT_RIGHT_RECEIVE)
        return KERN_INVALID_ARGUMENT;
    pthread_mutex_lock(&lock);
    *name = new_port();
    port_of(*name)->receive = true;
    pthread_mutex_unlock(&lock);
    return KERN_SUCCESS;
}

kern_return_t mach_port_mod_refs(mach_port_t task, mach_port_t name, mach_port_right_t right,
                                 mach_port_delta_t delta)
{
    kern_return_t result = KERN_SUCCESS;
    struct port *port;

    if (task != mach_task_self_ || right != MACH_PORT_RIGHT_RECEIVE || delta != -1)
        return KERN_INVALID_ARGUMENT;
    pthread_mutex_lock(&lock);
    port = port_of(name);
    if (port == NULL || !port->receive) {
        wrong++;
        result = KERN_INVALID_NAME;
    } else {
        if (name == service)
            service = 0; /* launchd has it back */
        end_receiving(port);
    }
    pthread_cond_broadcast(&arrived);
    pthread_mutex_unlock(&lock);
    return result;
}

/* --- services --- */

kern_return_t bootstrap_check_in(mach_port_t bootstrap, const char *name, mach_port_t *port)
{
    if (bootstrap != BOOTSTRAP || declared == NULL || strcmp(name, declared) != 0)
        return BOOTSTRAP_UNKNOWN_SERVICE;
    if (service != 0)
        return BOOTSTRAP_SERVICE_ACTIVE;
    if (mach_port_allocate(mach_task_self_, MACH_PORT_RIGHT_RECEIVE, port) != KERN_SUCCESS)
        return KERN_FAILURE;
    service = *port;
    return KERN_SUCCESS;
}

kern_return_t bootstrap_look_up(mach_port_t bootstrap, const char *name, mach_port_t *port)
{
    if (bootstrap != BOOTSTRAP || declared == NULL || strcmp(name, declared) != 0 || service == 0)
        return BOOTSTRAP_UNKNOWN_SERVICE;
    pthread_mutex_lock(&lock);
    *port = service;
    port_of(service)->send++;
    pthread_mutex_unlock(&lock);
    return KERN_SUCCESS;
}

const char *bootstrap_strerror(kern_return_t code)
{
    return code == BOOTSTRAP_UNKNOWN_SERVICE ? "Unknown service name" : "error of launchd";
}

/* --- messages --- */

static mach_msg_port_descriptor_t *descriptor_of(mach_msg_header_t *head)
{
    if ((head->msgh_bits & MACH_MSGH_BITS_COMPLEX) == 0)
        return NULL;
    return (mach_msg_port_descriptor_t *)(void *)((uint8_t *)(head + 1) + sizeof(mach_msg_body_t));
}

/* The rights that a message carries. */
static void destroy_message(mach_msg_header_t *head)
{
    const mach_msg_port_descriptor_t *descriptor = descriptor_of(head);

    if (head->msgh_remote_port != MACH_PORT_NULL &&
        MACH_MSGH_BITS_REMOTE(head->msgh_bits) == MACH_MSG_TYPE_MOVE_SEND_ONCE)
        (void)release(head->msgh_remote_port, MACH_MSG_TYPE_MOVE_SEND_ONCE);
    if (descriptor != NULL && descriptor->name != MACH_PORT_NULL)
        (void)release(descriptor->name, MACH_MSG_TYPE_MOVE_SEND);
}

void mach_msg_destroy(mach_msg_header_t *message)
{
    pthread_mutex_lock(&lock);
    destroy_message(message);
    pthread_mutex_unlock(&lock);
}

/* The kernel refuses a message that names a right which is not held. */
static bool holds(mach_port_t name, unsigned type)
{
    const struct port *port = port_of(name);

    switch (type) {
    case MACH_MSG_TYPE_COPY_SEND:
    case MACH_MSG_TYPE_MOVE_SEND:
        return port != NULL && port->send > 0;
    case MACH_MSG_TYPE_MOVE_SEND_ONCE:
        return port != NULL && port->send_once > 0;
    case MACH_MSG_TYPE_MAKE_SEND:
    case MACH_MSG_TYPE_MAKE_SEND_ONCE:
        return port != NULL && port->receive;
    default:
        return false;
    }
}

/* As it comes out at the other end: the remote port is who may be answered. */
static void enqueue(struct port *to, const mach_msg_header_t *head)
{
    struct message *message = &to->queue[to->queued++];
    mach_port_t reply = head->msgh_local_port;

    memcpy(message->bytes, head, head->msgh_size);
    message->uid = sender_uid;
    message->pid = sender_pid;
    message->head.msgh_local_port = head->msgh_remote_port;
    message->head.msgh_remote_port = reply;
    message->head.msgh_bits &= MACH_MSGH_BITS_COMPLEX;
    if (reply != MACH_PORT_NULL) {
        port_of(reply)->send_once++;
        message->head.msgh_bits |= MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
    }
}

static mach_msg_return_t put(mach_msg_header_t *head, mach_msg_size_t size)
{
    unsigned type = MACH_MSGH_BITS_REMOTE(head->msgh_bits);
    const mach_msg_port_descriptor_t *descriptor = descriptor_of(head);
    struct port *to = port_of(head->msgh_remote_port);

    if (size > MESSAGE_MOST || size < sizeof *head || !holds(head->msgh_remote_port, type) ||
        (head->msgh_local_port != MACH_PORT_NULL &&
         !holds(head->msgh_local_port, MACH_MSGH_BITS_LOCAL(head->msgh_bits))) ||
        (descriptor != NULL && !holds(descriptor->name, descriptor->disposition)))
        return MACH_SEND_INVALID_DEST;
    if (!to->receive || to->queued == QUEUE)
        return MACH_SEND_INVALID_DEST;
    head->msgh_size = size;
    enqueue(to, head);
    if (type == MACH_MSG_TYPE_MOVE_SEND_ONCE)
        to->send_once--;
    pthread_cond_broadcast(&arrived);
    return MACH_MSG_SUCCESS;
}

static mach_msg_return_t take(mach_msg_header_t *head, int option, mach_msg_size_t size,
                              struct port *from)
{
    size_t at = (from->queue[0].head.msgh_size + 3u) / 4 * 4;
    bool audit = (option & MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT)) ==
                 MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT);
    mach_msg_audit_trailer_t trailer = {
        .msgh_trailer_size = audit ? sizeof trailer : 8,
        .msgh_audit = { { 0, from->queue[0].uid, 0, from->queue[0].uid, 0, from->queue[0].pid } },
    };
    bool fits = at + trailer.msgh_trailer_size <= size;

    if (fits) {
        memcpy(head, from->queue[0].bytes, from->queue[0].head.msgh_size);
        memcpy((uint8_t *)head + at, &trailer, trailer.msgh_trailer_size);
    } else {
        destroy_message(&from->queue[0].head);
    }
    from->queued--;
    memmove(&from->queue[0], &from->queue[1], (size_t)from->queued * sizeof from->queue[0]);
    return fits ? MACH_MSG_SUCCESS : MACH_RCV_TOO_LARGE;
}

static mach_msg_return_t get(mach_msg_header_t *head, int option, mach_msg_size_t size,
                             mach_port_t name, mach_msg_timeout_t timeout_ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / MS_PER_S;
    until.tv_nsec += (long)(timeout_ms % MS_PER_S) * NS_PER_MS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    for (;;) {
        struct port *port = port_of(name);

        if (port == NULL || !port->receive)
            return KERN_INVALID_NAME;
        if (port->queued > 0)
            return take(head, option, size, port);
        if ((option & MACH_RCV_TIMEOUT) == 0)
            (void)pthread_cond_wait(&arrived, &lock);
        else if (pthread_cond_timedwait(&arrived, &lock, &until) == ETIMEDOUT)
            return MACH_RCV_TIMED_OUT;
    }
}

mach_msg_return_t mach_msg(mach_msg_header_t *message, mach_msg_option_t option,
                           mach_msg_size_t send_size, mach_msg_size_t receive_size,
                           mach_port_t receive_name, mach_msg_timeout_t timeout, mach_port_t notify)
{
    mach_msg_return_t result = MACH_MSG_SUCCESS;

    (void)notify;
    pthread_mutex_lock(&lock);
    if ((option & MACH_SEND_MSG) != 0)
        result = put(message, send_size);
    if (result == MACH_MSG_SUCCESS && (option & MACH_RCV_MSG) != 0)
        result = get(message, option, receive_size, receive_name, timeout);
    pthread_mutex_unlock(&lock);
    return result;
}

/* --- memory --- */

static void *pointer_of(uint64_t address)
{
    uintptr_t narrow = (uintptr_t)address;
    void *pointer;

    memcpy(&pointer, &narrow, sizeof pointer);
    return pointer;
}

/* The same memory once more: it stays when who shared it unmaps his. */
static void *again(void *address, size_t size, int protection)
{
    void *copy = mremap(address, 0, size, MREMAP_MAYMOVE);

    if (copy != MAP_FAILED)
        (void)mprotect(copy, size, protection);
    return copy;
}

kern_return_t mach_make_memory_entry_64(mach_port_t task, memory_object_size_t *size,
                                        memory_object_offset_t offset, vm_prot_t permission,
                                        mach_port_t *entry, mach_port_t parent)
{
    struct port *port;
    void *copy;

    if (task != mach_task_self_ || parent != MACH_PORT_NULL ||
        (permission & MAP_MEM_VM_SHARE) == 0 || offset % PAGE != 0)
        return KERN_INVALID_ARGUMENT;
    *size = (*size + PAGE - 1) / PAGE * PAGE;
    copy = again(pointer_of(offset), *size, PROT_READ);
    if (copy == MAP_FAILED)
        return KERN_INVALID_ADDRESS;
    pthread_mutex_lock(&lock);
    *entry = new_port();
    port = port_of(*entry);
    port->send = 1;
    port->memory = copy;
    port->size = *size;
    port->most = permission & (VM_PROT_READ | VM_PROT_WRITE);
    pthread_mutex_unlock(&lock);
    return KERN_SUCCESS;
}

kern_return_t mach_vm_map(mach_port_t task, mach_vm_address_t *address, mach_vm_size_t size,
                          mach_vm_offset_t mask, int flags, mach_port_t object,
                          memory_object_offset_t offset, boolean_t copy, vm_prot_t now,
                          vm_prot_t most, vm_inherit_t inheritance)
{
    kern_return_t result = KERN_INVALID_ARGUMENT;
    const struct port *port;

    (void)mask, (void)inheritance;
    if (task != mach_task_self_ || flags != VM_FLAGS_ANYWHERE || offset != 0 || copy)
        return KERN_INVALID_ARGUMENT;
    pthread_mutex_lock(&lock);
    port = port_of(object);
    if (port != NULL && port->memory != NULL && port->send > 0 && size <= port->size)
        result = ((now | most) & ~port->most) != 0 ? KERN_PROTECTION_FAILURE : KERN_SUCCESS;
    for (size_t i = 0; i < MAPS && result == KERN_SUCCESS; i++) {
        if (maps[i].address != NULL)
            continue;
        maps[i].address = again(port->memory, size, now);
        maps[i].size = size;
        *address = (mach_vm_address_t)(uintptr_t)maps[i].address;
        break;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

kern_return_t mach_vm_deallocate(mach_port_t task, mach_vm_address_t address, mach_vm_size_t size)
{
    kern_return_t result = KERN_INVALID_ADDRESS;

    if (task != mach_task_self_)
        return KERN_INVALID_ARGUMENT;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < MAPS; i++)
        if (maps[i].address == pointer_of(address) && maps[i].size == size &&
            maps[i].address != NULL) {
            (void)munmap(maps[i].address, maps[i].size);
            maps[i].address = NULL;
            result = KERN_SUCCESS;
        }
    wrong += result != KERN_SUCCESS;
    pthread_mutex_unlock(&lock);
    return result;
}

int fake_ipc_settle(FILE *out)
{
    int faults = wrong;

    if (wrong > 0)
        fprintf(out, "fake kernel: %d rights or mappings given back that were not held\n", wrong);
    for (size_t i = 0; i < PORTS; i++) {
        if (!ports[i].used)
            continue;
        fprintf(out, "fake kernel: port %#x: %d to send, %d to send once%s\n",
                (unsigned)(FIRST_NAME + i * STEP), ports[i].send, ports[i].send_once,
                ports[i].receive ? ", to receive" : "");
        faults++;
    }
    for (size_t i = 0; i < MAPS; i++) {
        if (maps[i].address == NULL)
            continue;
        fprintf(out, "fake kernel: %zu bytes are still mapped\n", maps[i].size);
        faults++;
    }
    return faults;
}
