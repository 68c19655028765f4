/*
 * json_test.c: the event parser and canonical text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

struct fixture {
    struct arena arena;
    struct buf out;
    struct error error;
};

static int set_up(void **state)
{
    *state = must_calloc(1, sizeof(struct fixture));
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_release(&f->arena);
    buf_release(&f->out);
    free(f);
    return 0;
}

/* First from an exact-size copy on the heap, where a sanitizer sees each byte read too far; then
 * from the arena, which outlives the nodes. */
static struct json *parse(struct fixture *f, struct str text)
{
    char *exact = must_alloc(text.len);
    memcpy(exact, text.at, text.len);
    bool good = json_parse(&f->arena, (struct str){exact, text.len}, &f->error) != NULL;
    free(exact);
    return good ? json_parse(&f->arena, arena_copy(&f->arena, text), &f->error) : NULL;
}

static const char *canonical(struct fixture *f, const char *text)
{
    struct json *node = parse(f, str_of(text));
    if (!node)
        return f->error.text;
    buf_clear(&f->out);
    if (!json_canonical(&f->out, node, &f->error))
        return f->error.text;
    return buf_text(&f->out);
}

static void test_structure(void **state)
{
    struct fixture *f = *state;
    struct json *root =
        parse(f, STR(" {\"a\" : [1, -2.50e+3 ,true,false,null,\"x\"], \"\":{}, \"c\":[ ]} \r\n\t"));
    assert_non_null(root);
    assert_int_equal(root->kind, JSON_OBJECT);
    assert_int_equal(root->count, 3);
    assert_int_equal(root->text.at[root->text.len - 1], '}');

    const struct json *a = json_member(root, STR("a"));
    assert_int_equal(a->count, 6);
    assert_true(str_eq(a->text, STR("[1, -2.50e+3 ,true,false,null,\"x\"]")));
    assert_true(str_eq(json_element(a, 1)->text, STR("-2.50e+3")));
    assert_int_equal(json_element(a, 2)->kind, JSON_TRUE);
    assert_int_equal(json_element(a, 3)->kind, JSON_FALSE);
    assert_int_equal(json_element(a, 4)->kind, JSON_NULL);
    assert_true(str_eq(json_element(a, 5)->text, STR("x")));
    assert_null(json_element(a, 6));
    assert_null(json_element(root, 0));
    assert_int_equal(json_member(root, STR(""))->kind, JSON_OBJECT);
    assert_int_equal(json_member(root, STR("c"))->count, 0);
    assert_null(json_member(root, STR("b")));
    assert_null(json_member(a, STR("a")));
    assert_null(json_member(NULL, STR("a")));
}

static void test_texts(void **state)
{
    struct fixture *f = *state;
    struct json *node =
        parse(f, STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t \\u00e4\\u20AC\\ud83d\\ude00 plain\""));
    assert_non_null(node);
    assert_true(str_eq(node->text, STR("\"\\/\b\f\n\r\t ä€😀 plain")));
    node = parse(f, STR("\"long enough for eight at a time, twice; ä 漢 😀 \xf4\x8f\xbf\xbf end\""));
    assert_non_null(node);
    assert_true(str_eq(node->text,
                       STR("long enough for eight at a time, twice; ä 漢 😀 \xf4\x8f\xbf\xbf end")));
    assert_true(str_eq(parse(f, STR("\"\""))->text, STR("")));
}

/* The closing quote, a backslash or a bad byte is found at each place of a word of eight. */
static void test_scan_at_each_place(void **state)
{
    struct fixture *f = *state;
    for (size_t n = 0; n < 40; n++) {
        char text[64];
        memset(text, 'x', sizeof text);
        text[0] = '"';
        text[n + 1] = '"';
        struct json *node = parse(f, (struct str){text, n + 2});
        assert_non_null(node);
        assert_int_equal(node->text.len, n);

        memcpy(text + n + 1, "\\n\"", 3);
        node = parse(f, (struct str){text, n + 4});
        assert_non_null(node);
        assert_int_equal(node->text.len, n + 1);
        assert_int_equal(node->text.at[n], '\n');

        memcpy(text + n + 1, "\x1f\"", 2);
        assert_null(parse(f, (struct str){text, n + 3}));
        memcpy(text + n + 1, "\xff\"", 2);
        assert_null(parse(f, (struct str){text, n + 3}));
        memcpy(text + n + 1, "\x7f\"", 2);
        assert_non_null(parse(f, (struct str){text, n + 3}));
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", "byte 0: the text ends where a value should be"},
        {"  ", "byte 2: the text ends where a value should be"},
        {"\xef\xbb\xbf{}", "byte 0: found byte 0xef where a value should be"},
        {"{\"a\":1} x", "byte 8: found 'x' where the end of the text should be"},
        {"1 2", "byte 2: found '2' where the end of the text should be"},
        {"01", "byte 1: found '1' where the end of the text should be"},
        {"+1", "byte 0: found '+' where a value should be"},
        {".5", "byte 0: found '.' where a value should be"},
        {"-", "byte 1: the text ends where a digit should be"},
        {"1.", "byte 2: the text ends where a digit should be"},
        {"1e+", "byte 3: the text ends where a digit should be"},
        {"-a", "byte 1: found 'a' where a digit should be"},
        {"NaN", "byte 0: found 'N' where a value should be"},
        {"nul", "byte 0: found 'n' where a value should be"},
        {"truex", "byte 4: found 'x' where the end of the text should be"},
        {"[1,]", "byte 3: found ']' where a value should be"},
        {"[1 2]", "byte 3: found '2' where ',' or ']' should be"},
        {"[1", "byte 2: the text ends where ',' or ']' should be"},
        {"[", "byte 1: the text ends where a value should be"},
        {"{\"a\":1,}", "byte 7: found '}' where a member's name in quotes should be"},
        {"{a:1}", "byte 1: found 'a' where a member's name in quotes should be"},
        {"{\"a\" 1}", "byte 5: found '1' where ':' should be"},
        {"{\"a\":}", "byte 5: found '}' where a value should be"},
        {"{\"a\":1", "byte 6: the text ends where ',' or '}' should be"},
        {"[1}", "byte 2: found '}' where ',' or ']' should be"},
        {"\"abc", "byte 4: the text ends inside a string"},
        {"\"abc\\", "byte 5: the text ends inside a string"},
        {"\"abc\\\"", "byte 6: the text ends inside a string"},
        {"\"a\nb\"", "byte 2: control character 0x0a in a string; write it as \\u000a"},
        {"\"\\x41\"",
         "byte 1: unknown escape in a string; one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t "
         "\\uXXXX was expected"},
        {"\"\\u12\"", "byte 1: \\u needs four hexadecimal digits"},
        {"\"a\\u0000\"", "byte 2: U+0000 is not allowed in a text"},
        {"\"\\ud800\"", "byte 1: \\ud800 is half of a surrogate pair without the other half"},
        {"\"\\ud800\\u0041\"",
         "byte 1: \\ud800 is half of a surrogate pair without the other half"},
        {"\"\\udc00\\ud800\"",
         "byte 1: \\udc00 is half of a surrogate pair without the other half"},
        {"\"\x80\"", "byte 1: byte 0x80 is not UTF-8 here"},
        {"\"\xc0\xaf\"", "byte 1: byte 0xc0 is not UTF-8 here"},
        {"\"\xe0\x9f\xbf\"", "byte 1: byte 0xe0 is not UTF-8 here"},
        {"\"\xed\xa0\x80\"", "byte 1: byte 0xed is not UTF-8 here"},
        {"\"\xf0\x8f\xbf\xbf\"", "byte 1: byte 0xf0 is not UTF-8 here"},
        {"\"\xf4\x90\x80\x80\"", "byte 1: byte 0xf4 is not UTF-8 here"},
        {"\"\xf5\x80\x80\x80\"", "byte 1: byte 0xf5 is not UTF-8 here"},
        {"\"\xe2\x82\"", "byte 1: byte 0xe2 is not UTF-8 here"},
        {"\"\xe2\x82", "byte 1: byte 0xe2 is not UTF-8 here"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_null(parse(f, str_of(cases[i].text)));
        assert_string_equal(f->error.text, cases[i].error);
    }
    assert_null(parse(f, STR("\"a\0b\"")));
    assert_null(parse(f, STR("\"a\\\0b\"")));
    assert_null(parse(f, STR("1\0")));
}

static void test_depth(void **state)
{
    struct fixture *f = *state;
    char text[2 * (JSON_DEPTH_MAX + 1)];
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    assert_non_null(parse(f, (struct str){text, (size_t)2 * JSON_DEPTH_MAX}));
    memset(text, '[', JSON_DEPTH_MAX + 1);
    memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    assert_null(parse(f, (struct str){text, sizeof text}));
    assert_string_equal(f->error.text, "byte 64: more than 64 levels of arrays and objects");
    /* Siblings do not add up. */
    struct buf wide = {0};
    buf_add(&wide, STR("[{}"));
    for (int i = 0; i < 200; i++)
        buf_add(&wide, STR(",[[]],{}"));
    buf_add_byte(&wide, ']');
    assert_non_null(parse(f, buf_str(&wide)));
    buf_release(&wide);
}

static void test_repeated_members(void **state)
{
    struct fixture *f = *state;
    struct json *root = parse(f, STR("{\"a\":1,\"b\":2,\"a\":3,\"\\u0061\":4}"));
    assert_int_equal(root->count, 2);
    assert_true(str_eq(root->child->name, STR("b")));
    assert_true(str_eq(json_member(root, STR("a"))->text, STR("4")));
    assert_null(root->child->next->next);
}

/* The same for an object that is sorted instead; document order stays. */
static void test_repeated_among_many(void **state)
{
    struct fixture *f = *state;
    struct buf text = {0};
    for (int i = 0; i < 3000; i++)
        buf_printf(&text, "%c\"m%d\":%d", i ? ',' : '{', i % 1000, i);
    buf_add_byte(&text, '}');
    struct json *root = parse(f, buf_str(&text));
    buf_release(&text);
    assert_int_equal(root->count, 1000);
    int i = 2000;
    for (const struct json *m = root->child; m; m = m->next, i++)
        assert_int_equal(atoi(m->text.at), i);
    assert_int_equal(i, 3000);
}

static void test_canonical(void **state)
{
    struct fixture *f = *state;
    /* RFC 8785 section 3.2.3 and appendix: the sorting example, with its names and order. */
    assert_string_equal(
        canonical(f, "{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew "
                     "Letter Dalet With Dagesh\",\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: "
                     "Grinning Face\",\"\\u0080\":\"Control\",\"\\u00f6\":\"Latin Small Letter O "
                     "With Diaeresis\"}"),
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"ö\":\"Latin Small "
        "Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\xef\xac"
        "\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
    assert_string_equal(canonical(f, "{\"\\uffff\":1,\"\\udbff\\udfff\":2,\"\\ud7ff\":3}"),
                        "{\"\xed\x9f\xbf\":3,\"\xf4\x8f\xbf\xbf\":2,\"\xef\xbf\xbf\":1}");
    /* RFC 8785 section 3.2.2. */
    assert_string_equal(
        canonical(f,
                  "{\"numbers\": [333333333.33333329, 4.50, 2e-3, 0.000000000000000000000000001],"
                  "\"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\","
                  "\"literals\": [null, true, false]}"),
        "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,4.5,0.002,1e-27],\"string\""
        ":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
    assert_string_equal(canonical(f, "{\"ab\":1,\"a\":{},\"b\":[]}"),
                        "{\"a\":{},\"ab\":1,\"b\":[]}");
    assert_string_equal(canonical(f, "[-0, 2.0, 1e3, -9007199254740992]"),
                        "[0,2,1000,-9007199254740992]");
    assert_non_null(strstr(canonical(f, "{\"a\":[9007199254740993]}"), "9007199254740993"));
    assert_non_null(strstr(f->error.text, "2^53"));
    assert_non_null(strstr(canonical(f, "1e400"), "2^53"));
}

static void test_text(void **state)
{
    struct fixture *f = *state;
    assert_true(json_text(&f->out, parse(f, STR("\"a\\\"b\"")), &f->error));
    assert_true(json_text(&f->out, parse(f, STR("21.50")), &f->error));
    assert_true(json_text(&f->out, parse(f, STR("[\"x\"]")), &f->error));
    assert_string_equal(buf_text(&f->out), "a\"b21.5[\"x\"]");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_structure),
        TEST(test_texts),
        TEST(test_scan_at_each_place),
        TEST(test_refused),
        TEST(test_depth),
        TEST(test_repeated_members),
        TEST(test_repeated_among_many),
        TEST(test_canonical),
        TEST(test_text),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
