/*
 * store_twin.c: see store_twin.h.
 */
#include "store_twin.h"

#include "base/clock.h"
#include <event2/event.h>
#include <fanfold/ram_store.h>
#include <fanfold/redis_reader.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define DEADLINE_MS 20000

static void die(const char *what, const char *why)
{
    fprintf(stderr, "store_twin: %s: %s\n", what, why);
    abort();
}

static void on_up(void *arg)
{
    ((struct twin *)arg)->ups++;
}

static void on_down(void *arg, const struct error *why)
{
    struct twin *twin = arg;
    twin->downs++;
    twin->why = *why;
}

static void parse(const char *text, struct uri *uri)
{
    struct error error;
    if (!uri_parse_redis(text, uri, &error))
        die(text, error.text);
}

struct twin *twin_new_at(const char *uri_text)
{
    static const struct redis_store_hooks hooks = {on_up, on_down, NULL};
    struct twin *twin = must_calloc(1, sizeof(*twin));
    struct uri uri;
    parse(uri_text, &uri);
    twin->base = event_base_new();
    twin->redis = redis_store_new(twin->base, &uri, &hooks, twin);
    twin->store = redis_store_as_store(twin->redis);
    uri_release(&uri);
    return twin;
}

static void connect_raw(struct twin *twin)
{
    struct timeval patience = {.tv_sec = DEADLINE_MS / 1000};
    twin->raw = redisConnectWithTimeout("127.0.0.1", twin->server->port, patience);
    if (!twin->raw || twin->raw->err)
        die("raw connection", twin->raw ? twin->raw->errstr : "no memory");
}

struct twin *twin_new(struct redis_server *server)
{
    if (!server) {
        struct twin *twin = must_calloc(1, sizeof(*twin));
        twin->store = ram_store_new();
        return twin;
    }
    struct twin *twin = twin_new_at(server->uri);
    struct error error;
    struct uri uri;
    twin->server = server;
    parse(server->uri, &uri);
    twin->reader = redis_reader_open(&uri, &error);
    if (!twin->reader)
        die("reader", error.text);
    uri_release(&uri);
    connect_raw(twin);
    twin_until_up(twin);
    return twin;
}

void twin_free(struct twin *twin)
{
    store_free(twin->store);
    if (twin->reader)
        redis_reader_close(twin->reader);
    if (twin->raw)
        redisFree(twin->raw);
    if (twin->base)
        event_base_free(twin->base);
    free(twin);
}

void twin_until(struct twin *twin, bool (*done)(void *arg), void *arg, const char *what)
{
    int64_t deadline = clock_monotonic_ms() + DEADLINE_MS;
    while (!done(arg)) {
        if (clock_monotonic_ms() > deadline)
            die("nothing happened in time", what);
        if (!twin->base) {
            ram_store_turn(twin->store);
            continue;
        }
        struct timeval slice = {.tv_usec = 20000};
        event_base_loopexit(twin->base, &slice);
        event_base_loop(twin->base, EVLOOP_ONCE);
    }
}

static bool is_up(void *arg)
{
    return redis_store_is_up(((struct twin *)arg)->redis);
}

void twin_until_up(struct twin *twin)
{
    twin_until(twin, is_up, twin, "up");
}

struct awaited {
    struct twin *twin;
    const char *text;
};

static bool is_down(void *arg)
{
    struct awaited *awaited = arg;
    return awaited->twin->downs > 0 && strstr(awaited->twin->why.text, awaited->text);
}

void twin_until_down(struct twin *twin, const char *text)
{
    struct awaited awaited = {twin, text};
    twin_until(twin, is_down, &awaited, text);
}

void twin_begin(struct twin *twin, struct batch *batch)
{
    batch_clear(batch);
    batch->view = TWIN_VIEW;
    batch->partition = TWIN_PARTITION;
    batch->definition = "{}";
    batch->from = batch->to = twin->position;
    if (batch->to.epoch[0])
        batch->to.offset++;
    snprintf(batch->to.epoch, sizeof(batch->to.epoch), "1.abcdef");
    batch->to.fingerprint = batch->to.offset * 7 + 1;
}

static struct str copy(struct batch *batch, const char *text)
{
    return text ? arena_copy(&batch->changes.arena, str_of(text)) : (struct str){0};
}

void twin_change(struct batch *batch, uint32_t event, enum change_op op, uint8_t flags,
                 enum structure structure, const char *key, const char *field, const char *value)
{
    batch->changes.event = event;
    changes_add(&batch->changes, (uint8_t)op, flags, structure, copy(batch, key),
                copy(batch, field), copy(batch, value));
}

struct commit_wait {
    bool done;
    struct commit_result result;
};

static void on_commit(void *arg, const struct commit_result *result)
{
    struct commit_wait *wait = arg;
    if (wait->done)
        die("commit", "two answers to one commit");
    wait->done = true;
    wait->result = *result;
}

static bool is_done(void *arg)
{
    return *(bool *)arg;
}

struct commit_result twin_commit(struct twin *twin, const struct batch *batch)
{
    struct commit_wait wait = {0};
    store_commit(twin->store, batch, on_commit, &wait);
    if (wait.done)
        die("commit", "answered from inside the call");
    twin_until(twin, is_done, &wait.done, "the answer to a commit");
    if (wait.result.outcome == COMMIT_OK)
        twin->position = batch->to;
    return wait.result;
}

struct load_wait {
    bool done;
    enum store_status status;
    struct task_state *state;
};

static void on_load(void *arg, enum store_status status, struct task_state *state,
                    const struct error *error)
{
    (void)error;
    struct load_wait *wait = arg;
    wait->done = true;
    wait->status = status;
    if (!state)
        return;
    *wait->state = *state;
    state->waiting = (struct map){0};
}

enum store_status twin_load(struct twin *twin, struct task_state *state)
{
    struct load_wait wait = {.state = state};
    *state = (struct task_state){0};
    store_load(twin->store, TWIN_VIEW, TWIN_PARTITION, on_load, &wait);
    twin_until(twin, is_done, &wait.done, "the answer to a load");
    return wait.status;
}

const char *twin_row(struct twin *twin, enum structure structure, const char *key)
{
    static struct buf json;
    struct error error;
    buf_clear(&json);
    if (!twin->server)
        ram_store_row(twin->store, str_of(key), &json);
    else if (!redis_reader_row(twin->reader, structure, str_of(key), &json, &error) &&
             error.kind != ERROR_NO)
        die(key, error.text);
    return buf_text(&json);
}

struct sought {
    const char *key;
    int64_t expiry;
};

static void on_row(void *arg, struct str key, struct str json, int64_t expire_at_ms)
{
    (void)json;
    struct sought *sought = arg;
    if (str_eq(key, str_of(sought->key)))
        sought->expiry = expire_at_ms;
}

int64_t twin_expiry(struct twin *twin, const char *key)
{
    if (twin->server) {
        int64_t at = strtoll(twin_ask(twin, "PEXPIRETIME %s", key), NULL, 10);
        return at > 0 ? at : 0;
    }
    struct sought sought = {.key = key};
    ram_store_each_row(twin->store, on_row, &sought);
    return sought.expiry;
}

void twin_plant(struct twin *twin, enum structure structure, const char *key, const char *value)
{
    static const char *const commands[STRUCTURE_COUNT] = {
        [STRUCTURE_HASH] = "HSET %s x %s", [STRUCTURE_COUNTER] = "SET %s %s",
        [STRUCTURE_ZSET] = "ZADD %s %s x", [STRUCTURE_SET] = "SADD %s %s",
        [STRUCTURE_LIST] = "LPUSH %s %s",  [STRUCTURE_HLL] = "PFADD %s %s",
        [STRUCTURE_JSON] = "SET %s %s",
    };
    if (!twin->server) {
        ram_store_plant(twin->store, str_of(key), structure, str_of(value));
        return;
    }
    twin_ask(twin, "DEL %s", key);
    redisReply *reply = redisCommand(twin->raw, commands[structure], key, value);
    if (!reply || reply->type == REDIS_REPLY_ERROR)
        die(key, reply ? reply->str : twin->raw->errstr);
    freeReplyObject(reply);
}

const char *twin_ask(struct twin *twin, const char *format, ...)
{
    static char text[4096];
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(twin->raw, format, args);
    va_end(args);
    if (!reply)
        die(format, twin->raw->errstr);
    if (reply->type == REDIS_REPLY_INTEGER)
        snprintf(text, sizeof(text), "%lld", reply->integer);
    else
        snprintf(text, sizeof(text), "%s", reply->str ? reply->str : "");
    freeReplyObject(reply);
    return text;
}

void twin_hold(struct twin *twin, long ms, const char *offset)
{
    char text[64];
    snprintf(text, sizeof(text), "%lld %s", (long long)clock_wall_ms() + ms, offset);
    twin_ask(twin, "HSET fanfold:cursor:" TWIN_VIEW " " TWIN_PARTITION "/hold %s", text);
}

/* The server of the group, of which a program has one. */
static struct redis_server group_server;

int twin_server_start(void **state)
{
    (void)state;
    redis_server_start(&group_server, NULL);
    return 0;
}

int twin_server_stop(void **state)
{
    (void)state;
    redis_server_stop(&group_server);
    return 0;
}

int twin_setup_ram(void **state)
{
    *state = twin_new(NULL);
    return 0;
}

int twin_setup_redis(void **state)
{
    struct twin *twin = twin_new(&group_server);
    twin_ask(twin, "FLUSHALL");
    *state = twin;
    return 0;
}

int twin_teardown(void **state)
{
    twin_free(*state);
    return 0;
}
