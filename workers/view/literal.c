/* literal.c: from cJSON, which reads view files, to json.h, which reads events. */
#include "view/literal.h"

#include "base/number.h"
#include <math.h>
#include <stdlib.h>

static bool write_number(const cJSON *item, struct buf *out, struct error *error)
{
    char text[NUMBER_TEXT_MAX];
    double value = item->valuedouble;

    if (!isfinite(value) || (fabs(value) >= (double)NUMBER_INT_MAX && value == floor(value)))
        return error_set(error, ERROR_CONFIG,
                         "the number is beyond ±2^53; write it as a text, in quotes");
    buf_add(out, (struct str){text, number_format(value, text)});
    return true;
}

static bool write_item(const cJSON *item, struct buf *out, struct error *error)
{
    const cJSON *child;
    bool object = cJSON_IsObject(item);

    if (cJSON_IsString(item)) {
        buf_add_json_string(out, str_of(item->valuestring));
        return true;
    }
    if (cJSON_IsNumber(item))
        return write_number(item, out, error);
    if (!object && !cJSON_IsArray(item)) {
        buf_add(out, cJSON_IsTrue(item)    ? STR("true")
                     : cJSON_IsFalse(item) ? STR("false")
                                           : STR("null"));
        return true;
    }
    buf_add_byte(out, object ? '{' : '[');
    cJSON_ArrayForEach(child, item)
    {
        if (child != item->child)
            buf_add_byte(out, ',');
        if (object) {
            buf_add_json_string(out, str_of(child->string));
            buf_add_byte(out, ':');
        }
        if (!write_item(child, out, error))
            return false;
    }
    buf_add_byte(out, object ? '}' : ']');
    return true;
}

bool literal_text(const cJSON *item, struct arena *arena, struct str *text, struct error *error)
{
    struct buf plain = {0}, canonical = {0};
    const struct json *node;
    bool ok = write_item(item, &plain, error);

    if (ok) {
        node = json_parse(arena, arena_copy(arena, buf_str(&plain)), error);
        ok = node && json_canonical(&canonical, node, error);
    }
    if (ok)
        *text = arena_copy(arena, buf_str(&canonical));
    buf_release(&plain);
    buf_release(&canonical);
    return ok;
}

const struct json *literal_node(const cJSON *item, struct arena *arena, struct error *error)
{
    struct str text;

    if (!literal_text(item, arena, &text, error))
        return NULL;
    return json_parse(arena, text, error);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(cJSON *const *)a)->string, (*(cJSON *const *)b)->string);
}

static void sort_members(cJSON *object)
{
    size_t count = (size_t)cJSON_GetArraySize(object), i = 0;
    cJSON **members = must_alloc((count + 1) * sizeof(*members)), *item;

    cJSON_ArrayForEach(item, object) members[i++] = item;
    qsort(members, count, sizeof(*members), by_name);
    for (i = 0; i < count; i++)
        cJSON_DetachItemViaPointer(object, members[i]);
    for (i = 0; i < count; i++)
        cJSON_AddItemToArray(object, members[i]);
    free(members);
}

void literal_sort(cJSON *item)
{
    cJSON *child;

    if (cJSON_IsObject(item))
        sort_members(item);
    cJSON_ArrayForEach(child, item) literal_sort(child);
}
