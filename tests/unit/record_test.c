/*
 * record_test.c: what is recorded is read again as it was, and what a reader takes of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "event/record.h"

#define EXCHANGE        STR("shop.events")
#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* As the broker gives it: with the exchange and key that it was sent with. */
static struct message *deliver(const struct message *record, uint64_t place)
{
    struct message shape = *record;
    shape.exchange = STR("shop.events.part");
    shape.routing_key = STR("4.2");
    shape.offset = shape.from = shape.record = place;
    return message_new(&shape);
}

static struct message *read_back(const struct message *record, uint64_t place)
{
    struct message *message = record_read(deliver(record, place));
    assert_non_null(message);
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
        assert_true(found->headers[i].real == expected[i].real);
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
        {.name = STR("fanfold-offset"), .kind = HEADER_INT, .integer = INT64_MIN},
        {.name = STR(""), .kind = HEADER_BOOL, .integer = 1},
        {.name = STR("t"), .kind = HEADER_TIMESTAMP, .integer = -5},
        {.name = STR("d"), .kind = HEADER_DOUBLE, .real = -0.1},
        {.name = STR("z"), .kind = HEADER_TEXT, .text = STR("")},
    };
    struct message event = event_with(headers, COUNT_OF(headers)), record;
    struct arena arena = {0};
    event.app_id = STR(""); /* which is not the same as none */
    event.has_timestamp = true;
    event.timestamp = UINT64_MAX;
    record_write(&record, &event, 1200, &arena);
    struct message *message = read_back(&record, 77);
    assert_int_equal(message->offset, 1234);
    assert_int_equal(message->from, 1200);
    assert_int_equal(message->record, 77);
    assert_false(message->mark);
    assert_text(message->exchange, EXCHANGE);
    assert_text(message->routing_key, STR("order-7"));
    assert_text(message->message_id, STR("id"));
    assert_text(message->body, STR("{}"));
    assert_true(str_is(message->app_id));
    assert_false(str_is(message->type));
    assert_true(message->has_timestamp);
    assert_true(message->timestamp == UINT64_MAX);
    assert_same_headers(message, headers, COUNT_OF(headers));
    message_free(message);
    arena_release(&arena);
}

static void an_empty_event_comes_back_as_it_was(void **state)
{
    (void)state;
    struct message event = {.offset = 3, .body = STR("")}, record;
    struct arena arena = {0};
    record_write(&record, &event, 3, &arena);
    struct message *message = read_back(&record, 0);
    assert_int_equal(message->header_count, 0);
    assert_int_equal(message->body.len, 0);
    assert_false(message->has_timestamp);
    message_free(message);
    arena_release(&arena);
}

static void a_mark_is_no_event(void **state)
{
    (void)state;
    struct message record;
    struct arena arena = {0};
    record_mark(&record, 10, 20, &arena);
    struct message *message = read_back(&record, 3);
    assert_true(message->mark);
    assert_int_equal(message->from, 10);
    assert_int_equal(message->offset, 20);
    assert_int_equal(message->record, 3);
    message_free(message);
    arena_release(&arena);
}

/* Written down octet by octet, so that a record of today is read tomorrow. */
static const char form[] = "fanfold\1\0"
                           "\0\0\0\0\0\0\1\2"
                           "\0\0\0\0\0\0\1\0"
                           "\0\0\0\1x"
                           "\0\0\0\3key"
                           "\xff\xff\xff\xff"
                           "\xff\xff\xff\xff"
                           "\0\0\0\2id"
                           "\xff\xff\xff\xff"
                           "\xff\xff\xff\xff"
                           "\xff\xff\xff\xff"
                           "\1\0\0\0\0\0\0\0\7"
                           "\0\0\0\2"
                           "S\0\0\0\1h\0\0\0\2hi"
                           "d\0\0\0\1d\x3f\xf8\0\0\0\0\0\0"
                           "the body";
#define FORM ((struct str){form, sizeof form - 1})

static struct message delivered(struct str body)
{
    return (struct message){.offset = 9, .from = 9, .record = 9, .body = body};
}

static void the_form_stays(void **state)
{
    (void)state;
    struct message shape = delivered(FORM), record;
    struct message *message = record_read(message_new(&shape));
    assert_non_null(message);
    assert_int_equal(message->offset, 258);
    assert_int_equal(message->from, 256);
    assert_text(message->exchange, STR("x"));
    assert_text(message->routing_key, STR("key"));
    assert_text(message->message_id, STR("id"));
    assert_int_equal(message->timestamp, 7);
    assert_int_equal(message->header_count, 2);
    assert_text(message->headers[0].text, STR("hi"));
    assert_true(message->headers[1].real == 1.5);
    assert_text(message->body, STR("the body"));
    struct arena arena = {0};
    record_write(&record, message, message->from, &arena);
    assert_int_equal(record.body.len, FORM.len);
    assert_memory_equal(record.body.at, form, FORM.len);
    message_free(message);
    arena_release(&arena);
}

static void assert_no_record(struct str body)
{
    struct message shape = delivered(body);
    struct message *message = message_new(&shape);
    assert_null(record_read(message));
    assert_int_equal(message->offset, 9);
    assert_int_equal(message->body.len, body.len);
    message_free(message);
}

/* One that lies in memory of its own size, so that reading beyond its end is found. */
static void what_ends_too_early_is_no_record(void **state)
{
    (void)state;
    size_t whole = FORM.len - strlen("the body");
    for (size_t len = 0; len < whole; len++)
        assert_no_record((struct str){form, len});
    struct message shape = delivered((struct str){form, whole});
    message_free(record_read(message_new(&shape)));
}

static void what_cannot_be_is_no_record(void **state)
{
    (void)state;
    const struct {
        size_t at;
        char octet;
    } faults[] = {
        {0, 'F'},     /* not ours */
        {7, 2},       /* another form */
        {8, 2},       /* neither event nor mark */
        {8, 1},       /* a mark, with an event behind it */
        {9, '\x80'},  /* the offset is beyond all */
        {24, 3},      /* begins after its own offset */
        {25, 1},      /* an exchange of 16 MiB */
        {63, 2},      /* neither with nor without a timestamp */
        {72, 1},      /* 16 M headers */
        {76, 'x'},    /* a kind of header that there is not */
        {77, '\x7f'}, /* a name of 2 GiB */
    };
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        char copy[sizeof form];
        memcpy(copy, form, sizeof form);
        assert_int_not_equal(copy[faults[i].at], faults[i].octet);
        copy[faults[i].at] = faults[i].octet;
        assert_no_record((struct str){copy, FORM.len});
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
        cmocka_unit_test(an_empty_event_comes_back_as_it_was),
        cmocka_unit_test(a_mark_is_no_event),
        cmocka_unit_test(the_form_stays),
        cmocka_unit_test(what_ends_too_early_is_no_record),
        cmocka_unit_test(what_cannot_be_is_no_record),
        cmocka_unit_test(a_record_follows_repeats_or_leaves_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
