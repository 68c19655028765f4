/*
 * unpark_test.c: the script that takes events out of the parked set, on a real Redis.
 */
#include "support/store_twin.h"

#include <fanfold/parked.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define PARKED  "fanfold:parked:shop:shop.events.log.0"
#define PAYLOAD "fanfold:parked-payload:shop:shop.events.log.0"
#define WAITING "fanfold:waiting:shop:shop.events.log.0"
#define DROPPED "fanfold:dropped:shop:shop.events.log.0"
#define CURSOR  "fanfold:cursor:shop shop.events.log.0"
#define EPOCH   "1.abcdef"

struct bench {
    struct twin *twin;
    struct unpark unpark;
    struct parked_event events[4]; /* offsets 10 … 13; 10 fails, 11 and 12 wait, 13 has no key */
};

static void park(struct bench *bench)
{
    struct batch batch = {0};
    twin_begin(bench->twin, &batch);
    batch.to.offset = 20;
    batch.to.park_revision = 1;
    batch.tally = (struct tally){.folded = 16, .parked = 4};
    for (size_t i = 0; i < 4; i++)
        *batch_park(&batch) = bench->events[i];
    twin_change(&batch, 0, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "row", "text", "many");
    assert_int_equal(twin_commit(bench->twin, &batch).outcome, COMMIT_OK);
    batch_release(&batch);
}

static int setup(void **state)
{
    struct bench *bench = must_calloc(1, sizeof *bench);
    assert_int_equal(twin_setup_redis((void **)&bench->twin), 0);
    bench->unpark = (struct unpark){.view = TWIN_VIEW, .partition = TWIN_PARTITION, .epoch = EPOCH};
    for (size_t i = 0; i < 4; i++)
        bench->events[i] = (struct parked_event){.offset = 10 + i,
                                                 .waits = i == 1 || i == 2,
                                                 .reason = STR("why"),
                                                 .key = STR("ale"),
                                                 .id = STR("e"),
                                                 .source = STR("/s"),
                                                 .type = STR("t"),
                                                 .parked_at_ms = 1769850307000};
    bench->events[0].payload = STR("{}");
    bench->events[3].key = (struct str){NULL, 0};
    park(bench);
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    unpark_release(&bench->unpark);
    twin_free(bench->twin);
    free(bench);
    return 0;
}

static struct unpark_entry *entry(struct bench *bench, enum unpark_what what, size_t event)
{
    uint32_t index = unpark_add(&bench->unpark, what, &bench->events[event]);
    bench->unpark.changes.event = index;
    return &bench->unpark.entries[index];
}

static void change(struct bench *bench, enum change_op op, const char *field, const char *value)
{
    changes_add(&bench->unpark.changes, (uint8_t)op, 0, STRUCTURE_HASH, STR("row"), str_of(field),
                str_of(value));
}

struct answer {
    bool done;
    struct commit_result result;
};

static void on_answer(void *arg, const struct commit_result *result)
{
    struct answer *answer = arg;
    assert_false(answer->done);
    *answer = (struct answer){true, *result};
}

static bool is_done(void *arg)
{
    return ((struct answer *)arg)->done;
}

static struct commit_result carry_out(struct bench *bench)
{
    struct answer answer = {0};
    redis_store_unpark(bench->twin->redis, &bench->unpark, on_answer, &answer);
    assert_false(answer.done);
    twin_until(bench->twin, is_done, &answer, "the answer to an unpark");
    return answer.result;
}

static void is(struct bench *bench, const char *command, const char *text)
{
    assert_string_equal(twin_ask(bench->twin, command), text);
}

/* Nothing at all was changed since setup. */
static void is_untouched(struct bench *bench)
{
    is(bench, "HGET " CURSOR, EPOCH " 20 1 1");
    is(bench, "HGET " CURSOR "/tally", "folded=16 ignored=0 duplicates=0 parked=4 skipped=0");
    is(bench, "HGET " CURSOR "/reordered", "");
    is(bench, "HLEN " PARKED, "4");
    is(bench, "HLEN " PAYLOAD, "1");
    is(bench, "HGET " WAITING " ale", "3");
    is(bench, "EXISTS " DROPPED, "0");
    is(bench, "HLEN row", "1");
}

static void folds_and_counts(void **state)
{
    struct bench *bench = *state;
    bench->unpark.reordered = 2;
    entry(bench, UNPARK_FOLDED, 0);
    change(bench, CHANGE_HASH_ADD, "n", "5");
    entry(bench, UNPARK_FOLDED, 1);
    change(bench, CHANGE_HASH_ADD, "n", "2");
    assert_int_equal(carry_out(bench).outcome, COMMIT_OK);
    is(bench, "HGET row n", "7");
    is(bench, "HGET " CURSOR, EPOCH " 20 1 211271575"); /* 1 + 1 + SHA-1 of "10 0,11 0", 28 bits */
    is(bench, "HGET " CURSOR "/tally", "folded=18 ignored=0 duplicates=0 parked=2 skipped=0");
    is(bench, "HGET " CURSOR "/reordered", "2");
    is(bench, "HEXISTS " PARKED " 10", "0");
    is(bench, "HEXISTS " PARKED " 12", "1");
    is(bench, "EXISTS " PAYLOAD, "0");
    is(bench, "HGET " WAITING " ale", "1");

    unpark_clear(&bench->unpark);
    bench->unpark.reordered = 0;
    entry(bench, UNPARK_FOLDED, 2);
    entry(bench, UNPARK_FOLDED, 3);
    assert_int_equal(carry_out(bench).outcome, COMMIT_OK);
    is(bench, "EXISTS " PARKED " " WAITING, "0"); /* nothing waits: the field is gone */
    is(bench, "HGET " CURSOR "/reordered", "2");
}

/* Live commits move the offset: that is no conflict. But theirs, folded before, is one then. */
static void goes_on_beside_live_commits(void **state)
{
    struct bench *bench = *state;
    struct batch live = {0}, late = {0};
    twin_begin(bench->twin, &live);
    live.tally = (struct tally){.folded = 17, .parked = 4};
    assert_int_equal(twin_commit(bench->twin, &live).outcome, COMMIT_OK);
    twin_begin(bench->twin, &late);
    entry(bench, UNPARK_FOLDED, 0);
    assert_int_equal(carry_out(bench).outcome, COMMIT_OK);
    is(bench, "HGET " CURSOR, EPOCH " 21 148 204905617"); /* of "10 0" */
    is(bench, "HGET " CURSOR "/tally", "folded=18 ignored=0 duplicates=0 parked=3 skipped=0");
    assert_int_equal(twin_commit(bench->twin, &late).outcome, COMMIT_CONFLICT);
    batch_release(&live);
    batch_release(&late);
}

/* Somebody else has folded or dropped one of them: nothing of the step goes in. */
static void conflicts_when_one_is_gone(void **state)
{
    struct bench *bench = *state;
    entry(bench, UNPARK_FOLDED, 3);
    assert_int_equal(carry_out(bench).outcome, COMMIT_OK);
    assert_int_equal(carry_out(bench).outcome, COMMIT_CONFLICT);
    unpark_clear(&bench->unpark);
    entry(bench, UNPARK_FOLDED, 0);
    change(bench, CHANGE_HASH_ADD, "n", "5");
    entry(bench, UNPARK_FAILED, 3)->record = STR("{}");
    assert_int_equal(carry_out(bench).outcome, COMMIT_CONFLICT);
    is(bench, "HEXISTS row n", "0");
    is(bench, "HLEN " PARKED, "3");
    is(bench, "HGET " WAITING " ale", "3");
}

static void conflicts_with_another_epoch(void **state)
{
    struct bench *bench = *state;
    bench->unpark.epoch = "1.other";
    entry(bench, UNPARK_FOLDED, 0);
    change(bench, CHANGE_HASH_ADD, "n", "5");
    struct commit_result result = carry_out(bench);
    assert_int_equal(result.outcome, COMMIT_CONFLICT);
    assert_non_null(strstr(result.reason, EPOCH));
    is_untouched(bench);
}

static void drops(void **state)
{
    struct bench *bench = *state;
    entry(bench, UNPARK_DROPPED, 0)->record = STR("{\"reason\":\"a test\"}");
    assert_int_equal(carry_out(bench).outcome, COMMIT_OK);
    is(bench, "HGET " DROPPED " 10", "{\"reason\":\"a test\"}");
    is(bench, "HGET " CURSOR "/tally", "folded=16 ignored=0 duplicates=0 parked=3 skipped=1");
    is(bench, "HGET " WAITING " ale", "2");
    is(bench, "EXISTS " PAYLOAD, "0");
    is(bench, "HGET " CURSOR "/reordered", "");
}

static void keeps_what_still_fails(void **state)
{
    struct bench *bench = *state;
    entry(bench, UNPARK_FOLDED, 0);
    struct unpark_entry *failed = entry(bench, UNPARK_FAILED, 1);
    failed->record = STR("{\"reason\":\"worse\"}");
    failed->payload = STR("{\"n\":0}");
    assert_int_equal(carry_out(bench).outcome, COMMIT_OK);
    is(bench, "HGET " PARKED " 11", "{\"reason\":\"worse\"}");
    is(bench, "HGET " PAYLOAD " 11", "{\"n\":0}");
    is(bench, "HGET " WAITING " ale", "2");
    is(bench, "HGET " CURSOR "/tally", "folded=17 ignored=0 duplicates=0 parked=3 skipped=0");
}

static void refuses_as_a_commit_does(void **state)
{
    struct bench *bench = *state;
    entry(bench, UNPARK_FOLDED, 0);
    change(bench, CHANGE_HASH_ADD, "n", "5");
    entry(bench, UNPARK_FOLDED, 3);
    change(bench, CHANGE_HASH_ADD, "text", "1");
    struct commit_result result = carry_out(bench);
    assert_int_equal(result.outcome, COMMIT_REFUSED);
    assert_int_equal(result.event, 1);
    assert_non_null(strstr(result.reason, "many"));
    is_untouched(bench);
}

static void tries_without_writing(void **state)
{
    struct bench *bench = *state;
    bench->unpark.trial = true;
    entry(bench, UNPARK_FOLDED, 0);
    change(bench, CHANGE_HASH_ADD, "n", "5");
    assert_int_equal(carry_out(bench).outcome, COMMIT_OK);
    is_untouched(bench);
    change(bench, CHANGE_HASH_ADD, "text", "5");
    assert_int_equal(carry_out(bench).outcome, COMMIT_REFUSED);
    is_untouched(bench);
}

static void leaves_torn_and_frozen_views_alone(void **state)
{
    struct bench *bench = *state;
    entry(bench, UNPARK_FOLDED, 0);
    twin_hold(bench->twin, 30000, "17");
    assert_int_equal(carry_out(bench).outcome, COMMIT_FROZEN);
    is_untouched(bench);
    twin_ask(bench->twin, "HSET " CURSOR "/torn ERR");
    struct commit_result result = carry_out(bench);
    assert_int_equal(result.outcome, COMMIT_FOREIGN);
    assert_non_null(strstr(result.reason, "folded again"));
    is_untouched(bench);
}

static void stops_at_counts_that_cannot_be(void **state)
{
    struct bench *bench = *state;
    entry(bench, UNPARK_FOLDED, 0);
    entry(bench, UNPARK_FOLDED, 1);
    twin_ask(bench->twin, "HSET " WAITING " ale 1");
    struct commit_result result = carry_out(bench);
    assert_int_equal(result.outcome, COMMIT_FOREIGN);
    assert_non_null(strstr(result.reason, WAITING));
    twin_ask(bench->twin, "HSET " WAITING " ale 3");
    twin_ask(bench->twin, "HSET " CURSOR "/tally %s",
             "folded=16 ignored=0 duplicates=0 parked=1 skipped=0");
    assert_int_equal(carry_out(bench).outcome, COMMIT_FOREIGN);
    twin_ask(bench->twin, "SET " DROPPED " x");
    result = carry_out(bench);
    assert_int_equal(result.outcome, COMMIT_FOREIGN);
    assert_non_null(strstr(result.reason, DROPPED));
    is(bench, "HLEN " PARKED, "4");
}

/* The answer is lost: whether it went in is seen by what is parked, and again is harmless. */
static void lost_answer(void **state)
{
    struct bench *bench = *state;
    entry(bench, UNPARK_FOLDED, 0);
    change(bench, CHANGE_HASH_ADD, "n", "5");
    twin_ask(bench->twin, "CLIENT KILL TYPE normal SKIPME yes");
    assert_int_equal(carry_out(bench).outcome, COMMIT_UNKNOWN);
    twin_until_up(bench->twin);
    is_untouched(bench);
    assert_int_equal(carry_out(bench).outcome, COMMIT_OK);
    assert_int_equal(carry_out(bench).outcome, COMMIT_CONFLICT);
    is(bench, "HGET row n", "5");
}

static void out_of_memory(void **state)
{
    struct bench *bench = *state;
    entry(bench, UNPARK_FOLDED, 0);
    twin_ask(bench->twin, "CONFIG SET maxmemory 1");
    assert_int_equal(carry_out(bench).outcome, COMMIT_FAILED);
    twin_ask(bench->twin, "CONFIG SET maxmemory 0");
    is_untouched(bench);
}

/* What the reader says of it. */
static void fold_one(struct bench *bench)
{
    unpark_clear(&bench->unpark);
    entry(bench, UNPARK_FOLDED, 0);
    change(bench, CHANGE_HASH_SET, "folded", "1");
}

static void note_read(struct bench *bench, enum structure structure, const char *key,
                      const char *json)
{
    const struct row_name name = {structure, str_of(key)};
    const struct row row = {json ? ROW_THERE : ROW_ABSENT, str_of(json)};
    unpark_add_read(&bench->unpark, &name, &row);
}

/* What was read must be what stands: more, less, other, another type, gone, or come. */
static void conflicts_with_rows_that_changed(void **state)
{
    struct bench *bench = *state;
    static const struct {
        enum structure structure;
        const char *json, *change;
    } cases[] = {
        {STRUCTURE_HASH, "{\"a\":\"1\",\"b\":\"x\"}", "HSET k a 2"},
        {STRUCTURE_HASH, "{\"a\":\"1\",\"b\":\"x\"}", "HSET k c 2"},
        {STRUCTURE_HASH, "{\"a\":\"1\",\"b\":\"x\"}", "HDEL k b"},
        {STRUCTURE_HASH, "{\"a\":\"1\",\"b\":\"x\"}", "HDEL k a b"},
        {STRUCTURE_SET, "[\"a\",\"b\"]", "SADD k c"},
        {STRUCTURE_SET, "[\"a\",\"b\"]", "SREM k b"},
        {STRUCTURE_SET, "[\"a\",\"b\"]", "SMOVE k k2 b"},
        {STRUCTURE_COUNTER, "12", "INCR k"},
        {STRUCTURE_COUNTER, "12", "DEL k"},
        {STRUCTURE_JSON, "{\"a\":[1]}", "SET k 1"},
        {STRUCTURE_JSON, "{\"a\":[1]}", "RENAME row k"},
        {STRUCTURE_HASH, NULL, "HSET k a 1"},
        {STRUCTURE_COUNTER, NULL, "SET k 0"},
        {STRUCTURE_SET, NULL, "SADD k a"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        twin_ask(bench->twin, "DEL k k2");
        if (cases[i].structure == STRUCTURE_HASH && cases[i].json)
            twin_ask(bench->twin, "HSET k b x a 1");
        else if (cases[i].structure == STRUCTURE_SET && cases[i].json)
            twin_ask(bench->twin, "SADD k b a");
        else if (cases[i].json)
            twin_ask(bench->twin, "SET k %s", cases[i].json);
        fold_one(bench);
        bench->unpark.trial = true;
        note_read(bench, STRUCTURE_HASH, "none", NULL);
        note_read(bench, cases[i].structure, "k", cases[i].json);
        struct commit_result before = carry_out(bench);
        if (before.outcome != COMMIT_OK)
            fail_msg("case %zu: %s, though nothing changed", i, before.reason);
        twin_ask(bench->twin, cases[i].change);
        bench->unpark.trial = false;
        struct commit_result after = carry_out(bench);
        if (after.outcome != COMMIT_STALE)
            fail_msg("case %zu: outcome %d after %s", i, after.outcome, cases[i].change);
        assert_string_equal(after.reason, "k has changed");
        if (strncmp(cases[i].change, "RENAME", 6) != 0)
            is_untouched(bench);
        else
            twin_ask(bench->twin, "RENAME k row");
    }
}

/* It is read and written in one step; live commits elsewhere do not matter. */
static void goes_in_when_what_was_read_stands(void **state)
{
    struct bench *bench = *state;
    struct batch batch = {0};
    fold_one(bench);
    note_read(bench, STRUCTURE_HASH, "row", "{\"text\":\"many\"}");
    twin_begin(bench->twin, &batch);
    batch.tally = (struct tally){.folded = 17, .parked = 4};
    twin_change(&batch, 0, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "other", "a", "1");
    assert_int_equal(twin_commit(bench->twin, &batch).outcome, COMMIT_OK);
    assert_int_equal(carry_out(bench).outcome, COMMIT_OK);
    is(bench, "HGET row folded", "1");
    is(bench, "HGET row text", "many");
    batch_release(&batch);
}

static void is_read(void **state)
{
    struct bench *bench = *state;
    struct parked_list list;
    struct error error;
    struct buf body = {0};
    bool kept;
    for (int i = 0; i < 3000; i++) /* more than one portion */
        twin_ask(bench->twin, "HSET " PARKED " %d %s", 100 + i,
                 "{\"reason\":\"r\",\"waits\":true,\"at\":\"2026-01-31T09:05:07.000Z\"}");
    assert_true(redis_reader_parked(bench->twin->reader, TWIN_VIEW, TWIN_PARTITION, &list, &error));
    assert_int_equal(list.count, 3004);
    for (size_t i = 1; i < list.count; i++)
        assert_true(list.at[i - 1].offset < list.at[i].offset);
    assert_true(str_eq(list.at[0].key, STR("ale")));
    assert_false(list.at[0].waits);
    assert_true(list.at[1].waits);
    assert_false(str_is(list.at[3].key));
    assert_ptr_equal(parked_list_find(&list, 12), &list.at[2]);
    assert_null(parked_list_find(&list, 9));
    assert_null(parked_list_find(&list, 4000));
    parked_list_release(&list);

    assert_true(redis_reader_parked_payload(bench->twin->reader, TWIN_VIEW, TWIN_PARTITION, 10,
                                            &body, &kept, &error));
    assert_true(kept);
    assert_string_equal(buf_text(&body), "{}");
    assert_true(redis_reader_parked_payload(bench->twin->reader, TWIN_VIEW, TWIN_PARTITION, 11,
                                            &body, &kept, &error));
    assert_false(kept);
    buf_release(&body);

    twin_ask(bench->twin, "HSET " PARKED " 9 nonsense");
    assert_false(
        redis_reader_parked(bench->twin->reader, TWIN_VIEW, TWIN_PARTITION, &list, &error));
    assert_non_null(strstr(error.text, "offset 9"));
    assert_int_equal(error.kind, ERROR_CONFIG);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(folds_and_counts),
        CASE(goes_on_beside_live_commits),
        CASE(conflicts_when_one_is_gone),
        CASE(conflicts_with_another_epoch),
        CASE(drops),
        CASE(keeps_what_still_fails),
        CASE(refuses_as_a_commit_does),
        CASE(tries_without_writing),
        CASE(leaves_torn_and_frozen_views_alone),
        CASE(stops_at_counts_that_cannot_be),
        CASE(conflicts_with_rows_that_changed),
        CASE(goes_in_when_what_was_read_stands),
        CASE(lost_answer),
        CASE(out_of_memory),
        CASE(is_read),
    };
    return cmocka_run_group_tests(tests, twin_server_start, twin_server_stop);
}
