/*
 * trial.h: folds events into rows in memory, as a worker folds a partition of a log.
 *
 *     struct store *store = ram_store_new();
 *     struct trial trial;
 *     trial_init(&trial, store, view, "standard input", window width);
 *     while (… a line …)
 *         if (trial_read(&trial, &defaults, number, line, &event, &error)) {
 *             delivery = trial_deliver(&trial, number - 1, &event);
 *             trial_fold(&trial, &delivery, 1, &error);
 *         }
 *     ram_store_each_row(store, …); ram_store_each_parked(store, …);
 *     trial_release(&trial);
 *     store_free(store);
 *
 * Several trials of one view may share a store: each is a partition of its own.
 */
#ifndef FANFOLD_CLI_TRIAL_H
#define FANFOLD_CLI_TRIAL_H

#include "worker/batcher.h"
#include <fanfold/ram_store.h>

struct trial {
    struct store *store;
    struct window *window;
    struct batcher batcher;
    struct batch batch;
    struct arena arena;                /* of the event that was read last */
    const struct upcast_rules *upcast; /* of the log that the lines stand for; NULL: none */
    struct commit_result result;
    size_t asked;     /* rows, of those that the batcher wants */
    uint64_t refused; /* events that the store refused, and that were folded again without */
};

void trial_init(struct trial *trial, struct store *store, const struct view *view,
                const char *partition, uint64_t window);
/* The event of a line, in trial->arena. False: the line is no event. */
bool trial_read(struct trial *trial, const struct publish_defaults *defaults, uint64_t number,
                struct str line, struct cloudevent *event, struct error *error);
/* Once for each event, in the order of the offsets, which rise and need not be contiguous: says
 * whether it is a duplicate. */
struct delivery trial_deliver(struct trial *trial, uint64_t offset, const struct cloudevent *event);
/* Folds the deliveries as one batch; as several only where the worker would divide it too. False:
 * the view cannot go on (on_error is "stop", or a row is foreign to a verb); what came before is
 * folded. */
bool trial_fold(struct trial *trial, const struct delivery *deliveries, size_t count,
                struct error *error);
void trial_release(struct trial *trial);

#endif
