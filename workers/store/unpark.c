/*
 * unpark.c: a step of a retry or a drop → EVALSHA of unpark.lua, whose head describes the
 * arguments.
 */
#include <fanfold/parked.h>

#include "base/error.h"
#include "store/commit_request.h"
#include "store/msgpack.h"
#include "store/redis_store_private.h"
#include <stdlib.h>

#define FIXED_KEYS 5
#define FIXED_ARGS 6

uint32_t unpark_add(struct unpark *unpark, enum unpark_what what, const struct parked_event *event)
{
    if (unpark->count == unpark->cap) {
        unpark->cap = unpark->cap ? unpark->cap * 2 : 64;
        unpark->entries = must_realloc(unpark->entries, unpark->cap * sizeof *unpark->entries);
    }
    struct str key = event->key;
    if (str_is(key))
        key = arena_copy(&unpark->changes.arena, key);
    unpark->entries[unpark->count] =
        (struct unpark_entry){.offset = event->offset, .what = what, .key = key};
    return (uint32_t)unpark->count++;
}

void unpark_clear(struct unpark *unpark)
{
    changes_clear(&unpark->changes);
    unpark->count = 0;
}

void unpark_release(struct unpark *unpark)
{
    changes_release(&unpark->changes);
    free(unpark->entries);
    *unpark = (struct unpark){0};
}

static void pack_entries(struct commit_request *request, const struct unpark *unpark)
{
    struct buf *out = &request->parked;
    buf_clear(out);
    size_t array = msgpack_array(out);
    for (size_t i = 0; i < unpark->count; i++) {
        const struct unpark_entry *entry = &unpark->entries[i];
        buf_clear(&request->text);
        buf_add_u64(&request->text, entry->offset);
        msgpack_str(out, buf_str(&request->text));
        msgpack_uint(out, entry->what);
        commit_request_text(out, entry->key);
        commit_request_text(out, entry->record);
        commit_request_text(out, entry->payload);
    }
    msgpack_array_end(out, array, (uint32_t)(unpark->count * 5));
}

/* Sets request->resp; the result is that of commit_request_build. */
static struct wire_change *build(struct commit_request *request, const struct unpark *unpark,
                                 const char *sha)
{
    static const char *const keys[] = {"parked", "parked-payload", "waiting", "dropped"};
    struct wire_change *order = commit_request_changes(request, &unpark->changes);
    pack_entries(request, unpark);
    struct buf *out = &request->resp;
    buf_clear(out);
    size_t keys_count = FIXED_KEYS + commit_request_key_count(request);
    resp_begin(out, 3 + keys_count + FIXED_ARGS);
    resp_arg(out, STR("EVALSHA"));
    resp_arg(out, str_of(sha));
    resp_arg_u64(out, keys_count);
    commit_request_key(request, "cursor", unpark->view, NULL);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        commit_request_key(request, keys[i], unpark->view, unpark->partition);
    commit_request_row_keys(request, STR(""), unpark->view);
    resp_arg(out, str_of(unpark->partition));
    resp_arg(out, str_of(unpark->epoch));
    resp_arg(out, unpark->reorders ? STR("1") : STR(""));
    resp_arg(out, unpark->trial ? STR("1") : STR(""));
    resp_arg(out, buf_str(&request->changes));
    resp_arg(out, buf_str(&request->parked));
    return order;
}

/* An unpark under way. */
struct unpark_call {
    struct redis_store *redis;
    store_commit_fn *done;
    void *arg;
    struct wire_change *order;
    size_t count;
};

static void on_answer(void *arg, const redisReply *reply)
{
    struct unpark_call *call = arg;
    struct commit_result result = {0};
    commit_reply_read(reply, call->order, call->count, &result);
    if (result.outcome == COMMIT_UNKNOWN || result.outcome == COMMIT_FAILED)
        redis_store_distrust(call->redis, result.reason);
    call->done(call->arg, &result);
    free(call->order);
    free(call);
}

void redis_store_unpark(struct redis_store *redis, const struct unpark *unpark,
                        store_commit_fn *done, void *arg)
{
    struct unpark_call *call = must_alloc(sizeof *call);
    struct commit_request request = {0};
    *call = (struct unpark_call){.redis = redis, .done = done, .arg = arg};
    call->count = unpark->changes.count;
    call->order = build(&request, unpark, redis_store_sha(redis, SCRIPT_UNPARK));
    redis_client_send(redis_store_client(redis), buf_str(&request.resp), on_answer, call);
    commit_request_release(&request);
}
