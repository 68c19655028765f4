/*
 * redis_client.h: one asynchronous connection to Redis that comes back by itself (private to
 * store/).
 *
 *     client = redis_client_new(base, &uri, &hooks, arg);
 *     redis_client_send(client, resp, on_reply, task);   resp: a whole RESP command
 *     redis_client_free(client);
 *
 * hiredis 0.14 gives no time-outs, no reuse of contexts, and frees them in its callbacks (FACTS 3);
 * all that is dealt with here. hooks.connected runs before anything else may be sent (login,
 * checks): it sends its commands with redis_client_setup(), then calls redis_client_ready() or
 * redis_client_fail().
 */
#ifndef FANFOLD_STORE_REDIS_CLIENT_H
#define FANFOLD_STORE_REDIS_CLIENT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/uri.h"
#include <hiredis/hiredis.h>

struct event_base;
struct redis_client;

struct redis_client_hooks {
    void (*connected)(void *arg);
    void (*down)(void *arg, const struct error *why); /* see redis_store.h */
};

/* reply is NULL when the connection was lost: the command may have been carried out. */
typedef void redis_reply_fn(void *arg, const redisReply *reply);

struct redis_client *redis_client_new(struct event_base *base, const struct uri *uri,
                                      const struct redis_client_hooks *hooks, void *arg);
/* Unless it is ready the callback comes in the next turn of the loop, with NULL. */
void redis_client_send(struct redis_client *client, struct str resp, redis_reply_fn *done,
                       void *arg);
/* The same between hooks.connected and redis_client_ready(). */
void redis_client_setup(struct redis_client *client, struct str resp, redis_reply_fn *done,
                        void *arg);
void redis_client_ready(struct redis_client *client);
void redis_client_fail(struct redis_client *client, const struct error *why);
bool redis_client_is_ready(const struct redis_client *client);
const struct uri *redis_client_uri(const struct redis_client *client);
/* Not from inside a callback. Calls what waits, with NULL. */
void redis_client_free(struct redis_client *client);

/* RESP: resp_begin(&buf, 3); resp_arg(&buf, STR("SET")); … */
void resp_begin(struct buf *out, size_t args);
void resp_arg(struct buf *out, struct str arg);
void resp_arg_u64(struct buf *out, uint64_t value);
/* The kind of an error reply: NOAUTH, WRONGPASS, NOPERM → ERROR_PERMISSION, the rest
 * ERROR_UNAVAILABLE. */
enum error_kind redis_error_kind(const char *text);

#endif
