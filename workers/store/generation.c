/*
 * generation.c: what stands in fanfold:rebuilds, and the worker's part in switches.
 */
#include <fanfold/generation.h>

#include "base/error.h"
#include "store/commit_request.h"
#include "store/redis_store_private.h"
#include <stdio.h>
#include <stdlib.h>

char *generation_prefix(uint64_t generation)
{
    char text[64];
    snprintf(text, sizeof text, "fanfold:g:%llu:", (unsigned long long)generation);
    return must_strdup(text);
}

char *generation_name(const char *view, uint64_t generation)
{
    struct buf name = {0};
    buf_printf(&name, "%s@%llu", view, (unsigned long long)generation);
    char *copy = must_strdup(buf_text(&name));
    buf_release(&name);
    return copy;
}

/* --- JSON ------------------------------------------------------------------------------ */

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(member(object, name));
    return text ? text : "";
}

static char **read_list(const cJSON *list, size_t *count)
{
    const cJSON *item;
    size_t room = cJSON_IsArray(list) ? (size_t)cJSON_GetArraySize(list) : 0;
    char **texts = must_calloc(room + 1, sizeof *texts);
    *count = 0;
    cJSON_ArrayForEach(item, list)
    {
        if (cJSON_IsString(item))
            texts[(*count)++] = must_strdup(item->valuestring);
    }
    return texts;
}

static bool read_state(const char *text, enum build_state *state)
{
    static const char *const names[] = {"building", "switching", "ending"};
    for (size_t i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            *state = (enum build_state)i;
            return true;
        }
    return false;
}

bool build_read(const char *text, struct build *build)
{
    cJSON *root = cJSON_Parse(text);
    *build = (struct build){.generation = strtoull(text_of(root, "generation"), NULL, 10),
                            .verify = cJSON_IsTrue(member(root, "verify")),
                            .strict = cJSON_IsTrue(member(root, "strict")),
                            .follows = cJSON_IsTrue(member(root, "follows")),
                            .aside = cJSON_IsTrue(member(root, "aside"))};
    bool good = build->generation && read_state(text_of(root, "state"), &build->state);
    if (cJSON_IsNumber(member(root, "tries")))
        build->tries = (uint64_t)cJSON_GetNumberValue(member(root, "tries"));
    if (cJSON_IsNumber(member(root, "started")))
        build->started_ms = (int64_t)cJSON_GetNumberValue(member(root, "started"));
    snprintf(build->digest, sizeof build->digest, "%s", text_of(root, "digest"));
    build->partitions = read_list(member(root, "partitions"), &build->partition_count);
    build->old_partitions = read_list(member(root, "old_partitions"), &build->old_partition_count);
    build->rows = read_list(member(root, "rows"), &build->row_count);
    build->old_rows = read_list(member(root, "old_rows"), &build->old_row_count);
    cJSON_Delete(root);
    if (!good)
        build_release(build);
    return good;
}

static void free_list(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

void build_release(struct build *build)
{
    free_list(build->partitions, build->partition_count);
    free_list(build->old_partitions, build->old_partition_count);
    free_list(build->rows, build->row_count);
    free_list(build->old_rows, build->old_row_count);
    *build = (struct build){0};
}

bool generation_rests(const struct generation_position *a, const struct generation_position *b,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!position_eq(&a[i].live_at, &b[i].live_at) ||
            !position_eq(&a[i].build_at, &b[i].build_at))
            return false;
    return true;
}

void row_keys_release(struct row_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        free((char *)keys->at[i].at);
    free(keys->at);
    *keys = (struct row_keys){0};
}

/* --- a worker's steps ------------------------------------------------------------------ */

struct step_call {
    struct redis_store *redis;
    char *view;
    generation_done_fn *done;
    void *arg;
};

static void on_step(void *arg, const redisReply *reply);

static void send_step(struct step_call *call)
{
    struct buf out = {0}, key = {0};
    resp_begin(&out, 9);
    resp_arg(&out, STR("EVALSHA"));
    resp_arg(&out, str_of(redis_store_sha(call->redis, SCRIPT_GENERATION)));
    resp_arg_u64(&out, 4);
    store_key(&key, "cursor", call->view, NULL);
    resp_arg(&out, buf_str(&key));
    resp_arg(&out, STR("fanfold:rebuilds"));
    resp_arg(&out, STR("fanfold:generations"));
    resp_arg(&out, STR("fanfold:kept"));
    resp_arg(&out, STR("step"));
    resp_arg(&out, str_of(call->view));
    redis_client_send(redis_store_client(call->redis), buf_str(&out), on_step, call);
    buf_release(&out);
    buf_release(&key);
}

static void end_call(struct step_call *call, const char *why)
{
    call->done(call->arg, why);
    free(call->view);
    free(call);
}

static void on_step(void *arg, const redisReply *reply)
{
    struct step_call *call = arg;
    if (reply && reply->type == REDIS_REPLY_ERROR)
        redis_store_distrust(call->redis, reply->str);
    bool good = reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                reply->element[1]->type == REDIS_REPLY_STRING;
    if (good && strcmp(reply->element[1]->str, "more") == 0)
        send_step(call);
    else if (good)
        end_call(call, NULL);
    else if (!reply)
        end_call(call, "the connection was lost");
    else
        end_call(call, reply->type == REDIS_REPLY_ERROR ? reply->str : "an answer of another kind");
}

void generation_finish(struct redis_store *redis, const char *view, generation_done_fn *done,
                       void *arg)
{
    struct step_call *call = must_calloc(1, sizeof *call);
    *call = (struct step_call){redis, must_strdup(view), done, arg};
    send_step(call);
}
