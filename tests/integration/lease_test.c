/*
 * lease_test.c: what a tick answers, what it leaves in Redis, and what it makes of what is there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/pool_sim.h"
#include <cjson/cJSON.h>

/* ---- answers ---- */

static void test_lease_of_another(void **state)
{
    struct fixture *f = *state;
    struct sim a = sim_new("host:1", 1), b = sim_new("host:2", 1);
    sim_tick(f, &a);
    assert_int_equal(a.tasks[0].answer, POOL_HELD);
    sim_tick(f, &b);
    assert_int_equal(b.tasks[0].answer, POOL_OTHER);
    assert_string_equal(b.tasks[0].owner, "host:1");
}

static void test_left_for_who_holds_fewer(void **state)
{
    struct fixture *f = *state;
    struct sim a = sim_new("a", 2), b = sim_new("b", 2);
    a.count = 1;
    sim_tick(f, &a);
    sim_tick(f, &b);
    assert_int_equal(b.tasks[1].answer, POOL_HELD);
    sim_release(f, &b, 1);
    a.count = 2;
    sim_tick(f, &a);
    assert_int_equal(a.tasks[1].answer, POOL_FREE);
}

static void test_epoch(void **state)
{
    struct fixture *f = *state;
    struct sim sim = sim_new("a", 2);
    redis_run(f, "HSET fanfold:cursor:v00 log.0 %s", "2.beef 17 99 0");
    redis_run(f, "HSET fanfold:cursor:v01 log.0 %s", EPOCH " 17 99 0");
    sim_tick(f, &sim);
    assert_int_equal(sim.tasks[0].answer, POOL_EPOCH);
    assert_string_equal(sim.tasks[0].found, "2.beef");
    assert_string_equal(redis_lease(f, &sim, 0), "");
    assert_int_equal(sim.tasks[1].answer, POOL_HELD);
    redis_run(f, "HSET fanfold:cursor:v00 log.0 %s", EPOCH " 18 99 0");
    sim_tick(f, &sim);
    assert_int_equal(sim.tasks[0].answer, POOL_HELD);
}

/* A cursor that is no hash is that view's trouble: the tick goes on, the commit will say what is
 * wrong. */
static void test_cursor_of_another_type(void **state)
{
    struct fixture *f = *state;
    struct sim sim = sim_new("a", 2);
    redis_run(f, "SET fanfold:cursor:v00 %s", "x");
    sim_tick(f, &sim);
    assert_int_equal(sim.tasks[0].answer, POOL_HELD);
    assert_int_equal(sim.tasks[1].answer, POOL_HELD);
}

/* The refusal is told even while another worker runs the task; and who refuses everything holds
 * nothing back from who does not. */
static void test_epoch_of_another_worker(void **state)
{
    struct fixture *f = *state;
    struct sim old = sim_new("a", 4), new = sim_new("b", 4);
    for (size_t i = 0; i < 4; i++) {
        redis_run(f, "HSET fanfold:cursor:%s log.0 %s", pool_sim_views[i], EPOCH " 17 99 0");
        old.tasks[i].epoch = "1.dead";
    }
    sim_tick(f, &old);
    sim_tick(f, &new);
    assert_int_equal(sim_held(&new), 4);
    sim_tick(f, &old);
    assert_int_equal(old.tasks[0].answer, POOL_EPOCH);
    sim_tick(f, &new);
    assert_int_equal(f->give_up, 0);
    assert_int_equal(sim_held(&new), 4);
}

static void test_lost_lease_is_told_once(void **state)
{
    struct fixture *f = *state;
    struct sim sim = sim_new("a", 2);
    sim_tick(f, &sim);
    redis_run(f, "HDEL fanfold:leases %s", "v00 log.0");
    redis_put_lease(f, "v01", (long long)clock_wall_ms() + POOL_LEASE_MS, "z");
    sim_tick(f, &sim);
    assert_int_equal(sim.tasks[0].answer, POOL_LOST);
    assert_int_equal(sim.tasks[1].answer, POOL_LOST);
    assert_true(redis_is_leased_to(f, &sim, 1, "z"));
    sim_tick(f, &sim);
    assert_int_equal(sim.tasks[0].answer, POOL_HELD);
    assert_int_equal(sim.tasks[1].answer, POOL_OTHER);
}

static void test_late_tick_keeps_what_nobody_took(void **state)
{
    struct fixture *f = *state;
    struct sim sim = sim_new("a", 1);
    sim_tick(f, &sim);
    redis_put_lease(f, "v00", 1000, "a");
    sim_tick(f, &sim);
    assert_int_equal(sim.tasks[0].answer, POOL_HELD);
    assert_true(atoll(redis_lease(f, &sim, 0)) > clock_wall_ms());
}

static void test_not_wanted(void **state)
{
    struct fixture *f = *state;
    struct sim a = sim_new("a", 2), b = sim_new("b", 2);
    a.tasks[1].wanted = false;
    sim_tick(f, &a);
    assert_int_equal(a.tasks[1].answer, POOL_FREE);
    assert_string_equal(redis_lease(f, &a, 1), "");

    a.tasks[0].wanted = false; /* it drains */
    redis_put_lease(f, "v00", 1000, "a");
    sim_tick(f, &a);
    assert_int_equal(a.tasks[0].answer, POOL_HELD);
    sim_tick(f, &b);
    assert_int_equal(b.tasks[0].answer, POOL_OTHER);
    assert_int_equal(b.tasks[1].answer, POOL_HELD);
}

static void test_release_is_only_of_ours(void **state)
{
    struct fixture *f = *state;
    struct sim a = sim_new("a", 1), b = sim_new("b", 1);
    sim_tick(f, &a);
    sim_release(f, &b, 0);
    assert_true(redis_is_leased_to(f, &a, 0, "a"));
    sim_release(f, &a, 0);
    assert_string_equal(redis_lease(f, &a, 0), "");
}

/* ---- views ---- */

static void put_worker(struct fixture *f, const char *name, const char *views)
{
    redis_run(f, "HSET fanfold:workers %s {\"until\":%lld,\"views\":%s}", name,
              (long long)clock_wall_ms() + POOL_LEASE_MS, views);
}

static void test_entry_without_takes_is_judged_by_views(void **state)
{
    struct fixture *f = *state;
    struct sim sim = sim_new("a", 4);
    put_worker(f, "z", "[\"other\"]");
    sim_tick(f, &sim);
    assert_int_equal(sim_held(&sim), 4);
    assert_int_equal(f->give_up, 0);
    put_worker(f, "z", "[\"other\",\"v02\"]");
    sim_tick(f, &sim);
    assert_int_equal(f->give_up, 1);
    assert_true(sim.tasks[2].give_up);
    sim.tasks[2].wanted = true;
    put_worker(f, "z", "[\"*\"]");
    sim_tick(f, &sim);
    assert_int_equal(f->give_up, 2);
}

/* ---- what is in Redis ---- */

static void test_entry(void **state)
{
    struct fixture *f = *state;
    static const char *const views[] = {"v00", "v01", "quoted\"view"};
    struct sim sim = sim_new("a", 2);
    sim.views = views;
    sim.view_count = 3;
    sim_tick(f, &sim);
    cJSON *entry = cJSON_Parse(redis_field(f, "fanfold:workers", "a"));
    assert_non_null(entry);
    double until = cJSON_GetObjectItem(entry, "until")->valuedouble;
    assert_true(until > (double)clock_wall_ms() &&
                until <= (double)clock_wall_ms() + POOL_LEASE_MS);
    char *text = cJSON_PrintUnformatted(cJSON_GetObjectItem(entry, "takes"));
    assert_string_equal(text, "[\"v00 log.0\",\"v01 log.0\"]");
    free(text);
    text = cJSON_PrintUnformatted(cJSON_GetObjectItem(entry, "views"));
    assert_string_equal(text, "[\"v00\",\"v01\",\"quoted\\\"view\"]");
    free(text);
    assert_int_equal(cJSON_GetObjectItem(entry, "rate")->valueint, 7);
    cJSON_Delete(entry);
    assert_true(atoll(redis_lease(f, &sim, 0)) == (long long)until);
}

static void test_entry_of_who_takes_nothing(void **state)
{
    struct fixture *f = *state;
    struct sim sim = sim_new("a", 1);
    sim.tasks[0].wanted = false;
    sim_tick(f, &sim);
    assert_non_null(strstr(redis_field(f, "fanfold:workers", "a"), "\"takes\":[],"));
}

static void test_reports(void **state)
{
    struct fixture *f = *state;
    static const char *const reports[] = {NULL, "{}", " { } ", "{\"a\":{}}"};
    static const char *const ends[] = {"\"views\":[\"*\"]}", "\"views\":[\"*\"]}",
                                       "\"views\":[\"*\"]} ", "\"views\":[\"*\"],\"a\":{}}"};
    for (size_t i = 0; i < 4; i++) {
        pool_tick(f->redis, "a", NULL, 0, reports[i], NULL, 0, pool_sim_ticked, f);
        pool_sim_finish(f);
        const char *entry = redis_field(f, "fanfold:workers", "a");
        const char *views = strstr(entry, "\"views\"");
        assert_non_null(views);
        assert_string_equal(views, ends[i]);
    }
}

static void test_garbage_goes(void **state)
{
    struct fixture *f = *state;
    static const char *const entries[] = {"{\"until\":%lld",
                                          "7",
                                          "null",
                                          "{\"until\":\"%lld\",\"views\":[]}",
                                          "{\"until\":%lld}",
                                          "{\"until\":%lld,\"views\":\"*\"}",
                                          "{\"until\":null,\"views\":[\"*\"]}",
                                          "[[[[",
                                          "\xff\xfe"};
    size_t count = sizeof entries / sizeof *entries;
    struct sim sim = sim_new("a", 3);
    for (size_t i = 0; i < count; i++) {
        char format[128];
        snprintf(format, sizeof format, "HSET fanfold:workers z%d %s", (int)i, entries[i]);
        redis_run(f, format, (long long)clock_wall_ms() + POOL_LEASE_MS);
    }
    redis_run(f, "HSET fanfold:leases %s garbage %s %s", "v00 log.0", "v01 log.0", "-5 z");
    sim_tick(f, &sim);
    assert_int_equal(sim_held(&sim), 3);
    for (size_t i = 0; i < count; i++) {
        char name[8];
        snprintf(name, sizeof name, "z%d", (int)i);
        assert_string_equal(redis_field(f, "fanfold:workers", name), "");
    }
}

/* After a fail-over to a machine whose clock is behind, nothing is held for hours. */
static void test_clock_that_went_back(void **state)
{
    struct fixture *f = *state;
    struct sim sim = sim_new("a", 1);
    long long hour = (long long)clock_wall_ms() + 3600 * 1000;
    redis_run(f, "HSET fanfold:workers z {\"until\":%lld,\"views\":[\"*\"]}", hour);
    redis_put_lease(f, "v00", hour, "z");
    sim_tick(f, &sim);
    assert_string_equal(redis_field(f, "fanfold:workers", "z"), "");
    assert_int_equal(sim.tasks[0].answer, POOL_OTHER);
    assert_true(atoll(redis_lease(f, &sim, 0)) <= clock_wall_ms() + POOL_LEASE_MS);
}

/* ---- no answer ---- */

static void test_error_is_no_answer(void **state)
{
    struct fixture *f = *state;
    struct sim sim = sim_new("a", 1);
    redis_run(f, "SET fanfold:workers text");
    assert_false(sim_try_tick(f, &sim));
    pool_leave(f->redis, "a", pool_sim_done, f);
    assert_false(pool_sim_finish(f));
    redis_run(f, "DEL fanfold:workers");
    assert_true(sim_try_tick(f, &sim));
}

static void test_forgotten_script_comes_back(void **state)
{
    struct fixture *f = *state;
    struct sim sim = sim_new("a", 1);
    redis_run(f, "SCRIPT FLUSH");
    assert_false(sim_try_tick(f, &sim));
    pool_sim_turn_until(f, pool_sim_is_up);
    sim_tick(f, &sim);
    assert_int_equal(sim_held(&sim), 1);
}

static void test_without_a_server(void **state)
{
    struct fixture *f = *state;
    struct fixture alone = {.base = f->base, .redis = pool_sim_open(f, "redis://127.0.0.1:1/0")};
    struct sim sim = sim_new("a", 1);
    assert_false(sim_try_tick(&alone, &sim));
    pool_release(alone.redis, "a", "v00", "log.0", pool_sim_done, &alone);
    assert_false(pool_sim_finish(&alone));
    store_free(redis_store_as_store(alone.redis));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_lease_of_another, pool_sim_flush),
        cmocka_unit_test_setup(test_left_for_who_holds_fewer, pool_sim_flush),
        cmocka_unit_test_setup(test_epoch, pool_sim_flush),
        cmocka_unit_test_setup(test_cursor_of_another_type, pool_sim_flush),
        cmocka_unit_test_setup(test_epoch_of_another_worker, pool_sim_flush),
        cmocka_unit_test_setup(test_lost_lease_is_told_once, pool_sim_flush),
        cmocka_unit_test_setup(test_late_tick_keeps_what_nobody_took, pool_sim_flush),
        cmocka_unit_test_setup(test_not_wanted, pool_sim_flush),
        cmocka_unit_test_setup(test_release_is_only_of_ours, pool_sim_flush),
        cmocka_unit_test_setup(test_entry_without_takes_is_judged_by_views, pool_sim_flush),
        cmocka_unit_test_setup(test_entry, pool_sim_flush),
        cmocka_unit_test_setup(test_entry_of_who_takes_nothing, pool_sim_flush),
        cmocka_unit_test_setup(test_reports, pool_sim_flush),
        cmocka_unit_test_setup(test_garbage_goes, pool_sim_flush),
        cmocka_unit_test_setup(test_clock_that_went_back, pool_sim_flush),
        cmocka_unit_test_setup(test_error_is_no_answer, pool_sim_flush),
        cmocka_unit_test_setup(test_forgotten_script_comes_back, pool_sim_flush),
        cmocka_unit_test_setup(test_without_a_server, pool_sim_flush),
    };
    return cmocka_run_group_tests(tests, pool_sim_setup, pool_sim_teardown);
}
