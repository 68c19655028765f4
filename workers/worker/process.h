/*
 * process.h: the worker process, in parts (private to worker/):
 *
 *     worker.c   start, signals, timers, the end of each turn
 *     feeds.c    which tasks share which read of a partition
 *     files.c    configuration and view files: which views are served
 *     served.c   the definition that each of them is folded by, and the tasks that follow from it
 *     builds.c   the generations that are being built beside them
 *     members.c  the pool: ticks, shares, leaving
 *     recorders.c  the children that copy recorded logs to their partitions
 *     report.c   what `fanfold status` shows of this process
 */
#ifndef FANFOLD_WORKER_PROCESS_H
#define FANFOLD_WORKER_PROCESS_H

#include "worker/feed.h"
#include "worker/host.h"
#include "worker/task.h"
#include "worker/views.h"
#include "worker/worker.h"
#include <cjson/cJSON.h>
#include <fanfold/pool.h>

/* A view that this process serves, or a generation that is built beside one. It is folded by the
 * definition that is in force, which stands in Redis; what the files say is folded only while none
 * is. */
struct served {
    struct process *process;
    struct role role;
    char *file;                 /* of the view */
    struct definition *wished;  /* what the files say; NULL: it is a generation in the making */
    struct definition *current; /* what its tasks fold by; NULL: not known yet */
    char epoch[EPOCH_MAX];      /* of `current`, as far as it is known */
    char found[EPOCH_MAX]; /* another one is in force: its definition is to be fetched; "" : none is
                            */
    bool fetching;
    char refused[512]; /* why the definition in force cannot be folded here; "" : it can */
    char refused_epoch[EPOCH_MAX];
    double tries; /* of a generation in the making: how often it was asked for */
    bool gone;    /* not served any more: freed when its tasks are gone */
};

struct recorder_child;

struct process {
    const struct worker_options *options;
    struct host host;
    struct redis_store *redis;
    enum error_kind redis_fault; /* why it is down, as last said; ERROR_NONE: it is up */
    char policy[32];             /* maxmemory-policy, as last told */
    char name[128];
    int64_t started_ms; /* wall clock */

    struct config config; /* as first read: the servers' addresses do not change while it runs */
    struct faults faults; /* of view files that were left out, as last read */
    struct served **served;
    size_t served_count;
    struct task **tasks;
    size_t task_count;
    struct feed **feeds;
    size_t feed_count;
    struct recorder_child *recorders;
    size_t recorder_count;

    struct pool_task *asked; /* of the tick that is under way, and whose they are */
    struct task **asked_tasks;
    size_t asked_count;
    bool ticking;
    bool switching;     /* a step of a switch of generations is under way */
    bool switch_failed; /* the last one was refused, which was said */
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
/* SIGHUP: new views start, removed ones stop, bad files are refused; a changed definition waits
 * until it comes into force (`fanfold adopt`, `fanfold rebuild`). */
void files_reload(struct process *process);

/* served.c */
/* definition is taken over. */
struct served *served_add(struct process *process, const char *name, const char *file,
                          struct definition *wished);
struct served *served_find(const struct process *process, const char *name);
/* The files say something else now; definition is taken over. */
void served_wish(struct served *served, struct definition *wished);
/* Do the files say something else than what is in force? */
bool served_is_changed(const struct served *served);
/* Another epoch than its own is in force. */
void served_other_epoch(struct served *served, const char *found);
void served_end(struct served *served, const char *why);
/* At the end of a turn: fetches definitions that came into force, once the tasks of the former ones
 * have ended; frees what is gone. */
void served_turn(struct process *process);
void served_release(struct process *process);

/* builds.c: the generations in the making, as the pool's tick told. */
void builds_update(struct process *process, const struct pool_build *builds, size_t count);

/* members.c */
void members_tick(struct process *process);
void members_leave(struct process *process);
void members_release_lease(struct process *process, const struct task *task);

/* recorders.c */
/* From now on these logs have a recorder here, and else only those by which a view is folded;
 * direct ones are passed over. They are told apart by log_recorder_queue(). */
void recorders_want(struct process *process, const struct log_config *const *logs, size_t count);
/* Starts what is wanted and does not run, now and then. */
void recorders_turn(struct process *process);
/* Asks all to end. */
void recorders_end(struct process *process);
/* Waits for that, for two seconds at most, and forgets them. */
void recorders_release(struct process *process);
void recorders_report(const struct process *process, cJSON *list);

/* report.c: a JSON object; the caller frees it. */
char *report_write(struct process *process, double seconds);

#endif
