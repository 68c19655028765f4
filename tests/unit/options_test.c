/*
 * options_test.c: the command line: what is accepted, what is refused with which words, and that
 * each command's table is sound.
 */
#include "cli/command.h"
#include "cli/lines.h"
#include "cli/near.h"
#include "cli/pretty.h"
#include "cli/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const struct option own[] = {
    {'e', "exchange", "EXCHANGE", "", NULL},
    {'n', "count", "N", "", NULL},
    {0, "budget", "SIZE", "", NULL},
    {'H', "header", "NAME=VALUE", "", NULL},
    {'x', "strict", NULL, "", NULL},
    {'y', "json", NULL, "", NULL},
    {0},
};
static const struct option *const tables[] = {own, command_options, NULL};

#define WORDS_MAX 16

/* Words up to the NULL at the end. */
static bool parse(struct options *options, struct error *error, ...)
{
    const char *words[WORDS_MAX];
    int count = 0;
    va_list list;
    va_start(list, error);
    for (const char *word; count < WORDS_MAX && (word = va_arg(list, const char *));)
        words[count++] = word;
    va_end(list);
    *options = (struct options){0};
    return options_parse(options, tables, count, words, error);
}

static void accepts_every_spelling(void **state)
{
    (void)state;
    struct options options;
    struct error error;
    assert_true(parse(&options, &error, "a", "-e", "one", "--exchange=two", "-xy", "-Hk=v", "-",
                      "--header", "l=w", "--", "-n", NULL));
    assert_string_equal(options_text(&options, "exchange"), "two");
    assert_true(options_has(&options, "strict"));
    assert_true(options_has(&options, "json"));
    assert_false(options_has(&options, "count"));
    size_t cursor = 0;
    assert_string_equal(options_next(&options, "header", &cursor), "k=v");
    assert_string_equal(options_next(&options, "header", &cursor), "l=w");
    assert_null(options_next(&options, "header", &cursor));
    assert_int_equal(options.arg_count, 3);
    assert_string_equal(options.args[0], "a");
    assert_string_equal(options.args[1], "-");
    assert_string_equal(options.args[2], "-n");
    options_release(&options);
}

static void takes_an_empty_value(void **state)
{
    (void)state;
    struct options options;
    struct error error;
    assert_true(parse(&options, &error, "--exchange=", NULL));
    assert_string_equal(options_text(&options, "exchange"), "");
    assert_true(str_is(options_str(&options, "exchange")));
    assert_false(str_is(options_str(&options, "count")));
    options_release(&options);
}

static void refuse(const char *word, const char *expected)
{
    struct options options;
    struct error error;
    assert_false(parse(&options, &error, word, NULL));
    assert_int_equal(error.kind, ERROR_USAGE);
    if (!strstr(error.text, expected))
        fail_msg("\"%s\" says \"%s\", not \"%s\"", word, error.text, expected);
    options_release(&options);
}

static void refuses_with_a_remedy(void **state)
{
    (void)state;
    refuse("--exchnge=x", "unknown option --exchnge; did you mean --exchange?");
    refuse("--confg=x", "did you mean --config?");
    refuse("-z", "unknown option -z");
    refuse("-xz", "unknown option -z");
    refuse("--strict=1", "--strict takes no value");
    refuse("--exchange", "--exchange needs a value: --exchange EXCHANGE");
    refuse("-xe", "-e needs a value: -e EXCHANGE");
}

static void leading_options_end_at_the_command(void **state)
{
    (void)state;
    static const char *const words[] = {"--config", "f.json", "try", "--help"};
    const struct option *const leading[] = {leading_options, NULL};
    struct options options = {0};
    struct error error;
    int used;
    assert_true(options_parse_leading(&options, leading, 4, words, &used, &error));
    assert_int_equal(used, 2);
    assert_string_equal(options_text(&options, "config"), "f.json");
    assert_false(options_has(&options, "help"));
    options_release(&options);
}

static void a_later_config_wins(void **state)
{
    (void)state;
    static const char *const words[] = {"--config=one"}, *const more[] = {"--config=two"};
    const struct option *const leading[] = {leading_options, NULL};
    struct options options = {0};
    struct error error;
    int used;
    assert_true(options_parse_leading(&options, leading, 1, words, &used, &error));
    assert_true(options_parse(&options, tables, 1, more, &error));
    assert_string_equal(options_text(&options, "config"), "two");
    options_release(&options);
}

static bool read_size(const char *text, uint64_t *value)
{
    struct options options;
    struct error error;
    assert_true(parse(&options, &error, "--budget", text, NULL));
    bool good = options_size(&options, "budget", 1024, value, &error);
    if (!good)
        assert_int_equal(error.kind, ERROR_USAGE);
    options_release(&options);
    return good;
}

static void reads_sizes(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",     "M",   "-1", "64X", "64MB", "1023", "99999999999999999999", "99999999999G",
        "1.5G", " 64M"};
    uint64_t value = 7;
    assert_true(read_size("64M", &value));
    assert_int_equal(value, 64 * 1024 * 1024);
    assert_true(read_size("2g", &value));
    assert_int_equal(value, (uint64_t)2 << 30);
    assert_true(read_size("1024", &value));
    assert_int_equal(value, 1024);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        value = 7;
        assert_false(read_size(bad[i], &value));
        assert_int_equal(value, 7);
    }
}

static void reads_counts(void **state)
{
    (void)state;
    static const char *const bad[] = {"0", "-3", "x", "3x", "", "18446744073709551616"};
    struct options options;
    struct error error;
    uint64_t value = 7;
    assert_true(parse(&options, &error, "-n", "12", NULL));
    assert_true(options_count(&options, "count", 1, &value, &error));
    assert_int_equal(value, 12);
    options_release(&options);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_true(parse(&options, &error, "-n", bad[i], NULL));
        assert_false(options_count(&options, "count", 1, &value, &error));
        assert_int_equal(error.kind, ERROR_USAGE);
        options_release(&options);
    }
    assert_true(parse(&options, &error, NULL));
    assert_true(options_count(&options, "count", 1, &value, &error));
    assert_int_equal(value, 12);
    options_release(&options);
}

static void check_table(const char *command, const struct option *table, const struct option *other)
{
    for (const struct option *a = table; a->name; a++) {
        assert_true(a->help && a->help[0]);
        for (const struct option *b = a + 1; b->name; b++)
            if (strcmp(a->name, b->name) == 0 || (a->letter && a->letter == b->letter))
                fail_msg("%s: --%s and --%s are alike", command, a->name, b->name);
        for (const struct option *b = other; b->name; b++)
            if (strcmp(a->name, b->name) == 0 || (a->letter && a->letter == b->letter))
                fail_msg("%s: --%s is every command's --%s", command, a->name, b->name);
    }
}

static void every_command_is_described(void **state)
{
    (void)state;
    for (size_t i = 0; commands[i]; i++) {
        const struct command *command = commands[i];
        assert_non_null(command->run);
        assert_true(command->summary[0] && command->about[0] &&
                    strstr(command->examples, "fanfold"));
        assert_ptr_equal(command_find(command->name), command);
        check_table(command->name, command->options, command_options);
    }
    assert_null(command_find("publis"));
}

/* What fn prints, as a text to free. */
static char *printed(void (*fn)(FILE *out, const void *arg), const void *arg)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    fn(out, arg);
    fclose(out);
    return text;
}

static void print_help(FILE *out, const void *command)
{
    command_help(out, command);
}

static void help_names_every_option(void **state)
{
    (void)state;
    for (size_t i = 0; commands[i]; i++) {
        char *help = printed(print_help, commands[i]);
        for (const struct option *o = commands[i]->options; o->name; o++) {
            char name[64];
            snprintf(name, sizeof name, "--%s", o->name);
            if (!strstr(help, name))
                fail_msg("fanfold %s --help lacks %s", commands[i]->name, name);
        }
        assert_non_null(strstr(help, "--config FILE"));
        free(help);
    }
}

static struct lines lines_of(const char *text, size_t len)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, len), len);
    close(ends[1]);
    return (struct lines){.fd = ends[0]};
}

static void expect_line(struct lines *lines, const char *expected, uint64_t number)
{
    struct str line;
    assert_int_equal(lines_next(lines, &line), LINE_OK);
    assert_true(str_eq(line, str_of(expected)));
    assert_int_equal(lines->number, number);
}

static void lines_are_counted_and_cut(void **state)
{
    (void)state;
    static const char text[] = "\xef\xbb\xbfone\r\n\n  \t\ntwo\n\r\nthree";
    struct lines lines = lines_of(text, sizeof text - 1);
    struct str line;
    expect_line(&lines, "one", 1);
    expect_line(&lines, "two", 4);
    expect_line(&lines, "three", 6);
    assert_int_equal(lines_next(&lines, &line), LINE_END);
    assert_int_equal(lines_next(&lines, &line), LINE_END);
    assert_int_equal(lines.bytes, sizeof text - 1);
    close(lines.fd);
    lines_release(&lines);
}

static void a_line_that_is_too_long_is_passed_over(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    fputs("before\n", file);
    for (int i = 0; i < LINE_MAX_BYTES + 1; i++)
        putc('x', file);
    fputs("\nafter\n", file);
    for (int i = 0; i < LINE_MAX_BYTES + 1; i++)
        putc('y', file);
    rewind(file);
    struct lines lines = {.fd = fileno(file)};
    struct str line;
    expect_line(&lines, "before", 1);
    assert_int_equal(lines_next(&lines, &line), LINE_TOO_LONG);
    assert_int_equal(lines.number, 2);
    expect_line(&lines, "after", 3);
    assert_int_equal(lines_next(&lines, &line), LINE_TOO_LONG);
    assert_int_equal(lines.number, 4);
    assert_int_equal(lines_next(&lines, &line), LINE_END);
    assert_true(lines.buf.cap < 3u * LINE_MAX_BYTES);
    lines_release(&lines);
    fclose(file);
}

static void a_stop_ends_the_reading(void **state)
{
    (void)state;
    int ends[2], stop = 1;
    assert_int_equal(pipe(ends), 0);
    struct lines lines = {.fd = ends[0], .stop = &stop};
    struct str line;
    assert_int_equal(lines_next(&lines, &line), LINE_STOPPED);
    close(ends[0]);
    close(ends[1]);
    lines_release(&lines);
}

struct shown {
    struct str text;
    size_t max, pad;
};

static void print_shown(FILE *out, const void *arg)
{
    const struct shown *shown = arg;
    terminal_print(out, shown->text, shown->max, shown->pad);
}

static void expect_shown(struct shown shown, const char *expected)
{
    char *text = printed(print_shown, &shown);
    assert_string_equal(text, expected);
    free(text);
}

static void the_terminal_is_not_steered(void **state)
{
    (void)state;
    expect_shown((struct shown){STR("a\033[31mb\a\x7f"), 0, 0}, "a?[31mb??");
    expect_shown((struct shown){STR("\xc2\x9b"
                                    "31m"),
                                0, 0},
                 "??31m");
    expect_shown((struct shown){STR("\xff\xe2\x82"), 0, 0}, "???");
    expect_shown((struct shown){STR("line\nbreak\t."), 0, 0}, "line break .");
    expect_shown((struct shown){STR("größe"), 5, 7}, "größe  ");
    expect_shown((struct shown){STR("größer"), 5, 7}, "größ…  ");
    assert_int_equal(terminal_columns(STR("€uro")), 4);
}

static void expect_pretty(const char *json, const char *expected)
{
    struct buf out = {0};
    pretty_json(&out, str_of(json));
    assert_string_equal(buf_text(&out), expected);
    buf_release(&out);
}

static void pretty_json_keeps_its_tokens(void **state)
{
    (void)state;
    expect_pretty("{\"a\":\"{\\\"x\\\": [1,2]}\",\"b\":{}}",
                  "{\n  \"a\": \"{\\\"x\\\": [1,2]}\",\n  \"b\": {}\n}");
    expect_pretty("[[\"A\",12345678901234567890],[\"B\",1.50]]",
                  "[\n  [\"A\", 12345678901234567890],\n  [\"B\", 1.50]\n]");
    expect_pretty("3", "3");
}

static void near_keys_come_first(void **state)
{
    (void)state;
    static const char *const keys[] = {"stock:zebra",  "stock:pear",  "stock:Apple",
                                       "stock:apples", "stock:grape", "stock:apricot",
                                       "stock:ape"};
    struct near near = {.wanted = STR("stock:aple")};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        near_offer(&near, str_of(keys[i]));
    assert_int_equal(near.count, NEAR_MAX);
    assert_string_equal(near.keys[0], "stock:Apple");
    assert_string_equal(near.keys[1], "stock:ape");
    assert_string_equal(near.keys[2], "stock:apples");
    near_release(&near);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_every_spelling),
        cmocka_unit_test(takes_an_empty_value),
        cmocka_unit_test(refuses_with_a_remedy),
        cmocka_unit_test(leading_options_end_at_the_command),
        cmocka_unit_test(a_later_config_wins),
        cmocka_unit_test(reads_sizes),
        cmocka_unit_test(reads_counts),
        cmocka_unit_test(every_command_is_described),
        cmocka_unit_test(help_names_every_option),
        cmocka_unit_test(lines_are_counted_and_cut),
        cmocka_unit_test(a_line_that_is_too_long_is_passed_over),
        cmocka_unit_test(a_stop_ends_the_reading),
        cmocka_unit_test(the_terminal_is_not_steered),
        cmocka_unit_test(pretty_json_keeps_its_tokens),
        cmocka_unit_test(near_keys_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
