/*
 * record_tail.c: reads a partition's end, and farther back where that does not say enough.
 *
 * A record that went missing (a nack, a return) leaves a hole, and behind it what its recorder had
 * sent already. Such records chain among themselves; so it matters that the first record that is
 * read is not one of them. It is good if
 *
 * - it is the partition's first: retention took what was before it, or nothing was; or
 * - more records follow it without a break than one recorder can have sent behind a hole
 *   (recorder_lane.h), for the next one goes on before the hole, which is a break. Twice as many,
 *   because it may group them in another way, so that those that would break it could be missing,
 *   too.
 *
 * Else the reading begins again, farther back.
 */
#include "log/record_tail.h"

#include "base/hash.h"
#include "event/record.h"
#include "log/recorder_lane.h"

#include <event2/event.h>
#include <fanfold/stream_probe.h>
#include <fanfold/stream_reader.h>
#include <stdio.h>
#include <stdlib.h>

/* Large events make a few records many bytes. */
#define FIRST_SPAN 32
/* Sizes are counted in memory, where a record takes more than its event did. */
#define ENOUGH_RECORDS (2 * LANE_WINDOW + 1)
#define ENOUGH_BYTES   (2 * LANE_BYTES)
#define SILENCE_S      30

struct record_tail {
    struct event_base *base;
    const struct uri *uri;
    char *partition;
    void (*wake)(void *arg);
    void *arg;
    struct event *step; /* what the reader's hooks leave to do */
    struct event *silence;
    struct stream_reader *reader;
    uint64_t end;  /* offset of the partition's last record */
    uint64_t span; /* how far before it the reading begins */
    enum tail_state state;
    struct error error;
    struct tail_result result;

    /* Of this reading. */
    uint64_t delivered, records, bytes;
    uint64_t begin; /* offset of the first record in the partition */
    bool begun;     /* the first entry was there */
    bool broken;    /* the run from the first record on has ended */
    uint64_t run, run_bytes;
    bool at_end;
};

uint64_t record_print(const struct message *message)
{
    const struct str parts[] = {message->message_id,   message->type,           message->app_id,
                                message->content_type, message->correlation_id, message->body};
    return hash128_of(parts, sizeof parts / sizeof *parts).lo;
}

/* --- a record -------------------------------------------------------------------------- */

static void take_over(struct record_tail *tail, const struct message *entry)
{
    struct tail_result *result = &tail->result;
    result->next = entry->offset + 1;
    result->quiet = entry->mark ? entry->from : result->next;
    if (entry->mark)
        return;
    result->has_last = true;
    result->last_offset = entry->offset;
    result->last_print = record_print(entry);
}

static void take_entry(struct record_tail *tail, const struct message *entry)
{
    if (!tail->begun || record_place(entry, tail->result.next) == RECORD_NEXT)
        take_over(tail, entry);
    else
        tail->broken = true;
    tail->begun = true;
}

static void take_record(struct record_tail *tail, const struct message *record)
{
    struct record_reading reading = record_open(record);
    struct message *entry;
    for (; (entry = record_next(&reading)); message_free(entry))
        take_entry(tail, entry);
    if (!reading.ok)
        error_set(&tail->error, ERROR_CONFIG,
                  "\"%s\" holds a message at %llu that no recorder wrote, and nothing is recorded "
                  "behind it: give the log another number of \"partitions\", and run `fanfold "
                  "setup`",
                  tail->partition, (unsigned long long)record->record);
    tail->records++;
    tail->bytes += record->size;
    if (!tail->broken) {
        tail->run++;
        tail->run_bytes += record->size;
    }
}

static void on_message(void *arg, struct message *message)
{
    struct record_tail *tail = arg;
    if (tail->delivered++ == 0)
        tail->begin = message->record;
    if (message->record >= tail->end)
        tail->at_end = true;
    take_record(tail, message);
    message_free(message);
}

static void later(struct record_tail *tail)
{
    static const struct timeval at_once = {0, 0};
    event_add(tail->step, &at_once);
}

static void on_turn(void *arg)
{
    static const struct timeval silence = {SILENCE_S, 0};
    struct record_tail *tail = arg;
    stream_reader_acknowledge(tail->reader, tail->delivered);
    event_add(tail->silence, &silence);
    if (tail->at_end || tail->error.kind != ERROR_NONE)
        later(tail);
}

static void on_closed(void *arg, const struct error *why)
{
    struct record_tail *tail = arg;
    tail->error = *why;
    later(tail);
}

static void on_silence(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct record_tail *tail = arg;
    error_set(&tail->error, ERROR_UNAVAILABLE,
              "nothing came from the partition \"%s\" for %d s, though it has offset %llu",
              tail->partition, SILENCE_S, (unsigned long long)tail->end);
    later(tail);
}

/* --- readings -------------------------------------------------------------------------- */

static bool begin_reading(struct record_tail *tail)
{
    static const struct stream_reader_hooks hooks = {on_message, on_turn, on_closed};
    static const struct timeval silence = {SILENCE_S, 0};
    uint64_t from = tail->end > tail->span ? tail->end - tail->span : 0;
    tail->result = (struct tail_result){.empty = true, .read = tail->result.read};
    tail->delivered = tail->records = tail->bytes = tail->run = tail->run_bytes = 0;
    tail->begun = tail->broken = tail->at_end = false;
    tail->reader =
        stream_reader_open(tail->base, tail->uri, tail->partition,
                           (struct stream_start){STREAM_OFFSET, from}, &hooks, tail, &tail->error);
    event_add(tail->silence, &silence);
    return tail->reader;
}

/* Did the reading begin farther back than was asked for? Then there was no more: a segment roll
 * takes one offset. */
static bool is_whole(const struct record_tail *tail)
{
    return tail->end <= tail->span || tail->begin > tail->end - tail->span + 1;
}

static bool is_sure(const struct record_tail *tail)
{
    return is_whole(tail) || tail->run > ENOUGH_RECORDS || tail->run_bytes > ENOUGH_BYTES;
}

/* About as many records as are needed, by the size of those that were read. */
static void widen(struct record_tail *tail)
{
    uint64_t wanted = ENOUGH_RECORDS + FIRST_SPAN;
    uint64_t size = tail->records ? tail->bytes / tail->records : 0;
    if (size && 2 * ENOUGH_BYTES / size < wanted)
        wanted = 2 * ENOUGH_BYTES / size + 1;
    tail->span = 2 * tail->span > wanted ? 2 * tail->span : wanted;
}

static void finish(struct record_tail *tail, enum tail_state state)
{
    tail->state = state;
    event_del(tail->silence);
    tail->wake(tail->arg);
}

static void on_step(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct record_tail *tail = arg;
    stream_reader_close(tail->reader);
    tail->reader = NULL;
    tail->result.read += tail->delivered;
    tail->result.empty = tail->records == 0;
    if (tail->error.kind != ERROR_NONE) {
        finish(tail, TAIL_FAILED);
    } else if (is_sure(tail)) {
        finish(tail, TAIL_DONE);
    } else {
        widen(tail);
        if (!begin_reading(tail))
            finish(tail, TAIL_FAILED);
    }
}

struct record_tail *record_tail_open(struct event_base *base, const struct uri *uri,
                                     const char *partition, void (*wake)(void *arg), void *arg,
                                     struct error *error)
{
    struct stream_ends ends;
    if (!stream_probe_last(uri, partition, UINT64_MAX, &ends, error))
        return NULL;
    struct record_tail *tail = must_calloc(1, sizeof *tail);
    *tail = (struct record_tail){.base = base, .uri = uri, .wake = wake, .arg = arg};
    tail->partition = must_strdup(partition);
    tail->step = evtimer_new(base, on_step, tail);
    tail->silence = evtimer_new(base, on_silence, tail);
    if (!tail->step || !tail->silence)
        abort(); /* out of memory */
    tail->end = ends.last_record;
    tail->span = FIRST_SPAN;
    tail->result.empty = true;
    if (!ends.covered) {
        tail->state = TAIL_DONE;
    } else if (!begin_reading(tail)) {
        *error = tail->error;
        record_tail_close(tail);
        return NULL;
    }
    return tail;
}

enum tail_state record_tail_state(const struct record_tail *tail)
{
    return tail->state;
}

const struct tail_result *record_tail_result(const struct record_tail *tail)
{
    return &tail->result;
}

const struct error *record_tail_error(const struct record_tail *tail)
{
    return &tail->error;
}

void record_tail_close(struct record_tail *tail)
{
    if (!tail)
        return;
    stream_reader_close(tail->reader);
    event_free(tail->step);
    event_free(tail->silence);
    free(tail->partition);
    free(tail);
}
