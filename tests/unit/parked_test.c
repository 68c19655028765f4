/*
 * parked_test.c: records of parked events as text, and how long ago something was.
 */
#include "cli/age.h"
#include <fanfold/parked.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void records_come_back(void **state)
{
    (void)state;
    const struct parked_event event = {.offset = 7,
                                       .waits = true,
                                       .key = STR("a\"b"),
                                       .reason = STR("/data/n is \"ø\""),
                                       .id = STR("1"),
                                       .source = STR("/s"),
                                       .type = STR(""),
                                       .parked_at_ms = 1769850307123};
    struct parked_event read = {.offset = 7};
    struct arena arena = {0};
    struct error error;
    struct buf text = {0};
    parked_record(&text, &event);
    assert_true(parked_record_read(buf_str(&text), &arena, &read, &error));
    assert_true(str_eq(read.key, event.key));
    assert_true(str_eq(read.reason, event.reason));
    assert_true(str_eq(read.id, event.id));
    assert_true(str_eq(read.source, event.source));
    assert_true(str_is(read.type));
    assert_true(read.waits);
    assert_int_equal(read.offset, 7);
    assert_int_equal(read.parked_at_ms, event.parked_at_ms);
    buf_release(&text);
    arena_release(&arena);
}

/* A reason that was cut within a character must not make the record unreadable. */
static void records_are_utf8(void **state)
{
    (void)state;
    struct parked_event event = {.reason = STR("found \xc3"), .key = {NULL, 0}}, read = {0};
    struct arena arena = {0};
    struct error error;
    struct buf text = {0};
    parked_record(&text, &event);
    assert_true(parked_record_read(buf_str(&text), &arena, &read, &error));
    assert_true(str_eq(read.reason, STR("found ?")));
    assert_false(str_is(read.key));
    assert_false(str_is(read.id));
    buf_clear(&text);
    dropped_record(&text, &event, STR("a \xff test"), 1769850307123);
    assert_string_equal(buf_text(&text),
                        "{\"reason\":\"a ? test\",\"at\":\"2026-01-31T09:05:07.123Z\"}");
    buf_release(&text);
    arena_release(&arena);
}

static void what_is_no_record(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"reason\":\"r\",\"waits\":true}",
        "{\"reason\":\"r\",\"at\":\"2026-01-31T09:05:07.000Z\"}",
        "{\"waits\":true,\"at\":\"2026-01-31T09:05:07.000Z\"}",
        "{\"reason\":\"r\",\"waits\":true,\"at\":\"yesterday\"}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct parked_event event = {.offset = 3};
        struct arena arena = {0};
        struct error error;
        assert_false(parked_record_read(str_of(texts[i]), &arena, &event, &error));
        assert_false(str_is(event.reason)); /* untouched */
        arena_release(&arena);
    }
}

static void ages(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {{-5, "0s"},     {0, "0s"},    {119, "119s"},   {120, "2m"},
                 {7199, "119m"}, {7200, "2h"}, {172799, "47h"}, {864000, "10d"}};
    char text[AGE_TEXT_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(age_text(1000000, 1000000 + cases[i].seconds * 1000, text),
                            cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back),
        cmocka_unit_test(records_are_utf8),
        cmocka_unit_test(what_is_no_record),
        cmocka_unit_test(ages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
