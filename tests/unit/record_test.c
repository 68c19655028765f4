/*
 * record_test.c: what is recorded is read again as it was, and what a reader takes of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "event/record.h"

#define EXCHANGE        STR("shop.events")
#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct message_header *)a)->name,
                   ((const struct message_header *)b)->name);
}

/* As the broker gives it: headers sorted, and with the exchange and key that it was sent with. */
static struct message *deliver(const struct message *record, uint64_t place)
{
    struct message shape = *record;
    shape.exchange = STR("shop.events.part");
    shape.routing_key = STR("4.2");
    shape.offset = shape.from = shape.record = place;
    struct message *message = message_new(&shape);
    qsort((void *)(uintptr_t)message->headers, message->header_count, sizeof *message->headers,
          by_name);
    return message;
}

static void assert_text(struct str found, struct str expected)
{
    if (!str_eq(found, expected))
        fail_msg("\"%.*s\" is not \"%.*s\"", STRF(found), STRF(expected));
}

static void assert_same_headers(const struct message *found, const struct message_header *expected,
                                size_t count)
{
    assert_int_equal(found->header_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_text(found->headers[i].name, expected[i].name);
        assert_int_equal(found->headers[i].kind, expected[i].kind);
        assert_text(found->headers[i].text, expected[i].text);
        assert_int_equal(found->headers[i].integer, expected[i].integer);
    }
}

static struct message event_with(const struct message_header *headers, size_t count)
{
    return (struct message){.offset = 1234,
                            .exchange = EXCHANGE,
                            .routing_key = STR("order-7"),
                            .message_id = STR("id"),
                            .headers = headers,
                            .header_count = count,
                            .body = STR("{}")};
}

static void an_event_comes_back_as_it_was(void **state)
{
    (void)state;
    const struct message_header headers[] = {
        {.name = STR("a"), .kind = HEADER_TEXT, .text = STR("text")},
        {.name = STR("z"), .kind = HEADER_INT, .integer = -5},
    };
    struct message event = event_with(headers, COUNT_OF(headers)), record;
    struct arena arena = {0};
    record_write(&record, &event, EXCHANGE, 1200, &arena);
    assert_int_equal(record.header_count, 5); /* no fanfold-exchange */
    struct message *message = deliver(&record, 77);
    assert_true(record_read(message, EXCHANGE));
    assert_int_equal(message->offset, 1234);
    assert_int_equal(message->from, 1200);
    assert_int_equal(message->record, 77);
    assert_false(message->mark);
    assert_text(message->exchange, EXCHANGE);
    assert_text(message->routing_key, STR("order-7"));
    assert_text(message->message_id, STR("id"));
    assert_text(message->body, STR("{}"));
    assert_same_headers(message, headers, COUNT_OF(headers));
    message_free(message);
    arena_release(&arena);
}

static void an_exchange_that_is_not_the_logs_is_kept(void **state)
{
    (void)state;
    struct message event = event_with(NULL, 0), record;
    struct arena arena = {0};
    event.exchange = STR("outer");
    event.routing_key = STR("");
    record_write(&record, &event, EXCHANGE, 0, &arena);
    struct message *message = deliver(&record, 0);
    assert_true(record_read(message, EXCHANGE));
    assert_text(message->exchange, STR("outer"));
    assert_text(message->routing_key, STR(""));
    assert_int_equal(message->header_count, 0);
    message_free(message);
    arena_release(&arena);
}

/* Also those of a record that somebody published again. */
static void headers_with_our_names_survive(void **state)
{
    (void)state;
    const struct message_header headers[] = {
        {.name = STR("fanfold-"), .kind = HEADER_INT, .integer = 1},
        {.name = STR("fanfold-exchange"), .kind = HEADER_TEXT, .text = STR("theirs")},
        {.name = STR("fanfold-from"), .kind = HEADER_INT, .integer = 9999},
        {.name = STR("fanfold-key"), .kind = HEADER_TEXT, .text = STR("theirs")},
        {.name = STR("fanfold-mark"), .kind = HEADER_BOOL, .integer = 1},
        {.name = STR("fanfold-offset"), .kind = HEADER_INT, .integer = 1},
        {.name = STR("fanfold-own-fanfold-mark"), .kind = HEADER_BOOL, .integer = 1},
    };
    struct message event = event_with(headers, COUNT_OF(headers)), record;
    struct arena arena = {0};
    record_write(&record, &event, EXCHANGE, 1234, &arena);
    struct message *message = deliver(&record, 5);
    assert_true(record_read(message, EXCHANGE));
    assert_int_equal(message->offset, 1234);
    assert_int_equal(message->from, 1234);
    assert_false(message->mark);
    assert_text(message->exchange, EXCHANGE);
    assert_text(message->routing_key, STR("order-7"));
    assert_same_headers(message, headers, COUNT_OF(headers));
    message_free(message);
    arena_release(&arena);
}

static void a_mark_is_no_event(void **state)
{
    (void)state;
    struct message record;
    struct arena arena = {0};
    record_mark(&record, 10, 20, &arena);
    struct message *message = deliver(&record, 3);
    assert_true(record_read(message, EXCHANGE));
    assert_true(message->mark);
    assert_int_equal(message->from, 10);
    assert_int_equal(message->offset, 20);
    assert_int_equal(message->header_count, 0);
    message_free(message);
    arena_release(&arena);
}

#define OFFSET(n)                                                         \
    {                                                                     \
        .name = STR("fanfold-offset"), .kind = HEADER_INT, .integer = (n) \
    }
#define FROM(n)                                                         \
    {                                                                   \
        .name = STR("fanfold-from"), .kind = HEADER_INT, .integer = (n) \
    }
#define KEY                                                               \
    {                                                                     \
        .name = STR("fanfold-key"), .kind = HEADER_TEXT, .text = STR("k") \
    }

static void what_is_no_record_is_left_alone(void **state)
{
    (void)state;
    const struct message_header heads[][3] = {
        {OFFSET(5), FROM(5), {.name = STR("fanfold-kez"), .kind = HEADER_TEXT, .text = STR("k")}},
        {OFFSET(5), KEY, {.name = STR("x"), .kind = HEADER_INT}},
        {FROM(5), KEY, {.name = STR("x"), .kind = HEADER_INT}},
        {OFFSET(5), FROM(6), KEY},
        {OFFSET(-5), FROM(0), KEY},
        {OFFSET(5), FROM(-1), KEY},
        {OFFSET(5), FROM(5), {.name = STR("fanfold-key"), .kind = HEADER_INT, .integer = 1}},
        {OFFSET(5), FROM(5), {.name = STR("fanfold-mark"), .kind = HEADER_BOOL, .integer = 1}},
    };
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        struct message shape = {.headers = heads[i], .header_count = 3, .body = STR("")};
        struct message *message = deliver(&shape, 3);
        bool is_mark = i == COUNT_OF(heads) - 1; /* for comparison: this is one */
        assert_int_equal(record_read(message, EXCHANGE), is_mark);
        assert_int_equal(message->header_count, is_mark ? 0 : 3);
        assert_int_equal(message->offset, is_mark ? 5 : 3);
        assert_text(message->routing_key, is_mark ? STR("") : STR("4.2"));
        message_free(message);
    }
}

static void a_record_follows_repeats_or_leaves_a_gap(void **state)
{
    (void)state;
    const struct {
        uint64_t from, offset, taken;
        enum record_place place;
    } cases[] = {
        {10, 15, 10, RECORD_NEXT}, {15, 15, 15, RECORD_NEXT}, {10, 15, 15, RECORD_NEXT},
        {10, 15, 16, RECORD_OLD},  {0, 0, 1, RECORD_OLD},     {11, 15, 10, RECORD_GAP},
        {0, 0, 0, RECORD_NEXT},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct message message = {.from = cases[i].from, .offset = cases[i].offset};
        assert_int_equal(record_place(&message, cases[i].taken), cases[i].place);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_comes_back_as_it_was),
        cmocka_unit_test(an_exchange_that_is_not_the_logs_is_kept),
        cmocka_unit_test(headers_with_our_names_survive),
        cmocka_unit_test(a_mark_is_no_event),
        cmocka_unit_test(what_is_no_record_is_left_alone),
        cmocka_unit_test(a_record_follows_repeats_or_leaves_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
