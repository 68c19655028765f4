/*
 * newest.c: which actions may go by the time of their events.
 *
 * Beside "newest" stand the verbs that write a place (a field, a member, the document) as a whole,
 * whatever it held: set, remove, score, include, exclude, put, delete. Of all events that write the
 * place, the newest alone says what it holds. The others have no place there:
 *   - add and subtract: a total needs every event, old or not;
 *   - max and min go by the value. Dropped where a later event is in, they would depend on which
 *     came first: 5 at noon and 3 at one o'clock give 5, or 3 when the noon event comes late;
 *   - set_once keeps the first and push keeps all, in the order of the log;
 *   - count needs no time: an element that was counted is never taken out;
 *   - keep on a zset is for max alone (check.c), on a list for push;
 *   - expire: stamps stay when their row expires, since nothing of Fanfold runs at that moment.
 * They would gather without end, in a view that was meant to stay small.
 *
 * All actions of a row that could go by the time must do so, or none: a write without a stamp would
 * be seen by those that come with one as older than anything. The others may write places of their
 * own in such a row, unless something deletes it: what they write has no stamp, so it is not known
 * whether it is older than the deletion.
 */
#include "view/newest.h"

#include "view/operand.h"
#include "view/pattern.h"
#include "view/value.h"
#include <stdlib.h>

static void fault(struct compiler *c, const struct action *row, const char *member,
                  const char *text)
{
    char *place = jsonfile_pointer(row->place, member);

    faults_add(c->faults, c->file, place, "%s", text);
    free(place);
}

/* --------------------------------------------------------------------------------- one action */

/* {"at": …, "default": …} falls back on a literal, which is known now. */
static void check_default(struct compiler *c, const char *at, const struct value *value)
{
    struct error error;
    int64_t ms;

    if (value->kind == VALUE_AT && !time_of(value->literal, &ms, "the default", &error))
        faults_add(c->faults, c->file, at, "%s", error.text);
}

static void time_compile(struct compiler *c, const char *at, cJSON *item, struct value *value)
{
    cJSON *time = cJSON_IsTrue(item) ? cJSON_CreateString("/time") : NULL;
    bool ok = value_compile(c, at, time ? time : item, value);

    cJSON_Delete(time);
    while (ok && value->kind == VALUE_EPOCH) /* the time that it reads */
        *value = value->items[0];
    if (!ok)
        return;
    if (value->kind == VALUE_LITERAL || value->kind == VALUE_OBJECT) {
        faults_add(c->faults, c->file, at,
                   "\"newest\" takes true, for the event's time, or a pointer to a time, such as "
                   "\"/data/at\"; found %s",
                   compile_found(c, item));
        return;
    }
    check_default(c, at, value);
}

/* Why a verb that does not go by the time does not. */
static const char *why_not(const struct verb *verb)
{
    switch (verb->group) {
    case COMMUTE_ADD:
        return "a total needs every event, old or not";
    case COMMUTE_MAX:
    case COMMUTE_MIN:
        return "it goes by the value, and gives the same in any order";
    default:
        return "it keeps the first that comes";
    }
}

static void verbs_check(struct compiler *c, const struct action *action)
{
    for (size_t i = 0; i < action->verb_count; i++) {
        const struct verb *verb = action->verbs[i].verb;
        if (!change_goes_by_stamp(verb->op))
            fault(c, action, verb->name,
                  arena_printf(c->arena,
                               "\"%s\" cannot go by \"newest\": %s; move it to an action of its "
                               "own, without \"newest\"",
                               verb->name, why_not(verb))
                      .at);
    }
}

void newest_compile(struct compiler *c, const char *at, cJSON *item, struct action *action)
{
    enum structure s = action->structure;

    action->has_newest = true;
    if (s == STRUCTURE_HASH || s == STRUCTURE_ZSET || s == STRUCTURE_SET || s == STRUCTURE_JSON) {
        time_compile(c, at, item, &action->newest);
        verbs_check(c, action);
        return;
    }
    faults_add(c->faults, c->file, at,
               "\"newest\" is for what one event says as a whole, in a hash, zset, set or json; a "
               "%s is made of all its events; leave \"newest\" out",
               structure_names[s]);
}

/* ------------------------------------------------------------------------- the whole view's rows
 */

/* Its first change that could go by the time, as it stands in the file; NULL: none. */
static const char *timed(const struct action *row)
{
    if (row->is_delete)
        return "delete";
    for (size_t i = 0; i < row->verb_count; i++)
        if (change_goes_by_stamp(row->verbs[i].verb->op))
            return row->verbs[i].verb->name;
    return NULL;
}

/* A list of members may name any. */
static bool uses_meet(const struct verb_use *a, const struct verb_use *b)
{
    if (a->verb->shape != SHAPE_ENTRIES || b->verb->shape != SHAPE_ENTRIES)
        return true;
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < b->count; k++)
            if (templates_meet(&a->entries[i].name, &b->entries[k].name, PATTERN_NAME))
                return true;
    return false;
}

/* The verb of row, which goes by no time, that writes what newest writes or deletes; NULL: none. */
static const char *clash(const struct action *row, const struct action *newest)
{
    for (size_t i = 0; i < row->verb_count; i++) {
        if (newest->is_delete)
            return row->verbs[i].verb->name;
        for (size_t k = 0; k < newest->verb_count; k++)
            if (uses_meet(&row->verbs[i], &newest->verbs[k]))
                return row->verbs[i].verb->name;
    }
    return NULL;
}

static void fault_mix(struct compiler *c, const struct action *row, const struct action *other)
{
    fault(c, row, row->has_newest ? "newest" : timed(row),
          arena_printf(c->arena,
                       "all actions that set, remove or delete on \"%s\" must have \"newest\", or "
                       "none, but %s has %s",
                       row->key.text, other->place, other->has_newest ? "it" : "not")
              .at);
}

static void fault_clash(struct compiler *c, const struct action *row, const char *verb,
                        const struct action *newest)
{
    const char *what = newest->is_delete
                           ? "so it cannot be said whether it is older than the \"delete\" of"
                           : "but what it writes may be written with \"newest\" by";

    fault(c, row, verb,
          arena_printf(c->arena, "\"%s\" does not go by the time, %s %s; write another %s", verb,
                       what, newest->place, newest->is_delete ? "row" : "field, or another row")
              .at);
}

static void fault_expire(struct compiler *c, const struct action *row, const struct action *newest)
{
    fault(c, row, "expire",
          arena_printf(c->arena,
                       "\"expire\" and \"newest\" (%s) do not go together on one row: the times "
                       "that \"newest\" keeps would stay for ever when the row is gone",
                       newest->place)
              .at);
}

void newest_check(struct compiler *c, const struct action *row)
{
    const struct action *other;
    const char *verb;
    bool before = true; /* other stands before row in the file */

    for (other = c->view->rows; other; other = other->next_row) {
        before &= other != row;
        if (other->family != row->family)
            continue;
        if (before && timed(row) && timed(other) && row->has_newest != other->has_newest)
            fault_mix(c, row, other);
        else if (other->has_newest && row->expire_ms)
            fault_expire(c, row, other);
        else if (other->has_newest && !timed(row) && (verb = clash(row, other)))
            fault_clash(c, row, verb, other);
        else
            continue;
        return; /* one fault of each row will do */
    }
}
