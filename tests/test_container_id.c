/* Container ids in the paths that engines give to cgroups. */
#include "recorder/collectors/container_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define POD "kubepods-burstable-pod12345678_1234_1234_1234_123456789abc.slice"

static void assert_id(const char *path, const char *expected)
{
    char id[CONTAINER_ID_MAX];
    size_t size = strlen(path);
    char *exact = malloc(size + 1); /* nothing behind it is read */
    size_t used;

    assert_non_null(exact);
    memcpy(exact, path, size);
    used = container_id(exact, size, id);
    free(exact);
    if (used != strlen(expected) || memcmp(id, expected, used) != 0)
        fail_msg("%s: \"%.*s\" instead of \"%s\"", path, (int)used, id, expected);
}

static void engines_with_ids_are_known(void **state)
{
    (void)state;
    assert_id("/system.slice/docker-" ID ".scope", ID);
    assert_id("/docker/" ID, ID);
    assert_id("/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID ".scope", ID);
    assert_id("/kubepods.slice/kubepods-burstable.slice/" POD "/cri-containerd-" ID ".scope", ID);
    assert_id("/kubepods.slice/" POD "/crio-" ID ".scope", ID);
    assert_id("/kubepods.slice/" POD "/crio-" ID ".scope/container", ID);
    assert_id("/kubepods/besteffort/pod1/" ID, ID);
    assert_id("/kubepods/besteffort/pod1/" ID "/child", ID);
    assert_id("/system.slice/containerd.service/" POD ":cri-containerd:" ID, ID);
    assert_id("/machine.slice/libpod-" ID ".scope", ID);
    assert_id("/machine.slice/libpod-" ID ".scope/container", ID);
    assert_id("/libpod_parent/libpod-" ID, ID);
    assert_id("/system.slice/nerdctl-" ID ".scope", ID);
    assert_id("/default/" ID, ID);
    assert_id("/../../" ID, ID);
    assert_id(ID, ID);
}

static void engines_with_names_are_known(void **state)
{
    (void)state;
    assert_id("/lxc/web/system.slice/cron.service", "web");
    assert_id("/lxc.payload/web", "web");
    assert_id("/lxc.payload.web-1/init.scope", "web-1");
    assert_id("/machine.slice/machine-web.scope/payload", "web");
    assert_id("/machine.slice/machine-my\\x2dweb.scope/supervisor", "my-web");
    assert_id("/machine.slice/systemd-nspawn@web.service/payload", "web");
    assert_id("/machine.slice/systemd-nspawn@my-web.service", "my-web");
    assert_id("/machine.slice/machine-a\\x2\\xzz.scope", "a\\x2\\xzz");
}

static void the_innermost_one_counts(void **state)
{
    (void)state;
    assert_id("/docker/" ID "/docker/" OTHER, OTHER);
    assert_id("/lxc.payload.web/docker/" ID, ID);
    assert_id("/docker/" ID "/lxc/web", "web");
    assert_id("/lxc.payload.web/machine.slice/libpod-conmon-" ID ".scope", "web");
}

static void what_is_beside_a_container_is_in_none(void **state)
{
    (void)state;
    assert_id("/machine.slice/libpod-conmon-" ID ".scope", "");
    assert_id("/kubepods.slice/crio-conmon-" ID ".scope", "");
    assert_id("/lxc.monitor.web", "");
    assert_id("/lxc.monitor/web", "");
    assert_id("/lxc", "");
    assert_id("/lxc/", "");
    assert_id("/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt", "");
    assert_id("/kubepods.slice/" POD, "");
    assert_id("/system.slice/docker.service", "");
    assert_id("/machine.slice/machine-.scope", "");
    assert_id("/docker/" ID "0", "");
    assert_id("/process/0123456789abcdef0123456789abcdef", "");
    assert_id("/", "");
    assert_id("//", "");
    assert_id("", "");
}

static void a_name_that_is_too_long_is_none(void **state)
{
    (void)state;
    char path[16 + CONTAINER_ID_MAX + 2] = "/lxc/";

    memset(path + 5, 'n', CONTAINER_ID_MAX);
    assert_id(path, path + 5);
    path[5 + CONTAINER_ID_MAX] = 'n';
    assert_id(path, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engines_with_ids_are_known),
        cmocka_unit_test(engines_with_names_are_known),
        cmocka_unit_test(the_innermost_one_counts),
        cmocka_unit_test(what_is_beside_a_container_is_in_none),
        cmocka_unit_test(a_name_that_is_too_long_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
