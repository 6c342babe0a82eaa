/*
 * The Mach service of a recorder, both ends of it: what is read through the memory entry, who may
 * have one, and that every right comes back.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder/live_publish.h"
#include "recorder/live_service.h"
#include "schema/live_service.h"
#include "tests/darwin/support_mac.h"
#include "tests/support_writer.h"

#include <servers/bootstrap.h>

enum { OWN_UID = 501, OTHER_UID = 502, WORKER_PID = 77 };

static const int64_t second_ns = 1000000000;

/* A writer whose ticks are published to whom the service lets watch. */
struct rig {
    struct fake_process self;
    struct scenario scenario;
    struct writer_rig writer;
    struct session_facts facts;
    struct live_publisher publisher;
    struct live_service *service;
    struct live_client client;
    int64_t cpu;
    int watches, unwatches;
    char log[200];
};

static enum status watch(void *self, const void **memory, size_t *size, uint64_t *generation,
                         struct error *err)
{
    struct rig *rig = self;
    int fd;

    rig->watches++;
    if (live_publisher_watch(&rig->publisher, &fd, err) != STATUS_OK)
        return err->status;
    live_publisher_memory(&rig->publisher, memory, size, generation);
    return STATUS_OK;
}

static void unwatch(void *self)
{
    struct rig *rig = self;

    rig->unwatches++;
    live_publisher_unwatch(&rig->publisher);
}

static void keep_log(void *self, const char *text)
{
    struct rig *rig = self;

    (void)snprintf(rig->log, sizeof rig->log, "%s", text);
}

static void rig_put(struct rig *rig, uint8_t flags)
{
    rig->cpu += 12345;
    writer_rig_steady(&rig->writer, START + (rig->cpu / 12345) * second_ns, flags, rig->cpu);
    writer_rig_put(&rig->writer);
    live_publish(&rig->publisher, rig->writer.writer, &rig->writer.tick);
}

static void rig_begin(struct rig *rig)
{
    const struct live_service_calls calls = { watch, unwatch, keep_log, rig };
    struct error err = { 0 };

    *rig = (struct rig){ .self = mac_process(1, 2, "procscoped") };
    rig->scenario = mac_scenario(&rig->self, 1);
    fake_boot(&rig->scenario);
    fake_declare_service(LIVE_SERVICE_NAME);
    fake_send_as(OWN_UID, WORKER_PID);
    writer_rig_begin(&rig->writer, 60);
    made_facts(&rig->facts, START, 1);
    live_publisher_init(&rig->publisher, &rig->facts);
    rig_put(rig, ROW_FIRST);
    if (live_service_start(&rig->service, OWN_UID, &calls, &err) != STATUS_OK ||
        live_client_open(&rig->client, &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

/* Fails the test if the kernel did not get back what it handed out. */
static void rig_end(struct rig *rig)
{
    live_client_close(&rig->client);
    live_service_stop(rig->service);
    live_publisher_release(&rig->publisher);
    (void)writer_rig_read(&rig->writer, "stop");
    writer_rig_end(&rig->writer);
    assert_int_equal(fake_settle(stderr), 0);
    assert_true(rig->unwatches == (rig->watches > 0));
}

static void rig_ask(struct rig *rig)
{
    struct error err = { 0 };

    if (live_client_ask(&rig->client, &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

/* --- what is read --- */

static void a_frame_read_through_the_entry_is_the_tick_that_was_recorded(void **state)
{
    (void)state;
    struct live_view view = { .core = NULL };
    struct error err = { 0 };
    struct rig rig;

    rig_begin(&rig);
    rig_ask(&rig);
    assert_int_equal(live_read(&view, &rig.client.source, &err), STATUS_ABSENT); /* no tick yet */
    for (int i = 0; i < 5; i++) {
        rig_put(&rig, 0);
        if (live_read(&view, &rig.client.source, &err) != STATUS_OK)
            fail_msg("%s", err.message);
        assert_int_equal(view.tick.start_ns, rig.writer.tick.start_ns);
        assert_int_equal(view.tick.process_count, 1);
        assert_int_equal(view.process[0].pid, 100);
        assert_int_equal(view.process[0].value[PROCESS_CPU_NS_TOTAL], rig.cpu);
    }
    live_view_release(&view);
    rig_end(&rig);
}

static void who_asks_again_keeps_the_mapping_that_is_still_it(void **state)
{
    (void)state;
    struct rig rig;
    const void *memory;

    rig_begin(&rig);
    rig_ask(&rig);
    memory = rig.client.source.memory;
    rig_ask(&rig);
    assert_ptr_equal(rig.client.source.memory, memory);
    assert_int_equal(rig.client.generation, 1);
    live_publisher_unwatch(&rig.publisher); /* as when nobody asked for long */
    rig_ask(&rig);
    assert_int_equal(rig.client.generation, 2);
    rig_end(&rig);
}

static void the_entry_allows_no_writing(void **state)
{
    (void)state;
    struct rig rig;
    mach_vm_address_t address = 0;
    memory_object_size_t size = sizeof(struct live_map);
    mach_port_t entry;
    uint64_t generation;
    const void *memory;
    struct error err;
    size_t bytes;

    rig_begin(&rig);
    rig_ask(&rig);
    assert_int_equal(watch(&rig, &memory, &bytes, &generation, &err), STATUS_OK);
    assert_int_equal(mach_make_memory_entry_64(mach_task_self(), &size, (uintptr_t)memory,
                                               MAP_MEM_VM_SHARE | VM_PROT_READ, &entry,
                                               MACH_PORT_NULL),
                     KERN_SUCCESS);
    assert_int_equal(mach_vm_map(mach_task_self(), &address, size, 0, VM_FLAGS_ANYWHERE, entry, 0,
                                 0, VM_PROT_READ | VM_PROT_WRITE, VM_PROT_READ | VM_PROT_WRITE,
                                 VM_INHERIT_NONE),
                     KERN_PROTECTION_FAILURE);
    assert_int_equal(mach_port_deallocate(mach_task_self(), entry), KERN_SUCCESS);
    rig_end(&rig);
}

/* What the control socket hands over in its place. */
static void shared_memory_that_is_handed_over_can_only_be_read(void **state)
{
    (void)state;
    const size_t size = 1 << 16;
    struct fake_process self = mac_process(1, 2, "procscoped");
    struct scenario scenario = mac_scenario(&self, 1);
    struct shared_memory memory;
    struct live_source source;
    struct error err;
    void *seen;
    char name[40];

    fake_boot(&scenario); /* the name is made of the process' number */
    assert_int_equal(shared_memory_open(&memory, size, &err), STATUS_OK);
    assert_ptr_equal(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory.fd, 0),
                     MAP_FAILED);
    seen = mmap(NULL, size, PROT_READ, MAP_SHARED, memory.fd, 0);
    assert_ptr_not_equal(seen, MAP_FAILED);
    memcpy(memory.data, "later", 5);
    assert_memory_equal(seen, "later", 5);
    assert_int_equal(live_source_open(&source, memory.fd, &err), STATUS_OK);
    live_source_close(&source);
    (void)snprintf(name, sizeof name, "/procscope-live-%ld", (long)getpid());
    assert_int_equal(shm_open(name, O_RDONLY, 0), -1); /* its name is gone */
    (void)munmap(seen, size);
    shared_memory_close(&memory);
    shared_memory_close(&memory);
}

/* --- who may --- */

static void a_peer_of_another_user_is_refused_and_root_is_not(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct rig rig;

    rig_begin(&rig);
    fake_send_as(OTHER_UID, 4711);
    assert_int_equal(live_client_ask(&rig.client, &err), STATUS_IO);
    assert_non_null(strstr(err.message, "only root and user 501"));
    assert_null(rig.client.source.memory);
    assert_int_equal(rig.watches, 0);
    assert_non_null(strstr(rig.log, "uid 502, pid 4711"));
    fake_send_as(0, 1);
    rig_ask(&rig);
    rig_end(&rig);
}

/* --- hostile and broken messages --- */

/* Send any message; what comes back within a moment, or 0. */
static int32_t send_odd(const struct rig *rig, mach_msg_id_t id, mach_msg_size_t size,
                        uint32_t version)
{
    union {
        mach_msg_header_t head;
        struct live_service_request request;
        uint8_t room[1024];
    } message = { .request = { .head = { .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
                                                                     MACH_MSG_TYPE_MAKE_SEND_ONCE),
                                         .msgh_remote_port = rig->client.service,
                                         .msgh_local_port = rig->client.reply,
                                         .msgh_id = id },
                               .version = version } };
    int32_t came;

    assert_int_equal(mach_msg(&message.head, MACH_SEND_MSG, size, 0, MACH_PORT_NULL, 0, 0),
                     MACH_MSG_SUCCESS);
    if (mach_msg(&message.head, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof message,
                 rig->client.reply, 200, 0) != MACH_MSG_SUCCESS)
        return 0;
    came = message.head.msgh_id;
    mach_msg_destroy(&message.head);
    return came;
}

static void what_is_no_request_is_thrown_away_with_its_rights(void **state)
{
    (void)state;
    const mach_msg_size_t right = sizeof(struct live_service_request);
    struct rig rig;

    rig_begin(&rig);
    assert_int_equal(send_odd(&rig, 12345, right, 1), 0);
    assert_int_equal(send_odd(&rig, LIVE_SERVICE_REQUEST, right - 4, 1), 0);
    assert_int_equal(send_odd(&rig, LIVE_SERVICE_REQUEST, right + 4, 1), 0);
    assert_int_equal(send_odd(&rig, LIVE_SERVICE_REQUEST, 1000, 1), 0); /* more than fits */
    assert_int_equal(send_odd(&rig, LIVE_SERVICE_REQUEST, right, 2), LIVE_SERVICE_REFUSAL);
    assert_int_equal(rig.watches, 0);
    rig_ask(&rig);
    rig_end(&rig);
}

static void who_is_gone_before_the_answer_costs_no_right(void **state)
{
    (void)state;
    struct live_client other;
    struct error err = { 0 };
    struct live_service_request request = { .version = LIVE_SERVICE_VERSION };
    struct rig rig;

    rig_begin(&rig);
    assert_int_equal(live_client_open(&other, &err), STATUS_OK);
    request.head = (mach_msg_header_t){ .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
                                                                    MACH_MSG_TYPE_MAKE_SEND_ONCE),
                                        .msgh_remote_port = other.service,
                                        .msgh_local_port = other.reply,
                                        .msgh_id = LIVE_SERVICE_REQUEST };
    assert_int_equal(mach_msg(&request.head, MACH_SEND_MSG, sizeof request, 0, 0, 0, 0),
                     MACH_MSG_SUCCESS);
    live_client_close(&other);
    rig_ask(&rig); /* it goes on */
    rig_end(&rig);
}

static void without_a_job_of_launchd_there_is_no_service(void **state)
{
    (void)state;
    const struct live_service_calls calls = { watch, unwatch, keep_log, NULL };
    struct live_service *service;
    struct live_client client;
    struct error err = { 0 };

    fake_declare_service(NULL);
    assert_int_equal(live_service_start(&service, OWN_UID, &calls, &err), STATUS_ABSENT);
    assert_null(service);
    assert_int_equal(live_client_open(&client, &err), STATUS_ABSENT);
    assert_non_null(strstr(err.message, LIVE_SERVICE_NAME));
    assert_int_equal(fake_settle(stderr), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_read_through_the_entry_is_the_tick_that_was_recorded),
        cmocka_unit_test(who_asks_again_keeps_the_mapping_that_is_still_it),
        cmocka_unit_test(the_entry_allows_no_writing),
        cmocka_unit_test(shared_memory_that_is_handed_over_can_only_be_read),
        cmocka_unit_test(a_peer_of_another_user_is_refused_and_root_is_not),
        cmocka_unit_test(what_is_no_request_is_thrown_away_with_its_rights),
        cmocka_unit_test(who_is_gone_before_the_answer_costs_no_right),
        cmocka_unit_test(without_a_job_of_launchd_there_is_no_service),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
