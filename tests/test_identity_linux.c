/* Cgroup paths, and the hash of command lines. */
#include "recorder/collectors/identity_linux.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/siphash.h"

static void assert_cgroup(const char *text, const char *path)
{
    struct identity_slice found = identity_cgroup(text, strlen(text));

    assert_int_equal(found.size, strlen(path));
    assert_memory_equal(found.at, path, found.size);
}

static void version_2_wins_unless_it_is_the_root(void **state)
{
    (void)state;
    assert_cgroup("0::/user.slice/a\n", "/user.slice/a");
    assert_cgroup("0::/\n", "/");
    assert_cgroup("4:memory:/x/y/z\n0::/s\n", "/s");
    assert_cgroup("4:memory:/x\n1:name=systemd:/\n0::/\n", "/x");
    assert_cgroup("4:memory:/\n3:cpu,cpuacct:/a/b\n1:name=systemd:/a\n0::/\n", "/a/b");
    assert_cgroup("7:pids:/deep/deep/deep\n4:memory:/m\n", "/m");
    assert_cgroup("3:cpuset:/deep\n4:memory:/\n", "/");
    assert_cgroup("0::/a:b\n", "/a:b");
    assert_cgroup("0::/cut", "/cut");
    assert_cgroup("", "");
    assert_cgroup("nonsense\n1:\n", "");
}

/* The first values of the reference implementation: key 00 01 .. 0f, data 00 01 .. */
static void siphash_agrees_with_its_authors(void **state)
{
    (void)state;
    static const uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
    static const uint8_t data[15] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 };

    assert_true(siphash(key, data, 0) == UINT64_C(0x726fdb47dd0e0e31));
    assert_true(siphash(key, data, 15) == UINT64_C(0xa129ca6149be45e5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_2_wins_unless_it_is_the_root),
        cmocka_unit_test(siphash_agrees_with_its_authors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
