/*
 * host.h: what the tasks and feeds of one process share.
 */
#ifndef FANFOLD_WORKER_HOST_H
#define FANFOLD_WORKER_HOST_H

#include "base/uri.h"
#include <fanfold/store.h>

struct event_base;
struct event;

struct host {
    struct event_base *base;
    struct store *store;
    const struct uri *amqp;
    size_t held;         /* bytes of memory that the messages in all rings take */
    size_t held_most;    /* the most that was held since the start */
    size_t budget;       /* above this, feeds stop reading */
    struct event *sweep; /* host_wake() when something is left for the end of the turn */
    bool tick_wanted;    /* ask the pool soon: a lease may have been lost */
};

void host_wake(struct host *host);

#endif
