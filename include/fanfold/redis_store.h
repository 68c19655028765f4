/*
 * redis_store.h: the worker's connection to Redis, in a libevent loop: commits, loads, and the
 * pool's ticks (pool.h) go over it.
 *
 *     struct redis_store *redis = redis_store_new(base, &uri, &hooks, arg);   connects by itself
 *     struct store *store = redis_store_as_store(redis);
 *     store_free(store);
 *
 * It connects, logs in, selects the database, checks that the server can be used (no cluster mode,
 * maxmemory-policy noeviction, a primary), runs every command it needs once on a scratch key, loads
 * the scripts, then calls hooks.up. When any of that fails or the connection is lost it calls
 * hooks.down once with the reason, and tries again with jittered exponential back-off (0.2 … 10 s)
 * for ever. A command without an answer for 30 s counts as a lost connection.
 */
#ifndef FANFOLD_REDIS_STORE_H
#define FANFOLD_REDIS_STORE_H

#include "base/uri.h"
#include <fanfold/store.h>

struct event_base;
struct redis_store;

struct redis_store_hooks {
    void (*up)(void *arg);
    /* Called when it goes down, and again only when the reason changes while it stays down. */
    void (*down)(void *arg, const struct error *why);
    /* May be NULL: then only noeviction will do. Else any maxmemory-policy will, and this is told
     * it before each `up` and in answer to redis_store_look ("" when Redis does not tell): commits
     * under any other than noeviction are not safe. */
    void (*policy)(void *arg, const char *policy);
};

struct redis_store *redis_store_new(struct event_base *base, const struct uri *uri,
                                    const struct redis_store_hooks *hooks, void *arg);
struct store *redis_store_as_store(struct redis_store *redis);
bool redis_store_is_up(const struct redis_store *redis);
/* Asks for the maxmemory-policy, which may be changed at any time. Only with hooks.policy. */
void redis_store_look(struct redis_store *redis);

/* Epoch and definition of a view, as the first commit, `fanfold adopt` or a rebuild stored them; ""
 * when there are none. error is NULL with STORE_OK. */
typedef void redis_definition_fn(void *arg, enum store_status status, struct str epoch,
                                 struct str definition, const struct error *error);
void redis_store_definition(struct redis_store *redis, const char *view, redis_definition_fn *done,
                            void *arg);

#endif
