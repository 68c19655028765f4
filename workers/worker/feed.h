/*
 * feed.h: one read of a partition, shared by the tasks of this process whose cursors are close.
 *
 *     feed = feed_open(&host, tasks, count, &error);     blocks for some seconds at
 * most feed_join(feed, task)                   a task that may use what the ring still holds
 *     feed_leave(feed, task)
 *     if (feed_is_over(feed)) feed_close(feed);      at the end of the turn, never in a callback
 *
 * Deliver → decode once → duplicate window → every task in step. A message stays in the ring until
 * all attached tasks have committed it; then it is acknowledged. A task that was set back takes
 * what it needs from the ring again.
 *
 * What the broker does not say is asked for (DESIGN section 4, Resuming): before it attaches, where
 * the log ends; at the first delivery and at every jump of the offsets, where it begins.
 */
#ifndef FANFOLD_WORKER_FEED_H
#define FANFOLD_WORKER_FEED_H

#include "worker/ring.h"
#include "worker/task.h"

/* Tasks further apart than this (in offsets) read the log separately. */
#define FEED_SHARE_MAX 65536

struct feed;

/* tasks: one at least, all of the same partition, read in the same way.
 * NULL: error says why, and whether trying again may help (ERROR_UNAVAILABLE). Tasks whose cursor
 * is beyond the end of the log are stopped, not attached; when none is left the feed is NULL and
 * error->kind is ERROR_NONE. */
struct feed *feed_open(struct host *host, struct task *const *tasks, size_t count,
                       struct error *error);
/* Can the task go on with what this feed holds? If so it is attached. */
bool feed_join(struct feed *feed, struct task *task);
void feed_leave(struct feed *feed, struct task *task);
/* Hands out what can be handed out; called when a task can take more. */
void feed_turn(struct feed *feed);
/* The message at that index of the ring, read ahead of its turn. The event lives in the arena. */
enum feed_look {
    FEED_EVENT,
    FEED_NO_EVENT, /* it cannot be decoded */
    FEED_END,      /* there is none yet */
};
enum feed_look feed_look(const struct feed *feed, uint64_t index, struct arena *arena,
                         struct cloudevent *event);
/* Has it more than one task? */
bool feed_is_shared(const struct feed *feed);
/* Has it read as far as this offset? */
bool feed_has_reached(const struct feed *feed, uint64_t offset);
/* The connection is lost, or no task is attached. */
bool feed_is_over(const struct feed *feed);
/* Pauses or resumes reading, by the host's budget. */
void feed_balance(struct feed *feed);
void feed_close(struct feed *feed);

#endif
