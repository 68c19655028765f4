/*
 * recording.c: see recording.h.
 *
 * Callbacks record and wake the owner; recording_turn() sends, acknowledges and gives up.
 */
#include "log/recording.h"

#include "base/clock.h"
#include "base/partitions.h"

#include <fanfold/stream_probe.h>
#include <fanfold/stream_reader.h>
#include <stdio.h>
#include <stdlib.h>

/* A lane that got nothing gets a mark, so that neither a restart nor retention of the intake finds
 * it far behind: after so many offsets, or after so long where it is behind at all. */
#define MARK_OFFSETS 10000
#define MARK_MS      (10 * 60 * 1000)
/* Fewer are acknowledged only when nothing is left. */
#define ACKNOWLEDGE_MIN 200

void recording_init(struct recording *recording, struct event_base *base, const struct uri *uri,
                    const struct log_config *log, void (*wake)(void *arg), void *arg)
{
    *recording = (struct recording){.base = base, .uri = uri, .log = log, .wake = wake, .arg = arg};
    recording->intake = log_intake(log);
    partition_keys_init(&recording->keys, log);
    recording->lane_count = (size_t)log->partitions;
    recording->lanes = must_calloc(recording->lane_count, sizeof *recording->lanes);
    for (size_t i = 0; i < recording->lane_count; i++)
        lane_init(&recording->lanes[i], log, i, wake, arg);
}

void recording_found(struct recording *recording, size_t i, const struct tail_result *result)
{
    struct lane *lane = &recording->lanes[i];
    lane->fresh = result->empty;
    lane->next = lane->sent = result->next;
    lane->quiet = result->quiet;
    lane->has_last = result->has_last;
    lane->last_offset = result->last_offset;
    lane->last_print = result->last_print;
}

/* --- where the reading begins ---------------------------------------------------------- */

/* Empty partitions begin where the intake does. */
static void begin_fresh(struct recording *recording, uint64_t first)
{
    for (size_t i = 0; i < recording->lane_count; i++)
        if (recording->lanes[i].fresh)
            recording->lanes[i].next = recording->lanes[i].sent = recording->lanes[i].quiet = first;
}

static void find_bounds(const struct recording *recording, uint64_t *lowest, uint64_t *highest)
{
    *lowest = UINT64_MAX;
    *highest = 0;
    for (size_t i = 0; i < recording->lane_count; i++) {
        uint64_t next = recording->lanes[i].next;
        *lowest = next < *lowest ? next : *lowest;
        *highest = next > *highest ? next : *highest;
    }
}

static bool say_cut(const struct recording *recording, uint64_t missing, uint64_t first,
                    struct error *error)
{
    return error_set(error, ERROR_CONFIG,
                     "retention removed events of \"%s\" before they were recorded: offset %llu is "
                     "gone, the log now begins at %llu; nothing is recorded with a hole: give the "
                     "log another number of \"partitions\", run `fanfold setup`, and rebuild its "
                     "views with --from-retained",
                     recording->intake, (unsigned long long)missing, (unsigned long long)first);
}

static bool say_short(const struct recording *recording, uint64_t recorded, struct stream_ends ends,
                      struct error *error)
{
    char end[64] = "is empty";
    if (!ends.empty)
        snprintf(end, sizeof end, "ends at offset %llu", (unsigned long long)ends.last);
    return error_set(error, ERROR_CONFIG,
                     "\"%s\" %s, but it was recorded up to offset %llu: the log was deleted and "
                     "declared again, or the broker lost its end; give the log another number of "
                     "\"partitions\", run `fanfold setup`, and rebuild its views",
                     recording->intake, end, (unsigned long long)recorded);
}

/* The reading may begin with the last recorded event, to see that it is the intake's. */
static bool find_start(struct recording *recording, struct error *error)
{
    struct stream_ends ends = {.empty = true};
    uint64_t lowest, highest;
    if (!stream_probe_first(recording->uri, recording->intake, &ends, error))
        return false;
    uint64_t first = ends.empty ? 0 : ends.first;
    begin_fresh(recording, first);
    find_bounds(recording, &lowest, &highest);
    if (!ends.empty && !stream_probe_last(recording->uri, recording->intake, highest, &ends, error))
        return false;
    if (highest > (ends.empty ? 0 : ends.last + 1))
        return say_short(recording, highest - 1, ends, error);
    if (lowest < first)
        return say_cut(recording, lowest, first, error);
    recording->expected = lowest;
    recording->known = highest;
    recording->start = lowest > first ? lowest - 1 : lowest;
    return true;
}

/* --- a message of the intake ----------------------------------------------------------- */

/* Offsets were not delivered. Segment rolls take one, so that alone says nothing; but a reader that
 * is overtaken by retention is not told (FACTS 0.3). */
static bool check_gap(struct recording *recording, uint64_t offset)
{
    struct stream_ends ends;
    uint64_t expected = recording->expected;
    if (offset <= expected + 1)
        return true;
    if (!stream_probe_first(recording->uri, recording->intake, &ends, &recording->failed))
        return false;
    return (!ends.empty && ends.first <= expected) ||
           say_cut(recording, expected, ends.empty ? offset : ends.first, &recording->failed);
}

/* Where a partition has its last event from, the intake must have the same one. */
static bool check_same(struct recording *recording, const struct lane *its,
                       const struct message *message)
{
    for (size_t i = 0; i < recording->lane_count; i++) {
        const struct lane *lane = &recording->lanes[i];
        if (!lane->has_last || lane->last_offset != message->offset ||
            (lane == its && lane->last_print == record_print(message)))
            continue;
        return error_set(&recording->failed, ERROR_CONFIG,
                         "\"%s\" has another event at offset %llu than was recorded from there in "
                         "\"%s\": the log was deleted and declared again, or the broker lost its "
                         "end; give the log another number of \"partitions\", run `fanfold setup`, "
                         "and rebuild its views",
                         recording->intake, (unsigned long long)message->offset, lane->partition);
    }
    return true;
}

static void pass_on(struct recording *recording, struct message *message)
{
    uint64_t hash = partition_keys_hash(&recording->keys, message);
    struct lane *lane = &recording->lanes[hash % recording->lane_count];
    bool known = message->offset < recording->known;
    if (known && !check_same(recording, lane, message)) {
        message_free(message);
    } else if (message->offset < lane->next) {
        recording->skipped++;
        message_free(message);
    } else {
        lane_push(lane, message, recording->delivered);
        recording->recorded++;
    }
}

static void on_message(void *arg, struct message *message)
{
    struct recording *recording = arg;
    recording->delivered++;
    if (recording->failed.kind != ERROR_NONE || !check_gap(recording, message->offset)) {
        message_free(message);
        return;
    }
    if (message->offset >= recording->expected)
        recording->expected = message->offset + 1;
    pass_on(recording, message);
}

static void bound_memory(struct recording *recording)
{
    size_t held = 0;
    for (size_t i = 0; i < recording->lane_count; i++)
        held += recording->lanes[i].held;
    if (held > RECORDING_BUDGET && !recording->paused)
        stream_reader_pause(recording->reader);
    else if (held <= RECORDING_BUDGET / 2 && recording->paused)
        stream_reader_resume(recording->reader);
    else
        return;
    recording->paused = !recording->paused;
}

/* The next burst may come before the owner's turn. */
static void on_turn(void *arg)
{
    struct recording *recording = arg;
    bound_memory(recording);
    recording->wake(recording->arg);
}

static void on_closed(void *arg, const struct error *why)
{
    struct recording *recording = arg;
    if (recording->failed.kind == ERROR_NONE)
        recording->failed = *why;
    recording->wake(recording->arg);
}

/* --- connecting ------------------------------------------------------------------------ */

bool recording_is_connected(const struct recording *recording)
{
    return recording->reader;
}

bool recording_connect(struct recording *recording, struct error *error)
{
    static const struct stream_reader_hooks hooks = {on_message, on_turn, on_closed};
    if (recording->lanes_open < recording->lane_count) {
        struct lane *lane = &recording->lanes[recording->lanes_open];
        if (!lane_open(lane, recording->base, recording->uri, error))
            return false;
        recording->lanes_open++;
        return true;
    }
    if (!find_start(recording, error))
        return false;
    recording->reader = stream_reader_open(recording->base, recording->uri, recording->intake,
                                           (struct stream_start){STREAM_OFFSET, recording->start},
                                           &hooks, recording, error);
    return recording->reader;
}

/* --- the turn -------------------------------------------------------------------------- */

static bool find_failure(struct recording *recording, struct error *error)
{
    if (recording->failed.kind != ERROR_NONE) {
        *error = recording->failed;
        return true;
    }
    for (size_t i = 0; i < recording->lane_count; i++) {
        if (recording->lanes[i].failed.kind != ERROR_NONE) {
            *error = recording->lanes[i].failed;
            return true;
        }
    }
    return false;
}

static void add_mark(struct recording *recording, struct lane *lane)
{
    struct message mark = {.mark = true, .offset = recording->expected - 1, .body = STR("")};
    lane_push(lane, message_new(&mark), recording->delivered);
    recording->marks++;
}

static void add_marks(struct recording *recording)
{
    int64_t now = clock_monotonic_ms();
    for (size_t i = 0; i < recording->lane_count; i++) {
        struct lane *lane = &recording->lanes[i];
        if (lane->next >= recording->expected)
            continue;
        if (recording->expected - lane->next >= MARK_OFFSETS || now - lane->moved_ms >= MARK_MS)
            add_mark(recording, lane);
    }
}

/* All before the oldest that is not confirmed. Tags are numbers of deliveries. */
static void acknowledge(struct recording *recording)
{
    uint64_t done = recording->delivered, tag;
    for (size_t i = 0; i < recording->lane_count; i++)
        if (lane_oldest(&recording->lanes[i], &tag) && tag - 1 < done)
            done = tag - 1;
    if (done == recording->acknowledged ||
        (done < recording->delivered && done - recording->acknowledged < ACKNOWLEDGE_MIN))
        return;
    recording->acknowledged = done;
    stream_reader_acknowledge(recording->reader, done);
}

bool recording_turn(struct recording *recording, struct error *error)
{
    if (find_failure(recording, error))
        return false;
    add_marks(recording);
    recording->blocked = NULL;
    for (size_t i = 0; i < recording->lane_count; i++) {
        struct lane *lane = &recording->lanes[i];
        lane_send(lane);
        if (lane->blocked)
            recording->blocked = lane->partition;
    }
    if (find_failure(recording, error))
        return false;
    acknowledge(recording);
    bound_memory(recording);
    return true;
}

void recording_release(struct recording *recording)
{
    stream_reader_close(recording->reader);
    for (size_t i = 0; i < recording->lane_count; i++)
        lane_release(&recording->lanes[i]);
    free(recording->lanes);
    partition_keys_release(&recording->keys);
    free(recording->intake);
    *recording = (struct recording){0};
}
