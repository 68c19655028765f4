/*
 * commit_request_test.c: changes grouped by row, and the way back from the wire to the batch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/commit_request.h"
#include <stdio.h>
#include <stdlib.h>

/* Keys by letter: the same letter is the same key, an upper one another copy of it. expected: the
 * places of the changes, in the order of the wire, and how many rows there are: "0 2 1/2". */
static void assert_order(const char *keys, const char *expected)
{
    static const char *const copies[] = {"key-a", "key-b", "key-c"};
    static const char *const others[] = {"xkey-a", "xkey-b", "xkey-c"};
    struct commit_request request = {0};
    struct changes changes = {0};
    struct buf shown = {0};
    for (const char *k = keys; *k; k++) {
        bool other = *k < 'a';
        const char *key = other ? others[*k - 'A'] + 1 : copies[*k - 'a'];
        changes.event = (uint32_t)(k - keys) + 10;
        changes_add(&changes, CHANGE_HASH_SET, 0, STRUCTURE_HASH, str_of(key), STR("f"), STR("v"));
    }
    for (int round = 0; round < 2; round++) { /* a request is used again */
        struct wire_change *order = commit_request_changes(&request, &changes);
        buf_clear(&shown);
        for (size_t i = 0; i < changes.count; i++) {
            buf_printf(&shown, "%s%u", i ? " " : "", order[i].change);
            assert_int_equal(order[i].event, order[i].change + 10);
        }
        buf_printf(&shown, "/%zu", commit_request_key_count(&request));
        assert_string_equal(buf_text(&shown), expected);
        free(order);
    }
    buf_release(&shown);
    changes_release(&changes);
    commit_request_release(&request);
}

static void test_order(void **state)
{
    (void)state;
    assert_order("", "/0");
    assert_order("a", "0/1");
    assert_order("aaa", "0 1 2/1");
    assert_order("abc", "0 1 2/3");
    assert_order("abab", "0 2 1 3/2");
    assert_order("aabba", "0 1 4 2 3/2");
    assert_order("aAa", "0 1 2/1");
    assert_order("abAB", "0 2 1 3/2");
    assert_order("cCbcBc", "0 1 3 5 2 4/2");
}

/* Keys that begin at one place and end at two are two rows. */
static void test_keys_in_one_text(void **state)
{
    (void)state;
    struct commit_request request = {0};
    struct changes changes = {0};
    for (size_t len = 3; len >= 1; len--)
        changes_add(&changes, CHANGE_COUNTER_ADD, 0, STRUCTURE_COUNTER, (struct str){"abc", len},
                    (struct str){0}, STR("1"));
    free(commit_request_changes(&request, &changes));
    assert_int_equal(commit_request_key_count(&request), 3);
    commit_request_row_keys(&request, STR("p:"));
    assert_string_equal(buf_text(&request.resp), "$5\r\np:abc\r\n$4\r\np:ab\r\n$3\r\np:a\r\n");
    changes_release(&changes);
    commit_request_release(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_keys_in_one_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
