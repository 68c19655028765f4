/* condition.c: compiles "if". */
#include "view/condition.h"

#include "view/pointer.h"
#include "view/value.h"
#include <stdlib.h>

/* In the order of enum test_op. */
static const char *const ops[] = {"eq", "ne", "lt", "le", "gt", "ge", "in", "exists"};
#define OPS (sizeof(ops) / sizeof(ops[0]))

static const char *const op_members[] = {"eq", "ne", "lt",     "le",   "gt",
                                         "ge", "in", "exists", "about"};

static int op_of(const char *name)
{
    for (size_t i = 0; i < OPS; i++)
        if (strcmp(name, ops[i]) == 0)
            return (int)i;
    return -1;
}

static void in_compile(struct compiler *c, const char *at, cJSON *list, struct test *test)
{
    cJSON *item;

    if (!cJSON_IsArray(list) || !list->child) {
        faults_add(c->faults, c->file, at, "\"in\" takes a list of values, found %s",
                   compile_found(c, list));
        return;
    }
    test->values = arena_alloc(c->arena, (size_t)cJSON_GetArraySize(list) * sizeof(*test->values));
    cJSON_ArrayForEach(item, list)
    {
        char *place = jsonfile_pointer_index(at, test->count);
        value_compile(c, place, item, &test->values[test->count++]);
        free(place);
    }
}

static void test_compile(struct compiler *c, const char *at, cJSON *item, struct test *test)
{
    if (test->op == TEST_IN) {
        in_compile(c, at, item, test);
    } else if (test->op == TEST_EXISTS) {
        if (!cJSON_IsBool(item))
            faults_add(c->faults, c->file, at, "\"exists\" takes true or false, found %s",
                       compile_found(c, item));
        test->exists = cJSON_IsTrue(item);
    } else {
        test->values = arena_alloc(c->arena, sizeof(*test->values));
        test->count = 1;
        value_compile(c, at, item, test->values);
    }
}

/* {"gt": 0, "le": 10} */
static void tests_compile(struct compiler *c, const char *at, cJSON *object,
                          struct condition *condition)
{
    cJSON *item;

    compile_about(c, at, object);
    jsonfile_known(object, c->file, at, op_members, sizeof(op_members) / sizeof(op_members[0]),
                   c->faults);
    if (!object->child)
        faults_add(c->faults, c->file, at,
                   "an empty condition; write a value, or one of \"eq\", "
                   "\"ne\", \"lt\", \"le\", \"gt\", \"ge\", \"in\", "
                   "\"exists\"");
    condition->tests =
        arena_alloc(c->arena, (size_t)cJSON_GetArraySize(object) * sizeof(*condition->tests));
    cJSON_ArrayForEach(item, object)
    {
        char *place = jsonfile_pointer(at, item->string);
        struct test *test = &condition->tests[condition->count];
        if (op_of(item->string) >= 0) {
            *test = (struct test){.op = (enum test_op)op_of(item->string)};
            test_compile(c, place, item, test);
            condition->count++;
        }
        free(place);
    }
}

/* An object is a list of tests, unless it is a value such as {"at": …}. */
static bool is_value(const cJSON *item)
{
    static const char *const forms[] = {"at",    "sum",   "product", "negate",
                                        "scale", "epoch", "object",  "literal"};

    if (!cJSON_IsObject(item))
        return true;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (cJSON_GetObjectItemCaseSensitive(item, forms[i]))
            return true;
    return false;
}

static void condition_compile(struct compiler *c, const char *at, cJSON *item,
                              struct condition *condition)
{
    struct error error;

    memset(condition, 0, sizeof(*condition));
    if (!pointer_compile(c->arena, str_of(item->string), &c->around, POINTER_MARKED,
                         &condition->pointer, &error))
        faults_add(c->faults, c->file, at, "%s", error.text);
    if (!is_value(item)) {
        tests_compile(c, at, item, condition);
        return;
    }
    condition->tests = arena_alloc(c->arena, sizeof(*condition->tests));
    condition->tests[0] = (struct test){.op = TEST_EQ};
    condition->count = 1;
    test_compile(c, at, item, condition->tests);
}

void conditions_compile(struct compiler *c, const char *at, cJSON *object, struct action *action)
{
    cJSON *item;

    if (!cJSON_IsObject(object)) {
        faults_add(c->faults, c->file, at, "\"if\" takes {pointer: value, …}, found %s",
                   compile_found(c, object));
        return;
    }
    if (cJSON_IsString(cJSON_GetObjectItemCaseSensitive(object, "about")))
        compile_about(c, at, object);
    if (!object->child)
        faults_add(c->faults, c->file, at, "an empty \"if\"; leave it out");
    action->conditions =
        arena_alloc(c->arena, (size_t)cJSON_GetArraySize(object) * sizeof(*action->conditions));
    cJSON_ArrayForEach(item, object)
    {
        char *place = jsonfile_pointer(at, item->string);
        condition_compile(c, place, item, &action->conditions[action->condition_count++]);
        free(place);
    }
}
