/*
 * sim_worker.h: a worker process without the process: the tasks, feeds and batchers of
 * workers/worker on a sim_link and a script_log, driven as worker.c drives them, but in steps with
 * room for a fault between any two.
 *
 *     struct sim_worker *worker = sim_worker_new(&views, server, &log, budget);
 *     sim_worker_step(worker, SIM_DELIVER, burst); …SIM_EXECUTE, SIM_ANSWER, SIM_END_OF_TURN…
 *     sim_worker_crash(worker, SIM_LATE);        its memory is gone; what it sent is on its way
 */
#ifndef FANFOLD_TESTS_SIM_WORKER_H
#define FANFOLD_TESTS_SIM_WORKER_H

#include "script_log.h"
#include "sim_store.h"
#include "worker/process.h"

struct sim_views {
    struct view *at[NAIVE_VIEWS];
    struct log_config log;
    struct definition *definitions[NAIVE_VIEWS];
    struct role roles[NAIVE_VIEWS];
};

enum sim_step { SIM_DELIVER, SIM_EXECUTE, SIM_ANSWER, SIM_END_OF_TURN, SIM_STEPS };

struct sim_worker {
    struct process process;
    struct task *tasks[NAIVE_VIEWS];
    struct sim_link *link;
    struct script_log *log;
    bool woken;
    bool draining;
    unsigned turns, moved; /* moved: tasks from one feed to another, how often */
    unsigned paused_until; /* server turn; until then it does nothing (SIGSTOP) */
};

/* partitions: of the log; events are in the first one. */
void sim_views_load(struct sim_views *views, int partitions);
void sim_views_release(struct sim_views *views);

struct sim_worker *sim_worker_new(struct sim_views *views, struct sim_server *server,
                                  struct script_log *log, size_t budget);
void sim_worker_crash(struct sim_worker *worker, enum sim_fate fate);
/* Returns whether anything happened. */
bool sim_worker_step(struct sim_worker *worker, enum sim_step step, size_t burst);
bool sim_worker_is_paused(const struct sim_worker *worker);

/* SIGTERM: finishes what is in flight. */
void sim_worker_drain(struct sim_worker *worker);
bool sim_worker_is_drained(const struct sim_worker *worker);
/* Every task streams, has nothing under way, and stands at this offset. */
bool sim_worker_rests_at(const struct sim_worker *worker, uint64_t offset);

#endif
