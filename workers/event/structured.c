/*
 * structured.c: CloudEvents JSON format 1.0.2.
 */
#include "event/structured.h"
#include "base/number.h"
#include "event/base64.h"
#include "event/text.h"

static const char *kind_name(enum json_kind kind)
{
    switch (kind) {
    case JSON_NULL:
        return "null";
    case JSON_FALSE:
    case JSON_TRUE:
        return "a boolean";
    case JSON_NUMBER:
        return "a number";
    case JSON_STRING:
        return "a text";
    case JSON_ARRAY:
        return "an array";
    case JSON_OBJECT:
        return "an object";
    }
    return "unknown";
}

/* A text keeps its quotes: without escapes they stand around it in the source; else it is written
 * again, as escapes were decoded. */
static struct str string_source(struct arena *arena, struct str text, struct str source)
{
    bool inside = text.at > source.at && text.at + text.len < source.at + source.len;
    if (text.len && inside && text.at[-1] == '"' && text.at[text.len] == '"')
        return (struct str){text.at - 1, text.len + 2};
    struct buf quoted = {0};
    buf_add_json_string(&quoted, text);
    struct str copy = arena_copy(arena, buf_str(&quoted));
    buf_release(&quoted);
    return copy;
}

struct str structured_value_text(struct arena *arena, const struct json *node, struct str source)
{
    switch (node->kind) {
    case JSON_NULL:
        return STR("null");
    case JSON_FALSE:
        return STR("false");
    case JSON_TRUE:
        return STR("true");
    case JSON_STRING:
        return string_source(arena, node->text, source);
    default:
        return node->text;
    }
}

static bool attribute_member(struct draft *draft, enum attribute attribute,
                             const struct json *member, struct error *error)
{
    if (member->kind != JSON_STRING)
        return error_set(error, ERROR_NO, "\"%.*s\" is %s; in a CloudEvent it is a text",
                         STRF(member->name), kind_name(member->kind));
    if (attribute == ATTRIBUTE_SPECVERSION)
        return draft_specversion(draft, member->text, error);
    if (attribute == ATTRIBUTE_TIME)
        return member->text.len == 0 || draft_time(draft, member->text, false, error);
    return draft_text(draft, attribute, member->text, error);
}

/* Why an extension may not be published, or NULL. */
static const char *unpublishable(const struct json *member)
{
    int64_t value;
    switch (member->kind) {
    case JSON_NUMBER:
        if (number_int(member->text, &value) == NUMBER_OK && value >= INT32_MIN &&
            value <= INT32_MAX)
            return NULL;
        return "numbers of a CloudEvent's extensions are integers of 32 bits; write it as a text, "
               "or inside \"data\"";
    case JSON_ARRAY:
    case JSON_OBJECT:
        return "extensions of a CloudEvent are texts, integers or booleans; put it inside "
               "\"data\"";
    default:
        return NULL;
    }
}

/* When reading, an extension that cannot be one is left out: it must not cost the event. */
static bool extension_member(struct draft *draft, const struct json *member, bool publishing,
                             struct error *error)
{
    size_t at;
    const char *fault = text_fault(member->name, &at);
    if (fault || member->name.len == 0)
        return !publishing || error_set(error, ERROR_NO,
                                        "the name of an extension is empty or has a control "
                                        "character; write letters and digits");
    if (member->kind == JSON_STRING && (fault = text_fault(member->text, &at)) != NULL)
        return !publishing ||
               error_set(error, ERROR_NO,
                         "extension \"%.*s\": byte %zu %s; an attribute is UTF-8 text without "
                         "control characters",
                         STRF(member->name), at, fault);
    if (publishing && (fault = unpublishable(member)) != NULL)
        return error_set(error, ERROR_NO, "extension \"%.*s\" is %s: %s", STRF(member->name),
                         kind_name(member->kind), fault);
    draft_extension(draft, *member);
    return true;
}

/* Is the content of this type JSON ("application/json", "text/json; …", "application/x+json")? An
 * unset type means JSON. */
static bool is_json_type(struct str type)
{
    const char *end = type.len ? memchr(type.at, ';', type.len) : NULL;
    size_t len = end ? (size_t)(end - type.at) : type.len;
    while (len > 0 && type.at[len - 1] == ' ')
        len--;
    if (len == 0)
        return true;
    return len >= 5 && (type.at[len - 5] == '/' || type.at[len - 5] == '+') &&
           text_starts_nocase((struct str){type.at + len - 4, 4}, STR("json"));
}

/* A text under a type that is not JSON is the content itself (JSON format, section 3.1.1); then, as
 * with a message that has it as its body, it is /data only if it happens to be JSON. */
static bool read_data(struct draft *draft, struct json *data, const struct json *base64,
                      struct str source, struct error *error)
{
    if (base64 && data && data->kind != JSON_NULL)
        return error_set(error, ERROR_NO,
                         "\"data\" and \"data_base64\" are both there; write one of them");
    if (base64) {
        struct str bytes = {NULL, 0};
        if (base64->kind == JSON_STRING)
            bytes = base64_decode(draft->arena, base64->text);
        if (!str_is(bytes))
            return error_set(error, ERROR_NO,
                             "\"data_base64\" is not Base64 (RFC 4648, with padding)");
        draft_body(draft, bytes);
        return true;
    }
    if (!data)
        return true;
    if (data->kind == JSON_STRING && !is_json_type(draft->text[ATTRIBUTE_DATACONTENTTYPE])) {
        draft_body(draft, data->text);
        return true;
    }
    draft->data = data;
    draft->data_bytes = structured_value_text(draft->arena, data, source);
    return true;
}

/* One member that is not data. */
static bool read_member(struct draft *draft, const struct json *member, bool publishing,
                        struct error *error)
{
    enum attribute attribute = attribute_of(member->name);
    if (attribute == ATTRIBUTE_EXTENSION)
        return extension_member(draft, member, publishing, error);
    return attribute_member(draft, attribute, member, error);
}

bool structured_read(struct draft *draft, const struct structured *from, struct error *error)
{
    struct json *data = NULL;
    const struct json *base64 = NULL;
    struct error later; /* faults behind the first one */
    bool ok = true;
    draft_reserve(draft, from->root->count + from->room);
    for (struct json *member = from->root->child; member; member = member->next) {
        if (str_eq(member->name, STR("data")))
            data = member;
        else if (member->kind == JSON_NULL)
            continue;
        else if (str_eq(member->name, STR("data_base64")))
            base64 = member;
        else
            ok &= read_member(draft, member, from->publishing, ok ? error : &later);
    }
    if (!ok)
        return false;
    if (!draft->has_specversion)
        return error_set(error, ERROR_NO, "no \"specversion\"; a CloudEvent has \"1.0\"");
    return read_data(draft, data, base64, from->text, error);
}
