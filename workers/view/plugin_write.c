/*
 * plugin_write.c: what a plugin may change: what "rows" of its view file names, and nothing that an
 * action of the view language could not.
 */
#include "view/plugin_read.h"

#include "base/number.h"
#include "base/timestamp.h"
#include "event/text.h"
#include "view/operand.h"
#include "view/pattern.h"
#include "view/template.h"
#include <inttypes.h>
#include <stdio.h>

#define SHOWN_KEY 100

/* A change on its way. */
struct write {
    struct fanfold_call *call;
    enum structure structure;
    const char *verb;
    struct str key, field, value;
    const struct action *row;   /* of "rows" */
    const struct verb_use *use; /* NULL: delete */
};

/* Stops the call, and says at which change. */
static void refuse_why(const struct write *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Does so, and is false. A macro, so that a static analyser sees which way it goes. */
#define refuse(w, ...) (refuse_why((w), __VA_ARGS__), false)

static void refuse_why(const struct write *w, const char *format, ...)
{
    struct fanfold_call *call = w->call;
    char key[SHOWN_KEY];
    va_list arguments;

    if (call->stopped)
        return;
    error_fit(key, sizeof(key), str_is(w->key) ? w->key.at : "");
    va_start(arguments, format);
    call_vstop(call, format, arguments);
    va_end(arguments);
    if (w->structure == STRUCTURE_COUNT)
        error_prefix(call->why, "delete_row%s%s", key[0] ? " of " : "", key);
    else
        error_prefix(call->why, "%s_%s%s%s", structure_names[w->structure], w->verb,
                     key[0] ? " of " : "", key);
}

/* Takes a text from the plugin; what: how a reason names it. */
static bool take(const struct write *w, const char *text, const char *what, struct str *taken)
{
    struct str given;
    size_t at;

    if (!text)
        return refuse(w, "the %s is NULL", what);
    given = (struct str){text, strnlen(text, FOLD_BYTES_MAX + 1)};
    if (given.len > FOLD_BYTES_MAX)
        return refuse(w, "the %s has more than %zu MB", what, FOLD_BYTES_MAX >> 20);
    if (!text_is_utf8(given, &at))
        return refuse(w, "byte %zu of the %s is not UTF-8", at + 1, what);
    *taken = given;
    return true;
}

static bool take_key(struct write *w, const char *text)
{
    struct str key = {NULL, 0};

    if (!take(w, text, "key", &key))
        return false;
    if (key.len == 0)
        return refuse(w, "the key is empty");
    if (key.len > VIEW_KEY_MAX)
        return refuse(w, "the key has %zu bytes; at most %d are allowed", key.len, VIEW_KEY_MAX);
    if (has_control(key))
        return refuse(w, "the key has a control character");
    w->key = key;
    return true;
}

/* The verb in the row, or NULL. */
static const struct verb_use *use_of(const struct action *row, const char *verb)
{
    for (size_t i = 0; i < row->verb_count; i++)
        if (strcmp(row->verbs[i].verb->name, verb) == 0)
            return &row->verbs[i];
    return NULL;
}

/* Finds what in "rows" allows the change. */
static bool find_row(struct write *w)
{
    bool deletes = w->structure == STRUCTURE_COUNT, known = false;
    const struct action *row;

    for (row = w->call->view->rows; row; row = row->next_row) {
        if ((!deletes && row->structure != w->structure) || !template_gives(&row->key, w->key))
            continue;
        known = true;
        w->row = row;
        w->use = deletes ? NULL : use_of(row, w->verb);
        if (deletes ? row->is_delete : !!w->use)
            return true;
    }
    if (!known && !deletes)
        return refuse(w, "\"rows\" of the view file names no %s with such a key",
                      structure_names[w->structure]);
    return refuse(w, "\"rows\" of the view file does not allow \"%s\" for it",
                  deletes ? "delete" : w->verb);
}

/* Is the change called for, and by whom? */
static bool begin(struct write *w, const char *key)
{
    if (w->call->stopped)
        return false;
    if (!w->call->changes)
        return refuse(w, "init makes no changes");
    return take_key(w, key) && find_row(w);
}

static bool push(const struct write *w, uint8_t op, uint8_t flags, struct str field,
                 struct str value)
{
    struct changes *changes = w->call->changes;

    if (changes->count - w->call->mark == VIEW_CHANGES_MAX)
        return refuse(w, "the event makes more than %d changes", VIEW_CHANGES_MAX);
    changes_add(changes, op, flags, w->row->structure, w->key, arena_copy(&changes->arena, field),
                arena_copy(&changes->arena, value));
    return call_has_room(w->call);
}

/* keep and expire hold for the row once the event is in: those of an earlier change go. */
static void drop_whole(const struct write *w)
{
    struct changes *changes = w->call->changes;

    while (changes->count > w->call->mark) {
        const struct change *last = &changes->at[changes->count - 1];
        bool whole = last->op == CHANGE_EXPIRE || last->op == CHANGE_LIST_KEEP ||
                     last->op == CHANGE_ZSET_KEEP || last->op == CHANGE_ZSET_KEEP_AGE;
        if (!whole || !str_eq(last->key, w->key))
            return;
        changes_cut(changes, changes->count - 1);
    }
}

/* The time in the key, that "expire" counts from. */
static bool clock_of(const struct write *w, int64_t *ms)
{
    static const char rest[] = "0000-01-01T00:00:00Z";
    char text[TIMESTAMP_TEXT_MAX];
    size_t len = timestamp_format_unit(0, w->row->clock->unit, text);

    snprintf(text, sizeof(text), "%.*s%s", (int)len, w->key.at + w->row->key.parts[0].literal.len,
             rest + len);
    return timestamp_parse(str_of(text), ms) || refuse(w, "the time in the key is none");
}

static bool push_expire(const struct write *w)
{
    const struct cloudevent *event = w->call->event;
    char text[NUMBER_TEXT_MAX];
    int64_t ms = event->time_ms;

    if (w->row->clock) {
        if (!clock_of(w, &ms))
            return false;
        ms = timestamp_unit_end(ms, w->row->clock->unit);
    } else if (!event->has_time) {
        return refuse(w, "the event has no time for \"expire\" to count from");
    }
    size_t len = number_format_int(ms + w->row->expire_ms, text);
    return push(w, CHANGE_EXPIRE, 0, (struct str){NULL, 0}, (struct str){text, len});
}

static void finish(struct write *w)
{
    const struct keep *keep = &w->row->keep;
    uint8_t op = w->row->structure == STRUCTURE_LIST ? CHANGE_LIST_KEEP
                 : keep->is_age                      ? CHANGE_ZSET_KEEP_AGE
                                                     : CHANGE_ZSET_KEEP;

    drop_whole(w);
    w->key = arena_copy(&w->call->changes->arena, w->key);
    if (!push(w, (uint8_t)w->use->verb->op, w->use->entries->flags, w->field, w->value))
        return;
    if (keep->value && !push(w, op, 0, (struct str){NULL, 0}, keep->text))
        return;
    if (w->row->expire_ms)
        push_expire(w);
}

/* field: a field or member; NULL in *value: the verb takes none. */
static void write_text(struct fanfold_call *call, enum structure structure, const char *verb,
                       const char *key, const char *field, const char *value)
{
    struct write w = {.call = call, .structure = structure, .verb = verb};
    struct json node = {.kind = JSON_STRING};
    struct error error;

    if (begin(&w, key) && take(&w, field, "field", &w.field) &&
        take(&w, value, "value", &node.text)) {
        if (operand_render(w.use->verb, &node, call->scratch, &w.value, "the value", &error))
            finish(&w);
        else
            refuse_why(&w, "%s", error.text);
    }
}

static void write_member(struct fanfold_call *call, enum structure structure, const char *verb,
                         const char *key, const char *member)
{
    struct write w = {.call = call, .structure = structure, .verb = verb};

    if (begin(&w, key) && take(&w, member, "member", &w.field))
        finish(&w);
}

/* field: NULL for a counter. */
static void write_integer(struct fanfold_call *call, enum structure structure, const char *verb,
                          const char *key, const char *field, int64_t value)
{
    struct write w = {.call = call, .structure = structure, .verb = verb};
    char text[NUMBER_TEXT_MAX];

    if (!begin(&w, key) || (structure != STRUCTURE_COUNTER && !take(&w, field, "field", &w.field)))
        return;
    if (value < -NUMBER_INT_MAX || value > NUMBER_INT_MAX) {
        refuse_why(&w, "%" PRId64 " is beyond ±2^53", value);
        return;
    }
    w.value = (struct str){text, number_format_int(w.use->verb->negate ? -value : value, text)};
    finish(&w);
}

static void write_score(struct fanfold_call *call, const char *verb, const char *key,
                        const char *member, double score)
{
    struct write w = {.call = call, .structure = STRUCTURE_ZSET, .verb = verb};
    char text[NUMBER_TEXT_MAX];
    struct error error;

    if (!begin(&w, key) || !take(&w, member, "member", &w.field))
        return;
    if (number_written(score, text, &w.value, &error))
        finish(&w);
    else
        refuse_why(&w, "%s", error.text);
}

static void hash_set(struct fanfold_call *call, const char *key, const char *field,
                     const char *value)
{
    write_text(call, STRUCTURE_HASH, "set", key, field, value);
}

static void hash_set_once(struct fanfold_call *call, const char *key, const char *field,
                          const char *value)
{
    write_text(call, STRUCTURE_HASH, "set_once", key, field, value);
}

static void hash_add(struct fanfold_call *call, const char *key, const char *field, int64_t value)
{
    write_integer(call, STRUCTURE_HASH, "add", key, field, value);
}

static void hash_subtract(struct fanfold_call *call, const char *key, const char *field,
                          int64_t value)
{
    write_integer(call, STRUCTURE_HASH, "subtract", key, field, value);
}

static void hash_max(struct fanfold_call *call, const char *key, const char *field,
                     const char *value)
{
    write_text(call, STRUCTURE_HASH, "max", key, field, value);
}

static void hash_min(struct fanfold_call *call, const char *key, const char *field,
                     const char *value)
{
    write_text(call, STRUCTURE_HASH, "min", key, field, value);
}

static void hash_remove(struct fanfold_call *call, const char *key, const char *field)
{
    write_member(call, STRUCTURE_HASH, "remove", key, field);
}

static void counter_add(struct fanfold_call *call, const char *key, int64_t value)
{
    write_integer(call, STRUCTURE_COUNTER, "add", key, NULL, value);
}

static void counter_subtract(struct fanfold_call *call, const char *key, int64_t value)
{
    write_integer(call, STRUCTURE_COUNTER, "subtract", key, NULL, value);
}

static void zset_score(struct fanfold_call *call, const char *key, const char *member, double score)
{
    write_score(call, "score", key, member, score);
}

static void zset_add(struct fanfold_call *call, const char *key, const char *member, int64_t value)
{
    write_integer(call, STRUCTURE_ZSET, "add", key, member, value);
}

static void zset_subtract(struct fanfold_call *call, const char *key, const char *member,
                          int64_t value)
{
    write_integer(call, STRUCTURE_ZSET, "subtract", key, member, value);
}

static void zset_max(struct fanfold_call *call, const char *key, const char *member, double score)
{
    write_score(call, "max", key, member, score);
}

static void zset_min(struct fanfold_call *call, const char *key, const char *member, double score)
{
    write_score(call, "min", key, member, score);
}

static void zset_remove(struct fanfold_call *call, const char *key, const char *member)
{
    write_member(call, STRUCTURE_ZSET, "remove", key, member);
}

static void set_include(struct fanfold_call *call, const char *key, const char *member)
{
    write_member(call, STRUCTURE_SET, "include", key, member);
}

static void set_exclude(struct fanfold_call *call, const char *key, const char *member)
{
    write_member(call, STRUCTURE_SET, "exclude", key, member);
}

static void list_push(struct fanfold_call *call, const char *key, const char *value)
{
    struct write w = {.call = call, .structure = STRUCTURE_LIST, .verb = "push"};

    if (begin(&w, key) && take(&w, value, "value", &w.value))
        finish(&w);
}

static void hll_count(struct fanfold_call *call, const char *key, const char *element)
{
    write_member(call, STRUCTURE_HLL, "count", key, element);
}

static void json_put(struct fanfold_call *call, const char *key, const char *json)
{
    struct write w = {.call = call, .structure = STRUCTURE_JSON, .verb = "put"};
    const struct json *node;
    struct error error;
    struct str text = {NULL, 0};

    if (!begin(&w, key) || !take(&w, json, "document", &text))
        return;
    node = json_parse(call->scratch, text, &error);
    if (!node)
        refuse_why(&w, "the document is not JSON: %s", error.text);
    else if (!operand_render(w.use->verb, node, call->scratch, &w.value, "the document", &error))
        refuse_why(&w, "%s", error.text);
    else
        finish(&w);
}

static void delete_row(struct fanfold_call *call, const char *key)
{
    struct write w = {.call = call, .structure = STRUCTURE_COUNT};

    if (!begin(&w, key))
        return;
    drop_whole(&w);
    w.key = arena_copy(&call->changes->arena, w.key);
    push(&w, CHANGE_DELETE, 0, (struct str){NULL, 0}, (struct str){NULL, 0});
}

static int park(struct fanfold_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int park(struct fanfold_call *call, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if (format && format[0])
        call_vstop(call, format, arguments);
    va_end(arguments);
    call_stop(call, "parked without a reason");
    return FANFOLD_PARK;
}

const struct fanfold_host plugin_host = {
    .abi = FANFOLD_ABI,
    .size = sizeof(struct fanfold_host),

    .find = read_find,
    .kind = read_kind,
    .text = read_text,
    .json = read_json,
    .integer = read_integer,
    .scaled = read_scaled,
    .number = read_number,
    .time = read_time,
    .first = read_first,
    .next = read_next,
    .name = read_name,
    .body = read_body,
    .format = make_format,
    .number_text = make_number_text,
    .time_text = make_time_text,
    .park = park,

    .hash_set = hash_set,
    .hash_set_once = hash_set_once,
    .hash_add = hash_add,
    .hash_subtract = hash_subtract,
    .hash_max = hash_max,
    .hash_min = hash_min,
    .hash_remove = hash_remove,
    .counter_add = counter_add,
    .counter_subtract = counter_subtract,
    .zset_score = zset_score,
    .zset_add = zset_add,
    .zset_subtract = zset_subtract,
    .zset_max = zset_max,
    .zset_min = zset_min,
    .zset_remove = zset_remove,
    .set_include = set_include,
    .set_exclude = set_exclude,
    .list_push = list_push,
    .hll_count = hll_count,
    .json_put = json_put,
    .delete_row = delete_row,
};
