/*
 * sim_world.h: one log, one Redis, some workers, and the faults that meet them.
 *
 *     struct sim_truth *truth = sim_truth_new(&script);      what must come out, for all runs
 *     struct sim_world *world = sim_world_new(truth, &views, seed);
 *     world->plan = (struct sim_plan){step, kind, amount};
 *     sim_world_round(world) …                   each worker takes its steps; a fault may strike
 *                                                before any of them
 *     if (world->failure.len) …                  what was wrong, first
 *     sim_world_free(world);
 *
 * Looked at all the while, not only at the end: after a commit the view is the naive fold of the
 * log up to there; every worker has the same fingerprint at one offset; what a reader acknowledges,
 * the store has confirmed to that worker for every view that reads with it.
 */
#ifndef FANFOLD_TESTS_SIM_WORLD_H
#define FANFOLD_TESTS_SIM_WORLD_H

#include "sim_worker.h"

/* What can happen: enum sim_fault, to a worker's next commit, and: */
enum sim_kind {
    KIND_CRASH_CARRIED = SIM_FAULTS, /* SIGKILL; what it had sent is carried out */
    KIND_CRASH_LOST,                 /* …is lost */
    KIND_CRASH_LATE,                 /* …is carried out when its successor is at work */
    KIND_DRAIN,                      /* SIGTERM, and a successor */
    KIND_CUT_REDIS,                  /* the connection breaks */
    KIND_ROLL_BACK,                  /* Redis goes `amount` commits back, without a word */
    KIND_RESTART,                    /* …and the connections break */
    KIND_CUT_LOG,                    /* the broker's connection breaks */
    KIND_NO_BROKER,                  /* …and the next `amount` attempts fail */
    KIND_RIVAL,                      /* another worker on the same tasks, slow by `amount` turns */
    KIND_PAUSE,                      /* SIGSTOP for `amount` turns, while a rival goes on */
    KINDS
};

extern const char *const sim_kind_names[KINDS];

struct sim_truth {
    const struct script *script;
    const struct script_records *records; /* NULL: the log is direct */
    char **pictures[NAIVE_VIEWS];         /* after the first i events; NULL: not asked for yet */
    uint64_t *fingerprints;               /* at event i; 0: no worker has said yet */
};

struct sim_plan {
    unsigned step; /* before which it strikes; 0: no plan */
    int kind;
    unsigned amount;
};

#define SIM_WORKERS 3

struct sim_world {
    struct sim_truth *truth;
    struct sim_views *views;
    struct script_log log;
    struct sim_server *server;
    struct sim_worker *workers[SIM_WORKERS]; /* NULL: none there */
    size_t burst;                            /* messages that a reader gets at a time */
    size_t rival_burst;                      /* the same, of other workers than the first */
    size_t budget;                           /* of a worker's memory */
    unsigned look_every;                     /* commits between two looks at the rows */
    unsigned step, commits, moved;           /* moved: of workers that are gone */
    struct sim_plan plan;
    unsigned felt[KINDS]; /* how often each kind met something */
    struct buf failure;
};

struct sim_truth *sim_truth_new(const struct script *script, const struct script_records *records);
void sim_truth_free(struct sim_truth *truth);

/* With one worker. */
struct sim_world *sim_world_new(struct sim_truth *truth, struct sim_views *views, uint64_t seed);
void sim_world_free(struct sim_world *world);
void sim_world_fail(struct sim_world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void sim_world_strike(struct sim_world *world, int worker, int kind, unsigned amount);
void sim_world_round(struct sim_world *world);
/* The plan has struck (or there is none). */
bool sim_world_is_spent(const struct sim_world *world);
/* All that the log holds is in, and every worker rests there. */
bool sim_world_is_settled(const struct sim_world *world);
/* Lets everybody work until that is so, and compares all that can be seen. */
void sim_world_finish(struct sim_world *world);

#endif
