/*
 * row_diff.c: the members in which two rows differ.
 */
#include "cli/row_diff.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/map.h"
#include "cli/terminal.h"

#define COLUMNS_MAX 200 /* of a value */

static void print_value(FILE *out, const struct json *node)
{
    struct buf text = {0};
    struct error error;
    if (!node)
        buf_add(&text, STR("nothing"));
    else if (!json_canonical(&text, node, &error))
        buf_add(&text, node->text);
    terminal_print(out, buf_str(&text), COLUMNS_MAX, 0);
    buf_release(&text);
}

static bool is_same(const struct json *a, const struct json *b)
{
    struct buf x = {0}, y = {0};
    struct error error;
    bool same = a && b && json_canonical(&x, a, &error) && json_canonical(&y, b, &error) &&
                str_eq(buf_str(&x), buf_str(&y));
    buf_release(&x);
    buf_release(&y);
    return same;
}

static void print_change(FILE *out, struct str name, const struct json *before,
                         const struct json *after)
{
    if (is_same(before, after))
        return;
    fputs("  ", out);
    terminal_print(out, name, COLUMNS_MAX, 0);
    fputs(": ", out);
    print_value(out, before);
    fputs(" → ", out);
    print_value(out, after);
    putc('\n', out);
}

static void print_members(FILE *out, const struct json *before, const struct json *after)
{
    for (const struct json *member = before->child; member; member = member->next)
        print_change(out, member->name, member, json_member(after, member->name));
    for (const struct json *member = after->child; member; member = member->next)
        if (!json_member(before, member->name))
            print_change(out, member->name, NULL, member);
}

static void print_line(FILE *out, const char *label, struct str text)
{
    fprintf(out, "  %s ", label);
    terminal_print(out, text, COLUMNS_MAX, 0);
    putc('\n', out);
}

/* How often each element stands in the array. */
static void count_elements(struct map *counts, const struct json *array)
{
    struct buf text = {0};
    struct error error;
    for (const struct json *e = array->child; e; e = e->next) {
        buf_clear(&text);
        if (!json_canonical(&text, e, &error))
            buf_add(&text, e->text);
        ++*map_put(counts, buf_str(&text));
    }
    buf_release(&text);
}

/* The elements that array has more often than the counts say; returns how many were printed. */
static size_t print_elements(FILE *out, const char *label, const struct json *array,
                             const struct map *others)
{
    struct map counts = {0};
    struct buf text = {0};
    struct error error;
    size_t printed = 0;
    for (const struct json *e = array->child; e; e = e->next) {
        buf_clear(&text);
        if (!json_canonical(&text, e, &error))
            buf_add(&text, e->text);
        const uint64_t *other = map_get(others, buf_str(&text));
        if (++*map_put(&counts, buf_str(&text)) <= (other ? *other : 0))
            continue;
        print_line(out, label, buf_str(&text));
        printed++;
    }
    buf_release(&text);
    map_release(&counts);
    return printed;
}

/* False: they have the same elements, in another order. */
static bool print_arrays(FILE *out, const struct json *before, const struct json *after)
{
    struct map was = {0}, is = {0};
    count_elements(&was, before);
    count_elements(&is, after);
    size_t printed = print_elements(out, "-", before, &is) + print_elements(out, "+", after, &was);
    map_release(&was);
    map_release(&is);
    return printed > 0;
}

void row_diff_print(FILE *out, const char *what, const char *key, struct str before,
                    struct str after)
{
    struct arena arena = {0};
    struct error error;
    fprintf(out, "%s ", what);
    terminal_print(out, str_of(key), 0, 0);
    if (!before.len || !after.len) {
        fputs("  ", out);
        terminal_print(out, before.len ? before : after, COLUMNS_MAX, 0);
        putc('\n', out);
        return;
    }
    putc('\n', out);
    const struct json *a = json_parse(&arena, before, &error),
                      *b = json_parse(&arena, after, &error);
    if (a && b && a->kind == JSON_OBJECT && b->kind == JSON_OBJECT) {
        print_members(out, a, b);
    } else if (!a || !b || a->kind != JSON_ARRAY || b->kind != JSON_ARRAY ||
               !print_arrays(out, a, b)) {
        print_line(out, "-", before);
        print_line(out, "+", after);
    }
    arena_release(&arena);
}
