/* action.c: compiles lists of actions: with, if, each, do, or a row. */
#include "view/condition.h"
#include "view/pointer.h"
#include "view/row.h"
#include "view/value.h"
#include "view/verbs.h"
#include "view/with.h"

#include <stdlib.h>

static cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* The member that names the structure, or NULL. False when there are two, which is a fault. */
static bool find_structure(struct compiler *c, const char *at, cJSON *object, cJSON **found)
{
    cJSON *item;

    *found = NULL;
    cJSON_ArrayForEach(item, object)
    {
        if (structure_of(item) == STRUCTURE_COUNT)
            continue;
        if (*found) {
            faults_add(c->faults, c->file, at,
                       "two structures, \"%s\" and \"%s\"; an action has one: make two actions",
                       (*found)->string, item->string);
            return false;
        }
        *found = item;
    }
    return true;
}

static void each_compile(struct compiler *c, const char *at, cJSON *item, struct action *action)
{
    action->has_each = true;
    if (c->around.each == EACH_MAX) {
        faults_add(c->faults, c->file, at, "more than %d levels of \"each\"", EACH_MAX);
        return;
    }
    if (cJSON_IsString(item) ? pointer_like(str_of(item->valuestring)) : !!member(item, "at"))
        value_compile(c, at, item, &action->each);
    else
        faults_add(c->faults, c->file, at,
                   "\"each\" takes a pointer to a list or an object, such as \"/data/lines\", "
                   "found %s",
                   compile_found(c, item));
}

/* An object without a structure: members that make no sense here. */
static void list_members(struct compiler *c, const char *at, const cJSON *object)
{
    static const char *const known[] = {"with", "if", "each", "do"};
    static const char *const all[] = {"hash", "counter", "zset", "set",  "list", "hll",
                                      "json", "with",    "if",   "each", "do",   "about"};
    cJSON *item;

    cJSON_ArrayForEach(item, object)
    {
        bool fine = false, verb = verb_known(item->string);
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            fine |= strcmp(item->string, known[i]) == 0;
        if (fine || structure_of(item) != STRUCTURE_COUNT)
            continue;
        char *place = jsonfile_pointer(at, item->string);
        verb |= strcmp(item->string, "newest") == 0;
        const char *near = verb ? NULL : suggest(item->string, all, sizeof(all) / sizeof(all[0]));
        if (near)
            faults_add(c->faults, c->file, place, "unknown member \"%s\"; did you mean \"%s\"?",
                       item->string, near);
        else
            faults_add(c->faults, c->file, place,
                       "\"%s\" stands without a structure; write {\"hash\": key, …} (or counter, "
                       "zset, set, list, hll, json)",
                       item->string);
        free(place);
    }
}

static void list_compile(struct compiler *c, const char *at, cJSON *object, struct action *action)
{
    cJSON *each = member(object, "each"), *list = member(object, "do");
    bool deeper = each && c->around.each < EACH_MAX;
    char *place;

    action->is_list = true;
    list_members(c, at, object);
    if (each) {
        place = jsonfile_pointer(at, "each");
        each_compile(c, place, each, action);
        free(place);
    }
    if (!list) {
        faults_add(c->faults, c->file, at, "\"each\" needs a \"do\" list beside it");
        return;
    }
    if (!each && !member(object, "if") && !member(object, "with"))
        faults_add(
            c->faults, c->file, at,
            "\"do\" needs \"with\", \"if\" or \"each\" beside it; else write its actions out");
    place = jsonfile_pointer(at, "do");
    if (c->nest == NEST_MAX) {
        faults_add(c->faults, c->file, place, "more than %d levels of \"do\"", NEST_MAX);
    } else {
        c->around.each += deeper;
        c->nest++;
        actions_compile(c, place, list, &action->actions, &action->action_count);
        c->nest--;
        c->around.each -= deeper;
    }
    free(place);
}

/* Neither a structure nor a list: an unknown member is likely a structure written wrong. */
static void no_structure(struct compiler *c, const char *at, const cJSON *object)
{
    size_t errors = c->faults->errors;

    list_members(c, at, object);
    if (c->faults->errors == errors)
        faults_add(c->faults, c->file, at,
                   "no structure: an action has hash, counter, zset, set, list, hll or json with "
                   "its key, or a \"do\" list");
}

/* "with" and "if", which may stand beside a structure and beside a list. */
static void before_compile(struct compiler *c, const char *at, const cJSON *object,
                           struct action *action)
{
    cJSON *item;
    char *place;

    if ((item = member(object, "with"))) {
        place = jsonfile_pointer(at, "with");
        with_compile(c, place, item, action);
        free(place);
    }
    if ((item = member(object, "if"))) {
        place = jsonfile_pointer(at, "if");
        conditions_compile(c, place, item, action);
        free(place);
    }
}

static void rest_compile(struct compiler *c, const char *at, cJSON *object, struct action *action)
{
    cJSON *structure;

    if (!find_structure(c, at, object, &structure))
        return;
    if (structure && member(object, "do"))
        faults_add(c->faults, c->file, at,
                   "\"%s\" and \"do\" in one action; move the \"%s\" into the list",
                   structure->string, structure->string);
    else if (structure && member(object, "each"))
        faults_add(c->faults, c->file, at,
                   "\"each\" needs \"do\": write {\"each\": …, \"do\": [ {\"%s\": …} ]}",
                   structure->string);
    if (member(object, "do") || (!structure && member(object, "each")))
        list_compile(c, at, object, action);
    else if (structure)
        row_compile(c, at, object, structure, action);
    else
        no_structure(c, at, object);
}

static void action_compile(struct compiler *c, const char *at, cJSON *object, struct action *action)
{
    int rows = c->around.with_count;

    memset(action, 0, sizeof(*action));
    action->place = arena_printf(c->arena, "%s", at).at;
    if (!cJSON_IsObject(object)) {
        faults_add(c->faults, c->file, at, "an action is an object, found %s",
                   compile_found(c, object));
        return;
    }
    compile_about(c, at, object);
    before_compile(c, at, object, action);
    rest_compile(c, at, object, action);
    c->around.with_count = rows;
}

void actions_compile(struct compiler *c, const char *at, cJSON *list, struct action **actions,
                     size_t *count)
{
    cJSON *item;

    if (!cJSON_IsArray(list)) {
        faults_add(c->faults, c->file, at, "takes a list of actions, [ { … } ], found %s",
                   compile_found(c, list));
        return;
    }
    if (!list->child)
        faults_add(c->faults, c->file, at, "an empty list of actions; leave it out");
    *actions = arena_alloc(c->arena, (size_t)cJSON_GetArraySize(list) * sizeof(**actions));
    cJSON_ArrayForEach(item, list)
    {
        char *place = jsonfile_pointer_index(at, *count);
        action_compile(c, place, item, &(*actions)[(*count)++]);
        free(place);
    }
}
