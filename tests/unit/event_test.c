/*
 * event_test.c: AMQP message → event in its three forms, faults, and event → message → event.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "event/text.h"
#include <cmocka.h>
#include <fanfold/cloudevent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct fixture {
    struct arena arena;
    struct message_header headers[16];
    struct message message;
    struct read_rules read;
    struct decoder decoder;
    struct cloudevent event;
    struct error error;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->message = (struct message){.offset = 42,
                                  .exchange = STR("shop.events"),
                                  .routing_key = STR("order-7"),
                                  .headers = f->headers};
    f->decoder.partition = "shop.events.log.0";
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    arena_release(&f->arena);
    free(f);
    return 0;
}

static struct message_header *add_header(struct fixture *f, const char *name, const char *text)
{
    struct message_header *header = &f->headers[f->message.header_count++];
    *header =
        (struct message_header){.name = str_of(name), .kind = HEADER_TEXT, .text = str_of(text)};
    return header;
}

static struct message_header *add_int(struct fixture *f, const char *name, enum header_kind kind,
                                      int64_t value)
{
    struct message_header *header = add_header(f, name, NULL);
    header->kind = kind;
    header->integer = value;
    return header;
}

static void add_required(struct fixture *f, const char *prefix)
{
    static char names[4][32];
    const char *const members[4] = {"specversion", "id", "source", "type"};
    const char *const values[4] = {"1.0", "o-1", "/shop", "order.placed"};
    for (int i = 0; i < 4; i++) {
        snprintf(names[i], sizeof(names[i]), "%s%s", prefix, members[i]);
        add_header(f, names[i], values[i]);
    }
}

static bool decode(struct fixture *f)
{
    return cloudevent_decode(&f->decoder, &f->message, &f->arena, &f->event, &f->error);
}

static void structured(struct fixture *f, const char *body)
{
    f->message.content_type = STR("application/cloudevents+json; charset=utf-8");
    f->message.body = str_of(body);
}

static void assert_str(struct str text, const char *expected)
{
    if (!str_eq(text, str_of(expected)) || !str_is(text))
        fail_msg("found \"%.*s\", expected \"%s\"", STRF(text), expected);
}

/* The event as one line is the shortest way to compare all of it. */
static void assert_line(const struct cloudevent *event, const char *expected)
{
    struct buf line = {0};
    struct error error;
    assert_true(cloudevent_to_json(&line, event, &error));
    assert_string_equal(buf_text(&line), expected);
    buf_release(&line);
}

static void assert_member(const struct fixture *f, const char *name, const char *expected)
{
    const struct json *member = json_member(f->event.root, str_of(name));
    if (!expected) {
        if (member)
            fail_msg("there is a %s", name);
        return;
    }
    if (!member)
        fail_msg("no %s", name);
    assert_str(member->text, expected);
}

static void assert_fault(struct fixture *f, const char *part)
{
    assert_false(decode(f));
    if (!strstr(f->error.text, part))
        fail_msg("error \"%s\" does not say \"%s\"", f->error.text, part);
    assert_true(f->event.id.len > 0);
    assert_true(f->event.source.len > 0);
    assert_false(str_is(f->event.data_bytes));
    assert_null(json_member(f->event.root, STR("data")));
}

/* decode → encode → decode gives the same event. */
static void assert_round_trip(struct fixture *f)
{
    struct buf line = {0};
    struct message sent;
    struct cloudevent first = f->event;
    assert_true(cloudevent_to_json(&line, &first, &f->error));
    if (!cloudevent_encode(&first, STR("shop.events"), (struct str){NULL, 0}, &f->arena, &sent,
                           &f->error))
        fail_msg("%s", f->error.text);
    struct message *copy = message_new(&sent);
    f->decoder.read = NULL;
    assert_true(cloudevent_decode(&f->decoder, copy, &f->arena, &f->event, &f->error));
    assert_line(&f->event, buf_text(&line));
    assert_true(str_eq(f->event.data_bytes, first.data_bytes));
    assert_int_equal(f->event.has_time, first.has_time);
    assert_int_equal(f->event.time_ms, first.time_ms);
    struct hash128 a = cloudevent_key(&first), b = cloudevent_key(&f->event);
    assert_true(a.lo == b.lo && a.hi == b.hi);
    assert_true(cloudevent_content(&first) == cloudevent_content(&f->event));
    message_free(copy);
    buf_release(&line);
}

static void structured_event_is_read_whole(void **state)
{
    struct fixture *f = *state;
    structured(f, "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"/s\",\"type\":\"t\","
                  "\"time\":\"2026-01-31T10:05:07.5+01:00\",\"x\":7,\"y\":null,\"z\":true,"
                  "\"data\":{\"n\": 1}}");
    f->message.content_type = STR("Application/CloudEvents+JSON");
    assert_true(decode(f));
    assert_str(f->event.id, "a");
    assert_str(f->event.source, "/s");
    assert_str(f->event.type, "t");
    assert_false(str_is(f->event.subject));
    assert_true(f->event.has_time);
    assert_int_equal(f->event.time_ms, 1769850307500);
    assert_member(f, "time", "2026-01-31T09:05:07.500Z");
    assert_member(f, "x", "7");
    assert_member(f, "y", NULL);
    assert_member(f, "specversion", NULL);
    assert_str(f->event.data_bytes, "{\"n\": 1}");
    assert_int_equal(f->event.root->count, 8);
    assert_line(&f->event, "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"/s\",\"type\":\"t\","
                           "\"time\":\"2026-01-31T09:05:07.500Z\","
                           "\"datacontenttype\":\"application/json\",\"x\":7,\"z\":true,"
                           "\"data\":{\"n\": 1}}");
}

static void structured_data_of_every_kind(void **state)
{
    struct fixture *f = *state;
    const struct {
        const char *member, *bytes, *fault;
    } cases[] = {
        {"\"data\":\"plain\"", "\"plain\"", NULL},
        {"\"data\":\"a\\nb\"", "\"a\\nb\"", NULL},
        {"\"data\":\"\"", "\"\"", NULL},
        {"\"data\":12.50", "12.50", NULL},
        {"\"data\":false", "false", NULL},
        {"\"data\":null", "null", NULL},
        {"\"data\":[1, 2]", "[1, 2]", NULL},
        {"\"data_base64\":\"eyJuIjoxfQ==\"", "{\"n\":1}", NULL},
        {"\"data\":null,\"data_base64\":\"MTI=\"", "12", NULL},
        {"\"data_base64\":\"aGVsbG8=\"", "hello", "byte 0"},
        {"\"datacontenttype\":\"text/plain\",\"data\":\"hello\"", "hello", "byte 0"},
        {"\"datacontenttype\":\"text/plain\",\"data\":\"12\"", "12", NULL},
        {"\"datacontenttype\":\"a/b+JSON ; c=d\",\"data\":\"12\"", "\"12\"", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[256];
        snprintf(body, sizeof(body),
                 "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"s\",\"type\":\"t\",%s}",
                 cases[i].member);
        structured(f, body);
        assert_true(decode(f));
        assert_str(f->event.data_bytes, cases[i].bytes);
        assert_int_equal(str_is(f->event.data_fault), cases[i].fault != NULL);
        assert_int_equal(json_member(f->event.root, STR("data")) == NULL, cases[i].fault != NULL);
        if (cases[i].fault)
            assert_true(str_starts(f->event.data_fault, str_of(cases[i].fault)));
    }
}

static void structured_faults_are_named(void **state)
{
    struct fixture *f = *state;
    const struct {
        const char *body, *part;
    } cases[] = {
        {"", "structured CloudEvent: byte 0"},
        {"[1]", "not an object"},
        {"{\"id\":\"a\",\"source\":\"s\",\"type\":\"t\"}", "no \"specversion\""},
        {"{\"specversion\":\"0.3\",\"id\":\"a\"}", "specversion is \"0.3\"; only \"1.0\""},
        {"{\"specversion\":\"1.0\",\"source\":\"s\",\"type\":\"t\"}", "without id"},
        {"{\"specversion\":\"1.0\",\"id\":\"\",\"source\":\"s\",\"type\":\"t\"}", "without id"},
        {"{\"specversion\":\"1.0\",\"id\":\"a\",\"type\":\"t\"}", "without source"},
        {"{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"s\",\"type\":null}", "without type"},
        {"{\"specversion\":\"1.0\",\"id\":17}", "\"id\" is a number"},
        {"{\"specversion\":\"1.0\",\"type\":\"a\\u0007b\"}", "type: byte 1 is a control character"},
        {"{\"specversion\":\"1.0\",\"subject\":1,\"time\":2}", "\"subject\" is a number"},
        {"{\"specversion\":\"1.0\",\"time\":\"soon\"}", "time \"soon\" is not RFC 3339"},
        {"{\"specversion\":\"1.0\",\"data\":1,\"data_base64\":\"MTI=\",\"id\":\"a\"}", "both"},
        {"{\"specversion\":\"1.0\",\"data_base64\":\"MTI\"}", "not Base64"},
        {"{\"specversion\":\"1.0\",\"data_base64\":\"MTJ=\"}", "not Base64"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        structured(f, cases[i].body);
        assert_fault(f, cases[i].part);
    }
    f->message.content_type = STR("application/cloudevents-batch+json");
    assert_fault(f, "application/cloudevents-batch+json");
}

static void time_is_shown_in_one_form(void **state)
{
    struct fixture *f = *state;
    const char *const times[][2] = {
        {"2026-01-31T09:05:07.123Z", "2026-01-31T09:05:07.123Z"},
        {"2026-01-31T09:05:07.123z", "2026-01-31T09:05:07.123Z"},
        {"2026-01-31t09:05:07.123Z", "2026-01-31T09:05:07.123Z"},
        {"2026-01-31T09:05:07.1239Z", "2026-01-31T09:05:07.123Z"},
        {"2026-01-31T09:05:07Z", "2026-01-31T09:05:07.000Z"},
        {"2016-12-31T23:59:60.000Z", "2016-12-31T23:59:59.999Z"},
    };
    add_required(f, "ce-");
    struct message_header *header = add_header(f, "ce-time", "");
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        header->text = str_of(times[i][0]);
        assert_true(decode(f));
        assert_member(f, "time", times[i][1]);
        assert_true(f->event.has_time && f->event.time_ms > 0);
    }
}

/* Who parks the event must know whether a view wants its type. */
static void a_fault_does_not_hide_what_is_known(void **state)
{
    struct fixture *f = *state;
    structured(f, "{\"specversion\":\"1.0\",\"time\":\"soon\",\"type\":\"t\",\"subject\":\"s\","
                  "\"id\":\"a\",\"tenant\":\"b\"}");
    assert_fault(f, "time");
    assert_str(f->event.type, "t");
    assert_str(f->event.subject, "s");
    assert_str(f->event.id, "a");
    assert_str(f->event.source, "/shop.events");
    assert_member(f, "tenant", "b");

    structured(f, "{oops");
    f->message.message_id = STR("m-1");
    f->message.type = STR("order.placed");
    assert_fault(f, "structured CloudEvent");
    assert_str(f->event.id, "m-1");
    assert_str(f->event.type, "order.placed");
    assert_str(f->event.subject, "order-7");
}

static void binary_event_under_every_prefix(void **state)
{
    struct fixture *f = *state;
    const char *const prefixes[] = {"cloudEvents:", "cloudEvents_", "ce-", "ce_", "CE-"};
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        f->message.header_count = 0;
        add_required(f, prefixes[i]);
        f->message.body = STR("{\"n\":1}");
        assert_true(decode(f));
        assert_line(&f->event, "{\"specversion\":\"1.0\",\"id\":\"o-1\",\"source\":\"/shop\","
                               "\"type\":\"order.placed\",\"datacontenttype\":\"application/json\","
                               "\"data\":{\"n\":1}}");
        assert_false(str_is(f->event.subject)); /* the routing key is none in this form */
    }
}

static void binary_extensions_keep_their_kinds(void **state)
{
    struct fixture *f = *state;
    add_required(f, "ce-");
    add_header(f, "traceparent", "bare");
    add_header(f, "ce-Traceparent", "00-ab");
    add_header(f, "x-tenant", "acme");
    add_header(f, "type", "not this");
    add_header(f, "ce-SUBJECT", "s-1");
    add_int(f, "ce-attempt", HEADER_INT, -3);
    add_int(f, "ce-test", HEADER_BOOL, 1);
    add_int(f, "ce-time", HEADER_TIMESTAMP, 1769850307);
    add_int(f, "x-stream-offset", HEADER_INT, 42);
    add_header(f, "bad", "\xff");
    add_header(f, "bell", "\a");
    add_header(f, "ratio", NULL)->kind = HEADER_DOUBLE;
    f->headers[f->message.header_count - 1].real = NAN;
    f->message.correlation_id = STR("c-1");
    assert_true(decode(f));
    assert_member(f, "traceparent", "00-ab");
    assert_member(f, "x-tenant", "acme");
    assert_member(f, "subject", "s-1");
    assert_member(f, "type", "order.placed");
    assert_member(f, "time", "2026-01-31T09:05:07.000Z");
    assert_member(f, "attempt", "-3");
    assert_int_equal(json_member(f->event.root, STR("attempt"))->kind, JSON_NUMBER);
    assert_int_equal(json_member(f->event.root, STR("test"))->kind, JSON_TRUE);
    assert_member(f, "correlationid", "c-1");
    assert_member(f, "x-stream-offset", NULL);
    assert_member(f, "bad", NULL);
    assert_member(f, "bell", NULL);
    assert_member(f, "ratio", NULL);
    assert_false(str_is(f->event.data_bytes));
    /* Of traceparent, one is in it: id source type subject time correlationid traceparent … */
    assert_int_equal(f->event.root->count, 10);
}

static void binary_faults_are_named(void **state)
{
    struct fixture *f = *state;
    const struct {
        int header;
        const char *value, *part;
    } cases[] = {
        {0, "2.0", "specversion is \"2.0\""},
        {0, "", "specversion is \"\""},
        {1, "", "binary CloudEvent without id"},
        {2, "", "without source"},
        {3, "", "without type"},
        {3, "a\x01", "type: byte 1 is a control"},
        {1, "\xc0\xaf", "id: byte 0 is not UTF-8"},
        {1, "\xed\xa0\x80", "is not UTF-8"},
        {1, "\xc2\x85", "is a control character"},
        {1, "\xef\xbf\xbf", "not a Unicode"},
        {1,
         "1234\x01"
         "5678",
         "id: byte 4 is a control"},
        {1, "12345678\x7f", "id: byte 8 is a control"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        f->message.header_count = 0;
        add_required(f, "ce_");
        f->headers[cases[i].header].text = str_of(cases[i].value);
        assert_fault(f, cases[i].part);
        if (cases[i].header != 3)
            assert_str(f->event.type, "order.placed");
        if (cases[i].header == 1)
            assert_str(f->event.id, "shop.events.log.0/42");
    }
    f->message.header_count = 0;
    add_required(f, "ce_");
    add_header(f, "ce_time", "31.1.2026");
    assert_fault(f, "time \"31.1.2026\" is not RFC 3339");
}

static void plain_message_from_properties(void **state)
{
    struct fixture *f = *state;
    f->message.message_id = STR("m-1");
    f->message.type = STR("order.placed");
    f->message.app_id = STR("shop");
    f->message.correlation_id = STR("c-1");
    f->message.has_timestamp = true;
    f->message.timestamp = 1769850307;
    f->message.body = STR("{\n \"n\":1}\n");
    add_header(f, "x-tenant", "acme");
    add_header(f, "correlationid", "not this");
    add_header(f, "id", "nor this");
    assert_true(decode(f));
    assert_line(&f->event,
                "{\"specversion\":\"1.0\",\"id\":\"m-1\",\"source\":\"shop\","
                "\"type\":\"order.placed\",\"subject\":\"order-7\","
                "\"time\":\"2026-01-31T09:05:07.000Z\",\"correlationid\":\"c-1\","
                "\"datacontenttype\":\"application/json\",\"x-tenant\":\"acme\",\"data\":{  "
                "\"n\":1} }");
    f->message.timestamp = 1769850307123; /* many clients send milliseconds */
    assert_true(decode(f));
    assert_int_equal(f->event.time_ms, 1769850307123);
}

static void plain_message_with_nothing(void **state)
{
    struct fixture *f = *state;
    f->message.routing_key = STR("");
    add_header(f, "type", "a header is no type");
    add_header(f, "correlationid", "c-2");
    assert_true(decode(f));
    assert_str(f->event.id, "shop.events.log.0/42");
    assert_str(f->event.source, "/shop.events");
    assert_false(str_is(f->event.type));
    assert_false(str_is(f->event.subject));
    assert_false(f->event.has_time);
    assert_member(f, "type", NULL);
    assert_member(f, "subject", NULL);
    assert_member(f, "correlationid", "c-2");
    add_int(f, "attempt", HEADER_INT, 3);
    f->message.type = STR("t");
    f->headers[1] =
        (struct message_header){.name = STR("correlationid"), .kind = HEADER_INT, .integer = 12};
    assert_true(decode(f));
    assert_int_equal(json_member(f->event.root, STR("correlationid"))->kind, JSON_STRING);
    assert_round_trip(f);
}

static void read_looks_at_headers_and_body(void **state)
{
    struct fixture *f = *state;
    f->read = (struct read_rules){.type = (char[]){"/x-github-event"},
                                  .id = (char[]){"/data/a~1b/1"},
                                  .source = (char[]){"/data/missing"},
                                  .subject = (char[]){"/data/order"},
                                  .time = (char[]){"/data/at"},
                                  .correlationid = (char[]){"/data/test"}};
    f->decoder.read = &f->read;
    add_header(f, "x-github-event", "push");
    f->message.type = STR("other");
    f->message.app_id = STR("git");
    f->message.has_timestamp = true;
    f->message.timestamp = 1;
    f->message.body =
        STR("{\"a/b\":[0,9007199254740993],\"order\":{},\"at\":1769850307.25,\"test\":true}");
    assert_true(decode(f));
    assert_str(f->event.type, "push");
    assert_str(f->event.id, "9007199254740993");
    assert_str(f->event.source, "git");
    assert_str(f->event.subject, "order-7"); /* an object is no text */
    assert_int_equal(f->event.time_ms, 1769850307250);
    assert_member(f, "time", "2026-01-31T09:05:07.250Z");
    assert_member(f, "correlationid", "true");
    assert_member(f, "x-github-event", "push");
}

static void read_may_name_a_header_called_like_an_attribute(void **state)
{
    struct fixture *f = *state;
    f->read = (struct read_rules){.type = (char[]){"/type"}, .id = (char[]){"/id"}};
    f->decoder.read = &f->read;
    add_header(f, "type", "push");
    add_int(f, "id", HEADER_INT, 7);
    assert_true(decode(f));
    assert_str(f->event.type, "push");
    assert_str(f->event.id, "7");
    assert_member(f, "type", "push");
    assert_int_equal(f->event.root->count, 4); /* id, source, type, subject: each once */
}

static void plain_faults_are_named(void **state)
{
    struct fixture *f = *state;
    f->message.type = STR("a\x1f");
    assert_fault(f, "property type: type: byte 1 is a control character");
    assert_false(str_is(f->event.type));
    f->message.type = STR("t");
    f->message.routing_key = STR("\xe4");
    assert_fault(f, "routing key: subject: byte 0 is not UTF-8");
    assert_str(f->event.type, "t");
    f->message.routing_key = STR("k");
    f->message.has_timestamp = true;
    f->message.timestamp = UINT64_MAX;
    assert_fault(f, "property timestamp: 18446744073709551615");

    f->message.has_timestamp = false;
    f->read = (struct read_rules){.time = (char[]){"/data/at"}, .id = (char[]){"/data/id"}};
    f->decoder.read = &f->read;
    f->message.body = STR("{\"at\":\"soon\"}");
    assert_fault(f, "read from /data/at: time \"soon\"");
    char body[1200];
    snprintf(body, sizeof(body), "{\"id\":\"%01025d\"}", 0);
    f->message.body = str_of(body);
    assert_fault(f, "read from /data/id: id is 1025 bytes long; at most 1024");
}

static void a_body_that_is_not_json_says_why(void **state)
{
    struct fixture *f = *state;
    f->message.body = STR("{\"n\":1");
    f->message.content_encoding = STR("gzip");
    assert_true(decode(f));
    assert_member(f, "data", NULL);
    assert_str(f->event.data_bytes, "{\"n\":1");
    assert_true(str_starts(f->event.data_fault, STR("byte 6")));
    assert_non_null(strstr(f->event.data_fault.at, "content_encoding \"gzip\""));
    assert_line(&f->event, "{\"specversion\":\"1.0\",\"id\":\"shop.events.log.0/42\","
                           "\"source\":\"/shop.events\",\"subject\":\"order-7\","
                           "\"data_base64\":\"eyJuIjox\"}");
}

/* Each name is compared with those before it, so their number is limited. */
static void too_many_headers_are_no_event(void **state)
{
    struct fixture *f = *state;
    struct message_header *headers = calloc(1001, sizeof(*headers));
    f->message.headers = headers;
    f->message.header_count = 1001;
    assert_fault(f, "1001 headers; at most 1000");
    f->message.header_count = 1000;
    assert_true(decode(f));
    free(headers);
}

static void huge_bodies_are_not_parsed(void **state)
{
    struct fixture *f = *state;
    size_t len = 16 * 1024 * 1024 + 1;
    char *body = malloc(len);
    memset(body, '1', len);
    f->message.body = (struct str){body, len};
    assert_true(decode(f));
    assert_member(f, "data", NULL);
    assert_true(str_starts(f->event.data_fault, STR("data of 16777217 bytes")));
    structured(f, "");
    f->message.body = (struct str){body, len};
    assert_fault(f, "at most 16777216");
    free(body);
}

static void round_trip_of_every_kind(void **state)
{
    struct fixture *f = *state;
    structured(f, "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"/s\",\"type\":\"t\","
                  "\"subject\":\"ö\",\"time\":\"1969-12-31T23:59:59.001Z\",\"dataschema\":\"s:x\","
                  "\"attempt\":-2147483648,\"big\":4294967296,\"ratio\":1.5,\"test\":false,"
                  "\"ce-odd\":\"1\",\"x-stream-offset\":\"mine\","
                  "\"correlationid\":\"c\",\"causationid\":\"d\",\"traceparent\":\"00-ab\",\"X-"
                  "Tenant\":\"acme\","
                  "\"data\":{\"n\":[1,{}]}}");
    assert_true(decode(f));
    assert_round_trip(f);
    assert_int_equal(f->event.root->count, 18);
    structured(f, "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"/s\",\"type\":\"t\","
                  "\"data_base64\":\"AAEC\",\"datacontenttype\":\"image/png\"}");
    assert_true(decode(f));
    assert_round_trip(f);
    structured(f, "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"/s\",\"type\":\"t\"}");
    assert_true(decode(f));
    assert_round_trip(f);
}

static const struct message_header *find_header(const struct message *message, const char *name)
{
    for (size_t i = 0; i < message->header_count; i++) {
        if (str_eq(message->headers[i].name, str_of(name)))
            return &message->headers[i];
    }
    fail_msg("no header %s", name);
    return NULL;
}

static void encode_fills_properties_and_headers(void **state)
{
    struct fixture *f = *state;
    struct message sent;
    structured(f, "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"/s\",\"type\":\"t\","
                  "\"subject\":\"o\",\"time\":\"2026-01-31T09:05:07.5Z\",\"attempt\":2,"
                  "\"test\":true,\"x-tenant\":\"acme\",\"correlationid\":\"c\",\"data\":[1]}");
    assert_true(decode(f));
    assert_true(cloudevent_encode(&f->event, STR("x"), STR("key"), &f->arena, &sent, &f->error));
    assert_str(sent.routing_key, "key");
    assert_str(sent.exchange, "x");
    assert_str(sent.message_id, "a");
    assert_str(sent.app_id, "/s");
    assert_str(sent.type, "t");
    assert_str(sent.correlation_id, "c");
    assert_str(sent.content_type, "application/json");
    assert_true(sent.has_timestamp && sent.timestamp == 1769850307);
    assert_str(sent.body, "[1]");
    assert_str(find_header(&sent, "cloudEvents:specversion")->text, "1.0");
    assert_str(find_header(&sent, "cloudEvents:time")->text, "2026-01-31T09:05:07.500Z");
    assert_str(find_header(&sent, "cloudEvents:correlationid")->text, "c");
    assert_str(find_header(&sent, "x-tenant")->text, "acme");
    assert_int_equal(find_header(&sent, "cloudEvents:attempt")->kind, HEADER_INT);
    assert_int_equal(find_header(&sent, "cloudEvents:attempt")->integer, 2);
    assert_int_equal(find_header(&sent, "cloudEvents:test")->kind, HEADER_BOOL);
    assert_true(
        cloudevent_encode(&f->event, STR("x"), (struct str){NULL, 0}, &f->arena, &sent, &f->error));
    assert_str(sent.routing_key, "o");
    f->event.time_ms = -1; /* the property is unsigned */
    assert_true(
        cloudevent_encode(&f->event, STR("x"), (struct str){NULL, 0}, &f->arena, &sent, &f->error));
    assert_false(sent.has_timestamp);
}

static void encode_refuses_what_amqp_cannot_carry(void **state)
{
    struct fixture *f = *state;
    const struct {
        const char *members, *part;
    } cases[] = {
        {"\"subject\":\"%0256d\"", "routing key is 256 bytes long; AMQP allows 255"},
        {"\"correlationid\":\"%0256d\"", "correlationid (property correlation_id) is 256 bytes"},
        {"\"a%0256d\":1", "a name of 269 bytes"},
        {"\"x\":{\"y%d\":1}", "extension \"x\" is an array or an object"},
        {"\"x\":1%0256d", "±2^53"},
        {"\"CC\":\"%d\"", "extension \"CC\""},
        {"\"datacontenttype\":\"application/cloudevents+json;%d\"", "is an event itself"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char member[400], body[600];
        struct message sent;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(member, sizeof(member), cases[i].members, 0);
#pragma GCC diagnostic pop
        snprintf(body, sizeof(body),
                 "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"s\",\"type\":\"t\",%s}",
                 member);
        structured(f, body);
        assert_true(decode(f));
        assert_false(cloudevent_encode(&f->event, STR("x"), (struct str){NULL, 0}, &f->arena, &sent,
                                       &f->error));
        if (!strstr(f->error.text, cases[i].part))
            fail_msg("error \"%s\" does not say \"%s\"", f->error.text, cases[i].part);
    }
}

static void keys_tell_events_apart(void **state)
{
    (void)state;
    struct cloudevent a = {.source = STR("ab"), .id = STR("c"), .type = STR("t")};
    struct cloudevent b = {.source = STR("a"), .id = STR("bc"), .type = STR("t")};
    assert_true(cloudevent_key(&a).lo != cloudevent_key(&b).lo);
    b.id = a.id;
    assert_true(cloudevent_key(&a).lo != cloudevent_key(&b).lo);
    assert_true(cloudevent_content(&a) == cloudevent_content(&b));
    b.data_bytes = STR("1");
    assert_true(cloudevent_content(&a) != cloudevent_content(&b));
}

static void message_copy_owns_everything(void **state)
{
    (void)state;
    char text[] = "header text", body[] = "body";
    struct message_header header = {.name = STR("h"), .kind = HEADER_TEXT, .text = str_of(text)};
    struct message from = {.offset = 9,
                           .exchange = STR(""),
                           .headers = &header,
                           .header_count = 1,
                           .body = str_of(body)};
    struct message *copy = message_new(&from);
    memset(text, 'x', sizeof(text));
    memset(body, 'x', sizeof(body));
    memset(&header, 0, sizeof(header));
    assert_int_equal(copy->offset, 9);
    assert_str(copy->exchange, "");
    assert_false(str_is(copy->type));
    assert_str(copy->headers[0].name, "h");
    assert_str(copy->headers[0].text, "header text");
    assert_str(copy->body, "body");
    assert_int_equal(copy->size, sizeof(*copy) + sizeof(header) + 1 + 11 + 4);
    message_free(copy);
    message_free(NULL);
}

/* A byte at each place of texts of each length: what is looked at together, and what is left. */
static void texts_are_checked_to_the_last_byte(void **state)
{
    (void)state;
    static const struct {
        const char byte;
        bool printable, good;
    } bytes[] = {{' ', true, true},      {'~', true, true},      {'\x1f', false, false},
                 {'\x7f', false, false}, {'\x80', false, false}, {'\xff', false, false},
                 {'\0', false, false}};
    for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++)
        for (size_t len = 1; len <= 20; len++)
            for (size_t place = 0; place < len; place++) {
                char text[20];
                size_t at = 99;
                memset(text, 'a', sizeof(text));
                text[place] = bytes[i].byte;
                assert_int_equal(text_is_printable((struct str){text, len}), bytes[i].printable);
                assert_int_equal(text_fault((struct str){text, len}, &at) == NULL, bytes[i].good);
                if (!bytes[i].good)
                    assert_int_equal(at, place);
            }
    assert_true(text_is_printable(STR("")));
    assert_true(text_is_printable((struct str){0}));
    assert_false(text_is_printable(STR("caf\xc3\xa9")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(structured_event_is_read_whole),
        TEST(structured_data_of_every_kind),
        TEST(structured_faults_are_named),
        TEST(time_is_shown_in_one_form),
        TEST(a_fault_does_not_hide_what_is_known),
        TEST(binary_event_under_every_prefix),
        TEST(binary_extensions_keep_their_kinds),
        TEST(binary_faults_are_named),
        TEST(plain_message_from_properties),
        TEST(plain_message_with_nothing),
        TEST(read_looks_at_headers_and_body),
        TEST(read_may_name_a_header_called_like_an_attribute),
        TEST(plain_faults_are_named),
        TEST(a_body_that_is_not_json_says_why),
        TEST(too_many_headers_are_no_event),
        TEST(huge_bodies_are_not_parsed),
        TEST(round_trip_of_every_kind),
        TEST(encode_fills_properties_and_headers),
        TEST(encode_refuses_what_amqp_cannot_carry),
        TEST(keys_tell_events_apart),
        TEST(message_copy_owns_everything),
        cmocka_unit_test(texts_are_checked_to_the_last_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
