/*
 * store_position_test.c: positions, parked events and answers: the same cases against the RAM store
 * and against Redis, as store_conformance_test.c does for rows.
 */
#include "support/store_twin.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>

static void row_is(struct twin *twin, enum structure structure, const char *key, const char *json)
{
    assert_string_equal(twin_row(twin, structure, key), json);
}

/* What stands under the position is compared in all its parts. */
static void positions(void **state)
{
    struct twin *twin = *state;
    struct batch batch = {0};
    twin_begin(twin, &batch);
    assert_string_equal(batch.from.epoch, "");
    batch.to.offset = 100;
    twin_change(&batch, 0, CHANGE_COUNTER_ADD, 0, STRUCTURE_COUNTER, "n", NULL, "1");
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_ALREADY); /* the reply was lost */
    row_is(twin, STRUCTURE_COUNTER, "n", "1");

    const struct position standing = twin->position;
    const struct position others[] = {
        {"", 0, 0, 0},
        {"1.abcdef", 99, standing.fingerprint, 0},
        {"1.abcdef", 101, standing.fingerprint, 0},
        {"1.abcdef", 100, standing.fingerprint + 1, 0},
        {"1.abcdef", 100, standing.fingerprint, 1},
        {"1.other", 100, standing.fingerprint, 0},
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        twin_begin(twin, &batch);
        twin_change(&batch, 0, CHANGE_COUNTER_ADD, 0, STRUCTURE_COUNTER, "n", NULL, "1");
        batch.from = others[i];
        struct commit_result result = twin_commit(twin, &batch);
        assert_int_equal(result.outcome, COMMIT_CONFLICT);
        assert_non_null(strstr(result.reason, "1.abcdef 100"));
    }
    row_is(twin, STRUCTURE_COUNTER, "n", "1");

    /* Already in: same epoch, at or behind `to`, and the park revision that the batch would leave.
     */
    twin_begin(twin, &batch);
    batch.from.offset = 98;
    batch.to.offset = 99; /* as a text longer than "100" is not: numbers are compared */
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_ALREADY);
    batch.to.park_revision = 1;
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_CONFLICT);
    batch.to.park_revision = 0;
    batch.to.offset = 1000;
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_CONFLICT);
    batch.to.offset = 99;
    snprintf(batch.to.epoch, sizeof(batch.to.epoch), "1.other");
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_CONFLICT);

    /* No position, though the worker believes in one: a Redis that lost everything. */
    twin_begin(twin, &batch);
    batch.partition = "shop.events.log.1";
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_CONFLICT);
    batch_release(&batch);
}

static void parking(void **state)
{
    struct twin *twin = *state;
    struct batch batch = {0};
    twin_begin(twin, &batch);
    batch.to.offset = UINT64_C(9007199254740993);
    batch.to.park_revision = 2;
    batch.tally = (struct tally){.folded = 1, .parked = 3};
    batch.has_time = true;
    batch.time_ms = 1769850307000;
    twin_change(&batch, 0, CHANGE_COUNTER_ADD, 0, STRUCTURE_COUNTER, "n", NULL, "1");
    for (int i = 0; i < 3; i++) {
        struct parked_event *parked = batch_park(&batch);
        parked->offset = 7 + (uint64_t)i;
        parked->waits = i == 1;
        parked->key = i < 2 ? STR("ale \"x\"") : (struct str){0};
        parked->reason = STR("/data/quantity is nothing");
        parked->id = STR("e1");
        parked->type = STR("t");
        parked->payload = i == 0 ? STR("{\"sku\":1}") : (struct str){0};
        parked->parked_at_ms = 1769850307000;
    }
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_ALREADY);

    struct task_state loaded;
    assert_int_equal(twin_load(twin, &loaded), STORE_OK);
    assert_true(position_eq(&loaded.position, &batch.to));
    assert_true(loaded.position.offset == UINT64_C(9007199254740993));
    assert_true(loaded.has_time);
    assert_int_equal(loaded.time_ms, 1769850307000);
    assert_int_equal(loaded.tally.parked, 3);
    assert_int_equal(loaded.tally.folded, 1);
    assert_int_equal(loaded.waiting.count, 1);
    uint64_t *count = map_get(&loaded.waiting, STR("ale \"x\""));
    assert_non_null(count);
    assert_int_equal(*count, 2);
    task_state_release(&loaded);

    /* A batch that was folded without knowing what is parked conflicts. */
    twin_begin(twin, &batch);
    batch.from.park_revision = batch.to.park_revision = 1;
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_CONFLICT);

    twin_begin(twin, &batch);
    batch.to.park_revision++;
    struct parked_event *more = batch_park(&batch);
    more->offset = 10;
    more->key = STR("ale \"x\"");
    more->waits = true;
    more->reason = STR("waits");
    assert_int_equal(twin_commit(twin, &batch).outcome, COMMIT_OK);
    assert_int_equal(twin_load(twin, &loaded), STORE_OK);
    count = map_get(&loaded.waiting, STR("ale \"x\""));
    assert_non_null(count);
    assert_int_equal(*count, 3);
    task_state_release(&loaded);
    batch_release(&batch);
}

static void no_position(void **state)
{
    struct twin *twin = *state;
    struct task_state loaded;
    assert_int_equal(twin_load(twin, &loaded), STORE_OK);
    assert_string_equal(loaded.position.epoch, "");
    assert_false(loaded.has_time);
    assert_int_equal(loaded.waiting.count, 0);
    task_state_release(&loaded);
}

struct order {
    int next, wrong;
};

struct numbered {
    struct order *order;
    int number;
};

static void on_numbered(void *arg, const struct commit_result *result)
{
    struct numbered *numbered = arg;
    (void)result;
    if (numbered->number != numbered->order->next++)
        numbered->order->wrong++;
}

static bool all_four(void *arg)
{
    return ((struct order *)arg)->next == 4;
}

/* A pipeline: answers in the order of the calls; what follows a conflict conflicts too. */
static void pipeline(void **state)
{
    struct twin *twin = *state;
    struct batch batch = {0};
    struct order order = {0};
    struct numbered calls[4];
    for (int i = 0; i < 4; i++) {
        calls[i] = (struct numbered){&order, i};
        twin_begin(twin, &batch);
        twin_change(&batch, 0, CHANGE_COUNTER_ADD, 0, STRUCTURE_COUNTER, "n", NULL, "1");
        store_commit(twin->store, &batch, on_numbered, &calls[i]);
        twin->position = batch.to;
    }
    twin_until(twin, all_four, &order, "four answers");
    assert_int_equal(order.wrong, 0);
    row_is(twin, STRUCTURE_COUNTER, "n", "4");
    batch_release(&batch);
}

/* What waits when the store goes is answered, once. */
static void free_answers(void **state)
{
    struct twin *twin = *state;
    struct twin *other = twin_new(twin->server);
    struct batch batch = {0};
    struct order order = {0};
    struct numbered calls[2] = {{&order, 0}, {&order, 1}};
    for (int i = 0; i < 2; i++) {
        twin_begin(other, &batch);
        store_commit(other->store, &batch, on_numbered, &calls[i]);
    }
    twin_free(other);
    assert_int_equal(order.next, 2);
    assert_int_equal(order.wrong, 0);
    batch_release(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(positions), BOTH(parking), BOTH(no_position), BOTH(pipeline), BOTH(free_answers),
    };
    return cmocka_run_group_tests(tests, twin_server_start, twin_server_stop);
}
