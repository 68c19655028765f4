/*
 * ahead_test.c: reading ahead, against a real RabbitMQ (FANFOLD_TEST_AMQP_URL).
 *
 * The log that most tests share is written one event at a time and in small segments: each event is
 * a chunk of its own, and offsets have gaps where a segment begins.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "event/record.h"
#include "log/amqp_link.h"
#include <event2/event.h>
#include <fanfold/publisher.h>
#include <fanfold/stream_ahead.h>
#include <fanfold/stream_probe.h>

#define DEADLINE_MS   20000
#define EVENTS        12000
#define SEGMENT_BYTES 100000
#define ROOM          (32 * 1024 * 1024)

#define EVERY_RATE 100000000
#define FAR        1000

struct fixture {
    struct uri uri, worker, publishes;
    char exchange[64], queue[80];
    struct publisher *publisher;
    size_t published;
    bool usual;       /* it is told by its rate whether a subscription is slow; else each is */
    bool is_recorded; /* its messages are records, of events far apart in their log */
};

/* Takes what read-ahead hands on. */
struct sink {
    struct fixture *f;
    struct event_base *base;
    struct stream_ahead *ahead;
    uint64_t *offsets; /* of event 0, 1, … */
    size_t cap;
    size_t count, from; /* events handed on; the number of the first */
    bool jumps;         /* numbers may be left out: retention */
    size_t acknowledge_until;
    bool cut, freeze;     /* once it is wide: cut the newest connection; acknowledge nothing more */
    size_t live;          /* events to be published meanwhile, one in each turn */
    size_t subscriptions; /* the most that there were */
    size_t room, waiting, waiting_most;
    struct error closed;
    int closed_times;
};

#define must(call)                                 \
    do {                                           \
        if (!(call))                               \
            fail_msg("%s: %s", #call, error.text); \
    } while (0)

/* ---- fixture ---- */

static void raw_rpc(struct fixture *f, amqp_method_number_t id, void *request,
                    amqp_method_number_t reply_id)
{
    struct error error;
    struct amqp_link link;
    must(amqp_link_open(&link, &f->uri, "test", &error));
    must(amqp_link_rpc(&link, id, request, reply_id, NULL, &error));
    amqp_link_close(&link);
}

static amqp_table_entry_t number(const char *key, int32_t value)
{
    amqp_table_entry_t entry = {.key = amqp_cstring_bytes(key)};
    entry.value.kind = AMQP_FIELD_KIND_I32;
    entry.value.value.i32 = value;
    return entry;
}

/* keep: bytes that retention leaves; 0: all. */
static void declare(struct fixture *f, int32_t keep)
{
    amqp_exchange_declare_t exchange = {.exchange = amqp_cstring_bytes(f->exchange),
                                        .type = amqp_cstring_bytes("fanout"),
                                        .durable = 1};
    raw_rpc(f, AMQP_EXCHANGE_DECLARE_METHOD, &exchange, AMQP_EXCHANGE_DECLARE_OK_METHOD);
    amqp_table_entry_t type = {.key = amqp_cstring_bytes("x-queue-type")};
    type.value.kind = AMQP_FIELD_KIND_UTF8;
    type.value.value.bytes = amqp_cstring_bytes("stream");
    amqp_table_entry_t arguments[] = {type,
                                      number("x-stream-max-segment-size-bytes", SEGMENT_BYTES),
                                      number("x-max-length-bytes", keep)};
    amqp_queue_declare_t queue = {.queue = amqp_cstring_bytes(f->queue),
                                  .durable = 1,
                                  .arguments = {keep ? 3 : 2, arguments}};
    raw_rpc(f, AMQP_QUEUE_DECLARE_METHOD, &queue, AMQP_QUEUE_DECLARE_OK_METHOD);
    amqp_queue_bind_t bind = {.queue = amqp_cstring_bytes(f->queue),
                              .exchange = amqp_cstring_bytes(f->exchange)};
    raw_rpc(f, AMQP_QUEUE_BIND_METHOD, &bind, AMQP_QUEUE_BIND_OK_METHOD);
}

static void on_outcome(void *arg, uint64_t tag, enum publish_outcome outcome, const char *text)
{
    (void)arg, (void)tag;
    if (outcome != PUBLISH_CONFIRMED)
        fail_msg("%s", text);
}

static bool read_url(const char *name, struct uri *uri, struct error *error)
{
    const char *url = getenv(name);
    if (!url)
        return error_set(
            error, ERROR_USAGE,
            "%s is not set: this test needs the suite's RabbitMQ; run it through ctest", name);
    return uri_parse_amqp(url, uri, error);
}

static int start(void **state)
{
    struct error error;
    struct fixture *f = must_calloc(1, sizeof *f);
    if (!read_url("FANFOLD_TEST_AMQP_URL", &f->uri, &error) ||
        !read_url("FANFOLD_TEST_AMQP_WORKER_URL", &f->worker, &error) ||
        !read_url("FANFOLD_TEST_AMQP_PUBLISHER_URL", &f->publishes, &error)) {
        print_error("%s\n", error.text);
        return -1;
    }
    snprintf(f->exchange, sizeof f->exchange, "ahead.%016llx", (unsigned long long)clock_random());
    snprintf(f->queue, sizeof f->queue, "%s.log.0", f->exchange);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    amqp_queue_delete_t queue = {.queue = amqp_cstring_bytes(f->queue)};
    raw_rpc(f, AMQP_QUEUE_DELETE_METHOD, &queue, AMQP_QUEUE_DELETE_OK_METHOD);
    amqp_exchange_delete_t exchange = {.exchange = amqp_cstring_bytes(f->exchange)};
    raw_rpc(f, AMQP_EXCHANGE_DELETE_METHOD, &exchange, AMQP_EXCHANGE_DELETE_OK_METHOD);
    publisher_close(f->publisher);
    uri_release(&f->uri);
    uri_release(&f->worker);
    uri_release(&f->publishes);
    free(f);
    return 0;
}

/* ---- publishing ---- */

static void send_record(struct fixture *f, const struct message *event)
{
    struct error error;
    struct buf body = {0};
    struct message message = *event;
    message.offset = FAR * f->published;
    record_begin(&body);
    record_add(&body, &message, f->published ? message.offset - FAR + 1 : 0);
    message = (struct message){.body = buf_str(&body)};
    must(publisher_send(f->publisher, &message, 0, &error));
    buf_release(&body);
}

/* The next `count` events: the body is the event's number, filled up to `size`. */
static void publish(struct fixture *f, size_t count, size_t size, bool one_at_a_time)
{
    struct error error;
    if (!f->publisher) {
        struct publisher_options options = {.exchange = f->exchange, .outcome = on_outcome};
        f->publisher = publisher_open(&f->publishes, &options, &error);
        if (!f->publisher)
            fail_msg("%s", error.text);
    }
    char *body = must_calloc(1, size);
    for (size_t i = 0; i < count; i++, f->published++) {
        snprintf(body, size, "%zu", f->published);
        struct message message = {.body = {body, size}};
        if (f->is_recorded)
            send_record(f, &message);
        else
            must(publisher_send(f->publisher, &message, 0, &error));
        if (one_at_a_time)
            must(publisher_flush(f->publisher, &error));
    }
    must(publisher_flush(f->publisher, &error));
    free(body);
}

/* ---- reading ---- */

static size_t number_of(const struct message *message)
{
    struct record_reading reading = record_open(message);
    struct message *event = record_next(&reading);
    size_t found = strtoul(event ? event->body.at : message->body.at, NULL, 10);
    message_free(event);
    return found;
}

static void on_message(void *arg, struct message *message)
{
    struct sink *sink = arg;
    size_t event = number_of(message);
    assert_int_equal(sink->closed_times, 0);
    if (sink->jumps)
        assert_true(event >= sink->from + sink->count);
    else
        assert_int_equal(event, sink->from + sink->count);
    if (sink->count == sink->cap) {
        sink->cap = sink->cap ? 2 * sink->cap : 1024;
        sink->offsets = must_realloc(sink->offsets, sink->cap * sizeof *sink->offsets);
    }
    sink->offsets[sink->count] = message->offset;
    if (sink->count)
        assert_true(message->offset > sink->offsets[sink->count - 1]);
    if (sink->jumps) /* the next one may be any later one */
        sink->from = event - sink->count;
    sink->count++;
    message_free(message);
}

/* The descriptor of the newest socket of this process: that of the connection opened last. */
static int newest_socket(void)
{
    int newest = -1;
    DIR *dir = opendir("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(dir));) {
        int fd = atoi(entry->d_name);
        struct stat info;
        if (fd > newest && fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode))
            newest = fd;
    }
    closedir(dir);
    return newest;
}

static void on_turn(void *arg)
{
    struct sink *sink = arg;
    size_t subscriptions = stream_ahead_subscriptions(sink->ahead);
    if (subscriptions > sink->subscriptions)
        sink->subscriptions = subscriptions;
    if (sink->cut && subscriptions > 2)
        sink->cut = shutdown(newest_socket(), SHUT_RDWR) != 0;
    if (sink->freeze && subscriptions > 2)
        sink->acknowledge_until = 0;
    if (sink->live && subscriptions > 1) {
        sink->live--;
        publish(sink->f, 20, 100, true);
    }
    if (sink->count <= sink->acknowledge_until)
        stream_ahead_acknowledge(sink->ahead, sink->count);
}

static void on_closed(void *arg, const struct error *why)
{
    struct sink *sink = arg;
    sink->closed = *why;
    sink->closed_times++;
}

static bool on_waits(void *arg, ptrdiff_t change)
{
    struct sink *sink = arg;
    sink->waiting += (size_t)change;
    if (sink->waiting > sink->waiting_most)
        sink->waiting_most = sink->waiting;
    return sink->waiting <= sink->room;
}

static const struct stream_ahead_hooks hooks = {{on_message, on_turn, on_closed}, on_waits};

/* From that event on, which has that offset. */
static void open_sink(struct fixture *f, struct sink *sink, size_t event, uint64_t offset,
                      size_t room)
{
    struct error error;
    struct stream_ends ends;
    must(stream_probe_last(&f->worker, f->queue, UINT64_MAX, &ends, &error));
    *sink = (struct sink){.f = f,
                          .base = event_base_new(),
                          .from = event,
                          .acknowledge_until = SIZE_MAX,
                          .room = room};
    struct stream_range range = {
        .start = offset, .last = ends.last_record, .room = room, .slow = f->usual ? 0 : EVERY_RATE};
    sink->ahead = stream_ahead_open(sink->base, &f->worker, f->queue, range, &hooks, sink, &error);
    if (!sink->ahead)
        fail_msg("%s", error.text);
}

static void run_for(struct sink *sink, int ms)
{
    struct timeval limit = {ms / 1000, ms % 1000 * 1000};
    event_base_loopexit(sink->base, &limit);
    event_base_dispatch(sink->base);
}

/* Until condition; sink->closed_times may be one. */
#define run_until(sink, condition)                                              \
    do {                                                                        \
        int64_t deadline = clock_monotonic_ms() + DEADLINE_MS;                  \
        while (!(condition)) {                                                  \
            if (clock_monotonic_ms() > deadline)                                \
                fail_msg("no %s, after %zu events", #condition, (sink)->count); \
            run_for(sink, 5);                                                   \
        }                                                                       \
    } while (0)

static void collect(struct sink *sink, size_t count)
{
    run_until(sink, sink->count >= count || sink->closed_times);
    if (sink->closed_times)
        fail_msg("closed: %s", sink->closed.text);
    run_for(sink, 50);
    assert_int_equal(sink->count, count);
}

static void close_sink(struct sink *sink)
{
    stream_ahead_close(sink->ahead);
    event_base_free(sink->base);
    assert_int_equal(sink->waiting, 0);
    free(sink->offsets);
}

static int start_slow_log(void **state)
{
    if (start(state) != 0)
        return -1;
    struct fixture *f = *state;
    declare(f, 0);
    publish(f, EVENTS, 100, true);
    return 0;
}

/* ---- the slow log ---- */

static void all_comes_in_order(void **state)
{
    struct fixture *f = *state;
    struct sink sink;
    open_sink(f, &sink, 0, 0, ROOM);
    collect(&sink, f->published);
    assert_in_range(sink.subscriptions, 4, 8);
    assert_int_equal(stream_ahead_subscriptions(sink.ahead), 1);
    assert_true(sink.offsets[sink.count - 1] > sink.count); /* segments have begun */

    publish(f, 3, 100, true);
    collect(&sink, f->published);
    close_sink(&sink);
}

static void it_begins_where_it_is_told(void **state)
{
    struct fixture *f = *state;
    struct sink sink;
    open_sink(f, &sink, 0, 0, ROOM);
    collect(&sink, f->published);
    uint64_t offset = sink.offsets[1000];
    close_sink(&sink);
    open_sink(f, &sink, 1000, offset, ROOM);
    collect(&sink, f->published - 1000);
    assert_true(sink.subscriptions > 1);
    close_sink(&sink);
}

static void events_that_arrive_meanwhile_come_too(void **state)
{
    struct fixture *f = *state;
    struct sink sink;
    open_sink(f, &sink, 0, 0, ROOM);
    sink.live = 20;
    run_until(&sink, sink.count >= f->published && sink.subscriptions > 1);
    assert_true(sink.live < 15);
    collect(&sink, f->published);
    assert_int_equal(stream_ahead_subscriptions(sink.ahead), 1);
    close_sink(&sink);
}

/* There is hardly room for a stripe: it goes on all the same, and holds no more than it may. */
static void what_waits_is_bounded(void **state)
{
    struct fixture *f = *state;
    const size_t room = 100 * 1024;
    struct sink sink;
    open_sink(f, &sink, 0, 0, room);
    collect(&sink, f->published);
    assert_true(sink.subscriptions > 1);
    assert_true(sink.waiting_most > room / 2);
    assert_true(sink.waiting_most <= room + 8 * 1024); /* one more for each subscription */
    close_sink(&sink);
}

static void no_room_at_all_stops_nothing(void **state)
{
    struct fixture *f = *state;
    struct sink sink;
    open_sink(f, &sink, 0, 0, 0);
    sink.waiting = sink.waiting_most = 1000; /* somebody else's */
    collect(&sink, f->published);
    sink.waiting -= 1000;
    close_sink(&sink);
}

static void nothing_comes_while_it_is_paused(void **state)
{
    struct fixture *f = *state;
    struct sink sink;
    open_sink(f, &sink, 0, 0, ROOM);
    for (size_t part = 1; part <= 4; part++) {
        run_until(&sink, sink.count >= part * f->published / 5);
        stream_ahead_pause(sink.ahead);
        size_t count = sink.count;
        run_for(&sink, 100);
        assert_int_equal(sink.count, count);
        stream_ahead_resume(sink.ahead);
    }
    collect(&sink, f->published);
    close_sink(&sink);
}

/* Who does not acknowledge gets what is under way, and then nothing more. */
static void it_does_not_run_away_from_its_caller(void **state)
{
    struct fixture *f = *state;
    struct sink sink;
    open_sink(f, &sink, 0, 0, ROOM);
    sink.acknowledge_until = 5000;
    run_until(&sink, sink.count > 5000);
    size_t count;
    do {
        count = sink.count;
        run_for(&sink, 500);
    } while (sink.count != count);
    assert_true(sink.count < f->published);
    sink.acknowledge_until = SIZE_MAX;
    stream_ahead_acknowledge(sink.ahead, sink.count);
    collect(&sink, f->published);
    close_sink(&sink);
}

static void a_lost_connection_closes_all(void **state)
{
    struct fixture *f = *state;
    struct sink sink;
    open_sink(f, &sink, 0, 0, ROOM);
    sink.cut = true;
    run_until(&sink, sink.closed_times);
    assert_int_equal(sink.closed.kind, ERROR_UNAVAILABLE);
    assert_int_equal(stream_ahead_subscriptions(sink.ahead), 0);
    size_t count = sink.count;
    stream_ahead_acknowledge(sink.ahead, count);
    stream_ahead_pause(sink.ahead);
    stream_ahead_resume(sink.ahead);
    run_for(&sink, 100);
    assert_int_equal(sink.closed_times, 1);
    assert_int_equal(sink.count, count);
    assert_true(count < f->published);
    close_sink(&sink);
}

/* ---- other logs ---- */

/* On a machine that is busy with other things a fast log may be slow; not every time. */
static void a_fast_log_has_one_subscription(void **state)
{
    struct fixture *f = *state;
    struct sink sink = {0};
    declare(f, 0);
    f->usual = true;
    publish(f, 60000, 100, false);
    for (int tries = 0; tries < 5 && sink.subscriptions != 1; tries++) {
        open_sink(f, &sink, 0, 0, ROOM);
        collect(&sink, f->published);
        close_sink(&sink);
    }
    assert_int_equal(sink.subscriptions, 1);
}

/* Chunks of many events are sent whole, also to a stripe that begins or ends in the middle of one.
 */
static void chunks_are_larger_than_stripes(void **state)
{
    struct fixture *f = *state;
    struct sink sink;
    declare(f, 0);
    publish(f, 9000, 100, true);
    publish(f, 30000, 100, false);
    open_sink(f, &sink, 0, 0, 4 * 1024 * 1024);
    collect(&sink, f->published);
    assert_true(sink.subscriptions > 1);
    close_sink(&sink);
}

/* While its caller takes nothing more, retention removes the rest of the log as it was. */
static void retention_overtakes_it(void **state)
{
    struct fixture *f = *state;
    struct sink sink;
    declare(f, 20 * 1000 * 1000);
    publish(f, EVENTS, 100, true);
    open_sink(f, &sink, 0, 0, ROOM);
    sink.jumps = true;
    sink.freeze = true;
    run_until(&sink, sink.acknowledge_until == 0);
    sink.freeze = false;
    publish(f, 4000, 10000, false);
    sink.acknowledge_until = SIZE_MAX;
    stream_ahead_acknowledge(sink.ahead, sink.count);
    run_until(&sink, sink.from + sink.count == f->published || sink.closed_times);
    assert_int_equal(sink.closed_times, 0);
    assert_true(sink.count < f->published);
    close_sink(&sink);
}

/* Its end is where the last record is, and not as far as the offsets in it. */
static void a_recorded_log_has_one_subscription_at_its_end(void **state)
{
    struct fixture *f = *state;
    struct sink sink;
    f->is_recorded = true;
    snprintf(f->queue, sizeof f->queue, "%s.part.2.0", f->exchange);
    declare(f, 0);
    publish(f, EVENTS, 100, true);
    open_sink(f, &sink, 0, 0, ROOM);
    collect(&sink, f->published);
    assert_in_range(sink.subscriptions, 4, 8);
    assert_int_equal(stream_ahead_subscriptions(sink.ahead), 1);
    close_sink(&sink);
}

#define own_log(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_comes_in_order),
        cmocka_unit_test(it_begins_where_it_is_told),
        cmocka_unit_test(events_that_arrive_meanwhile_come_too),
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(no_room_at_all_stops_nothing),
        cmocka_unit_test(nothing_comes_while_it_is_paused),
        cmocka_unit_test(it_does_not_run_away_from_its_caller),
        cmocka_unit_test(a_lost_connection_closes_all),
        own_log(a_fast_log_has_one_subscription),
        own_log(chunks_are_larger_than_stripes),
        own_log(retention_overtakes_it),
        own_log(a_recorded_log_has_one_subscription_at_its_end),
    };
    return cmocka_run_group_tests(tests, start_slow_log, end);
}
