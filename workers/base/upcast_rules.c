/*
 * upcast_rules.c: from the words of a file to rules.
 *
 * Each rule is first written as RFC 8785 text and parsed again: then what is read does not depend
 * on the order of members in the file, its numbers are exact, and the text is what the definition
 * keeps.
 */
#include "base/upcast_rules.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/jsonfile.h"
#include "base/upcast_path.h"

#include <stdlib.h>

#define INTO_MAX        16
#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

struct reader {
    struct upcast_rules *rules;
    const char *file;
    struct faults *faults;
};

/* ------------------------------------------------------------------------------------------ places
 */

static const char *place_in(struct reader *r, const char *place, struct str name)
{
    struct str copy = arena_copy(&r->rules->arena, name);
    char *inside = jsonfile_pointer(place, copy.at);
    const char *kept = arena_copy(&r->rules->arena, str_of(inside)).at;
    free(inside);
    return kept;
}

static const char *place_at(struct reader *r, const char *place, size_t index)
{
    return arena_printf(&r->rules->arena, "%s/%zu", place, index).at;
}

static const char *found(struct reader *r, const struct json *node)
{
    static const char *const kinds[] = {
        [JSON_NULL] = "null",       [JSON_FALSE] = "false", [JSON_TRUE] = "true",
        [JSON_NUMBER] = "",         [JSON_STRING] = "",     [JSON_ARRAY] = "a list",
        [JSON_OBJECT] = "an object"};
    struct str text = node->text;
    if (node->kind == JSON_NUMBER)
        return arena_printf(&r->rules->arena, "the number %.*s", STRF(text)).at;
    if (node->kind == JSON_STRING)
        return arena_printf(&r->rules->arena, "the text \"%.*s\"",
                            text.len < 60 ? (int)text.len : 60, text.at)
            .at;
    return kinds[node->kind];
}

/* ------------------------------------------------------------------------------------------- texts
 */

/* The type or dataschema of an optional member; {NULL,0} when it is absent, or (with a fault) none.
 */
static struct str read_name(struct reader *r, const struct json *object, const char *place,
                            const char *name, const char *example)
{
    const struct json *node = json_member(object, str_of(name));
    if (!node)
        return (struct str){NULL, 0};
    if (node->kind == JSON_STRING && node->text.len && node->text.len <= UPCAST_NAME_MAX &&
        !upcast_has_control(node->text))
        return node->text;
    faults_add(r->faults, r->file, place_in(r, place, str_of(name)),
               "\"%s\" takes a text of 1 to %d bytes, such as \"%s\"; found %s", name,
               UPCAST_NAME_MAX, example, found(r, node));
    return (struct str){NULL, 0};
}

static struct str read_type(struct reader *r, const struct json *object, const char *place)
{
    struct str type = read_name(r, object, place, "type", "order.placed");
    if (type.len && (str_eq(type, STR("*")) || (type.len > 1 && type.at[type.len - 1] == '*' &&
                                                type.at[type.len - 2] == '.')))
        faults_add(r->faults, r->file, place_in(r, place, STR("type")),
                   "\"%.*s\" is a pattern; an upcast is for one type: write a rule for each",
                   STRF(type));
    return type;
}

/* ------------------------------------------------------------------------------------------- verbs
 */

/* A verb's object, or NULL: absent, or (with a fault) none. */
static const struct json *read_object(struct reader *r, const struct json *object,
                                      const char *place, const char *name, const char *example)
{
    const struct json *node = json_member(object, str_of(name));
    if (!node || node->kind == JSON_OBJECT)
        return node;
    faults_add(r->faults, r->file, place_in(r, place, str_of(name)),
               "\"%s\" takes an object: %s; found %s", name, example, found(r, node));
    return NULL;
}

static bool read_path(struct reader *r, const char *place, struct str text,
                      struct upcast_path *path)
{
    struct error error;
    if (upcast_path_read(&r->rules->arena, text, path, &error))
        return true;
    faults_add(r->faults, r->file, place, "%s", error.text);
    return false;
}

static bool read_target(struct reader *r, const char *place, const struct json *node,
                        struct upcast_path *path)
{
    if (node->kind == JSON_STRING)
        return read_path(r, place, node->text, path);
    faults_add(r->faults, r->file, place, "takes a pointer, \"/data/…\"; found %s", found(r, node));
    return false;
}

static bool read_move(struct reader *r, const char *place, const struct json *node,
                      struct upcast_take *take)
{
    struct upcast_path *into = arena_alloc(&r->rules->arena, sizeof *into);
    if (!read_target(r, place, node, into))
        return false;
    take->into = into;
    take->count = 1;
    if (strcmp(take->verb, "rename") != 0 || upcast_path_is_beside(&take->from, into))
        return true;
    faults_add(r->faults, r->file, place,
               "\"%s\" does not stand beside \"%s\", so this is no \"rename\"; write it under "
               "\"move\"",
               into->text, take->from.text);
    return false;
}

static bool read_into(struct reader *r, const char *place, const struct json *list,
                      struct upcast_take *take)
{
    if (!list || list->kind != JSON_ARRAY || list->count < 2 || list->count > INTO_MAX) {
        faults_add(r->faults, r->file, place,
                   "\"into\" lists 2 to %d pointers: [\"/data/first\", \"/data/last\"]; found %s",
                   INTO_MAX, list ? found(r, list) : "nothing");
        return false;
    }
    struct upcast_path *into = arena_alloc(&r->rules->arena, list->count * sizeof *into);
    bool good = true;
    for (const struct json *node = list->child; node; node = node->next, take->count++)
        good &= read_target(r, place_at(r, place, take->count), node, &into[take->count]);
    take->into = into;
    return good;
}

static bool read_split(struct reader *r, const char *place, const struct json *node,
                       struct upcast_take *take)
{
    if (node->kind != JSON_OBJECT) {
        faults_add(r->faults, r->file, place,
                   "takes {\"by\": \" \", \"into\": [\"/data/first\", \"/data/last\"]}; found %s",
                   found(r, node));
        return false;
    }
    const struct json *by = json_member(node, STR("by"));
    bool good = by && by->kind == JSON_STRING && by->text.len && by->text.len <= UPCAST_NAME_MAX;
    if (good)
        take->by = by->text;
    else
        faults_add(r->faults, r->file, place_in(r, place, STR("by")),
                   "\"by\" takes the text between the parts, such as \" \"; found %s",
                   by ? found(r, by) : "nothing");
    return read_into(r, place_in(r, place, STR("into")), json_member(node, STR("into")), take) &&
           good;
}

static void read_takes(struct reader *r, const struct json *object, const char *place,
                       const char *verb, struct upcast_take *takes, size_t *count)
{
    bool split = strcmp(verb, "split") == 0;
    const struct json *entries = read_object(
        r, object, place, verb,
        split ? "{\"/data/name\": {\"by\": \" \", \"into\": [\"/data/first\", \"/data/last\"]}}"
              : "{\"/data/from\": \"/data/to\"}");
    for (const struct json *entry = entries ? entries->child : NULL; entry; entry = entry->next) {
        const char *at = place_in(r, place_in(r, place, str_of(verb)), entry->name);
        struct upcast_take *take = &takes[*count];
        *take = (struct upcast_take){.verb = verb};
        if (read_path(r, at, entry->name, &take->from) &&
            (split ? read_split(r, at, entry, take) : read_move(r, at, entry, take)))
            ++*count;
    }
}

static void read_defaults(struct reader *r, const struct json *object, const char *place,
                          struct upcast_rule *rule, struct upcast_default *defaults)
{
    const struct json *entries =
        read_object(r, object, place, "default", "{\"/data/currency\": \"EUR\"}");
    rule->defaults = defaults;
    for (const struct json *entry = entries ? entries->child : NULL; entry; entry = entry->next) {
        const char *at = place_in(r, place_in(r, place, STR("default")), entry->name);
        struct upcast_default *def = &defaults[rule->default_count];
        if (!read_path(r, at, entry->name, &def->at))
            continue;
        def->value = entry;
        rule->default_count++;
        if (entry->kind == JSON_NULL)
            faults_add(r->faults, r->file, at,
                       "null is what is there already; write a value, or leave the entry out");
    }
}

/* ------------------------------------------------------------------------------------------- rules
 */

static void check_places(struct reader *r, const struct upcast_rule *rule,
                         const struct upcast_take *a, const struct upcast_take *b)
{
    if (a != b && upcast_paths_overlap(&a->from, &b->from))
        faults_add(r->faults, r->file, rule->place,
                   "%s \"%s\" and %s \"%s\" take the same thing; leave one of them out", a->verb,
                   a->from.text, b->verb, b->from.text);
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = a == b ? i + 1 : 0; k < b->count; k++)
            if (upcast_paths_overlap(&a->into[i], &b->into[k]))
                faults_add(r->faults, r->file, rule->place,
                           "%s \"%s\" and %s \"%s\" both write \"%s\"; a place takes one value",
                           a->verb, a->from.text, b->verb, b->from.text,
                           a->into[i].count > b->into[k].count ? a->into[i].text : b->into[k].text);
}

static bool is_same(const struct upcast_path *a, const struct upcast_path *b)
{
    return a->count == b->count && upcast_paths_overlap(a, b);
}

/* A default for what was there before: it comes too late to be taken along. */
static void check_default(struct reader *r, const struct upcast_rule *rule,
                          const struct upcast_default *entry)
{
    for (size_t i = 0; i < rule->take_count; i++) {
        const struct upcast_take *step = &rule->takes[i];
        if (is_same(&step->from, &entry->at) && !is_same(&step->into[0], &entry->at))
            faults_warn(
                r->faults, r->file,
                place_in(r, place_in(r, rule->place, STR("default")), str_of(entry->at.text)),
                "comes behind %s, which takes away what stands there; for a default of the "
                "new place write \"%s\"",
                step->verb, step->into[0].text);
    }
}

static void check_steps(struct reader *r, const struct upcast_rule *rule)
{
    /* First: the pairs of some 100,000 entries would take minutes to compare. */
    if (rule->take_count + rule->default_count > UPCAST_STEPS_MAX) {
        faults_add(r->faults, r->file, rule->place, "has %zu entries; at most %d are allowed",
                   rule->take_count + rule->default_count, UPCAST_STEPS_MAX);
        return;
    }
    for (size_t i = 0; i < rule->take_count; i++)
        for (size_t k = 0; k <= i; k++)
            check_places(r, rule, &rule->takes[k], &rule->takes[i]);
    for (size_t i = 0; i < rule->default_count; i++)
        check_default(r, rule, &rule->defaults[i]);
}

static void read_to(struct reader *r, const struct json *object, struct upcast_rule *rule)
{
    const struct json *to =
        read_object(r, object, rule->place, "to", "{\"type\": \"order.placed.v2\"}");
    if (!to)
        return;
    const char *place = place_in(r, rule->place, STR("to"));
    rule->to_type = read_type(r, to, place);
    rule->to_dataschema = read_name(r, to, place, "dataschema", "https://shop/order/2");
    if (!to->child)
        faults_add(r->faults, r->file, place,
                   "says nothing; write \"type\" or \"dataschema\", or leave \"to\" out");
}

static size_t entries_of(const struct json *object, const char *verb)
{
    const struct json *entries = json_member(object, str_of(verb));
    return entries && entries->kind == JSON_OBJECT ? entries->count : 0;
}

static void read_rule(struct reader *r, const struct json *object, struct upcast_rule *rule)
{
    struct arena *arena = &r->rules->arena;
    size_t takes = entries_of(object, "rename") + entries_of(object, "move") +
                   entries_of(object, "split"),
           defaults = entries_of(object, "default"), errors = r->faults->errors;
    rule->type = read_type(r, object, rule->place);
    if (!json_member(object, STR("type")))
        faults_add(r->faults, r->file, rule->place,
                   "\"type\" is missing: the type of the events that the rule is for");
    rule->dataschema = read_name(r, object, rule->place, "dataschema", "https://shop/order/1");
    read_to(r, object, rule);
    struct upcast_take *room = arena_alloc(arena, (takes + 1) * sizeof *room);
    rule->takes = room;
    read_takes(r, object, rule->place, "rename", room, &rule->take_count);
    read_takes(r, object, rule->place, "move", room, &rule->take_count);
    read_takes(r, object, rule->place, "split", room, &rule->take_count);
    read_defaults(r, object, rule->place, rule,
                  arena_alloc(arena, (defaults + 1) * sizeof(struct upcast_default)));
    if (r->faults->errors > errors)
        return;
    check_steps(r, rule);
    if (!rule->take_count && !rule->default_count && !str_is(rule->to_type) &&
        !str_is(rule->to_dataschema))
        faults_add(r->faults, r->file, rule->place,
                   "does nothing; write \"rename\", \"move\", \"split\", \"default\" or \"to\"");
}

/* ------------------------------------------------------------------------------------------- files
 */

static void check_members(struct reader *r, const cJSON *item, const char *place)
{
    static const char *const of_rule[] = {"type",  "dataschema", "rename", "move",
                                          "split", "default",    "to",     "about"};
    static const char *const of_to[] = {"type", "dataschema"};
    static const char *const of_split[] = {"by", "into"};
    const cJSON *to = cJSON_GetObjectItemCaseSensitive(item, "to"),
                *split = cJSON_GetObjectItemCaseSensitive(item, "split"), *entry;
    jsonfile_known(item, r->file, place, of_rule, COUNT_OF(of_rule), r->faults);
    if (cJSON_IsObject(to))
        jsonfile_known(to, r->file, place_in(r, place, STR("to")), of_to, COUNT_OF(of_to),
                       r->faults);
    if (!cJSON_IsObject(split))
        return;
    cJSON_ArrayForEach(entry, split)
    {
        const char *at = place_in(r, place_in(r, place, STR("split")), str_of(entry->string));
        if (cJSON_IsObject(entry))
            jsonfile_known(entry, r->file, at, of_split, COUNT_OF(of_split), r->faults);
    }
}

/* The rule as RFC 8785 text, and the nodes of that; NULL with a fault. */
static const struct json *canonical(struct reader *r, const cJSON *item, struct upcast_rule *rule)
{
    struct arena *arena = &r->rules->arena;
    struct buf text = {0};
    struct error error;
    cJSON *copy = cJSON_Duplicate(item, true);
    cJSON_DeleteItemFromObjectCaseSensitive(copy, "about");
    char *printed = cJSON_PrintUnformatted(copy);
    const struct json *node = json_parse(arena, arena_copy(arena, str_of(printed)), &error);
    bool good = node && json_canonical(&text, node, &error);
    if (good && json_depth(node) > UPCAST_DEPTH_MAX)
        good = error_set(&error, ERROR_CONFIG,
                         "the rule has %zu levels of lists and objects; at most %d are allowed",
                         json_depth(node), UPCAST_DEPTH_MAX);
    if (good)
        rule->text = arena_copy(arena, buf_str(&text));
    else
        faults_add(r->faults, r->file, rule->place, "%s", error.text);
    cJSON_free(printed);
    cJSON_Delete(copy);
    buf_release(&text);
    return good ? json_parse(arena, rule->text, &error) : NULL;
}

static void read_item(struct reader *r, const cJSON *item, const char *place)
{
    if (!cJSON_IsObject(item)) {
        faults_add(r->faults, r->file, place,
                   "a rule is an object: {\"type\": \"order.placed\", \"rename\": {…}}");
        return;
    }
    struct upcast_rule *rule = &r->rules->at[r->rules->count++];
    *rule = (struct upcast_rule){.place = place};
    check_members(r, item, place);
    const struct json *object = canonical(r, item, rule);
    if (object)
        read_rule(r, object, rule);
}

static int by_events(const void *a, const void *b)
{
    const struct upcast_rule *x = a, *y = b;
    int order = str_cmp(x->type, y->type);
    return order ? order : str_cmp(x->dataschema, y->dataschema);
}

static void check_unique(struct reader *r)
{
    struct upcast_rules *rules = r->rules;
    for (size_t i = 1; i < rules->count; i++) {
        const struct upcast_rule *a = &rules->at[i - 1], *b = &rules->at[i];
        if (by_events(a, b) == 0 && b->type.len)
            faults_add(r->faults, r->file, b->place,
                       "%s is for the same events, \"%.*s\"%s%.*s; make one rule of both", a->place,
                       STRF(b->type), b->dataschema.len ? " of " : "", STRF(b->dataschema));
    }
}

static void join_texts(struct reader *r)
{
    struct upcast_rules *rules = r->rules;
    struct buf text = {0};
    buf_add_byte(&text, '[');
    for (size_t i = 0; i < rules->count; i++) {
        if (i)
            buf_add_byte(&text, ',');
        buf_add(&text, rules->at[i].text);
    }
    buf_add_byte(&text, ']');
    rules->text = arena_copy(&rules->arena, buf_str(&text));
    rules->digest = hash128(rules->text).lo;
    buf_release(&text);
}

static void read_array(struct reader *r, const cJSON *array, const char *pointer)
{
    size_t count = (size_t)cJSON_GetArraySize(array), errors = r->faults->errors, index = 0;
    const cJSON *item;
    if (count > UPCAST_RULES_MAX) {
        faults_add(r->faults, r->file, pointer, "has %zu rules; at most %d are allowed", count,
                   UPCAST_RULES_MAX);
        return;
    }
    r->rules->at = arena_alloc(&r->rules->arena, (count + 1) * sizeof *r->rules->at);
    cJSON_ArrayForEach(item, array) read_item(r, item, place_at(r, pointer, index++));
    if (r->rules->count)
        qsort(r->rules->at, r->rules->count, sizeof *r->rules->at, by_events);
    check_unique(r);
    if (r->faults->errors > errors)
        return;
    upcast_chains_check(r->rules, r->file, r->faults);
    join_texts(r);
    if (r->rules->text.len > UPCAST_TEXT_MAX)
        faults_add(r->faults, r->file, pointer, "the rules have %zu bytes; at most %d are allowed",
                   r->rules->text.len, UPCAST_TEXT_MAX);
}

bool upcast_rules_read(const cJSON *array, const char *file, const char *pointer,
                       struct upcast_rules *rules, struct faults *faults)
{
    struct upcast_rules result = {0};
    struct reader r = {.rules = &result, .file = file, .faults = faults};
    size_t errors = faults->errors;
    if (cJSON_IsArray(array))
        read_array(&r, array, pointer);
    else
        faults_add(faults, file, pointer, "the rules are a list: [ {\"type\": \"…\", …} ]");
    if (faults->errors > errors) {
        upcast_rules_release(&result);
        return false;
    }
    if (result.count == 0)
        upcast_rules_release(&result);
    *rules = result;
    return true;
}

void upcast_rules_release(struct upcast_rules *rules)
{
    arena_release(&rules->arena);
    *rules = (struct upcast_rules){0};
}
