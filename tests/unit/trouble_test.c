/*
 * trouble_test.c: every kind of trouble has a way out, and what Redis says is told apart.
 */
#include "worker/trouble.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_every_trouble_has_a_way_out(void **state)
{
    (void)state;
    assert_string_equal(trouble_way_out(TROUBLE_NONE), "");
    for (int i = TROUBLE_NONE + 1; i < TROUBLE_COUNT; i++) {
        const char *way_out = trouble_way_out((enum trouble)i);
        assert_non_null(way_out);
        assert_string_not_equal(way_out, "");
    }
}

static void test_what_redis_says(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum trouble trouble;
    } cases[] = {
        {"redis://127.0.0.1:6379/0: NOPERM this user has no permissions", TROUBLE_PERMISSION},
        {"NOPERM the user may not run LPUSH on OOM:x", TROUBLE_PERMISSION},
        {"ERR The user executing the script can't run this command or subcommand script: 1f, "
         "on @user_script:1.",
         TROUBLE_PERMISSION},
        {"OOM command not allowed when used memory > 'maxmemory'.", TROUBLE_MEMORY},
        {"READONLY You can't write against a read only replica.", TROUBLE_REPLICA},
        {"MISCONF Redis is configured to save RDB snapshots", TROUBLE_DISK},
        {"ERR something about CLASSROOM", TROUBLE_REFUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(trouble_of_redis(cases[i].text), cases[i].trouble);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_trouble_has_a_way_out),
        cmocka_unit_test(test_what_redis_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
