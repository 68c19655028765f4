/*
 * fold.c: events become changes.
 *
 * An event goes in whole, or not at all: at the first thing that cannot be folded the changes that
 * it had given are cut off again, and the reason says where in the view file, and what was found.
 *
 * Besides VIEW_CHANGES_MAX two limits keep one event from holding up a worker: on the actions that
 * run (three levels of each over one long list would be a cube) and on the bytes of its texts.
 */
#include "base/number.h"
#include "view/condition.h"
#include "view/match.h"
#include "view/operand.h"
#include "view/plugin.h"
#include "view/template.h"
#include "view/value.h"
#include "view/with.h"

#include <assert.h>
#include <inttypes.h>

#define ACTIONS_MAX 1000000

struct fold {
    struct scope scope;
    struct changes *changes;
    struct reads reads;
    size_t mark;      /* changes before this event */
    size_t allocated; /* of both arenas, before this event */
    size_t actions;
};

static size_t allocated(const struct fold *f)
{
    return f->changes->arena.used + f->scope.scratch->used;
}

/* Puts the action's place in front of the reason; returns false. */
static bool park_at(struct fold *f, const struct action *action, const char *what,
                    const char *entry)
{
    if (action->is_list)
        return error_prefix(f->scope.why, "%s%s%s%s%s", action->place, what[0] ? ": " : "", what,
                            entry[0] ? " " : "", entry);
    return error_prefix(f->scope.why, "%s: %s %s%s%s%s%s", action->place,
                        structure_names[action->structure], action->key.text, what[0] ? ", " : "",
                        what, entry[0] ? " " : "", entry);
}

static bool few_bytes(const struct fold *f)
{
    if (allocated(f) - f->allocated <= FOLD_BYTES_MAX)
        return true;
    scope_why(&f->scope, "the event makes more than %zu MB of texts", FOLD_BYTES_MAX >> 20);
    return false;
}

static bool within_limits(struct fold *f)
{
    if (++f->actions <= ACTIONS_MAX)
        return few_bytes(f);
    scope_why(&f->scope, "the event runs more than %d actions", ACTIONS_MAX);
    return false;
}

static bool emit(struct fold *f, uint8_t op, uint8_t flags, const struct action *action,
                 struct str key, struct str field, struct str value)
{
    struct arena *arena = &f->changes->arena;

    if (f->changes->count - f->mark == VIEW_CHANGES_MAX) {
        scope_why(&f->scope, "the event makes more than %d changes", VIEW_CHANGES_MAX);
        return false;
    }
    changes_add(f->changes, op, flags, action->structure, key, arena_copy(arena, field),
                arena_copy(arena, value));
    return few_bytes(f);
}

/* name and value of one entry; OUTCOME_NOTHING leaves it out. */
static enum outcome entry_texts(const struct fold *f, const struct verb *verb,
                                const struct entry *entry, struct str *name, struct str *value)
{
    const struct json *node;
    enum outcome outcome;

    *name = (struct str){NULL, 0};
    if (verb->shape == SHAPE_ENTRIES) {
        outcome = template_text(&entry->name, &f->scope, name);
        if (outcome != OUTCOME_SOME)
            return outcome;
    }
    if (str_is(entry->ready)) {
        *value = entry->ready;
        return OUTCOME_SOME;
    }
    outcome = value_eval(&entry->value, &f->scope, &node);
    if (outcome != OUTCOME_SOME)
        return outcome;
    return operand_render(verb, node, f->scope.scratch, value, entry->value.label, f->scope.why)
               ? OUTCOME_SOME
               : OUTCOME_PARK;
}

static bool run_entry(struct fold *f, const struct action *action, const struct verb *verb,
                      const struct entry *entry, struct str key)
{
    struct str name, value;
    enum outcome outcome = entry_texts(f, verb, entry, &name, &value);
    bool member = verb->shape == SHAPE_MEMBERS;

    if (outcome == OUTCOME_NOTHING)
        return true;
    if (outcome == OUTCOME_SOME &&
        emit(f, (uint8_t)verb->op, entry->flags, action, key, member ? value : name,
             member ? (struct str){NULL, 0} : value))
        return true;
    return park_at(f, action, verb->name, entry->label);
}

/* When the row goes: after the time unit in its key, else after the event's time. */
static bool run_expire(struct fold *f, const struct action *action, struct str key)
{
    char text[NUMBER_TEXT_MAX];
    int64_t ms = f->scope.event->time_ms;
    enum outcome outcome = OUTCOME_SOME;

    if (action->clock) {
        outcome = part_time(action->clock, &f->scope, &ms);
        ms = timestamp_unit_end(ms, action->clock->unit);
    } else if (!f->scope.event->has_time) {
        outcome = scope_park(&f->scope, "the event has no time to count from");
    }
    if (outcome == OUTCOME_SOME) {
        size_t len = number_format_int(ms + action->expire_ms, text);
        if (emit(f, CHANGE_EXPIRE, 0, action, key, (struct str){NULL, 0}, (struct str){text, len}))
            return true;
    }
    return park_at(f, action, "expire", "");
}

/* What the action's changes go by. OUTCOME_NOTHING leaves the action out. */
static enum outcome run_newest(struct fold *f, const struct action *action, struct str key)
{
    const struct json *node;
    int64_t ms;
    enum outcome outcome = value_eval(&action->newest, &f->scope, &node);
    const char *partition = f->changes->partition ? f->changes->partition : "";

    if (outcome != OUTCOME_SOME)
        return outcome;
    if (!time_of(node, &ms, action->newest.label, f->scope.why))
        return OUTCOME_PARK;
    struct str stamp = arena_printf(f->scope.scratch, "%" PRId64 " %" PRIu64 " %s", ms,
                                    f->changes->offset, partition);
    return emit(f, CHANGE_STAMP, 0, action, key, (struct str){NULL, 0}, stamp) ? OUTCOME_SOME
                                                                               : OUTCOME_PARK;
}

/* keep and expire: of a row that the action has changed. */
static bool run_whole(struct fold *f, const struct action *action, struct str key)
{
    uint8_t op = action->structure == STRUCTURE_LIST ? CHANGE_LIST_KEEP
                 : action->keep.is_age               ? CHANGE_ZSET_KEEP_AGE
                                                     : CHANGE_ZSET_KEEP;

    if (action->keep.value &&
        !emit(f, op, 0, action, key, (struct str){NULL, 0}, action->keep.text))
        return park_at(f, action, "keep", "");
    return !action->expire_ms || run_expire(f, action, key);
}

static bool run_verbs(struct fold *f, const struct action *action, struct str key)
{
    size_t before = f->changes->count;

    if (action->is_delete)
        return emit(f, CHANGE_DELETE, 0, action, key, (struct str){NULL, 0},
                    (struct str){NULL, 0}) ||
               park_at(f, action, "delete", "");
    for (size_t i = 0; i < action->verb_count; i++)
        for (size_t k = 0; k < action->verbs[i].count; k++)
            if (!run_entry(f, action, action->verbs[i].verb, &action->verbs[i].entries[k], key))
                return false;
    return f->changes->count == before || run_whole(f, action, key);
}

static bool run_row(struct fold *f, const struct action *action)
{
    size_t before = f->changes->count;
    struct str key;
    enum outcome outcome = template_key(&action->key, &f->scope, &key);

    if (outcome != OUTCOME_SOME)
        return outcome == OUTCOME_NOTHING || park_at(f, action, "", "");
    key = arena_copy(&f->changes->arena, key);
    if (!action->has_newest)
        return run_verbs(f, action, key);
    outcome = run_newest(f, action, key);
    if (outcome != OUTCOME_SOME)
        return outcome == OUTCOME_NOTHING || park_at(f, action, "newest", "");
    if (!run_verbs(f, action, key))
        return false;
    if (f->changes->count == before + 1) /* a stamp alone */
        changes_cut(f->changes, before);
    return true;
}

static bool run_actions(struct fold *f, const struct action *actions, size_t count);

/* A false from inside has its place already; the list's own is only in front of its own reasons. */
static bool run_each(struct fold *f, const struct action *action)
{
    const struct json *list, *element;
    struct frame *frame;
    size_t index = 0;
    enum outcome outcome = value_eval(&action->each, &f->scope, &list);
    char shown[SHOWN_MAX];
    bool ok = true;

    if (outcome == OUTCOME_NOTHING)
        return true;
    if (outcome == OUTCOME_SOME && list->kind != JSON_ARRAY && list->kind != JSON_OBJECT)
        outcome = scope_park(&f->scope, "%s is %s, not a list or an object", action->each.label,
                             show_node(list, shown));
    if (outcome == OUTCOME_PARK)
        return park_at(f, action, "each", "");
    frame = &f->scope.frames[f->scope.depth++];
    for (element = list->child; element && ok; element = element->next, index++) {
        *frame = (struct frame){.element = element, .index = index};
        if (list->kind == JSON_OBJECT)
            frame->key = element->name;
        ok = run_actions(f, action->actions, action->action_count);
    }
    f->scope.depth--;
    return ok;
}

static bool run_action(struct fold *f, const struct action *action)
{
    bool hold;

    if (!within_limits(f))
        return park_at(f, action, "", "");
    if (action->with_count) {
        const char *label;
        enum outcome outcome = with_read(action, &f->reads, &f->scope, &label);
        if (outcome != OUTCOME_SOME)
            return outcome == OUTCOME_NOTHING || park_at(f, action, "with", label);
    }
    if (!conditions_hold(action->conditions, action->condition_count, &f->scope, &hold))
        return park_at(f, action, "if", "");
    if (!hold)
        return true;
    if (!action->is_list)
        return run_row(f, action);
    return action->has_each ? run_each(f, action)
                            : run_actions(f, action->actions, action->action_count);
}

static bool run_actions(struct fold *f, const struct action *actions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!run_action(f, &actions[i]))
            return false;
    return true;
}

static enum fold_result run_rules(struct fold *f, const struct view *view, struct str type)
{
    enum fold_result result = FOLD_IGNORED;
    const struct rule *rule;
    size_t cursor = 0;

    while ((rule = match_next(view, type, &cursor))) {
        result = FOLD_DONE;
        if (!run_actions(f, rule->actions, rule->count))
            return FOLD_PARK;
    }
    return result;
}

/* Rows that are not known come before a reason to park: it may be another one with them. */
enum fold_result view_fold(const struct view *view, const struct cloudevent *event,
                           struct row_source *rows, struct changes *changes, struct arena *scratch,
                           struct error *why)
{
    struct fold f = {.scope = {.event = event, .scratch = scratch, .why = why},
                     .changes = changes,
                     .reads = {.source = rows},
                     .mark = changes->count};
    enum fold_result result;

    if (str_is(event->upcast_fault) && view_matches(view, event->type)) {
        error_set(why, ERROR_NO, "%.*s", STRF(event->upcast_fault));
        return FOLD_PARK;
    }
    if (view->plugin)
        return plugin_fold(view, event, changes, scratch, why);
    assert(rows || !view->withs);
    f.allocated = allocated(&f);
    result = run_rules(&f, view, event->type);
    if (f.reads.unread && !f.reads.beyond)
        result = FOLD_READ;
    if (result == FOLD_PARK || result == FOLD_READ)
        changes_cut(changes, f.mark);
    reads_release(&f.reads);
    return result;
}
