/*
 * task_load.c: where a task stands, as the store knows it, and what the view beside which it is
 * built has set aside.
 */
#include "worker/feed.h"
#include "worker/task_parts.h"

bool task_wants_load(const struct task *task, int64_t now_ms)
{
    if (task->loading || task->loaded || task_awaits(task))
        return false;
    return task->status == TASK_CONNECTING ||
           ((task->status == TASK_BACKOFF || task->refolds) && now_ms >= task->retry_at);
}

bool task_wants_feed(const struct task *task)
{
    return task->loaded && !task->feed &&
           (task->status == TASK_CONNECTING || task->status == TASK_BACKOFF);
}

/* The position is known: go on in the feed that is attached, if it still holds what comes next. */
static void task_loaded(struct task *task, struct task_state *state)
{
    const char *stored = state->position.epoch[0] ? state->position.epoch : state->epoch;
    if (*stored && strcmp(stored, task->epoch) != 0) {
        task_end(task, "another definition is in force");
        return;
    }
    if (task->status == TASK_BACKOFF && task_rests_on(task, &state->position))
        return;
    batcher_reset(&task->batcher, state);
    task->committed = task->batcher.position;
    task->begins = state->begins;
    task->record = state->record;
    task->passed = 0;
    moved_release(&task->moved);
    task->moved = state->moved;
    state->moved = (struct moved){0};
    if (task->committed.epoch[0] && task->committed.offset >= task->limit)
        task->has_limit = false;
    task->verified = !task->committed.epoch[0];
    task->loaded = true;
    batcher_open(&task->batcher, &task->batch);
    task->refolds = false;
    struct feed *feed = task->feed;
    if (feed) {
        feed_leave(feed, task);
        task->feed = NULL;
        if (!feed_join(feed, task) && task->status == TASK_STREAMING)
            task_enter(task, TASK_BACKOFF, "reading the log again from its position");
    }
    host_wake(task->host);
}

static bool waits_for_position(const struct task *task)
{
    return task->status == TASK_CONNECTING || task->status == TASK_BACKOFF || task->refolds;
}

static void load_failed(struct task *task, enum store_status status, const struct error *error)
{
    if (status == STORE_FAILED)
        task_fail(task, trouble_of_redis(error->text), error->text);
    else
        task_fail(task, TROUBLE_REDIS, "no connection to Redis");
}

static void on_load(void *arg, enum store_status status, struct task_state *state,
                    const struct error *error)
{
    struct task *task = arg;
    task->loading = false;
    host_wake(task->host);
    if (!waits_for_position(task))
        return;
    if (status == STORE_OK)
        task_loaded(task, state);
    else
        load_failed(task, status, error);
}

static void load_position(struct task *task)
{
    store_load(task->host->store, task->role->name, task->partition, on_load, task);
}

static void on_aside(void *arg, enum store_status status, struct set_aside *aside,
                     const struct error *error)
{
    struct task *task = arg;
    if (status == STORE_OK) {
        struct set_aside old = task->aside;
        task->aside = *aside;
        *aside = old;
        task->batcher.aside = &task->aside;
        task->wants_aside = false;
        load_position(task);
        return;
    }
    task->loading = false;
    host_wake(task->host);
    if (waits_for_position(task))
        load_failed(task, status, error);
}

void task_load(struct task *task)
{
    task->loading = true;
    task->stale = false;
    if (task->wants_aside)
        store_aside(task->host->store, task->role->aside_of, task->partition, on_aside, task);
    else
        load_position(task);
}
