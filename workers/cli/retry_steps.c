/*
 * retry_steps.c: parked events → steps. Events come in the order of the log; each is folded as it
 * comes, and a step is committed when it is full. An event that fails blocks its key: the ones
 * behind are left alone. When the script refuses an event, the step is folded again with that one
 * failing.
 */
#include "base/clock.h"
#include "cli/reread.h"
#include "cli/retry.h"
#include "worker/batcher.h"

#include <event2/event.h>
#include <stdlib.h>

#define STEP_EVENTS_MAX 500
#define STEP_HELD_MAX   ((size_t)4 * 1024 * 1024)

static void step_clear(struct retry *retry)
{
    for (size_t i = 0; i < retry->attempt_count; i++)
        message_free(retry->attempts[i].message);
    retry->attempt_count = 0;
    retry->bytes = 0;
    unpark_clear(&retry->step);
    map_clear(&retry->step_blocked);
    arena_clear(&retry->reasons);
}

void retry_release(struct retry *retry)
{
    step_clear(retry);
    unparking_close(retry->unparking);
    redis_reader_close(retry->reader);
    parked_list_release(&retry->list);
    map_release(&retry->chosen);
    map_release(&retry->blocked);
    map_release(&retry->step_blocked);
    unpark_release(&retry->step);
    arena_release(&retry->reasons);
    arena_release(&retry->decoded);
    arena_release(&retry->scratch);
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

/* Folds the event into the step, or finds out why it still fails. False: it is another event. */
static bool fold(struct retry *retry, struct attempt *attempt, struct error *error)
{
    struct cloudevent event;
    struct error why;
    arena_clear(&retry->decoded);
    arena_clear(&retry->scratch);
    bool decoded =
        cloudevent_decode(&retry->decoder, attempt->message, &retry->decoded, &event, &why);
    if (!is_same(retry, attempt, &event, error))
        return false;
    if (!decoded) {
        fail(retry, attempt, why.text);
        return true;
    }
    attempt->entry = unpark_add(&retry->step, UNPARK_FOLDED, attempt->event);
    retry->step.changes.event = attempt->entry;
    retry->step.changes.partition = retry->task->partition;
    retry->step.changes.offset = attempt->event->offset;
    if (view_fold(retry->definition->view, &event, NULL, &retry->step.changes, &retry->scratch,
                  &why) == FOLD_PARK) {
        retry->step.count--;
        fail(retry, attempt, why.text);
    }
    return true;
}

static bool compose(struct retry *retry, struct attempt *attempt, struct error *error)
{
    attempt->skipped = retry_is_blocked(&retry->step_blocked, attempt->event);
    if (attempt->skipped)
        return true;
    if (!attempt->settled) {
        attempt->failed = false;
        if (!fold(retry, attempt, error))
            return false;
    }
    if (attempt->failed)
        keep_parked(retry, attempt);
    return true;
}

/* The whole step anew. */
static bool compose_again(struct retry *retry, struct error *error)
{
    unpark_clear(&retry->step);
    map_clear(&retry->step_blocked);
    for (size_t i = 0; i < retry->attempt_count; i++)
        if (!compose(retry, &retry->attempts[i], error))
            return false;
    return true;
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

/* RETRY_DONE: the step is in. */
static enum retry_end step_commit(struct retry *retry, struct error *error)
{
    struct commit_result result = {.outcome = COMMIT_OK};
    retry->step.view = view_name(retry->parking->view);
    retry->step.partition = retry->task->partition;
    retry->step.epoch = retry->epoch;
    retry->step.trial = retry->parking->dry_run;
    retry->step.reorders = !view_commutes(retry->definition->view);
    for (;;) {
        if (retry->step.count)
            unparking_commit(retry->unparking, &retry->step, &result);
        switch (result.outcome) {
        case COMMIT_OK:
            step_is_in(retry);
            return RETRY_DONE;
        case COMMIT_CONFLICT:
            step_clear(retry);
            return RETRY_CONFLICT;
        case COMMIT_UNKNOWN:
            step_may_be_in(retry);
            return RETRY_UNKNOWN;
        case COMMIT_REFUSED:
            refuse(retry, &result);
            if (!compose_again(retry, error))
                return RETRY_FAILED;
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
    return retry->attempt_count >= STEP_EVENTS_MAX || retry->bytes >= STEP_HELD_MAX ||
           retry->step.changes.count >= BATCH_CHANGES_MAX ||
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

/* Reads the event again, and puts it into the step. */
static bool try_event(struct retry *retry, struct reread *reread, const struct parked_event *event,
                      struct error *error)
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
            return false;
        fail(retry, attempt, error->text);
        attempt->settled = true;
    } else {
        retry->bytes += attempt->message->size;
    }
    return compose(retry, attempt, error);
}

static enum retry_end try_all(struct retry *retry, struct reread *reread, struct error *error)
{
    enum retry_end end = RETRY_DONE;
    for (size_t i = 0; end == RETRY_DONE && i < retry->wanted_count; i++) {
        const struct parked_event *event = parked_list_find(&retry->list, retry->wanted[i]);
        if (retry_is_blocked(&retry->blocked, event) ||
            retry_is_blocked(&retry->step_blocked, event))
            continue;
        if (!try_event(retry, reread, event, error))
            return RETRY_FAILED;
        if (step_is_full(retry))
            end = step_commit(retry, error);
    }
    return end == RETRY_DONE ? step_commit(retry, error) : end;
}

enum retry_end retry_pass(struct retry *retry, struct error *error)
{
    struct reread *reread =
        reread_open(retry->base, &retry->parking->config.amqp, retry->task->partition,
                    retry->wanted, retry->wanted_count, error);
    if (!reread)
        return RETRY_FAILED;
    enum retry_end end = try_all(retry, reread, error);
    reread_close(reread);
    step_clear(retry);
    return end;
}
