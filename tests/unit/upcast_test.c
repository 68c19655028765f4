/*
 * upcast_test.c: events in former forms become those of today; what stays as it was published; and
 * what cannot be applied.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/jsonfile.h"
#include "event/upcast.h"

struct fixture {
    struct upcast_rules rules;
    struct arena arena;
    struct cloudevent event;
    struct buf text;
};

static int set_up(void **state)
{
    *state = must_calloc(1, sizeof(struct fixture));
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    upcast_rules_release(&f->rules);
    arena_release(&f->arena);
    buf_release(&f->text);
    free(f);
    return 0;
}

static void use_rules(struct fixture *f, const char *text)
{
    struct faults faults = {0};
    cJSON *array = jsonfile_parse("f.json", str_of(text), &faults);
    upcast_rules_release(&f->rules);
    upcast_rules_read(array, "f.json", "", &f->rules, &faults);
    faults_print(&faults, stderr);
    assert_int_equal(faults.count, 0);
    cJSON_Delete(array);
}

/* One rule, for type "t". */
static void use_verbs(struct fixture *f, const char *verbs)
{
    char text[1024];
    snprintf(text, sizeof text, "[{\"type\":\"t\",%s}]", verbs);
    use_rules(f, text);
}

static const char *json_of(struct fixture *f, const struct json *node)
{
    struct error error;
    buf_clear(&f->text);
    if (!node)
        return "";
    assert_true(json_canonical(&f->text, node, &error));
    return buf_text(&f->text);
}

static void read_event(struct fixture *f, const char *members)
{
    static const struct publish_defaults none = {0};
    struct error error;
    struct str line = arena_printf(&f->arena, "{\"specversion\":\"1.0\",\"id\":\"1\",%s}", members);
    assert_true(
        cloudevent_from_line(line, &none, (struct str){NULL, 0}, &f->arena, &f->event, &error));
}

/* Applies the rules to an event of type t with this data ("": none), and expects that data. */
static void becomes(struct fixture *f, const char *data, const char *expected)
{
    char members[1024];
    snprintf(members, sizeof members, "\"type\":\"t\"%s%s", data[0] ? ",\"data\":" : "", data);
    read_event(f, members);
    char *before = must_strdup(json_of(f, f->event.root));
    const struct json *published = f->event.root;
    upcast_apply(&f->rules, &f->event, &f->arena);
    if (str_is(f->event.upcast_fault))
        fail_msg("%s: %.*s", data, STRF(f->event.upcast_fault));
    assert_string_equal(json_of(f, json_member(f->event.root, STR("data"))), expected);
    assert_string_equal(json_of(f, published), before);
    free(before);
}

static void fails(struct fixture *f, const char *data, const char *fault)
{
    char members[1024];
    snprintf(members, sizeof members, "\"type\":\"t\",\"data\":%s", data);
    read_event(f, members);
    upcast_apply(&f->rules, &f->event, &f->arena);
    assert_true(str_is(f->event.upcast_fault));
    assert_string_equal(f->event.upcast_fault.at, fault);
}

static void renames_and_moves(void **state)
{
    struct fixture *f = *state;
    use_verbs(
        f, "\"rename\":{\"/data/custmer\":\"/data/customer\"},"
           "\"move\":{\"/data/address\":\"/data/shipping/address\",\"/data/a~1b/c\":\"/data/d\"}");
    becomes(f, "{\"custmer\":\"Ada\",\"x\":[1]}", "{\"customer\":\"Ada\",\"x\":[1]}");
    becomes(f, "{\"address\":{\"city\":\"Bonn\"}}",
            "{\"shipping\":{\"address\":{\"city\":\"Bonn\"}}}");
    becomes(f, "{\"address\":1,\"shipping\":{\"by\":\"air\"},\"a/b\":{\"c\":2,\"e\":3}}",
            "{\"a/b\":{\"e\":3},\"d\":2,\"shipping\":{\"address\":1,\"by\":\"air\"}}");
    becomes(f, "{\"address\":false,\"shipping\":null}", "{\"shipping\":{\"address\":false}}");
    becomes(f, "{\"custmer\":\"Ada\",\"customer\":null}", "{\"customer\":\"Ada\"}");
}

static void nothing_is_no_matter(void **state)
{
    struct fixture *f = *state;
    use_verbs(f, "\"rename\":{\"/data/a\":\"/data/b\"},\"move\":{\"/data/c/d\":\"/data/e/f\"},"
                 "\"split\":{\"/data/n\":{\"by\":\" \",\"into\":[\"/data/x\",\"/data/y\"]}}");
    becomes(f, "", "");
    becomes(f, "null", "null");
    becomes(f, "[1]", "[1]");
    becomes(f, "\"text\"", "\"text\"");
    becomes(f, "{\"a\":null,\"b\":1,\"c\":[{\"d\":1}],\"n\":null}",
            "{\"a\":null,\"b\":1,\"c\":[{\"d\":1}],\"n\":null}");
    becomes(f, "{\"c\":{\"d\":null}}", "{\"c\":{\"d\":null}}");
}

/* All sources are taken out before anything is put in. */
static void swaps_and_wraps(void **state)
{
    struct fixture *f = *state;
    use_verbs(f, "\"rename\":{\"/data/a\":\"/data/b\",\"/data/b\":\"/data/a\"},"
                 "\"move\":{\"/data/c\":\"/data/c/text\"}");
    becomes(f, "{\"a\":1,\"b\":2,\"c\":\"x\"}", "{\"a\":2,\"b\":1,\"c\":{\"text\":\"x\"}}");
    becomes(f, "{\"a\":1}", "{\"b\":1}");
}

static void splits(void **state)
{
    struct fixture *f = *state;
    use_verbs(
        f, "\"split\":{\"/data/name\":{\"by\":\", \",\"into\":[\"/data/last\",\"/data/first\"]}}");
    becomes(f, "{\"name\":\"Lovelace, Ada\"}", "{\"first\":\"Ada\",\"last\":\"Lovelace\"}");
    becomes(f, "{\"name\":\"a, b, c\"}", "{\"first\":\"b, c\",\"last\":\"a\"}");
    becomes(f, "{\"name\":\"Plato\"}", "{\"last\":\"Plato\"}");
    becomes(f, "{\"name\":\"\"}", "{\"last\":\"\"}");
    becomes(f, "{\"name\":\", \"}", "{\"first\":\"\",\"last\":\"\"}");
    use_verbs(f, "\"split\":{\"/data/name\":{\"by\":\"-\",\"into\":[\"/data/name\",\"/data/n/x\","
                 "\"/data/n/y\"]}},\"default\":{\"/data/n/y\":\"none\"}");
    becomes(f, "{\"name\":\"A-1\"}", "{\"n\":{\"x\":\"1\",\"y\":\"none\"},\"name\":\"A\"}");
}

static void defaults(void **state)
{
    struct fixture *f = *state;
    use_verbs(
        f, "\"default\":{\"/data/currency\":\"EUR\",\"/data/a/b\":{\"c\":[1]},\"/data/a/b/d\":2}");
    becomes(f, "{}", "{\"a\":{\"b\":{\"c\":[1],\"d\":2}},\"currency\":\"EUR\"}");
    becomes(f, "", "{\"a\":{\"b\":{\"c\":[1],\"d\":2}},\"currency\":\"EUR\"}");
    becomes(f, "{\"currency\":null,\"a\":{\"b\":{}}}",
            "{\"a\":{\"b\":{\"d\":2}},\"currency\":\"EUR\"}");
    becomes(f, "{\"currency\":\"\",\"a\":{\"b\":{\"d\":0}}}",
            "{\"a\":{\"b\":{\"d\":0}},\"currency\":\"\"}");
    /* The rule's own value is not what the events before it have made of it. */
    becomes(f, "{}", "{\"a\":{\"b\":{\"c\":[1],\"d\":2}},\"currency\":\"EUR\"}");
}

static void says_why_not(void **state)
{
    struct fixture *f = *state;
    use_verbs(f, "\"rename\":{\"/data/custmer\":\"/data/customer\"}");
    fails(f, "{\"custmer\":1,\"customer\":2}",
          "upcast of t: rename \"/data/customer\": is there already");
    use_verbs(f, "\"move\":{\"/data/a\":\"/data/b/c\"}");
    fails(f, "{\"a\":1,\"b\":\"x\"}",
          "upcast of t: move \"/data/b/c\": \"b\", on the way, is a text, not an object");
    use_verbs(f, "\"default\":{\"/data/a\":1}");
    fails(f, "[1]",
          "upcast of t: default \"/data/a\": \"data\", on the way, is a list, not an object");
    use_verbs(f, "\"split\":{\"/data/n\":{\"by\":\" \",\"into\":[\"/data/x\",\"/data/y\"]}}");
    fails(f, "{\"n\":12}", "upcast of t: split \"/data/n\": is a number, not a text");
    fails(f, "{\"n\":\"a b\",\"y\":true}", "upcast of t: split \"/data/y\": is there already");
}

/* What was copied for one rule is not copied anew, and not shared with what was published. */
static void chains(void **state)
{
    struct fixture *f = *state;
    use_rules(
        f, "[{\"type\":\"t\",\"rename\":{\"/data/o/a\":\"/data/o/b\"},\"to\":{\"type\":\"t.v2\"}},"
           "{\"type\":\"t.v2\",\"rename\":{\"/data/o/b\":\"/data/o/c\"},\"to\":{\"type\":\"t.v3\","
           "\"dataschema\":\"s3\"}},"
           "{\"type\":\"t.v3\",\"dataschema\":\"s3\",\"default\":{\"/data/end\":true}},"
           "{\"type\":\"t.v3\",\"default\":{\"/data/wrong\":true}}]");
    becomes(f, "{\"o\":{\"a\":1,\"z\":2}}", "{\"end\":true,\"o\":{\"c\":1,\"z\":2}}");
    assert_true(str_eq(f->event.type, STR("t.v3")));
    assert_true(str_eq(f->event.published_type, STR("t")));
    assert_string_equal(json_of(f, json_member(f->event.root, STR("type"))), "\"t.v3\"");
    assert_string_equal(json_of(f, json_member(f->event.root, STR("dataschema"))), "\"s3\"");
    read_event(f, "\"type\":\"t.v2\",\"dataschema\":\"s1\",\"data\":{\"o\":{\"b\":5}}");
    upcast_apply(&f->rules, &f->event, &f->arena);
    assert_string_equal(json_of(f, f->event.root),
                        "{\"data\":{\"end\":true,\"o\":{\"c\":5}},\"datacontenttype\":"
                        "\"application/json\",\"dataschema\":\"s3\",\"id\":\"1\",\"source\":"
                        "\"/fanfold/publish\",\"type\":\"t.v3\"}");
}

/* A fault in the middle: the type is that of the end, and the rest is done. */
static void goes_on_after_a_fault(void **state)
{
    struct fixture *f = *state;
    use_rules(f,
              "[{\"type\":\"t\",\"split\":{\"/data/n\":{\"by\":\" "
              "\",\"into\":[\"/data/x\",\"/data/y\"]}},"
              "\"rename\":{\"/data/order\":\"/data/key\"},\"to\":{\"type\":\"u\"}},"
              "{\"type\":\"u\",\"rename\":{\"/data/z\":\"/data/key\"},\"to\":{\"type\":\"w\"}}]");
    fails(f, "{\"n\":[],\"order\":7,\"z\":1}",
          "upcast of t: split \"/data/n\": is a list, not a text");
    assert_true(str_eq(f->event.type, STR("w")));
    assert_string_equal(json_of(f, json_member(f->event.root, STR("data"))), "{\"key\":7}");
}

/* The value of "a" is so many arrays, one in the other. */
static void deep_data(char *data, int levels)
{
    int len = sprintf(data, "{\"a\":");
    memset(data + len, '[', (size_t)levels);
    memset(data + len + levels, ']', (size_t)levels);
    strcpy(data + len + levels + levels, "}");
}

static void deep_values(void **state)
{
    struct fixture *f = *state;
    char data[256], expected[512];
    use_verbs(f, "\"move\":{\"/data/a\":\"/data/b/c/d\"}");
    deep_data(data, JSON_DEPTH_MAX - 2);
    fails(f, data,
          "upcast of t: move \"/data/b/c/d\": would have too many levels of arrays and objects");
    deep_data(data, JSON_DEPTH_MAX - 3);
    snprintf(expected, sizeof expected, "{\"b\":{\"c\":{\"d\":%s}}", data + strlen("{\"a\":"));
    becomes(f, data, expected);
}

/* --- from a message -------------------------------------------------------------------- */

static bool decode(struct fixture *f, const struct message *message, struct error *error)
{
    const struct decoder decoder = {.partition = "x.log.0", .upcast = &f->rules};
    return cloudevent_decode(&decoder, message, &f->arena, &f->event, error);
}

/* Duplicates and fingerprints go by what was published. */
static void keys_are_of_what_was_published(void **state)
{
    struct fixture *f = *state;
    struct error error;
    const struct message message = {
        .type = STR("t"), .message_id = STR("7"), .exchange = STR("x"), .body = STR("{\"a\": 1}")};
    assert_true(decode(f, &message, &error));
    struct hash128 key = cloudevent_key(&f->event);
    uint64_t content = cloudevent_content(&f->event);
    use_verbs(f, "\"rename\":{\"/data/a\":\"/data/b\"},\"to\":{\"type\":\"u\"}");
    assert_true(decode(f, &message, &error));
    assert_string_equal(json_of(f, json_member(f->event.root, STR("data"))), "{\"b\":1}");
    assert_true(str_eq(f->event.data_bytes, message.body));
    assert_true(cloudevent_key(&f->event).lo == key.lo);
    assert_true(cloudevent_content(&f->event) == content);
}

static void bodies_that_are_not_json(void **state)
{
    struct fixture *f = *state;
    struct error error;
    const struct message message = {.type = STR("t"), .exchange = STR("x"), .body = STR("<a/>")};
    use_verbs(f, "\"default\":{\"/data/a\":1},\"to\":{\"type\":\"u\"}");
    assert_true(decode(f, &message, &error));
    assert_true(str_starts(f->event.upcast_fault, STR("upcast of t: data is not JSON: byte 0")));
    assert_true(str_eq(f->event.type, STR("u")));
    use_verbs(f, "\"to\":{\"type\":\"u\"}");
    assert_true(decode(f, &message, &error));
    assert_false(str_is(f->event.upcast_fault));
    assert_true(str_eq(f->event.type, STR("u")));
}

/* It parks in the views of what it would have been. */
static void messages_that_are_no_event(void **state)
{
    struct fixture *f = *state;
    struct error error;
    const struct message message = {.content_type = STR("application/cloudevents+json"),
                                    .exchange = STR("x"),
                                    .body = STR("{\"type\":\"t\",\"id\":\"1\",\"source\":\"s\"}")};
    use_verbs(f, "\"default\":{\"/data/a\":1},\"to\":{\"type\":\"u\"}");
    assert_false(decode(f, &message, &error));
    assert_true(str_eq(f->event.type, STR("u")));
    assert_true(str_eq(f->event.published_type, STR("t")));
    assert_null(json_member(f->event.root, STR("data")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(renames_and_moves),
        TEST(nothing_is_no_matter),
        TEST(swaps_and_wraps),
        TEST(splits),
        TEST(defaults),
        TEST(says_why_not),
        TEST(chains),
        TEST(goes_on_after_a_fault),
        TEST(deep_values),
        TEST(keys_are_of_what_was_published),
        TEST(bodies_that_are_not_json),
        TEST(messages_that_are_no_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
