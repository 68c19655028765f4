/*
 * publish_window_test.c: which message a confirm or a return means.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "log/publish_window.h"

#define NO_LIMIT SIZE_MAX

struct fixture {
    struct publish_window window;
    struct buf settled; /* the tags, "r" behind a returned one */
};

static int start(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    publish_window_init(&fixture.window, 4);
    *state = &fixture;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    publish_window_release(&f->window);
    buf_release(&f->settled);
    return 0;
}

static void on_settled(void *arg, const struct pending *pending)
{
    struct fixture *f = arg;
    buf_printf(&f->settled, "%d%s ", (int)pending->tag, pending->returned ? "r" : "");
}

/* Pushes a message and says that it was sent. */
static void send(struct fixture *f, uint64_t tag, struct str id)
{
    struct message message = {.message_id = id, .routing_key = STR("key"), .body = STR("body")};
    publish_window_push(&f->window, message_new(&message), tag);
    assert_non_null(publish_window_next(&f->window));
    publish_window_sent(&f->window);
    assert_null(publish_window_next(&f->window));
}

static void settle(struct fixture *f, uint64_t delivery, bool multiple, const char *expected)
{
    buf_clear(&f->settled);
    assert_true(publish_window_settle(&f->window, delivery, multiple, on_settled, f));
    assert_string_equal(buf_text(&f->settled), expected);
}

static void confirms_settle_in_any_order(void **state)
{
    struct fixture *f = *state;
    for (uint64_t tag = 10; tag < 14; tag++)
        send(f, tag, STR("id"));
    settle(f, 2, false, "11 ");
    assert_int_equal(f->window.unsettled, 3);
    settle(f, 2, false, "");
    settle(f, 3, true, "10 12 ");
    settle(f, 2, true, "");
    assert_int_equal(f->window.count, 1);
    send(f, 14, STR("id"));
    settle(f, 0, true, "13 14 ");
    assert_int_equal(f->window.count, 0);
    assert_int_equal(f->window.bytes, 0);
    send(f, 15, STR("id"));
    settle(f, 6, false, "15 ");
}

static void assert_oldest(const struct fixture *f, uint64_t expected)
{
    uint64_t tag = 0;
    assert_int_equal(publish_window_oldest(&f->window, &tag), expected != 0);
    assert_int_equal(tag, expected);
}

static void the_oldest_is_the_first_that_is_not_settled(void **state)
{
    struct fixture *f = *state;
    assert_oldest(f, 0);
    for (uint64_t tag = 10; tag < 14; tag++)
        send(f, tag, STR("id"));
    assert_oldest(f, 10);
    settle(f, 2, false, "11 ");
    assert_oldest(f, 10);
    settle(f, 1, false, "10 ");
    assert_oldest(f, 12);
    settle(f, 0, true, "12 13 ");
    assert_oldest(f, 0);
}

static void what_was_not_sent_cannot_be_confirmed(void **state)
{
    struct fixture *f = *state;
    assert_false(publish_window_settle(&f->window, 1, false, on_settled, f));
    send(f, 1, STR("id"));
    assert_false(publish_window_settle(&f->window, 2, true, on_settled, f));
    settle(f, 1, false, "1 ");
    assert_false(publish_window_settle(&f->window, 1, false, on_settled, f));
}

static void returns_find_their_message(void **state)
{
    struct fixture *f = *state;
    send(f, 1, STR("a"));
    send(f, 2, STR("b"));
    send(f, 3, STR("b"));
    struct message back = {.message_id = STR("b"), .routing_key = STR("key")};
    publish_window_returned(&f->window, &back, "no queue");
    settle(f, 3, true, "1 2r 3 ");

    send(f, 4, STR("b"));
    send(f, 5, STR("b"));
    publish_window_returned(&f->window, &back, "no queue");
    publish_window_returned(&f->window, &back, "no queue");
    back.routing_key = STR("another");
    publish_window_returned(&f->window, &back, "no queue");
    settle(f, 5, true, "4r 5r ");
}

static void a_new_connection_sends_again_what_has_no_outcome(void **state)
{
    struct fixture *f = *state;
    for (uint64_t tag = 1; tag <= 3; tag++)
        send(f, tag, STR("id"));
    settle(f, 2, false, "2 ");
    struct message back = {.message_id = STR("id"), .routing_key = STR("key")};
    publish_window_returned(&f->window, &back, "no queue");
    struct message unsent = {.message_id = STR("unsent")};
    publish_window_push(&f->window, message_new(&unsent), 4);

    assert_int_equal(publish_window_restart(&f->window), 2);
    assert_int_equal(f->window.count, 3);
    for (int i = 0; i < 3; i++) {
        assert_non_null(publish_window_next(&f->window));
        publish_window_sent(&f->window);
    }
    settle(f, 3, true, "1 3 4 ");
}

static void room_ends_by_count_and_by_bytes(void **state)
{
    struct fixture *f = *state;
    assert_true(publish_window_has_room(&f->window, 1000, 10));
    send(f, 1, STR("id"));
    assert_false(publish_window_has_room(&f->window, 1, f->window.bytes));
    assert_true(publish_window_has_room(&f->window, 1, f->window.bytes + 1));
    for (uint64_t tag = 2; tag <= 4; tag++)
        send(f, tag, STR("id"));
    assert_false(publish_window_has_room(&f->window, 1, NO_LIMIT));
    settle(f, 1, false, "1 ");
    assert_true(publish_window_has_room(&f->window, 1, NO_LIMIT));
}

#define window_test(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        window_test(confirms_settle_in_any_order),
        window_test(the_oldest_is_the_first_that_is_not_settled),
        window_test(what_was_not_sent_cannot_be_confirmed),
        window_test(returns_find_their_message),
        window_test(a_new_connection_sends_again_what_has_no_outcome),
        window_test(room_ends_by_count_and_by_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
