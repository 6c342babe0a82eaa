/* Units and pods in the paths of cgroups. */
#include "analyzer/unit_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define UID "12345678-1234-abcd-1234-123456789abc"
#define ESCAPED_UID "12345678_1234_abcd_1234_123456789abc"

static void assert_unit(const char *path, const char *expected)
{
    char *name = malloc(UNIT_NAME_MAX);
    size_t size = strlen(path);
    char *exact = malloc(size + 1); /* nothing behind it is read */
    size_t used;

    assert_non_null(name);
    assert_non_null(exact);
    memcpy(exact, path, size);
    exact = realloc(exact, size == 0 ? 1 : size);
    assert_non_null(exact);
    used = unit_name(exact, size, name);
    if (used != strlen(expected) || memcmp(name, expected, used) != 0)
        fail_msg("%s: \"%.*s\" instead of \"%s\"", path, (int)used, name, expected);
    free(exact);
    free(name);
}

static void units_are_called_as_systemd_calls_them(void **state)
{
    (void)state;
    assert_unit("/system.slice/nginx.service", "nginx.service");
    assert_unit("/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service");
    assert_unit("/init.scope", "init.scope");
    assert_unit("/user.slice/user-1000.slice/session-3.scope", "session-3.scope");
    assert_unit("/system.slice/docker-" ID ".scope", "docker-" ID ".scope");
    assert_unit("/system.slice/cups.socket", "cups.socket");
    assert_unit("/system.slice/nginx.service/worker", "nginx.service");
    assert_unit("system.slice/nginx.service", "nginx.service");
    assert_unit("//system.slice//nginx.service//", "nginx.service");
}

static void escapes_are_undone(void **state)
{
    (void)state;
    assert_unit("/system.slice/my\\x2dapp.service", "my-app.service");
    assert_unit("/system.slice/mnt-my\\x20disk.mount", "mnt-my disk.mount");
    assert_unit("/system.slice/_cgroup.service", "cgroup.service");
    assert_unit("/system.slice/a\\x2fb\\x00.service", "a\\x2fb\\x00.service");
    assert_unit("/system.slice/a\\x2.service", "a\\x2.service");
    assert_unit("/system.slice/a\\xzz\\.service", "a\\xzz\\.service");
    assert_unit("/a\\x2d.slice", "a-.slice");
}

static void a_manager_within_another_is_named_before_its_units(void **state)
{
    (void)state;
    assert_unit("/user.slice/user-1000.slice/user@1000.service/app.slice/web.service",
                "user@1000.service/web.service");
    assert_unit("/user.slice/user-1000.slice/user@1000.service/init.scope",
                "user@1000.service/init.scope");
    assert_unit("/user.slice/user-1000.slice/user@1000.service/app.slice", "user@1000.service");
    assert_unit("/machine.slice/systemd-nspawn@web.service/payload/system.slice/nginx.service",
                "systemd-nspawn@web.service/nginx.service");
    assert_unit("/lxc.payload.web/system.slice/nginx.service", "lxc.payload.web/nginx.service");
    assert_unit("/lxc/web/system.slice/nginx.service", "web/nginx.service");
    assert_unit("/lxc.payload/web", "web");
}

static void without_a_unit_it_is_the_innermost_slice(void **state)
{
    (void)state;
    assert_unit("/user.slice/user-1000.slice", "user-1000.slice");
    assert_unit("/system.slice/other", "system.slice");
}

static void pods_are_told_with_dashes(void **state)
{
    (void)state;
    assert_unit("/kubepods/burstable/pod" UID "/" ID, "pod" UID);
    assert_unit("/kubepods/pod" UID "/" ID, "pod" UID);
    assert_unit("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" ESCAPED_UID
                ".slice/cri-containerd-" ID ".scope",
                "pod" UID);
    assert_unit("/kubepods.slice/kubepods-pod" ESCAPED_UID ".slice/crio-" ID ".scope", "pod" UID);
    assert_unit("/system.slice/containerd.service/kubepods-besteffort-pod" ESCAPED_UID
                ".slice:cri-containerd:" ID,
                "pod" UID);
    assert_unit("/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
                "kubelet-kubepods-besteffort-pod" ESCAPED_UID ".slice/cri-containerd-" ID ".scope",
                "pod" UID);
    assert_unit("/kubepods/besteffort/pod0123456789abcdef0123456789abcdef",
                "pod0123456789abcdef0123456789abcdef");
    assert_unit("/kubepods/pod1/" ID "/kubepods/pod2/" ID, "pod2"); /* the innermost */
}

static void what_only_looks_like_a_pod_is_none(void **state)
{
    (void)state;
    assert_unit("/system.slice/podman.service", "podman.service");
    assert_unit("/machine.slice/podman-1.scope", "podman-1.scope");
    assert_unit("/kubepods.slice/kubepods-burstable.slice", "kubepods-burstable.slice");
    assert_unit("/kubepods/burstable", "");
    assert_unit("/kubepods/pod", "");
    assert_unit("/pod1/kubepods", "");
}

static void what_leads_nowhere_has_no_name(void **state)
{
    (void)state;
    assert_unit("", "");
    assert_unit("/", "");
    assert_unit("/docker/" ID, "");
    assert_unit("/.service", "");
    assert_unit("/.slice", "");
    assert_unit("/lxc", "");
    assert_unit("/a.service.d", "");
}

static void no_path_is_too_long(void **state)
{
    (void)state;
    static char path[UNIT_NAME_MAX + 1], name[UNIT_NAME_MAX];

    memset(path, 'a', sizeof path);
    memcpy(path, "/kubepods/pod", 13);
    assert_int_equal(unit_name(path, UNIT_NAME_MAX, name), UNIT_NAME_MAX - 10);
    assert_int_equal(unit_name(path, UNIT_NAME_MAX + 1, name), 0);
    for (size_t i = 0; i + 3 <= UNIT_NAME_MAX; i += 10)
        memcpy(path + i, "/a.service", i + 10 <= UNIT_NAME_MAX ? 10 : UNIT_NAME_MAX - i);
    assert_true(unit_name(path, UNIT_NAME_MAX, name) <= UNIT_NAME_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_are_called_as_systemd_calls_them),
        cmocka_unit_test(escapes_are_undone),
        cmocka_unit_test(a_manager_within_another_is_named_before_its_units),
        cmocka_unit_test(without_a_unit_it_is_the_innermost_slice),
        cmocka_unit_test(pods_are_told_with_dashes),
        cmocka_unit_test(what_only_looks_like_a_pod_is_none),
        cmocka_unit_test(what_leads_nowhere_has_no_name),
        cmocka_unit_test(no_path_is_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
