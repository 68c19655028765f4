/*
 * definition_test.c: what decides a fold, as one text and back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "worker/definition.h"
#include <string.h>

#define ADDS "\"on\":{\"t\":[{\"counter\":\"c:{subject}\",\"add\":1}]}"
#define SETS "\"on\":{\"t\":[{\"hash\":\"h:{subject}\",\"set\":{\"a\":\"/data/a\",\"n\":1e3}}]}"

static struct log_config logs[] = {{.exchange = (char *)"x", .partitions = 1, .dedupe_window = 10},
                                   {.exchange = (char *)"y", .partitions = 1, .dedupe_window = 20}};
static const struct config config = {.logs = logs, .log_count = 2};

static struct definition *make(const char *members)
{
    char text[512];
    struct faults faults = {0};
    snprintf(text, sizeof text, "{\"view\":\"v\",%s}", members);
    struct view *view = view_parse("v.json", str_of(text), &faults);
    faults_print(&faults, stderr);
    assert_non_null(view);
    struct definition *definition = definition_of(view, &config);
    view_free(view);
    return definition;
}

#define RULES "[{\"default\":{\"/data/a\":1},\"type\":\"t\"}]"

/* Of the exchange x. */
static void read_upcast(const char *text)
{
    struct faults faults = {0};
    cJSON *rules = cJSON_Parse(text);
    assert_true(upcast_rules_read(rules, "f.json", "", &logs[0].upcast, &faults));
    cJSON_Delete(rules);
}

/* "[[…]]" */
static char *nested(size_t levels)
{
    struct buf text = {0};
    for (size_t i = 0; i < levels; i++)
        buf_add_byte(&text, '[');
    for (size_t i = 0; i < levels; i++)
        buf_add_byte(&text, ']');
    return (char *)buf_text(&text);
}

/* What the view and the rules may at most hold can be stored and read again. */
static void as_deep_as_is_allowed(void **state)
{
    (void)state;
    for (size_t levels = 50; levels <= JSON_DEPTH_MAX; levels++) {
        char *value = nested(levels);
        struct buf rules = {0}, view_text = {0};
        struct faults faults = {0};
        buf_printf(&rules, "[{\"type\":\"t\",\"default\":{\"/data/a\":%s}}]", value);
        cJSON *array = cJSON_Parse(buf_text(&rules));
        assert_int_equal(upcast_rules_read(array, "f.json", "", &logs[0].upcast, &faults),
                         levels <= JSON_DEPTH_MAX - 6);
        if (logs[0].upcast.count)
            definition_drop(make("\"exchange\":\"x\"," ADDS));
        upcast_rules_release(&logs[0].upcast);
        cJSON_Delete(array);
        buf_printf(&view_text,
                   "{\"view\":\"v\",\"exchange\":\"x\",\"on\":{\"t\":[{\"json\":\"j:{subject}\","
                   "\"put\":{\"literal\":%s}}]}}",
                   value);
        struct view *view = view_parse("v.json", buf_str(&view_text), &faults);
        assert_int_equal(view != NULL, levels <= JSON_DEPTH_MAX - 6);
        if (view)
            definition_drop(definition_of(view, &config));
        view_free(view);
        faults_release(&faults);
        buf_release(&rules);
        buf_release(&view_text);
        free(value);
    }
}

static bool same(const char *a, const char *b)
{
    struct definition *x = make(a), *y = make(b);
    bool equal = strcmp(x->digest, y->digest) == 0;
    definition_drop(x);
    definition_drop(y);
    return equal;
}

static void what_decides_the_fold(void **state)
{
    (void)state;
    const char *adds = "\"exchange\":\"x\"," ADDS, *sets = "\"exchange\":\"x\"," SETS;
    assert_true(same(adds, "\"about\":\"else\"," ADDS ", /* a comment */ \"exchange\":\"x\""));
    assert_true(same(adds, "\"targets\":[\"paris\",\"rome\"]," ADDS ",\"exchange\":\"x\""));
    assert_false(same(adds, sets));
    assert_false(same(adds, "\"exchange\":\"y\"," ADDS));
    assert_false(same(adds, "\"exchange\":[\"x\",\"y\"]," ADDS));
    struct definition *before = make(adds);
    logs[0].dedupe_window = 11;
    struct definition *after = make(adds);
    assert_string_not_equal(before->digest, after->digest);
    logs[0].dedupe_window = 10;
    definition_drop(after);
    logs[0].read.type = (char *)"/data/t";
    after = make(adds);
    assert_string_not_equal(before->digest, after->digest);
    logs[0].read.type = NULL;
    definition_drop(after);
    /* Without an upcast nothing is said of it: views of before go on. */
    assert_null(strstr(before->text, "upcast"));
    assert_string_equal(before->digest, "1062ec29c0764270");
    read_upcast(RULES);
    after = make(adds);
    assert_non_null(strstr(after->text, "\"read\":{},\"upcast\":" RULES "}]"));
    assert_string_not_equal(before->digest, after->digest);
    upcast_rules_release(&logs[0].upcast);
    definition_drop(after);
    definition_drop(before);
}

static void reads_back_what_it_wrote(void **state)
{
    (void)state;
    static const char *const members[] = {"\"exchange\":\"x\"," SETS,
                                          "\"exchange\":[\"y\",\"x\"]," ADDS};
    read_upcast(RULES);
    logs[1].read = (struct read_rules){.type = (char *)"/data/\"t\"", .time = (char *)"/data/at"};
    for (size_t i = 0; i < 2; i++) {
        struct faults faults = {0};
        struct definition *a = make(members[i]);
        struct definition *b = definition_parse("v.json", str_of(a->text), &faults);
        assert_non_null(b);
        assert_string_equal(a->text, b->text);
        assert_string_equal(a->digest, b->digest);
        assert_int_equal(a->log_count, b->log_count);
        assert_string_equal(b->logs[0].exchange, i ? "y" : "x");
        assert_int_equal(b->logs[0].dedupe_window, i ? 20 : 10);
        assert_int_equal(b->logs[i].upcast.count, 1);
        assert_true(b->logs[i].upcast.digest == logs[0].upcast.digest);
        definition_drop(a);
        definition_drop(b);
    }
    logs[1].read = (struct read_rules){0};
    upcast_rules_release(&logs[0].upcast);
}

static void refuses_what_is_none(void **state)
{
    (void)state;
    read_upcast(RULES);
    struct definition *good = make("\"exchange\":\"x\"," ADDS);
    upcast_rules_release(&logs[0].upcast);
    static const struct {
        const char *from, *to, *fault;
    } cases[] = {
        {"\"semantics\":1", "\"semantics\":2", "semantics 2"},
        {"\"semantics\":1", "\"semantics\":{}", "not a definition"},
        {"\"exchange\":\"x\",\"read\"", "\"exchange\":\"z\",\"read\"", "how the logs are read"},
        {"\"dedupe_window\":10", "\"dedupe_window\":-1", "how the logs are read"},
        {"\"/data/a\"", "\"/a\"", "is not inside"},
        {"\"add\":1", "\"ad\":1", "add"},
        {"{\"logs\"", "[{\"logs\"", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024];
        const char *at = strstr(good->text, cases[i].from);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good->text), good->text, cases[i].to,
                 at + strlen(cases[i].from));
        struct faults faults = {0};
        assert_null(definition_parse("v.json", str_of(text), &faults));
        assert_true(faults.count > 0);
        assert_non_null(strstr(faults.at[0].text, cases[i].fault));
        faults_release(&faults);
    }
    definition_drop(good);
}

static void epochs(void **state)
{
    (void)state;
    char epoch[EPOCH_MAX];
    struct definition *definition = make("\"exchange\":\"x\"," ADDS);
    definition_epoch(definition, 12, epoch);
    assert_int_equal(epoch_generation(epoch), 12);
    assert_string_equal(epoch_digest(epoch), definition->digest);
    assert_string_equal(epoch_digest(""), "");
    definition_drop(definition);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_decides_the_fold),
        cmocka_unit_test(reads_back_what_it_wrote),
        cmocka_unit_test(as_deep_as_is_allowed),
        cmocka_unit_test(refuses_what_is_none),
        cmocka_unit_test(epochs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
