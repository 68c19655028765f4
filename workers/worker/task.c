/*
 * task.c: see task.h. The callbacks of the store record; what follows is decided in task_turn and
 * by the process at the end of its turn.
 */
#include "worker/task.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/partitions.h"
#include "worker/feed.h"
#include "worker/task_parts.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BACKOFF_MIN_MS 200
#define BACKOFF_MAX_MS 10000
/* With more failures in a row than these it does not let the other tasks on its feed wait. */
#define FAILURES_SHARED 2
/* Records that a recorder repeats after a crash are about as many as it had under way (should there
 * be more, the feed notices, and reads all). */
#define REPEATS_MAX 1024

struct task *task_new(struct host *host, const struct role *role, struct definition *definition,
                      size_t log, size_t partition)
{
    struct task *task = must_calloc(1, sizeof *task);
    task->host = host;
    task->role = role;
    task->definition = definition_use(definition);
    task->view = definition->view;
    task->log = &definition->logs[log];
    task->partition = log_partition(task->log, partition);
    definition_epoch(definition, 1, task->epoch);
    batcher_init(&task->batcher, task->view, task->partition, task->epoch);
    task->intake = log_intake(task->log);
    task->batcher.origin = task->intake;
    partition_keys_init(&task->keys, task->log);
    task->batcher.role = role;
    task->wants_aside = role->aside_of;
    task->batcher.definition = role->row_prefix[0] ? NULL : definition->text;
    return task;
}

void task_free(struct task *task)
{
    if (!task)
        return;
    assert(task_is_idle(task) && !task->feed);
    batcher_release(&task->batcher);
    batch_release(&task->batch);
    set_aside_release(&task->aside);
    partition_keys_release(&task->keys);
    moved_release(&task->moved);
    definition_drop(task->definition);
    free(task->partition);
    free(task->intake);
    free(task);
}

const char *task_status_name(enum task_status status)
{
    static const char *const names[] = {"idle",    "connecting", "recovering", "streaming",
                                        "backoff", "stopped",    "draining"};
    return names[status];
}

/* The one way to another status. The same status with the same reason says nothing twice. */
void task_enter(struct task *task, enum task_status status, const char *why)
{
    char reason[sizeof task->reason];
    error_fit(reason, sizeof reason, why);
    static const uint8_t allowed[] = {
        [TASK_IDLE] = 1 << TASK_CONNECTING,
        [TASK_CONNECTING] =
            1 << TASK_RECOVERING | 1 << TASK_BACKOFF | 1 << TASK_STOPPED | 1 << TASK_DRAINING,
        [TASK_RECOVERING] =
            1 << TASK_STREAMING | 1 << TASK_BACKOFF | 1 << TASK_STOPPED | 1 << TASK_DRAINING,
        [TASK_STREAMING] = 1 << TASK_BACKOFF | 1 << TASK_STOPPED | 1 << TASK_DRAINING,
        [TASK_BACKOFF] =
            1 << TASK_BACKOFF | 1 << TASK_RECOVERING | 1 << TASK_STOPPED | 1 << TASK_DRAINING,
        [TASK_STOPPED] = 1 << TASK_BACKOFF | 1 << TASK_DRAINING,
        [TASK_DRAINING] = 1 << TASK_IDLE,
    };
    assert(allowed[task->status] & 1 << status);
    if (task->status == status && strcmp(task->reason, reason) == 0)
        return;
    void (*say)(const char *, ...) = status == TASK_STOPPED   ? log_error
                                     : status == TASK_BACKOFF ? log_warning
                                                              : log_info;
    say("%s on %s: %s -> %s%s%s", task->role->name, task->partition, task_status_name(task->status),
        task_status_name(status), *reason ? ": " : "", reason);
    task->status = status;
    task->since_ms = clock_wall_ms();
    memcpy(task->reason, reason, sizeof reason);
}

/* False: the same trouble again, after a try; it goes on since its beginning. */
static bool note_trouble(struct task *task, enum trouble trouble)
{
    int64_t now = clock_wall_ms();
    bool was_well = task->status == TASK_STREAMING && now - task->since_ms > BACKOFF_MAX_MS;
    if (trouble == task->trouble && !was_well)
        return false;
    task->trouble = trouble;
    task->trouble_ms = now;
    return true;
}

bool task_awaits(const struct task *task)
{
    return task->in_flight || task->reading;
}

void task_clear_pipeline(struct task *task)
{
    task->stale = task_awaits(task);
    task->loaded = false;
    task->halting = task->held = task->refolds = task->cut = false;
    task->passed = 0;
    batcher_forget_rows(&task->batcher);
    batch_clear(&task->batch);
}

void task_detach(struct task *task)
{
    if (task->feed)
        feed_leave(task->feed, task);
    task->feed = NULL;
}

void task_begin(struct task *task)
{
    task->failures = 0;
    task->trouble = TROUBLE_NONE;
    task->has_limit = false;
    task->held_since = 0;
    task->reads_all = false;
    memcpy(task->batcher.epoch, task->epoch, sizeof task->epoch);
    task_enter(task, TASK_CONNECTING, "");
    host_wake(task->host);
}

void task_end(struct task *task, const char *why)
{
    if (task->status == TASK_IDLE || task->status == TASK_DRAINING)
        return;
    task_detach(task);
    task_clear_pipeline(task);
    task_enter(task, TASK_DRAINING, why);
    host_wake(task->host);
}

bool task_is_idle(const struct task *task)
{
    return task->status == TASK_IDLE;
}

bool task_runs(const struct task *task)
{
    return task->status != TASK_IDLE && task->status != TASK_STOPPED &&
           task->status != TASK_DRAINING;
}

bool task_settle(struct task *task)
{
    if (task->status != TASK_DRAINING || task_awaits(task) || task->loading)
        return false;
    task_enter(task, TASK_IDLE, "");
    return true;
}

void task_retry(struct task *task)
{
    if (task->status != TASK_STOPPED)
        return;
    task->retry_at = 0;
    task->recent = (struct recent){0};
    task_enter(task, TASK_BACKOFF, "trying again");
    host_wake(task->host);
}

void task_reload(struct task *task)
{
    if (task->status == TASK_STREAMING || task->status == TASK_RECOVERING) {
        task->retry_at = 0;
        task_clear_pipeline(task);
        task_enter(task, TASK_BACKOFF, "a new connection to Redis: loading the position");
    }
    task->loaded = false;
    host_wake(task->host);
}

/* Tries again after a while that doubles with each failure in a row. */
void task_fail(struct task *task, enum trouble trouble, const char *why)
{
    bool is_new = note_trouble(task, trouble);
    if (task->status == TASK_STREAMING && clock_wall_ms() - task->since_ms > BACKOFF_MAX_MS)
        task->failures = 0;
    int64_t delay = BACKOFF_MIN_MS << (task->failures < 6 ? task->failures : 6);
    if (delay > BACKOFF_MAX_MS)
        delay = BACKOFF_MAX_MS;
    task->failures++;
    task->retry_at =
        clock_monotonic_ms() + delay / 2 + (int64_t)(clock_random() % (uint64_t)(delay / 2));
    /* What it has not committed holds back the credit of all tasks on its feed. */
    if (task->feed && task->failures > FAILURES_SHARED && feed_is_shared(task->feed))
        task_detach(task);
    task_clear_pipeline(task);
    /* How a connection fails changes from try to try (lost, refused); that is no news. */
    if (!is_new && task->status == TASK_BACKOFF && trouble == TROUBLE_BROKER)
        error_fit(task->reason, sizeof task->reason, why);
    else
        task_enter(task, TASK_BACKOFF, why);
    host_wake(task->host);
}

void task_lost_feed(struct task *task, const struct error *why)
{
    task->feed = NULL;
    if (task->status == TASK_STOPPED || task->status == TASK_DRAINING || task->status == TASK_IDLE)
        return;
    task_fail(task, trouble_of_log(why->kind), why->text);
}

void task_stop(struct task *task, enum trouble trouble, const char *format, ...)
{
    struct error why;
    va_list args;
    va_start(args, format);
    error_vset(&why, ERROR_NO, format, args);
    va_end(args);
    note_trouble(task, trouble);
    task_detach(task);
    task_clear_pipeline(task);
    task_enter(task, TASK_STOPPED, why.text);
    host_wake(task->host);
}

/* --- position -------------------------------------------------------------------------- */

static uint64_t reach_of(const struct task *task)
{
    uint64_t reach = task->log->dedupe_window;
    return reach < FINGERPRINT_REACH ? FINGERPRINT_REACH : reach;
}

uint64_t task_needs(const struct task *task)
{
    return task->moved.low > task->begins ? task->moved.low : task->begins;
}

uint64_t task_start(const struct task *task)
{
    uint64_t reach = reach_of(task);
    uint64_t next = task->committed.epoch[0] ? task->committed.offset : task->moved.low;
    return next < task->begins + reach ? task->begins : next - reach;
}

uint64_t task_start_record(const struct task *task)
{
    uint64_t reach = reach_of(task) + REPEATS_MAX;
    if (!log_is_recorded(task->log))
        return task_start(task);
    return task->reads_all || task->record < reach ? 0 : task->record - reach;
}

static void streaming(struct task *task)
{
    task->verified = true;
    if (task->status != TASK_STREAMING)
        task_enter(task, TASK_STREAMING, "");
}

void task_attached(struct task *task, struct feed *feed, uint64_t next)
{
    task->feed = feed;
    task->next = next;
    task->loaded = false;
    if (task->status == TASK_STREAMING)
        return; /* moved from another feed */
    task_enter(task, TASK_RECOVERING, "");
    if (task->verified)
        streaming(task);
}

/* --- fold ------------------------------------------------------------------------------ */

bool task_takes(const struct task *task)
{
    return (task->status == TASK_STREAMING || task->status == TASK_RECOVERING) && !task->stale &&
           !task->halting && !task->held && !task->refolds && !task->cut && !task->reading &&
           !batch_is_full(&task->batch);
}

/* The stored position was reached: is this the log that it was made from? */
static void verify(struct task *task, const struct delivery *delivery)
{
    const struct position *committed = &task->committed;
    if (delivery->offset < committed->offset)
        return;
    if (delivery->offset > committed->offset)
        task_stop(task, TROUBLE_LOG_OTHER,
                  "the log has no event at offset %llu, where this view stands (the next one is "
                  "%llu): it "
                  "is not the log that the view was folded from",
                  (unsigned long long)committed->offset, (unsigned long long)delivery->offset);
    else if (delivery->fingerprint != committed->fingerprint)
        task_stop(task, TROUBLE_LOG_OTHER,
                  "the events up to offset %llu are not those that this view was folded from "
                  "(fingerprint %016llx, stored %016llx): the log was deleted and made again, or "
                  "lost its end",
                  (unsigned long long)committed->offset, (unsigned long long)delivery->fingerprint,
                  (unsigned long long)committed->fingerprint);
    else
        streaming(task);
}

static bool has_batch(const struct task *task)
{
    return !position_eq(&task->batcher.position, &task->batch.from);
}

bool task_is_quiet(const struct task *task)
{
    return task->status == TASK_STREAMING && !task_awaits(task) && !has_batch(task);
}

/* The events that were parked in the batch that collects, and wait for nothing: they failed. */
static const struct parked_event *failure_of(const struct batch *batch, uint64_t offset)
{
    const struct parked_event *last =
        batch->parked_count ? &batch->parked[batch->parked_count - 1] : NULL;
    return last && last->offset == offset && !last->waits ? last : NULL;
}

/* Notes how the event did that was folded last. When half of the recent ones have failed, what is
 * folded so far goes in, and the view stops: the fault is not theirs. */
static void judge(struct task *task, uint64_t offset)
{
    const struct parked_event *failure = failure_of(&task->batch, offset);
    if (task->role->strict)
        return; /* it stops at the first */
    recent_note(&task->recent, offset, failure);
    if (!failure || !recent_is_bad(&task->recent))
        return;
    task->halting = true;
    task->halt_trouble = TROUBLE_FAILING;
    error_set(&task->halt, ERROR_NO,
              "%zu of the last %zu events could not be folded (offsets %llu to %llu), so it stops "
              "rather than park them all. The last one: %.*s",
              task->recent.failed, recent_held(&task->recent),
              (unsigned long long)recent_first_failed(&task->recent), (unsigned long long)offset,
              (int)(failure->reason.len < 200 ? failure->reason.len : 200), failure->reason.at);
}

/* What collects must go before more is folded. False: not yet; the event comes again. */
static bool send_first(struct task *task)
{
    task->cut = true;
    task_turn(task);
    return !task->cut;
}

/* The event needs rows, and comes again when they are there, or when the batch is sent that changes
 * them. */
static void want_rows(struct task *task)
{
    if (batcher_must_send(&task->batcher)) {
        if (!has_batch(task)) { /* it is rows that take too much: they go */
            batcher_open(&task->batcher, &task->batch);
            host_wake(task->host);
            return;
        }
        if (!send_first(task))
            return;
    }
    task_read(task);
}

/* By the partitions that the view was folded by formerly. */
static bool was_folded_before(struct task *task, const struct delivery *delivery)
{
    return delivery->offset < task->moved.high &&
           moved_has(&task->moved, delivery->offset,
                     partition_keys_hash(&task->keys, delivery->message));
}

void task_take(struct task *task, const struct delivery *delivery)
{
    if (task->has_limit && delivery->offset > task->limit) {
        task_hold(task);
        return;
    }
    if (!task->verified) {
        task->next++;
        verify(task, delivery);
        return;
    }
    const struct position *position = &task->batcher.position;
    if ((position->epoch[0] ? delivery->offset <= position->offset
                            : delivery->offset < task->begins) ||
        was_folded_before(task, delivery)) {
        task->next++;
        task->passed = delivery->offset + 1;
        return;
    }
    if (!batch_reaches(&task->batch, delivery->offset) && !send_first(task))
        return;
    struct error why = {0};
    struct tally before = task->batcher.tally;
    enum batcher_answer answer = batcher_fold(&task->batcher, delivery, &task->batch, &why);
    if (answer == BATCHER_READS) {
        want_rows(task);
        return;
    }
    if (answer == BATCHER_STOPS && task_may_be_set_aside(task, delivery->offset))
        return;
    task->next++;
    if (answer == BATCHER_STOPS) {
        task->halting = true;
        task->halt = why;
        task->halt_trouble = task->role->strict ? TROUBLE_STRICT : TROUBLE_EVENT;
        task_turn(task);
        return;
    }
    const struct tally *after = &task->batcher.tally;
    if (after->skipped > before.skipped && why.text[0])
        log_warning("%s on %s: skipped: %s", task->role->name, task->partition, why.text);
    if (after->folded > before.folded || after->parked > before.parked)
        judge(task, delivery->offset);
    task->taken++;
    if (batch_is_full(&task->batch) || task->halting)
        task_turn(task);
}

bool task_is_past(const struct task *task, uint64_t offset)
{
    return (task->committed.epoch[0] && offset <= task->committed.offset) ||
           (offset < task->passed && !task_awaits(task) && !has_batch(task));
}

/* --- commit ---------------------------------------------------------------------------- */

void task_go_on(struct task *task)
{
    task_turn(task);
    if (task->feed)
        feed_turn(task->feed);
}

static void committed(struct task *task, const struct position *to, uint64_t record)
{
    task->committed = *to;
    task->record = record;
    task->held_since = 0;
    task->failures = 0;
    task->trouble = TROUBLE_NONE;
    task_go_on(task);
}

void task_conflict(struct task *task)
{
    task->host->tick_wanted = true;
    task_fail(task, TROUBLE_CONFLICT,
              "the stored position is another: somebody else commits, or Redis went back");
}

/* The script refused an event: it parks when it is folded again, at once. */
static void refused(struct task *task, const struct pending *batch,
                    const struct commit_result *result)
{
    batcher_refuse(&task->batcher, batch->base + result->event, result->reason);
    task_clear_pipeline(task);
    task->retry_at = 0;
    task_enter(task, TASK_BACKOFF, "folding again without an event that cannot be folded");
    host_wake(task->host);
}

static void answer(struct task *task, const struct pending *batch,
                   const struct commit_result *result)
{
    switch (result->outcome) {
    case COMMIT_OK:
    case COMMIT_ALREADY:
        committed(task, &batch->to, batch->record);
        return;
    case COMMIT_REFUSED:
        refused(task, batch, result);
        return;
    case COMMIT_FOREIGN:
        task_stop(task, TROUBLE_FOREIGN, "foreign data: %s", result->reason);
        return;
    case COMMIT_CONFLICT:
    case COMMIT_STALE:
        task_conflict(task);
        return;
    case COMMIT_FROZEN:
        task_frozen(task, result);
        return;
    case COMMIT_FAILED:
        task_fail(task, trouble_of_redis(result->reason), result->reason);
        return;
    case COMMIT_UNKNOWN:
        task->host->tick_wanted = true;
        task_fail(task, TROUBLE_REDIS, "no answer from Redis");
        return;
    }
}

bool task_is_current(struct task *task)
{
    if (!task->stale)
        return true;
    task->stale = task_awaits(task);
    host_wake(task->host);
    return false;
}

static void on_commit(void *arg, const struct commit_result *result)
{
    struct task *task = arg;
    struct pending batch = task->pending[0];
    task->in_flight--;
    memmove(&task->pending[0], &task->pending[1], task->in_flight * sizeof task->pending[0]);
    if (task_is_current(task))
        answer(task, &batch, result);
}

void task_turn(struct task *task)
{
    if (task->halting && task_is_quiet(task)) {
        task_stop(task, task->halt_trouble, "%s", task->halt.text);
        return;
    }
    if (task->status != TASK_STREAMING || task->stale || !has_batch(task))
        return;
    bool room = task->in_flight == 0 ||
                (task->in_flight < TASK_PIPELINE && (task->cut || batch_is_full(&task->batch)));
    if (!room)
        return;
    batcher_close(&task->batcher, &task->batch);
    struct pending *pending = &task->pending[task->in_flight++];
    pending->to = task->batch.to;
    pending->record = task->batch.record;
    pending->base = batch_event_offset(&task->batch, 0);
    task->cut = false;
    store_commit(task->host->store, &task->batch, on_commit, task);
    batcher_open(&task->batcher, &task->batch);
}
