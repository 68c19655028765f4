/*
 * with.c: compiles and checks "with".
 *
 * A view is the fold of its log, so what it reads must be too. Hence the rows are of a family that
 * this view writes, of one log (several have no common order), and have no "expire": whether a row
 * that ends by the clock is still there, a live view and a rebuilt one would see differently.
 */
#include "view/with.h"

#include "view/pattern.h"
#include "view/row.h"
#include "view/verbs.h"
#include <stdlib.h>

static bool is_name(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && len <= 32 && text[0] >= 'a' && text[0] <= 'z' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

static bool is_readable(enum structure structure)
{
    return structure == STRUCTURE_HASH || structure == STRUCTURE_SET ||
           structure == STRUCTURE_COUNTER || structure == STRUCTURE_JSON;
}

static bool check_name(struct compiler *c, const char *at, const char *name)
{
    if (!is_name(name)) {
        faults_add(c->faults, c->file, at,
                   "\"%s\" is no name for a row; a name has 1 to 32 characters of a-z 0-9 _ and "
                   "begins with a letter: \"r\"",
                   name);
        return false;
    }
    for (int i = 0; i < c->around.with_count; i++)
        if (strcmp(c->around.withs[i]->name, name) == 0) {
            faults_add(c->faults, c->file, at,
                       "a \"with\" around this one has a row \"%s\" already; choose another name",
                       name);
            return false;
        }
    if (c->around.with_count < WITHS_MAX)
        return true;
    faults_add(c->faults, c->file, at, "more than %d rows of \"with\" can be seen from one place",
               WITHS_MAX);
    return false;
}

/* {structure: key} */
static void spec_compile(struct compiler *c, const char *at, cJSON *spec, struct with *with)
{
    const cJSON *key;
    char *place;

    if (cJSON_IsObject(spec))
        compile_about(c, at, spec);
    key = cJSON_IsObject(spec) ? spec->child : NULL;
    if (!key || key->next || structure_of(key) == STRUCTURE_COUNT || !cJSON_IsString(key)) {
        faults_add(c->faults, c->file, at,
                   "a row to read is {structure: key}, such as {\"hash\": \"reserved:{subject}\"}, "
                   "found %s",
                   compile_found(c, spec));
        return;
    }
    place = jsonfile_pointer(at, key->string);
    with->structure = structure_of(key);
    if (!is_readable(with->structure))
        faults_add(c->faults, c->file, place,
                   "\"with\" reads a hash, a set, a counter or a json, not a %s", key->string);
    else
        with->compiled = name_compile(c, place, key->valuestring, &with->key);
    free(place);
}

void with_compile(struct compiler *c, const char *at, cJSON *object, struct action *action)
{
    cJSON *spec;
    char *place;
    int first = c->around.with_count;

    if (!cJSON_IsObject(object) || !object->child) {
        faults_add(c->faults, c->file, at, "\"with\" takes {name: {structure: key}, …}, found %s",
                   compile_found(c, object));
        return;
    }
    if (cJSON_IsString(cJSON_GetObjectItemCaseSensitive(object, "about")))
        compile_about(c, at, object);
    action->withs =
        arena_alloc(c->arena, (size_t)cJSON_GetArraySize(object) * sizeof(*action->withs));
    cJSON_ArrayForEach(spec, object)
    {
        struct with *with = &action->withs[action->with_count++];
        place = jsonfile_pointer(at, spec->string);
        *with = (struct with){.place = arena_printf(c->arena, "%s", place).at,
                              .name = arena_printf(c->arena, "%s", spec->string).at,
                              .slot = first + (int)action->with_count - 1};
        *c->view->withs_end = with;
        c->view->withs_end = &with->next;
        spec_compile(c, place, spec, with);
        free(place);
    }
    /* Only now: members have no order, so none may see another. */
    for (size_t i = 0; i < action->with_count; i++)
        if (check_name(c, action->withs[i].place, action->withs[i].name))
            c->around.withs[c->around.with_count++] = &action->withs[i];
}

static const struct action *writer_of(const struct view *view, const struct with *with)
{
    const struct action *row = view->rows;

    while (row && (row->structure != with->structure || !templates_alike(&row->key, &with->key)))
        row = row->next_row;
    return row;
}

/* "order:{subject}", "open:{id}": the keys of that structure. */
static const char *keys_of(struct compiler *c, enum structure structure)
{
    const char *list = "";

    for (size_t i = 0; i < c->view->family_count; i++)
        if (c->view->families[i].structure == structure)
            list = arena_printf(c->arena, "%s%s\"%s\"", list, list[0] ? ", " : "",
                                c->view->families[i].key)
                       .at;
    return list;
}

static void check_family(struct compiler *c, const struct with *with)
{
    const struct action *row = writer_of(c->view, with);
    const char *structure = structure_names[with->structure];
    const char *keys = keys_of(c, with->structure);

    if (!row) {
        faults_add(c->faults, c->file, with->place,
                   "no action of this view writes a %s \"%s\", and \"with\" reads rows of this "
                   "view only; its %s keys are: %s",
                   structure, with->key.text, structure, keys[0] ? keys : "none");
        return;
    }
    for (; row; row = row->next_row)
        if (row->structure == with->structure && row->expire_ms &&
            templates_alike(&row->key, &with->key)) {
            faults_add(c->faults, c->file, with->place,
                       "\"%s\" expires (%s), so whether there is a row to read depends on the "
                       "clock: a rebuilt view would differ from the live one",
                       with->key.text, row->place);
            return;
        }
}

void with_check(struct compiler *c)
{
    const struct with *with;
    bool whole = c->faults->errors == c->errors; /* else the row meant may be one at fault */

    for (with = c->view->withs; with; with = with->next) {
        c->view->commutes = false;
        if (!c->view->order_why)
            c->view->order_why =
                arena_printf(c->arena, "%s: \"with\" reads what earlier events wrote", with->place)
                    .at;
        if (with->compiled && whole)
            check_family(c, with);
        if (c->view->exchange_count > 1)
            faults_add(c->faults, c->file, with->place,
                       "\"with\" reads what earlier events wrote, and the events of several "
                       "exchanges have no common order; write a view for each exchange");
        if (!with->used && whole)
            faults_warn(c->faults, c->file, with->place,
                        "nothing uses @%s: the row is read for nothing; leave it out", with->name);
    }
}
