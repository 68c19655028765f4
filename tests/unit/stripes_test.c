/*
 * stripes_test.c: what several subscriptions read comes out in order, once, and each as soon as it
 * can.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "log/stripes.h"

static void keep(struct stripes *stripes, struct stripe *stripe, uint64_t offset)
{
    struct message message = {.offset = offset, .body = STR("x")};
    stripe_keep(stripes, stripe, message_new(&message));
}

static void takes(struct stripes *stripes, uint64_t offset)
{
    struct message *message = stripes_take(stripes);
    assert_non_null(message);
    assert_int_equal(message->offset, offset);
    message_free(message);
}

static void later_stripes_wait_for_the_lowest(void **state)
{
    (void)state;
    struct stripes stripes = {0};
    struct stripe *low = stripes_add(&stripes, 10), *high = stripes_add(&stripes, 20);
    assert_true(stripes_may_pass(&stripes, low));
    assert_false(stripes_may_pass(&stripes, high));
    keep(&stripes, high, 10);
    keep(&stripes, high, 12);
    assert_null(stripes_take(&stripes));
    keep(&stripes, low, 3);
    assert_false(stripes_may_pass(&stripes, low)); /* behind what waits */
    takes(&stripes, 3);
    assert_true(stripes_may_pass(&stripes, low));
    assert_false(stripes_ready(&stripes));
    low->whole = true;
    assert_true(stripes_ready(&stripes));
    assert_int_equal(stripes.dropped, 0);
    takes(&stripes, 10);
    assert_int_equal(stripes.dropped, 1);
    takes(&stripes, 12);
    assert_int_equal(stripes.bytes, 0);
    assert_true(stripes_may_pass(&stripes, high));
    stripes_release(&stripes);
}

static void there_may_be_none(void **state)
{
    (void)state;
    struct stripes stripes = {0};
    assert_null(stripes_lowest(&stripes));
    assert_null(stripes_take(&stripes));
    assert_false(stripes_ready(&stripes));
    stripes_add(&stripes, 10)->whole = true;
    assert_null(stripes_take(&stripes));
    assert_null(stripes_lowest(&stripes));
    assert_true(stripes_may_pass(&stripes, stripes_add(&stripes, UINT64_MAX)));
    stripes_release(&stripes);
}

/* As random readers would: each adds to its own stripe, those that are whole take the next. */
static void any_interleaving_comes_out_in_order(void **state)
{
    (void)state;
    enum { SIZE = 7, READERS = 5, TOTAL = 10000 };
    struct stripes stripes = {0};
    struct stripe *reads[READERS] = {0};
    uint64_t next[READERS] = {0}, begun = 0, expected = 0;
    srand(1);
    while (expected < TOTAL) {
        int r = rand() % READERS;
        if (!reads[r] && begun < TOTAL && stripes.count < STRIPES_MAX) {
            next[r] = begun;
            reads[r] = stripes_add(&stripes, begun += SIZE);
        } else if (reads[r] && next[r] < reads[r]->end) {
            keep(&stripes, reads[r], next[r]++);
        } else if (reads[r]) {
            reads[r]->whole = true;
            reads[r] = NULL;
        }
        struct message *message;
        for (int n = rand() % 4; n && (message = stripes_take(&stripes)); n--) {
            assert_int_equal(message->offset, expected++);
            message_free(message);
        }
    }
    stripes_release(&stripes);
    assert_int_equal(stripes.bytes, 0);
}

static void what_is_left_is_freed(void **state)
{
    (void)state;
    struct stripes stripes = {0};
    for (int i = 0; i < STRIPES_MAX; i++)
        keep(&stripes, stripes_add(&stripes, 10 * i + 10), 10 * i);
    takes(&stripes, 0);
    assert_true(stripes.bytes > 0);
    stripes_release(&stripes);
    assert_int_equal(stripes.bytes, 0);
    assert_int_equal(stripes.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_stripes_wait_for_the_lowest),
        cmocka_unit_test(there_may_be_none),
        cmocka_unit_test(any_interleaving_comes_out_in_order),
        cmocka_unit_test(what_is_left_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
