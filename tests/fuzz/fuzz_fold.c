/*
 * fuzz_fold.c: folds an event and looks at every change.
 */
#include "fuzz_fold.h"
#include "fuzz.h"

#include "base/hash.h"
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

/* Rows for a view that reads some: any that a store could give, by chance of their keys. */
static struct row look(void *arg, const struct row_name *name)
{
    static const char *const rows[STRUCTURE_COUNT][3] = {
        [STRUCTURE_HASH] = {"{\"a\":\"1\",\"mug\":\"-7\",\"n\":\"text\"}", "{\"\":\"\"}",
                            "{\"segment\":\"gold\",\"k\":\"{\\n}\"}"},
        [STRUCTURE_SET] = {"[\"a\",\"b\"]", "[\"\"]", "[\"1\",\"fanfold:x\",\"mug\"]"},
        [STRUCTURE_COUNTER] = {"0", "-9007199254740992", "12"},
        [STRUCTURE_JSON] = {"[1,{\"a\":null}]", "\"text\"", "{\"k\":[[]],\"n\":1e400}"},
    };
    const struct map *known = arg;
    assert(name->key.len > 0 && name->key.len <= VIEW_KEY_MAX);
    if (!map_get(known, name->key))
        return (struct row){.state = ROW_UNREAD};
    uint64_t dice = hash128(name->key).lo % 5;
    if (dice > 2)
        return (struct row){.state = dice == 3 ? ROW_ABSENT : ROW_LARGE};
    assert(rows[name->structure][dice]);
    return (struct row){ROW_THERE, str_of(rows[name->structure][dice])};
}

/* Folds it until it wants no more rows. */
static enum fold_result fold(const struct view *view, const struct cloudevent *event,
                             struct changes *changes, struct arena *scratch, struct error *why)
{
    struct map known = {0};
    struct row_source source = {.look = look, .arg = &known};
    size_t before = changes->count;
    enum fold_result result;
    for (int rounds = 0;; rounds++) {
        result = view_fold(view, event, &source, changes, scratch, why);
        if (result != FOLD_READ)
            break;
        assert(source.unread.count > 0 && changes->count == before && rounds < 100);
        for (size_t i = 0; i < source.unread.count; i++) {
            assert(fuzz_owns(view, source.unread.at[i].structure, source.unread.at[i].key));
            uint64_t *mark = map_put(&known, source.unread.at[i].key);
            assert(!*mark);
            *mark = 1;
        }
        row_list_clear(&source.unread);
        arena_clear(scratch);
    }
    row_list_release(&source.unread);
    map_release(&known);
    return result;
}

void fuzz_fold(const struct view *view, const struct cloudevent *event, struct changes *changes)
{
    struct arena scratch = {0};
    struct error why = {0};
    changes_clear(changes);
    enum fold_result first = fold(view, event, changes, &scratch, &why);
    size_t count = changes->count;
    assert(first == FOLD_DONE || count == 0);
    assert(count <= VIEW_CHANGES_MAX);
    assert((first == FOLD_IGNORED) == !view_matches(view, event->type));
    if (first == FOLD_PARK)
        check_reason(&why);

    arena_clear(&scratch);
    enum fold_result second = fold(view, event, changes, &scratch, &why);
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
