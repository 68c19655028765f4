/* operand.c: event values as texts and numbers. */
#include "view/operand.h"

#include "base/number.h"
#include <stdio.h>

const char *show_node(const struct json *node, char out[SHOWN_MAX])
{
    size_t n = node->text.len < 40 ? node->text.len : 40;
    const char *quote = node->kind == JSON_STRING ? "\"" : "";

    if (node->kind == JSON_OBJECT)
        return "an object";
    if (node->kind == JSON_ARRAY)
        return "a list";
    if (node->kind == JSON_NULL)
        return "null";
    if (node->kind == JSON_TRUE || node->kind == JSON_FALSE)
        return node->kind == JSON_TRUE ? "true" : "false";
    while (n > 0 && n < node->text.len && ((unsigned char)node->text.at[n] & 0xC0) == 0x80)
        n--;
    snprintf(out, SHOWN_MAX, "%s%.*s%s%s", quote, (int)n, node->text.at,
             n < node->text.len ? "…" : "", quote);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = ' ';
    return out;
}

/* Canonical text of a JSON number's text. */
static bool number_text(struct str number, struct arena *arena, struct str *text, const char *label,
                        struct error *error)
{
    char out[NUMBER_TEXT_MAX];
    double value;

    if (number_is_plain(number)) {
        *text = number;
        return true;
    }
    if (number_double(number, &value) != NUMBER_OK)
        return error_set(error, ERROR_NO, "%s is %.*s, which is beyond ±2^53", label,
                         number.len > 40 ? 40 : (int)number.len, number.at);
    *text = arena_copy(arena, (struct str){out, number_format(value, out)});
    return true;
}

/* Objects and lists are rare as texts; only they use the heap for a moment. */
static bool json_render(const struct json *node, bool quoted, struct arena *arena, struct str *text,
                        const char *label, struct error *error)
{
    struct buf buf = {0};
    bool ok = quoted ? json_canonical(&buf, node, error) : json_text(&buf, node, error);

    if (ok)
        *text = arena_copy(arena, buf_str(&buf));
    else
        error_prefix(error, "%s", label);
    buf_release(&buf);
    return ok;
}

bool text_of(const struct json *node, struct arena *arena, struct str *text, const char *label,
             struct error *error)
{
    switch (node->kind) {
    case JSON_STRING:
        *text = node->text;
        return true;
    case JSON_NUMBER:
        return number_text(node->text, arena, text, label, error);
    case JSON_TRUE:
        *text = STR("true");
        return true;
    case JSON_FALSE:
        *text = STR("false");
        return true;
    case JSON_NULL:
        *text = STR("null");
        return true;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return json_render(node, false, arena, text, label, error);
}

static bool is_number(const struct json *node)
{
    return node->kind == JSON_NUMBER || (node->kind == JSON_STRING && number_is(node->text));
}

static bool not_a_number(const struct json *node, const char *label, struct error *error)
{
    char shown[SHOWN_MAX];

    return error_set(error, ERROR_NO, "%s is %s, not a number", label, show_node(node, shown));
}

bool integer_of(const struct json *node, int64_t *value, const char *label, struct error *error)
{
    char shown[SHOWN_MAX];

    if (!is_number(node))
        return not_a_number(node, label, error);
    switch (number_int(node->text, value)) {
    case NUMBER_OK:
        return true;
    case NUMBER_FRACTION:
        return error_set(error, ERROR_NO, "%s is %s, not an integer", label,
                         show_node(node, shown));
    case NUMBER_NOT:
    case NUMBER_OUT_OF_RANGE:
        break;
    }
    return error_set(error, ERROR_NO, "%s is %s, which is beyond ±2^53", label,
                     show_node(node, shown));
}

static bool render_integer(const struct verb *verb, const struct json *node, struct arena *arena,
                           struct str *text, const char *label, struct error *error)
{
    int64_t value = 0;

    if (node->kind == JSON_NUMBER && !verb->negate && number_is_plain(node->text)) {
        *text = node->text;
        return true;
    }
    if (!integer_of(node, &value, label, error))
        return false;
    *text = arena_int(arena, verb->negate ? -value : value);
    return true;
}

bool operand_render(const struct verb *verb, const struct json *node, struct arena *arena,
                    struct str *text, const char *label, struct error *error)
{
    switch (verb->operand) {
    case OPERAND_TEXT:
        return text_of(node, arena, text, label, error);
    case OPERAND_JSON:
        return json_render(node, true, arena, text, label, error);
    case OPERAND_INTEGER:
        return render_integer(verb, node, arena, text, label, error);
    case OPERAND_NUMBER:
        if (!is_number(node))
            return not_a_number(node, label, error);
        return number_text(node->text, arena, text, label, error);
    case OPERAND_ORDERED:
        break;
    }
    if (is_number(node))
        return number_text(node->text, arena, text, label, error);
    return text_of(node, arena, text, label, error);
}

bool time_of(const struct json *node, int64_t *ms, const char *label, struct error *error)
{
    char shown[SHOWN_MAX];

    if ((node->kind == JSON_STRING || node->kind == JSON_NUMBER) &&
        timestamp_parse_any(node->text, ms))
        return true;
    return error_set(error, ERROR_NO, "%s is %s, not a time (RFC 3339 or Unix seconds)", label,
                     show_node(node, shown));
}
