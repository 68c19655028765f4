/*
 * json_text.c: canonical JSON (RFC 8785).
 */
#include "base/json.h"
#include "base/number.h"

#include <stdlib.h>

static bool add_number(struct buf *out, struct str text, struct error *error)
{
    double value;
    if (number_is_plain(text)) {
        buf_add(out, text);
        return true;
    }
    switch (number_double(text, &value)) {
    case NUMBER_OK:
        out->len += number_format(value, buf_room(out, NUMBER_TEXT_MAX));
        return true;
    case NUMBER_OUT_OF_RANGE:
        return error_set(error, ERROR_NO,
                         "number %.*s is beyond ±2^53 (9007199254740992): its last digits would "
                         "change; send it as a text",
                         text.len > 40 ? 40 : (int)text.len, text.at);
    default:
        return error_set(error, ERROR_NO, "\"%.*s\" is not a JSON number",
                         text.len > 40 ? 40 : (int)text.len, text.at);
    }
}

/* UTF-16 puts U+10000 and up (surrogates d800 … dfff) before U+E000 … U+FFFF; UTF-8 puts them
 * behind. Only leading bytes tell: f0 … f4 against ee and ef. */
static int utf16_rank(unsigned char byte)
{
    if (byte >= 0xf0)
        return byte - 2;
    return byte >= 0xee ? byte + 5 : byte;
}

static int compare_names(const void *left, const void *right)
{
    struct str a = (*(const struct json *const *)left)->name;
    struct str b = (*(const struct json *const *)right)->name;
    size_t n = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < n; i++)
        if (a.at[i] != b.at[i])
            return utf16_rank((unsigned char)a.at[i]) - utf16_rank((unsigned char)b.at[i]);
    return (a.len > b.len) - (a.len < b.len);
}

static bool add_members(struct buf *out, const struct json **members, size_t count,
                        struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_byte(out, ',');
        buf_add_json_string(out, members[i]->name);
        buf_add_byte(out, ':');
        if (!json_canonical(out, members[i], error))
            return false;
    }
    return true;
}

static bool add_object(struct buf *out, const struct json *object, struct error *error)
{
    const struct json **members = must_alloc(object->count * sizeof *members);
    size_t count = 0;
    for (const struct json *m = object->child; m; m = m->next)
        members[count++] = m;
    qsort(members, count, sizeof *members, compare_names);
    buf_add_byte(out, '{');
    bool done = add_members(out, members, count, error);
    buf_add_byte(out, '}');
    free(members);
    return done;
}

static bool add_array(struct buf *out, const struct json *array, struct error *error)
{
    buf_add_byte(out, '[');
    for (const struct json *e = array->child; e; e = e->next) {
        if (e != array->child)
            buf_add_byte(out, ',');
        if (!json_canonical(out, e, error))
            return false;
    }
    buf_add_byte(out, ']');
    return true;
}

bool json_canonical(struct buf *out, const struct json *node, struct error *error)
{
    switch (node->kind) {
    case JSON_NULL:
        buf_add(out, STR("null"));
        return true;
    case JSON_FALSE:
        buf_add(out, STR("false"));
        return true;
    case JSON_TRUE:
        buf_add(out, STR("true"));
        return true;
    case JSON_NUMBER:
        return add_number(out, node->text, error);
    case JSON_STRING:
        buf_add_json_string(out, node->text);
        return true;
    case JSON_ARRAY:
        return add_array(out, node, error);
    case JSON_OBJECT:
        return add_object(out, node, error);
    }
    return error_set(error, ERROR_NO, "value of unknown kind %d", (int)node->kind);
}

bool json_text(struct buf *out, const struct json *node, struct error *error)
{
    if (node->kind != JSON_STRING)
        return json_canonical(out, node, error);
    buf_add(out, node->text);
    return true;
}
