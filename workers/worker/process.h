/*
 * process.h: the worker process, in parts (private to worker/):
 *
 *     worker.c   start, signals, timers, the end of each turn
 *     feeds.c    which tasks share which read of a partition
 *     files.c    configuration and view files, and the tasks that follow from them
 *     members.c  the pool: ticks, shares, leaving
 *     report.c   what `fanfold status` shows of this process
 */
#ifndef FANFOLD_WORKER_PROCESS_H
#define FANFOLD_WORKER_PROCESS_H

#include "worker/feed.h"
#include "worker/host.h"
#include "worker/task.h"
#include "worker/views.h"
#include "worker/worker.h"
#include <fanfold/pool.h>

/* One reading of the files. It stays as long as a task of it runs. */
struct files {
    struct config config;
    struct view_set views;
    struct faults faults; /* of view files that were left out */
    size_t tasks;         /* tasks that use it */
    struct files *next;
};

struct process {
    const struct worker_options *options;
    struct host host;
    struct redis_store *redis;
    enum error_kind redis_fault; /* why it is down, as last said; ERROR_NONE: it is up */
    char policy[32];             /* maxmemory-policy, as last told */
    char name[128];
    int64_t started_ms; /* wall clock */

    struct files *files; /* newest first */
    struct task **tasks;
    size_t task_count;
    struct feed **feeds;
    size_t feed_count;

    struct pool_task *asked; /* of the tick that is under way, and whose they are */
    struct task **asked_tasks;
    size_t asked_count;
    bool ticking;
    int64_t ticked_at;  /* monotonic */
    int64_t watched_at; /* monotonic, the service manager's watchdog */

    bool draining, leaving;
    int64_t drain_deadline; /* monotonic */
};

/* feeds.c: parts of the end of a turn */
void feeds_close(struct process *process); /* those that are over */
/* At most one feed is opened a turn: it blocks, and leases must be renewed meanwhile. */
void feeds_attach(struct process *process);
/* Tasks whose cursors have come close share one read again. */
void feeds_merge(struct process *process);

/* files.c */
bool files_load(struct process *process, struct faults *faults);
/* SIGHUP: new views start, removed ones stop, changed ones go on as they were, bad files are
 * refused. */
void files_reload(struct process *process);
/* Frees removed tasks that are idle, and readings that nobody uses. Not while a tick is under way.
 */
void files_collect(struct process *process);
void files_release(struct process *process);

/* members.c */
void members_tick(struct process *process);
void members_leave(struct process *process);
void members_release_lease(struct process *process, const struct task *task);

/* report.c: a JSON object; the caller frees it. */
char *report_write(struct process *process, double seconds);

#endif
