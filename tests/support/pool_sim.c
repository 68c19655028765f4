/*
 * pool_sim.c: workers that are names only; see pool_sim.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pool_sim.h"

#include "base/clock.h"
#include <event2/event.h>

#define DEADLINE_MS 20000

const char *const pool_sim_views[TASKS_MAX] = {"v00", "v01", "v02", "v03", "v04", "v05",
                                               "v06", "v07", "v08", "v09", "v10", "v11"};

/* ---- driving the loop ---- */

void pool_sim_turn_until(struct fixture *f, bool (*done)(struct fixture *f))
{
    int64_t deadline = clock_monotonic_ms() + DEADLINE_MS;
    while (!done(f)) {
        assert_true(clock_monotonic_ms() < deadline);
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

static bool has_answered(struct fixture *f)
{
    return f->answered;
}

bool pool_sim_is_up(struct fixture *f)
{
    return redis_store_is_up(f->redis);
}

/* Lets EVLOOP_ONCE return now and then, so that deadlines are looked at. */
static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
}

static void on_up(void *arg)
{
    (void)arg;
}

static void on_down(void *arg, const struct error *why)
{
    (void)arg, (void)why;
}

struct redis_store *pool_sim_open(struct fixture *f, const char *text)
{
    static const struct redis_store_hooks hooks = {on_up, on_down, NULL};
    struct uri uri;
    struct error error;
    assert_true(uri_parse_redis(text, &uri, &error));
    struct redis_store *redis = redis_store_new(f->base, &uri, &hooks, f);
    uri_release(&uri);
    return redis;
}

int pool_sim_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    redis_server_start(&f->server, NULL);
    f->base = event_base_new();
    f->wake = event_new(f->base, -1, EV_PERSIST, on_wake, NULL);
    event_add(f->wake, &(struct timeval){.tv_usec = 20000});
    f->redis = pool_sim_open(f, f->server.uri);
    f->plain = redisConnect("127.0.0.1", f->server.port);
    pool_sim_turn_until(f, pool_sim_is_up);
    *state = f;
    return 0;
}

int pool_sim_teardown(void **state)
{
    struct fixture *f = *state;
    redisFree(f->plain);
    store_free(redis_store_as_store(f->redis));
    event_free(f->wake);
    event_base_free(f->base);
    redis_server_stop(&f->server);
    free(f);
    return 0;
}

/* ---- Redis, past the pool ---- */

void redis_run(struct fixture *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(f->plain, format, args);
    va_end(args);
    assert_non_null(reply);
    assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
    freeReplyObject(reply);
}

/* "" when there is no such field; valid until the next call. */
const char *redis_field(struct fixture *f, const char *key, const char *name)
{
    static char text[4096];
    redisReply *reply = redisCommand(f->plain, "HGET %s %s", key, name);
    assert_non_null(reply);
    snprintf(text, sizeof text, "%s", reply->type == REDIS_REPLY_STRING ? reply->str : "");
    freeReplyObject(reply);
    return text;
}

const char *redis_lease(struct fixture *f, const struct sim *sim, size_t task)
{
    char name[128];
    snprintf(name, sizeof name, "%s %s", sim->tasks[task].view, sim->tasks[task].partition);
    return redis_field(f, "fanfold:leases", name);
}

bool redis_is_leased_to(struct fixture *f, const struct sim *sim, size_t task, const char *owner)
{
    const char *blank = strchr(redis_lease(f, sim, task), ' ');
    return blank && strcmp(blank + 1, owner) == 0;
}

int pool_sim_flush(void **state)
{
    redis_run(*state, "FLUSHALL");
    return 0;
}

void redis_put_lease(struct fixture *f, const char *view, long long until, const char *owner)
{
    redis_run(f, "HSET fanfold:leases %s%s %lld%s%s", view, " log.0", until, " ", owner);
}

/* As if the worker had been killed some seconds ago. */
void sim_die(struct fixture *f, const struct sim *sim)
{
    redis_run(f, "HSET fanfold:workers %s {\"until\":1000,\"views\":[\"*\"]}", sim->name);
    for (size_t i = 0; i < sim->count; i++)
        if (sim->tasks[i].held)
            redis_put_lease(f, sim->tasks[i].view, 1000, sim->name);
}

/* ---- simulated workers ---- */

struct sim sim_new(const char *name, size_t tasks)
{
    struct sim sim = {.name = name, .count = tasks};
    for (size_t i = 0; i < tasks; i++)
        sim.tasks[i] = (struct pool_task){
            .view = pool_sim_views[i], .partition = "log.0", .epoch = EPOCH, .wanted = true};
    return sim;
}

void pool_sim_ticked(void *arg, struct pool_task *tasks, size_t count, size_t give_up,
                     const struct pool_build *builds, size_t build_count)
{
    struct fixture *f = arg;
    (void)count, (void)builds, (void)build_count;
    assert_false(f->answered);
    f->answered = true;
    f->ok = tasks != NULL;
    f->give_up = give_up;
}

void pool_sim_done(void *arg, bool ok)
{
    struct fixture *f = arg;
    assert_false(f->answered);
    f->answered = true;
    f->ok = ok;
}

bool pool_sim_finish(struct fixture *f)
{
    pool_sim_turn_until(f, has_answered);
    f->answered = false;
    return f->ok;
}

bool sim_try_tick(struct fixture *f, struct sim *sim)
{
    pool_tick(f->redis, sim->name, sim->views, sim->view_count, "{\"rate\": 7}", sim->tasks,
              sim->count, pool_sim_ticked, f);
    assert_false(f->answered);
    return pool_sim_finish(f);
}

/* A tick, and what the worker does about it: runs what it holds, stops what it lost, drains what it
 * is to give up. */
void sim_tick(struct fixture *f, struct sim *sim)
{
    assert_true(sim_try_tick(f, sim));
    size_t marked = 0;
    for (size_t i = 0; i < sim->count; i++) {
        struct pool_task *task = &sim->tasks[i];
        bool held = task->answer == POOL_HELD;
        sim->changes += held != task->held;
        task->held = held;
        assert_true(held || !task->give_up);
        marked += task->give_up;
        if (task->give_up)
            task->wanted = false;
    }
    assert_int_equal(marked, f->give_up);
}

void sim_release(struct fixture *f, struct sim *sim, size_t task)
{
    pool_release(f->redis, sim->name, sim->tasks[task].view, sim->tasks[task].partition,
                 pool_sim_done, f);
    assert_true(pool_sim_finish(f));
    sim->changes += sim->tasks[task].held;
    sim->tasks[task].held = false;
    sim->tasks[task].wanted = true;
}

/* Gives back up to `limit` of the tasks that are drained. */
void sim_release_drained(struct fixture *f, struct sim *sim, size_t limit)
{
    for (size_t i = 0; i < sim->count; i++)
        if (sim->tasks[i].held && !sim->tasks[i].wanted && limit > 0) {
            sim_release(f, sim, i);
            limit--;
        }
}

void sim_leave(struct fixture *f, struct sim *sim)
{
    pool_leave(f->redis, sim->name, pool_sim_done, f);
    assert_true(pool_sim_finish(f));
}

size_t sim_held(const struct sim *sim)
{
    size_t count = 0;
    for (size_t i = 0; i < sim->count; i++)
        count += sim->tasks[i].held;
    return count;
}
