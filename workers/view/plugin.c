/* plugin.c: compiles the view file of a plugin: patterns of types, rows, parameters. */
#include "view/plugin.h"

#include "view/literal.h"
#include "view/pattern.h"
#include "view/row.h"
#include "view/template.h"
#include <stdlib.h>

static cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static void patterns_compile(struct compiler *c, const cJSON *on)
{
    struct view *view = c->view;
    size_t room = (size_t)cJSON_GetArraySize(on) + 1, index = 0;
    const cJSON *item;

    view->rules = arena_alloc(c->arena, room * sizeof(*view->rules));
    view->prefixes = arena_alloc(c->arena, room * sizeof(*view->prefixes));
    if (!on) {
        rule_add(c, "/on", "*");
        return;
    }
    if (!cJSON_IsArray(on) || !on->child) {
        faults_add(c->faults, c->file, "/on",
                   "beside \"plugin\", \"on\" lists the patterns of the types that it folds, "
                   "[\"order.placed\", \"stock.*\"] (without \"on\": all), found %s",
                   compile_found(c, on));
        return;
    }
    cJSON_ArrayForEach(item, on)
    {
        char *place = jsonfile_pointer_index("/on", index++);
        if (cJSON_IsString(item))
            rule_add(c, place, item->valuestring);
        else
            faults_add(c->faults, c->file, place,
                       "a pattern is a text, such as \"order.placed\", found %s",
                       compile_found(c, item));
        free(place);
    }
    rules_sort(view);
}

/* Members that say when and how an action runs: here that is the plugin's affair. */
static void refuse_logic(struct compiler *c, const char *at, const cJSON *row)
{
    static const char *const logic[] = {"if", "each", "do", "with", "newest"};

    for (size_t i = 0; i < sizeof(logic) / sizeof(logic[0]); i++) {
        if (!member(row, logic[i]))
            continue;
        char *place = jsonfile_pointer(at, logic[i]);
        faults_add(c->faults, c->file, place,
                   "\"%s\" has no place in \"rows\", which only names what the plugin may write",
                   logic[i]);
        free(place);
    }
}

static void check_twice(struct compiler *c, const struct action *row)
{
    const struct action *other = c->view->rows;

    for (; other && other != row; other = other->next_row)
        if (other->structure == row->structure && templates_alike(&other->key, &row->key)) {
            faults_add(c->faults, c->file, row->place,
                       "the %s \"%s\" stands in %s already; name all its verbs there",
                       structure_names[row->structure], row->key.text, other->place);
            return;
        }
}

/* Where "expire" counts from is read off the key (plugin_write.c), so it must be known where. */
static void check_clock(struct compiler *c, const struct action *row)
{
    if (row->clock && row->key.count > 1 && row->clock != &row->key.parts[1])
        faults_add(c->faults, c->file, row->place,
                   "\"expire\" counts from the time in the key, which must stand right behind its "
                   "literal start: write such as \"sales:{time:day}:{shop}\", not \"%s\"",
                   row->key.text);
}

/* In the language "delete" is an action without verbs; so here it becomes one too. */
static void split_delete(struct compiler *c, struct action *row)
{
    struct action *twin;

    if (!row->is_delete || row->verb_count == 0)
        return;
    twin = arena_alloc(c->arena, sizeof(*twin));
    *twin = *row;
    twin->verb_count = 0;
    twin->keep = (struct keep){0};
    twin->expire_ms = 0;
    row->is_delete = false;
    *c->view->rows_end = twin;
    c->view->rows_end = &twin->next_row;
}

/* The member that names the structure; NULL: a fault. */
static cJSON *find_structure(struct compiler *c, const char *at, cJSON *item)
{
    cJSON *found = NULL, *each = cJSON_IsObject(item) ? item->child : NULL;

    for (; each; each = each->next) {
        if (structure_of(each) == STRUCTURE_COUNT)
            continue;
        if (found)
            faults_add(c->faults, c->file, at, "two structures, \"%s\" and \"%s\"; make two rows",
                       found->string, each->string);
        found = each;
    }
    if (!found)
        faults_add(c->faults, c->file, at,
                   "a row is a structure with its key, and the verbs that the plugin uses: "
                   "{\"hash\": \"stock:{sku}\", \"add\": true}; found %s",
                   compile_found(c, item));
    return found;
}

static void row_declare(struct compiler *c, const char *at, cJSON *item)
{
    struct action *row = arena_alloc(c->arena, sizeof(*row));
    size_t errors = c->faults->errors;
    cJSON *structure;

    memset(row, 0, sizeof(*row));
    row->place = arena_printf(c->arena, "%s", at).at;
    if (cJSON_IsObject(item))
        compile_about(c, at, item);
    structure = find_structure(c, at, item);
    refuse_logic(c, at, item);
    if (c->faults->errors == errors)
        row_compile(c, at, item, structure, row);
    if (c->faults->errors > errors)
        return;
    check_twice(c, row);
    check_clock(c, row);
    split_delete(c, row);
}

static void rows_compile(struct compiler *c, cJSON *rows)
{
    size_t index = 0;
    cJSON *item;

    if (!cJSON_IsArray(rows) || !rows->child) {
        faults_add(c->faults, c->file, rows ? "/rows" : "",
                   "beside \"plugin\", \"rows\" lists what it may write, "
                   "[{\"hash\": \"stock:{sku}\", \"add\": true}, …]; %s",
                   rows ? "found nothing of that" : "it is missing");
        return;
    }
    c->declares = true;
    c->around.each = NAMES_FREE;
    cJSON_ArrayForEach(item, rows)
    {
        char *place = jsonfile_pointer_index("/rows", index++);
        row_declare(c, place, item);
        free(place);
    }
    c->around.each = 0;
    c->declares = false;
}

static const struct json *parameters_compile(struct compiler *c, const cJSON *item)
{
    static const struct json none = {.kind = JSON_NULL};
    const struct json *node;
    struct error error;

    if (!item)
        return &none;
    node = literal_node(item, c->arena, &error);
    if (!node)
        faults_add(c->faults, c->file, "/parameters", "%s", error.text);
    return node;
}

void plugin_compile(struct compiler *c, cJSON *tree)
{
    const cJSON *name = member(tree, "plugin");
    size_t errors;

    patterns_compile(c, member(tree, "on"));
    rows_compile(c, member(tree, "rows"));
    errors = c->faults->errors;
    if (!cJSON_IsString(name)) {
        faults_add(c->faults, c->file, "/plugin",
                   "\"plugin\" takes the name of a shared object, such as \"libstock.so\", found "
                   "%s",
                   compile_found(c, name));
        return;
    }
    c->view->plugin = plugin_open(c, name->valuestring);
    if (!c->view->plugin)
        return;
    c->view->plugin->parameters = parameters_compile(c, member(tree, "parameters"));
    if (c->faults->errors == errors)
        plugin_init(c, c->view->plugin);
}
