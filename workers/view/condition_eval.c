/* condition_eval.c: does an "if" hold for an event? */
#include "view/condition.h"

#include "base/number.h"
#include "view/operand.h"
#include "view/pointer.h"
#include "view/value.h"

/* Two values side by side. UNORDERED values are only unequal. */
enum order { ORDER_LESS, ORDER_EQUAL, ORDER_MORE, ORDER_UNORDERED };

static enum order order_of(int c)
{
    return c < 0 ? ORDER_LESS : c > 0 ? ORDER_MORE : ORDER_EQUAL;
}

static bool numeric(const struct json *node)
{
    return node->kind == JSON_NUMBER || (node->kind == JSON_STRING && number_is(node->text));
}

/* Numbers beyond ±2^53 lie beyond all others on their side; two of them on one side can only be
 * told to be the same text, never be ordered. */
static bool compare_numbers(const struct json *a, const struct json *b, const struct scope *scope,
                            enum order *order)
{
    double x, y;
    bool big_x = number_double(a->text, &x) != NUMBER_OK;
    bool big_y = number_double(b->text, &y) != NUMBER_OK;

    if (big_x)
        x = a->text.at[0] == '-' ? -1 : 1;
    if (big_y)
        y = b->text.at[0] == '-' ? -1 : 1;
    if (str_eq(a->text, b->text))
        *order = ORDER_EQUAL;
    else if (big_x && big_y && x == y)
        return scope_park(scope, "%.*s and %.*s are beyond ±2^53 and cannot be compared",
                          a->text.len > 40 ? 40 : (int)a->text.len, a->text.at,
                          b->text.len > 40 ? 40 : (int)b->text.len, b->text.at) != OUTCOME_PARK;
    else if (big_x != big_y)
        *order = big_x ? order_of((int)x) : order_of((int)-y);
    else
        *order = x < y ? ORDER_LESS : x > y ? ORDER_MORE : ORDER_EQUAL;
    return true;
}

/* Objects and lists: equal when their canonical texts are. */
static bool compare_trees(const struct json *a, const struct json *b, const struct scope *scope,
                          enum order *order)
{
    struct str x, y;

    if (!text_of(a, scope->scratch, &x, "a list or object", scope->why) ||
        !text_of(b, scope->scratch, &y, "a list or object", scope->why))
        return false;
    *order = str_eq(x, y) ? ORDER_EQUAL : ORDER_UNORDERED;
    return true;
}

static bool compare(const struct json *a, const struct json *b, const struct scope *scope,
                    enum order *order)
{
    bool number = a->kind == JSON_NUMBER || b->kind == JSON_NUMBER;

    if (number && numeric(a) && numeric(b))
        return compare_numbers(a, b, scope, order);
    if (a->kind != b->kind)
        *order = ORDER_UNORDERED;
    else if (a->kind == JSON_STRING)
        *order = order_of(str_cmp(a->text, b->text));
    else if (a->kind == JSON_ARRAY || a->kind == JSON_OBJECT)
        return compare_trees(a, b, scope, order);
    else
        *order = ORDER_EQUAL;
    return true;
}

static bool satisfies(enum test_op op, enum order order)
{
    switch (op) {
    case TEST_EQ:
    case TEST_IN:
        return order == ORDER_EQUAL;
    case TEST_NE:
        return order != ORDER_EQUAL;
    case TEST_LT:
        return order == ORDER_LESS;
    case TEST_LE:
        return order == ORDER_LESS || order == ORDER_EQUAL;
    case TEST_GT:
        return order == ORDER_MORE;
    case TEST_GE:
        return order == ORDER_MORE || order == ORDER_EQUAL;
    case TEST_EXISTS:
        break;
    }
    return false;
}

/* node: what the pointer found, or NULL. Nothing, on either side, satisfies only "ne". */
static bool test_holds(const struct test *test, const struct json *node, const struct scope *scope,
                       bool *hold)
{
    const struct json *value;
    enum order order;

    if (test->op == TEST_EXISTS) {
        *hold = test->exists == (node != NULL);
        return true;
    }
    *hold = false;
    for (size_t i = 0; i < test->count && !*hold; i++) {
        enum outcome outcome = value_eval(&test->values[i], scope, &value);
        if (outcome == OUTCOME_PARK)
            return false;
        order = ORDER_UNORDERED;
        if (node && outcome == OUTCOME_SOME && !compare(node, value, scope, &order))
            return false;
        *hold = satisfies(test->op, order);
    }
    return true;
}

bool conditions_hold(const struct condition *conditions, size_t count, const struct scope *scope,
                     bool *hold)
{
    const struct json *node;

    *hold = true;
    for (size_t i = 0; i < count; i++) {
        if (!pointer_look(&conditions[i].pointer, scope, &node))
            return false;
        for (size_t k = 0; k < conditions[i].count; k++)
            if (!test_holds(&conditions[i].tests[k], node, scope, hold))
                return false;
            else if (!*hold)
                return true;
    }
    return true;
}
