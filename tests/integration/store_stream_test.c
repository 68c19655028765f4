/*
 * store_stream_test.c: a random stream of changes over all operations, the same for three stores:
 * the RAM store one event at a time, the RAM store in batches, and Redis in batches of the same.
 * Refused events are left out, as a worker would park them. Rows, expiries and refusals must be
 * equal.
 *
 * The seed is printed; FANFOLD_SEED repeats a run.
 */
#include "support/store_twin.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS     120
#define EVENTS_MAX 60 /* in a batch */
#define KEYS       4  /* of a family */

/* Which operations a family of keys has: as `check` allows them together. */
struct family {
    const char *prefix;
    enum structure structure;
    enum change_op ops[8];
    enum change_op last; /* follows each change: a KEEP or EXPIRE; 0: none */
    const char *last_value;
};

static const struct family families[] = {
    {"hash:",
     STRUCTURE_HASH,
     {CHANGE_HASH_SET, CHANGE_HASH_SET_ONCE, CHANGE_HASH_ADD, CHANGE_HASH_MAX, CHANGE_HASH_MIN,
      CHANGE_HASH_REMOVE, CHANGE_DELETE},
     0,
     NULL},
    {"total:", STRUCTURE_HASH, {CHANGE_HASH_ADD, CHANGE_HASH_ADD, CHANGE_HASH_REMOVE}, 0, NULL},
    {"session:",
     STRUCTURE_HASH,
     {CHANGE_HASH_SET, CHANGE_HASH_SET, CHANGE_DELETE},
     CHANGE_EXPIRE,
     "4102444800000"},
    {"counter:",
     STRUCTURE_COUNTER,
     {CHANGE_COUNTER_ADD, CHANGE_COUNTER_ADD, CHANGE_DELETE},
     0,
     NULL},
    {"zset:",
     STRUCTURE_ZSET,
     {CHANGE_ZSET_SCORE, CHANGE_ZSET_ADD, CHANGE_ZSET_MAX, CHANGE_ZSET_MIN, CHANGE_ZSET_REMOVE,
      CHANGE_DELETE},
     0,
     NULL},
    {"top:", STRUCTURE_ZSET, {CHANGE_ZSET_MAX}, CHANGE_ZSET_KEEP, "5"},
    {"recent:", STRUCTURE_ZSET, {CHANGE_ZSET_MAX}, CHANGE_ZSET_KEEP_AGE, "40"},
    {"set:", STRUCTURE_SET, {CHANGE_SET_INCLUDE, CHANGE_SET_EXCLUDE, CHANGE_DELETE}, 0, NULL},
    {"list:", STRUCTURE_LIST, {CHANGE_LIST_PUSH}, CHANGE_LIST_KEEP, "7"},
    {"queue:", STRUCTURE_LIST, {CHANGE_LIST_PUSH, CHANGE_LIST_PUSH, CHANGE_DELETE}, 0, NULL},
    {"hll:", STRUCTURE_HLL, {CHANGE_HLL_COUNT}, 0, NULL},
    {"json:",
     STRUCTURE_JSON,
     {CHANGE_JSON_PUT, CHANGE_JSON_PUT, CHANGE_DELETE},
     CHANGE_EXPIRE,
     "4102444900000"},
};

#define FAMILY_COUNT (sizeof(families) / sizeof(*families))

struct draw {
    uint64_t state;
};

static unsigned roll(struct draw *draw, unsigned sides)
{
    draw->state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    uint64_t z = draw->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (unsigned)((z ^ (z >> 31)) % sides);
}

static const char *number(struct draw *draw)
{
    static const char *const numbers[] = {"0",
                                          "1",
                                          "-1",
                                          "2",
                                          "17",
                                          "-40",
                                          "99",
                                          "1000",
                                          "12345",
                                          "-77",
                                          "3",
                                          "250",
                                          "8",
                                          "64",
                                          "9007199254740992",
                                          "-9007199254740992"};
    return numbers[roll(draw, sizeof(numbers) / sizeof(*numbers))];
}

static const char *score(struct draw *draw)
{
    static const char *const scores[] = {"0",  "1",      "-1", "2.5",  "0.1",
                                         "17", "-40.25", "99", "1e+21"};
    return scores[roll(draw, sizeof(scores) / sizeof(*scores))];
}

static const char *text(struct draw *draw)
{
    static const char *const texts[] = {"",     "a",   "ab",  "B",    "é",  "12", "-3", "2.50",
                                        "1e+2", "007", "0x1", "none", "12", "5",  "80"};
    return texts[roll(draw, sizeof(texts) / sizeof(*texts))];
}

static const char *value_for(struct draw *draw, enum change_op op)
{
    switch (op) {
    case CHANGE_HASH_ADD:
    case CHANGE_COUNTER_ADD:
    case CHANGE_ZSET_ADD:
        return number(draw);
    case CHANGE_ZSET_SCORE:
    case CHANGE_ZSET_MAX:
    case CHANGE_ZSET_MIN:
        return score(draw);
    case CHANGE_JSON_PUT:
        return roll(draw, 2) ? "{\"a\":1}" : "[\"é\",null]";
    default:
        return text(draw);
    }
}

static void random_change(struct draw *draw, struct batch *batch, uint32_t event)
{
    const struct family *family = &families[roll(draw, FAMILY_COUNT)];
    unsigned ops = 0;
    while (family->ops[ops])
        ops++;
    enum change_op op = family->ops[roll(draw, ops)];
    if (op == CHANGE_DELETE && roll(draw, 4))
        op = family->ops[0];
    char key[32], field[16];
    snprintf(key, sizeof(key), "%s%u", family->prefix, roll(draw, KEYS));
    snprintf(field, sizeof(field), "f%u", roll(draw, 12));
    bool own = strcmp(family->prefix, "total:") == 0;
    twin_change(batch, event, op, own ? CHANGE_OWN_INTEGER : 0, family->structure, key, field,
                value_for(draw, op));
    if (family->last)
        twin_change(batch, event, family->last, 0, family->structure, key, NULL,
                    family->last_value);
}

/* The events of `all` that are not left out, as the next batch of the twin. */
static void take_over(struct twin *twin, struct batch *batch, const struct batch *all,
                      const bool *left_out, uint32_t first, uint32_t last)
{
    twin_begin(twin, batch);
    for (size_t i = 0; i < all->changes.count; i++) {
        struct change change = all->changes.at[i];
        if (left_out[change.event] || change.event < first || change.event > last)
            continue;
        batch->changes.event = change.event;
        changes_add(&batch->changes, change.op, change.flags, (enum structure)change.structure,
                    change.key, change.field, change.value);
    }
}

/* Commits as a worker does: a refused event is left out, the rest folded again. */
static void commit_all(struct twin *twin, const struct batch *all, bool *left_out, uint32_t first,
                       uint32_t last)
{
    struct batch batch = {0};
    for (;;) {
        take_over(twin, &batch, all, left_out, first, last);
        struct commit_result result = twin_commit(twin, &batch);
        if (result.outcome == COMMIT_OK)
            break;
        if (result.outcome != COMMIT_REFUSED)
            print_error("outcome %d: %s\n", result.outcome, result.reason);
        assert_int_equal(result.outcome, COMMIT_REFUSED);
        assert_false(left_out[result.event]);
        left_out[result.event] = true;
    }
    batch_release(&batch);
}

static void same_row(struct twin *a, struct twin *b, const struct family *family, unsigned n)
{
    char key[32];
    snprintf(key, sizeof(key), "%s%u", family->prefix, n);
    char *row = must_strdup(twin_row(a, family->structure, key));
    assert_string_equal(twin_row(b, family->structure, key), row);
    assert_int_equal(twin_expiry(b, key), twin_expiry(a, key));
    free(row);
}

static void same_rows(struct twin *a, struct twin *b)
{
    for (size_t i = 0; i < FAMILY_COUNT; i++)
        for (unsigned n = 0; n < KEYS; n++)
            same_row(a, b, &families[i], n);
}

static void a_random_stream_gives_the_same_everywhere(void **state)
{
    (void)state;
    const char *given = getenv("FANFOLD_SEED");
    struct draw draw = {given ? strtoull(given, NULL, 10) : clock_random()};
    print_message("FANFOLD_SEED=%llu\n", (unsigned long long)draw.state);
    struct redis_server server;
    redis_server_start(&server, NULL);
    struct twin *one_by_one = twin_new(NULL), *ram = twin_new(NULL), *redis = twin_new(&server);
    struct batch all = {0};
    size_t refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
        bool out[3][EVENTS_MAX] = {0};
        uint32_t events = 1 + roll(&draw, EVENTS_MAX);
        batch_clear(&all);
        for (uint32_t event = 0; event < events; event++)
            for (unsigned i = 0; i <= roll(&draw, 3); i++)
                random_change(&draw, &all, event);
        for (uint32_t event = 0; event < events; event++)
            commit_all(one_by_one, &all, out[0], event, event);
        commit_all(ram, &all, out[1], 0, events);
        commit_all(redis, &all, out[2], 0, events);
        assert_memory_equal(out[0], out[1], sizeof(out[0]));
        assert_memory_equal(out[0], out[2], sizeof(out[0]));
        same_rows(one_by_one, ram);
        same_rows(ram, redis);
        for (uint32_t event = 0; event < events; event++)
            refused += out[0][event];
    }
    assert_true(refused > 0);
    batch_release(&all);
    twin_free(one_by_one);
    twin_free(ram);
    twin_free(redis);
    redis_server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_random_stream_gives_the_same_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
