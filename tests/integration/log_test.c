/*
 * log_test.c: setup, publisher, reader and probes against a real RabbitMQ (FANFOLD_TEST_AMQP_URL).
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

#include "base/clock.h"
#include "log/amqp_link.h"
#include <event2/event.h>
#include <fanfold/publisher.h>
#include <fanfold/stream_probe.h>
#include <fanfold/stream_reader.h>
#include <fanfold/topology.h>

#define DEADLINE_MS 30000
#define OUTCOMES    4

struct fixture {
    struct uri uri, publisher, worker; /* the operator's, and with the rights of the others */
    char exchange[64], queue[80];
    struct log_config log;
    struct amqp_link link; /* for what the modules under test do not do */
    struct event_base *base;
    size_t outcomes[OUTCOMES];
    uint64_t last_tag;
    char reason[512];
    unsigned notices;
};

/* Everything that a reader handed out. */
struct sink {
    struct event_base *base;
    struct message **messages;
    size_t count, cap, turns;
    size_t acknowledge_every; /* 0: never */
    size_t pause_at;          /* pauses inside message() when that many have come; 0: never */
    struct stream_reader *reader;
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
    amqp_link_allow(&f->link, DEADLINE_MS);
    must(amqp_link_rpc(&f->link, id, request, reply_id, NULL, &error));
}

static void declare_exchange(struct fixture *f, const char *type)
{
    amqp_exchange_declare_t request = {
        .exchange = amqp_cstring_bytes(f->exchange),
        .type = amqp_cstring_bytes(type),
        .durable = 1,
    };
    raw_rpc(f, AMQP_EXCHANGE_DECLARE_METHOD, &request, AMQP_EXCHANGE_DECLARE_OK_METHOD);
}

static void declare_classic_queue(struct fixture *f)
{
    amqp_queue_declare_t request = {.queue = amqp_cstring_bytes(f->queue), .durable = 1};
    raw_rpc(f, AMQP_QUEUE_DECLARE_METHOD, &request, AMQP_QUEUE_DECLARE_OK_METHOD);
}

static void delete_queue(struct fixture *f)
{
    amqp_queue_delete_t request = {.queue = amqp_cstring_bytes(f->queue)};
    raw_rpc(f, AMQP_QUEUE_DELETE_METHOD, &request, AMQP_QUEUE_DELETE_OK_METHOD);
}

static void delete_exchange(struct fixture *f)
{
    amqp_exchange_delete_t request = {.exchange = amqp_cstring_bytes(f->exchange)};
    raw_rpc(f, AMQP_EXCHANGE_DELETE_METHOD, &request, AMQP_EXCHANGE_DELETE_OK_METHOD);
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
        !read_url("FANFOLD_TEST_AMQP_PUBLISHER_URL", &f->publisher, &error) ||
        !read_url("FANFOLD_TEST_AMQP_WORKER_URL", &f->worker, &error) ||
        !amqp_link_open(&f->link, &f->uri, "test", &error)) {
        print_error("%s\n", error.text);
        return -1;
    }
    snprintf(f->exchange, sizeof f->exchange, "test.%016llx", (unsigned long long)clock_random());
    snprintf(f->queue, sizeof f->queue, "%s.log.0", f->exchange);
    f->log = (struct log_config){.exchange = f->exchange, .partitions = 1};
    f->log.bind = must_strdup("");
    f->base = event_base_new();
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    delete_queue(f);
    delete_exchange(f);
    amqp_link_close(&f->link);
    event_base_free(f->base);
    uri_release(&f->uri);
    uri_release(&f->publisher);
    uri_release(&f->worker);
    free(f->log.bind);
    free(f);
    return 0;
}

static void set_up_log(struct fixture *f)
{
    struct error error;
    struct topology_result result;
    must(topology_setup(&f->uri, &f->log, &result, &error));
}

/* ---- publishing ---- */

static void on_outcome(void *arg, uint64_t tag, enum publish_outcome outcome, const char *text)
{
    struct fixture *f = arg;
    f->outcomes[outcome]++;
    f->last_tag = tag;
    snprintf(f->reason, sizeof f->reason, "%s", text);
}

static void on_notice(void *arg, const char *text)
{
    struct fixture *f = arg;
    assert_non_null(text);
    f->notices++;
}

static struct publisher_options options_of(struct fixture *f)
{
    return (struct publisher_options){
        .exchange = f->exchange,
        .outcome = on_outcome,
        .notice = on_notice,
        .arg = f,
    };
}

static struct publisher *open_publisher(struct fixture *f)
{
    struct error error;
    struct publisher_options options = options_of(f);
    options.partition = f->queue;
    struct publisher *publisher = publisher_open(&f->publisher, &options, &error);
    if (!publisher)
        fail_msg("%s", error.text);
    return publisher;
}

static void publish(struct fixture *f, const struct message *messages, size_t count)
{
    struct error error;
    struct publisher *publisher = open_publisher(f);
    for (size_t i = 0; i < count; i++)
        must(publisher_send(publisher, &messages[i], i, &error));
    must(publisher_flush(publisher, &error));
    assert_int_equal(publisher_unconfirmed(publisher), 0);
    publisher_close(publisher);
}

static void publish_numbered(struct fixture *f, struct publisher *publisher, size_t from, size_t to)
{
    struct error error;
    for (size_t i = from; i < to; i++) {
        char id[32];
        snprintf(id, sizeof id, "%zu", i);
        struct message message = {.message_id = str_of(id), .body = STR("{}")};
        must(publisher_send(publisher, &message, i, &error));
    }
    assert_non_null(f);
}

static void fill(struct fixture *f, size_t count)
{
    struct error error;
    struct publisher *publisher = open_publisher(f);
    publish_numbered(f, publisher, 0, count);
    must(publisher_flush(publisher, &error));
    publisher_close(publisher);
}

/* ---- reading ---- */

static void on_message(void *arg, struct message *message)
{
    struct sink *sink = arg;
    assert_int_equal(sink->closed_times, 0);
    if (sink->count == sink->cap) {
        sink->cap = sink->cap ? 2 * sink->cap : 64;
        sink->messages = must_realloc(sink->messages, sink->cap * sizeof *sink->messages);
    }
    sink->messages[sink->count++] = message;
    if (sink->count == sink->pause_at)
        stream_reader_pause(sink->reader);
}

static void on_turn(void *arg)
{
    struct sink *sink = arg;
    sink->turns++;
    if (sink->acknowledge_every)
        stream_reader_acknowledge(sink->reader, sink->count);
}

static void on_closed(void *arg, const struct error *why)
{
    struct sink *sink = arg;
    sink->closed = *why;
    sink->closed_times++;
}

static const struct stream_reader_hooks hooks = {on_message, on_turn, on_closed};

static void open_sink(struct fixture *f, struct sink *sink, struct stream_start from)
{
    struct error error;
    *sink = (struct sink){.base = f->base, .acknowledge_every = 1};
    sink->reader = stream_reader_open(f->base, &f->worker, f->queue, from, &hooks, sink, &error);
    if (!sink->reader)
        fail_msg("%s", error.text);
}

static void run_for(struct sink *sink, int ms)
{
    struct timeval limit = {ms / 1000, ms % 1000 * 1000};
    event_base_loopexit(sink->base, &limit);
    event_base_dispatch(sink->base);
}

static void collect(struct sink *sink, size_t count)
{
    int64_t deadline = clock_monotonic_ms() + DEADLINE_MS;
    while (sink->count < count && !sink->closed_times) {
        assert_true(clock_monotonic_ms() < deadline);
        run_for(sink, 5);
    }
    if (sink->closed_times)
        fail_msg("closed: %s", sink->closed.text);
}

static void collect_closed(struct sink *sink)
{
    int64_t deadline = clock_monotonic_ms() + DEADLINE_MS;
    while (!sink->closed_times) {
        assert_true(clock_monotonic_ms() < deadline);
        run_for(sink, 5);
    }
}

static void close_sink(struct sink *sink)
{
    stream_reader_close(sink->reader);
    for (size_t i = 0; i < sink->count; i++)
        message_free(sink->messages[i]);
    free(sink->messages);
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

#define assert_contains(text, part)                                 \
    do {                                                            \
        if (!strstr(text, part))                                    \
            fail_msg("\"%s\" does not contain \"%s\"", text, part); \
    } while (0)

static void assert_text(struct str found, const char *expected)
{
    assert_true(str_is(found));
    assert_int_equal(found.len, strlen(expected));
    assert_memory_equal(found.at, expected, found.len);
}

/* The broker does not keep the order of headers. */
static const struct message_header *find_header(const struct message *message, struct str name)
{
    for (size_t i = 0; i < message->header_count; i++)
        if (str_eq(message->headers[i].name, name))
            return &message->headers[i];
    fail_msg("there is no header %.*s", STRF(name));
    return NULL;
}

/* ---- topology ---- */

static void setup_is_idempotent(void **state)
{
    struct fixture *f = *state;
    struct error error;
    struct topology_result result;
    assert_false(topology_check(&f->uri, f->queue, &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_contains(error.text, "fanfold setup");
    must(topology_setup(&f->uri, &f->log, &result, &error));
    assert_true(result.exchange_declared);
    assert_true(result.queue_declared);
    must(topology_setup(&f->uri, &f->log, &result, &error));
    assert_false(result.exchange_declared);
    assert_false(result.queue_declared);
    must(topology_check(&f->uri, f->queue, &error));
}

static void setup_refuses_another_max_age(void **state)
{
    struct fixture *f = *state;
    struct error error;
    struct topology_result result;
    char age[] = "7D";
    f->log.max_age = age;
    set_up_log(f);
    f->log.max_age = NULL;
    assert_false(topology_setup(&f->uri, &f->log, &result, &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_contains(error.text, "another max_age");
    assert_contains(error.text, "7D");
}

static void setup_refuses_a_classic_queue(void **state)
{
    struct fixture *f = *state;
    struct error error;
    struct topology_result result;
    declare_classic_queue(f);
    assert_false(topology_setup(&f->uri, &f->log, &result, &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_contains(error.text, "not a stream");
}

static void setup_uses_an_existing_topic_exchange(void **state)
{
    struct fixture *f = *state;
    struct error error;
    struct topology_result result;
    declare_exchange(f, "topic");
    free(f->log.bind);
    f->log.bind = must_strdup("sensors.#");
    must(topology_setup(&f->uri, &f->log, &result, &error));
    assert_false(result.exchange_declared);
    assert_true(result.queue_declared);

    struct message messages[] = {
        {.routing_key = STR("sensors.attic.1"), .message_id = STR("a")},
        {.routing_key = STR("doors.1"), .message_id = STR("b")},
        {.routing_key = STR("sensors.attic.2"), .message_id = STR("c")},
    };
    publish(f, messages, 3);
    assert_int_equal(f->outcomes[PUBLISH_CONFIRMED], 2);
    assert_int_equal(f->outcomes[PUBLISH_UNROUTABLE], 1);
}

/* ---- publisher ---- */

static void publisher_needs_exchange_and_log(void **state)
{
    struct fixture *f = *state;
    struct error error;
    struct publisher_options options = options_of(f);
    assert_null(publisher_open(&f->publisher, &options, &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_contains(error.text, "no exchange");

    declare_exchange(f, "fanout");
    options.partition = f->queue;
    assert_null(publisher_open(&f->publisher, &options, &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_contains(error.text, "fanfold setup");
}

static void unroutable_is_not_confirmed(void **state)
{
    struct fixture *f = *state;
    struct error error;
    declare_exchange(f, "fanout");
    struct publisher_options options = options_of(f);
    struct publisher *publisher = publisher_open(&f->publisher, &options, &error);
    assert_non_null(publisher);
    struct message message = {.message_id = STR("1"), .routing_key = STR("k"), .body = STR("x")};
    must(publisher_send(publisher, &message, 77, &error));
    must(publisher_flush(publisher, &error));
    publisher_close(publisher);
    assert_int_equal(f->outcomes[PUBLISH_UNROUTABLE], 1);
    assert_int_equal(f->outcomes[PUBLISH_CONFIRMED], 0);
    assert_int_equal(f->last_tag, 77);
    assert_contains(f->reason, f->exchange);
}

static void exchange_deleted_under_a_publisher(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    set_up_log(f);
    struct publisher *publisher = open_publisher(f);
    delete_exchange(f);
    struct message message = {.message_id = STR("1")};
    bool ok = publisher_send(publisher, &message, 1, &error) && publisher_flush(publisher, &error);
    assert_false(ok);
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_int_equal(publisher_unconfirmed(publisher), 1);
    publisher_close(publisher);
}

static void what_amqp_cannot_carry_is_refused(void **state)
{
    struct fixture *f = *state;
    set_up_log(f);
    char *long_text = must_calloc(1, 200000);
    memset(long_text, 'x', 199999);
    struct message_header header = {
        .name = STR("h"), .kind = HEADER_TEXT, .text = {long_text, 199999}};
    struct message messages[] = {
        {.message_id = {long_text, 256}},
        {.routing_key = {long_text, 256}},
        {.headers = &header, .header_count = 1},
        {.message_id = {long_text, 255}, .routing_key = {long_text, 255}},
    };
    publish(f, messages, 4);
    free(long_text);
    assert_int_equal(f->outcomes[PUBLISH_REFUSED], 3);
    assert_int_equal(f->outcomes[PUBLISH_CONFIRMED], 1);
}

static void publisher_stops_at_once(void **state)
{
    struct fixture *f = *state;
    struct error error;
    set_up_log(f);
    volatile int stop = 0;
    struct publisher_options options = options_of(f);
    options.stop = &stop;
    struct publisher *publisher = publisher_open(&f->publisher, &options, &error);
    assert_non_null(publisher);
    stop = 1;
    struct message message = {.message_id = STR("1")};
    assert_false(publisher_send(publisher, &message, 1, &error));
    assert_int_equal(error.kind, ERROR_NO);
    publisher_close(publisher);
}

/* The connection is cut three times; every message is in the log, the first copies in order. */
static void lost_connections_lose_nothing(void **state)
{
    struct fixture *f = *state;
    struct error error;
    const size_t total = 20000;
    set_up_log(f);
    struct publisher *publisher = open_publisher(f);
    for (size_t part = 0; part < 4; part++) {
        publish_numbered(f, publisher, part * total / 4, (part + 1) * total / 4);
        if (part < 3)
            shutdown(newest_socket(), SHUT_RDWR);
    }
    must(publisher_flush(publisher, &error));
    uint64_t resent = publisher_resent(publisher);
    publisher_close(publisher);
    assert_int_equal(f->outcomes[PUBLISH_CONFIRMED], total);
    assert_int_equal(f->notices, 6);
    assert_true(resent > 0);

    struct sink sink;
    open_sink(f, &sink, (struct stream_start){.kind = STREAM_FIRST});
    size_t next = 0, read = 0;
    while (next < total) {
        collect(&sink, read + 1);
        for (; read < sink.count; read++) {
            size_t id = strtoul(sink.messages[read]->message_id.at, NULL, 10);
            assert_true(id <= next);
            next += id == next;
        }
    }
    assert_true(sink.count <= total + resent);
    close_sink(&sink);
}

/* ---- reader ---- */

static void messages_come_back_as_they_were(void **state)
{
    struct fixture *f = *state;
    set_up_log(f);
    struct message_header headers[] = {
        {.name = STR("text"), .kind = HEADER_TEXT, .text = STR("abc")},
        {.name = STR("bytes"), .kind = HEADER_TEXT, .text = STR("\xff\xfe z")},
        {.name = STR("int"), .kind = HEADER_INT, .integer = -5000000000},
        {.name = STR("double"), .kind = HEADER_DOUBLE, .real = 21.5},
        {.name = STR("yes"), .kind = HEADER_BOOL, .integer = 1},
        {.name = STR("at"), .kind = HEADER_TIMESTAMP, .integer = 1700000000},
        {.name = STR("x-stream-offset"), .kind = HEADER_INT, .integer = 999},
    };
    struct message message = {
        .routing_key = STR("key"),
        .content_type = STR("application/json"),
        .content_encoding = STR("utf-8"),
        .message_id = STR("m-1"),
        .type = STR("order.placed"),
        .app_id = STR("/shop"),
        .correlation_id = STR("c-1"),
        .has_timestamp = true,
        .timestamp = 1700000001,
        .headers = headers,
        .header_count = sizeof headers / sizeof *headers,
        .body = STR("{\"a\":1}"),
    };
    publish(f, &message, 1);

    struct sink sink;
    open_sink(f, &sink, (struct stream_start){.kind = STREAM_FIRST});
    collect(&sink, 1);
    const struct message *m = sink.messages[0];
    assert_int_equal(m->offset, 0); /* the broker's, not the publisher's */
    assert_text(m->exchange, f->exchange);
    assert_text(m->routing_key, "key");
    assert_text(m->content_type, "application/json");
    assert_text(m->content_encoding, "utf-8");
    assert_text(m->message_id, "m-1");
    assert_text(m->type, "order.placed");
    assert_text(m->app_id, "/shop");
    assert_text(m->correlation_id, "c-1");
    assert_true(m->has_timestamp);
    assert_int_equal(m->timestamp, 1700000001);
    assert_text(m->body, "{\"a\":1}");
    assert_int_equal(m->header_count, 6);
    for (size_t i = 0; i < 6; i++) {
        const struct message_header *found = find_header(m, headers[i].name);
        assert_int_equal(found->kind, headers[i].kind);
        assert_true(str_eq(found->text, headers[i].text));
        assert_int_equal(found->integer, headers[i].integer);
        assert_true(found->real == headers[i].real);
    }
    close_sink(&sink);
}

static void bodies_of_all_sizes(void **state)
{
    struct fixture *f = *state;
    /* Around the size of a frame (131072, of which 8 are not body), and of what is sent at once. */
    static const size_t sizes[] = {0,      1,      32768,  32769,   131063,
                                   131064, 131065, 262128, 1000000, 5 * 1024 * 1024};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    set_up_log(f);
    char *bytes = must_alloc(sizes[COUNT - 1]);
    for (size_t i = 0; i < sizes[COUNT - 1]; i++)
        bytes[i] = (char)(i * 31 + i / 251);
    struct message messages[COUNT] = {0};
    for (size_t i = 0; i < COUNT; i++)
        messages[i].body = (struct str){bytes, sizes[i]};
    publish(f, messages, COUNT);
    assert_int_equal(f->outcomes[PUBLISH_CONFIRMED], COUNT);

    struct sink sink;
    open_sink(f, &sink, (struct stream_start){.kind = STREAM_FIRST});
    collect(&sink, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(sink.messages[i]->body.len, sizes[i]);
        assert_true(str_is(sink.messages[i]->body));
        assert_memory_equal(sink.messages[i]->body.at, bytes, sizes[i]);
        assert_false(str_is(sink.messages[i]->message_id));
    }
    close_sink(&sink);
    free(bytes);
}

static void publish_raw(struct fixture *f, amqp_table_entry_t *entries, int count)
{
    amqp_basic_properties_t properties = {._flags = AMQP_BASIC_HEADERS_FLAG,
                                          .headers = {count, entries}};
    struct error error;
    struct amqp_link link;
    must(amqp_link_open(&link, &f->publisher, "test", &error));
    int status =
        amqp_basic_publish(link.state, AMQP_LINK_CHANNEL, amqp_cstring_bytes(f->exchange),
                           amqp_cstring_bytes(""), 0, 0, &properties, amqp_cstring_bytes("x"));
    assert_int_equal(status, AMQP_STATUS_OK);
    amqp_link_close(&link);
}

static void foreign_headers_are_left_out(void **state)
{
    struct fixture *f = *state;
    set_up_log(f);
    amqp_field_value_t inner = {.kind = AMQP_FIELD_KIND_I32, .value.i32 = 7};
    amqp_table_entry_t entries[] = {
        {.key = amqp_cstring_bytes("array"),
         .value = {.kind = AMQP_FIELD_KIND_ARRAY, .value.array = {1, &inner}}},
        {.key = amqp_cstring_bytes("void"), .value = {.kind = AMQP_FIELD_KIND_VOID}},
        {.key = amqp_cstring_bytes("short"),
         .value = {.kind = AMQP_FIELD_KIND_I16, .value.i16 = -3}},
        {.key = amqp_cstring_bytes("invalid"),
         .value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = {2, (char[]){'\xc3', '\x28'}}}},
    };
    publish_raw(f, entries, 4);
    struct sink sink;
    open_sink(f, &sink, (struct stream_start){.kind = STREAM_FIRST});
    collect(&sink, 1);
    const struct message *m = sink.messages[0];
    assert_int_equal(m->header_count, 2);
    assert_int_equal(find_header(m, STR("short"))->kind, HEADER_INT);
    assert_int_equal(find_header(m, STR("short"))->integer, -3);
    assert_text(find_header(m, STR("invalid"))->text, "\xc3\x28");
    close_sink(&sink);
}

static void readers_start_where_they_are_told(void **state)
{
    struct fixture *f = *state;
    set_up_log(f);
    fill(f, 5000);
    struct sink sink;
    open_sink(f, &sink, (struct stream_start){.kind = STREAM_OFFSET, .value = 4321});
    collect(&sink, 5000 - 4321);
    for (size_t i = 0; i < sink.count; i++)
        assert_int_equal(sink.messages[i]->offset, 4321 + i);
    close_sink(&sink);

    open_sink(f, &sink, (struct stream_start){.kind = STREAM_NEXT});
    fill(f, 3);
    collect(&sink, 3);
    assert_int_equal(sink.messages[0]->offset, 5000);
    close_sink(&sink);

    /* Unix time 0 is before the first chunk. */
    open_sink(f, &sink, (struct stream_start){.kind = STREAM_TIME, .value = 0});
    collect(&sink, 5003);
    assert_int_equal(sink.messages[0]->offset, 0);
    close_sink(&sink);
}

/* Without acknowledgements the broker's credit ends; with them everything comes. */
static void acknowledging_gives_credit(void **state)
{
    struct fixture *f = *state;
    const size_t total = 20000;
    set_up_log(f);
    fill(f, total);
    struct sink sink;
    open_sink(f, &sink, (struct stream_start){.kind = STREAM_FIRST});
    sink.acknowledge_every = 0;
    collect(&sink, STREAM_READER_PREFETCH);
    run_for(&sink, 200);
    assert_true(sink.count < total);
    sink.acknowledge_every = 1;
    stream_reader_acknowledge(sink.reader, sink.count);
    collect(&sink, total);
    for (size_t i = 0; i < total; i++)
        assert_true(i == 0 || sink.messages[i]->offset > sink.messages[i - 1]->offset);
    assert_true(sink.turns >= total / STREAM_READER_BURST);
    close_sink(&sink);
}

static void move_in_turn(void *arg)
{
    struct sink *sink = arg;
    if (sink->turns++)
        return;
    for (size_t i = 0; i < sink->count; i++)
        message_free(sink->messages[i]);
    sink->count = 0;
    stream_reader_move(sink->reader, 1234, 100);
}

/* It is moved while deliveries are on their way: none of them comes any more. */
static void a_reader_moves(void **state)
{
    struct fixture *f = *state;
    struct error error;
    const size_t total = 20000;
    set_up_log(f);
    fill(f, total);
    struct stream_reader_hooks moving = hooks;
    moving.turn = move_in_turn;
    struct sink sink = {.base = f->base};
    struct stream_start start = {.kind = STREAM_OFFSET, .value = 5000};
    sink.reader = stream_reader_open(f->base, &f->worker, f->queue, start, &moving, &sink, &error);
    assert_non_null(sink.reader);
    collect(&sink, 100);
    run_for(&sink, 200);
    assert_true(sink.count < 5000); /* as far as the credit goes, and the chunk */
    while (sink.count < total - 1234) {
        stream_reader_acknowledge(sink.reader, sink.count);
        collect(&sink, sink.count + 1);
    }
    for (size_t i = 0; i < sink.count; i++)
        assert_int_equal(sink.messages[i]->offset, 1234 + i);
    close_sink(&sink);
}

static void an_idle_reader_waits_to_be_moved(void **state)
{
    struct fixture *f = *state;
    struct error error;
    set_up_log(f);
    fill(f, 1000);
    struct sink sink = {.base = f->base};
    sink.reader = stream_reader_open_idle(f->base, &f->worker, f->queue, &hooks, &sink, &error);
    assert_non_null(sink.reader);
    run_for(&sink, 100);
    assert_int_equal(sink.count, 0);
    stream_reader_move(sink.reader, 990, 100);
    collect(&sink, 10);
    assert_int_equal(sink.messages[0]->offset, 990);
    close_sink(&sink);

    struct sink lost = {.base = f->base};
    lost.reader =
        stream_reader_open_idle(f->base, &f->worker, "no.such.log.0", &hooks, &lost, &error);
    assert_non_null(lost.reader);
    stream_reader_move(lost.reader, 0, 100);
    collect_closed(&lost);
    assert_int_equal(lost.closed.kind, ERROR_CONFIG);
    close_sink(&lost);
}

static void a_paused_reader_is_quiet(void **state)
{
    struct fixture *f = *state;
    set_up_log(f);
    fill(f, 1000);
    struct sink sink;
    open_sink(f, &sink, (struct stream_start){.kind = STREAM_FIRST});
    sink.pause_at = 10;
    collect(&sink, 10);
    run_for(&sink, 100);
    assert_int_equal(sink.count, 10);
    int64_t before = clock_monotonic_ms();
    stream_reader_resume(sink.reader);
    collect(&sink, 1000);
    assert_true(clock_monotonic_ms() - before < 4000); /* not first at the next heartbeat */
    close_sink(&sink);
}

static void a_deleted_log_closes_its_readers(void **state)
{
    struct fixture *f = *state;
    set_up_log(f);
    fill(f, 10);
    struct sink sink;
    open_sink(f, &sink, (struct stream_start){.kind = STREAM_FIRST});
    collect(&sink, 10);
    delete_queue(f);
    collect_closed(&sink);
    assert_int_equal(sink.closed.kind, ERROR_CONFIG);
    assert_contains(sink.closed.text, "was deleted");
    run_for(&sink, 50);
    assert_int_equal(sink.closed_times, 1);
    close_sink(&sink);
}

static void a_lost_connection_closes_its_reader(void **state)
{
    struct fixture *f = *state;
    set_up_log(f);
    struct sink sink;
    open_sink(f, &sink, (struct stream_start){.kind = STREAM_FIRST});
    shutdown(newest_socket(), SHUT_RDWR);
    collect_closed(&sink);
    assert_int_equal(sink.closed.kind, ERROR_UNAVAILABLE);
    close_sink(&sink);
}

static void close_in_turn(void *arg)
{
    struct sink *sink = arg;
    stream_reader_close(sink->reader);
    sink->reader = NULL;
}

static void a_reader_may_be_closed_in_its_turn(void **state)
{
    struct fixture *f = *state;
    struct error error;
    set_up_log(f);
    fill(f, 2000);
    struct stream_reader_hooks closing = hooks;
    closing.turn = close_in_turn;
    struct sink sink = {.base = f->base};
    sink.reader =
        stream_reader_open(f->base, &f->worker, f->queue,
                           (struct stream_start){.kind = STREAM_FIRST}, &closing, &sink, &error);
    assert_non_null(sink.reader);
    int64_t deadline = clock_monotonic_ms() + DEADLINE_MS;
    while (sink.reader) {
        assert_true(clock_monotonic_ms() < deadline);
        run_for(&sink, 5);
    }
    assert_true(sink.count > 0);
    close_sink(&sink);
}

static void a_reader_needs_a_log(void **state)
{
    struct fixture *f = *state;
    struct error error;
    struct sink sink = {.base = f->base};
    struct stream_start first = {.kind = STREAM_FIRST};
    assert_null(stream_reader_open(f->base, &f->worker, f->queue, first, &hooks, &sink, &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_contains(error.text, "fanfold setup");
}

/* ---- probes ---- */

static void probes_find_the_ends(void **state)
{
    struct fixture *f = *state;
    struct error error;
    struct stream_ends ends = {0};
    set_up_log(f);
    must(stream_probe_first(&f->worker, f->queue, &ends, &error));
    assert_true(ends.empty);
    must(stream_probe_last(&f->worker, f->queue, UINT64_MAX, &ends, &error));
    assert_true(ends.empty);

    fill(f, 1);
    must(stream_probe_last(&f->worker, f->queue, UINT64_MAX, &ends, &error));
    assert_false(ends.empty);
    assert_int_equal(ends.last, 0);

    fill(f, 30000);
    must(stream_probe_first(&f->worker, f->queue, &ends, &error));
    assert_int_equal(ends.first, 0);
    must(stream_probe_last(&f->worker, f->queue, UINT64_MAX, &ends, &error));
    assert_false(ends.empty);
    assert_int_equal(ends.last, 30000);
    must(stream_probe_last(&f->worker, f->queue, 10, &ends, &error));
    assert_true(ends.last >= 10);
}

static void probes_need_a_log(void **state)
{
    struct fixture *f = *state;
    struct error error;
    struct stream_ends ends;
    assert_false(stream_probe_first(&f->worker, f->queue, &ends, &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
    declare_classic_queue(f);
    assert_false(stream_probe_last(&f->worker, f->queue, 0, &ends, &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
}

/* ---- login ---- */

static void logins_fail_with_a_reason(void **state)
{
    struct fixture *f = *state;
    struct error error;
    char wrong[] = "not the password";
    struct uri other = f->uri;
    other.password = wrong;
    assert_false(topology_check(&other, "x", &error));
    assert_int_equal(error.kind, ERROR_PERMISSION);
    assert_null(strstr(error.text, wrong));

    char nowhere[] = "there is no such vhost";
    other = f->uri;
    other.vhost = nowhere;
    assert_false(topology_check(&other, "x", &error));
    assert_int_equal(error.kind, ERROR_CONFIG);

    other = f->uri;
    other.port = 1;
    assert_false(topology_check(&other, "x", &error));
    assert_int_equal(error.kind, ERROR_UNAVAILABLE);
    assert_contains(error.text, "cannot connect");
}

#define log_test(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        log_test(setup_is_idempotent),
        log_test(setup_refuses_another_max_age),
        log_test(setup_refuses_a_classic_queue),
        log_test(setup_uses_an_existing_topic_exchange),
        log_test(publisher_needs_exchange_and_log),
        log_test(unroutable_is_not_confirmed),
        log_test(exchange_deleted_under_a_publisher),
        log_test(what_amqp_cannot_carry_is_refused),
        log_test(publisher_stops_at_once),
        log_test(lost_connections_lose_nothing),
        log_test(messages_come_back_as_they_were),
        log_test(bodies_of_all_sizes),
        log_test(foreign_headers_are_left_out),
        log_test(readers_start_where_they_are_told),
        log_test(acknowledging_gives_credit),
        log_test(a_reader_moves),
        log_test(an_idle_reader_waits_to_be_moved),
        log_test(a_paused_reader_is_quiet),
        log_test(a_deleted_log_closes_its_readers),
        log_test(a_lost_connection_closes_its_reader),
        log_test(a_reader_may_be_closed_in_its_turn),
        log_test(a_reader_needs_a_log),
        log_test(probes_find_the_ends),
        log_test(probes_need_a_log),
        log_test(logins_fail_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
