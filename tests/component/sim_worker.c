/*
 * sim_worker.c: see sim_worker.h. sim_worker_step(SIM_END_OF_TURN) is worker.c's end_of_turn()
 * without leases and signals.
 */
#include "sim_worker.h"
#include "base/clock.h"
#include "base/error.h"
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* worker.c's housekeeping, in turns: end_of_turn() runs also when nobody asks; feeds are merged. */
#define SWEEP_TURNS 2
#define MERGE_TURNS 10

/* Linked in place of worker.c's. */
void host_wake(struct host *host)
{
    struct sim_worker *worker =
        (struct sim_worker *)((char *)host - offsetof(struct sim_worker, process.host));
    worker->woken = true;
}

void sim_views_load(struct sim_views *views, int partitions)
{
    struct faults faults = {0};
    *views = (struct sim_views){.log = {.exchange = must_strdup(SCRIPT_EXCHANGE),
                                        .partitions = partitions,
                                        .dedupe_window = SCRIPT_WINDOW}};
    struct config config = {.logs = &views->log, .log_count = 1};
    for (int i = 0; i < NAIVE_VIEWS; i++) {
        views->at[i] = view_parse(naive_names[i], str_of(naive_files[i]), &faults);
        faults_print(&faults, stderr);
        assert(views->at[i]);
        views->definitions[i] = definition_of(views->at[i], &config);
        views->roles[i] = (struct role){.name = (char *)naive_names[i], .row_prefix = (char *)""};
    }
    views_check(views->at, NAIVE_VIEWS, NULL, &faults);
    faults_print(&faults, stderr);
    assert(faults.errors == 0 && view_commutes(views->at[NAIVE_SUMS]) &&
           !view_commutes(views->at[NAIVE_LAST]) && view_reads(views->at[NAIVE_JOIN]));
    faults_release(&faults);
}

void sim_views_release(struct sim_views *views)
{
    for (int i = 0; i < NAIVE_VIEWS; i++)
        view_free(views->at[i]);
    for (int i = 0; i < NAIVE_VIEWS; i++)
        definition_drop(views->definitions[i]);
    free(views->log.exchange);
}

struct sim_worker *sim_worker_new(struct sim_views *views, struct sim_server *server,
                                  struct script_log *log, size_t budget)
{
    struct sim_worker *worker = must_calloc(1, sizeof *worker);
    struct process *process = &worker->process;
    worker->log = log;
    worker->link = sim_link_new(server);
    process->host = (struct host){.base = (struct event_base *)worker,
                                  .store = &worker->link->store,
                                  .amqp = &log->uri,
                                  .budget = budget};
    process->tasks = worker->tasks;
    process->task_count = NAIVE_VIEWS;
    for (int i = 0; i < NAIVE_VIEWS; i++) {
        worker->tasks[i] = task_new(&process->host, &views->roles[i], views->definitions[i], 0, 0);
        task_begin(worker->tasks[i]);
    }
    return worker;
}

/* The way that worker.c's release() goes, with a link that is dead already. */
void sim_worker_crash(struct sim_worker *worker, enum sim_fate fate)
{
    struct process *process = &worker->process;
    sim_link_kill(worker->link, fate);
    for (int i = 0; i < NAIVE_VIEWS; i++)
        task_end(worker->tasks[i], "crash");
    for (size_t i = 0; i < process->feed_count; i++)
        feed_close(process->feeds[i]);
    store_free(process->host.store);
    for (int i = 0; i < NAIVE_VIEWS; i++) {
        task_settle(worker->tasks[i]);
        task_free(worker->tasks[i]);
    }
    assert(process->host.held == 0);
    free(process->feeds);
    free(worker);
}

bool sim_worker_is_paused(const struct sim_worker *worker)
{
    return worker->link->server->turn < worker->paused_until;
}

static void load_tasks(struct sim_worker *worker)
{
    if (!worker->link->up)
        return;
    for (int i = 0; i < NAIVE_VIEWS; i++) {
        task_lift(worker->tasks[i], clock_monotonic_ms());
        if (task_wants_load(worker->tasks[i], clock_monotonic_ms()))
            task_load(worker->tasks[i]);
    }
}

/* Only the task knows which feed it reads. */
static void merge(struct sim_worker *worker)
{
    const struct feed *before[NAIVE_VIEWS];
    for (int i = 0; i < NAIVE_VIEWS; i++)
        before[i] = worker->tasks[i]->feed;
    feeds_merge(&worker->process);
    for (int i = 0; i < NAIVE_VIEWS; i++)
        worker->moved += worker->tasks[i]->feed != before[i];
}

static bool end_of_turn(struct sim_worker *worker)
{
    struct process *process = &worker->process;
    if (++worker->turns % MERGE_TURNS == 0)
        merge(worker);
    if (!worker->woken && worker->turns % SWEEP_TURNS)
        return false;
    bool woken = worker->woken;
    worker->woken = false;
    feeds_close(process);
    for (int i = 0; i < NAIVE_VIEWS; i++)
        task_settle(worker->tasks[i]);
    load_tasks(worker);
    feeds_attach(process);
    for (size_t i = 0; i < process->feed_count; i++)
        feed_turn(process->feeds[i]);
    return woken;
}

static bool answers(struct sim_worker *worker)
{
    bool any = sim_link_answer(worker->link);
    if (sim_link_reconnects(worker->link)) {
        for (int i = 0; i < NAIVE_VIEWS; i++)
            task_reload(worker->tasks[i]);
        any = true;
    }
    return any;
}

bool sim_worker_step(struct sim_worker *worker, enum sim_step step, size_t burst)
{
    /* What a paused process has sent arrives all the same. */
    if (step == SIM_EXECUTE)
        return sim_link_execute(worker->link);
    if (sim_worker_is_paused(worker))
        return false;
    switch (step) {
    case SIM_DELIVER:
        return script_log_deliver(worker->log, worker, burst);
    case SIM_ANSWER:
        return answers(worker);
    case SIM_END_OF_TURN:
        return end_of_turn(worker);
    case SIM_EXECUTE:
    case SIM_STEPS:
        break;
    }
    return false;
}

void sim_worker_drain(struct sim_worker *worker)
{
    worker->draining = true;
    for (int i = 0; i < NAIVE_VIEWS; i++)
        task_end(worker->tasks[i], "the worker stops");
}

bool sim_worker_is_drained(const struct sim_worker *worker)
{
    for (int i = 0; i < NAIVE_VIEWS; i++)
        if (!task_is_idle(worker->tasks[i]))
            return false;
    return true;
}

bool sim_worker_rests_at(const struct sim_worker *worker, uint64_t offset)
{
    for (int i = 0; i < NAIVE_VIEWS; i++) {
        const struct task *task = worker->tasks[i];
        if (!task_is_quiet(task) || !task_is_past(task, offset))
            return false;
    }
    return true;
}
