/*
 * task_parts.h: what the parts of a task share: task.c (states, fold, commit), task_load.c (its
 * position), task_hold.c (how far it may go), task_read.c (the rows that its next event reads; why
 * they are the right ones: batcher.h). Private to them.
 */
#ifndef FANFOLD_WORKER_TASK_PARTS_H
#define FANFOLD_WORKER_TASK_PARTS_H

#include "worker/task.h"

/* task.c */
/* The one way to another status. */
void task_enter(struct task *task, enum task_status status, const char *why);
/* Tries again after a while that doubles with each failure in a row. */
void task_fail(struct task *task, enum trouble trouble, const char *why);
void task_conflict(struct task *task);
/* Nothing more is folded, and answers that are to come change nothing. */
void task_clear_pipeline(struct task *task);
/* Are answers to come? */
bool task_awaits(const struct task *task);
/* The answer of something under way has come; false: its pipeline was dropped meanwhile. */
bool task_is_current(struct task *task);
void task_go_on(struct task *task);

/* Leaves its feed. */
void task_detach(struct task *task);

/* task_hold.c */
/* A task that has been held for long stands where its leader stands: it does not read the log for
 * nothing. */
bool task_rests_on(struct task *task, const struct position *position);
/* Nothing after the limit is taken until task_lift. */
void task_hold(struct task *task);
/* The batch came too early: up to the limit one may go on at once, beyond it one waits. */
void task_frozen(struct task *task, const struct commit_result *result);
/* An event fails that the view has not come to yet, so it cannot say whether it sets it aside: what
 * lies before is committed, then one waits. */
bool task_may_be_set_aside(struct task *task, uint64_t offset);

/* task_read.c */
/* Asks for the rows that the event at hand wants, and for those of the events behind it in the ring
 * that can be known already. Nothing is folded until the answer has come. */
void task_read(struct task *task);

#endif
