/* view_check_test.c: what only a whole view, or several, can have wrong. */
#include "view_fixture.h"

#include <base/config.h>
#include <base/jsonfile.h>

/* actions of type "t"; pointer NULL: fine. */
struct check_case {
    const char *actions, *pointer, *says;
};

static const struct check_case key_cases[] = {
    {"[{'hash': 'stock:{id}', 'set': {'a': 1}}, {'hash': 'stock:{subject}', 'set': {'b': 1}},"
     "{'hash': 'reserved:{subject}', 'delete': true}, {'zset': 'sellers:{time:day}', 'add': {'a': "
     "1}}]",
     NULL, NULL},
    {"[{'hash': 'order:{id}', 'set': {'a': 1}}, {'hash': 'order:{id}:lines', 'set': {'a': 1}}]",
     "/on/t/1/hash",
     "hash \"order:{id}:lines\" could give the same key as hash \"order:{id}\" of /on/t/0"},
    {"[{'hash': 'order:{id}', 'set': {'a': 1}}, {'zset': 'order:{subject}', 'add': {'a': 1}}]",
     "/on/t/1/zset", "could give the same key as hash \"order:{id}\""},
    {"[{'hash': 'order', 'set': {'a': 1}}, {'counter': 'order', 'add': 1}]", "/on/t/1/counter",
     "could give the same key"},
    {"[{'hash': 'a:{id}', 'set': {'a': 1}}, {'counter': 'a:total', 'add': 1}]", "/on/t/1/counter",
     "could give the same key"},
    {"[{'hash': 'a:{id}', 'set': {'a': 1}}, {'counter': 'a:', 'add': 1}]", NULL, NULL},
    {"[{'hash': 'a:{id}', 'set': {'a': 1}}, {'counter': 'a', 'add': 1}]", NULL, NULL},
    {"[{'hash': 'a:{id}:x', 'set': {'a': 1}}, {'hash': 'a:{id}:y', 'set': {'a': 1}}]", NULL, NULL},
    {"[{'hash': 'a:{id}:x', 'set': {'a': 1}}, {'hash': 'a:x:{id}', 'set': {'a': 1}}]",
     "/on/t/1/hash", "could give the same key"},
    {"[{'hash': 'a:{id}', 'set': {'a': 1}}, {'hash': 'a:{id}{subject}', 'set': {'a': 1}}]",
     "/on/t/1/hash", "could give the same key"},
    /* a time cut to a unit has a shape */
    {"[{'hash': 'a:{time:day}', 'set': {'a': 1}}, {'counter': 'a:total', 'add': 1}]", NULL, NULL},
    {"[{'counter': 'a:yyyy-mm-dd', 'add': 1}, {'hash': 'a:{time:day}', 'set': {'a': 1}}]", NULL,
     NULL},
    {"[{'hash': 'a:{time:day}', 'set': {'a': 1}}, {'counter': 'a:yyyy-mm-dd', 'add': 1}]", NULL,
     NULL},
    {"[{'hash': 'a:{time:day}', 'set': {'a': 1}}, {'counter': 'a:2010-12-01', 'add': 1}]",
     "/on/t/1/counter", "could give the same key"},
    {"[{'hash': 'a:{time:day}', 'set': {'a': 1}}, {'zset': 'a:{time:hour}', 'add': {'a': 1}}]",
     NULL, NULL},
    {"[{'hash': 'a:{time:day}', 'set': {'a': 1}}, {'zset': 'a:{id}', 'add': {'a': 1}}]",
     "/on/t/1/zset", "could give the same key"},
    {"[{'hash': 'a:{time:day}', 'set': {'a': 1}}, {'hash': 'a:{id}', 'set': {'b': 1}}]", NULL,
     NULL},
};

static const struct check_case keep_cases[] = {
    {"[{'list': 'l', 'push': 1, 'keep': 3}, {'list': 'l', 'push': 2, 'keep': 3}]", NULL, NULL},
    {"[{'list': 'l', 'push': 1, 'keep': 3}, {'list': 'l', 'delete': true}]", NULL, NULL},
    {"[{'list': 'l:{id}', 'push': 1, 'keep': 3}, {'list': 'l:{subject}', 'push': 2, 'keep': 4}]",
     "/on/t/1/keep", "must say the same \"keep\", but /on/t/0 says another"},
    {"[{'list': 'l', 'push': 1, 'keep': 3}, {'list': 'l', 'push': 2}]", "/on/t/1/list",
     "must say the same \"keep\""},
    {"[{'zset': 'z', 'max': {'a': 1}, 'keep': 3}]", NULL, NULL},
    {"[{'zset': 'z', 'add': {'a': 1}, 'keep': 3}]", "/on/t/0/add", "takes only \"max\""},
    {"[{'zset': 'z', 'score': {'a': 1}, 'keep': 3}]", "/on/t/0/score", "takes only \"max\""},
    {"[{'zset': 'z', 'max': {'a': 1}, 'remove': ['b'], 'keep': 3}]", "/on/t/0/remove",
     "takes only \"max\""},
    {"[{'zset': 'z', 'max': {'a': 1}, 'keep': 3}, {'zset': 'z', 'max': {'b': 1}}]", "/on/t/1/zset",
     "must say the same \"keep\""},
    {"[{'zset': 'z', 'max': {'a': {'epoch': '/time'}}, 'keep': '30m'}]", NULL, NULL},
    {"[{'zset': 'z', 'max': {'a': '/data/at'}, 'keep': '30m'}]", "/on/t/0/max",
     "{\"epoch\": value}"},
};

static const struct check_case expire_cases[] = {
    {"[{'counter': 'c:{time:day}', 'add': 1, 'expire': '7d'}]", NULL, NULL},
    {"[{'counter': 'c:{time:day}', 'add': 1, 'expire': '7d'},"
     "{'counter': 'c:{/data/at:day}', 'subtract': 1, 'expire': '7d'},"
     "{'counter': 'c:{time:day}', 'delete': true}]",
     NULL, NULL},
    {"[{'counter': 'c:{id}', 'add': 1, 'expire': '7d'}]", "/on/t/0/expire",
     "needs the row to be written whole"},
    {"[{'hash': 'h:{id}', 'add': {'a': 1}, 'expire': '7d'}]", "/on/t/0/expire", "written whole"},
    {"[{'hash': 'h:{id}', 'set': {'a': '/subject', 'b': 1}, 'expire': '7d'}]", NULL, NULL},
    {"[{'hash': 'h:{id}', 'set': {'a': '/subject?', 'b': 1}, 'expire': '7d'}]", "/on/t/0/expire",
     "written whole"},
    {"[{'hash': 'h:{id}', 'set': {'a': {'sum': ['/data/x?', 1]}}, 'expire': '7d'}]",
     "/on/t/0/expire", "written whole"},
    {"[{'hash': 'h:{id}', 'set': {'{subject}': 1}, 'expire': '7d'}]", "/on/t/0/expire",
     "written whole"},
    {"[{'json': 'j:{id}', 'put': '/data', 'expire': '7d'}]", NULL, NULL},
    {"[{'json': 'j:{id}', 'put': '/data?', 'expire': '7d'}]", "/on/t/0/expire", "written whole"},
    {"[{'list': 'l:{id}', 'push': 1, 'expire': '7d'}]", "/on/t/0/expire", "written whole"},
    {"[{'hash': 'h:{id}', 'set': {'a': 1}, 'expire': '7d'}, {'hash': 'h:{subject}', 'delete': "
     "true}]",
     "/on/t/0/expire", "this action alone to write \"h:{id}\", but /on/t/1 does too"},
    {"[{'counter': 'c:{time:day}', 'add': 1, 'expire': '7d'},"
     "{'counter': 'c:{/data/at:day}', 'add': 1}]",
     "/on/t/0/expire", "must say the same \"expire\""},
    {"[{'hash': 'h:{time:day}', 'remove': ['a'], 'expire': '7d'}]", "/on/t/0/expire",
     "nothing here makes a row"},
};

static const struct check_case newest_cases[] = {
    {"[{'hash': 'h:{id}', 'set': {'a': 1}, 'newest': true},"
     "{'hash': 'h:{subject}', 'remove': ['b'], 'newest': '/data/at'},"
     "{'hash': 'h:{id}', 'delete': true, 'newest': true}, {'hash': 'other:{id}', 'set': {'a': 1}}]",
     NULL, NULL},
    /* all or none */
    {"[{'hash': 'h:{id}', 'set': {'a': 1}, 'newest': true}, {'hash': 'h:{subject}', 'set': {'b': "
     "1}}]",
     "/on/t/1/set", "must have \"newest\", or none, but /on/t/0 has it"},
    {"[{'hash': 'h:{id}', 'set': {'a': 1}}, {'hash': 'h:{id}', 'set': {'b': 1}, 'newest': true}]",
     "/on/t/1/newest", "or none, but /on/t/0 has not"},
    {"[{'zset': 'z', 'score': {'a': 1}, 'newest': true}, {'zset': 'z', 'delete': true}]",
     "/on/t/1/delete", "but /on/t/0 has it"},
    {"[{'set': 's', 'include': ['a']}, {'set': 's', 'exclude': ['a'], 'newest': true}]",
     "/on/t/1/newest", "but /on/t/0 has not"},
    /* places of their own for the verbs that go by no time */
    {"[{'hash': 'h:{id}', 'set': {'a': 1}, 'newest': true},"
     "{'hash': 'h:{id}', 'add': {'n': 1}, 'max': {'top': '/data/x'}, 'set_once': {'first': 1}}]",
     NULL, NULL},
    {"[{'hash': 'h:{id}', 'set': {'a': 1}, 'newest': true}, {'hash': 'h:{id}', 'add': {'a': 1}}]",
     "/on/t/1/add",
     "\"add\" does not go by the time, but what it writes may be written with "
     "\"newest\" by /on/t/0; write another field, or another row"},
    {"[{'hash': 'h:{id}', 'max': {'a': 1}}, {'hash': 'h:{id}', 'set': {'{type}': 1}, 'newest': "
     "true}]",
     "/on/t/0/max", "may be written with \"newest\" by /on/t/1"},
    {"[{'hash': 'h:{id}', 'add': {'n': 1}}, {'hash': 'h:{id}', 'remove': ['a'], 'newest': true}]",
     "/on/t/0/add", "by /on/t/1"},
    {"[{'hash': 'h:{id}', 'set': {'a': 1}, 'newest': true}, {'hash': 'h:{id}', 'delete': true, "
     "'newest': true}, {'hash': 'h:{id}', 'add': {'n': 1}}]",
     "/on/t/2/add", "older than the \"delete\" of /on/t/1; write another row"},
    /* a row that goes by itself */
    {"[{'hash': 'h:{time:day}', 'set': {'a': 1}, 'newest': true, 'expire': '7d'}]",
     "/on/t/0/expire", "would stay for ever when the row is gone"},
    {"[{'json': 'j:{id}', 'put': 1, 'newest': true, 'expire': '7d'}]", "/on/t/0/expire",
     "do not go together"},
    {"[{'hash': 'h:{time:day}', 'add': {'n': 1}, 'expire': '7d'},"
     "{'hash': 'h:{time:day}', 'remove': ['a'], 'newest': true}]",
     "/on/t/0/expire", "\"newest\" (/on/t/1)"},
    {"[{'zset': 'z', 'score': {'a': 1}, 'newest': true, 'keep': 3}]", "/on/t/0/score",
     "takes only \"max\""},
};

static void expect_faults(struct view *view, struct faults *faults, const struct check_case *at)
{
    bool good = !at->pointer ? view && !faults->errors
                             : !view && faults->errors == 1 &&
                                   strcmp(faults->at[0].pointer, at->pointer) == 0 &&
                                   strstr(faults->at[0].text, at->says);

    if (!good) {
        fixture_print(faults);
        fail_msg("%s\n  expected %s: %s", at->actions, at->pointer ? at->pointer : "nothing",
                 at->says ? at->says : "");
    }
    view_free(view);
    faults_release(faults);
}

static void check_cases(const struct check_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct faults faults = {0};
        struct view *view = fixture_actions(cases[i].actions, &faults);
        expect_faults(view, &faults, &cases[i]);
    }
}

static void test_keys(void **state)
{
    (void)state;
    check_cases(key_cases, COUNT(key_cases));
}

static void test_keep(void **state)
{
    (void)state;
    check_cases(keep_cases, COUNT(keep_cases));
}

static void test_expire(void **state)
{
    (void)state;
    check_cases(expire_cases, COUNT(expire_cases));
}

static void test_newest(void **state)
{
    (void)state;
    check_cases(newest_cases, COUNT(newest_cases));
}

/* pointer NULL: it commutes; else the fault over several exchanges. */
static const struct check_case commute_cases[] = {
    {"[{'hash': 'h:1', 'add': {'a': 1}, 'subtract': {'a': 2}, 'max': {'b': 1}, 'min': {'c': 1}}]",
     NULL, NULL},
    {"[{'counter': 'c', 'add': 1}, {'counter': 'c', 'subtract': 1}]", NULL, NULL},
    {"[{'zset': 'z', 'max': {'a': 1}, 'keep': 3}, {'set': 's', 'include': ['a']},"
     "{'hll': 'p', 'count': ['a']}]",
     NULL, NULL},
    {"[{'counter': 'c:{time:day}', 'add': 1, 'expire': '1d'}]", NULL, NULL},
    {"[{'hash': 'h:1', 'set': {'a': 1}}]", "/on/t/0/set", "\"set\" depends on the order of events"},
    {"[{'hash': 'h:1', 'set_once': {'a': 1}}]", "/on/t/0/set_once",
     "\"newest\", which goes by the time, set, remove"},
    {"[{'hash': 'h:1', 'remove': ['a']}]", "/on/t/0/remove", "depends on the order"},
    {"[{'zset': 'z', 'score': {'a': 1}}]", "/on/t/0/score", "depends on the order"},
    {"[{'zset': 'z', 'remove': ['a']}]", "/on/t/0/remove", "depends on the order"},
    {"[{'set': 's', 'include': ['a']}, {'set': 's', 'exclude': ['b']}]", "/on/t/1/exclude",
     "include (without exclude)"},
    {"[{'list': 'l', 'push': 1}]", "/on/t/0/push", "a view for each exchange"},
    {"[{'json': 'j', 'put': 1}]", "/on/t/0/put", "depends on the order"},
    {"[{'hash': 'h:1', 'delete': true}]", "/on/t/0/delete", "depends on the order"},
    /* each commutes with itself only */
    {"[{'hash': 'h:1', 'add': {'a': 1}, 'max': {'a': 2}}]", "/on/t/0/max",
     "\"add\" and \"max\" of the same place"},
    {"[{'hash': 'h:{id}', 'min': {'a': 1}}, {'hash': 'h:{subject}', 'max': {'{type}': 2}}]",
     "/on/t/1/max", "\"min\" and \"max\" of the same place"},
    {"[{'hash': 'h:1', 'min': {'a': 1}}, {'hash': 'h:2', 'max': {'a': 2}}]", NULL, NULL},
    /* by the time */
    {"[{'hash': 'h:{id}', 'set': {'a': 1}, 'remove': ['b'], 'newest': true},"
     "{'hash': 'h:{id}', 'delete': true, 'newest': true},"
     "{'zset': 'z', 'score': {'a': 1}, 'newest': true},"
     "{'set': 's', 'include': ['a'], 'exclude': ['b'], 'newest': true},"
     "{'json': 'j', 'put': 1, 'newest': true}]",
     NULL, NULL},
    {"[{'hash': 'h:{id}', 'set': {'a': 1}, 'newest': true}, {'hash': 'h:{id}', 'add': {'n': 1}}]",
     NULL, NULL},
    {"[{'hash': 'h:{id}', 'set': {'a': 1}, 'newest': true}, {'hash': 'h:{id}', 'set_once': {'n': "
     "1}}]",
     "/on/t/1/set_once", "depends on the order"},
};

/* One case over one exchange, where anything goes, and over two. */
static void check_commute(const struct check_case *at)
{
    for (int two = 0; two < 2; two++) {
        struct faults faults = {0};
        struct buf text = {0};
        buf_printf(&text, "{'view': 'v', 'exchange': %s, 'on': {'t': %s}}",
                   two ? "['x', 'y']" : "'x'", at->actions);
        struct view *view = fixture_view("v.json", buf_text(&text), &faults);
        if (two) {
            expect_faults(view, &faults, at);
        } else {
            assert_non_null(view);
            assert_true(view_commutes(view) == !at->pointer);
            const char *why = view_order_why(view);
            if (at->pointer)
                assert_true(str_starts(str_of(why), str_of(at->pointer)) && strstr(why, ": \""));
            else
                assert_string_equal(why, "");
            view_free(view);
        }
        buf_release(&text);
    }
}

static void test_commute(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(commute_cases); i++)
        check_commute(&commute_cases[i]);
}

static struct view *one(const char *name, const char *file, const char *key)
{
    struct faults faults = {0};
    struct buf text = {0};
    struct view *view;

    buf_printf(&text,
               "{'view': '%s', 'exchange': 'shop.events', 'on': {'t': [{'hash': '%s', 'set': {'a': "
               "1}}]}}",
               name, key);
    view = fixture_view(file, buf_text(&text), &faults);
    fixture_print(&faults);
    assert_non_null(view);
    buf_release(&text);
    return view;
}

/* says NULL: the two keys may stand in two views. */
static void two_views(const char *a, const char *b, const char *says)
{
    struct view *views[] = {one("a", "a.json", a), one("b", "b.json", b)};
    struct faults faults = {0};

    views_check(views, 2, NULL, &faults);
    if (!says) {
        fixture_print(&faults);
        assert_int_equal(faults.errors, 0);
    } else {
        assert_int_equal(faults.errors, 1);
        assert_string_equal(faults.at[0].file, "b.json");
        assert_string_equal(faults.at[0].pointer, "/on/t/0/hash");
        if (!strstr(faults.at[0].text, says))
            fail_msg("\"%s\" does not say \"%s\"", faults.at[0].text, says);
    }
    view_free(views[0]);
    view_free(views[1]);
    faults_release(&faults);
}

static void test_views(void **state)
{
    (void)state;
    two_views("stock:{id}", "orders:{id}", NULL);
    two_views("stock:{id}", "stock:{id}", "starts with \"stock:\"");
    two_views("stock:{id}", "stock:hot:{id}", "\"stock:{id}\" of view \"a\" (a.json)");
    two_views("stock:hot:{id}", "stock:{id}", "starts with \"stock:\"");
    two_views("total", "totals:{id}", "starts with \"total\"");
    two_views("a:total", "a:count", NULL);
}

static void test_names_and_exchanges(void **state)
{
    struct view *views[] = {one("a", "1.json", "a:{id}"), one("a", "2.json", "b:{id}")};
    struct faults faults = {0};
    char exchange[] = "shop.event", path[] = "fanfold.json";
    struct log_config log = {.exchange = exchange};
    struct config config = {.path = path, .logs = &log, .log_count = 1};

    (void)state;
    views_check(views, 2, &config, &faults);
    assert_int_equal(faults.errors, 3);
    assert_string_equal(faults.at[0].pointer, "/exchange");
    assert_non_null(strstr(faults.at[0].text, "did you mean \"shop.event\"?"));
    assert_string_equal(faults.at[1].pointer, "/view");
    assert_non_null(strstr(faults.at[1].text, "1.json is named \"a\" too"));
    faults_release(&faults);
    faults = (struct faults){0};
    config.log_count = 0;
    views_check(views, 1, &config, &faults);
    assert_int_equal(faults.errors, 1);
    assert_non_null(strstr(faults.at[0].text, "add it to \"logs\" in fanfold.json"));
    view_free(views[0]);
    view_free(views[1]);
    faults_release(&faults);
}

/* Over a log of four partitions. by: NULL: the subject. */
static const struct recorded_case {
    const char *by, *actions, *pointer, *says;
} recorded_cases[] = {
    {NULL, "[{'hash': 'a:{/data/x}', 'add': {'n': 1}}]", NULL, NULL},
    {NULL, "[{'hash': 'a:{/data/x}', 'set': {'n': '/time'}, 'newest': true}]", NULL, NULL},
    {NULL, "[{'hash': 'a:{subject}', 'set': {'n': 1}}]", NULL, NULL},
    {NULL, "[{'hash': 'a:{/subject}:b', 'set': {'n': 1}}]", NULL, NULL},
    {NULL, "[{'hash': 'a:{/data/x}:{subject}', 'delete': true}]", NULL, NULL},
    {NULL, "[{'hash': 'a:{/data/x}', 'set': {'n': 1}}]", "/on/t/0/hash",
     "\"set\" depends on the order of events, and the events of x are divided among 4 partitions, "
     "which have no common order; let the key, \"a:{/data/x}\", contain {/subject}"},
    {NULL, "[{'list': 'l', 'push': '/subject'}]", "/on/t/0/list", "\"push\" depends"},
    {NULL, "[{'hash': 'a:{/subject/x}', 'set': {'n': 1}}]", "/on/t/0/hash", "\"set\" depends"},
    {NULL, "[{'each': '/data/l', 'do': [{'hash': 'a:{./subject}', 'set': {'n': 1}}]}]",
     "/on/t/0/do/0/hash", "\"set\" depends"},
    {NULL,
     "[{'with': {'r': {'hash': 'a:{id}'}}, 'hash': 'b:{id}', 'add': {'n': '@r/n'}},"
     "{'hash': 'a:{id}', 'add': {'n': 1}}]",
     "/on/t/0/with/r", "\"with\" reads what earlier events wrote, and the events of x"},
    {NULL,
     "[{'with': {'r': {'hash': 'a:{subject}'}}, 'hash': 'b:{id}', 'add': {'n': '@r/n'}},"
     "{'hash': 'a:{subject}', 'add': {'n': 1}}]",
     NULL, NULL},
    {"/data/x", "[{'hash': 'a:{/data/x}', 'set': {'n': 1}}]", NULL, NULL},
    {"/data/a~1b/c~0d", "[{'hash': 'a:{/data/a~1b/c~0d}', 'set': {'n': 1}}]", NULL, NULL},
    {"/data/x", "[{'hash': 'a:{/data/x/y}', 'set': {'n': 1}}]", "/on/t/0/hash", "{/data/x}"},
    {"/data/x/y", "[{'hash': 'a:{/data/x}', 'set': {'n': 1}}]", "/on/t/0/hash", "{/data/x/y}"},
    {"/data/x", "[{'hash': 'a:{subject}', 'set': {'n': 1}}]", "/on/t/0/hash", "{/data/x}"},
    {"/data/at", "[{'hash': 'a:{/data/at:day}', 'set': {'n': 1}}]", "/on/t/0/hash", "{/data/at}"},
};

static void check_recorded(const struct recorded_case *at, int partitions)
{
    struct faults faults = {0};
    struct buf text = {0};
    struct log_config log = {
        .exchange = (char *)"x", .partitions = partitions, .partition_by = (char *)at->by};
    const struct config config = {.path = (char *)"fanfold.json", .logs = &log, .log_count = 1};
    buf_printf(&text, "{'view': 'v', 'exchange': 'x', 'on': {'t': %s}}", at->actions);
    struct view *view = fixture_view("v.json", buf_text(&text), &faults);
    assert_non_null(view);
    views_check(&view, 1, &config, &faults);
    bool wrong = at->pointer && partitions > 1;
    assert_int_equal(faults.errors, wrong);
    if (wrong) {
        assert_string_equal(faults.at[0].pointer, at->pointer);
        assert_non_null(strstr(faults.at[0].text, at->says));
    }
    view_free(view);
    faults_release(&faults);
    buf_release(&text);
}

static void test_recorded(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(recorded_cases); i++) {
        check_recorded(&recorded_cases[i], 4);
        check_recorded(&recorded_cases[i], 1);
    }
}

/* As large a view as can be read is too large to be stored. */
static void test_size(void **state)
{
    (void)state;
    struct log_config logs[] = {{.exchange = (char *)"x"}};
    const struct config config = {.path = (char *)"fanfold.json", .logs = logs, .log_count = 1};
    const size_t sizes[] = {JSONFILE_MAX - 80 * 1024, JSONFILE_MAX - 60 * 1024};
    for (size_t i = 0; i < 2; i++) {
        struct buf text = {0};
        struct faults faults = {0};
        buf_add(&text, STR("{\"view\":\"v\",\"exchange\":\"x\",\"on\":{\"t\":[{\"json\":\"j\","
                           "\"put\":{\"literal\":\""));
        for (size_t k = 0; k < sizes[i]; k++)
            buf_add_byte(&text, 'x');
        buf_add(&text, STR("\"}}]}}"));
        struct view *view = view_parse("v.json", buf_str(&text), &faults);
        assert_non_null(view);
        views_check(&view, 1, &config, &faults);
        assert_int_equal(faults.errors, i);
        view_free(view);
        faults_release(&faults);
        buf_release(&text);
    }
}

static struct view *in_targets(const char *targets)
{
    struct faults faults = {0};
    struct buf text = {0};

    buf_printf(&text,
               "{'view': 'v', 'exchange': 'x', %s 'on': {'t': [{'counter': 'c', 'add': 1}]}}",
               targets);
    struct view *view = fixture_view("v.json", buf_text(&text), &faults);
    fixture_print(&faults);
    assert_non_null(view);
    buf_release(&text);
    return view;
}

static void expect_target_fault(struct view *view, const struct config *config, const char *text)
{
    struct faults faults = {0};

    views_check(&view, 1, config, &faults);
    assert_int_equal(faults.errors, text ? 1 : 0);
    if (text) {
        assert_string_equal(faults.at[0].pointer, "/targets/1");
        assert_string_equal(faults.at[0].text, text);
    }
    faults_release(&faults);
}

static void test_targets(void **state)
{
    char exchange[] = "x", path[] = "fanfold.json", paris[] = "paris", rome[] = "rome";
    struct log_config log = {.exchange = exchange};
    struct redis_target named[] = {{.name = paris}, {.name = rome}};
    struct config config = {
        .path = path, .logs = &log, .log_count = 1, .targets = {.at = named, .count = 2}};
    struct view *all = in_targets(""), *both = in_targets("'targets': ['paris', 'rome'],");
    struct view *wrong = in_targets("'targets': ['paris', 'rom'],");

    (void)state;
    assert_true(view_is_in(all, "paris") && view_is_in(all, "anywhere"));
    assert_true(view_is_in(both, "paris") && view_is_in(both, "rome"));
    assert_false(view_is_in(both, "pari"));
    assert_int_equal(view_target_count(both), 2);
    assert_string_equal(view_target(both, 1), "rome");
    expect_target_fault(all, &config, NULL);
    expect_target_fault(both, &config, NULL);
    expect_target_fault(wrong, &config,
                        "there is no target \"rom\" in fanfold.json; did you mean \"rome\"?");
    expect_target_fault(both, NULL, NULL);
    config.targets.count = 1;
    expect_target_fault(both, &config,
                        "there is no target \"rome\" in fanfold.json; it is one of paris");
    config.targets.count = 0;
    expect_target_fault(all, &config, NULL);
    view_free(all);
    view_free(both);
    view_free(wrong);
}

static void test_targets_without_names(void **state)
{
    char exchange[] = "x", path[] = "fanfold.json";
    struct log_config log = {.exchange = exchange};
    struct config config = {.path = path, .logs = &log, .log_count = 1};
    struct view *view = in_targets("'targets': ['paris'],");
    struct faults faults = {0};

    (void)state;
    views_check(&view, 1, &config, &faults);
    assert_int_equal(faults.errors, 1);
    assert_string_equal(faults.at[0].text, "there is no target \"paris\" in fanfold.json; it names "
                                           "only one, by \"redis\"");
    view_free(view);
    faults_release(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_keep),
        cmocka_unit_test(test_expire),
        cmocka_unit_test(test_newest),
        cmocka_unit_test(test_commute),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_names_and_exchanges),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_recorded),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_targets_without_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
