/*
 * recent_test.c: when a task should stop rather than park the world.
 */
#include "worker/recent.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void says_nothing_before_enough_were_seen(void **state)
{
    (void)state;
    struct recent recent = {0};
    for (uint64_t offset = 0; offset < RECENT_MIN - 1; offset++)
        recent_note(&recent, offset, true);
    assert_false(recent_is_bad(&recent));
    recent_note(&recent, RECENT_MIN - 1, true);
    assert_true(recent_is_bad(&recent));
}

static void half_is_too_many(void **state)
{
    (void)state;
    struct recent recent = {0};
    for (uint64_t offset = 0; offset < RECENT_MIN; offset++)
        recent_note(&recent, offset, offset % 2 || offset == 0);
    assert_true(recent_is_bad(&recent));
    recent_note(&recent, 0, false); /* folded again, and it went in */
    assert_true(recent_is_bad(&recent));
    recent_note(&recent, 1, false);
    assert_false(recent_is_bad(&recent));
    assert_int_equal(recent_held(&recent), RECENT_MIN);
    assert_int_equal(recent_first_failed(&recent), 3);
}

static void only_the_last_ones_count(void **state)
{
    (void)state;
    struct recent recent = {0};
    uint64_t offset = 0;
    for (; offset < 1000; offset++)
        recent_note(&recent, offset, true);
    for (; offset < 1000 + RECENT_EVENTS / 2; offset++) {
        assert_true(recent_is_bad(&recent));
        recent_note(&recent, offset, false);
    }
    recent_note(&recent, offset, false);
    assert_false(recent_is_bad(&recent));
    recent_note(&recent, 5, false); /* long gone */
    assert_int_equal(recent.failed, RECENT_EVENTS / 2 - 1);
    assert_int_equal(recent_held(&recent), RECENT_EVENTS);
    assert_int_equal(recent_first_failed(&recent), offset + 1 - RECENT_EVENTS);
}

/* The script refuses an event that was folded: with the second try it counts as failed. */
static void the_last_outcome_counts(void **state)
{
    (void)state;
    struct recent recent = {0};
    for (uint64_t offset = 0; offset < RECENT_EVENTS; offset++)
        recent_note(&recent, offset * 3, false);
    for (uint64_t offset = 0; offset < RECENT_EVENTS / 2; offset++) {
        assert_false(recent_is_bad(&recent));
        recent_note(&recent, offset * 3, true);
        recent_note(&recent, offset * 3, true);
    }
    assert_true(recent_is_bad(&recent));
    assert_int_equal(recent.count, RECENT_EVENTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_nothing_before_enough_were_seen),
        cmocka_unit_test(half_is_too_many),
        cmocka_unit_test(only_the_last_ones_count),
        cmocka_unit_test(the_last_outcome_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
