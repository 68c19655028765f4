/*
 * store_newest_test.c: changes that go by the time of their events ("newest"), the same cases
 * against the RAM store and against Redis; then a random stream against a model that keeps every
 * write there ever was and looks for the newest of each place.
 *
 * The seed of the stream is printed; FANFOLD_SEED repeats a run.
 */
#include "support/store_twin.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define STAMPS "fanfold:newest:shop"

/* One change under a stamp, as one event. */
static struct commit_result stamped(struct twin *twin, const char *stamp, enum change_op op,
                                    enum structure structure, const char *key, const char *field,
                                    const char *value)
{
    struct batch batch = {0};
    twin_begin(twin, &batch);
    twin_change(&batch, 0, CHANGE_STAMP, 0, structure, key, NULL, stamp);
    twin_change(&batch, 0, op, 0, structure, key, field, value);
    struct commit_result result = twin_commit(twin, &batch);
    batch_release(&batch);
    return result;
}

static void good(struct twin *twin, const char *stamp, enum change_op op, enum structure structure,
                 const char *key, const char *field, const char *value)
{
    struct commit_result result = stamped(twin, stamp, op, structure, key, field, value);
    assert_string_equal(result.reason, "");
    assert_int_equal(result.outcome, COMMIT_OK);
}

static void set(struct twin *twin, const char *stamp, const char *field, const char *value)
{
    good(twin, stamp, CHANGE_HASH_SET, STRUCTURE_HASH, "h", field, value);
}

static void row_is(struct twin *twin, enum structure structure, const char *key, const char *json)
{
    assert_string_equal(twin_row(twin, structure, key), json);
}

static void hash_is(struct twin *twin, const char *json)
{
    row_is(twin, STRUCTURE_HASH, "h", json);
}

static void the_latest_counts(void **state)
{
    static const char *const rising[] = {"-62135596800000 7 p",
                                         "-5 1 p",
                                         "-4 0 p",
                                         "0 18446744073709551614 p",
                                         "1 0 a",
                                         "999 8 a",
                                         "1000 9 a" /* as a text less than the one before */,
                                         "1000 10 a",
                                         "1000 100 a",
                                         "1000 18446744073709551614 a",
                                         "1000 18446744073709551615 a",
                                         "1000 3 a b" /* a partition's name may have blanks */,
                                         "1000 3 aa",
                                         "1000 2 b",
                                         "1000 2 \xc3\xa9",
                                         "253402300799999 0 a"};
    struct twin *twin = *state;
    for (size_t i = 0; i < sizeof(rising) / sizeof(*rising); i++) {
        char json[64], value[16];
        snprintf(value, sizeof(value), "v%zu", i);
        snprintf(json, sizeof(json), "{\"f\":\"%s\"}", value);
        set(twin, rising[i], "f", value);
        hash_is(twin, json);
        for (size_t late = 0; late < i; late++)
            set(twin, rising[late], "f", "late");
        hash_is(twin, json);
    }
    set(twin, rising[0], "g", "another field");
    hash_is(twin, "{\"f\":\"v15\",\"g\":\"another field\"}");
}

static void what_was_removed_stays_away(void **state)
{
    struct twin *twin = *state;
    set(twin, "10 0 p", "f", "a");
    good(twin, "20 1 p", CHANGE_HASH_REMOVE, STRUCTURE_HASH, "h", "f", NULL);
    good(twin, "20 1 p", CHANGE_HASH_REMOVE, STRUCTURE_HASH, "h", "never", NULL);
    set(twin, "15 2 p", "f", "late");
    set(twin, "15 2 p", "never", "late");
    hash_is(twin, "");
    set(twin, "21 3 p", "f", "b");
    good(twin, "20 1 q", CHANGE_HASH_REMOVE, STRUCTURE_HASH, "h", "f", NULL);
    hash_is(twin, "{\"f\":\"b\"}");
}

static void delete_goes_by_the_time(void **state)
{
    struct twin *twin = *state;
    set(twin, "10 0 p", "old", "a");
    set(twin, "30 1 p", "new", "a");
    good(twin, "20 2 p", CHANGE_DELETE, STRUCTURE_HASH, "h", NULL, NULL);
    hash_is(twin, "{\"new\":\"a\"}");
    set(twin, "19 3 p", "old", "late");
    set(twin, "19 3 p", "other", "late");
    set(twin, "20 1 p", "other", "late");
    hash_is(twin, "{\"new\":\"a\"}");
    set(twin, "21 4 p", "other", "b");
    good(twin, "15 5 p", CHANGE_DELETE, STRUCTURE_HASH, "h", NULL, NULL);
    set(twin, "16 6 p", "old", "late"); /* the later deletion stands */
    hash_is(twin, "{\"new\":\"a\",\"other\":\"b\"}");
    good(twin, "40 7 p", CHANGE_DELETE, STRUCTURE_HASH, "h", NULL, NULL);
    set(twin, "39 8 p", "new", "late");
    hash_is(twin, "");
    set(twin, "41 9 p", "new", "c");
    hash_is(twin, "{\"new\":\"c\"}");
    good(twin, "50 1 p", CHANGE_DELETE, STRUCTURE_HASH, "never", NULL, NULL);
    good(twin, "49 1 p", CHANGE_HASH_SET, STRUCTURE_HASH, "never", "f", "late");
    row_is(twin, STRUCTURE_HASH, "never", "");
}

/* Changes of one event have one stamp: then their order counts. */
static void one_event_goes_in_its_order(void **state)
{
    struct twin *twin = *state;
    struct batch batch = {0};
    set(twin, "10 0 p", "before", "a");
    twin_begin(twin, &batch);
    twin_change(&batch, 0, CHANGE_STAMP, 0, STRUCTURE_HASH, "h", NULL, "20 1 p");
    twin_change(&batch, 0, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "h", "f", "1");
    twin_change(&batch, 0, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "h", "f", "2");
    twin_change(&batch, 0, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "h", "g", "1");
    twin_change(&batch, 0, CHANGE_DELETE, 0, STRUCTURE_HASH, "h", NULL, NULL);
    twin_change(&batch, 0, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "h", "g", "2");
    twin_change(&batch, 0, CHANGE_STAMP, 0, STRUCTURE_HASH, "h", NULL, "5 1 p");
    twin_change(&batch, 0, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "h", "g", "late");
    twin_change(&batch, 1, CHANGE_STAMP, 0, STRUCTURE_HASH, "h", NULL, "21 2 p");
    twin_change(&batch, 1, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "h", "k", "1");
    twin_change(&batch, 1, CHANGE_HASH_REMOVE, 0, STRUCTURE_HASH, "h", "k", NULL);
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    hash_is(twin, "{\"g\":\"2\"}");
    set(twin, "19 0 p", "f", "late");
    set(twin, "20 2 p", "k", "late");
    hash_is(twin, "{\"g\":\"2\"}");
    batch_release(&batch);
}

static void other_structures(void **state)
{
    struct twin *twin = *state;
    good(twin, "10 0 p", CHANGE_ZSET_SCORE, STRUCTURE_ZSET, "z", "a", "5");
    good(twin, "12 0 p", CHANGE_ZSET_SCORE, STRUCTURE_ZSET, "z", "b", "7");
    good(twin, "9 0 p", CHANGE_ZSET_SCORE, STRUCTURE_ZSET, "z", "a", "1");
    row_is(twin, STRUCTURE_ZSET, "z", "[[\"b\",7],[\"a\",5]]");
    good(twin, "11 0 p", CHANGE_DELETE, STRUCTURE_ZSET, "z", NULL, NULL);
    good(twin, "11 0 a", CHANGE_ZSET_SCORE, STRUCTURE_ZSET, "z", "c", "1");
    row_is(twin, STRUCTURE_ZSET, "z", "[[\"b\",7]]");
    good(twin, "13 0 p", CHANGE_ZSET_REMOVE, STRUCTURE_ZSET, "z", "b", NULL);
    row_is(twin, STRUCTURE_ZSET, "z", "");

    good(twin, "10 0 p", CHANGE_SET_EXCLUDE, STRUCTURE_SET, "s", "a", NULL);
    good(twin, "9 0 p", CHANGE_SET_INCLUDE, STRUCTURE_SET, "s", "a", NULL);
    good(twin, "9 0 p", CHANGE_SET_INCLUDE, STRUCTURE_SET, "s", "b", NULL);
    good(twin, "12 0 p", CHANGE_SET_INCLUDE, STRUCTURE_SET, "s", "c", NULL);
    row_is(twin, STRUCTURE_SET, "s", "[\"b\",\"c\"]");
    good(twin, "11 0 p", CHANGE_DELETE, STRUCTURE_SET, "s", NULL, NULL);
    row_is(twin, STRUCTURE_SET, "s", "[\"c\"]");

    good(twin, "10 0 p", CHANGE_JSON_PUT, STRUCTURE_JSON, "j", NULL, "[1]");
    good(twin, "9 0 p", CHANGE_DELETE, STRUCTURE_JSON, "j", NULL, NULL);
    good(twin, "8 0 p", CHANGE_JSON_PUT, STRUCTURE_JSON, "j", NULL, "[2]");
    row_is(twin, STRUCTURE_JSON, "j", "[1]");
    good(twin, "11 0 p", CHANGE_DELETE, STRUCTURE_JSON, "j", NULL, NULL);
    good(twin, "10 0 q", CHANGE_JSON_PUT, STRUCTURE_JSON, "j", NULL, "[3]");
    row_is(twin, STRUCTURE_JSON, "j", "");
    good(twin, "12 0 p", CHANGE_JSON_PUT, STRUCTURE_JSON, "j", NULL, "[4]");
    row_is(twin, STRUCTURE_JSON, "j", "[4]");
}

/* Whatever is written to one place as late as can be, an early write to another counts. */
static void places_do_not_meet(void **state)
{
    static const struct {
        const char *key, *place; /* place NULL: the row is deleted */
    } places[] = {{"a", ""},     {"a", "b"},    {"a", ":b"},    {"a:", "b"},   {"a:", ""},
                  {"a:b", ""},   {"a", "b:"},   {"1:a", ""},    {"1", "a"},    {"1:1", "a"},
                  {"1", "1:a"},  {"1:a:b", ""}, {"a", "1:a"},   {"", "a"},     {"", "1:a"},
                  {"row", NULL}, {"row:", ""},  {"ro", "w"},    {"3", "row"},  {"3:row", ""},
                  {"a\n", "b"},  {"a", "\nb"},  {"a:b:c", "d"}, {"a", "b:c:d"}};
    const size_t count = sizeof(places) / sizeof(*places);
    struct twin *twin = *state;
    for (size_t late = 0; late < count; late++) {
        char stamp[32], value[32];
        snprintf(stamp, sizeof(stamp), "%zu999 0 p", late + 1);
        good(twin, stamp, places[late].place ? CHANGE_HASH_SET : CHANGE_DELETE, STRUCTURE_HASH,
             places[late].key, places[late].place, "late");
        snprintf(stamp, sizeof(stamp), "%zu001 0 p", late + 1);
        for (size_t i = 0; i < count; i++) {
            if (i == late || !places[i].place)
                continue;
            snprintf(value, sizeof(value), "\"%zu.%zu\"", late, i);
            good(twin, stamp, CHANGE_HASH_SET, STRUCTURE_HASH, places[i].key, places[i].place,
                 value);
            snprintf(value, sizeof(value), "\\\"%zu.%zu\\\"", late, i);
            assert_non_null(strstr(twin_row(twin, STRUCTURE_HASH, places[i].key), value));
        }
    }
}

/* The same key in two views, as no two views have it: their stamps do not meet. */
static void views_do_not_meet(void **state)
{
    struct twin *twin = *state;
    struct batch batch = {0};
    set(twin, "20 0 p", "f", "a");
    twin_begin(twin, &batch);
    batch.view = "shopping";
    batch.from = (struct position){0};
    twin_change(&batch, 0, CHANGE_STAMP, 0, STRUCTURE_HASH, "h", NULL, "10 0 p");
    twin_change(&batch, 0, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "h", "f", "b");
    struct position before = twin->position;
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    twin->position = before;
    hash_is(twin, "{\"f\":\"b\"}");
    set(twin, "15 0 p", "f", "late");
    hash_is(twin, "{\"f\":\"b\"}");
    batch_release(&batch);
}

/* Verbs that go by no time write other places of the row. The event that is refused is found though
 * changes that do not count stand before it; its batch leaves no stamp. */
static void beside_others_and_refused(void **state)
{
    struct twin *twin = *state;
    struct batch batch = {0};
    set(twin, "20 0 p", "f", "a");
    for (int round = 0; round < 2; round++) {
        twin_begin(twin, &batch);
        twin_change(&batch, 3, CHANGE_STAMP, 0, STRUCTURE_HASH, "h", NULL, "10 0 p");
        twin_change(&batch, 3, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "h", "f", "late");
        twin_change(&batch, 4, CHANGE_HASH_ADD, 0, STRUCTURE_HASH, "h", "n", "9007199254740992");
        twin_change(&batch, 5, CHANGE_STAMP, 0, STRUCTURE_HASH, "h", NULL, "30 0 p");
        twin_change(&batch, 5, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "h", "f", "b");
        if (round == 0)
            twin_change(&batch, 6, CHANGE_HASH_ADD, 0, STRUCTURE_HASH, "h", "n", "1");
        twin_change(&batch, 7, CHANGE_HASH_MAX, 0, STRUCTURE_HASH, "h", "top", "1");
        struct commit_result result = twin_commit(twin, &batch);
        if (round == 0) {
            assert_int_equal(result.outcome, COMMIT_REFUSED);
            assert_int_equal(result.event, 6);
            set(twin, "25 0 p", "f", "c");
            hash_is(twin, "{\"f\":\"c\"}");
        } else {
            assert_int_equal(result.outcome, COMMIT_OK);
            hash_is(twin, "{\"f\":\"b\",\"n\":\"9007199254740992\",\"top\":\"1\"}");
        }
    }
    batch_release(&batch);
}

static void two_structures_under_one_key(void **state)
{
    struct twin *twin = *state;
    static const enum structure firsts[] = {STRUCTURE_COUNTER, STRUCTURE_SET};
    for (size_t i = 0; i < 2; i++) {
        struct batch batch = {0};
        twin_begin(twin, &batch);
        twin_change(&batch, 4, i ? CHANGE_SET_INCLUDE : CHANGE_COUNTER_ADD, 0, firsts[i], "k", "1",
                    "1");
        twin_change(&batch, 5, CHANGE_STAMP, 0, STRUCTURE_HASH, "k", NULL, "10 0 p");
        twin_change(&batch, 5, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "k", "f", "a");
        struct commit_result result = twin_commit(twin, &batch);
        assert_int_equal(result.outcome, COMMIT_REFUSED);
        assert_int_equal(result.event, 5);
        row_is(twin, firsts[i], "k", "");
        batch_release(&batch);
    }
}

/* More than Lua's unpack takes. */
static void wide_rows(void **state)
{
    struct twin *twin = *state;
    struct batch batch = {0};
    for (int round = 0; round < 2; round++) {
        twin_begin(twin, &batch);
        twin_change(&batch, 0, CHANGE_STAMP, 0, STRUCTURE_HASH, "h", NULL,
                    round ? "15 0 p" : "10 0 p");
        for (int i = 0; i < 9000; i += round + 1) {
            char field[16];
            snprintf(field, sizeof(field), "f%04d", i);
            twin_change(&batch, 0, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "h", field, "v");
        }
        assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    }
    good(twin, "12 0 p", CHANGE_DELETE, STRUCTURE_HASH, "h", NULL, NULL);
    size_t fields = 0;
    for (const char *at = twin_row(twin, STRUCTURE_HASH, "h"); (at = strstr(at, ":\"v\"")); at++)
        fields++;
    assert_int_equal(fields, 4500);
    good(twin, "16 0 p", CHANGE_DELETE, STRUCTURE_HASH, "h", NULL, NULL);
    hash_is(twin, "");
    batch_release(&batch);
}

static void foreign_row(void **state)
{
    struct twin *twin = *state;
    static const enum change_op ops[] = {CHANGE_HASH_SET, CHANGE_HASH_REMOVE, CHANGE_DELETE};
    twin_plant(twin, STRUCTURE_LIST, "h", "1");
    for (size_t i = 0; i < 3; i++) {
        struct commit_result result =
            stamped(twin, "10 0 p", ops[i], STRUCTURE_HASH, "h", i == 2 ? NULL : "f", "a");
        assert_int_equal(result.outcome, COMMIT_FOREIGN);
        assert_non_null(strstr(result.reason, "h is not a hash but"));
        row_is(twin, STRUCTURE_LIST, "h", "[\"1\"]");
    }
}

/* Of Redis alone: somebody else's data where the stamps stand. */
static void foreign_stamps(void **state)
{
    struct twin *twin = *state;
    static const char *const odd[] = {"", "10", "10 0", "1.5 0 p", "10 -1 p", "ten 0 p"};
    twin_ask(twin, "SET " STAMPS " x");
    struct commit_result result =
        stamped(twin, "10 0 p", CHANGE_HASH_SET, STRUCTURE_HASH, "h", "f", "a");
    assert_int_equal(result.outcome, COMMIT_FOREIGN);
    assert_string_equal(result.reason, STAMPS " is not a hash but string");
    twin_ask(twin, "DEL " STAMPS);
    for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
        twin_ask(twin, "HSET " STAMPS " 1:h:f %s", odd[i]);
        result = stamped(twin, "10 0 p", CHANGE_HASH_SET, STRUCTURE_HASH, "h", "f", "a");
        assert_int_equal(result.outcome, COMMIT_FOREIGN);
        assert_non_null(strstr(result.reason, "field 1:h:f of " STAMPS " is no stamp but "));
    }
    hash_is(twin, "");
    assert_string_equal(twin_ask(twin, "EXISTS fanfold:cursor:shop"), "0");
}

/* What stands in Redis is an interface; a view without "newest" has none of it. */
static void stamps_in_redis(void **state)
{
    struct twin *twin = *state;
    struct batch batch = {0};
    twin_begin(twin, &batch);
    twin_change(&batch, 0, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "h", "x", "a");
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    batch_release(&batch);
    assert_string_equal(twin_ask(twin, "EXISTS " STAMPS), "0");
    set(twin, "10 3 shop.events.log.0", "f", "a");
    assert_string_equal(twin_ask(twin, "HGET " STAMPS " 1:h:f"), "10 3 shop.events.log.0");
    good(twin, "11 4 p", CHANGE_DELETE, STRUCTURE_HASH, "h", NULL, NULL);
    assert_string_equal(twin_ask(twin, "HGET " STAMPS " 1:h"), "11 4 p");
    assert_string_equal(twin_ask(twin, "HLEN " STAMPS),
                        "1"); /* it stands for those of the fields */
    good(twin, "9 4 p", CHANGE_JSON_PUT, STRUCTURE_JSON, "j", NULL, "1");
    assert_string_equal(twin_ask(twin, "HGET " STAMPS " 1:j:"), "9 4 p");
}

/* ------------------------------------------------------------------------- a stream and a model */

#define EVENTS     4000
#define BATCH_MAX  60
#define KEYS       3
#define PLACES     6
#define PARTITIONS 3
#define TIMES      200

static const enum structure structures[] = {STRUCTURE_HASH, STRUCTURE_ZSET, STRUCTURE_SET,
                                            STRUCTURE_JSON};
#define FAMILIES 4

static const char *const key_names[FAMILIES][KEYS] = {
    {"H", "H:1", "H:1:f1"}, {"Z", "Z:1", "Z:f1"}, {"S", "S:1", "S:2:f1"}, {"J", "J:1", "J:1:"}};
static const char *const place_names[PLACES] = {"", "1:f1", "1:f1:", "f1", "f2", "\xc3\xa9"};
static const char *const partition_names[PARTITIONS] = {"tills.log.0", "web.log.0", "web.log.00"};

enum kind { WRITE, REMOVE, DELETE_ROW };

/* One change that was ever made. */
struct written {
    unsigned family, key, place, value, event;
    enum kind kind;
    int time;
};

/* An event is changes[first … first + count - 1]. */
struct happened {
    unsigned partition, offset, first, count;
};

struct world {
    uint64_t draw;
    struct written changes[EVENTS * 3];
    unsigned change_count;
    struct happened events[EVENTS];
    unsigned order[EVENTS]; /* in which they are folded */
};

static unsigned roll(struct world *world, unsigned sides)
{
    world->draw += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    uint64_t z = world->draw;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (unsigned)((z ^ (z >> 31)) % sides);
}

static void make_change(struct world *world, unsigned event, int time)
{
    struct written *change = &world->changes[world->change_count++];
    unsigned kind = roll(world, 12);
    *change = (struct written){.family = roll(world, FAMILIES),
                               .key = roll(world, KEYS),
                               .place = roll(world, PLACES),
                               .value = roll(world, 1000),
                               .event = event,
                               .kind = kind == 0  ? DELETE_ROW
                                       : kind < 3 ? REMOVE
                                                  : WRITE,
                               .time = time};
    if (structures[change->family] != STRUCTURE_JSON)
        return;
    change->place = 0;
    if (change->kind == REMOVE)
        change->kind = WRITE;
}

static void make_world(struct world *world)
{
    unsigned offsets[PARTITIONS] = {0};
    for (unsigned i = 0; i < EVENTS; i++) {
        struct happened *event = &world->events[i];
        unsigned partition = roll(world, PARTITIONS);
        int time = (int)roll(world, TIMES) - TIMES / 2;
        *event = (struct happened){partition, offsets[partition], world->change_count, 0};
        offsets[partition] += 1 + roll(world, 3);
        for (event->count = 1 + roll(world, 3);
             event->count > 0 && world->change_count - event->first < event->count;)
            make_change(world, i, roll(world, 5) ? time : time + 1);
        world->order[i] = i;
    }
    for (unsigned i = EVENTS - 1; i > 0; i--) {
        unsigned k = roll(world, i + 1), swap = world->order[i];
        world->order[i] = world->order[k];
        world->order[k] = swap;
    }
}

static void add_event(struct world *world, struct batch *batch, uint32_t number, unsigned index)
{
    static const enum change_op ops[FAMILIES][2] = {{CHANGE_HASH_SET, CHANGE_HASH_REMOVE},
                                                    {CHANGE_ZSET_SCORE, CHANGE_ZSET_REMOVE},
                                                    {CHANGE_SET_INCLUDE, CHANGE_SET_EXCLUDE},
                                                    {CHANGE_JSON_PUT, CHANGE_JSON_PUT}};
    const struct happened *event = &world->events[index];
    for (unsigned i = event->first; i < event->first + event->count; i++) {
        const struct written *change = &world->changes[i];
        enum structure structure = structures[change->family];
        const char *key = key_names[change->family][change->key];
        char stamp[64], value[16];
        snprintf(stamp, sizeof(stamp), "%d %u %s", change->time, event->offset,
                 partition_names[event->partition]);
        snprintf(value, sizeof(value), "%u", change->value);
        twin_change(batch, number, CHANGE_STAMP, 0, structure, key, NULL, stamp);
        if (change->kind == DELETE_ROW)
            twin_change(batch, number, CHANGE_DELETE, 0, structure, key, NULL, NULL);
        else
            twin_change(batch, number, ops[change->family][change->kind], 0, structure, key,
                        structure == STRUCTURE_JSON ? NULL : place_names[change->place], value);
    }
}

/* Is the change at b newer than that at a? Both in the order in which events were made. */
static bool newer(const struct world *world, unsigned a, unsigned b)
{
    const struct written *x = &world->changes[a], *y = &world->changes[b];
    const struct happened *e = &world->events[x->event], *f = &world->events[y->event];
    if (x->time != y->time)
        return y->time > x->time;
    if (e->partition != f->partition)
        return strcmp(partition_names[f->partition], partition_names[e->partition]) > 0;
    return b > a; /* events of a partition are made in its order, changes in their event's */
}

/* Which change says what the place holds, of the first `folded` events of the order; -1: none. */
static int newest_of(const struct world *world, const bool *folded, unsigned family, unsigned key,
                     unsigned place)
{
    int newest = -1;
    for (unsigned i = 0; i < world->change_count; i++) {
        const struct written *change = &world->changes[i];
        if (!folded[change->event] || change->family != family || change->key != key)
            continue;
        if (change->kind != DELETE_ROW && change->place != place)
            continue;
        if (newest < 0 || newer(world, (unsigned)newest, i))
            newest = (int)i;
    }
    return newest;
}

struct held {
    const char *place;
    unsigned value;
};

static int by_score_backwards(const void *a, const void *b)
{
    const struct held *x = a, *y = b;
    return x->value != y->value ? (x->value < y->value ? 1 : -1) : -strcmp(x->place, y->place);
}

/* The row as JSON text, as the stores give it; "": none. */
static void naive_row(const struct world *world, const bool *folded, unsigned family, unsigned key,
                      struct buf *json)
{
    struct held held[PLACES];
    size_t count = 0;
    enum structure structure = structures[family];
    for (unsigned place = 0; place < (structure == STRUCTURE_JSON ? 1 : PLACES); place++) {
        int at = newest_of(world, folded, family, key, place);
        if (at >= 0 && world->changes[at].kind == WRITE)
            held[count++] = (struct held){place_names[place], world->changes[at].value};
    }
    buf_clear(json);
    if (count == 0)
        return;
    if (structure == STRUCTURE_JSON) {
        buf_printf(json, "%u", held[0].value);
        return;
    }
    if (structure == STRUCTURE_ZSET)
        qsort(held, count, sizeof(*held), by_score_backwards);
    buf_printf(json, structure == STRUCTURE_HASH ? "{" : "[");
    for (size_t i = 0; i < count; i++) {
        buf_printf(json, "%s%s\"%s\"", i ? "," : "", structure == STRUCTURE_ZSET ? "[" : "",
                   held[i].place);
        if (structure == STRUCTURE_HASH)
            buf_printf(json, ":\"%u\"", held[i].value);
        else if (structure == STRUCTURE_ZSET)
            buf_printf(json, ",%u]", held[i].value);
    }
    buf_printf(json, structure == STRUCTURE_HASH ? "}" : "]");
}

static void compare(struct world *world, const bool *folded, struct twin *twin)
{
    struct buf json = {0};
    for (unsigned family = 0; family < FAMILIES; family++)
        for (unsigned key = 0; key < KEYS; key++) {
            naive_row(world, folded, family, key, &json);
            assert_string_equal(twin_row(twin, structures[family], key_names[family][key]),
                                buf_text(&json));
        }
    buf_release(&json);
}

static void a_shuffled_stream_gives_the_newest(void **state)
{
    struct twin *twin = *state;
    const char *given = getenv("FANFOLD_SEED");
    struct world *world = must_calloc(1, sizeof(*world));
    bool *folded = must_calloc(EVENTS, sizeof(*folded));
    struct batch batch = {0};
    world->draw = given ? strtoull(given, NULL, 10) : clock_random();
    print_message("FANFOLD_SEED=%llu\n", (unsigned long long)world->draw);
    make_world(world);
    for (unsigned i = 0, batches = 0; i < EVENTS; batches++) {
        unsigned events = 1 + roll(world, BATCH_MAX);
        twin_begin(twin, &batch);
        for (uint32_t n = 0; n < events && i < EVENTS; n++, i++) {
            add_event(world, &batch, n, world->order[i]);
            folded[world->order[i]] = true;
        }
        struct commit_result result = twin_commit(twin, &batch);
        assert_string_equal(result.reason, "");
        assert_int_equal(result.outcome, COMMIT_OK);
        if (batches % 8 == 0 || i == EVENTS)
            compare(world, folded, twin);
    }
    batch_release(&batch);
    free(folded);
    free(world);
}

#define REDIS(f)                                               \
    {                                                          \
        "redis: " #f, f, twin_setup_redis, twin_teardown, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(the_latest_counts),
        BOTH(what_was_removed_stays_away),
        BOTH(delete_goes_by_the_time),
        BOTH(one_event_goes_in_its_order),
        BOTH(other_structures),
        BOTH(places_do_not_meet),
        BOTH(views_do_not_meet),
        BOTH(beside_others_and_refused),
        BOTH(two_structures_under_one_key),
        BOTH(wide_rows),
        BOTH(foreign_row),
        REDIS(foreign_stamps),
        REDIS(stamps_in_redis),
        BOTH(a_shuffled_stream_gives_the_newest),
    };
    return cmocka_run_group_tests(tests, twin_server_start, twin_server_stop);
}
