/*
 * check.c: what only the whole view can tell. Its rows fall into families: one structure, and keys
 * with the same literals. What must be said of a row as a whole (keep, expire) must be said alike
 * by all actions of its family, and no key of one family may be a key of another.
 */
#include "view/compile.h"

#include "view/commute.h"
#include "view/expire.h"
#include "view/newest.h"
#include "view/pattern.h"
#include "view/value.h"
#include "view/verbs.h"
#include "view/with.h"
#include <stdlib.h>

static void add_family(struct compiler *c, struct action *row)
{
    struct str start = row->key.parts[0].literal;

    row->family = c->view->family_count++;
    c->view->families[row->family] =
        (struct view_row){.structure = row->structure,
                          .key = row->key.text,
                          .prefix = arena_printf(c->arena, "%.*s", STRF(start)).at};
}

static void find_families(struct compiler *c)
{
    struct view *view = c->view;
    struct action *row, *other;
    size_t count = 0;

    for (row = view->rows; row; row = row->next_row)
        count++;
    view->families = arena_alloc(c->arena, count * sizeof(*view->families));
    for (row = view->rows; row; row = row->next_row) {
        for (other = view->rows; other != row; other = other->next_row)
            if (other->structure == row->structure && templates_alike(&other->key, &row->key))
                break;
        if (other == row)
            add_family(c, row);
        else
            row->family = other->family;
    }
}

/* Is row the first with this key and structure? Later ones would only repeat its faults. */
static bool is_first(const struct view *view, const struct action *row)
{
    const struct action *other = view->rows;

    while (other->structure != row->structure || strcmp(other->key.text, row->key.text) != 0)
        other = other->next_row;
    return other == row;
}

static void fault_of_row(struct compiler *c, const struct action *row, const char *member,
                         const char *text)
{
    char *place = jsonfile_pointer(row->place, member);

    faults_add(c->faults, c->file, place, "%s", text);
    free(place);
}

static void check_keys(struct compiler *c)
{
    const struct view *view = c->view;
    const struct action *row, *other;

    for (row = view->rows; row; row = row->next_row) {
        const char *structure = structure_names[row->structure];
        if (!is_first(view, row))
            continue;
        if (template_meets_prefix(&row->key, STR("fanfold:")))
            fault_of_row(c, row, structure,
                         "keys that start with \"fanfold:\" are Fanfold's own; choose another "
                         "start");
        for (other = view->rows; other != row; other = other->next_row)
            if (other->family != row->family && is_first(view, other) &&
                templates_meet(&row->key, &other->key, PATTERN_KEY))
                fault_of_row(
                    c, row, structure,
                    arena_printf(c->arena,
                                 "%s \"%s\" could give the same key as %s \"%s\" of %s; let one of "
                                 "them start differently",
                                 structure, row->key.text, structure_names[other->structure],
                                 other->key.text, other->place)
                        .at);
    }
}

/* keep holds at the end of a batch: only max gives then what it would give event by event. */
static void check_zset_keep(struct compiler *c, const struct action *row)
{
    for (size_t i = 0; i < row->verb_count; i++) {
        const struct verb_use *use = &row->verbs[i];
        if (use->verb->op != CHANGE_ZSET_MAX)
            fault_of_row(c, row, use->verb->name,
                         "a zset with \"keep\" takes only \"max\": a member that was cut off does "
                         "not come back when another one falls or goes");
        for (size_t k = 0; k < use->count && row->keep.is_age; k++)
            if (use->entries[k].value.kind != VALUE_EPOCH)
                fault_of_row(c, row, use->verb->name,
                             "\"keep\" with a time needs times as scores: {\"epoch\": value}");
    }
}

static void check_keep(struct compiler *c, const struct action *row)
{
    const struct action *other;

    if (row->is_delete)
        return;
    for (other = c->view->rows; other != row; other = other->next_row)
        if (other->family == row->family && !other->is_delete &&
            (other->keep.value != row->keep.value || other->keep.is_age != row->keep.is_age)) {
            fault_of_row(
                c, row, row->keep.value ? "keep" : structure_names[row->structure],
                arena_printf(c->arena,
                             "all actions on \"%s\" must say the same \"keep\", but %s says "
                             "another",
                             row->key.text, other->place)
                    .at);
            break;
        }
    for (other = c->view->rows; other; other = other->next_row)
        if (other->family == row->family && other->keep.value && row->structure == STRUCTURE_ZSET) {
            check_zset_keep(c, row);
            break;
        }
}

/* Does any action of the family write what this add writes, in another way? */
static bool written_otherwise(const struct view *view, const struct action *row,
                              const struct entry *entry)
{
    const struct action *other;

    for (other = view->rows; other; other = other->next_row)
        for (size_t i = 0; other->family == row->family && i < other->verb_count; i++) {
            const struct verb_use *use = &other->verbs[i];
            if (!use->verb->creates || use->verb->group == COMMUTE_ADD)
                continue;
            for (size_t k = 0; k < use->count; k++)
                if (templates_meet(&entry->name, &use->entries[k].name, PATTERN_NAME))
                    return true;
        }
    return false;
}

static void mark_own_integers(const struct view *view, struct action *row)
{
    for (size_t i = 0; i < row->verb_count; i++)
        for (size_t k = 0; k < row->verbs[i].count; k++)
            if (row->verbs[i].verb->group == COMMUTE_ADD &&
                !written_otherwise(view, row, &row->verbs[i].entries[k]))
                row->verbs[i].entries[k].flags |= CHANGE_OWN_INTEGER;
}

void view_check(struct compiler *c)
{
    struct action *row;

    find_families(c);
    check_keys(c);
    for (row = c->view->rows; row; row = row->next_row) {
        check_keep(c, row);
        expire_check(c, row);
        newest_check(c, row);
        mark_own_integers(c->view, row);
    }
    commute_check(c);
    with_check(c);
}
