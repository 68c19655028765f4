/*
 * view_fixture.h: for the tests of views: files and events in single quotes, changes as text.
 */
#ifndef FANFOLD_TEST_VIEW_FIXTURE_H
#define FANFOLD_TEST_VIEW_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fanfold/view.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* changes: what they must be; "park: …": a text that the reason must contain. */
struct fold_case {
    const char *actions, *data, *changes;
};

/* ' becomes ", so that JSON reads well in a table; the caller frees it. */
static inline char *fixture_json(const char *text)
{
    char *json = must_strdup(text);

    for (char *c = json; *c; c++)
        if (*c == '\'')
            *c = '"';
    return json;
}

/* text in single quotes. */
static inline struct view *fixture_view(const char *file, const char *text, struct faults *faults)
{
    char *json = fixture_json(text);
    struct view *view = view_parse(file, str_of(json), faults);

    free(json);
    return view;
}

/* A view whose type "t" has the actions. */
static inline struct view *fixture_actions(const char *actions, struct faults *faults)
{
    struct buf text = {0};
    struct view *view;

    buf_printf(&text, "{'view': 'v', 'exchange': 'x', 'on': {'t': %s}}", actions);
    view = fixture_view("v.json", buf_text(&text), faults);
    buf_release(&text);
    return view;
}

static inline const char *fixture_op(const struct change *change)
{
    static const char *const names[] = {
        [CHANGE_HASH_SET] = "set",        [CHANGE_HASH_SET_ONCE] = "set_once",
        [CHANGE_HASH_ADD] = "add",        [CHANGE_HASH_MAX] = "max",
        [CHANGE_HASH_MIN] = "min",        [CHANGE_HASH_REMOVE] = "remove",
        [CHANGE_COUNTER_ADD] = "add",     [CHANGE_ZSET_SCORE] = "score",
        [CHANGE_ZSET_ADD] = "add",        [CHANGE_ZSET_MAX] = "max",
        [CHANGE_ZSET_MIN] = "min",        [CHANGE_ZSET_REMOVE] = "remove",
        [CHANGE_ZSET_KEEP] = "keep",      [CHANGE_ZSET_KEEP_AGE] = "keep_age",
        [CHANGE_SET_INCLUDE] = "include", [CHANGE_SET_EXCLUDE] = "exclude",
        [CHANGE_LIST_PUSH] = "push",      [CHANGE_LIST_KEEP] = "keep",
        [CHANGE_HLL_COUNT] = "count",     [CHANGE_JSON_PUT] = "put",
        [CHANGE_DELETE] = "delete",       [CHANGE_EXPIRE] = "expire",
        [CHANGE_STAMP] = "stamp"};

    return names[change->op];
}

/* "h k add! f=1; h k set g=a": one change after the other; "!" is CHANGE_OWN_INTEGER. */
static inline void fixture_show(struct buf *out, const struct changes *changes, size_t from)
{
    static const char letters[] = "hczslpj";

    for (size_t i = from; i < changes->count; i++) {
        const struct change *change = &changes->at[i];
        buf_printf(out, "%s%c %.*s %s%s", i > from ? "; " : "", letters[change->structure],
                   STRF(change->key), fixture_op(change),
                   change->flags & CHANGE_OWN_INTEGER ? "!" : "");
        if (str_is(change->field))
            buf_printf(out, " %.*s", STRF(change->field));
        if (str_is(change->value))
            buf_printf(out, "%s%.*s", str_is(change->field) ? "=" : " ", STRF(change->value));
    }
}

/* line: a CloudEvent in single quotes. rows: NULL for a view that reads none. */
static inline enum fold_result fixture_fold_rows(const struct view *view, struct row_source *rows,
                                                 const char *line, struct changes *changes,
                                                 struct error *why)
{
    struct publish_defaults defaults = {0};
    struct arena arena = {0}, scratch = {0};
    struct cloudevent event;
    struct error error = {0};
    enum fold_result result;
    char *json = fixture_json(line);

    if (!cloudevent_from_line(str_of(json), &defaults, (struct str){NULL, 0}, &arena, &event,
                              &error))
        fail_msg("%s: %s", line, error.text);
    result = view_fold(view, &event, rows, changes, &scratch, why);
    arena_release(&scratch);
    arena_release(&arena);
    free(json);
    return result;
}

static inline enum fold_result fixture_fold(const struct view *view, const char *line,
                                            struct changes *changes, struct error *why)
{
    return fixture_fold_rows(view, NULL, line, changes, why);
}

static inline void fixture_print(const struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        print_error("  %s:%s: %s\n", faults->at[i].file, faults->at[i].pointer, faults->at[i].text);
}

/* One event of type "t" with the data; label: for messages. */
static inline void fold_data(const struct view *view, const char *data, const char *expected,
                             const char *label)
{
    struct changes changes = {.partition = "x.log.0", .offset = 12};
    struct error why = {0};
    struct buf line = {0}, shown = {0};

    buf_printf(&line,
               "{'specversion': '1.0', 'id': 'e1', 'source': '/s', 'type': 't', 'subject': 'S', "
               "'time': '2026-01-31T09:05:07Z', 'ext': 'more', 'data': %s}",
               data);
    changes_add(&changes, CHANGE_DELETE, 0, STRUCTURE_HASH, STR("before"), STR(""), STR(""));
    if (fixture_fold(view, buf_text(&line), &changes, &why) == FOLD_PARK) {
        assert_int_equal(changes.count, 1);
        buf_printf(&shown, "park: %s", why.text);
        if (strncmp(expected, "park: ", 6) != 0 || !strstr(why.text, expected + 6))
            fail_msg("%s\n  %s\n  expected %s\n  found    %s", label, data, expected,
                     buf_text(&shown));
    } else {
        fixture_show(&shown, &changes, 1);
        if (strcmp(expected, buf_text(&shown)) != 0)
            fail_msg("%s\n  %s\n  expected %s\n  found    %s", label, data, expected,
                     buf_text(&shown));
    }
    changes_release(&changes);
    buf_release(&line);
    buf_release(&shown);
}

static inline void fold_cases(const struct fold_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct faults faults = {0};
        struct view *view = fixture_actions(cases[i].actions, &faults);
        fixture_print(&faults);
        if (!view)
            fail_msg("%s does not compile", cases[i].actions);
        fold_data(view, cases[i].data, cases[i].changes, cases[i].actions);
        view_free(view);
        faults_release(&faults);
    }
}

#endif
