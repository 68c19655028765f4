/*
 * store_conformance_test.c: rows: the same cases against the RAM store and against Redis.
 *
 * Each case runs twice, with a fresh store; Redis is a private server, emptied before each.
 * store_position_test.c does the same for positions and parked events; store_stream_test.c compares
 * the two on random changes; redis_store_test.c has what only Redis does.
 */
#include "support/store_twin.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define OWN CHANGE_OWN_INTEGER

/* One change as one event, in a batch of its own. */
static struct commit_result one(struct twin *twin, enum change_op op, uint8_t flags,
                                enum structure structure, const char *key, const char *field,
                                const char *value)
{
    struct batch batch = {0};
    twin_begin(twin, &batch);
    twin_change(&batch, 0, op, flags, structure, key, field, value);
    struct commit_result result = twin_commit(twin, &batch);
    batch_release(&batch);
    return result;
}

static void good(struct twin *twin, enum change_op op, uint8_t flags, enum structure structure,
                 const char *key, const char *field, const char *value)
{
    struct commit_result result = one(twin, op, flags, structure, key, field, value);
    assert_string_equal(result.reason, "");
    assert_int_equal(result.outcome, COMMIT_OK);
}

static void row_is(struct twin *twin, enum structure structure, const char *key, const char *json)
{
    assert_string_equal(twin_row(twin, structure, key), json);
}

static void hash(void **state)
{
    struct twin *twin = *state;
    good(twin, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "h", "b", "");
    good(twin, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "h", "a", "wörd \"x\"");
    good(twin, CHANGE_HASH_SET_ONCE, 0, STRUCTURE_HASH, "h", "a", "other");
    good(twin, CHANGE_HASH_SET_ONCE, 0, STRUCTURE_HASH, "h", "c", "first");
    good(twin, CHANGE_HASH_ADD, OWN, STRUCTURE_HASH, "h", "n", "5");
    good(twin, CHANGE_HASH_ADD, OWN, STRUCTURE_HASH, "h", "n", "-7");
    good(twin, CHANGE_HASH_REMOVE, 0, STRUCTURE_HASH, "h", "b", NULL);
    row_is(twin, STRUCTURE_HASH, "h", "{\"a\":\"wörd \\\"x\\\"\",\"c\":\"first\",\"n\":\"-2\"}");
    good(twin, CHANGE_HASH_ADD, OWN, STRUCTURE_HASH, "h", "n", "2");
    row_is(twin, STRUCTURE_HASH, "h", "{\"a\":\"wörd \\\"x\\\"\",\"c\":\"first\",\"n\":\"0\"}");
    good(twin, CHANGE_HASH_REMOVE, 0, STRUCTURE_HASH, "h", "a", NULL);
    good(twin, CHANGE_HASH_REMOVE, 0, STRUCTURE_HASH, "h", "c", NULL);
    good(twin, CHANGE_HASH_REMOVE, 0, STRUCTURE_HASH, "h", "n", NULL);
    row_is(twin, STRUCTURE_HASH, "h", "");
}

static void extremes(void **state)
{
    static const struct {
        enum change_op op;
        const char *held, *given, *result; /* result NULL: refused */
    } cases[] = {
        {CHANGE_HASH_MAX, "9", "10", "10"},
        {CHANGE_HASH_MAX, "10", "9", "10"},
        {CHANGE_HASH_MIN, "10", "9", "9"},
        {CHANGE_HASH_MIN, "-1.5e3", "-1499", "-1.5e3"},
        {CHANGE_HASH_MAX, "1.0", "1", "1.0"}, /* equal: what is stored stays */
        {CHANGE_HASH_MAX, "b", "ab", "b"},
        {CHANGE_HASH_MAX, "abc", "abcd", "abcd"},
        {CHANGE_HASH_MIN, "abcd", "abc", "abc"},
        {CHANGE_HASH_MAX, "a", "B", "a"}, /* bytes, not a locale */
        {CHANGE_HASH_MAX, "z", "é", "é"},
        {CHANGE_HASH_MAX, "2026-01-31T09:05:07.000Z", "2026-01-31T09:05:07.001Z",
         "2026-01-31T09:05:07.001Z"},
        {CHANGE_HASH_MAX, "10", "ten", NULL},
        {CHANGE_HASH_MIN, "ten", "10", NULL},
        /* these are texts, though tonumber() or strtod() would read numbers */
        {CHANGE_HASH_MAX, "0x10", "11", NULL},
        {CHANGE_HASH_MAX, " 1", "1", NULL},
        {CHANGE_HASH_MAX, "01", "1", NULL},
        {CHANGE_HASH_MAX, "1.", "1", NULL},
        {CHANGE_HASH_MAX, "+1", "1", NULL},
        {CHANGE_HASH_MAX, "inf", "1", NULL},
        {CHANGE_HASH_MAX, "1e", "1", NULL},
        {CHANGE_HASH_MAX, "1e+2", "99", "1e+2"},
        {CHANGE_HASH_MAX, "", "a", "a"},
    };
    struct twin *twin = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        good(twin, CHANGE_DELETE, 0, STRUCTURE_HASH, "m", NULL, NULL);
        good(twin, cases[i].op, 0, STRUCTURE_HASH, "m", "f", cases[i].held);
        struct commit_result result =
            one(twin, cases[i].op, 0, STRUCTURE_HASH, "m", "f", cases[i].given);
        const char *left = cases[i].result ? cases[i].result : cases[i].held;
        char json[128];
        snprintf(json, sizeof(json), "{\"f\":\"%s\"}", left);
        row_is(twin, STRUCTURE_HASH, "m", json);
        assert_int_equal(result.outcome, cases[i].result ? COMMIT_OK : COMMIT_REFUSED);
    }
}

static void totals(void **state)
{
    struct twin *twin = *state;
    good(twin, CHANGE_HASH_ADD, OWN, STRUCTURE_HASH, "t", "n", "9007199254740991");
    good(twin, CHANGE_HASH_ADD, OWN, STRUCTURE_HASH, "t", "n", "1");
    row_is(twin, STRUCTURE_HASH, "t", "{\"n\":\"9007199254740992\"}");
    struct commit_result result = one(twin, CHANGE_HASH_ADD, OWN, STRUCTURE_HASH, "t", "n", "1");
    assert_int_equal(result.outcome, COMMIT_REFUSED);
    assert_non_null(strstr(result.reason, "9007199254740992"));
    good(twin, CHANGE_HASH_ADD, OWN, STRUCTURE_HASH, "t", "n", "-9007199254740992");
    good(twin, CHANGE_HASH_ADD, OWN, STRUCTURE_HASH, "t", "n", "-9007199254740992");
    assert_int_equal(one(twin, CHANGE_HASH_ADD, OWN, STRUCTURE_HASH, "t", "n", "-1").outcome,
                     COMMIT_REFUSED);
    row_is(twin, STRUCTURE_HASH, "t", "{\"n\":\"-9007199254740992\"}");
    good(twin, CHANGE_ZSET_ADD, OWN, STRUCTURE_ZSET, "tz", "n", "9007199254740992");
    assert_int_equal(one(twin, CHANGE_ZSET_ADD, OWN, STRUCTURE_ZSET, "tz", "n", "1").outcome,
                     COMMIT_REFUSED);
    good(twin, CHANGE_COUNTER_ADD, 0, STRUCTURE_COUNTER, "tc", NULL, "9007199254740992");
    assert_int_equal(one(twin, CHANGE_COUNTER_ADD, 0, STRUCTURE_COUNTER, "tc", NULL, "1").outcome,
                     COMMIT_REFUSED);
    row_is(twin, STRUCTURE_COUNTER, "tc", "9007199254740992");
}

static void counter(void **state)
{
    struct twin *twin = *state;
    good(twin, CHANGE_COUNTER_ADD, 0, STRUCTURE_COUNTER, "c", NULL, "5");
    good(twin, CHANGE_COUNTER_ADD, 0, STRUCTURE_COUNTER, "c", NULL, "-12");
    row_is(twin, STRUCTURE_COUNTER, "c", "-7");
    good(twin, CHANGE_COUNTER_ADD, 0, STRUCTURE_COUNTER, "c", NULL, "7");
    row_is(twin, STRUCTURE_COUNTER, "c", "0");
}

static void zset(void **state)
{
    struct twin *twin = *state;
    good(twin, CHANGE_ZSET_SCORE, 0, STRUCTURE_ZSET, "z", "a", "0.1");
    good(twin, CHANGE_ZSET_SCORE, 0, STRUCTURE_ZSET, "z", "b", "1e+21");
    good(twin, CHANGE_ZSET_ADD, OWN, STRUCTURE_ZSET, "z", "c", "3");
    good(twin, CHANGE_ZSET_ADD, OWN, STRUCTURE_ZSET, "z", "c", "-5");
    good(twin, CHANGE_ZSET_MAX, 0, STRUCTURE_ZSET, "z", "d", "4");
    good(twin, CHANGE_ZSET_MAX, 0, STRUCTURE_ZSET, "z", "d", "3.5");
    good(twin, CHANGE_ZSET_MIN, 0, STRUCTURE_ZSET, "z", "e", "4");
    good(twin, CHANGE_ZSET_MIN, 0, STRUCTURE_ZSET, "z", "e", "3.5");
    good(twin, CHANGE_ZSET_SCORE, 0, STRUCTURE_ZSET, "z", "f", "4");
    row_is(twin, STRUCTURE_ZSET, "z",
           "[[\"b\",1e+21],[\"f\",4],[\"d\",4],[\"e\",3.5],[\"a\",0.1],[\"c\",-2]]");
    good(twin, CHANGE_ZSET_REMOVE, 0, STRUCTURE_ZSET, "z", "b", NULL);
    good(twin, CHANGE_ZSET_REMOVE, 0, STRUCTURE_ZSET, "z", "none", NULL);
    good(twin, CHANGE_ZSET_KEEP, 0, STRUCTURE_ZSET, "z", NULL, "2");
    row_is(twin, STRUCTURE_ZSET, "z", "[[\"f\",4],[\"d\",4]]"); /* equal scores: the later member */
    good(twin, CHANGE_ZSET_KEEP, 0, STRUCTURE_ZSET, "z", NULL, "1");
    row_is(twin, STRUCTURE_ZSET, "z", "[[\"f\",4]]");
    good(twin, CHANGE_ZSET_MAX, 0, STRUCTURE_ZSET, "age", "old", "1000");
    good(twin, CHANGE_ZSET_MAX, 0, STRUCTURE_ZSET, "age", "edge", "1500");
    good(twin, CHANGE_ZSET_MAX, 0, STRUCTURE_ZSET, "age", "new", "2500");
    good(twin, CHANGE_ZSET_KEEP_AGE, 0, STRUCTURE_ZSET, "age", NULL, "1000");
    row_is(twin, STRUCTURE_ZSET, "age", "[[\"new\",2500],[\"edge\",1500]]");
}

static void set_and_list(void **state)
{
    struct twin *twin = *state;
    good(twin, CHANGE_SET_INCLUDE, 0, STRUCTURE_SET, "s", "b", NULL);
    good(twin, CHANGE_SET_INCLUDE, 0, STRUCTURE_SET, "s", "a", NULL);
    good(twin, CHANGE_SET_INCLUDE, 0, STRUCTURE_SET, "s", "a", NULL);
    row_is(twin, STRUCTURE_SET, "s", "[\"a\",\"b\"]");
    good(twin, CHANGE_SET_EXCLUDE, 0, STRUCTURE_SET, "s", "b", NULL);
    good(twin, CHANGE_SET_EXCLUDE, 0, STRUCTURE_SET, "s", "none", NULL);
    row_is(twin, STRUCTURE_SET, "s", "[\"a\"]");
    for (int i = 0; i < 5; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", i);
        good(twin, CHANGE_LIST_PUSH, 0, STRUCTURE_LIST, "l", NULL, text);
    }
    good(twin, CHANGE_LIST_KEEP, 0, STRUCTURE_LIST, "l", NULL, "3");
    row_is(twin, STRUCTURE_LIST, "l", "[\"4\",\"3\",\"2\"]");
    good(twin, CHANGE_LIST_KEEP, 0, STRUCTURE_LIST, "l", NULL, "0");
    row_is(twin, STRUCTURE_LIST, "l", "");
}

static void hll_and_json(void **state)
{
    struct twin *twin = *state;
    good(twin, CHANGE_HLL_COUNT, 0, STRUCTURE_HLL, "u", "ann", NULL);
    good(twin, CHANGE_HLL_COUNT, 0, STRUCTURE_HLL, "u", "bob", NULL);
    good(twin, CHANGE_HLL_COUNT, 0, STRUCTURE_HLL, "u", "ann", NULL);
    row_is(twin, STRUCTURE_HLL, "u", "2");
    good(twin, CHANGE_JSON_PUT, 0, STRUCTURE_JSON, "j", NULL, "{\"a\":[1,null]}");
    row_is(twin, STRUCTURE_JSON, "j", "{\"a\":[1,null]}");
    good(twin, CHANGE_JSON_PUT, 0, STRUCTURE_JSON, "j", NULL, "\"x\"");
    row_is(twin, STRUCTURE_JSON, "j", "\"x\"");
}

static void wide_rows(void **state)
{
    struct twin *twin = *state;
    struct batch batch = {0};
    twin_begin(twin, &batch);
    for (int i = 0; i < 9000; i++) { /* more than Lua's unpack takes */
        char text[16];
        snprintf(text, sizeof(text), "m%05d", i);
        twin_change(&batch, 0, CHANGE_HASH_ADD, OWN, STRUCTURE_HASH, "wh", text, "1");
        twin_change(&batch, 0, CHANGE_ZSET_ADD, OWN, STRUCTURE_ZSET, "wz", text, "1");
        twin_change(&batch, 0, CHANGE_SET_INCLUDE, 0, STRUCTURE_SET, "ws", text, NULL);
        twin_change(&batch, 0, CHANGE_LIST_PUSH, 0, STRUCTURE_LIST, "wl", NULL, text);
    }
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    size_t fields = 0;
    for (const char *at = twin_row(twin, STRUCTURE_HASH, "wh"); (at = strstr(at, ":\"1\"")); at++)
        fields++;
    assert_int_equal(fields, 9000);
    assert_memory_equal(twin_row(twin, STRUCTURE_LIST, "wl"), "[\"m08999\",\"m08998\",", 19);
    twin_begin(twin, &batch);
    for (int i = 0; i < 9000; i++) {
        char text[16];
        snprintf(text, sizeof(text), "m%05d", i);
        if (i != 77) {
            twin_change(&batch, 0, CHANGE_HASH_REMOVE, 0, STRUCTURE_HASH, "wh", text, NULL);
            twin_change(&batch, 0, CHANGE_ZSET_REMOVE, 0, STRUCTURE_ZSET, "wz", text, NULL);
            twin_change(&batch, 0, CHANGE_SET_EXCLUDE, 0, STRUCTURE_SET, "ws", text, NULL);
        }
    }
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    row_is(twin, STRUCTURE_HASH, "wh", "{\"m00077\":\"1\"}");
    row_is(twin, STRUCTURE_ZSET, "wz", "[[\"m00077\",1]]");
    row_is(twin, STRUCTURE_SET, "ws", "[\"m00077\"]");
    batch_release(&batch);
}

/* The first event of the log with an impossible result is named, though rows are grouped on the
 * wire; nothing of the batch is in; without that event the rest goes in. */
static void refused_changes_nothing(void **state)
{
    struct twin *twin = *state;
    struct batch batch = {0};
    good(twin, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "p", "text", "abc");
    twin_begin(twin, &batch);
    twin_change(&batch, 0, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "p", "n", "1");
    twin_change(&batch, 1, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "q", "text", "xyz");
    twin_change(&batch, 1, CHANGE_LIST_PUSH, 0, STRUCTURE_LIST, "ql", NULL, "e");
    twin_change(&batch, 2, CHANGE_HASH_ADD, 0, STRUCTURE_HASH, "q", "text", "1");
    twin_change(&batch, 3, CHANGE_HASH_ADD, 0, STRUCTURE_HASH, "p", "text", "1");
    twin_change(&batch, 3, CHANGE_DELETE, 0, STRUCTURE_HASH, "q", NULL, NULL);
    struct commit_result result = twin_commit(twin, &batch);
    assert_int_equal(result.outcome, COMMIT_REFUSED);
    assert_int_equal(result.event, 2);
    assert_non_null(strstr(result.reason, "xyz"));
    row_is(twin, STRUCTURE_HASH, "p", "{\"text\":\"abc\"}");
    row_is(twin, STRUCTURE_HASH, "q", "");
    row_is(twin, STRUCTURE_LIST, "ql", "");
    twin_begin(twin, &batch);
    twin_change(&batch, 0, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "p", "n", "1");
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    row_is(twin, STRUCTURE_HASH, "p", "{\"n\":\"1\",\"text\":\"abc\"}");
    batch_release(&batch);
}

static void two_structures_under_one_key(void **state)
{
    struct twin *twin = *state;
    struct batch batch = {0};
    twin_begin(twin, &batch);
    twin_change(&batch, 4, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "k", "n", "1");
    twin_change(&batch, 5, CHANGE_SET_INCLUDE, 0, STRUCTURE_SET, "k", "n", NULL);
    struct commit_result result = twin_commit(twin, &batch);
    assert_int_equal(result.outcome, COMMIT_REFUSED);
    assert_int_equal(result.event, 5);
    row_is(twin, STRUCTURE_HASH, "k", "");
    batch_release(&batch);
}

/* Any operation on a row of another type; nothing is changed, and the key is named. */
static void foreign_types(void **state)
{
    static const enum change_op ops[STRUCTURE_COUNT] = {
        CHANGE_HASH_SET,  CHANGE_COUNTER_ADD, CHANGE_ZSET_SCORE, CHANGE_SET_INCLUDE,
        CHANGE_LIST_PUSH, CHANGE_HLL_COUNT,   CHANGE_JSON_PUT,
    };
    struct twin *twin = *state;
    for (int held = 0; held < STRUCTURE_COUNT; held++) {
        for (int meant = 0; meant < STRUCTURE_COUNT; meant++) {
            bool texts = (held == STRUCTURE_COUNTER || held == STRUCTURE_JSON) &&
                         (meant == STRUCTURE_COUNTER || meant == STRUCTURE_JSON);
            if (held == meant || texts)
                continue;
            twin_plant(twin, (enum structure)held, "alien", "1");
            const enum change_op tried[] = {ops[meant], CHANGE_DELETE, CHANGE_EXPIRE};
            for (size_t i = 0; i < 3; i++) {
                struct commit_result result = one(twin, tried[i], 0, (enum structure)meant, "alien",
                                                  "x", i == 2 ? "4102444800000" : "2");
                assert_int_equal(result.outcome, COMMIT_FOREIGN);
                assert_non_null(strstr(result.reason, "alien"));
                assert_string_not_equal(twin_row(twin, (enum structure)held, "alien"), "");
            }
        }
    }
}

static void foreign_values(void **state)
{
    static const char *const not_integers[] = {"abc", "1.5",
                                               "01",  "0x10",
                                               " 1",  "1e3",
                                               "-0",  "+1",
                                               "",    "9007199254740993",
                                               "1 ",  "12a3",
                                               "-",   "9007199254740992000"};
    struct twin *twin = *state;
    for (size_t i = 0; i < sizeof(not_integers) / sizeof(*not_integers); i++) {
        twin_plant(twin, STRUCTURE_HASH, "fh", not_integers[i]);
        assert_int_equal(one(twin, CHANGE_HASH_ADD, OWN, STRUCTURE_HASH, "fh", "x", "1").outcome,
                         COMMIT_FOREIGN);
        assert_int_equal(one(twin, CHANGE_HASH_ADD, 0, STRUCTURE_HASH, "fh", "x", "1").outcome,
                         COMMIT_REFUSED);
        twin_plant(twin, STRUCTURE_COUNTER, "fc", not_integers[i]);
        assert_int_equal(
            one(twin, CHANGE_COUNTER_ADD, 0, STRUCTURE_COUNTER, "fc", NULL, "1").outcome,
            COMMIT_FOREIGN);
    }
    static const char *const scores[] = {"1.5", "9007199254740994", "1e300"};
    for (size_t i = 0; i < sizeof(scores) / sizeof(*scores); i++) {
        twin_plant(twin, STRUCTURE_ZSET, "fz", scores[i]);
        assert_int_equal(one(twin, CHANGE_ZSET_ADD, OWN, STRUCTURE_ZSET, "fz", "x", "1").outcome,
                         COMMIT_FOREIGN);
        assert_int_equal(one(twin, CHANGE_ZSET_ADD, 0, STRUCTURE_ZSET, "fz", "x", "1").outcome,
                         COMMIT_REFUSED);
    }
}

static void expiry(void **state)
{
    struct twin *twin = *state;
    struct batch batch = {0};
    static const enum structure all[] = {STRUCTURE_HASH, STRUCTURE_COUNTER, STRUCTURE_ZSET,
                                         STRUCTURE_SET,  STRUCTURE_LIST,    STRUCTURE_HLL,
                                         STRUCTURE_JSON};
    static const enum change_op ops[] = {CHANGE_HASH_SET,    CHANGE_COUNTER_ADD, CHANGE_ZSET_SCORE,
                                         CHANGE_SET_INCLUDE, CHANGE_LIST_PUSH,   CHANGE_HLL_COUNT,
                                         CHANGE_JSON_PUT};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        twin_begin(twin, &batch);
        twin_change(&batch, 0, ops[i], 0, all[i], "e", "f", "1");
        twin_change(&batch, 0, CHANGE_EXPIRE, 0, all[i], "e", NULL, "4102444800001");
        twin_change(&batch, 1, CHANGE_EXPIRE, 0, all[i], "e", NULL, "4102444800000");
        assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
        assert_int_equal(twin_expiry(twin, "e"), 4102444800000); /* the last one counts */
        good(twin, ops[i], 0, all[i], "e", "g", "2");
        assert_int_equal(twin_expiry(twin, "e"), 4102444800000); /* writing keeps it */
        twin_begin(twin, &batch);
        twin_change(&batch, 0, CHANGE_DELETE, 0, all[i], "e", NULL, NULL);
        twin_change(&batch, 1, ops[i], 0, all[i], "e", "f", "3");
        assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
        assert_int_equal(twin_expiry(twin, "e"), 0); /* a new row */
        twin_begin(twin, &batch);
        twin_change(&batch, 0, CHANGE_EXPIRE, 0, all[i], "e", NULL, "4102444800000");
        twin_change(&batch, 1, CHANGE_DELETE, 0, all[i], "e", NULL, NULL);
        twin_change(&batch, 2, ops[i], 0, all[i], "e", "f", "4");
        assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
        assert_int_equal(twin_expiry(twin, "e"), 0); /* what was said before the DELETE is gone */
        assert_string_not_equal(twin_row(twin, all[i], "e"), "");
        good(twin, CHANGE_DELETE, 0, all[i], "e", NULL, NULL);
        row_is(twin, all[i], "e", "");
    }
    batch_release(&batch);
}

/* Of an earlier row nothing is left, and what came before the DELETE in the batch is gone too. */
static void delete_and_again(void **state)
{
    struct twin *twin = *state;
    struct batch batch = {0};
    good(twin, CHANGE_HASH_ADD, OWN, STRUCTURE_HASH, "d", "old", "5");
    good(twin, CHANGE_COUNTER_ADD, 0, STRUCTURE_COUNTER, "dc", NULL, "5");
    good(twin, CHANGE_ZSET_ADD, OWN, STRUCTURE_ZSET, "dz", "m", "5");
    good(twin, CHANGE_LIST_PUSH, 0, STRUCTURE_LIST, "dl", NULL, "old");
    twin_begin(twin, &batch);
    twin_change(&batch, 0, CHANGE_HASH_ADD, OWN, STRUCTURE_HASH, "d", "between", "1");
    twin_change(&batch, 1, CHANGE_DELETE, 0, STRUCTURE_HASH, "d", NULL, NULL);
    twin_change(&batch, 2, CHANGE_HASH_ADD, OWN, STRUCTURE_HASH, "d", "old", "1");
    twin_change(&batch, 2, CHANGE_HASH_REMOVE, 0, STRUCTURE_HASH, "d", "none", NULL);
    twin_change(&batch, 3, CHANGE_DELETE, 0, STRUCTURE_COUNTER, "dc", NULL, NULL);
    twin_change(&batch, 3, CHANGE_COUNTER_ADD, 0, STRUCTURE_COUNTER, "dc", NULL, "2");
    twin_change(&batch, 4, CHANGE_DELETE, 0, STRUCTURE_ZSET, "dz", NULL, NULL);
    twin_change(&batch, 4, CHANGE_ZSET_ADD, OWN, STRUCTURE_ZSET, "dz", "m", "2");
    twin_change(&batch, 5, CHANGE_LIST_PUSH, 0, STRUCTURE_LIST, "dl", NULL, "between");
    twin_change(&batch, 5, CHANGE_DELETE, 0, STRUCTURE_LIST, "dl", NULL, NULL);
    twin_change(&batch, 6, CHANGE_LIST_PUSH, 0, STRUCTURE_LIST, "dl", NULL, "new");
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    row_is(twin, STRUCTURE_HASH, "d", "{\"old\":\"1\"}");
    row_is(twin, STRUCTURE_COUNTER, "dc", "2");
    row_is(twin, STRUCTURE_ZSET, "dz", "[[\"m\",2]]");
    row_is(twin, STRUCTURE_LIST, "dl", "[\"new\"]");
    batch_release(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(hash),
        BOTH(extremes),
        BOTH(totals),
        BOTH(counter),
        BOTH(zset),
        BOTH(set_and_list),
        BOTH(hll_and_json),
        BOTH(wide_rows),
        BOTH(refused_changes_nothing),
        BOTH(two_structures_under_one_key),
        BOTH(foreign_types),
        BOTH(foreign_values),
        BOTH(expiry),
        BOTH(delete_and_again),
    };
    return cmocka_run_group_tests(tests, twin_server_start, twin_server_stop);
}
