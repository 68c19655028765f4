/*
 * pool.c: asks lease.lua, which decides (pool.h).
 */
#include <fanfold/pool.h>

#include "base/error.h"
#include "store/redis_client.h"
#include "store/redis_store_private.h"
#include <stdio.h>
#include <stdlib.h>

#define WORKERS_KEY "fanfold:workers"
#define LEASES_KEY  "fanfold:leases"
#define BUILDS_KEY  "fanfold:rebuilds"

#define ANSWER_PARTS 3 /* per task: answer, text, give up */

struct pool_call {
    struct redis_store *redis;
    struct pool_task *tasks;
    size_t count;
    pool_tick_fn *ticked;
    pool_done_fn *done;
    void *arg;
};

static struct pool_call *call_new(struct redis_store *redis, void *arg)
{
    struct pool_call *call = must_calloc(1, sizeof *call);
    call->redis = redis;
    call->arg = arg;
    return call;
}

/* EVALSHA lease.lua: `keys` further keys and `args` further arguments are to follow. */
static void call_begin(struct buf *out, struct redis_store *redis, size_t keys, size_t args)
{
    resp_begin(out, 6 + keys + args);
    resp_arg(out, STR("EVALSHA"));
    resp_arg(out, str_of(redis_store_sha(redis, SCRIPT_LEASE)));
    resp_arg_u64(out, 3 + keys);
    resp_arg(out, STR(WORKERS_KEY));
    resp_arg(out, STR(LEASES_KEY));
    resp_arg(out, STR(BUILDS_KEY));
}

static void call_send(struct buf *out, struct pool_call *call, redis_reply_fn *on_reply)
{
    redis_client_send(redis_store_client(call->redis), buf_str(out), on_reply, call);
    buf_release(out);
}

/* False when there was no answer, or an error; a server that cannot serve now is connected anew. */
static bool answered(const struct pool_call *call, const redisReply *reply)
{
    if (reply && reply->type == REDIS_REPLY_ERROR)
        redis_store_distrust(call->redis, reply->str);
    return reply && reply->type != REDIS_REPLY_ERROR;
}

static bool is_answer(const redisReply *const *part)
{
    return part[0]->type == REDIS_REPLY_INTEGER && part[0]->integer >= POOL_HELD &&
           part[0]->integer <= POOL_LOST && part[1]->type == REDIS_REPLY_STRING &&
           part[2]->type == REDIS_REPLY_INTEGER;
}

static void take_answer(struct pool_task *task, const redisReply *const *part)
{
    task->answer = (enum pool_answer)part[0]->integer;
    task->owner[0] = task->found[0] = '\0';
    if (task->answer == POOL_OTHER)
        snprintf(task->owner, sizeof task->owner, "%s", part[1]->str);
    if (task->answer == POOL_EPOCH)
        snprintf(task->found, sizeof task->found, "%s", part[1]->str);
    task->give_up = part[2]->integer == 1;
}

static bool read_answers(struct pool_call *call, const redisReply *reply, size_t *give_up)
{
    if (!answered(call, reply) || reply->type != REDIS_REPLY_ARRAY ||
        reply->elements < call->count * ANSWER_PARTS)
        return false;
    const redisReply *const *parts = (const redisReply *const *)reply->element;
    for (size_t i = 0; i < call->count; i++)
        if (!is_answer(parts + i * ANSWER_PARTS))
            return false;
    *give_up = 0;
    for (size_t i = 0; i < call->count; i++) {
        take_answer(&call->tasks[i], parts + i * ANSWER_PARTS);
        *give_up += call->tasks[i].give_up;
    }
    return true;
}

/* What follows the answers: view, text, view, text, … The caller frees the result. */
static struct pool_build *read_builds(const redisReply *reply, size_t first, size_t *count)
{
    size_t left = reply->elements - first;
    struct pool_build *builds = must_calloc(left / 2 + 1, sizeof *builds);
    *count = 0;
    for (size_t i = first; i + 1 < reply->elements; i += 2)
        if (reply->element[i]->type == REDIS_REPLY_STRING &&
            reply->element[i + 1]->type == REDIS_REPLY_STRING)
            builds[(*count)++] =
                (struct pool_build){reply->element[i]->str, reply->element[i + 1]->str};
    return builds;
}

static void on_tick(void *arg, const redisReply *reply)
{
    struct pool_call *call = arg;
    size_t give_up, count;
    if (read_answers(call, reply, &give_up)) {
        struct pool_build *builds = read_builds(reply, call->count * ANSWER_PARTS, &count);
        call->ticked(call->arg, call->tasks, call->count, give_up, builds, count);
        free(builds);
    } else {
        call->ticked(call->arg, NULL, 0, 0, NULL, 0);
    }
    free(call);
}

/* The end of the worker's entry: ,"views":[…],…report…}. The script writes what comes before. */
static void add_entry(struct buf *out, const char *const *views, size_t count, const char *report)
{
    buf_add(out, STR(",\"views\":["));
    if (!views)
        buf_add(out, STR("\"*\""));
    for (size_t i = 0; views && i < count; i++) {
        if (i)
            buf_add_byte(out, ',');
        buf_add_json_string(out, str_of(views[i]));
    }
    buf_add_byte(out, ']');
    const char *members = report ? strchr(report, '{') : NULL;
    members = members ? members + 1 + strspn(members + 1, " \t\r\n") : "}";
    if (*members != '}')
        buf_add_byte(out, ',');
    buf_add(out, str_of(members));
}

static void add_tasks(struct buf *out, const struct pool_task *tasks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        resp_arg(out, str_of(tasks[i].view));
        resp_arg(out, str_of(tasks[i].partition));
        resp_arg(out, str_of(tasks[i].epoch));
        resp_arg_u64(out, tasks[i].held);
        resp_arg_u64(out, tasks[i].wanted);
    }
}

static void add_cursor_keys(struct buf *out, const struct pool_task *tasks, size_t count)
{
    struct buf key = {0};
    for (size_t i = 0; i < count; i++) {
        buf_clear(&key);
        buf_printf(&key, "fanfold:cursor:%s", tasks[i].view);
        resp_arg(out, buf_str(&key));
    }
    buf_release(&key);
}

void pool_tick(struct redis_store *redis, const char *worker, const char *const *views,
               size_t view_count, const char *report, struct pool_task *tasks, size_t count,
               pool_tick_fn *done, void *arg)
{
    struct pool_call *call = call_new(redis, arg);
    call->tasks = tasks;
    call->count = count;
    call->ticked = done;

    struct buf out = {0}, entry = {0};
    add_entry(&entry, views, view_count, report);
    call_begin(&out, redis, count, 4 + 5 * count);
    add_cursor_keys(&out, tasks, count);
    resp_arg(&out, STR("tick"));
    resp_arg(&out, str_of(worker));
    resp_arg_u64(&out, POOL_LEASE_MS);
    resp_arg(&out, buf_str(&entry));
    add_tasks(&out, tasks, count);
    buf_release(&entry);
    call_send(&out, call, on_tick);
}

static void on_done(void *arg, const redisReply *reply)
{
    struct pool_call *call = arg;
    call->done(call->arg, answered(call, reply));
    free(call);
}

void pool_release(struct redis_store *redis, const char *worker, const char *view,
                  const char *partition, pool_done_fn *done, void *arg)
{
    struct pool_call *call = call_new(redis, arg);
    call->done = done;
    struct buf out = {0};
    call_begin(&out, redis, 0, 4);
    resp_arg(&out, STR("release"));
    resp_arg(&out, str_of(worker));
    resp_arg(&out, str_of(view));
    resp_arg(&out, str_of(partition));
    call_send(&out, call, on_done);
}

void pool_leave(struct redis_store *redis, const char *worker, pool_done_fn *done, void *arg)
{
    struct pool_call *call = call_new(redis, arg);
    call->done = done;
    struct buf out = {0};
    call_begin(&out, redis, 0, 2);
    resp_arg(&out, STR("leave"));
    resp_arg(&out, str_of(worker));
    call_send(&out, call, on_done);
}
