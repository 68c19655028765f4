/*
 * workload.h: views, and messages for them as the log delivers what `fanfold publish` wrote: all in
 * memory, and the same at every run.
 *
 *     sums    a view with two additions an event, and orders with about 200 bytes of JSON
 *     shop    the five views of examples/shop, and its events over and over, each time as new ones
 */
#ifndef FANFOLD_BENCH_WORKLOAD_H
#define FANFOLD_BENCH_WORKLOAD_H

#include <fanfold/message.h>
#include <fanfold/view.h>

#define WORKLOAD_VIEWS_MAX 8

struct workload {
    struct view *views[WORKLOAD_VIEWS_MAX];
    size_t view_count;
    struct message **messages;
    size_t count;
    size_t body_bytes; /* of all messages */
};

/* False: there is no workload of that name. What else goes wrong ends the program. */
bool workload_make(struct workload *workload, const char *name, size_t count);
void workload_release(struct workload *workload);

#endif
