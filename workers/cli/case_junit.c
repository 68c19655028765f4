/*
 * case_junit.c: JUnit's XML. There is no standard; written is what all its readers agree on.
 */
#include "cli/case_report.h"

#include <errno.h>
#include <stdlib.h>

/* The length of a character that XML 1.0 has no place for (C0 but tab and line ends, U+FFFE,
 * U+FFFF); 0: it has. The text is UTF-8. */
static size_t unwritable(struct str text)
{
    unsigned char c = (unsigned char)text.at[0];
    if (c < 0x20)
        return c != '\t' && c != '\n' && c != '\r';
    bool last = str_starts(text, STR("\xef\xbf\xbe")) || str_starts(text, STR("\xef\xbf\xbf"));
    return last ? 3 : 0;
}

static void add_text(struct buf *out, struct str text)
{
    for (size_t i = 0, bad; i < text.len; i += bad ? bad : 1) {
        char c = text.at[i];
        bad = unwritable(str_from(text, i));
        if (bad)
            buf_add(out, STR("\xef\xbf\xbd"));
        else if (c == '&')
            buf_add(out, STR("&amp;"));
        else if (c == '<')
            buf_add(out, STR("&lt;"));
        else if (c == '>')
            buf_add(out, STR("&gt;"));
        else if (c == '"')
            buf_add(out, STR("&quot;"));
        else
            buf_add_byte(out, c);
    }
}

static void add_attribute(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, " %s=\"", name);
    add_text(out, str_of(text));
    buf_add_byte(out, '"');
}

/* "as given, split": the kinds of runs that failed. */
static void add_failure(struct buf *out, const struct case_result *result)
{
    struct buf kinds = {0};
    char *text = NULL;
    size_t len = 0;
    FILE *memory = open_memstream(&text, &len);
    for (int kind = 0; kind < CASE_KIND_COUNT; kind++)
        if (result->findings[kind].failed)
            buf_printf(&kinds, "%s%s", kinds.len ? ", " : "", case_kind_names[kind]);
    if (memory) {
        case_result_print(memory, result);
        fclose(memory);
    }
    buf_add(out, STR("      <failure"));
    add_attribute(out, "message", buf_text(&kinds));
    buf_add(out, STR(">"));
    add_text(out, (struct str){text, text ? len : 0});
    buf_add(out, STR("</failure>\n"));
    buf_release(&kinds);
    free(text);
}

static void add_not_run(struct buf *out, const struct case_result *result)
{
    struct buf text = {0};
    for (int kind = 0; kind < CASE_KIND_COUNT; kind++)
        if (result->findings[kind].not_run)
            buf_printf(&text, "not %s: %s\n", case_kind_names[kind],
                       result->findings[kind].not_run);
    if (text.len) {
        buf_add(out, STR("      <system-out>"));
        add_text(out, buf_str(&text));
        buf_add(out, STR("</system-out>\n"));
    }
    buf_release(&text);
}

void junit_case(struct junit *junit, const struct case_file *file, const struct case_result *result)
{
    junit->count++;
    junit->failed += !result->good;
    buf_add(&junit->cases, STR("    <testcase"));
    add_attribute(&junit->cases, "classname", view_name(file->view));
    add_attribute(&junit->cases, "name", result->test->name);
    buf_add(&junit->cases, STR(">\n"));
    if (!result->good)
        add_failure(&junit->cases, result);
    add_not_run(&junit->cases, result);
    buf_add(&junit->cases, STR("    </testcase>\n"));
}

static void add_counts(struct buf *out, size_t count, size_t failed)
{
    buf_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\">\n", count, failed);
}

void junit_suite(struct junit *junit, const struct case_file *file)
{
    buf_add(&junit->suites, STR("  <testsuite"));
    add_attribute(&junit->suites, "name", file->path);
    add_counts(&junit->suites, junit->count, junit->failed);
    buf_add(&junit->suites, buf_str(&junit->cases));
    buf_add(&junit->suites, STR("  </testsuite>\n"));
    junit->all += junit->count;
    junit->all_failed += junit->failed;
    junit->count = junit->failed = 0;
    buf_clear(&junit->cases);
}

bool junit_write(const struct junit *junit, const char *path, struct error *error)
{
    struct buf text = {0};
    buf_add(&text, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"fanfold\""));
    add_counts(&text, junit->all, junit->all_failed);
    buf_add(&text, buf_str(&junit->suites));
    buf_add(&text, STR("</testsuites>\n"));
    FILE *file = fopen(path, "we");
    bool good = file && fwrite(text.at, 1, text.len, file) == text.len;
    good = file && fclose(file) == 0 && good;
    buf_release(&text);
    return good || error_set(error, ERROR_CONFIG, "cannot write %s: %s", path, strerror(errno));
}

void junit_release(struct junit *junit)
{
    buf_release(&junit->suites);
    buf_release(&junit->cases);
}
