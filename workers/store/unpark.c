/*
 * unpark.c: a step of a retry or a drop → EVALSHA of unpark.lua, whose head describes the
 * arguments.
 */
#include <fanfold/parked.h>

#include "base/error.h"
#include "base/json.h"
#include "store/commit_request.h"
#include "store/msgpack.h"
#include "store/redis_store_private.h"
#include <stdlib.h>

#define FIXED_KEYS 5
#define FIXED_ARGS 7

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

void unpark_add_read(struct unpark *unpark, const struct row_name *name, const struct row *row)
{
    struct arena *arena = &unpark->changes.arena;
    if (row->state != ROW_THERE && row->state != ROW_ABSENT)
        return;
    if (unpark->read_count == unpark->read_cap) {
        unpark->read_cap = unpark->read_cap ? unpark->read_cap * 2 : 16;
        unpark->reads = must_realloc(unpark->reads, unpark->read_cap * sizeof *unpark->reads);
    }
    struct unpark_read *read = &unpark->reads[unpark->read_count++];
    *read = (struct unpark_read){.name = {name->structure, arena_copy(arena, name->key)}};
    if (row->state == ROW_THERE)
        read->text = arena_copy(arena, row->text);
}

void unpark_clear(struct unpark *unpark)
{
    changes_clear(&unpark->changes);
    unpark->count = unpark->read_count = 0;
}

void unpark_release(struct unpark *unpark)
{
    changes_release(&unpark->changes);
    free(unpark->entries);
    free(unpark->reads);
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

/* What the row holds, as Redis has it; returns how many texts. */
static uint32_t pack_row(struct buf *out, const struct unpark_read *read)
{
    struct arena arena = {0};
    struct error error;
    bool is_text =
        read->name.structure == STRUCTURE_COUNTER || read->name.structure == STRUCTURE_JSON;
    const struct json *row = is_text ? NULL : json_parse(&arena, read->text, &error);
    uint32_t count = is_text ? 1 : 0;
    for (const struct json *item = row ? row->child : NULL; item; item = item->next)
        count += row->kind == JSON_OBJECT ? 2 : 1;
    msgpack_uint(out, count);
    if (is_text)
        msgpack_str(out, read->text);
    for (const struct json *item = row ? row->child : NULL; item; item = item->next) {
        if (row->kind == JSON_OBJECT)
            msgpack_str(out, item->name);
        msgpack_str(out, item->text);
    }
    arena_release(&arena);
    return count;
}

static void pack_reads(struct commit_request *request, const struct unpark *unpark)
{
    struct buf *out = &request->reads;
    buf_clear(out);
    size_t array = msgpack_array(out);
    uint32_t count = 1;
    msgpack_uint(out, (uint32_t)unpark->read_count);
    for (size_t i = 0; i < unpark->read_count; i++, count += 2) {
        const struct unpark_read *read = &unpark->reads[i];
        msgpack_uint(out, read->name.structure);
        if (str_is(read->text))
            count += pack_row(out, read);
        else
            msgpack_uint(out, 0);
    }
    msgpack_array_end(out, array, count);
}

/* Sets request->resp; the result is that of commit_request_build. */
static struct wire_change *build(struct commit_request *request, const struct unpark *unpark,
                                 const char *sha)
{
    static const char *const keys[] = {"parked", "parked-payload", "waiting", "dropped"};
    struct wire_change *order = commit_request_changes(request, &unpark->changes);
    pack_entries(request, unpark);
    pack_reads(request, unpark);
    struct buf *out = &request->resp;
    buf_clear(out);
    size_t keys_count = FIXED_KEYS + commit_request_key_count(request) + unpark->read_count;
    resp_begin(out, 3 + keys_count + FIXED_ARGS);
    resp_arg(out, STR("EVALSHA"));
    resp_arg(out, str_of(sha));
    resp_arg_u64(out, keys_count);
    commit_request_key(request, "cursor", unpark->view, NULL);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        commit_request_key(request, keys[i], unpark->view, unpark->partition);
    commit_request_row_keys(request, STR(""));
    for (size_t i = 0; i < unpark->read_count; i++)
        commit_request_row_key(out, STR(""), unpark->reads[i].name.key);
    commit_request_stamps_key(request, unpark->view);
    resp_arg(out, str_of(unpark->partition));
    resp_arg(out, str_of(unpark->epoch));
    resp_arg_u64(out, unpark->reordered);
    resp_arg(out, unpark->trial ? STR("1") : STR(""));
    resp_arg(out, buf_str(&request->changes));
    resp_arg(out, buf_str(&request->parked));
    resp_arg(out, buf_str(&request->reads));
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
