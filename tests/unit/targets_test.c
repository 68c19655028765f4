/*
 * targets_test.c: "targets" of a configuration: what is refused, where, and with which remedy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/jsonfile.h"
#include "base/targets.h"

#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#define LONG_NAME       "a234567890123456789012345678901234567890123456789012345678901234"

/* targets: the value of the member, in single quotes. */
static bool read_text(const char *value, struct targets *targets, struct faults *faults)
{
    struct buf text = {0};
    buf_printf(&text, "{\"targets\": %s}", value);
    for (char *c = (char *)buf_text(&text); *c; c++)
        if (*c == '\'')
            *c = '"';
    cJSON *root = jsonfile_parse("f.json", buf_str(&text), faults);
    assert_non_null(root);
    bool found = targets_read(root, "f.json", targets, faults);
    cJSON_Delete(root);
    buf_release(&text);
    return found;
}

static void what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *value, *pointer, *says;
    } cases[] = {
        {"[]", "/targets", "an object with a target at least"},
        {"'redis://a'", "/targets", "{\"paris\": \"redis://…\"}"},
        {"{}", "/targets", "a target at least"},
        {"{'about': 'x'}", "/targets", "a target at least"},
        {"{'a': 7}", "/targets/a", "an address in quotes"},
        {"{'a': {'redis': 'redis://h'}}", "/targets/a", "an address in quotes"},
        {"{'a': 'amqp://h'}", "/targets/a", "does not begin with redis://"},
        {"{'a': 'rediss://u:hunter2@h'}", "/targets/a", "stunnel"},
        {"{'': 'redis://h'}", "/targets/", "1 to 64 characters"},
        {"{'Paris': 'redis://h'}", "/targets/Paris", "a-z 0-9 . _ -"},
        {"{'-a': 'redis://h'}", "/targets/-a", "begins with a letter or digit"},
        {"{'../a': 'redis://h'}", "/targets/..~1a", "begins with a letter or digit"},
        {"{'" LONG_NAME "5': 'redis://h'}", "/targets/" LONG_NAME "5", "1 to 64 characters"},
        {"{'a': 'redis://h', 'b': 'redis://u:p@H:6379/0'}", "/targets/b",
         "is the same Redis as \"a\""},
        {"{'a': 'redis+unix:///s', 'b': 'redis+unix:///s?db=0'}", "/targets/b",
         "the same Redis as \"a\""},
        {"{'a0':'redis://h/0','a1':'redis://h/1','a2':'redis://h/2','a3':'redis://h/3',"
         "'a4':'redis://h/4','a5':'redis://h/5','a6':'redis://h/6','a7':'redis://h/7',"
         "'a8':'redis://h/8','a9':'redis://h/9','b0':'redis://i/0','b1':'redis://i/1',"
         "'b2':'redis://i/2','b3':'redis://i/3','b4':'redis://i/4','b5':'redis://i/5',"
         "'b6':'redis://i/6'}",
         "/targets", "has 17 targets; at most 16"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct targets targets = {0};
        struct faults faults = {0};
        assert_true(read_text(cases[i].value, &targets, &faults));
        if (faults.errors != 1)
            fail_msg("%s: %zu faults", cases[i].value, faults.errors);
        assert_string_equal(faults.at[0].file, "f.json");
        assert_string_equal(faults.at[0].pointer, cases[i].pointer);
        if (!strstr(faults.at[0].text, cases[i].says) || strstr(faults.at[0].text, "hunter2"))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].value, faults.at[0].text,
                     cases[i].says);
        targets_release(&targets);
        faults_release(&faults);
    }
}

static void what_is_taken(void **state)
{
    (void)state;
    struct targets targets = {0};
    struct faults faults = {0};
    struct buf text = {0};
    assert_false(read_text("null", &targets, &faults));
    assert_true(read_text("{'about': 'two', '" LONG_NAME "': 'redis://h/0', 'b.c_d-9': "
                          "'redis://h/1', 'unix': 'redis+unix:///s', 'port': 'redis://h:7000/0'}",
                          &targets, &faults));
    assert_int_equal(faults.errors, 0);
    assert_int_equal(targets.count, 4);
    assert_string_equal(targets_find(&targets, LONG_NAME)->uri.host, "h");
    assert_int_equal(targets_find(&targets, "b.c_d-9")->uri.db, 1);
    assert_string_equal(targets_find(&targets, "unix")->uri.path, "/s");
    assert_null(targets_find(&targets, "about"));
    targets_suggest(&targets, "prt", &text);
    assert_string_equal(buf_text(&text), "did you mean \"port\"?");
    buf_clear(&text);
    targets_suggest(&targets, "elsewhere", &text);
    assert_string_equal(buf_text(&text), "it is one of " LONG_NAME ", b.c_d-9, unix, port");
    buf_release(&text);
    targets_release(&targets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(what_is_taken),
    };
    return cmocka_run_group_tests_name("targets", tests, NULL, NULL);
}
