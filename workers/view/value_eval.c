/* value_eval.c: values of one event. */
#include "view/value.h"

#include "base/number.h"
#include "view/operand.h"
#include "view/pointer.h"
#include "view/template.h"

static enum outcome integer_node(const struct scope *scope, int64_t integer,
                                 const struct json **node)
{
    struct json *made = arena_alloc(scope->scratch, sizeof(*made));

    *made = (struct json){.kind = JSON_NUMBER};
    made->text = arena_int(scope->scratch, integer);
    *node = made;
    return OUTCOME_SOME;
}

static enum outcome in_range(const struct value *value, const struct scope *scope, bool overflow,
                             int64_t integer, const struct json **node)
{
    if (overflow || integer > NUMBER_INT_MAX || integer < -NUMBER_INT_MAX)
        return scope_park(scope, "%s is beyond ±2^53", value->label);
    return integer_node(scope, integer, node);
}

static enum outcome item_integer(const struct value *item, const struct scope *scope,
                                 int64_t *integer)
{
    const struct json *node;
    enum outcome outcome = value_eval(item, scope, &node);

    if (outcome != OUTCOME_SOME)
        return outcome;
    return integer_of(node, integer, item->label, scope->why) ? OUTCOME_SOME : OUTCOME_PARK;
}

/* sum, product, negate */
static enum outcome eval_arithmetic(const struct value *value, const struct scope *scope,
                                    const struct json **node)
{
    int64_t total = value->kind == VALUE_PRODUCT, integer;
    bool overflow = false;

    for (size_t i = 0; i < value->count; i++) {
        enum outcome outcome = item_integer(&value->items[i], scope, &integer);
        if (outcome != OUTCOME_SOME)
            return outcome;
        if (value->kind == VALUE_SUM)
            overflow |= __builtin_add_overflow(total, integer, &total);
        else if (value->kind == VALUE_PRODUCT)
            overflow |= __builtin_mul_overflow(total, integer, &total);
        else
            total = -integer;
    }
    return in_range(value, scope, overflow, total, node);
}

static enum outcome eval_scale(const struct value *value, const struct scope *scope,
                               const struct json **node)
{
    const struct json *item;
    char shown[SHOWN_MAX];
    int64_t scaled = 0;
    enum number_result result = NUMBER_NOT;
    enum outcome outcome = value_eval(value->items, scope, &item);

    if (outcome != OUTCOME_SOME)
        return outcome;
    if (item->kind == JSON_NUMBER || item->kind == JSON_STRING)
        result = number_scaled(item->text, value->digits, &scaled);
    if (result == NUMBER_OK)
        return integer_node(scope, scaled, node);
    return scope_park(scope, "%s is %s, %s", value->items->label, show_node(item, shown),
                      result == NUMBER_NOT        ? "not a number"
                      : result == NUMBER_FRACTION ? "which has more decimals than \"scale\" takes"
                                                  : "which scaled is beyond ±2^53");
}

static enum outcome eval_epoch(const struct value *value, const struct scope *scope,
                               const struct json **node)
{
    const struct json *item;
    int64_t ms;
    enum outcome outcome = value_eval(value->items, scope, &item);

    if (outcome != OUTCOME_SOME)
        return outcome;
    if (!time_of(item, &ms, value->items->label, scope->why))
        return OUTCOME_PARK;
    return integer_node(scope, ms, node);
}

/* Appends a copy of item under the name; an earlier member of that name goes. */
static void add_member(struct json *object, const struct json *item, struct str name,
                       struct arena *arena)
{
    struct json *member, **link = &object->child;

    while (*link && !str_eq((*link)->name, name))
        link = &(*link)->next;
    if (*link) {
        *link = (*link)->next;
        object->count--;
    }
    while (*link)
        link = &(*link)->next;
    member = arena_alloc(arena, sizeof(*member));
    *member = *item;
    member->name = name;
    member->next = NULL;
    *link = member;
    object->count++;
}

/* A member whose pointer is optional and finds nothing is left out: it is the smallest whole. */
static enum outcome eval_object(const struct value *value, const struct scope *scope,
                                const struct json **node)
{
    struct json *object = arena_alloc(scope->scratch, sizeof(*object));
    const struct json *item;
    struct str name;

    *object = (struct json){.kind = JSON_OBJECT};
    for (size_t i = 0; i < value->count; i++) {
        enum outcome outcome = template_text(&value->names[i], scope, &name);
        if (outcome == OUTCOME_SOME)
            outcome = value_eval(&value->items[i], scope, &item);
        if (outcome == OUTCOME_PARK)
            return outcome;
        if (outcome == OUTCOME_SOME)
            add_member(object, item, name, scope->scratch);
    }
    *node = object;
    return OUTCOME_SOME;
}

static enum outcome eval_template(const struct value *value, const struct scope *scope,
                                  const struct json **node)
{
    struct str text;
    struct json *made;
    enum outcome outcome = template_text(&value->template, scope, &text);

    if (outcome != OUTCOME_SOME)
        return outcome;
    made = arena_alloc(scope->scratch, sizeof(*made));
    *made = (struct json){.kind = JSON_STRING, .text = text};
    *node = made;
    return OUTCOME_SOME;
}

enum outcome value_eval(const struct value *value, const struct scope *scope,
                        const struct json **node)
{
    switch (value->kind) {
    case VALUE_LITERAL:
        *node = value->literal;
        return OUTCOME_SOME;
    case VALUE_POINTER:
        return pointer_read(&value->pointer, scope, node);
    case VALUE_AT:
        if (!pointer_look(&value->pointer, scope, node))
            return OUTCOME_PARK;
        if (!*node)
            *node = value->literal;
        return OUTCOME_SOME;
    case VALUE_TEMPLATE:
        return eval_template(value, scope, node);
    case VALUE_SUM:
    case VALUE_PRODUCT:
    case VALUE_NEGATE:
        return eval_arithmetic(value, scope, node);
    case VALUE_SCALE:
        return eval_scale(value, scope, node);
    case VALUE_EPOCH:
        return eval_epoch(value, scope, node);
    case VALUE_OBJECT:
        break;
    }
    return eval_object(value, scope, node);
}
