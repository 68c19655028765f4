/*
 * trial.c: the fold of `fanfold try`. Each event is a batch of its own, so that an event that the
 * store refuses can be folded again alone.
 */
#include "cli/trial.h"
#include "event/upcast.h"

#include <stdio.h>

static void on_load(void *arg, enum store_status status, struct task_state *state,
                    const struct error *error)
{
    struct trial *trial = arg;
    (void)error;
    if (status == STORE_OK) /* memory is always there */
        batcher_reset(&trial->batcher, state);
}

/* Puts the batcher where the store stands. */
static void reload(struct trial *trial)
{
    store_load(trial->store, view_name(trial->batcher.view), TRIAL_PARTITION, on_load, trial);
    ram_store_turn(trial->store);
}

void trial_init(struct trial *trial, const struct view *view, uint64_t window,
                const struct publish_defaults *defaults)
{
    *trial = (struct trial){.store = ram_store_new(), .defaults = *defaults};
    trial->window = window_new(window);
    batcher_init(&trial->batcher, view, TRIAL_PARTITION, "1.try");
    trial->batcher.definition = "";
    reload(trial);
}

bool trial_read(struct trial *trial, uint64_t number, struct str line, struct cloudevent *event,
                struct error *error)
{
    arena_clear(&trial->arena);
    struct str made_id = arena_printf(&trial->arena, "line-%llu", (unsigned long long)number);
    if (!cloudevent_from_line(line, &trial->defaults, made_id, &trial->arena, event, error))
        return false;
    if (trial->upcast)
        upcast_apply(trial->upcast, event, &trial->arena);
    return true;
}

static void on_commit(void *arg, const struct commit_result *result)
{
    struct trial *trial = arg;
    trial->result = *result;
}

static void on_read(void *arg, enum store_status status, const struct row *rows,
                    const struct position *at, const struct error *error)
{
    struct trial *trial = arg;
    const struct row_list *asked = batcher_unread(&trial->batcher);
    (void)at, (void)error;
    for (size_t i = 0; status == STORE_OK && i < trial->asked; i++) {
        batcher_row(&trial->batcher, &asked->at[i], &rows[i]);
    }
}

/* Each event has a batch of its own, so nothing that is to be read was changed since. */
static void read_rows(struct trial *trial)
{
    const struct row_list *unread = batcher_unread(&trial->batcher);
    trial->asked = unread->count < ROW_REQUEST_MAX ? unread->count : ROW_REQUEST_MAX;
    const struct row_request request = {.view = view_name(trial->batcher.view),
                                        .partition = TRIAL_PARTITION,
                                        .rows = unread->at,
                                        .count = trial->asked};
    store_read(trial->store, &request, on_read, trial);
    ram_store_turn(trial->store);
}

/* Folds the event as a batch of its own. */
static bool fold_once(struct trial *trial, const struct delivery *delivery, struct error *error)
{
    uint64_t ignored = trial->batcher.tally.ignored;
    enum batcher_answer answer;
    batcher_open(&trial->batcher, &trial->batch);
    while ((answer = batcher_fold(&trial->batcher, delivery, &trial->batch, error)) ==
           BATCHER_READS)
        read_rows(trial);
    if (answer == BATCHER_STOPS)
        return false;
    batcher_close(&trial->batcher, &trial->batch);
    if (trial->batcher.tally.ignored > ignored)
        ++*map_put(&trial->ignored, delivery->event->type);
    store_commit(trial->store, &trial->batch, on_commit, trial);
    ram_store_turn(trial->store);
    return true;
}

bool trial_fold(struct trial *trial, uint64_t number, const struct cloudevent *event,
                struct error *error)
{
    struct delivery delivery = {.offset = number - 1, .event = event, .body = event->data_bytes};
    delivery.duplicate = window_see(trial->window, delivery.offset, cloudevent_key(event),
                                    cloudevent_content(event));
    if (!fold_once(trial, &delivery, error))
        return false;
    if (trial->result.outcome == COMMIT_REFUSED) {
        batcher_refuse(&trial->batcher, delivery.offset, trial->result.reason);
        reload(trial);
        if (!fold_once(trial, &delivery, error))
            return false;
    }
    if (trial->result.outcome == COMMIT_OK)
        return true;
    return error_set(error, ERROR_NO, "%s", trial->result.reason);
}

void trial_release(struct trial *trial)
{
    batcher_release(&trial->batcher);
    batch_release(&trial->batch);
    window_free(trial->window);
    arena_release(&trial->arena);
    map_release(&trial->ignored);
    store_free(trial->store);
}
