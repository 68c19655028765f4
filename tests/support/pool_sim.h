/*
 * pool_sim.h: simulated workers of a pool, on a private Redis, for cmocka tests.
 *
 * The workers are names only: each one ticks over the same connection, and does what its answers
 * tell it, as the process would. A dead one is a name that ticks no more and whose entry and leases
 * have been made to end in the past.
 */
#ifndef FANFOLD_TESTS_POOL_SIM_H
#define FANFOLD_TESTS_POOL_SIM_H

#include "support/redis_server.h"
#include <fanfold/pool.h>
#include <hiredis/hiredis.h>

#define TASKS_MAX 12
#define EPOCH     "1.cafe"

struct event;

struct fixture {
    struct redis_server server;
    struct event_base *base;
    struct event *wake;
    struct redis_store *redis;
    redisContext *plain;
    bool answered; /* the call under way has called back */
    bool ok;       /* and had an answer */
    size_t give_up;
};

struct sim {
    const char *name;
    const char *const *views;
    size_t view_count;
    struct pool_task tasks[TASKS_MAX];
    size_t count;
    unsigned changes; /* leases taken, lost and given back so far */
};

/* The tasks' views, one partition "log.0" each. */
extern const char *const pool_sim_views[TASKS_MAX];

/* cmocka: of the group; of each test (an empty Redis). *state is the fixture. */
int pool_sim_setup(void **state);
int pool_sim_teardown(void **state);
int pool_sim_flush(void **state);

struct redis_store *pool_sim_open(struct fixture *f, const char *uri);
bool pool_sim_is_up(struct fixture *f);
void pool_sim_turn_until(struct fixture *f, bool (*done)(struct fixture *f));
/* Callbacks for calls with arg = the fixture; finish() waits for them: true when there was an
 * answer. */
void pool_sim_ticked(void *arg, struct pool_task *tasks, size_t count, size_t give_up,
                     const struct pool_build *builds, size_t build_count);
void pool_sim_done(void *arg, bool ok);
bool pool_sim_finish(struct fixture *f);

/* Redis, past the pool. field and lease: "" when there is none; valid until the next call. */
void redis_run(struct fixture *f, const char *format, ...);
const char *redis_field(struct fixture *f, const char *key, const char *name);
const char *redis_lease(struct fixture *f, const struct sim *sim, size_t task);
bool redis_is_leased_to(struct fixture *f, const struct sim *sim, size_t task, const char *owner);
void redis_put_lease(struct fixture *f, const char *view, long long until, const char *owner);

struct sim sim_new(const char *name, size_t tasks);
bool sim_try_tick(struct fixture *f, struct sim *sim);
/* A tick, and what the worker does about it: runs what it holds, stops what it lost, drains what it
 * is to give up. */
void sim_tick(struct fixture *f, struct sim *sim);
void sim_release(struct fixture *f, struct sim *sim, size_t task);
/* Gives back up to `limit` of the tasks that are drained. */
void sim_release_drained(struct fixture *f, struct sim *sim, size_t limit);
void sim_leave(struct fixture *f, struct sim *sim);
size_t sim_held(const struct sim *sim);
/* As if the worker had been killed some seconds ago. */
void sim_die(struct fixture *f, const struct sim *sim);

#endif
