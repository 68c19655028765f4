/*
 * retry_steps.c: parked events → steps. Events come in the order of the log; each is folded as it
 * comes, and a step is committed when it is full, or changes a row that the next event reads. An
 * event that fails blocks its key: the ones behind are left alone. When the script refuses an
 * event, the step is folded again with that one failing.
 */
#include "base/clock.h"
#include "cli/reread.h"
#include "cli/retry.h"
#include "worker/batcher.h"

#include <event2/event.h>
#include <stdlib.h>

#define STEP_HELD_MAX ((size_t)4 * 1024 * 1024)
/* Tries of a step of one event. Live events are held off long before; who changes its rows is
 * somebody else. */
#define STALE_MAX 100

static void step_clear(struct retry *retry)
{
    for (size_t i = 0; i < retry->attempt_count; i++)
        message_free(retry->attempts[i].message);
    retry->attempt_count = 0;
    retry->bytes = 0;
    unpark_clear(&retry->step);
    map_clear(&retry->step_blocked);
    arena_clear(&retry->reasons);
    retry_rows_clear(retry);
}

void retry_release(struct retry *retry)
{
    step_clear(retry);
    retry_let_go(retry);
    unparking_close(retry->unparking);
    free(retry->intake);
    redis_reader_close(retry->reader);
    parked_list_release(&retry->list);
    map_release(&retry->chosen);
    map_release(&retry->blocked);
    map_release(&retry->step_blocked);
    unpark_release(&retry->step);
    arena_release(&retry->reasons);
    arena_release(&retry->decoded);
    arena_release(&retry->scratch);
    retry_rows_release(retry);
    free(retry->wanted);
    free(retry->attempts);
    free(retry->unsure);
    definition_drop(retry->definition);
    event_base_free(retry->base);
}

/* ------------------------------------------------------------------------------------------- fold
 */

static void fail(struct retry *retry, struct attempt *attempt, const char *reason)
{
    attempt->failed = true;
    attempt->reason = arena_copy(&retry->reasons, str_of(reason));
}

/* It stays parked. Its record changes when it waited until now, or fails for another reason. */
static void keep_parked(struct retry *retry, struct attempt *attempt)
{
    const struct parked_event *event = attempt->event;
    retry_block(&retry->step_blocked, event);
    if (!event->waits && str_eq(event->reason, attempt->reason))
        return;
    struct parked_event now = *event;
    now.waits = false;
    now.reason = attempt->reason;
    struct buf record = {0};
    parked_record(&record, &now);
    uint32_t index = unpark_add(&retry->step, UNPARK_FAILED, event);
    struct unpark_entry *entry = &retry->step.entries[index];
    struct arena *arena = &retry->step.changes.arena;
    entry->record = arena_copy(arena, buf_str(&record));
    buf_release(&record);
    if (attempt->message && attempt->message->body.len <= PARKED_PAYLOAD_MAX)
        entry->payload = arena_copy(arena, attempt->message->body);
}

/* Is this the event that was parked? */
static bool is_same(const struct retry *retry, const struct attempt *attempt,
                    const struct cloudevent *event, struct error *error)
{
    const struct parked_event *parked = attempt->event;
    if (str_eq(event->id, parked->id) && str_eq(event->source, parked->source))
        return true;
    return error_set(
        error, ERROR_CONFIG,
        "the log %s has event %.*s of %.*s at offset %llu, where event %.*s of %.*s is "
        "parked: it is not the log that the view was folded from",
        retry->task->partition, STRF(event->id), STRF(event->source),
        (unsigned long long)parked->offset, STRF(parked->id), STRF(parked->source));
}

/* The event's changes go into the step, or it fails, or (RETRY_CUT) nothing happens. */
static enum retry_end fold_event(struct retry *retry, struct attempt *attempt,
                                 const struct cloudevent *event, struct error *error)
{
    struct changes *changes = &retry->step.changes;
    size_t before = changes->count;
    enum fold_result result;
    struct error why;
    attempt->entry = unpark_add(&retry->step, UNPARK_FOLDED, attempt->event);
    changes->event = attempt->entry;
    changes->partition = retry->intake;
    changes->offset = attempt->event->offset;
    while ((result = view_fold(retry->definition->view, event, &retry->source, changes,
                               &retry->scratch, &why)) == FOLD_READ) {
        enum retry_end end =
            retry_rows_are_changed(retry) ? RETRY_CUT : retry_rows_read(retry, error);
        if (end != RETRY_DONE) {
            row_list_clear(&retry->source.unread);
            retry->step.count--;
            return end;
        }
        arena_clear(&retry->scratch);
    }
    row_list_clear(&retry->source.unread);
    if (result == FOLD_PARK) {
        retry->step.count--;
        fail(retry, attempt, why.text);
    }
    retry_rows_change(retry, before);
    return RETRY_DONE;
}

/* Folds the event into the step, or finds out why it still fails. */
static enum retry_end fold(struct retry *retry, struct attempt *attempt, struct error *error)
{
    struct cloudevent event;
    struct error why;
    arena_clear(&retry->decoded);
    arena_clear(&retry->scratch);
    bool decoded =
        cloudevent_decode(&retry->decoder, attempt->message, &retry->decoded, &event, &why);
    if (!is_same(retry, attempt, &event, error))
        return RETRY_FAILED;
    if (decoded)
        return fold_event(retry, attempt, &event, error);
    fail(retry, attempt, why.text);
    return RETRY_DONE;
}

/* RETRY_DONE: it is in the step. */
static enum retry_end compose(struct retry *retry, struct attempt *attempt, struct error *error)
{
    enum retry_end end = RETRY_DONE;
    attempt->skipped = retry_is_blocked(&retry->step_blocked, attempt->event);
    if (attempt->skipped)
        return RETRY_DONE;
    if (!attempt->settled) {
        attempt->failed = false;
        end = fold(retry, attempt, error);
    }
    if (end == RETRY_DONE && attempt->failed)
        keep_parked(retry, attempt);
    return end;
}

/* The whole step anew. */
static enum retry_end compose_again(struct retry *retry, struct error *error)
{
    enum retry_end end = RETRY_DONE;
    unpark_clear(&retry->step);
    map_clear(&retry->step_blocked);
    retry_rows_clear(retry);
    for (size_t i = 0; end == RETRY_DONE && i < retry->attempt_count; i++)
        end = compose(retry, &retry->attempts[i], error);
    return end;
}

/* ----------------------------------------------------------------------------------------- commit
 */

static void step_is_in(struct retry *retry)
{
    for (size_t i = 0; i < retry->attempt_count; i++) {
        const struct attempt *attempt = &retry->attempts[i];
        if (attempt->skipped)
            continue;
        if (attempt->failed)
            retry_block(&retry->blocked, attempt->event);
        retry_report(retry, attempt->event, attempt->failed, attempt->reason);
    }
    step_clear(retry);
}

static void step_may_be_in(struct retry *retry)
{
    retry->unsure = must_realloc(retry->unsure, (retry->attempt_count + 1) * sizeof *retry->unsure);
    for (size_t i = 0; i < retry->attempt_count; i++)
        if (!retry->attempts[i].skipped && !retry->attempts[i].failed)
            retry->unsure[retry->unsure_count++] =
                (struct parked_event){.offset = retry->attempts[i].event->offset};
    step_clear(retry);
}

static void refuse(struct retry *retry, const struct commit_result *result)
{
    for (size_t i = 0; i < retry->attempt_count; i++) {
        struct attempt *attempt = &retry->attempts[i];
        if (attempt->skipped || attempt->failed || attempt->entry != result->event)
            continue;
        fail(retry, attempt, result->reason);
        attempt->settled = true;
        return;
    }
}

/* A row that the step has read is another by now. What it holds is tried again, in smaller steps,
 * whose rows are read and committed in less time. */
static enum retry_end step_is_stale(struct retry *retry, const char *reason, struct error *error)
{
    size_t count = retry->attempt_count;
    step_clear(retry);
    retry->step_max = count < 2 ? 1 : count / 2;
    if (count > 1 || ++retry->stale < RETRY_HELD_AFTER)
        return RETRY_CONFLICT;
    if (retry->stale < STALE_MAX)
        return retry_hold(retry, error) ? RETRY_CONFLICT : RETRY_FAILED;
    error_set(error, ERROR_UNAVAILABLE,
              "%s, %d times in a row, between the reading of it and the commit, also while workers "
              "were held off: somebody else writes to the rows of this view",
              reason, STALE_MAX);
    return RETRY_FAILED;
}

/* Those that a fold in the order of the log may not give the same rows for: in a view whose verbs
 * commute only those that have failed, because a row may have refused them at their turn. */
static uint64_t count_reordered(const struct retry *retry)
{
    bool commutes = view_commutes(retry->definition->view);
    uint64_t count = 0;
    for (size_t i = 0; i < retry->attempt_count; i++) {
        const struct attempt *attempt = &retry->attempts[i];
        count += !attempt->skipped && !attempt->failed && (!commutes || !attempt->event->waits);
    }
    return count;
}

/* RETRY_DONE: the step is in. */
static enum retry_end step_commit(struct retry *retry, struct error *error)
{
    struct commit_result result = {.outcome = COMMIT_OK};
    enum retry_end end;
    retry->step.view = view_name(retry->parking->view);
    retry->step.partition = retry->task->partition;
    retry->step.epoch = retry->epoch;
    retry->step.trial = retry->parking->dry_run;
    for (;;) {
        retry->step.reordered = count_reordered(retry);
        if (retry->step.count)
            unparking_commit(retry->unparking, &retry->step, &result);
        switch (result.outcome) {
        case COMMIT_OK:
            step_is_in(retry);
            retry->stale = 0;
            if (retry->step_max < RETRY_STEP_MAX)
                retry->step_max *= 2;
            return RETRY_DONE;
        case COMMIT_STALE:
            return step_is_stale(retry, result.reason, error);
        case COMMIT_CONFLICT:
            step_clear(retry);
            return RETRY_CONFLICT;
        case COMMIT_UNKNOWN:
            step_may_be_in(retry);
            return RETRY_UNKNOWN;
        case COMMIT_REFUSED:
            refuse(retry, &result);
            end = compose_again(retry, error);
            if (end == RETRY_CUT) /* its rows have changed, so that it reads others */
                return step_is_stale(retry, "rows have changed", error);
            if (end != RETRY_DONE)
                return end;
            result.outcome = COMMIT_OK;
            break;
        default:
            unparking_fault(&result, error);
            return RETRY_FAILED;
        }
    }
}

static bool step_is_full(const struct retry *retry)
{
    return retry->attempt_count >= retry->step_max || retry->bytes >= STEP_HELD_MAX ||
           retry->rows.bytes >= STEP_HELD_MAX || retry->step.changes.count >= BATCH_CHANGES_MAX ||
           retry->step.changes.arena.used >= BATCH_BYTES_MAX;
}

/* ------------------------------------------------------------------------------------------- pass
 */

static struct attempt *add_attempt(struct retry *retry, const struct parked_event *event)
{
    if (retry->attempt_count == retry->attempt_cap) {
        retry->attempt_cap = retry->attempt_cap ? retry->attempt_cap * 2 : 64;
        retry->attempts =
            must_realloc(retry->attempts, retry->attempt_cap * sizeof *retry->attempts);
    }
    struct attempt *attempt = &retry->attempts[retry->attempt_count++];
    *attempt = (struct attempt){.event = event};
    return attempt;
}

/* Commits the step without the last attempt, which begins the next one. */
static enum retry_end step_cut(struct retry *retry, struct error *error)
{
    struct attempt last = retry->attempts[--retry->attempt_count];
    enum retry_end end = step_commit(retry, error);
    if (end != RETRY_DONE || retry_is_blocked(&retry->blocked, last.event)) {
        message_free(last.message);
        return end;
    }
    struct attempt *attempt = add_attempt(retry, last.event);
    attempt->message = last.message;
    retry->bytes += last.message->size;
    return compose(retry, attempt, error);
}

/* Reads the event again, and puts it into the step. */
static enum retry_end try_event(struct retry *retry, struct reread *reread,
                                const struct parked_event *event, struct error *error)
{
    struct attempt *attempt = add_attempt(retry, event);
    if (str_starts(event->reason, STR("id reused:"))) {
        attempt->failed = true;
        attempt->reason = event->reason;
        attempt->settled = true;
        return compose(retry, attempt, error);
    }
    attempt->message = reread_next(reread, event->offset, error);
    if (!attempt->message) {
        if (error->kind != ERROR_NO)
            return RETRY_FAILED;
        fail(retry, attempt, error->text);
        attempt->settled = true;
    } else {
        retry->bytes += attempt->message->size;
    }
    enum retry_end end = compose(retry, attempt, error);
    return end == RETRY_CUT ? step_cut(retry, error) : end;
}

static enum retry_end try_all(struct retry *retry, struct reread *reread, struct error *error)
{
    enum retry_end end = RETRY_DONE;
    for (size_t i = 0; end == RETRY_DONE && i < retry->wanted_count; i++) {
        const struct parked_event *event = parked_list_find(&retry->list, retry->wanted[i]);
        if (retry_is_blocked(&retry->blocked, event) ||
            retry_is_blocked(&retry->step_blocked, event))
            continue;
        end = try_event(retry, reread, event, error);
        if (end == RETRY_DONE && step_is_full(retry))
            end = step_commit(retry, error);
    }
    return end == RETRY_DONE ? step_commit(retry, error) : end;
}

enum retry_end retry_pass(struct retry *retry, struct error *error)
{
    struct reread *reread = reread_open(retry->base, &retry->parking->config.amqp, retry->intake,
                                        retry->wanted, retry->wanted_count, error);
    if (!reread)
        return RETRY_FAILED;
    enum retry_end end = try_all(retry, reread, error);
    reread_close(reread);
    step_clear(retry);
    return end;
}
