/*
 * cases.c: reads files of cases. Events: cases_given.c.
 */
#include "cli/cases_given.h"
#include "event/upcast.h"

#include "base/timestamp.h"
#include "worker/views.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct json *member(const struct json *object, const char *name)
{
    return json_member(object, str_of(name));
}

const char *case_found(struct case_reader *reader, const struct json *node)
{
    static const char *const kinds[] = {
        [JSON_NULL] = "null",       [JSON_FALSE] = "false",   [JSON_TRUE] = "true",
        [JSON_NUMBER] = "a number", [JSON_STRING] = "a text", [JSON_ARRAY] = "a list",
        [JSON_OBJECT] = "an object"};
    if (!node)
        return "nothing";
    if (node->kind == JSON_NUMBER)
        return arena_printf(&reader->file->arena, "the number %.*s", STRF(node->text)).at;
    return kinds[node->kind];
}

void case_fault(struct case_reader *reader, const char *place, const char *format, ...)
{
    struct error text;
    va_list args;
    va_start(args, format);
    error_vset(&text, ERROR_CONFIG, format, args);
    va_end(args);
    faults_add(reader->faults, reader->file->path, place, "%s", text.text);
}

char *case_place(const char *place, struct str name)
{
    char *text = must_strndup(name.at, name.len);
    char *whole = jsonfile_pointer(place, text);
    free(text);
    return whole;
}

/* "a", "b" */
static const char *list_of(struct case_reader *reader, const char *const *names, size_t count)
{
    const char *list = "";
    for (size_t i = 0; i < count; i++)
        list = arena_printf(&reader->file->arena, "%s%s\"%s\"", list, i ? ", " : "", names[i]).at;
    return list;
}

/* A fault for each member that is not known. */
static void known(struct case_reader *reader, const char *place, const struct json *object,
                  const char *const *names, size_t count)
{
    for (const struct json *m = object->child; m; m = m->next) {
        bool found = false;
        for (size_t i = 0; i < count; i++)
            found |= str_eq(m->name, str_of(names[i]));
        if (found)
            continue;
        char *name = must_strndup(m->name.at, m->name.len), *at = case_place(place, m->name);
        const char *near = suggest(name, names, count);
        if (near)
            case_fault(reader, at, "unknown member \"%s\"; did you mean \"%s\"?", name, near);
        else
            case_fault(reader, at, "unknown member \"%s\"; known here: %s", name,
                       list_of(reader, names, count));
        free(name);
        free(at);
    }
}

static bool is_object(struct case_reader *reader, const char *place, const struct json *node,
                      const char *what)
{
    if (node && node->kind == JSON_OBJECT)
        return true;
    case_fault(reader, place, "%s, found %s", what, case_found(reader, node));
    return false;
}

/* ----------------------------------------------------------------------------------------- expect
 */

/* One entry of an object: its text. False: a fault. */
typedef bool entry_fn(struct case_reader *reader, const char *place, const struct json *value,
                      struct str *text);

static bool row_entry(struct case_reader *reader, const char *place, const struct json *value,
                      struct str *text)
{
    struct buf json = {0};
    struct error error;
    bool good = value->kind != JSON_NULL;
    if (!good)
        case_fault(reader, place, "null is no row; leave out what shall not be there");
    else if (!(good = json_canonical(&json, value, &error)))
        case_fault(reader, place, "%s", error.text);
    *text = arena_copy(&reader->file->arena, buf_str(&json));
    buf_release(&json);
    return good;
}

static bool reason_entry(struct case_reader *reader, const char *place, const struct json *value,
                         struct str *text)
{
    *text = value->text;
    if (value->kind == JSON_STRING)
        return true;
    case_fault(reader, place, "a reason, or a part of one, is a text; found %s",
               case_found(reader, value));
    return false;
}

static bool time_entry(struct case_reader *reader, const char *place, const struct json *value,
                       struct str *text)
{
    char out[TIMESTAMP_TEXT_MAX];
    int64_t ms;
    if (value->kind != JSON_STRING || !timestamp_parse(value->text, &ms)) {
        case_fault(reader, place,
                   "a row expires at a time such as \"2026-01-31T00:00:00Z\"; found %s",
                   case_found(reader, value));
        return false;
    }
    timestamp_format(ms, out);
    *text = arena_copy(&reader->file->arena, str_of(out));
    return true;
}

/* "rows", "parked" or "expire" of `expect`. */
static void pairs_read(struct case_reader *reader, const char *place, const struct json *expect,
                       const char *name, entry_fn *entry, struct case_pairs *pairs)
{
    const struct json *object = member(expect, name);
    if (!object)
        return;
    char *at = jsonfile_pointer(place, name);
    if (object->kind != JSON_OBJECT)
        case_fault(reader, at, "\"%s\" takes an object, found %s", name,
                   case_found(reader, object));
    for (const struct json *m = object->child; object->kind == JSON_OBJECT && m; m = m->next) {
        char *deep = case_place(at, m->name);
        struct str text;
        if (entry(reader, deep, m, &text))
            case_pairs_add(&reader->file->arena, pairs, m->name, text);
        free(deep);
    }
    case_pairs_sort(pairs);
    free(at);
}

static void expect_read(struct case_reader *reader, const char *place, const struct json *expect,
                        struct test_case *test)
{
    static const char *const names[] = {"rows", "parked", "expire", "stops", "about"};
    if (!is_object(reader, place, expect,
                   "\"expect\" says what comes of the events, {\"rows\": {key: row, …}}"))
        return;
    known(reader, place, expect, names, sizeof names / sizeof *names);
    pairs_read(reader, place, expect, "rows", row_entry, &test->rows);
    pairs_read(reader, place, expect, "parked", reason_entry, &test->parked);
    pairs_read(reader, place, expect, "expire", time_entry, &test->expire);
    test->has_expire = member(expect, "expire") != NULL;
    if (!member(expect, "rows"))
        case_fault(reader, place,
                   "\"rows\" is missing: {key: row, …}, all rows as `fanfold get` prints them; {} "
                   "for none");
    const struct json *stops = member(expect, "stops");
    if (!stops)
        return;
    char *at = jsonfile_pointer(place, "stops");
    reason_entry(reader, at, stops, &test->stops);
    free(at);
}

/* ------------------------------------------------------------------------------------------ cases
 */

static void name_read(struct case_reader *reader, const char *place, const struct json *name,
                      struct test_case *test)
{
    struct case_file *file = reader->file;
    test->name = "";
    if (!name || name->kind != JSON_STRING || name->text.len == 0) {
        case_fault(reader, place,
                   "a case has a \"name\", a text that says what shall happen; found %s",
                   case_found(reader, name));
        return;
    }
    test->name = arena_printf(&file->arena, "%.*s", STRF(name->text)).at;
    for (const struct test_case *other = file->cases; other != test; other++)
        if (strcmp(other->name, test->name) == 0) {
            case_fault(reader, place, "case %zu has the name \"%s\" too; give each its own",
                       (size_t)(other - file->cases) + 1, test->name);
            return;
        }
}

static void case_read(struct case_reader *reader, const char *place, const struct json *node,
                      struct test_case *test)
{
    static const char *const names[] = {"name", "given", "expect", "about"};
    *test = (struct test_case){.name = ""};
    if (!is_object(reader, place, node,
                   "a case is {\"name\": text, \"given\": [event, …], \"expect\": {…}}"))
        return;
    known(reader, place, node, names, sizeof names / sizeof *names);
    name_read(reader, place, member(node, "name"), test);
    char *at = jsonfile_pointer(place, "given");
    case_given_read(reader, at, member(node, "given"), test);
    free(at);
    at = jsonfile_pointer(place, "expect");
    expect_read(reader, at, member(node, "expect"), test);
    free(at);
}

static void cases_read(struct case_reader *reader, const struct json *root)
{
    static const char *const names[] = {"cases", "about"};
    struct case_file *file = reader->file;
    const struct json *list = member(root, "cases");
    if (!is_object(reader, "", root, "a file of cases is {\"cases\": [case, …]}"))
        return;
    known(reader, "", root, names, sizeof names / sizeof *names);
    if (!list || list->kind != JSON_ARRAY || list->count == 0) {
        case_fault(reader, "/cases",
                   "\"cases\" lists the cases, [{\"name\": …}, …], one at least; found %s",
                   list && list->kind == JSON_ARRAY ? "an empty list" : case_found(reader, list));
        return;
    }
    if (list->count > CASES_MAX) {
        case_fault(reader, "/cases", "%u cases; a file has at most %d", list->count, CASES_MAX);
        return;
    }
    file->cases = arena_alloc(&file->arena, list->count * sizeof *file->cases);
    for (const struct json *node = list->child; node; node = node->next) {
        char *place = jsonfile_pointer_index("/cases", file->count);
        struct test_case *test = &file->cases[file->count];
        case_read(reader, place, node, test);
        file->count++;
        free(place);
    }
}

/* stock.cases.json → stock.json */
static char *view_path(const char *path)
{
    struct buf out = {0};
    buf_printf(&out, "%.*s.json", (int)(strlen(path) - strlen(VIEW_CASES_ENDING)), path);
    char *copy = must_strdup(buf_text(&out));
    buf_release(&out);
    return copy;
}

static struct view *load_view(const char *path, struct faults *faults)
{
    char *name = view_path(path);
    size_t errors = faults->errors;
    struct view *view = view_load(name, faults);
    if (view)
        views_check(&view, 1, NULL, faults);
    if (faults->errors > errors) {
        view_free(view);
        view = NULL;
    }
    free(name);
    return view;
}

bool case_file_load(const char *path, struct case_file *file, struct faults *faults)
{
    struct case_reader reader = {file, faults};
    struct error error;
    size_t errors = faults->errors;
    *file = (struct case_file){.path = path};
    if (!folder_ends(path, VIEW_CASES_ENDING)) {
        case_fault(&reader, "", "the cases of stock.json stand in stock%s; the name ends so",
                   VIEW_CASES_ENDING);
        return false;
    }
    struct str text = jsonfile_text(path, &file->arena, faults);
    file->view = str_is(text) ? load_view(path, faults) : NULL;
    const struct json *root = file->view ? json_parse(&file->arena, text, &error) : NULL;
    if (root)
        cases_read(&reader, root);
    else if (file->view)
        case_fault(&reader, "", "%s", error.text);
    if (faults->errors == errors)
        return true;
    case_file_release(file);
    return false;
}

void case_file_upcast(struct case_file *file, const struct config *config)
{
    for (size_t i = 0; i < file->count; i++)
        for (size_t k = 0; k < file->cases[i].event_count; k++) {
            struct case_event *event = &file->cases[i].events[k];
            const struct log_config *log =
                config_log(config, view_exchange(file->view, event->exchange));
            if (log)
                upcast_apply(&log->upcast, &event->event, &file->arena);
        }
}

void case_file_release(struct case_file *file)
{
    view_free(file->view);
    arena_release(&file->arena);
    *file = (struct case_file){0};
}
