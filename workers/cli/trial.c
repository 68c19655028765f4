/*
 * trial.c: the fold of `fanfold try` and `fanfold test`: the worker's batcher and commits, without
 * its loop.
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
    store_load(trial->store, view_name(trial->batcher.view), trial->batcher.partition, on_load,
               trial);
    ram_store_turn(trial->store);
}

void trial_init(struct trial *trial, struct store *store, const struct view *view,
                const char *partition, uint64_t window)
{
    *trial = (struct trial){.store = store, .window = window_new(window)};
    batcher_init(&trial->batcher, view, partition, "1.try");
    trial->batcher.definition = "";
    reload(trial);
}

bool trial_read(struct trial *trial, const struct publish_defaults *defaults, uint64_t number,
                struct str line, struct cloudevent *event, struct error *error)
{
    arena_clear(&trial->arena);
    struct str made_id = arena_printf(&trial->arena, "line-%llu", (unsigned long long)number);
    if (!cloudevent_from_line(line, defaults, made_id, &trial->arena, event, error))
        return false;
    if (trial->upcast)
        upcast_apply(trial->upcast, event, &trial->arena);
    return true;
}

struct delivery trial_deliver(struct trial *trial, uint64_t offset, const struct cloudevent *event)
{
    return (struct delivery){.offset = offset,
                             .duplicate = window_see(trial->window, offset, cloudevent_key(event),
                                                     cloudevent_content(event)),
                             .event = event,
                             .body = event->data_bytes};
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

static void read_rows(struct trial *trial)
{
    const struct row_list *unread = batcher_unread(&trial->batcher);
    trial->asked = unread->count < ROW_REQUEST_MAX ? unread->count : ROW_REQUEST_MAX;
    const struct row_request request = {.view = view_name(trial->batcher.view),
                                        .partition = trial->batcher.partition,
                                        .rows = unread->at,
                                        .count = trial->asked};
    store_read(trial->store, &request, on_read, trial);
    ram_store_turn(trial->store);
}

/* Folds what fits into one batch: *taken deliveries. BATCHER_STOPS: the one behind them stops the
 * view. */
static enum batcher_answer fold_batch(struct trial *trial, const struct delivery *deliveries,
                                      size_t count, size_t *taken, struct error *error)
{
    enum batcher_answer answer = BATCHER_TOOK;
    *taken = 0;
    batcher_open(&trial->batcher, &trial->batch);
    while (*taken < count && !batch_is_full(&trial->batch) && answer != BATCHER_STOPS) {
        answer = batcher_fold(&trial->batcher, &deliveries[*taken], &trial->batch, error);
        if (answer == BATCHER_TOOK)
            ++*taken;
        if (answer != BATCHER_READS)
            continue;
        bool must_send = batcher_must_send(&trial->batcher);
        if (must_send && *taken)
            break;
        if (must_send)
            batcher_open(&trial->batcher, &trial->batch);
        read_rows(trial);
    }
    batcher_close(&trial->batcher, &trial->batch);
    return answer;
}

/* The event parks when the batch is folded again. */
static void refuse(struct trial *trial)
{
    uint64_t offset = batch_event_offset(&trial->batch, trial->result.event);
    batcher_refuse(&trial->batcher, offset, trial->result.reason);
    trial->refused++;
    reload(trial);
}

bool trial_fold(struct trial *trial, const struct delivery *deliveries, size_t count,
                struct error *error)
{
    for (size_t done = 0, taken; done < count; done += taken) {
        enum batcher_answer answer =
            fold_batch(trial, deliveries + done, count - done, &taken, error);
        trial->result = (struct commit_result){.outcome = COMMIT_OK};
        if (taken) {
            store_commit(trial->store, &trial->batch, on_commit, trial);
            ram_store_turn(trial->store);
        }
        if (trial->result.outcome == COMMIT_REFUSED) {
            refuse(trial);
            taken = 0;
        } else if (trial->result.outcome != COMMIT_OK) {
            return error_set(error, ERROR_NO, "%s", trial->result.reason);
        } else if (answer == BATCHER_STOPS) {
            return false;
        }
    }
    return true;
}

void trial_release(struct trial *trial)
{
    batcher_release(&trial->batcher);
    batch_release(&trial->batch);
    window_free(trial->window);
    arena_release(&trial->arena);
}
