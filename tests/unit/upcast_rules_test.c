/*
 * upcast_rules_test.c: the rules of `upcast`: what is taken, what is refused and how that is said,
 * and the proof that chains end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/jsonfile.h"
#include "base/upcast_rules.h"

#define NONE ((struct str){NULL, 0})

static bool read_text(const char *text, struct upcast_rules *rules, struct faults *faults)
{
    cJSON *array = jsonfile_parse("f.json", str_of(text), faults);
    assert_non_null(array);
    bool good = upcast_rules_read(array, "f.json", "/logs/0/upcast", rules, faults);
    cJSON_Delete(array);
    return good;
}

static struct upcast_rules take(const char *text)
{
    struct upcast_rules rules = {0};
    struct faults faults = {0};
    bool good = read_text(text, &rules, &faults);
    faults_print(&faults, stderr);
    assert_true(good);
    assert_int_equal(faults.count, 0);
    return rules;
}

/* All faults, one a line. */
static void refused(const char *text, const char *expected)
{
    struct upcast_rules rules = {0};
    struct faults faults = {0};
    char *said = NULL;
    size_t len;
    assert_false(read_text(text, &rules, &faults));
    assert_int_equal(rules.count, 0);
    FILE *out = open_memstream(&said, &len);
    faults_print(&faults, out);
    fclose(out);
    assert_string_equal(said, expected);
    free(said);
    faults_release(&faults);
}

#define PLACE "f.json:/logs/0/upcast"

static void reads_every_verb(void **state)
{
    (void)state;
    struct upcast_rules rules =
        take("[{\"about\":\"x\",\"type\":\"t\",\"dataschema\":\"s1\",\"to\":{\"type\":\"u\","
             "\"dataschema\":"
             "\"s2\"},\"split\":{\"/data/n\":{\"into\":[\"/data/a\",\"/data/b/c\"],\"by\":\", \"}},"
             "\"move\":{\"/data/x~1y\":\"/data/z/q~0\"},\"rename\":{\"/data/r\":\"/data/s\"},"
             "\"default\":{\"/data/d\":{\"k\":[1.50]}}}]");
    assert_int_equal(rules.count, 1);
    const struct upcast_rule *rule = &rules.at[0];
    assert_true(str_eq(rule->type, STR("t")) && str_eq(rule->dataschema, STR("s1")));
    assert_true(str_eq(rule->to_type, STR("u")) && str_eq(rule->to_dataschema, STR("s2")));
    assert_int_equal(rule->take_count, 3);
    assert_string_equal(rule->takes[0].verb, "rename");
    assert_string_equal(rule->takes[1].verb, "move");
    assert_true(str_eq(rule->takes[1].from.names[1], STR("x/y")));
    assert_true(str_eq(rule->takes[1].into[0].names[2], STR("q~")));
    assert_true(str_eq(rule->takes[2].by, STR(", ")));
    assert_int_equal(rule->takes[2].count, 2);
    assert_string_equal(rule->takes[2].into[1].text, "/data/b/c");
    assert_int_equal(rule->default_count, 1);
    assert_int_equal(rule->defaults[0].value->kind, JSON_OBJECT);
    upcast_rules_release(&rules);
}

/* Neither the order of rules and members nor comments and `about` decide anything. */
static void text_is_of_what_counts(void **state)
{
    (void)state;
    struct upcast_rules a = take("[{\"type\":\"b\",\"default\":{\"/data/x\":1,\"/data/a\":2}},"
                                 "{\"type\":\"a\",\"to\":{\"type\":\"b\"}}]");
    struct upcast_rules b =
        take("[ /* x */ {\"to\":{\"type\":\"b\"},\"about\":\"y\",\"type\":\"a\"},"
             "{\"default\":{\"/data/a\":2.0,\"/data/x\":1e0},\"type\":\"b\"}]");
    assert_string_equal(a.text.at, b.text.at);
    assert_true(a.digest == b.digest);
    struct upcast_rules again = take(a.text.at);
    assert_string_equal(a.text.at, again.text.at);
    struct upcast_rules other = take("[{\"type\":\"b\",\"default\":{\"/data/x\":1,\"/data/a\":3}},"
                                     "{\"type\":\"a\",\"to\":{\"type\":\"b\"}}]");
    assert_true(a.digest != other.digest);
    upcast_rules_release(&a);
    upcast_rules_release(&b);
    upcast_rules_release(&again);
    upcast_rules_release(&other);
    struct upcast_rules none = take("[]");
    assert_true(none.count == 0 && !str_is(none.text) && none.digest == 0);
}

static void the_nearest_rule(void **state)
{
    (void)state;
    struct upcast_rules rules =
        take("[{\"type\":\"t\",\"dataschema\":\"s1\",\"to\":{\"dataschema\":\"s2\"}},"
             "{\"type\":\"t\",\"dataschema\":\"s2\",\"to\":{\"type\":\"u\"}},"
             "{\"type\":\"t\",\"to\":{\"type\":\"w\"}},{\"type\":\"u\",\"dataschema\":\"s2\","
             "\"default\":{\"/data/x\":1}}]");
    struct str type = STR("t"), schema = STR("s1");
    const struct upcast_rule *rule = upcast_rule_for(&rules, type, schema);
    assert_true(str_eq(rule->dataschema, STR("s1")));
    rule = upcast_rule_next(&rules, rule, &type, &schema);
    assert_true(str_eq(type, STR("t")) && str_eq(schema, STR("s2")));
    rule = upcast_rule_next(&rules, rule, &type, &schema);
    assert_true(str_eq(type, STR("u")) && str_eq(rule->type, STR("u")));
    assert_null(upcast_rule_next(&rules, rule, &type, &schema));
    assert_true(str_eq(type, STR("u")) && str_eq(schema, STR("s2")));
    assert_false(str_is(upcast_rule_for(&rules, STR("t"), STR("s3"))->dataschema));
    assert_false(str_is(upcast_rule_for(&rules, STR("t"), NONE)->dataschema));
    assert_null(upcast_rule_for(&rules, STR("u"), NONE));
    assert_null(upcast_rule_for(&rules, STR(""), NONE));
    upcast_rules_release(&rules);
}

static void refuses_what_is_no_rule(void **state)
{
    (void)state;
    refused("{}", PLACE ": the rules are a list: [ {\"type\": \"…\", …} ]\n");
    refused(
        "[1, {}, {\"type\":\"t\"}, {\"type\":\"\",\"renmae\":{}},{\"type\":\"order.*\",\"to\":{}}]",
        PLACE
        "/0: a rule is an object: {\"type\": \"order.placed\", \"rename\": {…}}\n" PLACE
        "/1: \"type\" is missing: the type of the events that the rule is for\n" PLACE
        "/2: does nothing; write \"rename\", \"move\", \"split\", \"default\" or \"to\"\n" PLACE
        "/3/renmae: unknown member \"renmae\"; did you mean \"rename\"?\n" PLACE
        "/3/type: \"type\" takes a text of 1 to 1024 bytes, such as \"order.placed\"; "
        "found the text \"\"\n" PLACE
        "/4/type: \"order.*\" is a pattern; an upcast is for one type: write a rule for "
        "each\n" PLACE
        "/4/to: says nothing; write \"type\" or \"dataschema\", or leave \"to\" out\n");
    refused(
        "[{\"type\":\"t\",\"to\":{\"tpye\":\"u\",\"dataschema\":7},\"rename\":[],\"default\":1}]",
        PLACE "/0/to/tpye: unknown member \"tpye\"; did you mean \"type\"?\n" PLACE
              "/0/to/dataschema: \"dataschema\" takes a text of 1 to 1024 bytes, such as "
              "\"https://shop/order/2\"; found the number 7\n" PLACE
              "/0/rename: \"rename\" takes an object: {\"/data/from\": \"/data/to\"}; found a "
              "list\n" PLACE
              "/0/default: \"default\" takes an object: {\"/data/currency\": \"EUR\"}; found "
              "the number 1\n");
    refused("[{\"type\":\"t\",\"default\":{\"/data/n\":9007199254740994,\"/data/x\":1}}]",
            PLACE "/0: number 9007199254740994 is beyond ±2^53 (9007199254740992): its last digits "
                  "would change; send it as a text\n");
}

static void refuses_bad_pointers(void **state)
{
    (void)state;
    refused("[{\"type\":\"t\",\"rename\":{\"/custmer\":\"/data/customer\",\"/data/a\":\"b\","
            "\"/data/c\":\"/data/d/e\",\"/data/f~\":\"/data/g\",\"/data/h\":3},"
            "\"move\":{\"/data\":\"/data/x\",\"/data/y\":\"/subject\"},"
            "\"default\":{\"data/z\":1,\"/data/n\":null}}]",
            PLACE
            "/0/rename/~1custmer: \"/custmer\" is not inside \"/data\", and only data is "
            "changed; write \"/data/custmer\"\n" PLACE
            "/0/rename/~1data~1a: \"b\" is not a JSON pointer; write \"/data/…\"\n" PLACE
            "/0/rename/~1data~1c: \"/data/d/e\" does not stand beside \"/data/c\", so this is "
            "no \"rename\"; write it under \"move\"\n" PLACE
            "/0/rename/~1data~1f~0: \"/data/f~\" has a \"~\" that is neither \"~0\" nor "
            "\"~1\"; write \"/data/…\"\n" PLACE
            "/0/rename/~1data~1h: takes a pointer, \"/data/…\"; found the number 3\n" PLACE
            "/0/move/~1data: \"/data\" as a whole stays where it is; write a member of it, "
            "\"/data/…\"\n" PLACE
            "/0/move/~1data~1y: \"/subject\" is not inside \"/data\", and only data is "
            "changed; write \"/data/subject\"\n" PLACE
            "/0/default/~1data~1n: null is what is there already; write a value, or leave the "
            "entry out\n" PLACE
            "/0/default/data~1z: \"data/z\" is not a JSON pointer; write \"/data/…\"\n");
    refused("[{\"type\":\"t\",\"move\":{\"/data/a\":\"/data/1/2/3/4/5/6/7/8/9/a/b/c/d/e/f/g\"}}]",
            PLACE "/0/move/~1data~1a: \"/data/1/2/3/4/5/6/7/8/9/a/b/c/d/e/f/g\" has more than 16 "
                  "names\n");
    refused("[{\"type\":\"t\",\"split\":{\"/data/a\":\" \",\"/data/b\":{\"bye\":1,\"into\":[]},"
            "\"/data/c\":{\"by\":\"\",\"into\":[\"/data/d\",4]}}}]",
            PLACE "/0/split/~1data~1b/bye: unknown member \"bye\"; did you mean \"by\"?\n" PLACE
                  "/0/split/~1data~1a: takes {\"by\": \" \", \"into\": [\"/data/first\", "
                  "\"/data/last\"]}; found the text \" \"\n" PLACE
                  "/0/split/~1data~1b/by: \"by\" takes the text between the parts, such as \" \"; "
                  "found nothing\n" PLACE
                  "/0/split/~1data~1b/into: \"into\" lists 2 to 16 pointers: [\"/data/first\", "
                  "\"/data/last\"]; found a list\n" PLACE
                  "/0/split/~1data~1c/by: \"by\" takes the text between the parts, such as \" \"; "
                  "found the text \"\"\n" PLACE
                  "/0/split/~1data~1c/into/1: takes a pointer, \"/data/…\"; found the number 4\n");
}

static void refuses_rules_against_each_other(void **state)
{
    (void)state;
    refused(
        "[{\"type\":\"t\",\"to\":{\"type\":\"u\"}},{\"type\":\"t\",\"default\":{\"/data/x\":1}},"
        "{\"type\":\"w\",\"dataschema\":\"s\",\"to\":{\"type\":\"u\"}},"
        "{\"type\":\"w\",\"dataschema\":\"s\",\"to\":{\"type\":\"v\"}},"
        "{\"type\":\"w\",\"to\":{\"type\":\"u\"}}]",
        PLACE "/1: "
              "/logs/0/upcast/0 is for the same events, \"t\"; make one rule of both\n" PLACE "/3: "
              "/logs/0/upcast/2 is for the same events, \"w\" of s; make one rule of "
              "both\n");
    refused("[{\"type\":\"t\",\"rename\":{\"/data/a\":\"/data/b\"},"
            "\"move\":{\"/data/a/x\":\"/data/c/d\",\"/data/e\":\"/data/c\"}}]",
            PLACE "/0: rename \"/data/a\" and move \"/data/a/x\" take the same thing; leave one of "
                  "them out\n" PLACE
                  "/0: move \"/data/a/x\" and move \"/data/e\" both write \"/data/c/d\"; a place "
                  "takes one value\n");
    refused("[{\"type\":\"t\",\"split\":{\"/data/a\":{\"by\":\" \",\"into\":[\"/data/b\","
            "\"/data/b\"]}}}]",
            PLACE
            "/0: split \"/data/a\" and split \"/data/a\" both write \"/data/b\"; a place takes "
            "one value\n");
}

/* Defaults come last. */
static void warns_of_a_default_that_comes_too_late(void **state)
{
    (void)state;
    struct upcast_rules rules;
    struct faults faults = {0};
    assert_true(
        read_text("[{\"type\":\"t\",\"move\":{\"/data/a\":\"/data/b/c\"},\"split\":{\"/data/d\":"
                  "{\"by\":\" \",\"into\":[\"/data/d\",\"/data/e\"]}},\"default\":{\"/data/a\":1,"
                  "\"/data/b/c\":1,\"/data/d\":1}}]",
                  &rules, &faults));
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.at[0].pointer, "/logs/0/upcast/0/default/~1data~1a");
    assert_string_equal(faults.at[0].text,
                        "comes behind move, which takes away what stands there; for a default of "
                        "the new place write \"/data/b/c\"");
    faults_release(&faults);
    upcast_rules_release(&rules);
}

#define ENDS                                                                               \
    "; leave \"to\" out of the rule that makes the newest form, or let it name a type or " \
    "dataschema that no rule is for\n"

static void chains_end(void **state)
{
    (void)state;
    refused("[{\"type\":\"a\",\"to\":{\"type\":\"b\"}},{\"type\":\"b\",\"to\":{\"type\":\"c\"}},"
            "{\"type\":\"c\",\"to\":{\"type\":\"b\"}},{\"type\":\"d\",\"to\":{\"type\":\"d\"}}]",
            PLACE "/1: this chain does not end: b → c → b" ENDS PLACE
                  "/3: this chain does not end: d → d" ENDS);
    refused("[{\"type\":\"a\",\"dataschema\":\"1\",\"to\":{\"dataschema\":\"2\"}},"
            "{\"type\":\"a\",\"dataschema\":\"2\",\"to\":{\"dataschema\":\"1\"}}]",
            PLACE "/0: this chain does not end: a (1) → a (2) → a (1)" ENDS);
    /* A rule for any dataschema is for what it makes as well. */
    refused("[{\"type\":\"a\",\"to\":{\"dataschema\":\"2\"}}]",
            PLACE "/0: this chain does not end: a → a (2)" ENDS);
    /* Only events of one dataschema go round. */
    refused("[{\"type\":\"a\",\"to\":{\"type\":\"b\"}},"
            "{\"type\":\"b\",\"dataschema\":\"s\",\"to\":{\"type\":\"a\"}}]",
            PLACE "/0: this chain does not end: a (s) → b (s) → a (s)" ENDS);
    /* The same types, and yet it ends: no dataschema comes to both. */
    struct upcast_rules rules =
        take("[{\"type\":\"a\",\"dataschema\":\"1\",\"to\":{\"type\":\"b\"}},"
             "{\"type\":\"b\",\"dataschema\":\"2\",\"to\":{\"type\":\"a\"}},"
             "{\"type\":\"c\",\"to\":{\"type\":\"a\",\"dataschema\":\"9\"}}]");
    upcast_rules_release(&rules);
}

static void limits(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_add(&text, STR("["));
    for (int i = 0; i <= UPCAST_RULES_MAX; i++)
        buf_printf(&text, "%s{\"type\":\"t%d\",\"to\":{\"type\":\"t%d\"}}", i ? "," : "", i, i + 1);
    buf_add(&text, STR("]"));
    refused(buf_text(&text), PLACE ": has 201 rules; at most 200 are allowed\n");
    buf_clear(&text);
    buf_add(&text, STR("[{\"type\":\"t\",\"default\":{"));
    for (int i = 0; i <= UPCAST_STEPS_MAX; i++)
        buf_printf(&text, "%s\"/data/x%d\":1", i ? "," : "", i);
    buf_add(&text, STR("}}]"));
    refused(buf_text(&text), PLACE "/0: has 101 entries; at most 100 are allowed\n");
    buf_clear(&text); /* each is compared with each, but not so many */
    buf_add(&text, STR("[{\"type\":\"t\",\"move\":{"));
    for (int i = 0; i <= UPCAST_STEPS_MAX; i++)
        buf_printf(&text, "%s\"/data/x%d\":\"/data/y\"", i ? "," : "", i);
    buf_add(&text, STR("}}]"));
    refused(buf_text(&text), PLACE "/0: has 101 entries; at most 100 are allowed\n");
    buf_clear(&text);
    buf_printf(&text, "[{\"type\":\"t\",\"default\":{\"/data/x\":\"%070000d\"}}]", 0);
    refused(buf_text(&text), PLACE ": the rules have 70039 bytes; at most 65536 are allowed\n");
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_verb),
        cmocka_unit_test(text_is_of_what_counts),
        cmocka_unit_test(the_nearest_rule),
        cmocka_unit_test(refuses_what_is_no_rule),
        cmocka_unit_test(refuses_bad_pointers),
        cmocka_unit_test(refuses_rules_against_each_other),
        cmocka_unit_test(warns_of_a_default_that_comes_too_late),
        cmocka_unit_test(chains_end),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
