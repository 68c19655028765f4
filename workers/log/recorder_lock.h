/*
 * recorder_lock.h: who records a log: the exclusive consumer of the queue
 * "<exchange>.recorder.<set>", which never holds a message.
 *
 *     lock = recorder_lock_open(base, &uri, queue, wake, arg, &error);
 *     switch (recorder_lock_take(lock, &error))     LOCK_BUSY: again in a second or so
 *     recorder_lock_lost(lock)                      why, once it is; wake(arg) was called
 *     recorder_lock_close(lock);
 *
 * It is there for efficiency: two that record at a time do no harm (event/record.h). Opening and
 * taking block, for 5 s at most each. On a connection of its own, whose short heartbeat tells the
 * broker within LOCK_HEARTBEAT times two to three that the holder sleeps; the loop must turn.
 */
#ifndef FANFOLD_LOG_RECORDER_LOCK_H
#define FANFOLD_LOG_RECORDER_LOCK_H

#include "base/error.h"
#include "base/uri.h"

#define LOCK_HEARTBEAT 3 /* seconds */

struct event_base;
struct recorder_lock;

enum lock_answer { LOCK_TAKEN, LOCK_BUSY, LOCK_FAILED };

struct recorder_lock *recorder_lock_open(struct event_base *base, const struct uri *uri,
                                         const char *queue, void (*wake)(void *arg), void *arg,
                                         struct error *error);
enum lock_answer recorder_lock_take(struct recorder_lock *lock, struct error *error);
/* NULL: it is as it was left. */
const struct error *recorder_lock_lost(const struct recorder_lock *lock);
void recorder_lock_close(struct recorder_lock *lock);

#endif
