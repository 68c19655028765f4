/*
 * pool_test.c: workers that come, go and die share the tasks fairly, and nothing goes in circles.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/pool_sim.h"

#define WORKERS_MAX 4

static bool is_fair(const struct sim *sims, size_t count)
{
    size_t least = SIZE_MAX, most = 0, sum = 0;
    for (size_t i = 0; i < count; i++) {
        size_t share = sim_held(&sims[i]);
        least = share < least ? share : least;
        most = share > most ? share : most;
        sum += share;
        for (size_t t = 0; t < sims[i].count; t++)
            if (sims[i].tasks[t].held && !sims[i].tasks[t].wanted)
                return false;
    }
    return most - least <= 1 && sum == sims[0].count;
}

static unsigned changes(const struct sim *sims, size_t count)
{
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += sims[i].changes;
    return sum;
}

static void round_of(struct fixture *f, struct sim *sims, size_t count, size_t drained)
{
    for (size_t i = 0; i < count; i++) {
        sim_tick(f, &sims[i]);
        sim_release_drained(f, &sims[i], drained);
    }
}

/* Fair within so many rounds, and then nothing moves any more. */
static void settle(struct fixture *f, struct sim *sims, size_t count, size_t drained, int rounds)
{
    for (int i = 0; i < rounds && !is_fair(sims, count); i++)
        round_of(f, sims, count, drained);
    assert_true(is_fair(sims, count));
    unsigned before = changes(sims, count);
    for (int i = 0; i < 3; i++)
        round_of(f, sims, count, drained);
    assert_int_equal(changes(sims, count), before);
}

/* ---- shares ---- */

static const char *const names[WORKERS_MAX] = {"w2", "w0", "w3", "w1"};

static void test_shares_become_equal_when_workers_join(void **state)
{
    struct fixture *f = *state;
    for (size_t tasks = 1; tasks <= TASKS_MAX; tasks++) {
        struct sim sims[WORKERS_MAX];
        redis_run(f, "FLUSHALL");
        for (size_t count = 1; count <= WORKERS_MAX; count++) {
            sims[count - 1] = sim_new(names[count - 1], tasks);
            settle(f, sims, count, SIZE_MAX, 4);
        }
    }
}

/* A task that drains for long still counts as given up: no more than needed are drained meanwhile.
 */
static void test_slow_drains_are_not_overdone(void **state)
{
    struct fixture *f = *state;
    struct sim sims[3] = {sim_new("a", 12), sim_new("b", 12), sim_new("c", 12)};
    settle(f, sims, 2, SIZE_MAX, 4);
    unsigned before = changes(sims, 3);
    settle(f, sims, 3, 1, 8);
    assert_int_equal(changes(sims, 3) - before, 2 * 4); /* four tasks, released and taken */
}

/* Two that know of each other find all free: each takes its half, at its first tick. */
static void test_free_tasks_are_dealt_out(void **state)
{
    struct fixture *f = *state;
    struct sim a = sim_new("a", 12), b = sim_new("b", 12);
    sim_tick(f, &a);
    sim_tick(f, &b);
    redis_run(f, "DEL fanfold:leases");
    sim_tick(f, &b);
    assert_int_equal(sim_held(&b), 6);
    a = sim_new("a", 12);
    sim_tick(f, &a);
    assert_int_equal(sim_held(&a), 6);
}

static void test_ties_fall_to_who_asks(void **state)
{
    struct fixture *f = *state;
    struct sim sims[2] = {sim_new("a", 1), sim_new("z", 1)};
    round_of(f, sims, 2, 0);
    for (size_t i = 0; i < 2; i++) {
        redis_run(f, "DEL fanfold:leases");
        sims[i].tasks[0].held = false;
        sim_tick(f, &sims[i]);
        assert_int_equal(sim_held(&sims[i]), 1);
    }
}

/* Two of four are drained already, for whatever reason: the other worker needs no more. */
static void test_own_drains_count_as_given_up(void **state)
{
    struct fixture *f = *state;
    struct sim a = sim_new("a", 4), b = sim_new("b", 4);
    sim_tick(f, &a);
    a.tasks[2].wanted = a.tasks[3].wanted = false;
    sim_tick(f, &b);
    sim_tick(f, &a);
    assert_int_equal(sim_held(&a), 4);
    assert_int_equal(f->give_up, 0);
}

static void test_worker_leaves(void **state)
{
    struct fixture *f = *state;
    struct sim sims[3] = {sim_new("a", 7), sim_new("b", 7), sim_new("c", 7)};
    settle(f, sims, 3, SIZE_MAX, 4);
    sim_leave(f, &sims[2]);
    assert_string_equal(redis_field(f, "fanfold:workers", "c"), "");
    for (size_t i = 0; i < 7; i++)
        assert_false(redis_is_leased_to(f, &sims[0], i, "c"));
    settle(f, sims, 2, SIZE_MAX, 2);
}

static void test_worker_dies(void **state)
{
    struct fixture *f = *state;
    struct sim sims[3] = {sim_new("a", 8), sim_new("b", 8), sim_new("c", 8)};
    settle(f, sims, 3, SIZE_MAX, 4);
    sim_die(f, &sims[2]);
    settle(f, sims, 2, SIZE_MAX, 2);
    assert_string_equal(redis_field(f, "fanfold:workers", "c"), "");
}

/* Its entry has ended, its leases have not: they are not taken from it. */
static void test_dead_workers_leases_run_out_by_themselves(void **state)
{
    struct fixture *f = *state;
    struct sim a = sim_new("a", 3), b = sim_new("b", 3);
    sim_tick(f, &a);
    redis_run(f, "HDEL fanfold:workers a");
    sim_tick(f, &b);
    assert_int_equal(sim_held(&b), 0);
    assert_int_equal(b.tasks[0].answer, POOL_OTHER);
    sim_die(f, &a);
    sim_tick(f, &b);
    assert_int_equal(sim_held(&b), 3);
}

/* A process that comes back under the same name need not wait for its own leases to run out. */
static void test_worker_comes_back_under_its_name(void **state)
{
    struct fixture *f = *state;
    struct sim before = sim_new("a", 5), after = sim_new("a", 5);
    sim_tick(f, &before);
    sim_tick(f, &after);
    assert_int_equal(sim_held(&after), 5);
}

/* "b" serves v03 alone: of a's four tasks that one moves, and nothing comes and goes after it. */
static void test_different_sets_of_views(void **state)
{
    struct fixture *f = *state;
    static const char *const only[] = {"v03"};
    struct sim sims[2] = {sim_new("a", 4), sim_new("b", 1)};
    sims[1].tasks[0].view = "v03";
    sims[1].views = only;
    sims[1].view_count = 1;
    sim_tick(f, &sims[0]);
    for (int i = 0; i < 3; i++)
        round_of(f, sims, 2, SIZE_MAX);
    assert_int_equal(sim_held(&sims[0]), 3);
    assert_int_equal(sim_held(&sims[1]), 1);
    unsigned before = changes(sims, 2);
    for (int i = 0; i < 3; i++)
        round_of(f, sims, 2, SIZE_MAX);
    assert_int_equal(changes(sims, 2), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_shares_become_equal_when_workers_join, pool_sim_flush),
        cmocka_unit_test_setup(test_slow_drains_are_not_overdone, pool_sim_flush),
        cmocka_unit_test_setup(test_free_tasks_are_dealt_out, pool_sim_flush),
        cmocka_unit_test_setup(test_ties_fall_to_who_asks, pool_sim_flush),
        cmocka_unit_test_setup(test_own_drains_count_as_given_up, pool_sim_flush),
        cmocka_unit_test_setup(test_worker_leaves, pool_sim_flush),
        cmocka_unit_test_setup(test_worker_dies, pool_sim_flush),
        cmocka_unit_test_setup(test_dead_workers_leases_run_out_by_themselves, pool_sim_flush),
        cmocka_unit_test_setup(test_worker_comes_back_under_its_name, pool_sim_flush),
        cmocka_unit_test_setup(test_different_sets_of_views, pool_sim_flush),
    };
    return cmocka_run_group_tests(tests, pool_sim_setup, pool_sim_teardown);
}
