/*
 * json_fuzz.c: the JSON of events. The canonical form of a value is JSON again, of the same
 * canonical form.
 */
#include "fuzz.h"

#include "base/json.h"

/* The nodes hang together as the header says. */
static void check_node(const struct json *node)
{
    uint32_t count = 0;
    for (const struct json *child = node->child; child; child = child->next, count++) {
        assert(node->kind == JSON_ARRAY || node->kind == JSON_OBJECT);
        if (node->kind == JSON_OBJECT)
            assert(json_member(node, child->name) == child);
        else
            assert(json_element(node, count) == child);
        check_node(child);
    }
    assert(count == node->count || (node->kind != JSON_ARRAY && node->kind != JSON_OBJECT));
}

static void check_canonical(const struct json *node)
{
    struct arena arena = {0};
    struct buf first = {0}, second = {0}, text = {0};
    struct error error = {0};
    if (json_canonical(&first, node, &error)) {
        struct json *again = json_parse(&arena, buf_str(&first), &error);
        assert(again && again->kind == node->kind);
        assert(json_canonical(&second, again, &error));
        assert(str_eq(buf_str(&first), buf_str(&second)));
        assert(json_text(&text, node, &error));
        if (node->kind == JSON_STRING)
            assert(str_eq(buf_str(&text), node->text));
    } else {
        assert(error.text[0]);
    }
    buf_release(&first);
    buf_release(&second);
    buf_release(&text);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct error error = {0};
    struct json *node = json_parse(&arena, fuzz_input(data, size), &error);
    if (node && size < 4096) /* finding each member by walking is quadratic */
        check_node(node);
    if (node)
        check_canonical(node);
    else
        assert(strncmp(error.text, "byte ", 5) == 0);
    arena_release(&arena);
    return 0;
}
