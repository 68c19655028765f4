/*
 * recorder.c: from the lock to recording, and back to the start when something fails.
 *
 * One step a turn, so that the lock's heartbeats are served between two calls that block.
 */
#include <fanfold/recorder.h>

#include "base/clock.h"
#include "base/partitions.h"
#include "log/recorder_lock.h"
#include "log/recording.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STANDBY_MS     1000
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000
/* What has worked for so long was no failure at once: the outage is over. */
#define STABLE_MS 2000

enum phase { PHASE_LOCK, PHASE_STANDBY, PHASE_TAILS, PHASE_CONNECT, PHASE_RECORD };

struct recorder {
    struct event_base *base;
    const struct uri *uri;
    const struct log_config *log;
    struct recorder_hooks hooks;
    void *arg;
    char *queue; /* of the lock */
    struct event *turn;
    enum phase phase;

    struct recorder_lock *lock;
    struct record_tail *tail; /* of partition tails_read */
    size_t tails_read;
    uint64_t tail_records; /* that were read for it */
    struct recording recording;
    bool has_recording;
    struct recorder_totals before; /* of former recordings */

    int64_t began_ms; /* monotonic: when it began to record */
    bool said_recording, said_standby, said_blocked;
    struct error said; /* of the outage that has not ended; kind is ERROR_NONE: there is none */
    int tries;
};

static void turn_in(struct recorder *recorder, int64_t ms)
{
    struct timeval delay = {ms / 1000, ms % 1000 * 1000};
    event_add(recorder->turn, &delay);
}

static void wake(void *arg)
{
    turn_in(arg, 0);
}

static void say(struct recorder *recorder, enum recorder_state state, const char *text)
{
    recorder->hooks.changed(recorder->arg, state, text);
}

/* --- failing --------------------------------------------------------------------------- */

static void add_totals(struct recorder_totals *totals, const struct recording *recording)
{
    totals->recorded += recording->recorded;
    totals->skipped += recording->skipped;
    totals->marks += recording->marks;
}

static void stop(struct recorder *recorder)
{
    if (recorder->has_recording) {
        add_totals(&recorder->before, &recorder->recording);
        recording_release(&recorder->recording);
    }
    recorder->has_recording = false;
    record_tail_close(recorder->tail);
    recorder->tail = NULL;
    recorder_lock_close(recorder->lock);
    recorder->lock = NULL;
}

/* The words for an outage change from try to try (refused, reset, closed), the matter does not. */
static bool is_news(const struct recorder *recorder, const struct error *why)
{
    return recorder->said.kind != why->kind ||
           (why->kind != ERROR_UNAVAILABLE && strcmp(recorder->said.text, why->text) != 0);
}

/* Full jitter: recorders that lost the same broker do not come back together. */
static void fail(struct recorder *recorder, const struct error *why)
{
    struct error error = *why; /* it may be what is freed now */
    stop(recorder);
    if (is_news(recorder, &error)) {
        recorder->said = error;
        say(recorder, RECORDER_FAILED, error.text);
    }
    int64_t limit = BACKOFF_MIN_MS;
    for (int i = 0; i < recorder->tries && limit < BACKOFF_MAX_MS; i++)
        limit *= 2;
    if (limit > BACKOFF_MAX_MS)
        limit = BACKOFF_MAX_MS;
    recorder->tries++;
    recorder->phase = PHASE_LOCK;
    recorder->said_recording = recorder->said_blocked = false;
    turn_in(recorder, BACKOFF_MIN_MS / 2 + (int64_t)(clock_random() % (uint64_t)limit));
}

static void recover(struct recorder *recorder)
{
    recorder->said.kind = ERROR_NONE;
    recorder->tries = 0;
}

/* --- the steps ------------------------------------------------------------------------- */

/* Each returns false with the reason when all begins again. */

static bool take_lock(struct recorder *recorder, struct error *error)
{
    if (!recorder->lock)
        recorder->lock = recorder_lock_open(recorder->base, recorder->uri, recorder->queue, wake,
                                            recorder, error);
    if (!recorder->lock)
        return false;
    switch (recorder_lock_take(recorder->lock, error)) {
    case LOCK_TAKEN:
        recorder->phase = PHASE_TAILS;
        recorder->said_standby = false;
        recorder->tails_read = 0;
        recorder->tail_records = 0;
        recording_init(&recorder->recording, recorder->base, recorder->uri, recorder->log, wake,
                       recorder);
        recorder->has_recording = true;
        turn_in(recorder, 0);
        return true;
    case LOCK_BUSY:
        recover(recorder);
        if (!recorder->said_standby)
            say(recorder, RECORDER_STANDBY, "another recorder is at work; standing by");
        recorder->said_standby = true;
        recorder->phase = PHASE_STANDBY;
        turn_in(recorder, STANDBY_MS);
        return true;
    case LOCK_FAILED:
        break;
    }
    return false;
}

static bool open_tail(struct recorder *recorder, struct error *error)
{
    char *partition = log_partition(recorder->log, recorder->tails_read);
    recorder->tail =
        record_tail_open(recorder->base, recorder->uri, partition, wake, recorder, error);
    free(partition);
    return recorder->tail;
}

static bool read_tails(struct recorder *recorder, struct error *error)
{
    if (!recorder->tail && !open_tail(recorder, error))
        return false;
    switch (record_tail_state(recorder->tail)) {
    case TAIL_READING:
        return true;
    case TAIL_FAILED:
        *error = *record_tail_error(recorder->tail);
        return false;
    case TAIL_DONE:
        break;
    }
    const struct tail_result *result = record_tail_result(recorder->tail);
    recording_found(&recorder->recording, recorder->tails_read, result);
    recorder->tail_records += result->read;
    record_tail_close(recorder->tail);
    recorder->tail = NULL;
    if (++recorder->tails_read == (size_t)recorder->log->partitions)
        recorder->phase = PHASE_CONNECT;
    turn_in(recorder, 0);
    return true;
}

static bool connect_next(struct recorder *recorder, struct error *error)
{
    if (!recording_connect(&recorder->recording, error))
        return false;
    if (recording_is_connected(&recorder->recording)) {
        recorder->phase = PHASE_RECORD;
        recorder->began_ms = clock_monotonic_ms();
        recorder->before.begun++;
    }
    turn_in(recorder, 0);
    return true;
}

static void say_recording(struct recorder *recorder)
{
    char text[256];
    snprintf(text, sizeof text,
             "recording into %d partitions, from offset %llu on (%llu records were read for that)",
             recorder->log->partitions, (unsigned long long)recorder->recording.start,
             (unsigned long long)recorder->tail_records);
    say(recorder, RECORDER_RECORDING, text);
    recorder->said_recording = true;
    recover(recorder);
}

static void say_blocked(struct recorder *recorder, const char *partition)
{
    char text[512];
    if (partition)
        snprintf(text, sizeof text, "the broker takes no messages for now (an alarm); \"%s\" waits",
                 partition);
    say(recorder, partition ? RECORDER_BLOCKED : RECORDER_RECORDING,
        partition ? text : "the broker takes messages again");
    recorder->said_blocked = partition;
}

/* After an outage, "recording" is said when it is likely to last. */
static bool record(struct recorder *recorder, struct error *error)
{
    struct recording *recording = &recorder->recording;
    if (!recording_turn(recording, error))
        return false;
    bool lasts = recording->acknowledged || clock_monotonic_ms() - recorder->began_ms >= STABLE_MS;
    if (!recorder->said_recording && (recorder->said.kind == ERROR_NONE || lasts))
        say_recording(recorder);
    if (!recorder->said_recording)
        turn_in(recorder, STABLE_MS); /* a quiet log wakes nobody */
    if (recorder->said_blocked != (recording->blocked != NULL))
        say_blocked(recorder, recording->blocked);
    return true;
}

static bool step(struct recorder *recorder, struct error *error)
{
    switch (recorder->phase) {
    case PHASE_LOCK:
    case PHASE_STANDBY:
        return take_lock(recorder, error);
    case PHASE_TAILS:
        return read_tails(recorder, error);
    case PHASE_CONNECT:
        return connect_next(recorder, error);
    case PHASE_RECORD:
        return record(recorder, error);
    }
    return true;
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct recorder *recorder = arg;
    struct error error;
    const struct error *lost = recorder->lock ? recorder_lock_lost(recorder->lock) : NULL;
    if (lost)
        fail(recorder, lost);
    else if (!step(recorder, &error))
        fail(recorder, &error);
}

struct recorder *recorder_new(struct event_base *base, const struct uri *uri,
                              const struct log_config *log, const struct recorder_hooks *hooks,
                              void *arg)
{
    struct recorder *recorder = must_calloc(1, sizeof *recorder);
    *recorder =
        (struct recorder){.base = base, .uri = uri, .log = log, .hooks = *hooks, .arg = arg};
    recorder->queue = log_recorder_queue(log);
    recorder->turn = evtimer_new(base, on_turn, recorder);
    if (!recorder->turn)
        abort(); /* out of memory */
    turn_in(recorder, 0);
    return recorder;
}

struct recorder_totals recorder_totals(const struct recorder *recorder)
{
    struct recorder_totals totals = recorder->before;
    if (recorder->has_recording)
        add_totals(&totals, &recorder->recording);
    return totals;
}

void recorder_free(struct recorder *recorder)
{
    if (!recorder)
        return;
    stop(recorder);
    event_free(recorder->turn);
    free(recorder->queue);
    free(recorder);
}
