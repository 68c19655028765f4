/*
 * pool.h: which worker runs which task. Leases in Redis, one script, no clock but Redis' own.
 *
 * Leases are for efficiency only: the commit rule holds without them (DESIGN section 4).
 *
 * In Redis: hash fanfold:workers, worker → JSON {"until": ms, "takes": [tasks it runs or would
 * run], "views": ["*"] or names, …the report…}; hash fanfold:leases, "<view> <partition>" → "<until
 * ms> <worker>". Times are of Redis' TIME.
 *
 * A tick, every POOL_TICK_MS (and at once when something changed):
 *   1. the worker's entry is renewed for POOL_LEASE_MS; dead workers' entries go;
 *   2. its leases are renewed; a lease that is gone or another's answers POOL_LOST;
 *   3. a task whose view has another epoch answers POOL_EPOCH: not taken, or its lease is gone;
 *   4. the free tasks are dealt out in turn to the live worker that would take them and holds
 * fewest; what falls to this worker is taken, the rest is left for the others;
 *   5. when a live worker that would take one of ours holds at least two fewer, some tasks are
 * marked `give_up`: drain them (with `wanted` false meanwhile) and release them. Only the marked
 * ones: another would come straight back to us. Shares become equal within some ticks.
 */
#ifndef FANFOLD_POOL_H
#define FANFOLD_POOL_H

#include <fanfold/position.h>
#include <fanfold/redis_store.h>

#define POOL_TICK_MS  1000
#define POOL_LEASE_MS 6000

enum pool_answer {
    POOL_HELD,  /* the lease is ours: run it */
    POOL_OTHER, /* another worker's: `owner` */
    POOL_FREE,  /* free, but others are to take it first */
    POOL_EPOCH, /* `found` is stored and is not ours: stop it, and look for its definition */
    POOL_LOST,  /* we held it, and no longer do: stop it now (answered once) */
};

struct pool_task {
    const char *view, *partition, *epoch; /* in */
    bool held;                            /* in: we run it under a lease */
    bool wanted; /* in: false: renew if held (it is being drained), but do not take it */
    enum pool_answer answer; /* out */
    char owner[128];         /* out, POOL_OTHER */
    char found[EPOCH_MAX];   /* out, POOL_EPOCH: the stored epoch */
    bool give_up;            /* out, POOL_HELD and wanted: drain and release it */
};

/* A generation of a view that is being built, switched to or removed (generation.h): valid during
 * the call. */
struct pool_build {
    const char *view, *text; /* text: for build_read */
};

/* tasks: the same array that pool_tick was given, answers filled in; NULL when there was no answer.
 * give_up: how many of them are marked so; those that are drained already are not counted again. */
typedef void pool_tick_fn(void *arg, struct pool_task *tasks, size_t count, size_t give_up,
                          const struct pool_build *builds, size_t build_count);

/* views: what this worker serves, or NULL for all. report: a JSON object or NULL, kept for `fanfold
 * status`; its members are not named until, takes or views.
 * tasks must stay until done is called. One tick at a time. */
void pool_tick(struct redis_store *redis, const char *worker, const char *const *views,
               size_t view_count, const char *report, struct pool_task *tasks, size_t count,
               pool_tick_fn *done, void *arg);

typedef void pool_done_fn(void *arg, bool ok);
/* Gives one lease back, if it is ours. */
void pool_release(struct redis_store *redis, const char *worker, const char *view,
                  const char *partition, pool_done_fn *done, void *arg);
/* Gives all leases back and removes the worker's entry. */
void pool_leave(struct redis_store *redis, const char *worker, pool_done_fn *done, void *arg);

#endif
