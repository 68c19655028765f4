/* compile.c: the top level of a view file. */
#include "view/compile.h"

#include "base/hash.h"
#include "base/json.h"
#include "view/literal.h"
#include "view/plugin.h"
#include "view/pointer.h"
#include "view/targets.h"
#include "view/template.h"
#include <stdlib.h>

#define EXCHANGE_MAX 127 /* AMQP 0-9-1 allows 255; the names of its queues begin with it */

static const char *const members[] = {"view",     "about",  "exchange", "on",         "park_by",
                                      "on_error", "plugin", "rows",     "parameters", "targets"};

const char *compile_found(const struct compiler *c, const cJSON *item)
{
    if (cJSON_IsString(item))
        return arena_printf(c->arena, "the text \"%.60s\"", item->valuestring).at;
    if (cJSON_IsNumber(item))
        return arena_printf(c->arena, "the number %g", item->valuedouble).at;
    if (cJSON_IsBool(item))
        return cJSON_IsTrue(item) ? "true" : "false";
    if (cJSON_IsArray(item))
        return item->child ? "a list" : "an empty list";
    if (cJSON_IsObject(item))
        return item->child ? "an object" : "an empty object";
    return "null";
}

void compile_about(struct compiler *c, const char *at, cJSON *object)
{
    cJSON *about = cJSON_DetachItemFromObjectCaseSensitive(object, "about");

    if (about && !cJSON_IsString(about)) {
        char *place = jsonfile_pointer(at, "about");
        faults_add(c->faults, c->file, place, "\"about\" takes a text for people, found %s",
                   compile_found(c, about));
        free(place);
    }
    cJSON_Delete(about);
}

static bool is_view_name(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > VIEW_NAME_MAX || strchr("._-", name[0]))
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

static void name_of_view(struct compiler *c, const cJSON *item)
{
    if (!item)
        faults_add(c->faults, c->file, "", "\"view\", the name of the view, is missing");
    else if (!cJSON_IsString(item) || !is_view_name(item->valuestring))
        faults_add(c->faults, c->file, "/view",
                   "the name of a view has 1 to %d characters of a-z 0-9 . _ - and begins with a "
                   "letter or digit; found %s",
                   VIEW_NAME_MAX, compile_found(c, item));
    else
        c->view->name = arena_printf(c->arena, "%s", item->valuestring).at;
}

static void add_exchange(struct compiler *c, const char *at, const cJSON *item)
{
    struct view *view = c->view;

    if (!cJSON_IsString(item) || !item->valuestring[0] ||
        strlen(item->valuestring) > EXCHANGE_MAX || has_control(str_of(item->valuestring))) {
        faults_add(c->faults, c->file, at,
                   "an exchange is a name of 1 to %d bytes, such as \"shop.events\", found %s",
                   EXCHANGE_MAX, compile_found(c, item));
        return;
    }
    for (size_t i = 0; i < view->exchange_count; i++)
        if (strcmp(view->exchanges[i], item->valuestring) == 0)
            faults_add(c->faults, c->file, at, "the exchange \"%s\" is listed twice",
                       item->valuestring);
    view->exchanges[view->exchange_count++] = arena_printf(c->arena, "%s", item->valuestring).at;
}

static void exchange_compile(struct compiler *c, const cJSON *item)
{
    const cJSON *name;
    size_t index = 0;

    c->view->exchanges =
        arena_alloc(c->arena, ((size_t)cJSON_GetArraySize(item) + 1) * sizeof(char *));
    if (!item) {
        faults_add(c->faults, c->file, "",
                   "\"exchange\" is missing: the exchange, or list of exchanges, whose events the "
                   "view folds");
    } else if (!cJSON_IsArray(item)) {
        add_exchange(c, "/exchange", item);
    } else {
        if (!item->child)
            faults_add(c->faults, c->file, "/exchange",
                       "an empty list; name one exchange at least");
        cJSON_ArrayForEach(name, item)
        {
            char *place = jsonfile_pointer_index("/exchange", index++);
            add_exchange(c, place, name);
            free(place);
        }
    }
}

static void park_by_compile(struct compiler *c, const cJSON *item)
{
    struct view *view = c->view;
    struct str text = item && cJSON_IsString(item) ? str_of(item->valuestring) : STR("/subject");
    static const struct around nothing = {0};
    struct error error;

    if (item && (cJSON_IsNull(item) || cJSON_IsFalse(item)))
        return;
    if (item && !cJSON_IsString(item))
        faults_add(c->faults, c->file, "/park_by",
                   "\"park_by\" takes a pointer such as \"/subject\", or null, found %s",
                   compile_found(c, item));
    else if (!pointer_compile(c->arena, text, &nothing, POINTER_MARKED, &view->park_by, &error))
        faults_add(c->faults, c->file, "/park_by", "%s", error.text);
    else
        view->has_park_by = true;
}

static void on_error_compile(struct compiler *c, const cJSON *item)
{
    static const char *const names[] = {"park", "skip", "stop"};

    if (!item)
        return;
    for (size_t i = 0; i < 3; i++)
        if (cJSON_IsString(item) && strcmp(item->valuestring, names[i]) == 0) {
            c->view->on_error = (enum on_error)i;
            return;
        }
    faults_add(c->faults, c->file, "/on_error",
               "\"on_error\" takes \"park\", \"skip\" or \"stop\", found %s",
               compile_found(c, item));
}

/* A "*" stands alone or behind the last dot. */
static bool is_pattern(const char *pattern)
{
    const char *star = strchr(pattern, '*');

    if (!star)
        return pattern[0] != 0;
    return star[1] == 0 && (star == pattern || (star - pattern > 1 && star[-1] == '.'));
}

struct rule *rule_add(struct compiler *c, const char *at, const char *text)
{
    struct view *view = c->view;
    struct str pattern = arena_copy(c->arena, str_of(text));
    bool prefix = pattern.len && pattern.at[pattern.len - 1] == '*';
    struct rule *rule =
        prefix ? &view->prefixes[view->prefix_count++] : &view->rules[view->rule_count++];

    *rule = (struct rule){.prefix = {pattern.at, pattern.len - prefix}};
    if (!is_pattern(text))
        faults_add(c->faults, c->file, at,
                   "\"%s\" is no pattern; write an exact type, \"order.*\" for every type that "
                   "begins with \"order.\", or \"*\" for every type",
                   text);
    return rule;
}

static int by_bytes(const void *a, const void *b)
{
    const struct rule *x = a, *y = b;

    return str_cmp(x->prefix, y->prefix);
}

static int longest_first(const void *a, const void *b)
{
    const struct rule *x = a, *y = b;

    return (x->prefix.len < y->prefix.len) - (x->prefix.len > y->prefix.len);
}

void rules_sort(struct view *view)
{
    qsort(view->rules, view->rule_count, sizeof(*view->rules), by_bytes);
    qsort(view->prefixes, view->prefix_count, sizeof(*view->prefixes), longest_first);
}

static void rule_compile(struct compiler *c, cJSON *item)
{
    char *place = jsonfile_pointer("/on", item->string);
    struct rule *rule = rule_add(c, place, item->string);

    actions_compile(c, place, item, &rule->actions, &rule->count);
    free(place);
}

static void on_compile(struct compiler *c, cJSON *on)
{
    struct view *view = c->view;
    size_t count = (size_t)cJSON_GetArraySize(on);
    cJSON *item;

    if (cJSON_IsObject(on) && cJSON_IsString(cJSON_GetObjectItemCaseSensitive(on, "about")))
        compile_about(c, "/on", on);
    if (!cJSON_IsObject(on) || !on->child) {
        faults_add(c->faults, c->file, on ? "/on" : "",
                   "\"on\" says what each event type does, {\"order.placed\": [ … ], …}; %s",
                   on ? "found nothing of that" : "it is missing");
        return;
    }
    view->rules = arena_alloc(c->arena, count * sizeof(*view->rules));
    view->prefixes = arena_alloc(c->arena, count * sizeof(*view->prefixes));
    cJSON_ArrayForEach(item, on) rule_compile(c, item);
    rules_sort(view);
}

/* The definition that is stored holds the view one level down, and must be read again. */
#define LEVELS_MAX (JSON_DEPTH_MAX - 1)

static int levels(const cJSON *tree)
{
    int deepest = 0;
    const cJSON *child;

    if (!cJSON_IsObject(tree) && !cJSON_IsArray(tree))
        return 0;
    cJSON_ArrayForEach(child, tree)
    {
        int below = levels(child);
        deepest = below > deepest ? below : deepest;
    }
    return deepest + 1;
}

static void levels_check(struct compiler *c, const cJSON *tree)
{
    if (levels(tree) > LEVELS_MAX)
        faults_add(c->faults, c->file, "",
                   "has %d levels of lists and objects; at most %d are allowed", levels(tree),
                   LEVELS_MAX);
}

/* What is left of the tree, without every "about", "$schema" and "targets", decides the fold. */
static void digest(struct compiler *c, const cJSON *tree)
{
    struct error error;
    struct str *text = &c->view->text;

    if (literal_text(tree, c->arena, text, &error))
        c->view->digest = plugin_digest(c->view->plugin, hash128(*text).lo);
    else
        faults_add(c->faults, c->file, "", "%s", error.text);
}

/* What belongs to a plugin, in a view without one. */
static void refuse_rows(struct compiler *c, const cJSON *tree)
{
    static const char *const names[] = {"rows", "parameters"};

    for (size_t i = 0; i < 2; i++) {
        if (!cJSON_GetObjectItemCaseSensitive(tree, names[i]))
            continue;
        char *place = jsonfile_pointer("", names[i]);
        faults_add(c->faults, c->file, place, "\"%s\" belongs to \"plugin\", which is missing",
                   names[i]);
        free(place);
    }
}

/* "$schema" is for editors: like "about" it says nothing to the fold, nor to the digest. */
static void schema_compile(struct compiler *c, cJSON *tree)
{
    cJSON *schema = cJSON_DetachItemFromObjectCaseSensitive(tree, "$schema");

    if (schema && !cJSON_IsString(schema))
        faults_add(c->faults, c->file, "/$schema",
                   "\"$schema\" takes the address of a schema, a text, found %s",
                   compile_found(c, schema));
    cJSON_Delete(schema);
}

static void top_compile(struct compiler *c, cJSON *tree)
{
    const cJSON *about = cJSON_GetObjectItemCaseSensitive(tree, "about");

    if (cJSON_IsString(about))
        c->view->about = arena_printf(c->arena, "%s", about->valuestring).at;
    compile_about(c, "", tree);
    schema_compile(c, tree);
    jsonfile_known(tree, c->file, "", members, sizeof(members) / sizeof(members[0]), c->faults);
    name_of_view(c, cJSON_GetObjectItemCaseSensitive(tree, "view"));
    exchange_compile(c, cJSON_GetObjectItemCaseSensitive(tree, "exchange"));
    park_by_compile(c, cJSON_GetObjectItemCaseSensitive(tree, "park_by"));
    on_error_compile(c, cJSON_GetObjectItemCaseSensitive(tree, "on_error"));
    targets_compile(c, tree);
    if (cJSON_GetObjectItemCaseSensitive(tree, "plugin")) {
        plugin_compile(c, tree);
    } else {
        refuse_rows(c, tree);
        on_compile(c, cJSON_GetObjectItemCaseSensitive(tree, "on"));
    }
}

static struct view *view_compile(const char *file, bool on_disk, cJSON *tree, struct faults *faults)
{
    struct view *view = must_calloc(1, sizeof(*view));
    size_t errors = faults->errors;
    struct compiler c = {.view = view,
                         .arena = &view->arena,
                         .faults = faults,
                         .file = file,
                         .errors = errors,
                         .on_disk = on_disk};

    view->file = arena_printf(&view->arena, "%s", file).at;
    view->name = view->about = "";
    view->rows_end = &view->rows;
    view->withs_end = &view->withs;
    if (cJSON_IsObject(tree)) {
        literal_sort(tree);
        top_compile(&c, tree);
        levels_check(&c, tree);
        view_check(&c);
    } else {
        faults_add(faults, file, "", "a view file is an object, found %s", compile_found(&c, tree));
    }
    if (faults->errors == errors)
        digest(&c, tree);
    if (faults->errors == errors)
        return view;
    view_free(view);
    return NULL;
}

struct view *view_parse(const char *file, struct str text, struct faults *faults)
{
    cJSON *tree = jsonfile_parse(file, text, faults);
    struct view *view = tree ? view_compile(file, false, tree, faults) : NULL;

    cJSON_Delete(tree);
    return view;
}

struct view *view_restore(const char *path, struct str text, struct faults *faults)
{
    cJSON *tree = jsonfile_parse(path, text, faults);
    struct view *view = tree ? view_compile(path, true, tree, faults) : NULL;

    cJSON_Delete(tree);
    return view;
}

struct view *view_load(const char *path, struct faults *faults)
{
    cJSON *tree = jsonfile_load(path, faults);
    struct view *view = tree ? view_compile(path, true, tree, faults) : NULL;

    cJSON_Delete(tree);
    return view;
}

void view_free(struct view *view)
{
    if (!view)
        return;
    plugin_close(view->plugin);
    arena_release(&view->arena);
    free(view);
}
