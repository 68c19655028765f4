/* view_with_test.c: "with": what it refuses, what its rows look like, and how it asks for them. */
#include "view_fixture.h"

/* Actions that make the families h: s: c: j: the view's own; they never run here. */
#define NEVER "'if': {'/data/never': 1}, "
#define OWN                                            \
    "{" NEVER "'hash': 'h:{id}', 'set': {'{id}': 1}}," \
    "{" NEVER "'set': 's:{id}', 'include': ['x']},"    \
    "{" NEVER "'counter': 'c:{id}', 'add': 1},"        \
    "{" NEVER "'json': 'j:{id}', 'put': 1},"           \
    "{" NEVER "'zset': 'z:{id}', 'add': {'m': 1}},"    \
    "{" NEVER "'hash': 'e:{time:day}', 'set': {'a': 1}, 'expire': '1d'}"

struct fault_case {
    const char *action, *pointer, *says;
};

/* The action under test is /on/t/0. */
static const struct fault_case fault_cases[] = {
    {"{'with': 'h:{type}', 'do': [{'counter': 'c:{type}', 'add': 1}]}", "/with",
     "takes {name: {structure"},
    {"{'with': {}, 'do': [{'counter': 'c:{type}', 'add': 1}]}", "/with", "found an empty object"},
    {"{'with': {'R': {'hash': 'h:{type}'}}, 'do': [{'counter': 'c:{type}', 'add': 1}]}", "/with/R",
     "no name for a row"},
    {"{'with': {'r': 'h:{type}'}, 'do': [{'counter': 'c:{type}', 'add': 1}]}", "/with/r",
     "a row to read is {structure: key}"},
    {"{'with': {'r': {'hash': 'h:{type}', 'set': 's:{type}'}}, 'do': [{'counter': 'c:{type}', "
     "'add': 1}]}",
     "/with/r", "a row to read is {structure: key}"},
    {"{'with': {'r': {'hush': 'h:{type}'}}, 'do': [{'counter': 'c:{type}', 'add': 1}]}", "/with/r",
     "a row to read is {structure: key}"},
    {"{'with': {'r': {'zset': 'z:{type}'}}, 'do': [{'counter': 'c:{type}', 'add': '@r'}]}",
     "/with/r/zset", "reads a hash, a set, a counter or a json, not a zset"},
    {"{'with': {'r': {'hash': '/subject'}}, 'do': [{'counter': 'c:{type}', 'add': '@r/a'}]}",
     "/with/r/hash", "names are texts"},
    {"{'with': {'r': {'hash': 'other:{id}'}}, 'do': [{'counter': 'c:{type}', 'add': '@r/a'}]}",
     "/with/r", "no action of this view writes a hash \"other:{id}\""},
    {"{'with': {'r': {'set': 'h:{id}'}}, 'do': [{'counter': 'c:{type}', 'add': '@r'}]}", "/with/r",
     "its set keys are: \"s:{id}\""},
    {"{'with': {'r': {'hash': 'e:{time:day}'}}, 'do': [{'counter': 'c:{type}', 'add': '@r/a'}]}",
     "/with/r", "depends on the clock"},
    /* names nest, and none sees its neighbours */
    {"{'counter': 'c:{type}', 'add': '@r/a'}", "/add",
     "no \"with\" around it reads one of that name"},
    {"{'counter': 'c:{type}', 'add': '@'}", "/add", "points into a row \"\""},
    {"{'hash': 'h:{@r/x}', 'set': {'a': 1}}", "/hash", "points into a row \"r\""},
    {"{'with': {'r': {'hash': 'h:{type}'}}, 'do': [{'counter': 'c:{type}', 'add': '@q/a'}]}",
     "/do/0/add", "of that name: there is @r"},
    {"{'with': {'a': {'hash': 'h:{type}'}, 'b': {'hash': 'h:{@a/x}'}}, 'counter': 'c:{type}', "
     "'add': '@b/a'}",
     "/with/b/hash", "points into a row \"a\""},
    {"{'with': {'r': {'hash': 'h:{type}'}}, 'do': [{'with': {'r': {'set': 's:{type}'}}, 'counter': "
     "'c:{type}', "
     "'add': '@r/a'}]}",
     "/do/0/with/r", "a row \"r\" already"},
};

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(fault_cases); i++) {
        struct faults faults = {0};
        struct buf text = {0}, pointer = {0};
        bool found = false;
        buf_printf(&text, "[%s,%s]", fault_cases[i].action, OWN);
        buf_printf(&pointer, "/on/t/0%s", fault_cases[i].pointer);
        struct view *view = fixture_actions(buf_text(&text), &faults);
        assert_null(view);
        for (size_t k = 0; k < faults.count; k++)
            found |= strcmp(faults.at[k].pointer, buf_text(&pointer)) == 0 &&
                     strstr(faults.at[k].text, fault_cases[i].says);
        if (!found) {
            fixture_print(&faults);
            fail_msg("%s: no fault at %s says \"%s\"", fault_cases[i].action, buf_text(&pointer),
                     fault_cases[i].says);
        }
        faults_release(&faults);
        buf_release(&text);
        buf_release(&pointer);
    }
}

static void a_view_that_reads_does_not_commute(void **state)
{
    (void)state;
    static const char *const actions =
        "{'with': {'r': {'counter': 'c:{id}'}}, 'if': {'@r': {'lt': 3}}, 'counter': 'c:{id}', "
        "'add': 1}";
    struct faults faults = {0};
    struct buf text = {0};
    buf_printf(&text, "[%s]", actions);
    struct view *view = fixture_actions(buf_text(&text), &faults);
    assert_non_null(view);
    assert_true(view_reads(view) && !view_commutes(view));
    assert_string_equal(view_order_why(view),
                        "/on/t/0/with/r: \"with\" reads what earlier events wrote");
    view_free(view);

    buf_clear(&text);
    buf_printf(&text, "{'view': 'v', 'exchange': ['x', 'y'], 'on': {'t': [%s]}}", actions);
    assert_null(fixture_view("v.json", buf_text(&text), &faults));
    assert_int_equal(faults.errors, 1);
    assert_string_equal(faults.at[0].pointer, "/on/t/0/with/r");
    assert_non_null(strstr(faults.at[0].text, "no common order"));
    faults_release(&faults);

    view =
        fixture_actions("[{'with': {'r': {'counter': 'c'}}, 'counter': 'c', 'add': 1}]", &faults);
    assert_non_null(view);
    assert_non_null(strstr(faults.at[0].text, "nothing uses @r"));
    view_free(view);
    faults_release(&faults);
    buf_release(&text);
}

/* rows: "h:1={'a':'1'}", each on a line; a row without "=" is too large. rounds: of reading. */
struct with_case {
    const char *action, *data, *rows, *changes;
    int rounds;
};

static const struct with_case with_cases[] = {
    /* what each structure is */
    {"{'with': {'r': {'hash': 'h:{subject}'}}, 'json': 'j:{type}', 'put': '@r'}", "{}",
     "h:S={'a':'1','b':'x'}", "j j:t put {\"a\":\"1\",\"b\":\"x\"}", 1},
    {"{'with': {'r': {'set': 's:{subject}'}}, 'json': 'j:{type}', 'put': '@r'}", "{}",
     "s:S=['a','b']", "j j:t put [\"a\",\"b\"]", 1},
    {"{'with': {'r': {'counter': 'c:{subject}'}}, 'json': 'j:{type}', 'put': '@r'}", "{}", "c:S=12",
     "j j:t put 12", 1},
    {"{'with': {'r': {'json': 'j:{subject}'}}, 'json': 'j:{type}', 'put': '@r/l/1'}", "{}",
     "j:S={'l':[1,{'k':2}]}", "j j:t put {\"k\":2}", 1},
    /* where @r may stand */
    {"{'with': {'r': {'hash': 'h:{subject}'}}, 'hash': 'h:{@r/k}', 'set': {'f{@r/k}': '{@r/k}!', "
     "'g': '@r/k'}}",
     "{}", "h:S={'k':'7'}", "h h:7 set f7=7!; h h:7 set g=7", 1},
    {"{'with': {'r': {'hash': 'h:{subject}'}}, 'if': {'@r/k': {'gt': 5}, '/data/n': {'lt': "
     "'@r/k'}}, 'counter': 'c:{type}', 'add': {'sum': ['@r/k', {'negate': '/data/n'}]}}",
     "{'n': 6}", "h:S={'k':'7'}", "c c:t add! 1", 1},
    {"{'with': {'r': {'hash': 'h:{subject}'}}, 'counter': 'c:{type}', 'add': {'at': '@r/none', "
     "'default': 3}}",
     "{}", "h:S={'k':'7'}", "c c:t add! 3", 1},
    {"{'with': {'r': {'hash': 'h:{subject}'}}, 'each': '@r', 'do': [{'hash': 'h:{key}', 'set': "
     "{'v': "
     "'.', 'w': '@r/a'}}]}",
     "{}", "h:S={'a':'1','b':'2'}", "h h:a set v=1; h h:a set w=1; h h:b set v=2; h h:b set w=1",
     1},
    /* nothing */
    {"{'with': {'r': {'hash': 'h:{subject}'}}, 'each': '@r', 'do': [{'counter': 'c:{type}', 'add': "
     "1}]}",
     "{}", "", "park: each: @r is missing", 1},
    {"{'with': {'r': {'hash': 'h:{subject}'}}, 'each': '@r?', 'do': [{'counter': 'c:{type}', "
     "'add': "
     "1}]}",
     "{}", "", "", 1},
    {"{'with': {'r': {'hash': 'h:{subject}'}}, 'hash': 'h:{type}', 'set': {'a': '@r/k?', 'b': 1}}",
     "{}", "h:S={'x':'1'}", "h h:t set b=1", 1},
    {"{'with': {'r': {'hash': 'h:{subject}'}}, 'if': {'@r': {'exists': false}}, 'hash': "
     "'h:{type}', "
     "'set': {'a': 1}}",
     "{}", "", "h h:t set a=1", 1},
    {"{'with': {'r': {'hash': 'h:{/data/k?}'}}, 'hash': 'h:{type}', 'set': {'a': {'at': '@r/x', "
     "'default': 1}}}",
     "{}", "", "", 0},
    {"{'with': {'r': {'hash': 'h:{/data/k}'}}, 'hash': 'h:{type}', 'set': {'a': '@r/x'}}", "{}", "",
     "park: /on/t/0: hash h:{type}, with r: /data/k is missing", 0},
    /* one key, one read; several names, one round; a key from a row, two */
    {"{'with': {'a': {'hash': 'h:{subject}'}, 'b': {'set': 's:{type}'}}, 'do': [{'json': "
     "'j:{type}', 'put': "
     "{'object': {'a': '@a/x', 'b': '@b/0'}}}]}",
     "{}", "h:S={'x':'1'}\ns:t=['m']", "j j:t put {\"a\":\"1\",\"b\":\"m\"}", 1},
    {"{'with': {'c': {'hash': 'h:{subject}'}}, 'do': [{'with': {'s': {'set': 's:{@c/to}'}}, "
     "'each': "
     "'@s', 'do': [{'with': {'m': {'counter': 'c:{.}'}}, 'counter': 'c:{type}', 'add': '@m'}]}]}",
     "{}", "h:S={'to':'9'}\ns:9=['a','b']\nc:a=5\nc:b=-2", "c c:t add! 5; c c:t add! -2", 3},
    {"{'each': '/data/l', 'do': [{'with': {'r': {'hash': 'h:{.}'}}, 'counter': 'c:{type}', 'add': "
     "'@r/n'}]}",
     "{'l': ['p', 'q', 'p']}", "h:p={'n':'1'}\nh:q={'n':'2'}",
     "c c:t add! 1; c c:t add! 2; c c:t add! 1", 1},
    /* as it stood before the event, whatever the event itself changes */
    {"{'each': '/data/l', 'do': [{'with': {'r': {'counter': 'c:{type}'}}, 'counter': 'c:{type}', "
     "'add': "
     "'@r'}]}",
     "{'l': [1, 2]}", "c:t=8", "c c:t add! 8; c c:t add! 8", 1},
    /* rows come before a reason to park */
    {"{'with': {'r': {'hash': 'h:{subject}'}}, 'counter': 'c:{type}', 'add': '@r/n'}, {'counter': "
     "'c:{type}', 'add': '/data/none'}",
     "{}", "h:S={'n':'x'}", "park: @r/n is \"x\", not a number", 1},
    {"{'with': {'r': {'hash': 'h:{subject}'}}, 'counter': 'c:{type}', 'add': '@r/n'}", "{}", "h:S",
     "park: with r: h:S has more than 10000 entries or 1 MB", 1},
};

struct known {
    const char *rows;
    struct buf names, text; /* "\nkey\n" of those that were asked for */
};

static struct row look(void *arg, const struct row_name *name)
{
    struct known *known = arg;
    struct buf wanted = {0};
    struct row row = {.state = ROW_UNREAD};
    buf_printf(&wanted, "\n%.*s\n", STRF(name->key));
    bool asked = strstr(buf_text(&known->names), buf_text(&wanted));
    buf_release(&wanted);
    for (const char *line = known->rows; asked; line = strchr(line, '\n') + 1) {
        struct str at = {line, strcspn(line, "\n")};
        row.state = ROW_ABSENT;
        if (str_eq(at, name->key))
            row.state = ROW_LARGE;
        if (str_starts(at, name->key) && at.len > name->key.len && at.at[name->key.len] == '=')
            row = (struct row){ROW_THERE, str_from(at, name->key.len + 1)};
        if (row.state != ROW_ABSENT || !strchr(line, '\n'))
            break;
    }
    return row;
}

static const char line_format[] =
    "{'specversion': '1.0', 'id': 'e1', 'source': '/s', 'type': 't', 'subject': 'S', "
    "'time': '2026-01-31T09:05:07Z', 'data': %s}";

/* Folds it until it wants no more rows; `rounds` says how often it wanted some. */
static enum fold_result fold_cold(const struct view *view, const char *data, const char *rows,
                                  struct changes *changes, struct error *why, int *rounds)
{
    char *json = fixture_json(rows);
    struct known known = {.rows = json};
    struct row_source source = {.look = look, .arg = &known};
    struct buf line = {0};
    enum fold_result result;
    buf_printf(&line, line_format, data);
    *rounds = 0;
    while ((result = fixture_fold_rows(view, &source, buf_text(&line), changes, why)) ==
           FOLD_READ) {
        assert_int_equal(changes->count, 0);
        assert_true(source.unread.count > 0);
        for (size_t i = 0; i < source.unread.count; i++)
            buf_printf(&known.names, "\n%.*s\n", STRF(source.unread.at[i].key));
        row_list_clear(&source.unread);
        assert_true(++*rounds < 20);
    }
    row_list_release(&source.unread);
    buf_release(&known.names);
    buf_release(&line);
    free(json);
    return result;
}

static void run_case(const struct with_case *at)
{
    struct faults faults = {0};
    struct changes changes = {0};
    struct error why = {0};
    struct buf text = {0}, shown = {0};
    int rounds;
    buf_printf(&text, "[%s,%s]", at->action, OWN);
    struct view *view = fixture_actions(buf_text(&text), &faults);
    fixture_print(&faults);
    if (!view)
        fail_msg("%s does not compile", at->action);
    if (fold_cold(view, at->data, at->rows, &changes, &why, &rounds) == FOLD_PARK) {
        if (strncmp(at->changes, "park: ", 6) != 0 || !strstr(why.text, at->changes + 6))
            fail_msg("%s\n  expected %s\n  parks    %s", at->action, at->changes, why.text);
        assert_int_equal(changes.count, 0);
    } else {
        fixture_show(&shown, &changes, 0);
        if (strcmp(at->changes, buf_text(&shown)) != 0)
            fail_msg("%s\n  expected %s\n  found    %s", at->action, at->changes, buf_text(&shown));
    }
    if (rounds != at->rounds)
        fail_msg("%s: %d rounds, not %d", at->action, rounds, at->rounds);
    view_free(view);
    changes_release(&changes);
    faults_release(&faults);
    buf_release(&text);
    buf_release(&shown);
}

static void rows_are_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(with_cases); i++)
        run_case(&with_cases[i]);
}

static struct view *each_line(void)
{
    struct faults faults = {0};
    struct view *view = fixture_actions("[{'each': '/data', 'do': [{'with': {'r': {'counter': "
                                        "'c:{.}'}}, 'counter': 'c:{.}', 'add': "
                                        "'@r?'}]}]",
                                        &faults);
    fixture_print(&faults);
    assert_non_null(view);
    return view;
}

static void an_event_reads_so_many_rows(void **state)
{
    (void)state;
    struct view *view = each_line();
    for (int count = 1000; count <= 1001; count++) {
        struct buf data = {0};
        struct changes changes = {0};
        struct error why = {0};
        int rounds;
        buf_add(&data, STR("[0"));
        for (int i = 1; i < count; i++)
            buf_printf(&data, ",%d", i);
        buf_add(&data, STR("]"));
        enum fold_result result = fold_cold(view, buf_text(&data), "", &changes, &why, &rounds);
        assert_int_equal(result, count == 1000 ? FOLD_DONE : FOLD_PARK);
        if (result == FOLD_PARK)
            assert_non_null(strstr(why.text, "reads more than 1000 rows"));
        buf_release(&data);
        changes_release(&changes);
    }
    view_free(view);
}

static void an_event_reads_so_many_bytes(void **state)
{
    (void)state;
    struct faults faults = {0};
    struct view *view = fixture_actions("[{'each': '/data', 'do': [{'with': {'r': {'json': "
                                        "'j:{.}'}}, 'if': {'@r/0': 'no'}, 'json': "
                                        "'j:{.}', 'put': 1}]}]",
                                        &faults);
    assert_non_null(view);
    for (int count = 4; count <= 5; count++) {
        struct buf rows = {0};
        struct changes changes = {0};
        struct error why = {0};
        int rounds;
        for (int i = 0; i < count; i++) {
            buf_printf(&rows, "%sj:%d=['", i ? "\n" : "", i);
            memset(buf_room(&rows, 1000000), 'x', 1000000);
            rows.len += 1000000;
            buf_add(&rows, STR("']"));
        }
        enum fold_result result = fold_cold(view, count == 4 ? "[0,1,2,3]" : "[0,1,2,3,4]",
                                            buf_text(&rows), &changes, &why, &rounds);
        assert_int_equal(result, count == 4 ? FOLD_DONE : FOLD_PARK);
        if (result == FOLD_PARK)
            assert_non_null(strstr(why.text, "more than 4 MB of rows"));
        buf_release(&rows);
        changes_release(&changes);
    }
    view_free(view);
    faults_release(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses),
        cmocka_unit_test(a_view_that_reads_does_not_commute),
        cmocka_unit_test(rows_are_values),
        cmocka_unit_test(an_event_reads_so_many_rows),
        cmocka_unit_test(an_event_reads_so_many_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
