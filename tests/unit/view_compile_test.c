/* view_compile_test.c: view files: what is refused, where, and with which remedy. */
#include "view_fixture.h"

struct fault_case {
    const char *text; /* of a file, or the actions of type "t" */
    const char *pointer;
    const char *says;
};

#define TOP "'view': 'v', 'exchange': 'x', "
#define ON  "'on': {'t': [{'counter': 'c', 'add': 1}]}"

static const struct fault_case file_cases[] = {
    {"[1]", "", "a view file is an object, found a list"},
    {"{'exchange': 'x', " ON "}", "", "\"view\", the name of the view, is missing"},
    {"{'view': 'Stock', 'exchange': 'x', " ON "}", "/view", "a-z 0-9 . _ -"},
    {"{'view': '.v', 'exchange': 'x', " ON "}", "/view", "begins with a letter or digit"},
    {"{'view': '', 'exchange': 'x', " ON "}", "/view", "1 to 64 characters"},
    {"{'view': "
     "'a2345678901234567890123456789012345678901234567890123456789012345', 'exchange': 'x', " ON
     "}",
     "/view", "1 to 64 characters"},
    {"{'view': 7, 'exchange': 'x', " ON "}", "/view", "found the number 7"},
    {"{'view': 'v', " ON "}", "", "\"exchange\" is missing"},
    {"{'view': 'v', 'exchange': 3, " ON "}", "/exchange", "found the number 3"},
    {"{'view': 'v', 'exchange': [], " ON "}", "/exchange", "an empty list"},
    {"{'view': 'v', 'exchange': ['a', ''], " ON "}", "/exchange/1", "found the text \"\""},
    {"{'view': 'v', 'exchange': ['a', 'a'], " ON "}", "/exchange/1", "listed twice"},
    {"{" TOP "'about': 1, " ON "}", "/about", "\"about\" takes a text"},
    {"{" TOP "'exchnge': 'y', " ON "}", "/exchnge", "did you mean \"exchange\""},
    {"{" TOP "'park_by': 'subject', " ON "}", "/park_by", "write \"/subject\""},
    {"{" TOP "'park_by': './x', " ON "}", "/park_by", "no \"each\" around it"},
    {"{" TOP "'park_by': 5, " ON "}", "/park_by", "or null, found the number 5"},
    {"{" TOP "'park_by': true, " ON "}", "/park_by", "found true"},
    {"{" TOP "'on_error': 'ignore', " ON "}", "/on_error", "\"park\", \"skip\" or \"stop\""},
    {"{" TOP "'targets': [], " ON "}", "/targets", "1 to 16 targets"},
    {"{" TOP "'targets': 'paris', " ON "}", "/targets", "found the text \"paris\""},
    {"{" TOP "'targets': ['a','b','c','d','e','f','g','h','i','j','k','l','m','n','o','p','q'], " ON
     "}",
     "/targets", "1 to 16 targets"},
    {"{" TOP "'targets': ['paris', 'Rome'], " ON "}", "/targets/1", "found the text \"Rome\""},
    {"{" TOP "'targets': [7], " ON "}", "/targets/0", "a-z 0-9 . _ -"},
    {"{" TOP "'targets': ['a', 'b', 'a'], " ON "}", "/targets/2", "\"a\" is listed twice"},
    {"{" TOP "'target': ['a'], " ON "}", "/target", "did you mean \"targets\""},
    {"{" TOP "'on': {}}", "/on", "says what each event type does"},
    {"{" TOP "'on': []}", "/on", "says what each event type does"},
    {"{'view': 'v', 'exchange': 'x'}", "", "\"on\" says what each event type does"},
    {"{" TOP "'on': {'': [{'counter': 'c', 'add': 1}]}}", "/on/", "is no pattern"},
    {"{" TOP "'on': {'a*': [{'counter': 'c', 'add': 1}]}}", "/on/a*", "\"order.*\" for every"},
    {"{" TOP "'on': {'*.a': [{'counter': 'c', 'add': 1}]}}", "/on/*.a", "is no pattern"},
    {"{" TOP "'on': {'.*': [{'counter': 'c', 'add': 1}]}}", "/on/.*", "is no pattern"},
    {"{" TOP "'on': {'a/b': {'counter': 'c', 'add': 1}}}", "/on/a~1b", "takes a list of actions"},
    {"{" TOP "'on': {'a': []}}", "/on/a", "an empty list of actions"},
    {"{" TOP "'on': {'a': ['x']}}", "/on/a/0", "an action is an object, found the text \"x\""},
};

static const struct fault_case action_cases[] = {
    /* structure */
    {"[{'add': {'a': 1}}]", "/on/t/0/add", "\"add\" stands without a structure"},
    {"[{}]", "/on/t/0", "no structure"},
    {"[{'hsh': 'h:1', 'if': {'/id': '1'}}]", "/on/t/0/hsh", "did you mean \"hash\""},
    {"[{'hash': 'h:1', 'zset': 'z:1', 'add': {'a': 1}}]", "/on/t/0",
     "two structures, \"hash\" and \"zset\""},
    {"[{'hash': 'h:1', 'set': 's:1', 'add': {'a': 1}}]", "/on/t/0", "two structures"},
    {"[{'hash': 7, 'add': {'a': 1}}]", "/on/t/0/hash", "takes a key, a text, found the number 7"},
    {"[{'hash': 'h:1'}]", "/on/t/0", "no verb"},
    {"[{'counter': 'c:{time:day}', 'expire': '1d'}]", "/on/t/0", "no verb"},
    /* verbs */
    {"[{'hash': 'h:1', 'ad': {'a': 1}}]", "/on/t/0/ad", "did you mean \"add\""},
    {"[{'hash': 'h:1', 'push': 1}]", "/on/t/0/push",
     "unknown verb \"push\" of a hash; it has set, set_once, add, subtract, max, min, remove, "
     "delete"},
    {"[{'list': 'l', 'set': {'a': 1}}]", "/on/t/0/set", "unknown verb \"set\" of a list"},
    {"[{'hash': 'h:1', 'set': ['a']}]", "/on/t/0/set", "takes {name: value, …}, found a list"},
    {"[{'hash': 'h:1', 'remove': 'a'}]", "/on/t/0/remove", "takes a list of values, [value, …]"},
    {"[{'set': 's', 'include': {'a': 1}}]", "/on/t/0/include", "takes a list of values"},
    {"[{'hash': 'h:1', 'set': {}}]", "/on/t/0/set", "says nothing"},
    {"[{'set': 's', 'include': []}]", "/on/t/0/include", "says nothing"},
    {"[{'hash': 'h:1', 'delete': true, 'set': {'a': 1}}]", "/on/t/0/delete",
     "\"delete\" stands alone, but \"set\" is beside it"},
    {"[{'counter': 'c:{time:day}', 'delete': true, 'expire': '1d'}]", "/on/t/0/delete",
     "stands alone, but \"expire\""},
    {"[{'hash': 'h:1', 'delete': 1}]", "/on/t/0/delete", "\"delete\" takes true"},
    /* later versions */
    /* newest */
    {"[{'hash': 'h:1', 'set': {'a': 1}, 'newest': false}]", "/on/t/0/newest",
     "\"newest\" takes true, for the event's time, or a pointer to a time, such as \"/data/at\"; "
     "found false"},
    {"[{'hash': 'h:1', 'set': {'a': 1}, 'newest': 'time'}]", "/on/t/0/newest",
     "found the text \"time\""},
    {"[{'hash': 'h:1', 'set': {'a': 1}, 'newest': {'object': {'a': 1}}}]", "/on/t/0/newest",
     "found an object"},
    {"[{'hash': 'h:1', 'set': {'a': 1}, 'newest': {'epoch': 5}}]", "/on/t/0/newest",
     "or a pointer to a time"},
    {"[{'hash': 'h:1', 'set': {'a': 1}, 'newest': [1]}]", "/on/t/0/newest",
     "a list is not a value"},
    {"[{'hash': 'h:1', 'set': {'a': 1}, 'newest': './at'}]", "/on/t/0/newest", "\"each\""},
    {"[{'hash': 'h:1', 'set': {'a': 1}, 'newest': {'at': '/data/at', 'default': 'soon'}}]",
     "/on/t/0/newest", "the default is \"soon\", not a time"},
    {"[{'hash': 'h:1', 'set': {'a': 1}, 'newst': true}]", "/on/t/0/newst",
     "did you mean \"newest\"?"},
    {"[{'hash': 'h:1', 'add': {'a': 1}, 'newest': true}]", "/on/t/0/add",
     "\"add\" cannot go by \"newest\": a total needs every event"},
    {"[{'zset': 'z', 'max': {'a': 1}, 'newest': true}]", "/on/t/0/max",
     "it goes by the value, and gives the same in any order"},
    {"[{'hash': 'h:1', 'set_once': {'a': 1}, 'newest': true}]", "/on/t/0/set_once",
     "it keeps the first that comes; move it"},
    {"[{'list': 'l', 'push': 1, 'newest': true}]", "/on/t/0/newest",
     "a list is made of all its events"},
    {"[{'hll': 'p', 'count': ['a'], 'newest': true}]", "/on/t/0/newest", "a hll is made of"},
    {"[{'counter': 'c', 'delete': true, 'newest': true}]", "/on/t/0/newest", "a counter is made"},
    {"[{'each': '/data', 'newest': true, 'do': [{'counter': 'c', 'add': 1}]}]", "/on/t/0/newest",
     "stands without a structure"},
    /* each, do, if */
    {"[{'each': '/data/l'}]", "/on/t/0", "\"each\" needs a \"do\" list"},
    {"[{'each': '/data/l', 'hash': 'h:1', 'set': {'a': '/id'}}]", "/on/t/0",
     "\"each\" needs \"do\": write {\"each\""},
    {"[{'do': [{'counter': 'c', 'add': 1}]}]", "/on/t/0",
     "\"do\" needs \"with\", \"if\" or \"each\""},
    {"[{'hash': 'h:1', 'each': '/data', 'do': [{'counter': 'c', 'add': 1}]}]", "/on/t/0",
     "\"hash\" and \"do\" in one action"},
    {"[{'each': '/data', 'do': []}]", "/on/t/0/do", "an empty list"},
    {"[{'each': 'data/l', 'do': [{'counter': 'c', 'add': 1}]}]", "/on/t/0/each",
     "\"each\" takes a pointer"},
    {"[{'each': {'literal': [1]}, 'do': [{'counter': 'c', 'add': 1}]}]", "/on/t/0/each",
     "\"each\" takes a pointer"},
    {"[{'each': '/data', 'add': 1, 'do': [{'counter': 'c', 'add': 1}]}]", "/on/t/0/add",
     "stands without a structure"},
    {"[{'each': '/data', 'do': [{'each': '.', 'do': [{'each': '.', 'do': [{'each': '.', 'do': ["
     "{'counter': 'c', 'add': 1}]}]}]}]}]",
     "/on/t/0/do/0/do/0/do/0/each", "more than 3 levels of \"each\""},
    {"[{'if': {}, 'counter': 'c', 'add': 1}]", "/on/t/0/if", "an empty \"if\""},
    {"[{'if': '/data/x', 'counter': 'c', 'add': 1}]", "/on/t/0/if", "takes {pointer: value"},
    {"[{'if': {'data/x': 1}, 'counter': 'c', 'add': 1}]", "/on/t/0/if/data~1x",
     "write \"/data/x\""},
    {"[{'if': {'/data/x': {}}, 'counter': 'c', 'add': 1}]", "/on/t/0/if/~1data~1x",
     "an empty condition"},
    {"[{'if': {'/data/x': {'gte': 1, 'lt': 2}}, 'counter': 'c', 'add': 1}]",
     "/on/t/0/if/~1data~1x/gte", "did you mean \"gt\""},
    {"[{'if': {'/data/x': {'in': 'a'}}, 'counter': 'c', 'add': 1}]", "/on/t/0/if/~1data~1x/in",
     "\"in\" takes a list"},
    {"[{'if': {'/data/x': {'exists': 'yes'}}, 'counter': 'c', 'add': 1}]",
     "/on/t/0/if/~1data~1x/exists", "true or false"},
    {"[{'if': {'/data/x': null}, 'counter': 'c', 'add': 1}]", "/on/t/0/if/~1data~1x",
     "null is nothing"},
    {"[{'if': {'./x': 1}, 'each': '/data', 'do': [{'counter': 'c', 'add': 1}]}]", "/on/t/0/if/.~1x",
     "no \"each\" around it"},
    /* pointers */
    {"[{'hash': 'h:1', 'set': {'a': './x'}}]", "/on/t/0/set/a", "no \"each\" around it"},
    {"[{'each': '/data', 'do': [{'hash': 'h:1', 'set': {'a': '../x'}}]}]", "/on/t/0/do/0/set/a",
     "leads 1 \"each\" further out, but only 0 are around"},
    {"[{'hash': 'h:1', 'set': {'a': '/data/~x'}}]", "/on/t/0/set/a", "is written \"~0\""},
    {"[{'hash': 'h:1', 'set': {'a': '/data/x~'}}]", "/on/t/0/set/a", "is written \"~0\""},
    {"[{'hash': 'h:1', 'set': {'a': {'at': 'data/x'}}}]", "/on/t/0/set/a/at", "not a pointer"},
    {"[{'hash': 'h:1', 'set': {'a': {'at': 5}}}]", "/on/t/0/set/a/at",
     "takes a pointer, found the number 5"},
    /* templates */
    {"[{'hash': 'h:{sbject}', 'set': {'a': 1}}]", "/on/t/0/hash", "did you mean {subject}?"},
    {"[{'hash': 'h:{sku}', 'set': {'a': 1}}]", "/on/t/0/hash", "{/data/sku}"},
    {"[{'hash': 'h:{}', 'set': {'a': 1}}]", "/on/t/0/hash", "unknown name {}"},
    {"[{'hash': 'h:{time:week}', 'set': {'a': 1}}]", "/on/t/0/hash",
     "unknown time unit \"week\" in {time:week}; units are year, month, day, hour, minute"},
    {"[{'hash': 'h:{subject', 'set': {'a': 1}}]", "/on/t/0/hash",
     "\"{\" without \"}\" at character 3"},
    {"[{'hash': 'h:subject}', 'set': {'a': 1}}]", "/on/t/0/hash",
     "\"}\" without \"{\" at character 10"},
    {"[{'hash': 'h:{subj{ect}', 'set': {'a': 1}}]", "/on/t/0/hash",
     "\"{\" without \"}\" at character 3"},
    {"[{'hash': 'h:{key}', 'set': {'a': 1}}]", "/on/t/0/hash", "{key} is the index"},
    {"[{'hash': 'h:{./sku}', 'set': {'a': 1}}]", "/on/t/0/hash", "no \"each\" around it"},
    {"[{'hash': 'h:1', 'set': {'a': 'x{/data/~}'}}]", "/on/t/0/set/a", "is written \"~0\""},
    {"[{'hash': 'h:1', 'set': {'{sbject}': 1}}]", "/on/t/0/set/{sbject}", "{subject}"},
    /* names that begin like pointers */
    {"[{'hash': '/data/sku', 'set': {'a': 1}}]", "/on/t/0/hash", "write \"{/data/sku}\""},
    {"[{'hash': 'h:1', 'set': {'/data/sku': 1}}]", "/on/t/0/set/~1data~1sku",
     "write \"{/data/sku}\""},
    {"[{'each': '/data', 'do': [{'zset': 'z', 'add': {'./sku': 1}}]}]", "/on/t/0/do/0/add/.~1sku",
     "write \"{./sku}\""},
    {"[{'each': '/data', 'do': [{'zset': 'z', 'add': {'.': 1}}]}]", "/on/t/0/do/0/add/.",
     "write \"{.}\""},
    {"[{'hash': 'h:1', 'set': {'@r': 1}}]", "/on/t/0/set/@r", "begins like a pointer"},
    /* keys */
    {"[{'hash': '{subject}', 'set': {'a': 1}}]", "/on/t/0/hash", "write such as \"v:{subject}\""},
    {"[{'hash': '', 'set': {'a': 1}}]", "/on/t/0/hash", "does not start with literal text"},
    {"[{'hash': 'a\\nb', 'set': {'a': 1}}]", "/on/t/0/hash", "control character"},
    {"[{'hash': 'fanfold:x', 'set': {'a': 1}}]", "/on/t/0/hash", "Fanfold's own"},
    {"[{'hash': 'fan{subject}', 'set': {'a': 1}}]", "/on/t/0/hash", "Fanfold's own"},
    /* types in the wrong place */
    {"[{'hash': 'h:1', 'add': {'a': 'data/x'}}]", "/on/t/0/add/a",
     "\"add\" takes an integer: the value is \"data/x\", not a number; a pointer begins with"},
    {"[{'hash': 'h:1', 'add': {'a': 1.5}}]", "/on/t/0/add/a", "the value is 1.5, not an integer"},
    {"[{'hash': 'h:1', 'add': {'a': true}}]", "/on/t/0/add/a", "the value is true, not a number"},
    {"[{'counter': 'c', 'add': {'object': {}}}]", "/on/t/0/add",
     "takes an integer, found an object"},
    {"[{'zset': 'z', 'score': {'m': 'high'}}]", "/on/t/0/score/m", "takes a number: the value is"},
    {"[{'hash': 'h:1', 'set': {'a': null}}]", "/on/t/0/set/a", "null is nothing"},
    {"[{'hash': 'h:1', 'set': {'a': [1]}}]", "/on/t/0/set/a", "{\"literal\": [ … ]}"},
    {"[{'hash': 'h:1', 'set': {'a': {}}}]", "/on/t/0/set/a", "an object as a value is one of"},
    {"[{'hash': 'h:1', 'set': {'a': {'sum': [1], 'scale': [1, 2]}}}]", "/on/t/0/set/a",
     "is one of"},
    {"[{'hash': 'h:1', 'set': {'a': {'default': 1}}}]", "/on/t/0/set/a", "is one of"},
    {"[{'hash': 'h:1', 'set': {'a': {'sum': [1], 'default': 1}}}]", "/on/t/0/set/a", "is one of"},
    {"[{'hash': 'h:1', 'set': {'a': {'sun': [1]}}}]", "/on/t/0/set/a/sun", "did you mean \"sum\""},
    {"[{'hash': 'h:1', 'set': {'a': {'literal': null}}}]", "/on/t/0/set/a/literal",
     "null is nothing"},
    {"[{'hash': 'h:1', 'set': {'a': {'at': '/data/x', 'default': null}}}]", "/on/t/0/set/a/at",
     "leave \"default\" out"},
    {"[{'hash': 'h:1', 'set': {'a': {'sum': 1}}}]", "/on/t/0/set/a/sum", "takes a list of values"},
    {"[{'hash': 'h:1', 'set': {'a': {'sum': []}}}]", "/on/t/0/set/a/sum", "found an empty list"},
    {"[{'hash': 'h:1', 'set': {'a': {'sum': [1, 'x']}}}]", "/on/t/0/set/a/sum/1",
     "is \"x\", not a number"},
    {"[{'hash': 'h:1', 'set': {'a': {'sum': [{'object': {}}]}}}]", "/on/t/0/set/a/sum/0",
     "\"sum\" takes numbers, found an object"},
    {"[{'hash': 'h:1', 'set': {'a': {'negate': true}}}]", "/on/t/0/set/a/negate",
     "is true, not a number"},
    {"[{'hash': 'h:1', 'set': {'a': {'scale': ['/data/x', 16]}}}]", "/on/t/0/set/a/scale",
     "from 0 to 15"},
    {"[{'hash': 'h:1', 'set': {'a': {'scale': '/data/x'}}}]", "/on/t/0/set/a/scale",
     "from 0 to 15"},
    {"[{'hash': 'h:1', 'set': {'a': {'scale': ['/data/x', '2']}}}]", "/on/t/0/set/a/scale",
     "from 0 to 15"},
    {"[{'hash': 'h:1', 'set': {'a': {'epoch': 'soon'}}}]", "/on/t/0/set/a/epoch",
     "is \"soon\", not a time"},
    {"[{'hash': 'h:1', 'set': {'a': {'object': [1]}}}]", "/on/t/0/set/a/object",
     "takes {name: value, …}"},
    {"[{'hash': 'h:1', 'set': {'a': 12345678901234567890}}]", "/on/t/0/set/a",
     "write it as a text"},
    /* keep and expire */
    {"[{'list': 'l', 'push': 1, 'keep': 0}]", "/on/t/0/keep", "a number from 1 to 1000000"},
    {"[{'list': 'l', 'push': 1, 'keep': 1.5}]", "/on/t/0/keep", "a number from 1"},
    {"[{'list': 'l', 'push': 1, 'keep': '5m'}]", "/on/t/0/keep", "found the text \"5m\""},
    {"[{'zset': 'z', 'max': {'a': 1}, 'keep': 'soon'}]", "/on/t/0/keep", "a time such as \"30m\""},
    {"[{'hash': 'h:1', 'set': {'a': 1}, 'keep': 5}]", "/on/t/0/keep", "is for a list or a zset"},
    {"[{'counter': 'c:{time:day}', 'add': 1, 'expire': 60}]", "/on/t/0/expire",
     "a time such as \"90m\""},
    {"[{'counter': 'c:{time:day}', 'add': 1, 'expire': '0d'}]", "/on/t/0/expire",
     "a time such as \"90m\""},
    {"[{'counter': 'c:{time:day}:{/data/at:hour}', 'add': 1, 'expire': '1d'}]", "/on/t/0/expire",
     "has 2 time units"},
};

static void expect_fault(struct view *view, struct faults *faults, const struct fault_case *at)
{
    bool good = !view && faults->errors == 1 && strcmp(faults->at[0].pointer, at->pointer) == 0 &&
                strstr(faults->at[0].text, at->says);

    if (!good) {
        fixture_print(faults);
        fail_msg("%s\n  expected %s: %s", at->text, at->pointer, at->says);
    }
    assert_string_equal(faults->at[0].file, "v.json");
    view_free(view);
    faults_release(faults);
}

static void test_file_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(file_cases); i++) {
        struct faults faults = {0};
        struct view *view = fixture_view("v.json", file_cases[i].text, &faults);
        expect_fault(view, &faults, &file_cases[i]);
    }
}

static void test_action_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(action_cases); i++) {
        struct faults faults = {0};
        struct view *view = fixture_actions(action_cases[i].text, &faults);
        expect_fault(view, &faults, &action_cases[i]);
    }
}

/* All faults of a file at once. */
static void test_all_at_once(void **state)
{
    static const char *const pointers[] = {"/exchnge",      "",           "/view",
                                           "/on_error",     "/on/a/0/ad", "/on/a/1/add/{sbject}",
                                           "/on/a/1/add/x", "/on/b/0",    "/on/b/1/hash"};
    struct faults faults = {0};
    struct view *view = fixture_view(
        "v.json",
        "{'view': 'V', 'exchnge': 'x', 'on_error': 1, 'on': {"
        "'a': [{'hash': 'h:1', 'ad': {'a': 1}}, {'zset': 'z', 'add': {'{sbject}': 1, 'x': 'y'}}],"
        "'b': [{'hash': 'h:1'}, {'hash': '{id}', 'set': {'a': 1}}]}}",
        &faults);

    (void)state;
    assert_null(view);
    for (size_t i = 0; i < COUNT(pointers); i++) {
        bool found = false;
        for (size_t k = 0; k < faults.count; k++)
            found |= strcmp(faults.at[k].pointer, pointers[i]) == 0;
        if (!found) {
            fixture_print(&faults);
            fail_msg("no fault at %s", pointers[i]);
        }
    }
    assert_int_equal(faults.errors, COUNT(pointers));
    faults_release(&faults);
}

static void test_warning(void **state)
{
    struct faults faults = {0};
    struct view *view = fixture_actions("[{'hash': 'h:1', 'set': {'a': 'data/sku'}}]", &faults);

    (void)state;
    assert_non_null(view);
    assert_int_equal(faults.warnings, 1);
    assert_string_equal(faults.at[0].pointer, "/on/t/0/set/a");
    assert_non_null(strstr(faults.at[0].text, "a pointer begins with \"/\""));
    view_free(view);
    faults_release(&faults);
}

static void test_properties(void **state)
{
    struct faults faults = {0};
    struct view *view =
        fixture_view("views/v.json",
                     "// a comment\n{'view': 'stock.v-1_x', 'about': 'why', 'exchange': ['a', 'b'],"
                     "'on_error': 'skip', 'on': {/* another */ 't': ["
                     "{'about': 'x', 'hash': 'h:{subject}', 'add': {'a': 1}},"
                     "{'hash': 'h:{id}', 'add': {'b': 1}}, {'counter': 'c', 'add': 1}]}}",
                     &faults);

    (void)state;
    fixture_print(&faults);
    assert_non_null(view);
    assert_string_equal(view_name(view), "stock.v-1_x");
    assert_string_equal(view_file(view), "views/v.json");
    assert_string_equal(view_about(view), "why");
    assert_int_equal(view_exchange_count(view), 2);
    assert_string_equal(view_exchange(view, 1), "b");
    assert_int_equal(view_on_error(view), ON_ERROR_SKIP);
    assert_true(view_commutes(view));
    assert_int_equal(view_row_count(view), 2);
    assert_int_equal(view_row(view, 0)->structure, STRUCTURE_HASH);
    assert_string_equal(view_row(view, 0)->key, "h:{subject}");
    assert_string_equal(view_row(view, 0)->prefix, "h:");
    assert_string_equal(view_row(view, 1)->prefix, "c");
    view_free(view);
    view = fixture_actions("[{'counter': 'c', 'add': 1}]", &faults);
    assert_string_equal(view_about(view), "");
    assert_int_equal(view_on_error(view), ON_ERROR_PARK);
    view_free(view);
    faults_release(&faults);
}

static uint64_t digest(const char *text)
{
    struct faults faults = {0};
    struct view *view = fixture_view("v.json", text, &faults);
    uint64_t value;

    fixture_print(&faults);
    assert_non_null(view);
    value = view_digest(view);
    view_free(view);
    faults_release(&faults);
    return value;
}

/* Comments, "about", member order and blanks do not count; a field named "about" does. */
static void test_schema_is_for_editors(void **state)
{
    struct faults faults = {0};
    struct view *view = fixture_view("v.json",
                                     "{'$schema':'x.json','view':'v','exchange':'x','on':{'t':["
                                     "{'counter':'c','add':1}]}}",
                                     &faults);

    (void)state;
    assert_non_null(view);
    assert_null(memmem(view_text(view).at, view_text(view).len, "schema", 6));
    view_free(view);
    assert_null(fixture_view("v.json",
                             "{'$schema':7,'view':'v','exchange':'x','on':{'t':[{'counter':'c',"
                             "'add':1}]}}",
                             &faults));
    assert_int_equal(faults.errors, 1);
    assert_string_equal(faults.at[0].pointer, "/$schema");
    assert_string_equal(faults.at[0].text, "\"$schema\" takes the address of a schema, a text, "
                                           "found the number 7");
    faults_release(&faults);
}

static void test_digest(void **state)
{
    uint64_t plain =
        digest("{'view':'v','exchange':'x','on':{'t':[{'if':{'/id':{'eq':1}},'hash':'h:1','set':"
               "{'a':{'sum':[1]},'b':2}}]}}");

    (void)state;
    assert_int_not_equal(plain, 0);
    assert_true(plain ==
                digest("// why\n{'on': {'t': [{'set': {'b': 2, 'a': {'sum': [1.0]}}, 'hash': 'h:1',"
                       "'if': {'/id': {'eq': 1}}}]}, 'exchange': 'x', 'view': 'v'}"));
    assert_true(plain ==
                digest("{'view':'v','about':'1','exchange':'x','on':{'about':'2','t':[{'about':'3',"
                       "'if':{'about':'4','/id':{'about':'5','eq':1}},'hash':'h:1','set':"
                       "{'a':{'about':'6','sum':[1]},'b':2}}]}}"));
    assert_true(plain ==
                digest("{'$schema':'x.json','view':'v','exchange':'x','on':{'t':[{'if':{'/id':"
                       "{'eq':1}},'hash':'h:1','set':{'a':{'sum':[1]},'b':2}}]}}"));
    assert_true(plain !=
                digest("{'view':'v','exchange':'x','on':{'t':[{'if':{'/id':{'eq':1}},'hash':'h:1',"
                       "'set':{'a':{'sum':[1]},'b':2,'about':'6'}}]}}"));
    assert_true(plain !=
                digest("{'view':'v','exchange':'x','on':{'t':[{'if':{'/id':{'eq':1}},'hash':'h:1',"
                       "'set':{'a':{'sum':[1]},'b':3}}]}}"));
    assert_true(plain !=
                digest("{'view':'v','exchange':'x','on':{'t':[{'if':{'/id':{'eq':1}},'hash':'h:1',"
                       "'set':{'a':{'literal':{'about':'x'}},'b':3}}]}}"));
}

/* The view of DESIGN section 7, but for the action with "with". */
static const char design_view[] =
    "{'view': 'stock',"
    " 'about': 'Units on hand and reserved per SKU',"
    " 'exchange': 'shop.events',"
    " 'on': {"
    "  'stock.received': [{'hash': 'stock:{subject}', 'add': {'on_hand': '/data/quantity'}}],"
    "  'order.placed': [{'each': '/data/lines', 'do': ["
    "   {'hash': 'stock:{./sku}', 'add': {'reserved': './quantity'}},"
    "   {'hash': 'reserved:{subject}', 'add': {'{./sku}': './quantity'}},"
    "   {'zset': 'sellers:{time:day}', 'add': {'{./sku}': './quantity'}, 'expire': '7d'}]}],"
    "  'order.cancelled': [{'hash': 'reserved:{subject}', 'delete': true}]}}";

static void test_design_view(void **state)
{
    struct faults faults = {0};
    struct changes changes = {0};
    struct buf shown = {0};
    struct error why;
    struct view *view = fixture_view("stock.json", design_view, &faults);

    (void)state;
    fixture_print(&faults);
    assert_non_null(view);
    assert_int_equal(view_row_count(view), 3);
    assert_false(view_commutes(view));
    assert_int_equal(
        fixture_fold(view,
                     "{'specversion': '1.0', 'id': '1', 'source': '/s', 'type': 'order.placed',"
                     "'subject': 'o-1', 'time': '2026-01-31T23:59:59Z', 'data': {'lines': ["
                     "{'sku': 'A', 'quantity': 2}]}}",
                     &changes, &why),
        FOLD_DONE);
    fixture_show(&shown, &changes, 0);
    assert_string_equal(buf_text(&shown),
                        "h stock:A add! reserved=2; h reserved:o-1 add! A=2; "
                        "z sellers:2026-01-31 add! A=2; z sellers:2026-01-31 expire 1770508800000");
    view_free(view);
    changes_release(&changes);
    buf_release(&shown);
    faults_release(&faults);
}

static void test_load(void **state)
{
    char path[] = "/tmp/fanfold-view-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    struct faults faults = {0};
    struct view *view;

    (void)state;
    fputs("{\"view\": \"v\", \"exchange\": \"x\", \"on\": {\"t\": [{\"counter\": \"c\", \"add\": "
          "1}]}}",
          file);
    fclose(file);
    view = view_load(path, &faults);
    assert_non_null(view);
    assert_string_equal(view_file(view), path);
    view_free(view);
    remove(path);
    assert_null(view_load(path, &faults));
    assert_int_equal(faults.errors, 1);
    view_free(NULL);
    faults_release(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_faults),
        cmocka_unit_test(test_action_faults),
        cmocka_unit_test(test_all_at_once),
        cmocka_unit_test(test_warning),
        cmocka_unit_test(test_properties),
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_schema_is_for_editors),
        cmocka_unit_test(test_design_view),
        cmocka_unit_test(test_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
