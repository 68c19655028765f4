/*
 * timestamp_test.c: times and durations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/timestamp.h"

#include <stdio.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static void check_any(const char *text, const char *expected)
{
    int64_t ms;
    char out[TIMESTAMP_TEXT_MAX];
    assert_true(timestamp_parse_any(str_of(text), &ms));
    assert_int_equal(timestamp_format(ms, out), strlen(expected));
    assert_string_equal(out, expected);
}

static void test_rfc3339(void **state)
{
    (void)state;
    int64_t ms;
    assert_true(timestamp_parse(STR("1970-01-01T00:00:00Z"), &ms));
    assert_int_equal(ms, 0);
    assert_true(timestamp_parse(STR("2026-01-31T09:05:07Z"), &ms));
    assert_int_equal(ms, INT64_C(1769850307000)); /* date -u -d 2026-01-31T09:05:07Z +%s */
    check_any("2026-01-31T09:05:07Z", "2026-01-31T09:05:07.000Z");
    check_any("2026-01-31t09:05:07.1z", "2026-01-31T09:05:07.100Z");
    check_any("2026-01-31T09:05:07.123999999999999999999999Z", "2026-01-31T09:05:07.123Z");
    check_any("2026-01-31T00:30:00+02:00", "2026-01-30T22:30:00.000Z");
    check_any("2025-12-31T23:30:00-00:45", "2026-01-01T00:15:00.000Z");
    check_any("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z");
    check_any("2016-12-31T23:59:60.5Z", "2016-12-31T23:59:59.999Z");
    check_any("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z");
    check_any("2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z");
    check_any("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z");
    check_any("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z");
    check_any("1969-12-31T23:59:59.9995Z", "1969-12-31T23:59:59.999Z");
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026-01-31",
        "2026-01-31T09:05:07",
        "2026-01-31 09:05:07Z",
        "2026-01-31T09:05Z",
        "2026-01-31T09:05:07.Z",
        "2026-01-31T09:05:07ZZ",
        "2026-01-31T09:05:07+2:00",
        "2026-01-31T09:05:07+0200",
        "2026-01-31T09:05:07+24:00",
        "2026-01-31T09:05:07+02:60",
        "2026-01-31T09:05:07*02:00",
        "2026-01-31T24:00:00Z",
        "2026-01-31T09:60:00Z",
        "2026-01-31T09:05:61Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "+2026-01-31T09:05:07Z",
        " 1769850307",
        "1769850307s",
        "253402300800000",
        "-62135596801",
        "1e300",
        "true",
    };
    int64_t ms = 5;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(timestamp_parse_any(str_of(bad[i]), &ms));
    assert_false(timestamp_parse(STR("1769850307"), &ms));
    assert_int_equal(ms, 5);
}

static void test_numbers(void **state)
{
    (void)state;
    check_any("1769850307", "2026-01-31T09:05:07.000Z");
    check_any("1769850307.1239", "2026-01-31T09:05:07.123Z");
    check_any("1.769850307e9", "2026-01-31T09:05:07.000Z");
    check_any("1769850307123", "2026-01-31T09:05:07.123Z");
    check_any("1769850307123.9", "2026-01-31T09:05:07.123Z");
    check_any("99999999999", "5138-11-16T09:46:39.000Z");
    check_any("99999999999.9999", "5138-11-16T09:46:39.999Z");
    check_any("100000000000", "1973-03-03T09:46:40.000Z");
    check_any("0", "1970-01-01T00:00:00.000Z");
    check_any("-0.0005", "1969-12-31T23:59:59.999Z");
    check_any("-62135596800", "0001-01-01T00:00:00.000Z");
    check_any("253402300799999", "9999-12-31T23:59:59.999Z");
}

/* Each day of eight centuries follows the one before, by a calendar that only counts. */
static void test_each_day(void **state)
{
    (void)state;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t expected;
    assert_true(timestamp_parse(STR("1600-01-01T00:00:00Z"), &expected));
    for (int year = 1600; year < 2400; year++) {
        bool leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
        for (int month = 1; month <= 12; month++)
            for (int day = 1; day <= lengths[month - 1] + (month == 2 && leap); day++) {
                char text[64], out[TIMESTAMP_TEXT_MAX];
                int64_t ms;
                snprintf(text, sizeof text, "%04d-%02d-%02dT00:00:00.000Z", year, month, day);
                assert_true(timestamp_parse(str_of(text), &ms));
                assert_int_equal(ms, expected);
                timestamp_format(ms, out);
                assert_string_equal(out, text);
                expected += 86400000;
            }
    }
}

/* Beyond what can be parsed: the end of the last year, and expiries behind it. */
static void test_far_years(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {INT64_C(253402300800000), "10000-01-01T00:00:00.000Z"},
        {INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
        {INT64_C(9007199254740992), "287396-10-12T08:59:00.992Z"},
        {INT64_C(-62135596800001), "0000-12-31T23:59:59.999Z"},
        {INT64_C(-62167219200001), "-001-12-31T23:59:59.999Z"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char out[TIMESTAMP_TEXT_MAX];
        assert_int_equal(timestamp_format(cases[i].ms, out), strlen(cases[i].text));
        assert_string_equal(out, cases[i].text);
    }
}

static void test_units(void **state)
{
    (void)state;
    static const struct {
        const char *time, *unit, *prefix, *end;
    } cases[] = {
        {"2026-01-31T09:05:07.9Z", "minute", "2026-01-31T09:05", "2026-01-31T09:06:00.000Z"},
        {"2026-01-31T09:05:07.9Z", "hour", "2026-01-31T09", "2026-01-31T10:00:00.000Z"},
        {"2026-01-31T09:05:07.9Z", "day", "2026-01-31", "2026-02-01T00:00:00.000Z"},
        {"2026-01-31T09:05:07.9Z", "month", "2026-01", "2026-02-01T00:00:00.000Z"},
        {"2026-01-31T09:05:07.9Z", "year", "2026", "2027-01-01T00:00:00.000Z"},
        {"2026-12-31T23:59:59.9Z", "month", "2026-12", "2027-01-01T00:00:00.000Z"},
        {"2024-02-01T00:00:00Z", "month", "2024-02", "2024-03-01T00:00:00.000Z"},
        {"2024-02-01T00:00:00Z", "day", "2024-02-01", "2024-02-02T00:00:00.000Z"},
        {"1969-12-31T23:59:59.9Z", "hour", "1969-12-31T23", "1970-01-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t ms;
        char out[TIMESTAMP_TEXT_MAX];
        enum time_unit unit = time_unit_of(str_of(cases[i].unit));
        assert_true(timestamp_parse(str_of(cases[i].time), &ms));
        assert_int_equal(timestamp_format_unit(ms, unit, out), strlen(cases[i].prefix));
        assert_string_equal(out, cases[i].prefix);
        timestamp_format(timestamp_unit_end(ms, unit), out);
        assert_string_equal(out, cases[i].end);
    }
    assert_int_equal(time_unit_of(STR("week")), TIME_UNIT_NONE);
    assert_int_equal(time_unit_of(STR("")), TIME_UNIT_NONE);
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"30s", 30000},
        {"90m", 5400000},
        {"24h", 86400000},
        {"7d", 604800000},
        {"2w", 1209600000},
        {"0s", 0},
        {"999999999w", INT64_C(999999999) * 604800000},
    };
    static const char *const bad[] = {"",    "s",   "5",   "5M",         "1.5h",
                                      "-1h", "+1h", "1 h", "1000000000s"};
    int64_t ms;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_true(duration_parse(str_of(good[i].text), &ms));
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(duration_parse(str_of(bad[i]), &ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc3339),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_numbers),   cmocka_unit_test(test_each_day),
        cmocka_unit_test(test_far_years), cmocka_unit_test(test_units),
        cmocka_unit_test(test_durations),
    };
    return cmocka_run_group_tests_name("timestamp", tests, NULL, NULL);
}
