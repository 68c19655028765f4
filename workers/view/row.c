/* row.c: structure, key, verbs, keep, expire. */
#include "view/row.h"

#include "view/newest.h"
#include "view/template.h"
#include "view/verbs.h"
#include <stdlib.h>

#define KEEP_MAX 1000000

enum structure structure_of(const cJSON *member)
{
    enum structure s = 0;

    while (s < STRUCTURE_COUNT && strcmp(member->string, structure_names[s]) != 0)
        s++;
    return s == STRUCTURE_SET && !cJSON_IsString(member) ? STRUCTURE_COUNT : s;
}

static void key_compile(struct compiler *c, const char *at, const cJSON *item,
                        struct action *action)
{
    struct template *key = &action->key;

    if (!cJSON_IsString(item)) {
        faults_add(c->faults, c->file, at, "\"%s\" takes a key, a text, found %s", item->string,
                   compile_found(c, item));
        return;
    }
    if (!name_compile(c, at, item->valuestring, key))
        return;
    if (key->count == 0 || key->parts[0].kind != PART_LITERAL)
        faults_add(c->faults, c->file, at,
                   "the key \"%s\" does not start with literal text that this view alone owns; "
                   "write such as \"%s:%s\"",
                   key->text, c->view->name[0] ? c->view->name : "stock", key->text);
    for (size_t i = 0; i < key->count; i++)
        if (key->parts[i].kind == PART_LITERAL && has_control(key->parts[i].literal))
            faults_add(c->faults, c->file, at, "the key has a control character");
    if (strlen(key->text) > VIEW_KEY_MAX)
        faults_add(c->faults, c->file, at, "the key has %zu bytes; at most %d are allowed",
                   strlen(key->text), VIEW_KEY_MAX);
}

static bool whole_number(const cJSON *item, double max)
{
    return cJSON_IsNumber(item) && item->valuedouble >= 1 && item->valuedouble <= max &&
           item->valuedouble == (double)item->valueint;
}

static void keep_compile(struct compiler *c, const char *at, const cJSON *item,
                         struct action *action)
{
    struct keep *keep = &action->keep;
    bool zset = action->structure == STRUCTURE_ZSET;

    if (!zset && action->structure != STRUCTURE_LIST) {
        faults_add(c->faults, c->file, at, "\"keep\" is for a list or a zset, not for a %s",
                   structure_names[action->structure]);
    } else if (whole_number(item, KEEP_MAX)) {
        keep->value = item->valueint;
    } else if (zset && cJSON_IsString(item) &&
               duration_parse(str_of(item->valuestring), &keep->value) && keep->value > 0) {
        keep->is_age = true;
    } else {
        keep->value = 0;
        faults_add(c->faults, c->file, at, "\"keep\" takes a number from 1 to %d%s, found %s",
                   KEEP_MAX, zset ? ", or a time such as \"30m\"" : "", compile_found(c, item));
    }
    keep->text = arena_printf(c->arena, "%lld", (long long)keep->value);
}

static void expire_compile(struct compiler *c, const char *at, const cJSON *item,
                           struct action *action)
{
    size_t units = 0;

    if (!cJSON_IsString(item) || !duration_parse(str_of(item->valuestring), &action->expire_ms) ||
        !action->expire_ms) {
        action->expire_ms = 0;
        faults_add(
            c->faults, c->file, at,
            "\"expire\" takes a time such as \"90m\", \"24h\" or \"7d\" (s m h d w), found %s",
            compile_found(c, item));
    }
    for (size_t i = 0; i < action->key.count; i++)
        if (action->key.parts[i].kind != PART_LITERAL &&
            action->key.parts[i].unit != TIME_UNIT_NONE) {
            action->clock = &action->key.parts[i];
            units++;
        }
    if (units > 1)
        faults_add(c->faults, c->file, at,
                   "the key \"%s\" has %zu time units, so it is not clear which one \"expire\" "
                   "counts from; leave one",
                   action->key.text, units);
}

static void delete_compile(struct compiler *c, const char *at, const cJSON *item,
                           const cJSON *object, struct action *action)
{
    const cJSON *other;

    action->is_delete = true;
    if (!cJSON_IsTrue(item))
        faults_add(c->faults, c->file, at, "\"delete\" takes true, found %s",
                   compile_found(c, item));
    if (c->declares)
        return;
    cJSON_ArrayForEach(other, object)
    {
        const char *name = other->string;
        if (strcmp(name, "delete") != 0 && verb_known(name) &&
            structure_of(other) == STRUCTURE_COUNT)
            faults_add(c->faults, c->file, at,
                       "\"delete\" stands alone, but \"%s\" is beside it; make two actions", name);
    }
}

/* A member of the action that is neither structure nor verb of it, and none of the common ones. */
static void unknown_member(struct compiler *c, const char *at, const cJSON *item,
                           const struct action *action)
{
    static const char *const common[] = {"about",  "with",   "if",   "each",  "do",
                                         "delete", "expire", "keep", "newest"};
    const char *known[VERB_COUNT + sizeof(common) / sizeof(common[0])];
    const char *name = item->string, *structure = structure_names[action->structure];
    size_t count = 0;
    char *place;

    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
        known[count++] = common[i];
        if (strcmp(name, common[i]) == 0)
            return;
    }
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (verbs[i].structure == action->structure)
            known[count++] = verbs[i].name;
    if (structure_of(item) != STRUCTURE_COUNT || verb_find(action->structure, name))
        return;
    place = jsonfile_pointer(at, name);
    const char *near = verb_known(name) ? NULL : suggest(name, known, count);
    if (near)
        faults_add(c->faults, c->file, place, "unknown verb \"%s\" of a %s; did you mean \"%s\"?",
                   name, structure, near);
    else
        faults_add(c->faults, c->file, place, "unknown verb \"%s\" of a %s; it has %s", name,
                   structure, verb_list(action->structure, c->arena));
    free(place);
}

static void verbs_compile(struct compiler *c, const char *at, cJSON *object, struct action *action)
{
    action->verbs = arena_alloc(c->arena, VERB_COUNT * sizeof(*action->verbs));
    for (size_t i = 0; i < VERB_COUNT; i++) {
        cJSON *item = cJSON_GetObjectItemCaseSensitive(object, verbs[i].name);
        if (verbs[i].structure != action->structure || !item)
            continue;
        char *place = jsonfile_pointer(at, verbs[i].name);
        verb_compile(c, place, item, &verbs[i], &action->verbs[action->verb_count++]);
        free(place);
    }
}

/* What is said of a row as a whole. */
static void whole_compile(struct compiler *c, const char *at, cJSON *object, struct action *action)
{
    cJSON *item;

    cJSON_ArrayForEach(item, object)
    {
        char *place = jsonfile_pointer(at, item->string);
        if (strcmp(item->string, "keep") == 0)
            keep_compile(c, place, item, action);
        else if (strcmp(item->string, "expire") == 0)
            expire_compile(c, place, item, action);
        else if (strcmp(item->string, "delete") == 0)
            delete_compile(c, place, item, object, action);
        else if (strcmp(item->string, "newest") == 0)
            newest_compile(c, place, item, action);
        free(place);
    }
}

void row_compile(struct compiler *c, const char *at, cJSON *object, cJSON *key,
                 struct action *action)
{
    size_t errors = c->faults->errors;
    cJSON *item;
    char *place = jsonfile_pointer(at, key->string);

    action->structure = structure_of(key);
    key_compile(c, place, key, action);
    free(place);
    verbs_compile(c, at, object, action);
    whole_compile(c, at, object, action);
    cJSON_ArrayForEach(item, object) unknown_member(c, at, item, action);
    if (action->verb_count == 0 && !action->is_delete && c->faults->errors == errors)
        faults_add(c->faults, c->file, at, "no verb: it says nothing to do with the %s; it has %s",
                   structure_names[action->structure], verb_list(action->structure, c->arena));
    if (c->faults->errors > errors)
        return;
    *c->view->rows_end = action;
    c->view->rows_end = &action->next_row;
}
