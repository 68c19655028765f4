/*
 * task_hold.c: a task that is held, or that would overtake the view it is built beside, folds up to
 * an offset, and tries to go on from time to time.
 */
#include "base/clock.h"
#include "worker/task_parts.h"

/* A task that is held tries again after so long. */
#define HELD_MS 200
/* After so long it leaves its feed, whose other tasks it would hold up, and looks once in REST_MS
 * whether the view that it follows has moved. */
#define PATIENCE_MS 10000
#define REST_MS     1000

static void note_held(struct task *task)
{
    if (!task->held_since)
        task->held_since = clock_monotonic_ms();
}

static void rest(struct task *task)
{
    task_detach(task);
    task_clear_pipeline(task);
    task->wants_aside = task->role->aside_of;
    task->retry_at = clock_monotonic_ms() + REST_MS;
    task_enter(task, TASK_BACKOFF, "held: by a comparison, or until the view it follows goes on");
}

bool task_rests_on(struct task *task, const struct position *position)
{
    const struct set_aside *aside = &task->aside;
    bool level = task->held_since && task->role->leader && position->epoch[0] &&
                 aside->has_offset && position->offset >= aside->offset;
    if (!level)
        return false;
    task->wants_aside = true;
    task->retry_at = clock_monotonic_ms() + REST_MS;
    return true;
}

/* Nothing after the limit is taken until task_lift. */
void task_hold(struct task *task)
{
    task->held = true;
    note_held(task);
    task->retry_at = clock_monotonic_ms() + HELD_MS;
}

void task_lift(struct task *task, int64_t now_ms)
{
    bool waits = task->held || task->refolds;
    if (waits && task->held_since && now_ms - task->held_since > PATIENCE_MS &&
        task->status == TASK_STREAMING && !task_awaits(task) && !task->loading) {
        rest(task);
        return;
    }
    if (!task->held || now_ms < task->retry_at || !task_is_quiet(task))
        return;
    task->held = task->has_limit = false;
    task->refolds = task->wants_aside;
}

/* The batch came too early: up to the limit one may go on at once, beyond it one waits. */
void task_frozen(struct task *task, const struct commit_result *result)
{
    uint64_t stands = task->committed.epoch[0] ? task->committed.offset : 0;
    bool room = result->has_limit && (result->limit > stands || !task->committed.epoch[0]);
    task_clear_pipeline(task);
    if (!room)
        note_held(task);
    task->has_limit = room;
    task->limit = result->limit;
    task->refolds = true;
    task->retry_at = room ? 0 : clock_monotonic_ms() + HELD_MS;
    host_wake(task->host);
}

/* An event fails that the view has not come to yet, so it cannot say whether it sets it aside: what
 * lies before is committed, then one waits. */
bool task_may_be_set_aside(struct task *task, uint64_t offset)
{
    if (!task->role->strict || !task->role->leader ||
        (task->aside.has_offset && offset <= task->aside.offset))
        return false;
    task->wants_aside = true;
    task_hold(task);
    return true;
}
