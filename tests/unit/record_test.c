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
static struct message *deliver(struct str body, uint64_t place)
{
    struct message shape = {.offset = place,
                            .from = place,
                            .record = place,
                            .exchange = STR("shop.events.part"),
                            .routing_key = STR("4.2"),
                            .body = body};
    return message_new(&shape);
}

/* The only entry. */
static struct message *read_back(struct str body, uint64_t place)
{
    struct message *delivered = deliver(body, place);
    struct record_reading reading = record_open(delivered);
    struct message *entry = record_next(&reading);
    assert_non_null(entry);
    assert_null(record_next(&reading));
    assert_true(reading.ok);
    message_free(delivered);
    return entry;
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
    struct message event = event_with(headers, COUNT_OF(headers));
    struct buf body = {0};
    event.app_id = STR(""); /* which is not the same as none */
    event.has_timestamp = true;
    event.timestamp = UINT64_MAX;
    record_begin(&body);
    record_add(&body, &event, 1200);
    struct message *message = read_back(buf_str(&body), 77);
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
    buf_release(&body);
}

static void an_empty_event_comes_back_as_it_was(void **state)
{
    (void)state;
    struct message event = {.offset = 3, .body = STR("")};
    struct buf body = {0};
    record_begin(&body);
    record_add(&body, &event, 3);
    struct message *message = read_back(buf_str(&body), 0);
    assert_int_equal(message->header_count, 0);
    assert_int_equal(message->body.len, 0);
    assert_false(message->has_timestamp);
    message_free(message);
    buf_release(&body);
}

static void a_mark_is_no_event(void **state)
{
    (void)state;
    struct buf body = {0};
    record_begin(&body);
    record_add_mark(&body, 10, 20);
    struct message *message = read_back(buf_str(&body), 3);
    assert_true(message->mark);
    assert_int_equal(message->from, 10);
    assert_int_equal(message->offset, 20);
    assert_int_equal(message->record, 3);
    message_free(message);
    buf_release(&body);
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
                           "\0\0\0\4body"
                           "\1"
                           "\0\0\0\0\0\0\2\0"
                           "\0\0\0\0\0\0\1\3";
#define FORM  ((struct str){form, sizeof form - 1})
#define MARK  17
#define EVENT (FORM.len - MARK)

static void the_form_stays(void **state)
{
    (void)state;
    struct message *delivered = deliver(FORM, 9);
    struct record_reading reading = record_open(delivered);
    struct message *event = record_next(&reading), *mark = record_next(&reading);
    assert_true(event && mark && !mark->headers && reading.ok);
    assert_int_equal(event->offset, 258);
    assert_int_equal(event->from, 256);
    assert_int_equal(event->record, 9);
    assert_text(event->exchange, STR("x"));
    assert_text(event->routing_key, STR("key"));
    assert_text(event->message_id, STR("id"));
    assert_int_equal(event->timestamp, 7);
    assert_int_equal(event->header_count, 2);
    assert_text(event->headers[0].text, STR("hi"));
    assert_true(event->headers[1].real == 1.5);
    assert_text(event->body, STR("body"));
    assert_true(mark->mark && mark->offset == 512 && mark->from == 259 && mark->record == 9);
    assert_null(record_next(&reading));
    struct buf body = {0};
    record_begin(&body);
    record_add(&body, event, event->from);
    record_add_mark(&body, mark->from, mark->offset);
    assert_int_equal(body.len, FORM.len);
    assert_memory_equal(body.at, form, FORM.len);
    buf_release(&body);
    message_free(event);
    message_free(mark);
    message_free(delivered);
}

/* How many entries it reads before it finds the fault. */
static int entries_of(struct str body, bool *ok)
{
    struct message *delivered = deliver(body, 9), *entry;
    struct record_reading reading = record_open(delivered);
    int count = 0;
    for (; (entry = record_next(&reading)); count++)
        message_free(entry);
    message_free(delivered);
    *ok = reading.ok;
    return count;
}

/* Each lies in memory of its own size, so that reading beyond its end is found. */
static void what_ends_too_early_is_no_record(void **state)
{
    (void)state;
    bool ok;
    for (size_t len = 0; len <= FORM.len; len++) {
        int whole = (len >= EVENT) + (len == FORM.len);
        assert_int_equal(entries_of((struct str){form, len}, &ok), whole);
        assert_int_equal(ok, len == EVENT || len == FORM.len);
    }
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
        {9, '\x80'},  /* the offset is beyond all */
        {24, 3},      /* begins after its own offset */
        {25, 1},      /* an exchange of 16 MiB */
        {63, 2},      /* neither with nor without a timestamp */
        {72, 1},      /* 16 M headers */
        {76, 'x'},    /* a kind of header that there is not */
        {77, '\x7f'}, /* a name of 2 GiB */
        {102, 1},     /* a body of 16 MiB */
    };
    bool ok;
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        char copy[sizeof form];
        memcpy(copy, form, sizeof form);
        assert_int_not_equal(copy[faults[i].at], faults[i].octet);
        copy[faults[i].at] = faults[i].octet;
        assert_int_equal(entries_of((struct str){copy, FORM.len}, &ok), 0);
        assert_false(ok);
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
