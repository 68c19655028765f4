/*
 * redis_store.c: commits, loads and reads over one connection; the commit rule itself is in
 * commit.lua.
 */
#include <fanfold/redis_store.h>

#include "base/timestamp.h"
#include "store/commit_request.h"
#include "store/read_request.h"
#include "store/redis_check.h"
#include <stdio.h>
#include <stdlib.h>

struct redis_store {
    struct store store;
    struct redis_client *client;
    struct redis_store_hooks hooks;
    void *arg;
    struct redis_check check;
    char sha[SCRIPT_COUNT][REDIS_SHA_LEN + 1];
    struct commit_request request;
};

/* A commit under way. */
struct commit_call {
    struct redis_store *redis;
    store_commit_fn *done;
    void *arg;
    struct wire_change *order;
    size_t count;
};

/* A load under way: two replies, the position's and then that of the waiting keys. */
struct load_call {
    struct redis_store *redis;
    store_load_fn *done;
    void *arg;
    struct task_state state;
    enum store_status status;
    struct error error;
};

static struct redis_store *of(struct store *store)
{
    return (struct redis_store *)store; /* store is its first member */
}

bool redis_store_distrust(struct redis_store *redis, const char *text)
{
    /* Not NOPERM: a view whose keys are not permitted stops alone. */
    static const char *const reasons[] = {"NOSCRIPT", "LOADING",    "BUSY",
                                          "READONLY", "MASTERDOWN", "NOAUTH",
                                          "TRYAGAIN", "MOVED",      "CLUSTERDOWN"};
    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
        if (strncmp(text, reasons[i], strlen(reasons[i])) != 0)
            continue;
        char *where = uri_safe(redis_client_uri(redis->client), "redis");
        struct error why;
        error_set(&why, redis_error_kind(text), "%s: setting up anew: %s", where, text);
        free(where);
        redis_client_fail(redis->client, &why);
        return true;
    }
    return false;
}

/* -------------------------------------------------------------------------------------- connecting
 */

static void on_checked(void *arg, const struct error *why)
{
    struct redis_store *redis = arg;
    if (why) {
        redis_client_fail(redis->client, why);
        return;
    }
    memcpy(redis->sha, redis->check.sha, sizeof(redis->sha));
    redis_client_ready(redis->client);
    if (redis->hooks.policy)
        redis->hooks.policy(redis->arg, redis->check.policy);
    redis->hooks.up(redis->arg);
}

static void on_connected(void *arg)
{
    struct redis_store *redis = arg;
    redis_check_start(&redis->check, redis->client, redis->hooks.policy != NULL, on_checked, redis);
}

static void on_down(void *arg, const struct error *why)
{
    struct redis_store *redis = arg;
    redis->hooks.down(redis->arg, why);
}

/* A user that may not ask any more (NOPERM) is not told: that is no better than another policy. */
static void on_look(void *arg, const redisReply *reply)
{
    struct redis_store *redis = arg;
    char policy[REDIS_POLICY_MAX] = "";
    if (!reply || (reply->type == REDIS_REPLY_ERROR && redis_store_distrust(redis, reply->str)))
        return;
    if (reply->type == REDIS_REPLY_STRING)
        redis_info_value(reply->str, "maxmemory_policy", policy, sizeof(policy));
    redis->hooks.policy(redis->arg, policy);
}

void redis_store_look(struct redis_store *redis)
{
    struct buf resp = {0};
    resp_begin(&resp, 2);
    resp_arg(&resp, STR("INFO"));
    resp_arg(&resp, STR("memory"));
    redis_client_send(redis->client, buf_str(&resp), on_look, redis);
    buf_release(&resp);
}

/* ------------------------------------------------------------------------------------------ commit
 */

static void on_commit(void *arg, const redisReply *reply)
{
    struct commit_call *call = arg;
    struct commit_result result = {0};
    commit_reply_read(reply, call->order, call->count, &result);
    if (result.outcome == COMMIT_UNKNOWN || result.outcome == COMMIT_FAILED)
        redis_store_distrust(call->redis, result.reason);
    call->done(call->arg, &result);
    free(call->order);
    free(call);
}

static void redis_commit(struct store *store, const struct batch *batch, store_commit_fn *done,
                         void *arg)
{
    struct redis_store *redis = of(store);
    struct commit_call *call = must_alloc(sizeof(*call));
    *call = (struct commit_call){.redis = redis, .done = done, .arg = arg};
    call->count = batch->changes.count;
    call->order = commit_request_build(&redis->request, batch, redis->sha[SCRIPT_COMMIT]);
    redis_client_send(redis->client, buf_str(&redis->request.resp), on_commit, call);
}

/* -------------------------------------------------------------------------------------------- load
 */

static void load_fail(struct load_call *call, enum store_status status, const char *what,
                      const char *text)
{
    if (call->status != STORE_OK)
        return;
    call->status = status;
    char *where = uri_safe(redis_client_uri(call->redis->client), "redis");
    error_set(&call->error, redis_error_kind(text), "%s: %s%s", where, what, text);
    free(where);
}

/* Is the reply an array of that many (0: any number of) elements? */
static bool is_answer(struct load_call *call, const redisReply *reply, size_t count)
{
    if (!reply)
        load_fail(call, STORE_UNKNOWN, "", "no connection, or it was lost before the answer");
    else if (reply->type == REDIS_REPLY_ERROR)
        load_fail(call,
                  redis_store_distrust(call->redis, reply->str) ? STORE_UNKNOWN : STORE_FAILED, "",
                  reply->str);
    else if (reply->type != REDIS_REPLY_ARRAY || (count && reply->elements != count))
        load_fail(call, STORE_FAILED, "", "an unexpected kind of answer");
    return call->status == STORE_OK;
}

static struct str text_of(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING ? (struct str){reply->str, (size_t)reply->len}
                                             : STR("");
}

static void on_position(void *arg, const redisReply *reply)
{
    struct load_call *call = arg;
    struct task_state *state = &call->state;
    if (!is_answer(call, reply, 7))
        return;
    struct str position = text_of(reply->element[0]), time = text_of(reply->element[1]),
               tally = text_of(reply->element[2]);
    state->begins = strtoull(text_of(reply->element[4]).at, NULL, 10);
    state->record = strtoull(text_of(reply->element[5]).at, NULL, 10);
    if (!moved_read(text_of(reply->element[6]), &state->moved))
        load_fail(call, STORE_FAILED, "what stands of former partitions is not of their form: ",
                  text_of(reply->element[6]).at);
    snprintf(state->epoch, sizeof(state->epoch), "%s", text_of(reply->element[3]).at);
    if (!position_read(position, &state->position))
        load_fail(call, STORE_FAILED, "what stands as the position is none: ", position.at);
    if (time.len && !timestamp_parse(time, &state->time_ms))
        load_fail(call, STORE_FAILED, "what stands as the position's time is none: ", time.at);
    state->has_time = time.len != 0;
    if (tally.len && !tally_read(tally, &state->tally))
        load_fail(call, STORE_FAILED, "what stands as the position's tally is none: ", tally.at);
}

static void read_waiting(struct load_call *call, const redisReply *reply)
{
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        unsigned long long count = strtoull(text_of(reply->element[i + 1]).at, NULL, 10);
        if (count)
            *map_put(&call->state.waiting, text_of(reply->element[i])) = count;
    }
}

static void on_waiting(void *arg, const redisReply *reply)
{
    struct load_call *call = arg;
    if (is_answer(call, reply, 0))
        read_waiting(call, reply);
    if (call->status == STORE_OK)
        call->done(call->arg, STORE_OK, &call->state, NULL);
    else
        call->done(call->arg, call->status, NULL, &call->error);
    task_state_release(&call->state);
    free(call);
}

static void add_fields(struct buf *resp, struct buf *text, const char *partition,
                       const char *const suffixes[3])
{
    for (size_t i = 0; i < 3; i++) {
        buf_clear(text);
        buf_printf(text, "%s%s", partition, suffixes[i]);
        resp_arg(resp, buf_str(text));
    }
}

/* The position is read first: should a commit come in between, the position is the older of the
 * two, and the next commit conflicts. */
static void redis_load(struct store *store, const char *view, const char *partition,
                       store_load_fn *done, void *arg)
{
    struct redis_store *redis = of(store);
    struct load_call *call = must_calloc(1, sizeof(*call));
    call->redis = redis;
    call->done = done;
    call->arg = arg;

    struct buf resp = {0}, text = {0};
    static const char *const first[] = {"", "/time", "/tally"}, *const last[] = {
                                                                    "/begins", "/record", "/moved"};
    resp_begin(&resp, 9);
    resp_arg(&resp, STR("HMGET"));
    store_key(&text, "cursor", view, NULL);
    resp_arg(&resp, buf_str(&text));
    add_fields(&resp, &text, partition, first);
    resp_arg(&resp, STR("epoch"));
    add_fields(&resp, &text, partition, last);
    redis_client_send(redis->client, buf_str(&resp), on_position, call);

    buf_clear(&resp);
    buf_clear(&text);
    store_key(&text, "waiting", view, partition);
    resp_begin(&resp, 2);
    resp_arg(&resp, STR("HGETALL"));
    resp_arg(&resp, buf_str(&text));
    redis_client_send(redis->client, buf_str(&resp), on_waiting, call);
    buf_release(&resp);
    buf_release(&text);
}

/* --------------------------------------------------------------------------- set aside, definition
 */

/* Three replies: the position, and the offsets that are parked and dropped. */
struct aside_call {
    struct load_call base;
    struct set_aside aside;
    store_aside_fn *done;
};

static void on_aside_position(void *arg, const redisReply *reply)
{
    struct aside_call *call = arg;
    struct position position = {0};
    if (!is_answer(&call->base, reply, 1))
        return;
    if (!position_read(text_of(reply->element[0]), &position))
        load_fail(&call->base, STORE_FAILED, "what stands as the position is none", "");
    call->aside.has_offset = position.epoch[0];
    call->aside.offset = position.offset;
}

static int by_offset(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void read_offsets(const redisReply *reply, uint64_t **offsets, size_t *count)
{
    *count = reply->elements;
    *offsets = must_alloc((reply->elements + 1) * sizeof(**offsets));
    for (size_t i = 0; i < reply->elements; i++)
        (*offsets)[i] = strtoull(text_of(reply->element[i]).at, NULL, 10);
    qsort(*offsets, *count, sizeof(**offsets), by_offset);
}

static void on_parked(void *arg, const redisReply *reply)
{
    struct aside_call *call = arg;
    if (is_answer(&call->base, reply, 0))
        read_offsets(reply, &call->aside.parked, &call->aside.parked_count);
}

static void on_dropped(void *arg, const redisReply *reply)
{
    struct aside_call *call = arg;
    if (is_answer(&call->base, reply, 0))
        read_offsets(reply, &call->aside.dropped, &call->aside.dropped_count);
    if (call->base.status == STORE_OK)
        call->done(call->base.arg, STORE_OK, &call->aside, NULL);
    else
        call->done(call->base.arg, call->base.status, NULL, &call->base.error);
    set_aside_release(&call->aside);
    free(call);
}

/* The position is read first: what is parked or dropped up to it is in the answers that follow. */
static void redis_aside(struct store *store, const char *view, const char *partition,
                        store_aside_fn *done, void *arg)
{
    struct redis_store *redis = of(store);
    struct aside_call *call = must_calloc(1, sizeof(*call));
    call->base = (struct load_call){.redis = redis, .arg = arg};
    call->done = done;
    static const struct {
        const char *command, *what;
        redis_reply_fn *done;
    } asks[] = {{"HMGET", "cursor", on_aside_position},
                {"HKEYS", "parked", on_parked},
                {"HKEYS", "dropped", on_dropped}};
    struct buf resp = {0}, key = {0};
    for (size_t i = 0; i < 3; i++) {
        bool cursor = i == 0;
        buf_clear(&resp);
        buf_clear(&key);
        store_key(&key, asks[i].what, view, cursor ? NULL : partition);
        resp_begin(&resp, cursor ? 3 : 2);
        resp_arg(&resp, str_of(asks[i].command));
        resp_arg(&resp, buf_str(&key));
        if (cursor)
            resp_arg(&resp, str_of(partition));
        redis_client_send(redis->client, buf_str(&resp), asks[i].done, call);
    }
    buf_release(&resp);
    buf_release(&key);
}

struct definition_call {
    struct load_call base;
    redis_definition_fn *done;
};

static void on_definition(void *arg, const redisReply *reply)
{
    struct definition_call *call = arg;
    if (is_answer(&call->base, reply, 2))
        call->done(call->base.arg, STORE_OK, text_of(reply->element[0]), text_of(reply->element[1]),
                   NULL);
    else
        call->done(call->base.arg, call->base.status, STR(""), STR(""), &call->base.error);
    free(call);
}

void redis_store_definition(struct redis_store *redis, const char *view, redis_definition_fn *done,
                            void *arg)
{
    struct definition_call *call = must_calloc(1, sizeof(*call));
    call->base = (struct load_call){.redis = redis, .arg = arg};
    call->done = done;
    struct buf resp = {0}, key = {0};
    store_key(&key, "cursor", view, NULL);
    resp_begin(&resp, 4);
    resp_arg(&resp, STR("HMGET"));
    resp_arg(&resp, buf_str(&key));
    resp_arg(&resp, STR("epoch"));
    resp_arg(&resp, STR("definition"));
    redis_client_send(redis->client, buf_str(&resp), on_definition, call);
    buf_release(&resp);
    buf_release(&key);
}

/* -------------------------------------------------------------------------------------------- read
 */

/* A read under way; the keys of the names are in `arena`. */
struct read_call {
    struct redis_store *redis;
    store_read_fn *done;
    void *arg;
    struct row_name *names;
    size_t count;
    struct arena arena;
};

static void read_fail(struct read_call *call, bool answered, const struct error *why)
{
    struct error error;
    bool lost = !answered || redis_store_distrust(call->redis, why->text);
    char *where = uri_safe(redis_client_uri(call->redis->client), "redis");
    error_set(&error, answered ? why->kind : ERROR_UNAVAILABLE, "%s: %s", where,
              answered ? why->text : "no connection, or it was lost before the answer");
    free(where);
    call->done(call->arg, lost ? STORE_UNKNOWN : STORE_FAILED, NULL, NULL, &error);
}

static void on_read(void *arg, const redisReply *reply)
{
    struct read_call *call = arg;
    struct row *rows = must_calloc(call->count + 1, sizeof *rows);
    struct buf texts = {0};
    struct position at = {0};
    struct error error;
    if (reply && read_reply_rows(reply, call->names, call->count, rows, &texts, &at, &error))
        call->done(call->arg, STORE_OK, rows, &at, NULL);
    else
        read_fail(call, reply != NULL, &error);
    buf_release(&texts);
    free(rows);
    arena_release(&call->arena);
    free(call);
}

static void redis_read(struct store *store, const struct row_request *request, store_read_fn *done,
                       void *arg)
{
    struct redis_store *redis = of(store);
    struct read_call *call = must_calloc(1, sizeof *call);
    *call = (struct read_call){.redis = redis, .done = done, .arg = arg, .count = request->count};
    call->names = arena_alloc(&call->arena, (request->count + 1) * sizeof *call->names);
    for (size_t i = 0; i < request->count; i++)
        call->names[i] = (struct row_name){request->rows[i].structure,
                                           arena_copy(&call->arena, request->rows[i].key)};
    struct buf resp = {0};
    read_request_build(&resp, request, redis->sha[SCRIPT_READ]);
    redis_client_send(redis->client, buf_str(&resp), on_read, call);
    buf_release(&resp);
}

/* --------------------------------------------------------------------------------------------------
 */

static void redis_free(struct store *store)
{
    struct redis_store *redis = of(store);
    redis_client_free(redis->client);
    commit_request_release(&redis->request);
    free(redis);
}

struct redis_store *redis_store_new(struct event_base *base, const struct uri *uri,
                                    const struct redis_store_hooks *hooks, void *arg)
{
    static const struct store_ops ops = {.load = redis_load,
                                         .commit = redis_commit,
                                         .read = redis_read,
                                         .free = redis_free,
                                         .aside = redis_aside};
    static const struct redis_client_hooks client_hooks = {on_connected, on_down};
    struct redis_store *redis = must_calloc(1, sizeof(*redis));
    redis->store.ops = &ops;
    redis->hooks = *hooks;
    redis->arg = arg;
    redis->client = redis_client_new(base, uri, &client_hooks, redis);
    return redis;
}

struct store *redis_store_as_store(struct redis_store *redis)
{
    return &redis->store;
}

bool redis_store_is_up(const struct redis_store *redis)
{
    return redis_client_is_ready(redis->client);
}

struct redis_client *redis_store_client(struct redis_store *redis)
{
    return redis->client;
}

const char *redis_store_sha(const struct redis_store *redis, enum redis_script script)
{
    return redis->sha[script];
}
