/* verbs.c: the table of verbs, and their operands. */
#include "view/verbs.h"

#include "view/operand.h"
#include "view/pointer.h"
#include "view/template.h"
#include "view/value.h"
#include <stdlib.h>

const char *const structure_names[STRUCTURE_COUNT] = {"hash", "counter", "zset", "set",
                                                      "list", "hll",     "json"};

#define V(structure, name, shape, operand, op, negate, creates, group)                      \
    {                                                                                       \
        name, STRUCTURE_##structure, SHAPE_##shape, OPERAND_##operand, CHANGE_##op, negate, \
            creates, COMMUTE_##group                                                        \
    }

const struct verb verbs[VERB_COUNT] = {
    V(HASH, "set", ENTRIES, TEXT, HASH_SET, false, true, NONE),
    V(HASH, "set_once", ENTRIES, TEXT, HASH_SET_ONCE, false, true, NONE),
    V(HASH, "add", ENTRIES, INTEGER, HASH_ADD, false, true, ADD),
    V(HASH, "subtract", ENTRIES, INTEGER, HASH_ADD, true, true, ADD),
    V(HASH, "max", ENTRIES, ORDERED, HASH_MAX, false, true, MAX),
    V(HASH, "min", ENTRIES, ORDERED, HASH_MIN, false, true, MIN),
    V(HASH, "remove", MEMBERS, TEXT, HASH_REMOVE, false, false, NONE),
    V(COUNTER, "add", VALUE, INTEGER, COUNTER_ADD, false, true, ADD),
    V(COUNTER, "subtract", VALUE, INTEGER, COUNTER_ADD, true, true, ADD),
    V(ZSET, "score", ENTRIES, NUMBER, ZSET_SCORE, false, true, NONE),
    V(ZSET, "add", ENTRIES, INTEGER, ZSET_ADD, false, true, ADD),
    V(ZSET, "subtract", ENTRIES, INTEGER, ZSET_ADD, true, true, ADD),
    V(ZSET, "max", ENTRIES, NUMBER, ZSET_MAX, false, true, MAX),
    V(ZSET, "min", ENTRIES, NUMBER, ZSET_MIN, false, true, MIN),
    V(ZSET, "remove", MEMBERS, TEXT, ZSET_REMOVE, false, false, NONE),
    V(SET, "include", MEMBERS, TEXT, SET_INCLUDE, false, true, UNION),
    V(SET, "exclude", MEMBERS, TEXT, SET_EXCLUDE, false, false, NONE),
    V(LIST, "push", VALUE, TEXT, LIST_PUSH, false, true, NONE),
    V(HLL, "count", MEMBERS, TEXT, HLL_COUNT, false, true, UNION),
    V(JSON, "put", VALUE, JSON, JSON_PUT, false, true, NONE),
};

const struct verb *verb_find(enum structure structure, const char *name)
{
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (verbs[i].structure == structure && strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

bool verb_known(const char *name)
{
    for (enum structure s = 0; s < STRUCTURE_COUNT; s++)
        if (verb_find(s, name))
            return true;
    return strcmp(name, "delete") == 0 || strcmp(name, "keep") == 0 || strcmp(name, "expire") == 0;
}

const char *verb_list(enum structure structure, struct arena *arena)
{
    const char *list = "";

    for (size_t i = 0; i < VERB_COUNT; i++)
        if (verbs[i].structure == structure)
            list = arena_printf(arena, "%s%s, ", list, verbs[i].name).at;
    return arena_printf(arena, "%sdelete", list).at;
}

bool name_compile(struct compiler *c, const char *at, const char *text, struct template *name)
{
    struct error error;

    if (pointer_like(str_of(text)))
        faults_add(c->faults, c->file, at,
                   "the name \"%s\" begins like a pointer; names are texts: write \"{%s}\"", text,
                   text);
    else if (!template_compile(c->arena, str_of(text), &c->around, name, &error))
        faults_add(c->faults, c->file, at, "%s", error.text);
    else
        return true;
    return false;
}

/* People forget the "/" of a pointer: the text would be stored as it stands. */
static void warn_of_text(struct compiler *c, const char *at, struct str text)
{
    if (str_starts(text, STR("data/")) || str_starts(text, STR("data.")) ||
        str_starts(text, STR("$.")) || str_eq(text, STR("..")))
        faults_warn(
            c->faults, c->file, at,
            "the text \"%.*s\" is taken as it stands; a pointer begins with \"/\", \"./\" or "
            "\"../\", such as \"/data/sku\"",
            STRF(text));
}

/* A literal is rendered once, here; so one of the wrong type is a fault of the file. */
static void prepare(struct compiler *c, const char *at, const struct verb *verb,
                    struct entry *entry)
{
    bool number = verb->operand == OPERAND_INTEGER || verb->operand == OPERAND_NUMBER;
    struct error error;
    struct str text;

    if (number && entry->value.kind == VALUE_OBJECT)
        faults_add(c->faults, c->file, at, "\"%s\" takes %s, found an object", verb->name,
                   verb->operand == OPERAND_INTEGER ? "an integer" : "a number");
    if (entry->value.kind != VALUE_LITERAL)
        return;
    if (operand_render(verb, entry->value.literal, c->arena, &text, "the value", &error)) {
        entry->ready = arena_copy(c->arena, text);
        warn_of_text(c, at, text);
        return;
    }
    faults_add(c->faults, c->file, at, "\"%s\" takes %s: %s%s", verb->name,
               verb->operand == OPERAND_INTEGER ? "an integer" : "a number", error.text,
               entry->value.literal->kind == JSON_STRING
                   ? "; a pointer begins with \"/\", \"./\" or \"../\""
                   : "");
}

static void entry_compile(struct compiler *c, const char *at, cJSON *item, const struct verb *verb,
                          struct entry *entry)
{
    if (!value_compile(c, at, item, &entry->value))
        return;
    if (!entry->label)
        entry->label = entry->value.kind == VALUE_LITERAL ? "" : entry->value.label;
    prepare(c, at, verb, entry);
}

static void list_compile(struct compiler *c, const char *at, cJSON *list, struct verb_use *use)
{
    bool entries = use->verb->shape == SHAPE_ENTRIES;
    cJSON *item;

    if (entries ? !cJSON_IsObject(list) : !cJSON_IsArray(list)) {
        faults_add(c->faults, c->file, at, "\"%s\" of a %s takes %s, found %s", use->verb->name,
                   structure_names[use->verb->structure],
                   entries ? "{name: value, …}" : "a list of values, [value, …]",
                   compile_found(c, list));
        return;
    }
    if (!list->child)
        faults_add(c->faults, c->file, at, "\"%s\" says nothing; leave it out", use->verb->name);
    use->entries = arena_alloc(c->arena, (size_t)cJSON_GetArraySize(list) * sizeof(*use->entries));
    cJSON_ArrayForEach(item, list)
    {
        char *place =
            entries ? jsonfile_pointer(at, item->string) : jsonfile_pointer_index(at, use->count);
        struct entry *entry = &use->entries[use->count++];
        memset(entry, 0, sizeof(*entry));
        if (!entries || name_compile(c, place, item->string, &entry->name)) {
            entry->label = entries ? entry->name.text : NULL;
            entry_compile(c, place, item, use->verb, entry);
        }
        free(place);
    }
}

/* In "rows" of a plugin: the verb may write any place of the row, with any value. */
static void declare(struct compiler *c, const char *at, const cJSON *item, struct verb_use *use)
{
    struct part *any = arena_alloc(c->arena, sizeof(*any));

    if (!cJSON_IsTrue(item))
        faults_add(
            c->faults, c->file, at,
            "\"rows\" only names the verbs that the plugin uses: write \"%s\": true, found %s",
            use->verb->name, compile_found(c, item));
    *any = (struct part){.kind = PART_POINTER, .unit = TIME_UNIT_NONE};
    *use->entries = (struct entry){.label = "", .value = {.kind = VALUE_EPOCH}};
    if (use->verb->shape == SHAPE_ENTRIES)
        use->entries->name = (struct template){.text = "", .parts = any, .count = 1};
}

void verb_compile(struct compiler *c, const char *at, cJSON *item, const struct verb *verb,
                  struct verb_use *use)
{
    *use = (struct verb_use){.verb = verb};
    if (verb->shape != SHAPE_VALUE && !c->declares) {
        list_compile(c, at, item, use);
        return;
    }
    use->entries = arena_alloc(c->arena, sizeof(*use->entries));
    memset(use->entries, 0, sizeof(*use->entries));
    use->count = 1;
    use->entries->label = "";
    if (c->declares)
        declare(c, at, item, use);
    else
        entry_compile(c, at, item, verb, use->entries);
}
