/*
 * cases_test.c: files of cases, and every fault they can have: where, what was found, what would be
 * right.
 */
#include "view_fixture.h"

#include "cli/cases.h"
#include <sys/stat.h>
#include <unistd.h>

static const char *const one = "{'view': 'v', 'exchange': 'x', 'on': {'t': [{'counter': 'n', "
                               "'add': '/data/n'}]}}";
static const char *const two = "{'view': 'v', 'exchange': ['x', 'y'], 'on': {'t': [{'counter': 'n',"
                               " 'add': '/data/n'}]}}";

static void write_file(const char *name, const char *text)
{
    char *json = fixture_json(text);
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(json, file);
    assert_int_equal(fclose(file), 0);
    free(json);
}

static bool load(const char *view, const char *cases, struct case_file *file, struct faults *faults)
{
    write_file("v.json", view);
    write_file("v.cases.json", cases);
    return case_file_load("v.cases.json", file, faults);
}

static int set_up(void **state)
{
    static char folder[] = "/tmp/fanfold-cases-XXXXXX";
    *state = folder;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    unlink("v.json");
    unlink("v.cases.json");
    return chdir("/") || rmdir(*state);
}

static void test_good(void **state)
{
    struct case_file file;
    struct faults faults = {0};
    (void)state;
    bool loaded = load(
        one,
        "{'about': 'x', /* a comment */ 'cases': [{'name': 'c', 'about': 'y', 'given': ["
        "{'type': 't', 'data': {'n': 12345678901234567890, 'd': 1.10}},"
        "{'specversion': '1.0', 'id': 'own', 'source': '/s', 'type': 't', 'colour': 'red'}],"
        "'expect': {'rows': {'b': {'y': 1.0, 'x': [2]}, 'a': 'text'}, 'parked': {'own': 'why'},"
        "'expire': {'a': '2026-01-31T01:00:00+01:00'}, 'stops': 'because'}}]}",
        &file, &faults);
    fixture_print(&faults);
    assert_true(loaded);
    assert_int_equal(file.count, 1);
    const struct test_case *test = &file.cases[0];
    assert_string_equal(test->name, "c");
    assert_int_equal(test->event_count, 2);
    const struct cloudevent *event = &test->events[0].event;
    assert_true(str_eq(event->id, STR("event-1")));
    assert_true(str_eq(event->data_bytes, STR("{\"n\": 12345678901234567890, \"d\": 1.10}")));
    assert_true(str_eq(test->events[1].event.id, STR("own")));
    assert_int_equal(test->rows.count, 2);
    assert_true(str_eq(test->rows.at[0].name, STR("a")));
    assert_true(str_eq(test->rows.at[0].text, STR("\"text\"")));
    assert_true(str_eq(test->rows.at[1].text, STR("{\"x\":[2],\"y\":1}")));
    assert_true(str_eq(case_pairs_find(&test->parked, STR("own"))->text, STR("why")));
    assert_null(case_pairs_find(&test->parked, STR("other")));
    assert_true(test->has_expire);
    assert_true(str_eq(test->expire.at[0].text, STR("2026-01-31T00:00:00.000Z")));
    assert_true(str_eq(test->stops, STR("because")));
    case_file_release(&file);
}

static void test_exchanges(void **state)
{
    struct case_file file;
    struct faults faults = {0};
    (void)state;
    assert_true(load(two,
                     "{'cases': [{'name': 'c', 'given': {'y': [{'type': 't'}], 'x': [{'type': 't'},"
                     "{'type': 't'}]}, 'expect': {'rows': {}}}]}",
                     &file, &faults));
    const struct case_event *events = file.cases[0].events;
    assert_int_equal(file.cases[0].event_count, 3);
    assert_true(events[0].exchange == 1 && events[1].exchange == 0 && events[2].exchange == 0);
    assert_true(str_eq(events[2].event.id, STR("event-3")));
    assert_false(file.cases[0].has_expire || str_is(file.cases[0].stops));
    case_file_release(&file);
}

struct fault_case {
    const char *cases; /* "~": stands for "'given': [], 'expect': {'rows': {}}" */
    const char *pointer, *says;
};

#define EXPECT(expect) "{'cases': [{'name': 'c', 'given': [], 'expect': " expect "}]}"
#define GIVEN(given)   "{'cases': [{'name': 'c', 'given': " given ", 'expect': {'rows': {}}}]}"

static const struct fault_case fault_cases[] = {
    {"[]", "", "a file of cases is {\"cases\": [case, …]}, found a list"},
    {"{}", "/cases", "one at least; found nothing"},
    {"{'cases': []}", "/cases", "found an empty list"},
    {"{'cases': {}}", "/cases", "found an object"},
    {"{'cases': [7]}", "/cases/0", "found the number 7"},
    {"{'cases': [{'name': 'c', ~}], 'casses': 1}", "/casses", "did you mean \"cases\"?"},
    {"{'cases': [{'name': 'c', ~, 'gvien': []}]}", "/cases/0/gvien", "did you mean \"given\"?"},
    {"{'cases': [{'name': 'c', ~, 'zzzzzz': []}]}", "/cases/0/zzzzzz",
     "unknown member \"zzzzzz\"; known here: \"name\", \"given\", \"expect\", \"about\""},
    {"{'cases': [{~}]}", "/cases/0", "a case has a \"name\", a text"},
    {"{'cases': [{'name': '', ~}]}", "/cases/0", "found a text"},
    {"{'cases': [{'name': 'c', ~}, {'name': 'c', ~}]}", "/cases/1",
     "case 1 has the name \"c\" too"},
    {"{'cases': [{'name': 'c', 'given': []}]}", "/cases/0/expect", "found nothing"},
    {"{'cases': [{'name': 'c', 'expect': {'rows': {}}}]}", "/cases/0/given",
     "\"given\" lists the events"},
    {GIVEN("{'z': []}"), "/cases/0/given/z", "the view does not fold \"z\"; it folds \"x\""},
    {GIVEN("{'x': 1}"), "/cases/0/given/x", "takes a list of events"},
    {GIVEN("['x']"), "/cases/0/given/0", "an event is an object"},
    {GIVEN("[{}]"), "/cases/0/given/0", "an event has a \"type\""},
    {GIVEN("[{'type': 't', 'time': 'noon'}]"), "/cases/0/given/0", "noon"},
    {GIVEN("[{'type': 't', 'id': 5}]"), "/cases/0/given/0", "\"id\" is a number"},
    {GIVEN("[{'type': 't', 'specversion': '0.3'}]"), "/cases/0/given/0", "0.3"},
    {GIVEN("[{'type': 't', 'data': {'a': 1, 'a': 2}}]"), "/cases/0/given/0/data/a",
     "more than once"},
    {EXPECT("[]"), "/cases/0/expect", "found a list"},
    {EXPECT("{}"), "/cases/0/expect", "\"rows\" is missing"},
    {EXPECT("{'rows': {}, 'row': {}}"), "/cases/0/expect/row", "did you mean \"rows\"?"},
    {EXPECT("{'rows': []}"), "/cases/0/expect/rows", "\"rows\" takes an object, found a list"},
    {EXPECT("{'rows': {'a/b': null}}"), "/cases/0/expect/rows/a~1b", "null is no row"},
    {EXPECT("{'rows': {'a': 9007199254740993}}"), "/cases/0/expect/rows/a", "2^53"},
    {EXPECT("{'rows': {}, 'parked': {'a': 1}}"), "/cases/0/expect/parked/a",
     "a reason, or a part of one, is a text; found the number 1"},
    {EXPECT("{'rows': {}, 'expire': {'a': 'soon'}}"), "/cases/0/expect/expire/a",
     "a row expires at a time such as"},
    {EXPECT("{'rows': {}, 'stops': true}"), "/cases/0/expect/stops", "found true"},
};

static void expect_fault(const char *view, const char *cases, const char *pointer, const char *says)
{
    struct case_file file;
    struct faults faults = {0};
    bool good = !load(view, cases, &file, &faults) && faults.errors == 1 &&
                strcmp(faults.at[0].pointer, pointer) == 0 && strstr(faults.at[0].text, says);
    if (!good) {
        fixture_print(&faults);
        fail_msg("%s\n  expected %s: %s", cases, pointer, says);
    }
    faults_release(&faults);
}

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(fault_cases); i++) {
        struct buf text = {0};
        for (const char *c = fault_cases[i].cases; *c; c++) {
            if (*c == '~')
                buf_add(&text, STR("'given': [], 'expect': {'rows': {}}"));
            else
                buf_add_byte(&text, *c);
        }
        expect_fault(one, buf_text(&text), fault_cases[i].pointer, fault_cases[i].says);
        buf_release(&text);
    }
    expect_fault(two, GIVEN("[]"), "/cases/0/given",
                 "write {exchange: [event, …], …} with \"x\", \"y\", found a list");
}

static void test_all_faults_at_once(void **state)
{
    struct case_file file;
    struct faults faults = {0};
    (void)state;
    assert_false(
        load(one, "{'cases': [{'given': [1], 'expect': {'rows': 2}}, 3], 'x': 4}", &file, &faults));
    assert_int_equal(faults.errors, 5);
    faults_release(&faults);
}

/* Counted before anything is made of them. */
static void test_limits(void **state)
{
    struct buf text = {0};
    (void)state;
    buf_add(&text, STR("{'cases': [0"));
    for (int i = 0; i < CASES_MAX; i++)
        buf_add(&text, STR(",0"));
    buf_add(&text, STR("]}"));
    expect_fault(one, buf_text(&text), "/cases", "1001 cases; a file has at most 1000");
    buf_clear(&text);
    buf_add(&text, STR("{'cases': [{'name': 'c', 'given': [0"));
    for (int i = 0; i < CASE_EVENTS_MAX; i++)
        buf_add(&text, STR(",0"));
    buf_add(&text, STR("], 'expect': {'rows': {}}}]}"));
    expect_fault(one, buf_text(&text), "/cases/0/given", "1001 events; a case has at most 1000");
    buf_release(&text);
}

static void test_view_of_the_cases(void **state)
{
    struct case_file file;
    struct faults faults = {0};
    (void)state;
    assert_false(load("{'view': 'v'}", "{}", &file, &faults));
    assert_string_equal(faults.at[0].file, "v.json");
    faults_release(&faults);
    unlink("v.json");
    assert_false(case_file_load("v.cases.json", &file, &faults));
    assert_string_equal(faults.at[0].file, "v.json");
    assert_string_equal(faults.at[0].text, "cannot be opened: No such file or directory");
    faults_release(&faults);
    assert_false(case_file_load("v.json", &file, &faults));
    assert_non_null(strstr(faults.at[0].text, "the cases of stock.json stand in stock.cases.json"));
    faults_release(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),   cmocka_unit_test(test_exchanges),
        cmocka_unit_test(test_faults), cmocka_unit_test(test_all_faults_at_once),
        cmocka_unit_test(test_limits), cmocka_unit_test(test_view_of_the_cases),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
