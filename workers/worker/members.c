/*
 * members.c: this process as a member of the pool (pool.h).
 */
#include "base/clock.h"
#include "base/log.h"
#include "worker/process.h"
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

static void take_answer(struct process *process, struct task *task, const struct pool_task *answer)
{
    bool idle = task_is_idle(task);
    if (answer->answer == POOL_EPOCH) {
        served_other_epoch(task->served, answer->found);
        if (!idle)
            task_end(task, "another definition is in force");
        return;
    }
    if (answer->answer == POOL_HELD) {
        if (!idle || answer->held)
            return; /* asked while it ran and idle by now: its lease is being given back */
        if (process->draining || task->removed)
            members_release_lease(process, task);
        else
            task_begin(task);
    } else if (!idle) {
        task_end(task, answer->answer == POOL_OTHER ? "another worker holds its lease"
                                                    : "its lease ran out");
    }
}

static void on_tick(void *arg, struct pool_task *tasks, size_t count, size_t give_up,
                    const struct pool_build *builds, size_t build_count)
{
    (void)give_up; /* the tasks themselves are marked */
    struct process *process = arg;
    process->ticking = false;
    for (size_t i = 0; tasks && i < count; i++) {
        struct task *task = process->asked_tasks[i];
        take_answer(process, task, &tasks[i]);
        if (tasks[i].give_up)
            task_end(task, "another worker takes its share");
    }
    if (tasks)
        builds_update(process, builds, build_count);
    host_wake(&process->host);
}

static void ask(struct process *process)
{
    size_t room = process->task_count ? process->task_count : 1;
    process->asked = must_realloc(process->asked, room * sizeof *process->asked);
    process->asked_tasks = must_realloc(process->asked_tasks, room * sizeof *process->asked_tasks);
    process->asked_count = 0;
    for (size_t i = 0; i < process->task_count; i++) {
        struct task *task = process->tasks[i];
        if (task->removed || task->served->found[0])
            continue; /* its definition is being looked for */
        process->asked_tasks[process->asked_count] = task;
        process->asked[process->asked_count++] =
            (struct pool_task){.view = task->role->name,
                               .partition = task->partition,
                               .epoch = task->epoch,
                               .held = !task_is_idle(task),
                               .wanted = !process->draining && task->status != TASK_DRAINING};
    }
}

void members_tick(struct process *process)
{
    if (process->ticking || process->leaving || !redis_store_is_up(process->redis))
        return;
    int64_t now = clock_monotonic_ms();
    char *report = report_write(process, (double)(now - process->ticked_at) / 1000);
    process->ticked_at = now;
    process->host.tick_wanted = false;
    process->ticking = true;
    ask(process);
    const struct worker_options *options = process->options;
    pool_tick(process->redis, process->name, options->view_count ? options->views : NULL,
              options->view_count, report, process->asked, process->asked_count, on_tick, process);
    redis_store_look(process->redis);
    free(report);
}

static void on_left(void *arg, bool ok)
{
    struct process *process = arg;
    (void)ok; /* without an answer the leases run out */
    event_base_loopbreak(process->host.base);
}

void members_leave(struct process *process)
{
    if (process->leaving)
        return;
    process->leaving = true;
    pool_leave(process->redis, process->name, on_left, process);
}

static void on_released(void *arg, bool ok)
{
    (void)ok;
    host_wake(arg);
}

void members_release_lease(struct process *process, const struct task *task)
{
    if (process->leaving)
        return;
    pool_release(process->redis, process->name, task->role->name, task->partition, on_released,
                 &process->host);
}
