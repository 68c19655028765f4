/*
 * fuzz_fold.c: folds an event and looks at every change.
 */
#include "fuzz_fold.h"
#include "fuzz.h"

#include "base/number.h"
#include "event/text.h"

static bool has_braces(const char *template)
{
    for (; *template; template ++)
        if (*template == '{' && *++template != '{')
            return true;
    return false;
}

bool fuzz_owns(const struct view *view, enum structure structure, struct str key)
{
    for (size_t i = 0; i < view_row_count(view); i++) {
        const struct view_row *row = view_row(view, i);
        struct str start = str_of(row->prefix);
        if (row->structure != structure)
            continue;
        if (has_braces(row->key) ? str_starts(key, start) && key.len > start.len
                                 : str_eq(key, start))
            return true;
    }
    return false;
}

static void check_key(const struct view *view, const struct change *change)
{
    size_t at;
    assert(fuzz_owns(view, change->structure, change->key));
    assert(!str_starts(change->key, STR("fanfold:")));
    assert(change->key.len > 0 && change->key.len <= VIEW_KEY_MAX);
    const char *fault = text_fault(change->key, &at);
    assert(!fault || strcmp(fault, "is not a Unicode character") == 0);
}

/* Of a fold that no one told partition and offset: "<ms> 0 ". */
static void check_stamp(struct str stamp)
{
    int64_t ms;
    assert(stamp.len > 3 && str_eq(str_from(stamp, stamp.len - 3), STR(" 0 ")));
    assert(number_int((struct str){stamp.at, stamp.len - 3}, &ms) == NUMBER_OK);
}

static void check_value(const struct change *change)
{
    int64_t integer;
    double number;
    switch (change->op) {
    case CHANGE_HASH_ADD:
    case CHANGE_COUNTER_ADD:
    case CHANGE_ZSET_ADD:
    case CHANGE_ZSET_KEEP:
    case CHANGE_ZSET_KEEP_AGE:
    case CHANGE_LIST_KEEP:
    case CHANGE_EXPIRE:
        assert(number_int(change->value, &integer) == NUMBER_OK);
        break;
    case CHANGE_ZSET_SCORE:
    case CHANGE_ZSET_MAX:
    case CHANGE_ZSET_MIN:
        assert(number_double(change->value, &number) == NUMBER_OK);
        break;
    case CHANGE_STAMP:
        check_stamp(change->value);
        break;
    case CHANGE_JSON_PUT: {
        struct arena arena = {0};
        struct error error;
        assert(json_parse(&arena, change->value, &error));
        arena_release(&arena);
        break;
    }
    default:
        break;
    }
}

static void check_same(const struct change *a, const struct change *b)
{
    assert(a->op == b->op && a->flags == b->flags && a->structure == b->structure);
    assert(str_eq(a->key, b->key) && str_eq(a->field, b->field) && str_eq(a->value, b->value));
}

/* A reason is shown to people and written into JSON: it must be text. */
static void check_reason(const struct error *why)
{
    size_t at;
    struct str text = str_of(why->text);
    const char *fault = text_fault(text, &at);
    assert(text.len > 0);
    assert(!fault || strcmp(fault, "is not UTF-8") != 0);
}

void fuzz_fold(const struct view *view, const struct cloudevent *event, struct changes *changes)
{
    struct arena scratch = {0};
    struct error why = {0};
    changes_clear(changes);
    enum fold_result first = view_fold(view, event, changes, &scratch, &why);
    size_t count = changes->count;
    assert(first == FOLD_DONE || count == 0);
    assert(count <= VIEW_CHANGES_MAX);
    assert((first == FOLD_IGNORED) == !view_matches(view, event->type));
    if (first == FOLD_PARK)
        check_reason(&why);

    arena_clear(&scratch);
    enum fold_result second = view_fold(view, event, changes, &scratch, &why);
    assert(second == first && changes->count == 2 * count);
    for (size_t i = 0; i < count; i++) {
        check_same(&changes->at[i], &changes->at[count + i]);
        check_key(view, &changes->at[i]);
        check_value(&changes->at[i]);
    }
    arena_clear(&scratch);
    view_park_key(view, event, &scratch);
    arena_release(&scratch);
}
