/* Which modules libc takes user and group names from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "recorder/libraries.h"

static char names[256];

static void add(void *self, const char *name)
{
    size_t used = strlen(names);

    (void)self;
    (void)snprintf(names + used, sizeof names - used, "%s ", name);
}

static void assert_named(const char *text, const char *expected)
{
    names[0] = '\0';
    libraries_name_services(text, add, NULL);
    assert_string_equal(names, expected);
}

static void modules_for_users_and_groups_are_named(void **state)
{
    (void)state;
    assert_named("", "");
    assert_named("hosts: files dns\npasswd:\tfiles systemd\n\nshadow: db\ngroup: sss",
                 "files systemd sss ");
    assert_named("passwd: files [NOTFOUND=return SUCCESS=continue] ldap # nis\n", "files ldap ");
    assert_named("initgroups: a_b [!UNAVAIL=return]c", "a_b c ");
}

static void nonsense_names_no_path(void **state)
{
    (void)state;
    assert_named("passwd: ../../tmp/evil\n", "tmp evil ");
    assert_named("passwd: [", "");
    assert_named("passwd:", "");
    assert_named("passwd:#files", "");
    assert_named(
        "passwd: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa x",
        "x ");
    assert_named("#passwd: files\n passwd: files\n", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modules_for_users_and_groups_are_named),
        cmocka_unit_test(nonsense_names_no_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
