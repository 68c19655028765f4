/*
 * worker.c: the process: start, signals, timers, and the end of each turn of the loop.
 *
 * Callbacks record and call host_wake(); what follows from them (loads, feeds, leases, frees) is
 * done here, in end_of_turn(), so nothing is freed in its own callback.
 */
#include "worker/worker.h"
#include "base/clock.h"
#include "base/log.h"
#include "worker/notify.h"
#include "worker/process.h"
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A second look at what waits for a time: back-offs, the pool's tick, the watchdog. */
#define HOUSEKEEPING_MS 100
#define DRAIN_MS        10000

/* A timer, not event_active(): an activated event runs before the sockets are looked at again. */
void host_wake(struct host *host)
{
    static const struct timeval at_once = {0, 0};
    event_add(host->sweep, &at_once);
}

/* --- turn ------------------------------------------------------------------------------ */

static void settle(struct process *process)
{
    bool all_idle = true;
    for (size_t i = 0; i < process->task_count; i++) {
        struct task *task = process->tasks[i];
        if (task_settle(task))
            members_release_lease(process, task);
        all_idle = all_idle && task_is_idle(task);
    }
    if (!process->draining)
        return;
    bool up = redis_store_is_up(process->redis);
    if (clock_monotonic_ms() >= process->drain_deadline || (all_idle && !up))
        event_base_loopbreak(process->host.base);
    else if (all_idle)
        members_leave(process);
}

static bool may_evict(const struct process *process)
{
    return strcmp(process->policy, "noeviction") != 0;
}

/* While Redis may evict keys, no task may run, whatever woke it. */
static void hold_back(struct process *process)
{
    if (!redis_store_is_up(process->redis) || !may_evict(process))
        return;
    for (size_t i = 0; i < process->task_count; i++) {
        struct task *task = process->tasks[i];
        if (task_runs(task))
            task_stop(task, TROUBLE_POLICY,
                      "maxmemory-policy is %s: an evicted position would fold old events into rows "
                      "once more",
                      process->policy[0] ? process->policy : "not told by INFO");
    }
}

static void load_tasks(struct process *process)
{
    if (!redis_store_is_up(process->redis))
        return;
    int64_t now = clock_monotonic_ms();
    for (size_t i = 0; i < process->task_count; i++) {
        task_lift(process->tasks[i], now);
        if (task_wants_load(process->tasks[i], now))
            task_load(process->tasks[i]);
    }
}

static void end_of_turn(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct process *process = arg;
    feeds_close(process);
    settle(process);
    hold_back(process);
    load_tasks(process);
    feeds_attach(process);
    for (size_t i = 0; i < process->feed_count; i++)
        feed_turn(process->feeds[i]); /* tasks that joined again take what is there */
    served_turn(process);
    if (process->host.tick_wanted)
        members_tick(process);
}

static void housekeeping(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct process *process = arg;
    int64_t now = clock_monotonic_ms(), watchdog = notify_watchdog_ms();
    if (now - process->ticked_at >= POOL_TICK_MS) {
        feeds_merge(process);
        members_tick(process);
    }
    if (!process->draining)
        recorders_turn(process);
    if (watchdog && now - process->watched_at >= watchdog) {
        process->watched_at = now;
        notify("WATCHDOG=1");
    }
    host_wake(&process->host);
}

/* --- signals and Redis ----------------------------------------------------------------- */

static void on_stop_signal(evutil_socket_t signal_number, short what, void *arg)
{
    (void)what;
    struct process *process = arg;
    if (process->draining) {
        event_base_loopbreak(process->host.base);
        return;
    }
    log_info("signal %d: finishing what is in flight", (int)signal_number);
    notify("STOPPING=1");
    process->draining = true;
    process->drain_deadline = clock_monotonic_ms() + DRAIN_MS;
    for (size_t i = 0; i < process->task_count; i++)
        task_end(process->tasks[i], "the worker stops");
    recorders_end(process);
    host_wake(&process->host);
}

static void on_reload_signal(evutil_socket_t signal_number, short what, void *arg)
{
    (void)signal_number;
    (void)what;
    struct process *process = arg;
    if (process->draining)
        return;
    notify_reloading();
    files_reload(process);
    process->host.tick_wanted = true;
    host_wake(&process->host);
    notify("READY=1");
}

static void on_redis_up(void *arg)
{
    struct process *process = arg;
    process->redis_fault = ERROR_NONE;
    char *where = uri_safe(&process->config.redis, "redis");
    log_info("connected to %s", where);
    free(where);
    for (size_t i = 0; i < process->task_count; i++)
        task_reload(process->tasks[i]);
    process->host.tick_wanted = true;
    host_wake(&process->host);
}

static void on_redis_policy(void *arg, const char *policy)
{
    struct process *process = arg;
    if (strcmp(process->policy, policy) == 0)
        return;
    snprintf(process->policy, sizeof process->policy, "%s", policy);
    for (size_t i = 0; i < process->task_count; i++) /* hold_back stops them again, if need be */
        if (process->tasks[i]->trouble == TROUBLE_POLICY)
            task_retry(process->tasks[i]);
    host_wake(&process->host);
}

/* Once an outage: the words change from try to try (refused, reset, closed), the matter does not.
 */
static void on_redis_down(void *arg, const struct error *why)
{
    struct process *process = arg;
    if (why->kind == process->redis_fault)
        return;
    process->redis_fault = why->kind;
    log_warning("Redis: %s; trying again until it works", why->text);
}

/* --- start ----------------------------------------------------------------------------- */

static void set_name(struct process *process)
{
    if (process->options->name) {
        snprintf(process->name, sizeof process->name, "%s", process->options->name);
        return;
    }
    char host[64] = "";
    gethostname(host, sizeof host - 1);
    snprintf(process->name, sizeof process->name, "%s:%d", host, (int)getpid());
}

static void run_loop(struct process *process)
{
    struct event_base *base = process->host.base;
    struct timeval every = {0, HOUSEKEEPING_MS * 1000};
    struct event *events[] = {
        evsignal_new(base, SIGTERM, on_stop_signal, process),
        evsignal_new(base, SIGINT, on_stop_signal, process),
        evsignal_new(base, SIGHUP, on_reload_signal, process),
        event_new(base, -1, EV_PERSIST, housekeeping, process),
    };
    for (int i = 0; i < 4; i++)
        event_add(events[i], i == 3 ? &every : NULL);
    notify("READY=1");
    event_base_dispatch(base);
    for (int i = 0; i < 4; i++)
        event_free(events[i]);
}

/* Feeds, then the store (which answers what still waits), then the tasks. */
static void release(struct process *process)
{
    for (size_t i = 0; i < process->task_count; i++)
        task_end(process->tasks[i], "the worker stops");
    for (size_t i = 0; i < process->feed_count; i++)
        feed_close(process->feeds[i]);
    process->feed_count = 0;
    process->leaving = true;
    store_free(process->host.store);
    process->ticking = false;
    for (size_t i = 0; i < process->task_count; i++) {
        task_settle(process->tasks[i]);
        task_free(process->tasks[i]);
    }
    recorders_release(process);
    event_free(process->host.sweep);
    event_base_free(process->host.base);
    served_release(process);
    faults_release(&process->faults);
    config_release(&process->config);
    free(process->tasks);
    free(process->feeds);
    free(process->asked);
    free(process->asked_tasks);
}

int worker_run(const struct worker_options *options)
{
    struct process process = {.options = options, .started_ms = clock_wall_ms()};
    struct faults faults = {0};
    process.host.base = event_base_new();
    process.host.sweep = event_new(process.host.base, -1, 0, end_of_turn, &process);
    if (!files_load(&process, &faults)) {
        faults_print(&faults, stderr);
        faults_release(&faults);
        event_free(process.host.sweep);
        event_base_free(process.host.base);
        return ERROR_CONFIG;
    }
    set_name(&process);
    signal(SIGPIPE, SIG_IGN);
    process.host.amqp = &process.config.amqp;
    process.host.budget = options->budget ? options->budget : WORKER_BUDGET_DEFAULT;
    static const struct redis_store_hooks hooks = {on_redis_up, on_redis_down, on_redis_policy};
    process.redis = redis_store_new(process.host.base, &process.config.redis, &hooks, &process);
    process.host.store = redis_store_as_store(process.redis);
    const char *target = process.config.target;
    log_info("worker %s: %zu tasks of %zu views%s%s", process.name, process.task_count,
             process.served_count, target ? " for target " : "", target ? target : "");
    run_loop(&process);
    release(&process);
    log_info("worker %s: stopped", process.name);
    return 0;
}
