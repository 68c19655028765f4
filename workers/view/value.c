/* value.c: compiles values. */
#include "view/value.h"

#include "view/literal.h"
#include "view/operand.h"
#include "view/pointer.h"
#include "view/template.h"
#include <stdlib.h>

#define SCALE_DIGITS_MAX 15

static const char *const forms[] = {"at",    "default", "sum",    "product", "negate",
                                    "scale", "epoch",   "object", "literal", "about"};

static bool fault_error(struct compiler *c, const char *at, const struct error *error)
{
    faults_add(c->faults, c->file, at, "%s", error->text);
    return false;
}

static bool literal_compile(struct compiler *c, const char *at, const cJSON *item,
                            struct value *value)
{
    struct error error;

    value->kind = VALUE_LITERAL;
    value->label = "the value";
    value->literal = literal_node(item, c->arena, &error);
    return value->literal || fault_error(c, at, &error);
}

static bool text_compile(struct compiler *c, const char *at, const cJSON *item, struct value *value)
{
    struct str text = str_of(item->valuestring);
    struct error error;

    if (pointer_like(text)) {
        value->kind = VALUE_POINTER;
        if (!pointer_compile(c->arena, text, &c->around, POINTER_MARKED, &value->pointer, &error))
            return fault_error(c, at, &error);
        value->label = value->pointer.text;
        return true;
    }
    if (!strpbrk(item->valuestring, "{}"))
        return literal_compile(c, at, item, value);
    value->kind = VALUE_TEMPLATE;
    if (!template_compile(c->arena, text, &c->around, &value->template, &error))
        return fault_error(c, at, &error);
    value->label = value->template.text;
    return true;
}

/* {"at": pointer, "default": literal} */
static bool at_compile(struct compiler *c, const char *at, const cJSON *item, const cJSON *fallback,
                       struct value *value)
{
    struct error error;

    if (!cJSON_IsString(item)) {
        faults_add(c->faults, c->file, at, "\"at\" takes a pointer, found %s",
                   compile_found(c, item));
        return false;
    }
    if (fallback && cJSON_IsNull(fallback)) {
        faults_add(
            c->faults, c->file, at,
            "\"default\": null would be nothing; leave \"default\" out, or write the pointer "
            "as a text that ends in \"?\"");
        return false;
    }
    if (!pointer_compile(c->arena, str_of(item->valuestring), &c->around, POINTER_PLAIN,
                         &value->pointer, &error))
        return fault_error(c, at, &error);
    if (fallback && !literal_compile(c, at, fallback, value))
        return false;
    value->kind = fallback ? VALUE_AT : VALUE_POINTER;
    value->label = value->pointer.text;
    return true;
}

/* An item of sum, product, negate, scale, epoch: numbers (times). */
static bool item_compile(struct compiler *c, const char *at, cJSON *item, struct value *parent,
                         struct value *value)
{
    struct error error;
    int64_t number;
    bool ok;

    if (!value_compile(c, at, item, value))
        return false;
    if (value->kind == VALUE_OBJECT) {
        faults_add(c->faults, c->file, at, "\"%s\" takes numbers, found an object", parent->label);
        return false;
    }
    if (value->kind != VALUE_LITERAL || parent->kind == VALUE_SCALE)
        return true;
    ok = parent->kind == VALUE_EPOCH ? time_of(value->literal, &number, "the value", &error)
                                     : integer_of(value->literal, &number, "the value", &error);
    return ok || fault_error(c, at, &error);
}

static bool items_compile(struct compiler *c, const char *at, cJSON *list, struct value *value)
{
    bool ok = true;
    cJSON *item;

    if (!cJSON_IsArray(list) || !list->child) {
        faults_add(c->faults, c->file, at, "\"%s\" takes a list of values, found %s", value->label,
                   compile_found(c, list));
        return false;
    }
    value->items = arena_alloc(c->arena, (size_t)cJSON_GetArraySize(list) * sizeof(*value->items));
    cJSON_ArrayForEach(item, list)
    {
        char *place = jsonfile_pointer_index(at, value->count);
        ok &= item_compile(c, place, item, value, &value->items[value->count++]);
        free(place);
    }
    return ok;
}

static bool single_compile(struct compiler *c, const char *at, cJSON *item, struct value *value)
{
    value->items = arena_alloc(c->arena, sizeof(*value->items));
    value->count = 1;
    return item_compile(c, at, item, value, value->items);
}

/* {"scale": [v, digits]} */
static bool scale_compile(struct compiler *c, const char *at, cJSON *list, struct value *value)
{
    cJSON *item = cJSON_GetArrayItem(list, 0), *digits = cJSON_GetArrayItem(list, 1);
    char *place;
    bool ok;

    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != 2 || !cJSON_IsNumber(digits) ||
        digits->valuedouble != digits->valueint || digits->valueint < 0 ||
        digits->valueint > SCALE_DIGITS_MAX) {
        faults_add(c->faults, c->file, at,
                   "\"scale\" takes a value and a count of decimals from 0 to %d, such as "
                   "[\"/data/amount\", 2]",
                   SCALE_DIGITS_MAX);
        return false;
    }
    value->digits = digits->valueint;
    place = jsonfile_pointer_index(at, 0);
    ok = single_compile(c, place, item, value);
    free(place);
    return ok;
}

/* {"object": {name: value, …}} */
static bool object_compile(struct compiler *c, const char *at, cJSON *object, struct value *value)
{
    size_t count = (size_t)cJSON_GetArraySize(object);
    struct error error;
    cJSON *item;
    bool ok = true;

    if (!cJSON_IsObject(object)) {
        faults_add(c->faults, c->file, at, "\"object\" takes {name: value, …}, found %s",
                   compile_found(c, object));
        return false;
    }
    value->items = arena_alloc(c->arena, count * sizeof(*value->items));
    value->names = arena_alloc(c->arena, count * sizeof(*value->names));
    cJSON_ArrayForEach(item, object)
    {
        char *place = jsonfile_pointer(at, item->string);
        if (!template_compile(c->arena, str_of(item->string), &c->around,
                              &value->names[value->count], &error))
            ok = fault_error(c, place, &error);
        ok &= value_compile(c, place, item, &value->items[value->count++]);
        free(place);
    }
    return ok;
}

static bool form_compile(struct compiler *c, const char *at, cJSON *form, cJSON *fallback,
                         struct value *value)
{
    static const struct {
        const char *name;
        enum value_kind kind;
    } kinds[] = {{"sum", VALUE_SUM},     {"product", VALUE_PRODUCT}, {"negate", VALUE_NEGATE},
                 {"scale", VALUE_SCALE}, {"epoch", VALUE_EPOCH},     {"object", VALUE_OBJECT}};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(form->string, kinds[i].name) == 0) {
            value->kind = kinds[i].kind;
            value->label = kinds[i].name;
        }
    if (strcmp(form->string, "at") == 0)
        return at_compile(c, at, form, fallback, value);
    if (strcmp(form->string, "literal") == 0) {
        if (!cJSON_IsNull(form))
            return literal_compile(c, at, form, value);
        faults_add(c->faults, c->file, at, "null is nothing, and nothing cannot be written");
        return false;
    }
    if (value->kind == VALUE_OBJECT)
        return object_compile(c, at, form, value);
    if (value->kind == VALUE_SCALE)
        return scale_compile(c, at, form, value);
    if (value->kind == VALUE_SUM || value->kind == VALUE_PRODUCT)
        return items_compile(c, at, form, value);
    return single_compile(c, at, form, value);
}

/* An object as a value: exactly one form, "default" only beside "at". */
static bool forms_compile(struct compiler *c, const char *at, cJSON *object, struct value *value)
{
    size_t errors = c->faults->errors;
    cJSON *fallback, *form;
    char *place;
    bool ok;

    compile_about(c, at, object);
    jsonfile_known(object, c->file, at, forms, sizeof(forms) / sizeof(forms[0]), c->faults);
    if (c->faults->errors > errors)
        return false;
    fallback = cJSON_GetObjectItemCaseSensitive(object, "default");
    form = object->child == fallback && fallback ? fallback->next : object->child;
    if (!form || cJSON_GetArraySize(object) != (fallback ? 2 : 1) ||
        (fallback && strcmp(form->string, "at") != 0)) {
        faults_add(c->faults, c->file, at,
                   "an object as a value is one of {\"at\": pointer, \"default\": literal}, "
                   "{\"sum\": …}, {\"product\": …}, {\"negate\": …}, {\"scale\": …}, "
                   "{\"epoch\": …}, {\"object\": …}, {\"literal\": …}");
        return false;
    }
    place = jsonfile_pointer(at, form->string);
    ok = form_compile(c, place, form, fallback, value);
    free(place);
    return ok;
}

bool value_compile(struct compiler *c, const char *at, cJSON *item, struct value *value)
{
    memset(value, 0, sizeof(*value));
    if (cJSON_IsString(item))
        return text_compile(c, at, item, value);
    if (cJSON_IsNumber(item) || cJSON_IsBool(item))
        return literal_compile(c, at, item, value);
    if (cJSON_IsObject(item))
        return forms_compile(c, at, item, value);
    if (cJSON_IsArray(item))
        faults_add(c->faults, c->file, at,
                   "a list is not a value; for a list as it stands write "
                   "{\"literal\": [ … ]}");
    else
        faults_add(c->faults, c->file, at, "null is nothing, and nothing cannot be written");
    return false;
}

bool value_optional(const struct value *value)
{
    if (value->kind == VALUE_POINTER && value->pointer.optional)
        return true;
    if (value->kind == VALUE_TEMPLATE && template_optional(&value->template))
        return true;
    for (size_t i = 0; i < value->count; i++)
        if (value_optional(&value->items[i]) ||
            (value->names && template_optional(&value->names[i])))
            return true;
    return false;
}
