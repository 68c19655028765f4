/*
 * commute.c: add, subtract, max, min, include (without exclude) and count commute, each with
 * itself. Two of them on one place do not: 5 added and then raised to 10 is 10, the other way
 * round 15. "keep" with max commutes (the n highest of all are the n highest), and so does "expire"
 * by a unit in the key; "expire" by the event's time stands beside "set" or "put" only, which do
 * not. What goes by "newest" commutes: of all events that write a place the newest counts, and no
 * other verb writes it (newest.c sees to that).
 */
#include "view/commute.h"

#include "view/pattern.h"
#include <stdlib.h>

static void ordered(struct compiler *c, struct action *row, const char *member, const char *why)
{
    char *place = jsonfile_pointer(row->place, member);

    if (!row->order_why)
        row->order_why = why;

    c->view->commutes = false;
    if (!c->view->order_why)
        c->view->order_why = arena_printf(c->arena, "%s: %s", place, why).at;
    if (c->view->exchange_count < 2) {
        free(place);
        return;
    }
    faults_add(
        c->faults, c->file, place,
        "%s, and the events of several exchanges have no common order; a view over several "
        "exchanges takes add, subtract, max, min, include (without exclude) and count, and, with "
        "\"newest\", which goes by the time, set, remove, score, include, exclude, put and "
        "delete: write one of them, or a view for each exchange",
        why);
    free(place);
}

static bool places_meet(const struct verb_use *a, const struct verb_use *b)
{
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < b->count; k++)
            if (templates_meet(&a->entries[i].name, &b->entries[k].name, PATTERN_NAME))
                return true;
    return false;
}

/* A verb before `use` in the file that writes one of its places in another way; or NULL. */
static const struct verb_use *clash(const struct view *view, const struct action *row,
                                    const struct verb_use *use)
{
    const struct action *other = view->rows;

    for (;; other = other->next_row)
        for (size_t i = 0; i < other->verb_count; i++) {
            const struct verb_use *with = &other->verbs[i];
            if (with == use)
                return NULL;
            if (other->family == row->family && with->verb->group != use->verb->group &&
                with->verb->group != COMMUTE_NONE && places_meet(use, with))
                return with;
        }
}

static void check_verb(struct compiler *c, struct action *row, const struct verb_use *use)
{
    const struct verb_use *with;

    if (use->verb->group == COMMUTE_NONE) {
        ordered(
            c, row, use->verb->name,
            arena_printf(c->arena, "\"%s\" depends on the order of events", use->verb->name).at);
        return;
    }
    with = clash(c->view, row, use);
    if (with)
        ordered(c, row, use->verb->name,
                arena_printf(c->arena,
                             "\"%s\" and \"%s\" of the same place depend on the order of events",
                             with->verb->name, use->verb->name)
                    .at);
}

void commute_check(struct compiler *c)
{
    struct action *row;

    c->view->commutes = true;
    for (row = c->view->rows; row; row = row->next_row) {
        if (row->has_newest)
            continue;
        if (row->is_delete)
            ordered(c, row, "delete", "\"delete\" depends on the order of events");
        for (size_t i = 0; i < row->verb_count; i++)
            check_verb(c, row, &row->verbs[i]);
    }
}
