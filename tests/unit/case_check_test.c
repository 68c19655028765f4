/*
 * case_check_test.c: the runs of a case. The linker wraps three functions (CMakeLists.txt), so that
 * a test can break what each kind of run looks after and see it found, by that kind and no other.
 */
#include "view_fixture.h"

#include "cli/case_check.h"
#include "event/window.h"
#include "worker/batcher.h"
#include <sys/stat.h>
#include <unistd.h>

static bool window_is_blind, batch_is_endless, order_is_denied;

enum window_answer __real_window_see(struct window *, uint64_t, struct hash128, uint64_t);
enum window_answer __wrap_window_see(struct window *, uint64_t, struct hash128, uint64_t);
bool __real_batcher_must_send(const struct batcher *);
bool __wrap_batcher_must_send(const struct batcher *);
bool __real_view_commutes(const struct view *);
bool __wrap_view_commutes(const struct view *);

enum window_answer __wrap_window_see(struct window *window, uint64_t offset, struct hash128 key,
                                     uint64_t content)
{
    return window_is_blind ? WINDOW_NEW : __real_window_see(window, offset, key, content);
}

bool __wrap_batcher_must_send(const struct batcher *batcher)
{
    return !batch_is_endless && __real_batcher_must_send(batcher);
}

bool __wrap_view_commutes(const struct view *view)
{
    return order_is_denied || __real_view_commutes(view);
}

static void write_file(const char *name, const char *text)
{
    char *json = fixture_json(text);
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(json, file);
    assert_int_equal(fclose(file), 0);
    free(json);
}

static int set_up(void **state)
{
    static char folder[] = "/tmp/fanfold-check-XXXXXX";
    *state = folder;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    unlink("v.json");
    unlink("v.cases.json");
    return chdir("/") || rmdir(*state);
}

/* One case of a view over one exchange. shown: what case_result_print() says, in single quotes;
 * kinds: which kinds of runs must fail, a bit each. */
static void check_view(const char *members, const char *given, const char *expect, unsigned kinds,
                       const char *shown)
{
    struct buf view = {0}, cases = {0};
    struct faults faults = {0};
    struct case_file file;
    struct case_result result;
    char *text = NULL, *wanted = fixture_json(shown);
    size_t len = 0;
    unsigned failed = 0;
    buf_printf(&view, "{'view': 'v', %s}", members);
    buf_printf(&cases, "{'cases': [{'name': 'c', 'given': %s, 'expect': {%s}}]}", given, expect);
    write_file("v.json", buf_text(&view));
    write_file("v.cases.json", buf_text(&cases));
    bool loaded = case_file_load("v.cases.json", &file, &faults);
    fixture_print(&faults);
    assert_true(loaded);
    case_check(&file, &file.cases[0], &result);
    for (unsigned kind = 0; kind < CASE_KIND_COUNT; kind++) {
        failed |= result.findings[kind].failed ? 1U << kind : 0;
        if (result.findings[kind].not_run)
            assert_int_equal(result.findings[kind].runs, 0);
    }
    assert_true(result.good == !failed);
    FILE *memory = open_memstream(&text, &len);
    case_result_print(memory, &result);
    fclose(memory);
    if (failed != kinds || strcmp(text, wanted) != 0)
        fail_msg("%s\n%s\nfailed: %x, expected %x\n%s\nexpected\n%s", members, given, failed, kinds,
                 text, wanted);
    case_result_release(&result);
    case_file_release(&file);
    buf_release(&view);
    buf_release(&cases);
    free(text);
    free(wanted);
}

#define ON(actions) "'exchange': 'x', 'on': {'t': " actions "}"
#define E(id, n)    "{'type': 't', 'id': '" id "', 'subject': '" id "', 'data': {'n': " n "}}"
#define ADD         ON("[{'hash': 'h:{subject}', 'add': {'n': '/data/n'}}]")
#define WITH                                                                                  \
    ON("[{'with': {'r': {'hash': 'h'}}, 'hash': 'h', 'set': {'all': '{@r/all?}{/data/n}'}}, " \
       "{'hash': 'h', 'set_once': {'all': '{/data/n}'}}]")
#define SET ON("[{'hash': 'h', 'set': {'n': '/data/n'}}]")

static void test_good(void **state)
{
    (void)state;
    check_view(ADD, "[" E("a", "1") "," E("b", "2") "," E("a", "1") "]",
               "'rows': {'h:a': {'n': '1'}, 'h:b': {'n': '2'}}", 0, "");
    check_view(ADD, "[]", "'rows': {}", 0, "");
    check_view(SET, "[" E("a", "1") "," E("b", "2") "]", "'rows': {'h': {'n': '2'}}", 0, "");
    check_view(WITH, "[" E("a", "1") "," E("b", "2") "," E("c", "3") "]",
               "'rows': {'h': {'all': '123'}}", 0, "");
}

static void test_what_differs(void **state)
{
    (void)state;
    check_view(
        ADD, "[" E("a", "1") "," E("b", "2") "," E("c", "'x'") "]",
        "'rows': {'h:a': {'n': '3', 'm': '1'}, 'h:z': {'n': '1'}}, 'parked': {'q': 'no'}", 1,
        "as given (expected → found):\n"
        "wrong h:a\n  m: '1' → nothing\n  n: '3' → '1'\n"
        "not expected h:b  {'n':'2'}\n"
        "missing h:z  {'n':'1'}\n"
        "wrong parked events\n"
        "  q: 'no' → nothing\n"
        "  c: nothing → '/on/t/0: hash h:{subject}, add n: /data/n is \\'x\\', not a number'\n");
    check_view(ON("[{'zset': 'z', 'max': {'{subject}': '/data/n'}}]"),
               "[" E("a", "1") "," E("b", "2") "," E("c", "3") "]",
               "'rows': {'z': [['c', 3], ['b', 1], ['a', 1]]}", 1,
               "as given (expected → found):\nwrong z\n  - ['b',1]\n  + ['b',2]\n");
}

static void test_parked(void **state)
{
    (void)state;
    const char *given = "[" E("a", "'x'") "," E("a", "'y'") "," E("b", "'z'") "]";
    check_view(ADD, given, "'rows': {}, 'parked': {'a': 'id reused', 'b': ''}", 0, "");
    check_view(ADD, given, "'rows': {}, 'parked': {'a': 'number; and id reused', 'b': 'z'}", 0, "");
}

/* Reasons are those of the script in Redis. */
static void test_totals_without_room(void **state)
{
    (void)state;
    static const char *const views[][2] = {
        {ON("[{'hash': 'h', 'add': {'n': '/data/n'}}]"), "field n of h"},
        {ON("[{'zset': 'h', 'add': {'m': '/data/n'}}]"), "the score of m of h"},
        {ON("[{'counter': 'h', 'add': '/data/n'}]"), "the value of h"},
    };
    static const char *const rows[] = {"{'n': '9007199254740991'}", "[['m', 9007199254740991]]",
                                       "9007199254740991"};
    for (size_t i = 0; i < 3; i++) {
        char expect[200];
        snprintf(expect, sizeof expect,
                 "'rows': {'h': %s}, 'parked': {'b': '%s is 9007199254740991; adding 5'}", rows[i],
                 views[i][1]);
        check_view(views[i][0], "[" E("a", "9007199254740991") "," E("b", "5") "]", expect, 0, "");
    }
}

static void test_expire(void **state)
{
    (void)state;
    const char *view = ON("[{'counter': 'c:{time:day}', 'add': 1, 'expire': '1d'}]");
    const char *given = "[{'type': 't', 'time': '2026-01-31T09:00:00Z'}]";
    check_view(view, given, "'rows': {'c:2026-01-31': 1}", 0, "");
    check_view(view, given,
               "'rows': {'c:2026-01-31': 1}, 'expire': {'c:2026-01-31': '2026-02-02T00:00:00Z'}", 0,
               "");
    check_view(view, given, "'rows': {'c:2026-01-31': 1}, 'expire': {}", 1,
               "as given (expected → found):\nwrong expiry of rows\n"
               "  c:2026-01-31: nothing → '2026-02-02T00:00:00.000Z'\n");
}

/* Which event a total refuses, and what is in before a stop, depends on the order and on batches.
 */
static void test_what_is_not_varied(void **state)
{
    (void)state;
    check_view(ADD,
               "[" E("a", "9007199254740992") ",{'type': 't', 'subject': 'a', 'data': {'n': 1}}]",
               "'rows': {'h:a': {'n': '9007199254740992'}}, 'parked': {'event-2': '2^53'}", 0, "");
    check_view("'on_error': 'stop', " ADD, "[" E("a", "1") "," E("b", "'x'") "," E("c", "1") "]",
               "'rows': {'h:a': {'n': '1'}}, 'stops': 'not a number'", 0, "");
    check_view(
        "'on_error': 'stop', " ADD, "[" E("b", "'x'") "]", "'rows': {}", 1,
        "as given (expected → found):\nnot expected stop of the view  "
        "'event b at offset 0 cannot be folded: /on/t/0: hash h:{subject}, add n: /data/n is "
        "\\'x\\', not a number'\n");
    check_view(ADD, "[]", "'rows': {}, 'stops': 'never'", 1,
               "as given (expected → found):\nmissing stop of the view  'never'\n");
}

/* By partition, then by offset: so they are divided in order. */
static void test_newest_at_equal_times(void **state)
{
    (void)state;
    check_view(ON("[{'hash': 'h', 'newest': true, 'set': {'n': '/data/n'}}]"),
               "[{'type': 't', 'time': '2026-01-31T09:00:00Z', 'data': {'n': 1}},"
               "{'type': 't', 'time': '2026-01-31T09:00:00Z', 'data': {'n': 2}},"
               "{'type': 't', 'time': '2026-01-31T08:00:00Z', 'data': {'n': 3}}]",
               "'rows': {'h': {'n': '2'}}", 0, "");
}

static void test_exchanges(void **state)
{
    (void)state;
    check_view("'exchange': ['x', 'y'], 'on': {'t': [{'counter': 'c', 'add': '/data/n'}]}",
               "{'y': [" E("a", "1") "," E("b", "2") "], 'x': [" E("a", "1") "]}",
               "'rows': {'c': 4}", 0, "");
}

static void test_a_blind_window_is_found(void **state)
{
    (void)state;
    window_is_blind = true;
    check_view(ADD, "[" E("a", "1") "]", "'rows': {'h:a': {'n': '1'}}", 1 << CASE_DUPLICATED,
               "each event twice in a row (as given → found):\n"
               "wrong h:a\n  n: '1' → '2'\n"
               "and so, or otherwise, in 1 more of 2 runs\n");
    window_is_blind = false;
}

static void test_a_stale_read_is_found(void **state)
{
    (void)state;
    batch_is_endless = true;
    check_view(WITH, "[" E("a", "1") "," E("b", "2") "," E("c", "3") "]",
               "'rows': {'h': {'all': '123'}}", 1 << CASE_SPLIT,
               "in one batch (as given → found):\n"
               "wrong h\n  all: '123' → '1'\n"
               "and so, or otherwise, in 2 more of 3 runs\n");
    batch_is_endless = false;
}

static void test_an_order_that_matters_is_found(void **state)
{
    (void)state;
    order_is_denied = true;
    check_view(SET, "[" E("a", "1") "," E("b", "2") "]", "'rows': {'h': {'n': '2'}}",
               1 << CASE_INTERLEAVED,
               "in 2 partitions, the last first (as given → found):\n"
               "wrong h\n  n: '2' → '1'\n"
               "and so, or otherwise, in 1 more of 5 runs\n");
    order_is_denied = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_what_differs),
        cmocka_unit_test(test_parked),
        cmocka_unit_test(test_totals_without_room),
        cmocka_unit_test(test_expire),
        cmocka_unit_test(test_what_is_not_varied),
        cmocka_unit_test(test_newest_at_equal_times),
        cmocka_unit_test(test_exchanges),
        cmocka_unit_test(test_a_blind_window_is_found),
        cmocka_unit_test(test_a_stale_read_is_found),
        cmocka_unit_test(test_an_order_that_matters_is_found),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
