/*
 * plugin_test.c: folds in C (fanfold/fold.h). What a plugin may do, and that whatever else it tries
 * ends as a fault of its view file or as a parked event.
 */
#include "view_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Everything that hostile.so may write. */
#define ROWS                                                                            \
    "[{'hash': 'h:{x}', 'set': true, 'set_once': true, 'max': true, 'min': true, "      \
    "  'remove': true}, {'hash': 'sum:{x}', 'add': true, 'subtract': true}, "           \
    " {'counter': 'total', 'add': true, 'subtract': true}, "                            \
    " {'zset': 'z:{x}', 'score': true, 'add': true, 'subtract': true, 'max': true, "    \
    "  'min': true, 'remove': true}, {'zset': 'top:{time:day}', 'max': true, "          \
    "  'keep': 3, 'expire': '1d'}, {'set': 's:{x}', 'include': true, 'exclude': true, " \
    "  'delete': true}, {'list': 'l:{x}', 'push': true, 'keep': 2, 'delete': true}, "   \
    " {'hll': 'u:{x}', 'count': true}, {'json': 'j:{x}', 'put': true}, "                \
    " {'json': 'state:{x}', 'put': true, 'expire': '1h'}]"

#define HOSTILE "'plugin': 'hostile.so', 'on': ['t'], 'rows': " ROWS

/* A folder with a view file and, as links, all plugins of the build. */
static char folder[] = "/tmp/fanfold-plugin-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[300];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(in_folder(name), "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* members: in single quotes, behind those that every view has. */
static struct view *load(const char *members, struct faults *faults)
{
    struct buf text = {0};
    char *json;
    struct view *view;

    buf_printf(&text, "{'view': 'v', 'exchange': 'x', %s}", members);
    json = fixture_json(buf_text(&text));
    write_file("v.json", json);
    view = view_load(in_folder("v.json"), faults);
    free(json);
    buf_release(&text);
    return view;
}

static struct view *load_good(const char *members)
{
    struct faults faults = {0};
    struct view *view = load(members, &faults);

    fixture_print(&faults);
    assert_non_null(view);
    views_check(&view, 1, NULL, &faults);
    assert_int_equal(faults.count, 0);
    faults_release(&faults);
    return view;
}

/* The view is refused, with a fault at the place that contains the text. */
static void refused(const char *members, const char *place, const char *text)
{
    struct faults faults = {0};
    bool found = false;

    assert_null(load(members, &faults));
    for (size_t i = 0; i < faults.count; i++)
        found |= strcmp(faults.at[i].pointer, place) == 0 && strstr(faults.at[i].text, text);
    if (!found) {
        fixture_print(&faults);
        fail_msg("%s: no fault at \"%s\" says \"%s\"", members, place, text);
    }
    faults_release(&faults);
}

static void folds(const struct view *view, const char *deed, const char *expected)
{
    struct buf data = {0};

    buf_printf(&data,
               "{'do': '%s', 'list': [1, 'b', {'c': true}], 'object': {'null': null, 'q': 'd'}, "
               "'null': null, 'number': 12.34, 'a/b': '7'}",
               deed);
    fold_data(view, buf_text(&data), expected, deed);
    buf_release(&data);
}

/* --- what is right ------------------------------------------------------------------------------
 */

static void test_changes(void **state)
{
    struct view *view = load_good(HOSTILE);

    (void)state;
    folds(view, "nothing", "");
    folds(view, "all",
          "h h:1 set f=v; h h:1 set_once f=; h h:1 max m=1.5; h h:1 min m=b; h h:1 remove f; "
          "h sum:1 add! f=9007199254740992; h sum:1 add! f=-3; c total add! -4; c total add! 4; "
          "z z:1 score m=0; z z:1 add m=2; z z:1 add m=-2; z z:1 max m=1000000000000000; "
          "z z:1 min m=0.1; z z:1 remove m; s s:1 include a; s s:1 exclude a\tb; l l:1 push a; "
          "l l:1 keep 2; p u:1 count a; j j:1 put {\"a\":[\"A\"],\"b\":1}; s s:1 delete");
    view_free(view);
}

/* Said in the view file, done by the host: once a row and event where that is the end of it. */
static void test_keep_and_expire(void **state)
{
    struct view *view = load_good(HOSTILE);

    (void)state;
    folds(view, "keep",
          "l l:1 push a; l l:1 push b; l l:1 keep 2; l l:2 push c; l l:2 keep 2; "
          "z top:2026-01-31 max m=7; z top:2026-01-31 max n=8; z top:2026-01-31 keep 3; "
          "z top:2026-01-31 expire 1769990400000; " /* the end of the day, and a day */
          "j state:1 put null; j state:1 expire 1769853907000");
    view_free(view);
}

static void test_reading(void **state)
{
    struct view *view = load_good(HOSTILE);

    (void)state;
    folds(view, "read",
          "l l:each push 1; l l:each push b; l l:each push {\"c\":true}; l l:each keep 2; "
          "h h:object set q=\"d\"; h h:1 set missing=no; h h:1 set null=no; "
          "h h:1 set kinds=0534; h h:1 set number=12.34; h h:1 set body=yes; "
          "h sum:1 add! scaled=1234; h sum:1 add! escaped=7; h h:1 set hour=2026-01-31T09; "
          "h h:1 set long= 1");
    view_free(view);
}

/* In any order. */
static void test_patterns(void **state)
{
    struct changes changes = {0};
    struct error why;
    struct view *view = load_good(
        "'plugin': 'whole.so', 'on': ['z', 'order.placed', 'stock.*', 'y', 'a'], 'rows': [{'hash': "
        "'h:{x}', 'set': true}]");
    static const struct {
        const char *type;
        bool folded;
    } types[] = {{"order.placed", true}, {"stock.x", true}, {"a", true},  {"y", true},  {"z", true},
                 {"order.x", false},     {"stock", false},  {"b", false}, {"yz", false}};

    (void)state;
    for (size_t i = 0; i < COUNT(types); i++) {
        struct buf line = {0};
        buf_printf(&line, "{'specversion': '1.0', 'id': '1', 'source': '/s', 'type': '%s'}",
                   types[i].type);
        assert_int_equal(view_matches(view, str_of(types[i].type)), types[i].folded);
        assert_int_equal(fixture_fold(view, buf_text(&line), &changes, &why),
                         types[i].folded ? FOLD_DONE : FOLD_IGNORED);
        buf_release(&line);
    }
    view_free(view);
    view = load_good("'plugin': 'whole.so', 'rows': [{'hash': 'h:{x}', 'set': true}]");
    assert_true(view_matches(view, STR("any")));
    assert_true(view_matches(view, STR("")));
    view_free(view);
    changes_release(&changes);
}

static void test_ignored(void **state)
{
    struct view *view = load_good(HOSTILE);
    struct changes changes = {0};
    struct error why;

    (void)state;
    assert_int_equal(fixture_fold(view,
                                  "{'specversion': '1.0', 'id': '1', 'source': '/s', 'type': 't', "
                                  "'data': {'do': 'ignore'}}",
                                  &changes, &why),
                     FOLD_IGNORED);
    assert_int_equal(changes.count, 0);
    view_free(view);
}

static uint64_t digest(const char *members)
{
    struct view *view = load_good(members);
    uint64_t value = view_digest(view);

    view_free(view);
    return value;
}

#define WHOLE_ROWS "'rows': [{'hash': 'h:{x}', 'set': true}]"

/* Definition, parameters, name and version of the plugin: all of it is one digest. */
static void test_digest(void **state)
{
    uint64_t whole = digest("'plugin': 'whole.so', " WHOLE_ROWS), other;

    (void)state;
    assert_true(digest("'rows': [{'set': true, 'about': 'a', 'hash': 'h:{x}'}], "
                       "'about': 'b', 'plugin': 'whole.so'") == whole);
    assert_true(digest("'plugin': 'whole.so', 'parameters': {}, " WHOLE_ROWS) != whole);
    assert_true(digest("'plugin': 'whole.so', 'rows': [{'hash': 'h:{x}', 'add': true}]") != whole);

    /* The same file with other code under the name of the plugin. */
    assert_int_equal(symlink(PLUGINS "/libwhole.so", in_folder("now.so")), 0);
    whole = digest("'plugin': 'now.so', " WHOLE_ROWS);
    assert_int_equal(unlink(in_folder("now.so")), 0);
    assert_int_equal(symlink(PLUGINS "/libwhole-2.so", in_folder("now.so")), 0);
    other = digest("'plugin': 'now.so', " WHOLE_ROWS);
    assert_true(other != whole);
    assert_int_equal(unlink(in_folder("now.so")), 0);
    assert_int_equal(symlink(PLUGINS "/libwhole-b.so", in_folder("now.so")), 0);
    assert_true(digest("'plugin': 'now.so', " WHOLE_ROWS) != whole);
    assert_int_equal(unlink(in_folder("now.so")), 0);
}

static void test_rows_and_commuting(void **state)
{
    struct view *view = load_good(HOSTILE);

    (void)state;
    assert_int_equal(view_row_count(view), 10);
    assert_string_equal(view_row(view, 0)->key, "h:{x}");
    assert_string_equal(view_row(view, 0)->prefix, "h:");
    assert_string_equal(view_row(view, 2)->prefix, "total");
    assert_int_equal(view_row(view, 4)->structure, STRUCTURE_ZSET);
    assert_false(view_commutes(view));
    view_free(view);
    view = load_good("'plugin': 'whole.so', 'rows': [{'hash': 'h:{x}', 'add': true, 'subtract': "
                     "true}, {'set': 's:{x}', 'include': true}]");
    assert_true(view_commutes(view));
    view_free(view);
    /* Both on one place: 5 added, then raised to 10, is not 10 with 5 added. */
    view = load_good("'plugin': 'whole.so', 'rows': [{'hash': 'h:{x}', 'add': true, 'max': true}]");
    assert_false(view_commutes(view));
    view_free(view);
}

/* Two views, two contexts, one object; each goes when its view does. */
static void test_two_views(void **state)
{
    struct view *one = load_good(HOSTILE), *two = load_good(HOSTILE);
    struct faults faults = {0};

    (void)state;
    views_check((struct view *const[]){one, two}, 2, NULL, &faults);
    assert_true(faults.errors >= 2); /* the name, and the keys */
    assert_non_null(strstr(faults.at[1].text, "belongs to one view"));
    assert_string_equal(faults.at[1].pointer, "/rows/0/hash");
    view_free(one);
    folds(two, "park", "park: hostile: order o-1 is 7 too many");
    view_free(two);
    faults_release(&faults);
}

/* --- what parks ---------------------------------------------------------------------------------
 */

static void test_what_parks(void **state)
{
    static const struct {
        const char *deed, *why;
    } cases[] = {
        {"outside", "hash_set of of-another-view:1: \"rows\" of the view file names no hash"},
        {"own keys", "hash_set of fanfold:cursor:v: \"rows\""},
        {"prefix only", "hash_set of h:: \"rows\""},
        {"more than whole", "counter_add of total:1: \"rows\""},
        {"other structure", "set_include of h:1: \"rows\" of the view file names no set"},
        {"other verb", "hash_set of sum:1: \"rows\" of the view file does not allow \"set\""},
        {"delete undeclared", "delete_row of h:1: \"rows\" of the view file does not allow"},
        {"delete outside", "delete_row of of-another-view: \"rows\""},
        {"no time in key", "zset_max of top:2026-13-31: the time in the key is none"},
        {"other shape", "zset_max of top:yesterday!: \"rows\" of the view file names no zset"},
        {"null key", "hash_set: the key is NULL"},
        {"empty key", "delete_row: the key is empty"},
        {"long key", "hash_set: the key has 2002 bytes; at most 1024"},
        {"control key", "hash_set: the key has a control character"},
        {"latin key", "hash_set: byte 6 of the key is not UTF-8"},
        {"null field", "hash_add of sum:1: the field is NULL"},
        {"null value", "list_push of l:1: the value is NULL"},
        {"latin value", "hash_set of h:1: byte 6 of the value is not UTF-8"},
        {"integer out", "hash_add of sum:1: 9007199254740993 is beyond ±2^53"},
        {"integer least", "counter_subtract of total: -9223372036854775808 is beyond"},
        {"score nan", "zset_score of z:1: the number is not finite"},
        {"score out", "zset_score of z:1: -10000000000000000 is beyond ±2^53"},
        {"max out", "hash_max of h:1: the value is 1e300, which is beyond ±2^53"},
        {"bad json", "json_put of j:1: the document is not JSON: byte 5"},
        {"json out", "json_put of j:1: the document: "},
        {"huge", "hash_set of h:1: the value has more than 64 MB"},
        {"much", "the event makes more than 64 MB of texts"},
        {"many", "hash_add of sum:1: the event makes more than 10000 changes"},
        {"format much", "the event makes more than 64 MB of texts"},
        {"format huge", "format() of \"%99999999d\" makes no text, or more than 64 MB"},
        {"read missing", "/data/no/such is missing"},
        {"read null", "./null is null"},
        {"read wrong", "/data/do is \"read wrong\", not a number"},
        {"read fraction", "/data/number is 12.34, not an integer"},
        {"read decimals", "/data/number is 12.34, which has more than 1 decimals"},
        {"read digits", "scaled() of /data/number with 99 digits; it takes 0 to 15"},
        {"read no list", "/data/number is 12.34, not a list or an object"},
        {"read no time", "/data/do is \"read no time\", not a time"},
        {"read no pointer", "\"data/do\" is no pointer"},
        {"read null pointer", "\"(null)\" is no pointer"},
        {"time out", "time_text() of 9223372036854775807 ms"},
        {"time unit", "time_text() knows no unit 77"},
        {"number infinite", "number_text(): the number is not finite"},
        {"park", "order o-1 is 7 too many"},
        {"go on", "the first reason"},
        {"park silently", "it returned FANFOLD_PARK, but gave no reason"},
        {"park null", "parked without a reason"},
        {"park dirt", "a?b ?? ?[31m?? €"},
        {"nonsense", "it returned -77, which is no result of a fold"},
        {"ignore after", "it returned FANFOLD_IGNORED, but made 1 change"},
        {"no such deed", "there is no deed \"no such deed\""},
    };
    struct view *view = load_good(HOSTILE);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf expected = {0};
        buf_printf(&expected, "park: hostile: %s", cases[i].why);
        folds(view, cases[i].deed, buf_text(&expected));
        buf_release(&expected);
    }
    view_free(view);
}

static void test_as_many_as_allowed(void **state)
{
    struct view *view = load_good(HOSTILE);
    struct changes changes = {0};
    struct error why;

    (void)state;
    assert_int_equal(fixture_fold(view,
                                  "{'specversion': '1.0', 'id': '1', 'source': '/s', 'type': 't', "
                                  "'data': {'do': 'most'}}",
                                  &changes, &why),
                     FOLD_DONE);
    assert_int_equal(changes.count, VIEW_CHANGES_MAX);
    changes_release(&changes);
    view_free(view);
}

static void test_long_reason(void **state)
{
    struct view *view = load_good(HOSTILE);
    struct changes changes = {0};
    struct error why;

    (void)state;
    assert_int_equal(fixture_fold(view,
                                  "{'specversion': '1.0', 'id': '1', 'source': '/s', 'type': 't', "
                                  "'data': {'do': 'park long'}}",
                                  &changes, &why),
                     FOLD_PARK);
    assert_true(strlen(why.text) < sizeof why.text);
    changes_release(&changes);
    view_free(view);
}

static void test_body_that_is_no_json(void **state)
{
    struct view *view = load_good(HOSTILE);
    struct cloudevent event = {.id = STR("1"),
                               .source = STR("/s"),
                               .type = STR("t"),
                               .data_bytes = STR("\x01\x02"),
                               .data_fault = STR("byte 0: \x01")};
    struct json root = {.kind = JSON_OBJECT};
    struct changes changes = {0};
    struct arena scratch = {0};
    struct error why;

    (void)state;
    event.root = &root;
    assert_int_equal(view_fold(view, &event, NULL, &changes, &scratch, &why), FOLD_PARK);
    assert_string_equal(why.text,
                        "hostile: /data/do cannot be read: the body is not JSON (byte 0: ?)");
    arena_release(&scratch);
    view_free(view);
}

/* --- what is refused ----------------------------------------------------------------------------
 */

static void test_broken_plugins(void **state)
{
    static const struct {
        const char *file, *why;
    } cases[] = {
        {"no-symbol.so", "exports no symbol fanfold_plugin"},
        {"function.so", "is no struct fanfold_plugin"},
        {"short.so", "is no struct fanfold_plugin"},
        {"abi.so", "was built for version 2 of the interface"},
        {"size.so", "has 24 bytes"},
        {"larger.so", "was built for a later version"},
        {"later.so", "was built for a later version"},
        {"name.so", "its name must have 1 to 64 characters of a-z"},
        {"no-name.so", "its name must have 1 to 64 characters of a-z"},
        {"version.so", "its version must have 1 to 64 visible"},
        {"no-version.so", "its version must have 1 to 64 visible"},
        {"no-fold.so", "it has no function fold"},
        {"text.so", "cannot load it: "},
        {"empty.so", "cannot load it: "},
        {"folder.so", "is not a file"},
        {"nowhere.so", "cannot find \"nowhere.so\" beside the view file, nor as "},
        {"loop.so", "cannot find \"loop.so\""},
        {"../v.so", "is not the name of a shared object"},
        {"/usr/lib/libm.so", "is not the name of a shared object"},
        {"libm.so.6", "is not the name of a shared object"},
        {".so", "is not the name of a shared object"},
        {"", "is not the name of a shared object"},
    };

    (void)state;
    write_file("text.so", "int main(void)\n");
    write_file("empty.so", "");
    assert_int_equal(mkdir(in_folder("folder.so"), 0700), 0);
    assert_int_equal(symlink("loop.so", in_folder("loop.so")), 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf members = {0};
        buf_printf(&members, "'plugin': '%s', " WHOLE_ROWS, cases[i].file);
        refused(buf_text(&members), "/plugin", cases[i].why);
        buf_release(&members);
    }
    refused("'plugin': 7, " WHOLE_ROWS, "/plugin", "found the number 7");
}

static void test_who_may_write_to_the_file(void **state)
{
    (void)state;
    write_file("open.so", "");
    assert_int_equal(chmod(in_folder("open.so"), 0666), 0);
    refused("'plugin': 'open.so', " WHOLE_ROWS, "/plugin", "chmod o-w ");
    if (geteuid() != 0)
        return; /* only root can give files away */
    assert_int_equal(chmod(in_folder("open.so"), 0644), 0);
    assert_int_equal(chown(in_folder("open.so"), 12345, 0), 0);
    refused("'plugin': 'open.so', " WHOLE_ROWS, "/plugin", "belongs to the user 12345");
}

static void test_init_refuses(void **state)
{
    (void)state;
    refused(HOSTILE ", 'parameters': {'refuse': 'no such band'}", "/parameters",
            "hostile refuses: no such band");
    refused(HOSTILE ", 'parameters': {'write': 1}", "/parameters",
            "hash_set: init makes no changes");
    refused(HOSTILE ", 'parameters': {'limit': 'many'}", "/parameters",
            "/limit is \"many\", not a number");
    refused(HOSTILE ", 'parameters': {'silent': 1}", "/parameters", "init returned 7");
    view_free(load_good(HOSTILE ", 'parameters': {'limit': 12}"));
}

static void test_view_files(void **state)
{
    static const struct {
        const char *members, *place, *why;
    } cases[] = {
        {"'plugin': 'whole.so'", "", "\"rows\" lists what it may write"},
        {"'plugin': 'whole.so', 'rows': []", "/rows", "found nothing of that"},
        {"'plugin': 'whole.so', 'rows': ['h:']", "/rows/0", "found the text \"h:\""},
        {"'plugin': 'whole.so', 'rows': [{'add': true}]", "/rows/0", "a row is a structure"},
        {"'plugin': 'whole.so', 'rows': [{'hash': 'a:{x}', 'list': 'b:{x}', 'push': true}]",
         "/rows/0", "two structures"},
        {"'plugin': 'whole.so', 'rows': [{'hash': 'h:{x}'}]", "/rows/0", "no verb"},
        {"'plugin': 'whole.so', 'rows': [{'hash': 'h:{x}', 'ad': true}]", "/rows/0/ad",
         "did you mean \"add\"?"},
        {"'plugin': 'whole.so', 'rows': [{'hash': 'h:{x}', 'add': {'n': 1}}]", "/rows/0/add",
         "write \"add\": true"},
        {"'plugin': 'whole.so', 'rows': [{'hash': 'h:{x}', 'add': false}]", "/rows/0/add",
         "found false"},
        {"'plugin': 'whole.so', 'rows': [{'hash': 'h:{x}', 'push': true}]", "/rows/0/push",
         "unknown verb"},
        {"'plugin': 'whole.so', 'rows': [{'hash': 'h:{x}', 'add': true, 'if': {}}]", "/rows/0/if",
         "has no place in \"rows\""},
        {"'plugin': 'whole.so', 'rows': [{'hash': '{x}', 'add': true}]", "/rows/0/hash",
         "does not start with literal text"},
        {"'plugin': 'whole.so', 'rows': [{'hash': 'h:{}', 'add': true}]", "/rows/0/hash",
         "{} without a name"},
        {"'plugin': 'whole.so', 'rows': [{'hash': 'h:{x:week}', 'add': true}]", "/rows/0/hash",
         "unknown time unit"},
        {"'plugin': 'whole.so', 'rows': [{'hash': 'fanfold:{x}', 'add': true}]", "/rows/0/hash",
         "Fanfold's own"},
        {"'plugin': 'whole.so', 'rows': [{'hash': 'h:{x}', 'add': true}, {'hash': 'h:{y}', 'set': "
         "true}]",
         "/rows/1", "stands in /rows/0 already"},
        {"'plugin': 'whole.so', 'rows': [{'hash': 'h:{x}', 'add': true}, {'set': 'h:{x}:{y}', "
         "'include': true}]",
         "/rows/1/set", "could give the same key"},
        {"'plugin': 'whole.so', 'rows': [{'zset': 'z:{x}', 'add': true, 'keep': 3}]", "/rows/0/add",
         "takes only \"max\""},
        {"'plugin': 'whole.so', 'rows': [{'zset': 'z:{x}', 'add': true, 'keep': 3, 'delete': "
         "true}]",
         "/rows/0/add", "takes only \"max\""},
        {"'plugin': 'whole.so', 'rows': [{'json': 'j:{x}', 'put': true, 'expire': '1d', 'delete': "
         "true}]",
         "/rows/0/expire", "needs this action alone"},
        {"'plugin': 'whole.so', 'rows': [{'hash': 'h:{x}', 'add': true, 'expire': '1d'}]",
         "/rows/0/expire", "without a time unit in the key"},
        {"'plugin': 'whole.so', 'rows': [{'hash': 'h:{x}:{t:day}', 'add': true, 'expire': '1d'}]",
         "/rows/0", "right behind its literal start"},
        {"'plugin': 'whole.so', 'on': {'t': []}, " WHOLE_ROWS, "/on", "lists the patterns"},
        {"'plugin': 'whole.so', 'on': [], " WHOLE_ROWS, "/on", "an empty list"},
        {"'plugin': 'whole.so', 'on': [1], " WHOLE_ROWS, "/on/0", "a pattern is a text"},
        {"'plugin': 'whole.so', 'on': ['a*'], " WHOLE_ROWS, "/on/0", "is no pattern"},
        {"'plugn': 'whole.so'", "/plugn", "did you mean \"plugin\"?"},
        {"'on': {'t': [{'hash': 'h:{id}', 'set': {'a': 1}}]}, 'rows': []", "/rows",
         "belongs to \"plugin\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        refused(cases[i].members, cases[i].place, cases[i].why);
}

static void test_several_exchanges(void **state)
{
    struct faults faults = {0};

    (void)state;
    write_file("two.json", "{\"view\": \"v\", \"exchange\": [\"a\", \"b\"], "
                           "\"plugin\": \"whole.so\", "
                           "\"rows\": [{\"hash\": \"h:{x}\", \"set\": true}]}");
    assert_null(view_load(in_folder("two.json"), &faults));
    assert_string_equal(faults.at[0].pointer, "/rows/0/set");
    assert_non_null(strstr(faults.at[0].text, "no common order"));
    faults_release(&faults);
}

/* Nothing is loaded for a text that came from elsewhere. */
static void test_from_memory(void **state)
{
    struct faults faults = {0};

    (void)state;
    assert_null(fixture_view(in_folder("v.json"),
                             "{'view': 'v', 'exchange': 'x', 'plugin': 'whole.so', " WHOLE_ROWS "}",
                             &faults));
    assert_int_equal(faults.count, 1);
    assert_non_null(strstr(faults.at[0].text, "for a view file on disk only"));
    faults_release(&faults);
}

static int make_folder(void **state)
{
    static const char *const names[] = {
        "hostile", "no-symbol", "function", "short",      "abi",     "size",  "larger",  "later",
        "name",    "no-name",   "version",  "no-version", "no-fold", "whole", "whole-2", "whole-b"};

    (void)state;
    if (!mkdtemp(folder))
        return -1;
    for (size_t i = 0; i < COUNT(names); i++) {
        char target[600], name[64];
        snprintf(target, sizeof target, "%s/lib%s.so", PLUGINS, names[i]);
        snprintf(name, sizeof name, "%s.so", names[i]);
        if (symlink(target, in_folder(name)) != 0)
            return -1;
    }
    return 0;
}

static int remove_folder(void **state)
{
    struct buf command = {0};
    int result;

    (void)state;
    buf_printf(&command, "rm -r %s", folder);
    result = system(buf_text(&command));
    buf_release(&command);
    return result;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_keep_and_expire),
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_ignored),
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_rows_and_commuting),
        cmocka_unit_test(test_two_views),
        cmocka_unit_test(test_what_parks),
        cmocka_unit_test(test_as_many_as_allowed),
        cmocka_unit_test(test_long_reason),
        cmocka_unit_test(test_body_that_is_no_json),
        cmocka_unit_test(test_broken_plugins),
        cmocka_unit_test(test_who_may_write_to_the_file),
        cmocka_unit_test(test_init_refuses),
        cmocka_unit_test(test_view_files),
        cmocka_unit_test(test_several_exchanges),
        cmocka_unit_test(test_from_memory),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
