/*
 * redis_check.h: is this a Redis that views can be kept in? (private to store/)
 *
 *     redis_check_start(&check, client, on_checked, arg);     from hooks.connected
 *
 * Logs in, selects the database, looks at the server (version, no cluster mode, a primary,
 * maxmemory-policy noeviction), runs every command that the scripts need once on scratch keys,
 * loads the scripts and runs the commit script once (DESIGN section 4: a missing permission is
 * found now). When the connection is lost in between, `done` is not called: the client begins anew.
 */
#ifndef FANFOLD_STORE_REDIS_CHECK_H
#define FANFOLD_STORE_REDIS_CHECK_H

#include "store/redis_store_private.h"

#define REDIS_SHA_LEN 40

struct redis_check;
/* why is NULL when all is well. */
typedef void redis_check_fn(void *arg, const struct error *why);

struct redis_check {
    struct redis_client *client;
    redis_check_fn *done;
    void *arg;
    char sha[SCRIPT_COUNT][REDIS_SHA_LEN + 1];
    bool ended;   /* done was called: what is still answered does not count */
    size_t step;  /* which reply comes next */
    size_t steps; /* how many this phase has */
    int version;  /* major */
    bool any_policy;
    char policy[REDIS_POLICY_MAX];
    char scratch[48]; /* start of the scratch keys */
};

/* any_policy: maxmemory-policy is only noted, in check->policy; else it must be noeviction. */
void redis_check_start(struct redis_check *check, struct redis_client *client, bool any_policy,
                       redis_check_fn *done, void *arg);

/* The value of a line "name:value" of INFO, into out; "" when there is none. */
const char *redis_info_value(const char *text, const char *name, char *out, size_t size);

#endif
