/*
 * trial.h: folds lines into rows in memory, as a worker would from the log.
 *
 *     struct trial trial;
 *     trial_init(&trial, view, window width, &defaults);
 *     while (… a line …)
 *         if (trial_read(&trial, number, line, &event, &error))
 *             trial_fold(&trial, number, &event, &error);
 *     ram_store_each_row(trial.store, …); ram_store_each_parked(trial.store, …);
 *     trial_release(&trial);
 *
 * The offset of an event is its line number − 1: offsets rise, and need not be contiguous.
 */
#ifndef FANFOLD_CLI_TRIAL_H
#define FANFOLD_CLI_TRIAL_H

#include "worker/batcher.h"
#include <fanfold/ram_store.h>

#define TRIAL_PARTITION "standard input"

struct trial {
    struct store *store;
    struct window *window;
    struct batcher batcher;
    struct batch batch;
    struct arena arena; /* of the event at hand */
    struct publish_defaults defaults;
    const struct upcast_rules *upcast; /* of the log that the lines stand for; NULL: none */
    struct commit_result result;
    size_t asked;       /* rows, of those that the batcher wants */
    struct map ignored; /* type → events that no pattern matches */
};

void trial_init(struct trial *trial, const struct view *view, uint64_t window,
                const struct publish_defaults *defaults);
/* The event of a line, in trial->arena. False: the line is no event. */
bool trial_read(struct trial *trial, uint64_t number, struct str line, struct cloudevent *event,
                struct error *error);
/* False: the view cannot go on (on_error is "stop", or a row is foreign to a verb). */
bool trial_fold(struct trial *trial, uint64_t number, const struct cloudevent *event,
                struct error *error);
void trial_release(struct trial *trial);

#endif
