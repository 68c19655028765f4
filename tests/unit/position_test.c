/*
 * position_test.c: positions and tallies as text.
 */
#include <fanfold/position.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void positions_come_back(void **state)
{
    (void)state;
    static const struct position positions[] = {
        {"", 0, 0, 0},
        {"1.0123456789abcdef", 0, 0, 0},
        {"12.f", UINT64_MAX, UINT64_MAX, UINT64_MAX},
        {"1.a", UINT64_C(9007199254740993), 5, 10},
    };
    struct buf text = {0};
    for (size_t i = 0; i < sizeof(positions) / sizeof(*positions); i++) {
        struct position read = {.offset = 99};
        buf_clear(&text);
        position_write(&text, &positions[i]);
        assert_true(position_read(buf_str(&text), &read));
        assert_true(position_eq(&read, &positions[i]));
        assert_true(read.offset == positions[i].offset);
    }
    buf_clear(&text);
    position_write(&text, &positions[3]);
    assert_string_equal(buf_text(&text), "1.a 9007199254740993 5 10");
    buf_release(&text);
}

static void what_is_no_position(void **state)
{
    (void)state;
    static const char *const texts[] = {
        " ",
        "x",
        "x 1",
        "x 1 2",
        "x 1 2 3 ",
        "x 1 2 3 4",
        " 1 2 3",
        "x 01 2 3",
        "x -1 2 3",
        "x +1 2 3",
        "x 1  2 3",
        "x 1 2 3\n",
        "x a 2 3",
        "x 1 2 ",
        "x 18446744073709551616 2 3",
        "x 1.5 2 3",
        "0123456789012345678901234567890123456789012345678901234567890123 1 2 3",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct position position = {.epoch = "kept", .offset = 7};
        assert_false(position_read(str_of(texts[i]), &position));
        assert_string_equal(position.epoch, "kept"); /* untouched */
    }
    struct position position;
    assert_false(position_read(STR("a\0b 1 2 3"), &position));
}

static void all_parts_are_compared(void **state)
{
    (void)state;
    const struct position a = {"1.a", 1, 2, 3};
    const struct position others[] = {
        {"1.b", 1, 2, 3}, {"1.a", 2, 2, 3}, {"1.a", 1, 3, 3}, {"1.a", 1, 2, 4}, {"", 1, 2, 3},
    };
    assert_true(position_eq(&a, &a));
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_false(position_eq(&a, &others[i]));
    const struct position none = {0}, none_either = {.offset = 5};
    assert_true(position_eq(&none, &none_either));
}

static void tallies_come_back(void **state)
{
    (void)state;
    const struct tally tally = {12, 0, 1, UINT64_MAX, 4};
    struct tally read = {0};
    struct buf text = {0};
    tally_write(&text, &tally);
    assert_true(tally_read(buf_str(&text), &read));
    assert_memory_equal(&read, &tally, sizeof(tally));
    buf_clear(&text);
    tally_write(&text, &(struct tally){12, 0, 1, 0, 0});
    assert_string_equal(buf_text(&text), "folded=12 ignored=0 duplicates=1 parked=0 skipped=0");
    assert_false(tally_read(STR("folded=12 ignored=0 duplicates=1 parked=0"), &read));
    assert_false(tally_read(STR("folded=x ignored=0 duplicates=1 parked=0 skipped=0"), &read));
    assert_false(tally_read(STR(""), &read));
    assert_true(read.parked == UINT64_MAX); /* untouched */
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_come_back),
        cmocka_unit_test(what_is_no_position),
        cmocka_unit_test(all_parts_are_compared),
        cmocka_unit_test(tallies_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
