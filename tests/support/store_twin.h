/*
 * store_twin.h: one interface over both stores, for tests that must give the same with either.
 *
 *     struct twin *twin = twin_new(NULL);           the RAM store; or a running redis_server
 *     struct batch batch = {0};
 *     twin_begin(twin, &batch);                     the next batch of the twin's task
 *     twin_change(&batch, 0, CHANGE_HASH_SET, 0, STRUCTURE_HASH, "key", "field", "value");
 *     struct commit_result result = twin_commit(twin, &batch);
 *     twin_free(twin);
 *
 * Calls wait for their answer with a deadline; one that does not come fails the test.
 */
#ifndef FANFOLD_TESTS_STORE_TWIN_H
#define FANFOLD_TESTS_STORE_TWIN_H

#include "redis_server.h"
#include <fanfold/redis_store.h>
#include <hiredis/hiredis.h>

#define TWIN_VIEW      "shop"
#define TWIN_PARTITION "shop.events.log.0"

struct event_base;
struct redis_reader;

struct twin {
    struct store *store;
    struct position position; /* where the twin's own task stands */
    /* with Redis: */
    struct redis_server *server; /* NULL: the RAM store */
    struct event_base *base;
    struct redis_store *redis;
    struct redis_reader *reader;
    redisContext *raw; /* for what only a test does */
    int ups, downs;
    struct error why; /* the last reason given to hooks.down */
};

/* Redis: waits until it is up. */
struct twin *twin_new(struct redis_server *server);
/* Redis at uri, not waited for; without reader and raw. */
struct twin *twin_new_at(const char *uri);
void twin_free(struct twin *twin);

/* Turns the loop until done(arg) or 20 seconds have passed; then the test fails, naming what. */
void twin_until(struct twin *twin, bool (*done)(void *arg), void *arg, const char *what);
void twin_until_up(struct twin *twin);
/* …until hooks.down was called with a reason that contains text. */
void twin_until_down(struct twin *twin, const char *text);

/* Clears the batch and sets its task and positions: one event further than the twin stands. */
void twin_begin(struct twin *twin, struct batch *batch);
/* Texts are copied into the batch; NULL is none. */
void twin_change(struct batch *batch, uint32_t event, enum change_op op, uint8_t flags,
                 enum structure structure, const char *key, const char *field, const char *value);
/* On COMMIT_OK the twin's position is batch->to. */
struct commit_result twin_commit(struct twin *twin, const struct batch *batch);
/* state: to be released by the caller. Returns the status. */
enum store_status twin_load(struct twin *twin, struct task_state *state);

/* The row as JSON text, or "" when there is none; valid until the next call. */
const char *twin_row(struct twin *twin, enum structure structure, const char *key);
/* When the row goes, in Unix milliseconds; 0: never, or there is no row. */
int64_t twin_expiry(struct twin *twin, const char *key);
/* Puts a row that no fold made; ram_store_plant() says how. */
void twin_plant(struct twin *twin, enum structure structure, const char *key, const char *value);
/* Holds the twin's own task (generation.h) from now on: for so long, up to an offset or "". */
void twin_hold(struct twin *twin, long ms, const char *offset);
/* A command on the raw connection; the text of its reply (an integer in decimal). */
const char *twin_ask(struct twin *twin, const char *format, ...);

/* For cmocka: each case of BOTH() runs with a fresh RAM store, and with Redis emptied before; the
 * group starts the server with twin_server_start. */
int twin_server_start(void **state);
int twin_server_stop(void **state);
int twin_setup_ram(void **state);
int twin_setup_redis(void **state);
int twin_teardown(void **state);

#define BOTH(f)                                                \
    {"ram: " #f, f, twin_setup_ram, twin_teardown, NULL},      \
    {                                                          \
        "redis: " #f, f, twin_setup_redis, twin_teardown, NULL \
    }

#endif
