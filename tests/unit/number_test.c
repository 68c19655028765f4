/*
 * number_test.c: exact integers, exact decimals, shortest texts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static void test_is_number(void **state)
{
    (void)state;
    static const char *const good[] = {"0", "-0", "12", "-12.50", "1e3", "1E+3", "0.1e-7", "10"};
    static const char *const bad[] = {"",    "-",   "+1",   " 1",  "1 ",    "01",
                                      "-01", ".5",  "1.",   "1e",  "1e+",   "1,5",
                                      "0x1", "NaN", "1.e3", "--1", "1e1.5", "1_0"};
    for (size_t i = 0; i < COUNT_OF(good); i++)
        assert_true(number_is(str_of(good[i])));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(number_is(str_of(bad[i])));
    assert_false(number_is((struct str){0}));
}

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum number_result result;
        int64_t value;
    } cases[] = {
        {"0", NUMBER_OK, 0},
        {"-0", NUMBER_OK, 0},
        {"-0.0e5", NUMBER_OK, 0},
        {"0e99999999999999999999", NUMBER_OK, 0},
        {"12", NUMBER_OK, 12},
        {"-12", NUMBER_OK, -12},
        {"2.0", NUMBER_OK, 2},
        {"1e3", NUMBER_OK, 1000},
        {"1.5e1", NUMBER_OK, 15},
        {"1200e-2", NUMBER_OK, 12},
        {"0.0000012e6", NUMBER_FRACTION, 0},
        {"0.0000012e7", NUMBER_OK, 12},
        {"9007199254740992", NUMBER_OK, INT64_C(9007199254740992)},
        {"-9007199254740992.000", NUMBER_OK, INT64_C(-9007199254740992)},
        {"9007199254740991", NUMBER_OK, INT64_C(9007199254740991)},
        {"9007199254740993", NUMBER_OUT_OF_RANGE, 0},
        {"-9007199254740993", NUMBER_OUT_OF_RANGE, 0},
        {"9999999999999999", NUMBER_OUT_OF_RANGE, 0},
        {"10000000000000000", NUMBER_OUT_OF_RANGE, 0},
        {"1e16", NUMBER_OUT_OF_RANGE, 0},
        {"1e15", NUMBER_OK, INT64_C(1000000000000000)},
        {"1e99999999999999999999", NUMBER_OUT_OF_RANGE, 0},
        {"123456789012345678901234567890", NUMBER_OUT_OF_RANGE, 0},
        {"1.5", NUMBER_FRACTION, 0},
        {"1e-1", NUMBER_FRACTION, 0},
        {"1e-99999999999999999999", NUMBER_FRACTION, 0},
        {"99999999999999999999.5", NUMBER_FRACTION, 0},
        {"1,5", NUMBER_NOT, 0},
        {"", NUMBER_NOT, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t value = 77;
        assert_int_equal(number_int(str_of(cases[i].text), &value), cases[i].result);
        assert_int_equal(value, cases[i].result == NUMBER_OK ? cases[i].value : 77);
    }
}

static void test_scaled(void **state)
{
    (void)state;
    int64_t value;
    assert_int_equal(number_scaled(STR("12.34"), 2, &value), NUMBER_OK);
    assert_int_equal(value, 1234);
    assert_int_equal(number_scaled(STR("-0.070"), 2, &value), NUMBER_OK);
    assert_int_equal(value, -7);
    assert_int_equal(number_scaled(STR("1"), 15, &value), NUMBER_OK);
    assert_int_equal(value, INT64_C(1000000000000000));
    assert_int_equal(number_scaled(STR("12.345"), 2, &value), NUMBER_FRACTION);
    assert_int_equal(number_scaled(STR("10"), 15, &value), NUMBER_OUT_OF_RANGE);
    assert_int_equal(number_scaled(STR("90071992547409.92"), 2, &value), NUMBER_OK);
    assert_int_equal(value, NUMBER_INT_MAX);
    assert_int_equal(number_scaled(STR("90071992547409.93"), 2, &value), NUMBER_OUT_OF_RANGE);
    assert_int_equal(number_scaled(STR("x"), 2, &value), NUMBER_NOT);

    assert_int_equal(number_scaled_floor(STR("12.349"), 2, &value), NUMBER_OK);
    assert_int_equal(value, 1234);
    assert_int_equal(number_scaled_floor(STR("-12.341"), 2, &value), NUMBER_OK);
    assert_int_equal(value, -1235);
    assert_int_equal(number_scaled_floor(STR("-1e-30"), 0, &value), NUMBER_OK);
    assert_int_equal(value, -1);
    assert_int_equal(number_scaled_floor(STR("1e16"), 0, &value), NUMBER_OUT_OF_RANGE);
}

static void test_doubles(void **state)
{
    (void)state;
    static const char *const good[] = {
        "0.1",
        "21.5",
        "12.34",
        "-59.90",
        "1e-7",
        "0.30000000000000004",
        "3e-22",
        "3e-23",
        "7e-29",
        "5e-324",
        "2.5e-400",
        "123456789012345.6",
        "1.7976931348623157e-5",
        "9007199254740992.3",
        "0.1000000000000000055511151231257827021181583404541015625",
        "0.00000000000000000000000000000000000000000000000000000000000000000000000001"};
    static const char *const beyond[] = {"9007199254740993.5", "-9007199254740993.5", "1.5e300",
                                         "1e400"};
    double value = 7;
    for (size_t i = 0; i < COUNT_OF(beyond); i++)
        assert_int_equal(number_double(str_of(beyond[i]), &value), NUMBER_OUT_OF_RANGE);
    assert_true(value == 7);
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_int_equal(number_double(str_of(good[i]), &value), NUMBER_OK);
        assert_true(value == strtod(good[i], NULL));
    }
    assert_int_equal(number_double(STR("9007199254740993"), &value), NUMBER_OUT_OF_RANGE);
    assert_int_equal(number_double(STR("1e3"), &value), NUMBER_OK);
    assert_true(value == 1000);
    assert_int_equal(number_double(STR("1e"), &value), NUMBER_NOT);

    char huge[400];
    memset(huge, '9', sizeof huge);
    memcpy(huge + sizeof huge - 2, ".5", 2);
    assert_int_equal(number_double((struct str){huge, sizeof huge}, &value), NUMBER_OUT_OF_RANGE);
}

/* RFC 8785 appendix B, and the borders of ECMAScript's layouts. */
static void test_format(void **state)
{
    (void)state;
    static const struct {
        uint64_t bits;
        const char *text;
    } cases[] = {
        {0x0000000000000000, "0"},
        {0x8000000000000000, "0"},
        {0x0000000000000001, "5e-324"},
        {0x8000000000000001, "-5e-324"},
        {0x7fefffffffffffff, "1.7976931348623157e+308"},
        {0xffefffffffffffff, "-1.7976931348623157e+308"},
        {0x4340000000000000, "9007199254740992"},
        {0xc340000000000000, "-9007199254740992"},
        {0x4430000000000000, "295147905179352830000"},
        {0x44b52d02c7e14af5, "9.999999999999997e+22"},
        {0x44b52d02c7e14af6, "1e+23"},
        {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
        {0x444b1ae4d6e2ef4e, "999999999999999700000"},
        {0x444b1ae4d6e2ef4f, "999999999999999900000"},
        {0x444b1ae4d6e2ef50, "1e+21"},
        {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
        {0x3eb0c6f7a0b5ed8d, "0.000001"},
        {0x41b3de4355555553, "333333333.3333332"},
        {0x41b3de4355555554, "333333333.33333325"},
        {0x41b3de4355555555, "333333333.3333333"},
        {0x41b3de4355555556, "333333333.3333334"},
        {0x41b3de4355555557, "333333333.33333343"},
        {0xbecbf647612f3696, "-0.0000033333333333333333"},
        {0x43143ff3c1cb0959, "1424953923781206.2"},
        /* 2^-44: the nearest 16 digits do not read back, the next ones up do. */
        {0x3d30000000000000, "5.684341886080802e-14"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        double value;
        char out[NUMBER_TEXT_MAX];
        memcpy(&value, &cases[i].bits, sizeof value);
        size_t len = number_format(value, out);
        assert_int_equal(len, strlen(cases[i].text));
        assert_memory_equal(out, cases[i].text, len);
    }
}

/* Digits from the first to the last that is not 0. */
static int significant_digits(const char *text)
{
    int digits = 0, zeros = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text == '0') {
            zeros++;
        } else if (*text != '.' && *text != '-') {
            digits += digits ? zeros + 1 : 1;
            zeros = 0;
        }
    }
    return digits;
}

static void check_shortest(double value)
{
    char out[NUMBER_TEXT_MAX], shorter[NUMBER_TEXT_MAX];
    out[number_format(value, out)] = '\0';
    assert_true(strtod(out, NULL) == value);
    int digits = significant_digits(out);
    assert_in_range(digits, 1, 17);
    if (digits > 1) {
        snprintf(shorter, sizeof shorter, "%.*e", digits - 2, value);
        assert_true(strtod(shorter, NULL) != value);
    }
}

static void assert_int_text(int64_t value)
{
    char out[NUMBER_TEXT_MAX], expected[NUMBER_TEXT_MAX];
    snprintf(expected, sizeof expected, "%lld", (long long)value);
    assert_int_equal(number_format_int(value, out), strlen(expected));
    assert_string_equal(out, expected);
}

static void test_format_integers(void **state)
{
    (void)state;
    char out[NUMBER_TEXT_MAX];
    int64_t power = 1;
    for (int digits = 1; digits <= 19; digits++, power = digits < 19 ? power * 10 : INT64_MAX)
        for (int64_t near = -1; near < 1; near++) {
            assert_int_text(power + near);
            assert_int_text(-(power + near));
        }
    assert_int_text(NUMBER_INT_MAX);
    assert_int_text(-NUMBER_INT_MAX);
    assert_int_text(INT64_MAX);
    assert_int_text(INT64_MIN);
    assert_int_equal(number_format_unsigned(UINT64_MAX, out), 20);
    assert_string_equal(out, "18446744073709551615");
}

/* What is plain is its own canonical text, by the way that all other numbers take too. */
static void test_plain(void **state)
{
    (void)state;
    static const char *const plain[] = {
        "0", "1", "-1", "12", "-900", "999999999999999", "10", "-10", "100", "-999999999999999"};
    static const char *const others[] = {
        "",      "-",      "-0",  "-00", "00", "01",  "-01", "1.0", "1e3",
        "+1",    " 1",     "1 ",  "1-",  "a",  "0x1", "--1", "-a",  "9007199254740993",
        "1e999", "1,5",    "0.5", "1.",  ".1", "1e",  "1/",  "1:",  "1000000000000000",
        "-1.5",  "-1e-10", "−1",  "٣",
    };
    for (size_t i = 0; i < COUNT_OF(plain); i++) {
        char out[NUMBER_TEXT_MAX];
        double value;
        assert_true(number_is_plain(str_of(plain[i])));
        assert_int_equal(number_double(str_of(plain[i]), &value), NUMBER_OK);
        number_format(value, out);
        assert_string_equal(out, plain[i]);
    }
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(number_is_plain(str_of(others[i])));
    assert_false(number_is_plain((struct str){0}));
    assert_false(number_is_plain((struct str){"-1", 1}));
    assert_true(number_is_plain((struct str){"12x", 2}));
}

static void test_round_trip(void **state)
{
    (void)state;
    for (int e = -1074; e < 1024; e++)
        check_shortest(ldexp(1, e));
    uint64_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t bits = seed ^ seed >> 29;
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value))
            check_shortest(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_number), cmocka_unit_test(test_integers),
        cmocka_unit_test(test_scaled),    cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_format),    cmocka_unit_test(test_format_integers),
        cmocka_unit_test(test_plain),     cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
