/*
 * case_compare.c: what a case expects against what a run gave, and one run against another.
 */
#include "cli/case_check.h"

#include <assert.h>

static void add(struct arena *arena, struct case_differences *out,
                const struct case_difference *difference)
{
    if (out->count == out->cap) {
        out->cap = out->cap ? out->cap * 2 : 4;
        struct case_difference *at = arena_alloc(arena, out->cap * sizeof *at);
        if (out->count)
            memcpy(at, out->at, out->count * sizeof *at);
        out->at = at;
    }
    struct case_difference *kept = &out->at[out->count++];
    *kept = *difference;
    if (str_is(kept->key))
        kept->key = arena_copy(arena, kept->key);
    if (str_is(kept->expected))
        kept->expected = arena_copy(arena, kept->expected);
    if (str_is(kept->found))
        kept->found = arena_copy(arena, kept->found);
}

/* Both sorted: one walk along them. */
static void compare_rows(struct arena *arena, const struct case_pairs *expected,
                         const struct case_pairs *found, struct case_differences *out)
{
    static const struct str none = {NULL, 0};
    size_t i = 0, k = 0;
    while (i < expected->count || k < found->count) {
        const struct case_pair *a = i < expected->count ? &expected->at[i] : NULL;
        const struct case_pair *b = k < found->count ? &found->at[k] : NULL;
        int order = a && b ? str_cmp(a->name, b->name) : 0;
        if (order < 0)
            b = NULL; /* only the lower one is at hand */
        else if (order > 0)
            a = NULL;
        assert(a || b);
        i += a != NULL;
        k += b != NULL;
        if (a && b && str_eq(a->text, b->text))
            continue;
        const struct case_difference difference = {.what = CASE_ROW,
                                                   .key = a ? a->name : b->name,
                                                   .expected = a ? a->text : none,
                                                   .found = b ? b->text : none};
        add(arena, out, &difference);
    }
}

/* {"name":"text",…} */
static void add_object(struct buf *out, const struct case_pairs *pairs)
{
    buf_add_byte(out, '{');
    for (size_t i = 0; i < pairs->count; i++) {
        if (i)
            buf_add_byte(out, ',');
        buf_add_json_string(out, pairs->at[i].name);
        buf_add_byte(out, ':');
        buf_add_json_string(out, pairs->at[i].text);
    }
    buf_add_byte(out, '}');
}

static void compare_objects(struct arena *arena, enum case_what what,
                            const struct case_pairs *expected, const struct case_pairs *found,
                            struct case_differences *out)
{
    struct buf a = {0}, b = {0};
    add_object(&a, expected);
    add_object(&b, found);
    const struct case_difference difference = {
        .what = what, .expected = buf_str(&a), .found = buf_str(&b)};
    if (!str_eq(difference.expected, difference.found))
        add(arena, out, &difference);
    buf_release(&a);
    buf_release(&b);
}

static bool contains(struct str text, struct str part)
{
    return part.len == 0 || memmem(text.at, text.len, part.at, part.len) != NULL;
}

/* What the case says of an event's reason may be a part of it: then it is meant. */
static struct case_pairs whole_reasons(struct arena *arena, const struct case_pairs *expected,
                                       const struct case_pairs *found)
{
    struct case_pairs whole = {0};
    for (size_t i = 0; i < expected->count; i++) {
        const struct case_pair *pair = &expected->at[i];
        const struct case_pair *same = case_pairs_find(found, pair->name);
        case_pairs_add(arena, &whole, pair->name,
                       same && contains(same->text, pair->text) ? same->text : pair->text);
    }
    return whole;
}

static void compare_stops(struct arena *arena, struct str expected, struct str found,
                          struct case_differences *out)
{
    struct buf a = {0}, b = {0};
    if (str_is(expected) == str_is(found) && (!str_is(found) || contains(found, expected)))
        return;
    if (str_is(expected))
        buf_add_json_string(&a, expected);
    if (str_is(found))
        buf_add_json_string(&b, found);
    const struct case_difference difference = {
        .what = CASE_STOPS, .expected = buf_str(&a), .found = buf_str(&b)};
    add(arena, out, &difference);
    buf_release(&a);
    buf_release(&b);
}

void case_compare_expected(struct arena *arena, const struct test_case *test,
                           const struct case_outcome *found, struct case_differences *out)
{
    const struct case_pairs parked = whole_reasons(arena, &test->parked, &found->parked);
    compare_rows(arena, &test->rows, &found->rows, out);
    compare_objects(arena, CASE_PARKED, &parked, &found->parked, out);
    if (test->has_expire)
        compare_objects(arena, CASE_EXPIRE, &test->expire, &found->expire, out);
    compare_stops(arena, test->stops, found->stopped, out);
}

void case_compare_runs(struct arena *arena, const struct case_outcome *given,
                       const struct case_outcome *found, struct case_differences *out)
{
    compare_rows(arena, &given->rows, &found->rows, out);
    compare_objects(arena, CASE_PARKED, &given->parked, &found->parked, out);
    compare_objects(arena, CASE_EXPIRE, &given->expire, &found->expire, out);
    compare_stops(arena, given->stopped, found->stopped, out);
}
