/*
 * feeds.c: which tasks share which read of a partition: opens feeds for tasks that have none,
 * merges feeds whose tasks have come close, closes those that are over.
 */
#include "worker/process.h"
#include <stdlib.h>

void feeds_close(struct process *process)
{
    size_t kept = 0;
    for (size_t i = 0; i < process->feed_count; i++) {
        if (feed_is_over(process->feeds[i]))
            feed_close(process->feeds[i]);
        else
            process->feeds[kept++] = process->feeds[i];
    }
    process->feed_count = kept;
}

static bool same_log(const struct task *a, const struct task *b)
{
    return strcmp(a->partition, b->partition) == 0 && log_digest(a->log) == log_digest(b->log);
}

static bool join_any(struct process *process, struct task *task)
{
    for (size_t i = 0; i < process->feed_count; i++)
        if (feed_join(process->feeds[i], task))
            return true;
    return false;
}

/* All tasks that could share a feed with `first`: same partition, cursors close. */
static size_t gather(const struct process *process, const struct task *first, struct task **group)
{
    size_t count = 0;
    for (size_t i = 0; i < process->task_count; i++) {
        struct task *task = process->tasks[i];
        uint64_t a = task_start(task), b = task_start(first);
        if (task_wants_feed(task) && same_log(task, first) &&
            (a > b ? a - b : b - a) <= FEED_SHARE_MAX)
            group[count++] = task;
    }
    return count;
}

/* Opens one feed for `first` and its like; false when the broker cannot be reached. */
static bool open_feed(struct process *process, struct task *first, struct error *error)
{
    struct task **group = must_alloc(process->task_count * sizeof *group);
    size_t count = gather(process, first, group);
    struct feed *feed = feed_open(&process->host, group, count, error);
    if (feed) {
        process->feeds =
            must_realloc(process->feeds, (process->feed_count + 1) * sizeof *process->feeds);
        process->feeds[process->feed_count++] = feed;
    } else if (error->kind) {
        for (size_t i = 0; i < count; i++)
            if (task_wants_feed(group[i]))
                task_lost_feed(group[i], error);
    }
    free(group);
    return feed || error->kind != ERROR_UNAVAILABLE;
}

static bool is_loading(const struct process *process, const char *partition)
{
    for (size_t i = 0; i < process->task_count; i++)
        if (process->tasks[i]->loading && strcmp(process->tasks[i]->partition, partition) == 0)
            return true;
    return false;
}

void feeds_attach(struct process *process)
{
    for (size_t i = 0; i < process->task_count; i++) {
        struct task *task = process->tasks[i];
        if (!task_wants_feed(task) || is_loading(process, task->partition) ||
            join_any(process, task))
            continue;
        struct error error;
        if (!open_feed(process, task, &error)) {
            for (size_t j = 0; j < process->task_count; j++)
                if (task_wants_feed(process->tasks[j]))
                    task_lost_feed(process->tasks[j], &error);
        }
        host_wake(&process->host);
        return;
    }
}

void feeds_merge(struct process *process)
{
    for (size_t i = 0; i < process->task_count; i++) {
        struct task *task = process->tasks[i];
        if (!task->feed || !task_is_quiet(task) || !task->committed.epoch[0])
            continue;
        for (size_t f = 0; f < process->feed_count; f++) {
            struct feed *feed = process->feeds[f], *old = task->feed;
            if (feed == old)
                break; /* older feeds come first: it moves to those only */
            if (feed_has_reached(feed, task->committed.offset) && feed_join(feed, task)) {
                feed_leave(old, task);
                break;
            }
        }
    }
}
