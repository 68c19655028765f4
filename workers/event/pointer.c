/*
 * pointer.c: RFC 6901. A pointer has a handful of tokens without escapes, so it is walked as text.
 */
#include "event/pointer.h"

/* "~1" is "/", "~0" is "~". */
static struct str unescape(struct str token, struct arena *arena)
{
    if (!memchr(token.at, '~', token.len))
        return token;
    char *out = arena_alloc(arena, token.len);
    size_t n = 0;
    for (size_t i = 0; i < token.len; i++) {
        bool escape = token.at[i] == '~' && i + 1 < token.len;
        if (escape && token.at[i + 1] == '1')
            out[n++] = '/', i++;
        else if (escape && token.at[i + 1] == '0')
            out[n++] = '~', i++;
        else
            out[n++] = token.at[i];
    }
    return (struct str){out, n};
}

/* An array index: digits without a leading zero. */
static bool parse_index(struct str token, size_t *index)
{
    if (token.len == 0 || token.len > 9 || (token.at[0] == '0' && token.len > 1))
        return false;
    size_t value = 0;
    for (size_t i = 0; i < token.len; i++) {
        if (token.at[i] < '0' || token.at[i] > '9')
            return false;
        value = value * 10 + (size_t)(token.at[i] - '0');
    }
    *index = value;
    return true;
}

static const struct json *step(const struct json *node, struct str token, struct arena *arena)
{
    size_t index;
    if (node->kind == JSON_OBJECT)
        return json_member(node, unescape(token, arena));
    if (node->kind == JSON_ARRAY && parse_index(token, &index))
        return json_element(node, index);
    return NULL;
}

const struct json *pointer_find(const struct json *root, struct str pointer, struct arena *arena)
{
    const struct json *node = root;
    while (node && pointer.len) {
        if (pointer.at[0] != '/')
            return NULL;
        struct str rest = str_from(pointer, 1);
        const char *end = memchr(rest.at, '/', rest.len);
        size_t len = end ? (size_t)(end - rest.at) : rest.len;
        node = step(node, (struct str){rest.at, len}, arena);
        pointer = str_from(rest, len);
    }
    return node;
}
