/* view_condition_test.c: "if" (DESIGN section 7, Conditions). */
#include "view_fixture.h"

/* condition, data, does it hold? */
struct condition_case {
    const char *condition, *data;
    bool hold;
};

static const struct condition_case condition_cases[] = {
    {"{'/data/x': 'a'}", "{'x': 'a'}", true},
    {"{'/data/x': 'a'}", "{'x': 'b'}", false},
    {"{'/data/x': true}", "{'x': true}", true},
    {"{'/data/x': true}", "{'x': 'true'}", false},
    {"{'/data/x': {'eq': 1}}", "{'x': 1.0}", true},
    {"{'/data/x': {'ne': 1}}", "{'x': 2}", true},
    {"{'/data/x': {'ne': 1}}", "{'x': 1}", false},
    {"{'/data/x': {'lt': 2}}", "{'x': 1}", true},
    {"{'/data/x': {'lt': 2}}", "{'x': 2}", false},
    {"{'/data/x': {'le': 2}}", "{'x': 2}", true},
    {"{'/data/x': {'gt': 2}}", "{'x': 10}", true},
    {"{'/data/x': {'gt': 2}}", "{'x': 2}", false},
    {"{'/data/x': {'ge': 2}}", "{'x': 2}", true},
    {"{'/data/x': {'gt': 0, 'lt': 10}}", "{'x': 5}", true},
    {"{'/data/x': {'gt': 0, 'lt': 10}}", "{'x': 10}", false},
    {"{'/data/x': {'in': ['a', 2]}}", "{'x': 'a'}", true},
    {"{'/data/x': {'in': ['a', 2]}}", "{'x': 2}", true},
    {"{'/data/x': {'in': ['a', 2]}}", "{'x': 'c'}", false},
    {"{'/data/x': {'exists': true}}", "{'x': false}", true},
    {"{'/data/x': {'exists': true}}", "{'x': null}", false},
    {"{'/data/x': {'exists': false}}", "{}", true},
    {"{'/data/x': {'exists': false}}", "{'x': ''}", false},
    /* all must hold */
    {"{'/data/x': 1, '/data/y': 2}", "{'x': 1, 'y': 2}", true},
    {"{'/data/x': 1, '/data/y': 2}", "{'x': 1, 'y': 3}", false},
    /* if one side is a number, a numeric text counts as one; texts compare by bytes */
    {"{'/data/x': {'gt': 9}}", "{'x': '10'}", true},
    {"{'/data/x': {'gt': '9'}}", "{'x': '10'}", false},
    {"{'/data/x': {'gt': '9'}}", "{'x': 10}", true},
    {"{'/data/x': {'eq': 1}}", "{'x': '1.0'}", true},
    {"{'/data/x': {'eq': '1'}}", "{'x': '1.0'}", false},
    {"{'/data/x': {'lt': 'b'}}", "{'x': 'a'}", true},
    /* other mixed types are unequal and unordered */
    {"{'/data/x': {'lt': 5}}", "{'x': 'a'}", false},
    {"{'/data/x': {'ge': 5}}", "{'x': 'a'}", false},
    {"{'/data/x': {'ne': 5}}", "{'x': 'a'}", true},
    {"{'/data/x': {'eq': 1}}", "{'x': true}", false},
    {"{'/data/x': {'lt': true}}", "{'x': false}", false},
    {"{'/data/x': {'literal': [1, 2]}}", "{'x': [1.0, 2]}", true},
    {"{'/data/x': {'literal': {'a': 1, 'b': 2}}}", "{'x': {'b': 2, 'a': 1}}", true},
    {"{'/data/x': {'le': {'literal': [1]}}}", "{'x': [2]}", false},
    /* numbers beyond 2^53 are ordered as far as that is certain */
    {"{'/data/x': {'gt': 5}}", "{'x': 99999999999999999999}", true},
    {"{'/data/x': {'lt': 5}}", "{'x': -99999999999999999999}", true},
    {"{'/data/x': {'eq': '/data/y'}}", "{'x': 99999999999999999999, 'y': 99999999999999999999}",
     true},
    {"{'/data/x': {'lt': '/data/y'}}", "{'x': -99999999999999999999, 'y': 99999999999999999999}",
     true},
    /* Nothing satisfies only "ne" and "exists": false */
    {"{'/data/x': 'a'}", "{}", false},
    {"{'/data/x': {'ne': 'a'}}", "{}", true},
    {"{'/data/x': {'lt': 1}}", "{}", false},
    {"{'/data/x': {'ge': 1}}", "{'x': null}", false},
    {"{'/data/x': {'in': ['a']}}", "{}", false},
    {"{'/data/x/y/z': {'exists': false}}", "{'x': 1}", true},
    /* the value may be any value */
    {"{'/data/x': '/data/y'}", "{'x': 1, 'y': 1}", true},
    {"{'/data/x': '/data/y?'}", "{'x': 1}", false},
    {"{'/data/x': {'gt': {'sum': ['/data/y', 1]}}}", "{'x': 3, 'y': 1}", true},
    {"{'/data/x': '{subject}!'}", "{'x': 'S!'}", true},
    {"{'about': 'why', '/data/x': {'about': 'why', 'eq': 1}}", "{'x': 1}", true},
};

static void test_conditions(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(condition_cases); i++) {
        struct faults faults = {0};
        struct buf actions = {0};
        buf_printf(&actions, "[{'if': %s, 'counter': 'c', 'add': 1}]",
                   condition_cases[i].condition);
        struct view *view = fixture_actions(buf_text(&actions), &faults);
        fixture_print(&faults);
        assert_non_null(view);
        fold_data(view, condition_cases[i].data, condition_cases[i].hold ? "c c add! 1" : "",
                  condition_cases[i].condition);
        view_free(view);
        buf_release(&actions);
        faults_release(&faults);
    }
}

static void test_condition_parks(void **state)
{
    static const struct fold_case cases[] = {
        {"[{'if': {'/data/x': '/data/y'}, 'counter': 'c', 'add': 1}]", "{'x': 1}",
         "park: /on/t/0: counter c, if: /data/y is missing"},
        {"[{'if': {'/data/x': {'lt': '/data/y'}}, 'counter': 'c', 'add': 1}]",
         "{'x': 99999999999999999999, 'y': 99999999999999999998}", "park: cannot be compared"},
    };

    (void)state;
    fold_cases(cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_condition_parks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
