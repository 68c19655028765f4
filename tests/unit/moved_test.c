/*
 * moved_test.c: what former partitions have folded.
 */
#include <fanfold/moved.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void nothing_moved(void **state)
{
    (void)state;
    struct moved moved;
    assert_true(moved_read(STR(""), &moved));
    assert_int_equal(moved.low, 0);
    assert_int_equal(moved.high, 0);
    assert_false(moved_has(&moved, 0, 0));
    moved_release(&moved);
}

static void from_one_stream(void **state)
{
    (void)state;
    struct moved moved;
    assert_true(moved_read(STR("1 12346"), &moved));
    assert_int_equal(moved.low, 12346);
    assert_int_equal(moved.high, 12346);
    assert_true(moved_has(&moved, 12345, 7));
    assert_false(moved_has(&moved, 12346, 7));
    moved_release(&moved);
}

static void from_several(void **state)
{
    (void)state;
    struct moved moved;
    assert_true(moved_read(STR("4 200 100 0 300"), &moved));
    assert_int_equal(moved.low, 0);
    assert_int_equal(moved.high, 300);
    assert_true(moved_has(&moved, 199, 8));
    assert_false(moved_has(&moved, 200, 8));
    assert_true(moved_has(&moved, 99, 5));
    assert_false(moved_has(&moved, 100, 5));
    assert_false(moved_has(&moved, 0, 6));
    assert_true(moved_has(&moved, 299, UINT64_MAX)); /* mod 4 is 3 */
    moved_release(&moved);
}

/* From one stream to four, and on before all four had come past where the one was. */
static void twice(void **state)
{
    (void)state;
    struct moved moved;
    assert_true(moved_read(STR("1 150;4 200 0 0 160"), &moved));
    assert_int_equal(moved.low, 150);
    assert_int_equal(moved.high, 200);
    assert_true(moved_has(&moved, 149, 1));
    assert_false(moved_has(&moved, 150, 1));
    assert_true(moved_has(&moved, 199, 4));
    assert_false(moved_has(&moved, 160, 3));
    moved_release(&moved);
}

static void what_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0",        "1",     "1 ",   "1  5", "1 5 ",
        "2 5",      "1 5 6", "1 x",  "1 5;", ";1 5",
        "1 5;;1 5", "257 1", "-1 5", "1 -5", "1 18446744073709551616",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct moved moved;
        bool read = moved_read(str_of(texts[i]), &moved);
        if (read)
            print_error("\"%s\" was read\n", texts[i]);
        assert_false(read);
        assert_null(moved.sets);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_moved), cmocka_unit_test(from_one_stream),
        cmocka_unit_test(from_several),  cmocka_unit_test(twice),
        cmocka_unit_test(what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
