/*
 * line_test.c: a line of NDJSON → event, as `fanfold publish` and `fanfold try` read it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fanfold/cloudevent.h>
#include <stdlib.h>

struct fixture {
    struct arena arena;
    struct publish_defaults defaults;
    struct str made_id;
    struct cloudevent event;
    struct error error;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->made_id = STR("made-1");
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

static bool read_line(struct fixture *f, const char *line)
{
    return cloudevent_from_line(str_of(line), &f->defaults, f->made_id, &f->arena, &f->event,
                                &f->error);
}

static void assert_event(struct fixture *f, const char *line, const char *expected)
{
    struct buf out = {0};
    if (!read_line(f, line))
        fail_msg("%s", f->error.text);
    assert_true(cloudevent_to_json(&out, &f->event, &f->error));
    assert_string_equal(buf_text(&out), expected);
    buf_release(&out);
}

static void assert_refused(struct fixture *f, const char *line, const char *part)
{
    assert_false(read_line(f, line));
    assert_int_equal(f->error.kind, ERROR_NO);
    if (!strstr(f->error.text, part))
        fail_msg("error \"%s\" does not say \"%s\"", f->error.text, part);
}

static void a_cloudevent_keeps_its_own_attributes(void **state)
{
    struct fixture *f = *state;
    f->defaults = (struct publish_defaults){.type = STR("default"),
                                            .id = STR("default"),
                                            .source = STR("/default"),
                                            .subject = STR("default"),
                                            .time = STR("2020-01-01T00:00:00Z"),
                                            .correlationid = STR("default")};
    assert_event(f,
                 "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"/s\",\"type\":\"t\","
                 "\"subject\":\"o\",\"time\":\"2026-01-31T09:05:07Z\",\"correlationid\":\"c\","
                 "\"attempt\":2,\"data\":{\"n\":1.0}}\r",
                 "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"/s\",\"type\":\"t\","
                 "\"subject\":\"o\",\"time\":\"2026-01-31T09:05:07.000Z\",\"correlationid\":\"c\","
                 "\"datacontenttype\":\"application/json\",\"attempt\":2,\"data\":{\"n\":1.0}}");
}

static void defaults_fill_what_is_missing(void **state)
{
    struct fixture *f = *state;
    const struct message_header headers[] = {
        {.name = STR("x-tenant"), .kind = HEADER_TEXT, .text = STR("acme")},
        {.name = STR("attempt"), .kind = HEADER_INT, .integer = 9},
    };
    f->defaults = (struct publish_defaults){.type = STR("t"),
                                            .subject = STR("o"),
                                            .time = STR("1769850307"),
                                            .headers = headers,
                                            .header_count = 2};
    assert_event(f, "{\"specversion\":\"1.0\",\"attempt\":2}",
                 "{\"specversion\":\"1.0\",\"id\":\"made-1\",\"source\":\"/fanfold/publish\","
                 "\"type\":\"t\",\"subject\":\"o\",\"time\":\"2026-01-31T09:05:07.000Z\","
                 "\"attempt\":2,\"x-tenant\":\"acme\"}");
    f->defaults.id = STR("given");
    f->defaults.source = STR("/till");
    assert_event(f, " {\"n\": 1, \"type\":\"of the data\"} ",
                 "{\"specversion\":\"1.0\",\"id\":\"given\",\"source\":\"/till\","
                 "\"type\":\"t\",\"subject\":\"o\",\"time\":\"2026-01-31T09:05:07.000Z\","
                 "\"datacontenttype\":\"application/json\",\"x-tenant\":\"acme\",\"attempt\":9,"
                 "\"data\":{\"n\": 1, \"type\":\"of the data\"}}");
}

static void data_may_be_any_json(void **state)
{
    struct fixture *f = *state;
    const char *const values[] = {"1.50", "\"a\\\"b\"", "\"ab\"", "[]", "true", "null", "{}"};
    f->defaults.type = STR("t");
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        assert_true(read_line(f, values[i]));
        assert_true(str_eq(f->event.data_bytes, str_of(values[i])));
        assert_non_null(json_member(f->event.root, STR("data")));
    }
}

static void faults_say_what_would_be_right(void **state)
{
    struct fixture *f = *state;
    assert_refused(f, "", "not JSON: byte 0");
    assert_refused(f, "{\"a\":1", "not JSON: byte 6");
    assert_refused(f, "{\"a\":1} {}", "not JSON: byte 8");
    assert_refused(f, "{\"n\":1}", "no \"type\": give -t TYPE for lines that are data only");
    assert_refused(f, "{\"specversion\":\"1.0\"}", "no \"type\": write one, or give -t TYPE");
    f->defaults.type = STR("t");
    assert_refused(f, "{\"specversion\":\"0.3\"}", "specversion is \"0.3\"; only \"1.0\"");
    assert_refused(f, "{\"specversion\":null}", "no \"specversion\"");
    assert_refused(f, "{\"specversion\":\"1.0\",\"x\":1.5}", "extension \"x\" is a number");
    assert_refused(f, "{\"specversion\":\"1.0\",\"x\":2147483648}", "integers of 32 bits");
    assert_refused(f, "{\"specversion\":\"1.0\",\"x\":{}}", "extension \"x\" is an object");
    assert_refused(f, "{\"specversion\":\"1.0\",\"x\":\"\\n\"}", "extension \"x\": byte 0");
    assert_refused(f, "{\"specversion\":\"1.0\",\"\":1}", "the name of an extension is empty");
    assert_refused(f, "{\"specversion\":\"1.0\",\"type\":\"t\",\"id\":\"\"}", "\"id\" is empty");
    assert_refused(f, "{\"specversion\":\"1.0\",\"type\":\"\",\"id\":\"a\"}", "\"type\" is empty");
    assert_refused(f, "{\"specversion\":\"1.0\",\"time\":\"2026-02-30T00:00:00Z\"}",
                   "time \"2026-02-30T00:00:00Z\" is not RFC 3339");
    f->made_id = (struct str){NULL, 0};
    assert_refused(f, "{}", "no \"id\": write one, or give --id ID");
}

static void faulty_headers_are_refused(void **state)
{
    struct fixture *f = *state;
    struct message_header header = {.name = STR("id"), .kind = HEADER_TEXT, .text = STR("1")};
    f->defaults =
        (struct publish_defaults){.type = STR("t"), .headers = &header, .header_count = 1};
    assert_refused(f, "{}", "header \"id\": that is an attribute");
    header.name = STR("x");
    header.text = STR("a\tb");
    assert_refused(f, "{}", "control character");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cloudevent_keeps_its_own_attributes),
        TEST(defaults_fill_what_is_missing),
        TEST(data_may_be_any_json),
        TEST(faults_say_what_would_be_right),
        TEST(faulty_headers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
