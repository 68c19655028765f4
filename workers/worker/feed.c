/*
 * feed.c: see feed.h. Callbacks of the reader record (on_message); feed_turn does the work.
 */
#include "worker/feed.h"
#include "base/log.h"
#include "base/partitions.h"
#include "worker/chain.h"
#include <assert.h>
#include <event2/event.h>
#include <fanfold/stream_ahead.h>
#include <fanfold/stream_probe.h>
#include <stdio.h>
#include <stdlib.h>

/* Events whose digests make a fingerprint (DESIGN section 4). */
#define FINGERPRINT_EVENTS 16
/* Of a recorded log, whose messages bring several events each: as many as the broker's credit is of
 * others. */
#define EVENTS_MAX STREAM_READER_PREFETCH

struct feed {
    struct host *host;
    struct definition *definition; /* in use: log is of it */
    const struct log_config *log;
    char *partition, *intake;
    struct stream_ahead *reader;
    uint64_t delivered; /* by the reader */
    bool is_recorded;
    struct chain chain;  /* of a recorded log */
    struct error closed; /* kind is not ERROR_NONE: the reader is lost, and why */

    struct task **tasks;
    size_t task_count;

    struct ring ring;
    uint64_t start;       /* the window has all from this offset on */
    uint64_t seen;        /* index of the first message that the window has not seen */
    uint64_t last_offset; /* of message seen − 1 */
    struct window *window;
    /* Of the last events, at index % 16. */
    uint64_t digests[FINGERPRINT_EVENTS], offsets[FINGERPRINT_EVENTS];
    bool released_any;
    uint64_t released_offset, released_fingerprint; /* of the last message popped */
    bool paused;

    /* The event that was decoded last; tasks in step share it. */
    struct decoder decoder;
    struct arena arena;
    struct cloudevent event;
    struct error decode_error;
    bool decoded_any, decode_ok;
    uint64_t decoded; /* its index */
};

/* --- decode, window, fingerprint ------------------------------------------------------- */

static void decode(struct feed *feed, uint64_t index)
{
    if (feed->decoded_any && feed->decoded == index)
        return;
    arena_clear(&feed->arena);
    feed->decode_ok = cloudevent_decode(&feed->decoder, ring_at(&feed->ring, index)->message,
                                        &feed->arena, &feed->event, &feed->decode_error);
    feed->decoded_any = true;
    feed->decoded = index;
}

/* Only of what lies as near as every reader of the partition begins before (task_start). */
static uint64_t fingerprint(const struct feed *feed, uint64_t count)
{
    uint64_t print = 0;
    for (uint64_t i = count < FINGERPRINT_EVENTS ? 0 : count - FINGERPRINT_EVENTS; i < count; i++)
        if (feed->last_offset - feed->offsets[i % FINGERPRINT_EVENTS] < FINGERPRINT_REACH)
            print = hash_mix(print, feed->digests[i % FINGERPRINT_EVENTS]);
    return print;
}

static void stop_all(struct feed *feed, uint64_t missing, uint64_t first)
{
    while (feed->task_count)
        task_stop(
            feed->tasks[feed->task_count - 1], TROUBLE_RETENTION,
            "retention removed events that were not folded yet: offset %llu is gone, the log now "
            "begins at %llu",
            (unsigned long long)missing, (unsigned long long)first);
}

/* Offsets from `expected` to just before `got` were not delivered. Segment rolls take offsets too,
 * so that alone says nothing: does the log still begin at or before `expected`? */
static bool probe_gap(struct feed *feed, uint64_t expected, struct stream_ends *ends)
{
    struct error error;
    if (stream_probe_first(feed->host->amqp, feed->partition, ends, &error))
        return !ends->empty && ends->first <= expected;
    feed->closed = error;
    host_wake(feed->host);
    return false;
}

/* A task without a position starts at the very first event, or where its rebuild was told to. */
static void check_beginning(struct feed *feed, uint64_t offset)
{
    for (size_t i = feed->task_count; i-- > 0;)
        if (!feed->tasks[i]->committed.epoch[0] && offset > task_needs(feed->tasks[i]))
            task_stop(
                feed->tasks[i], TROUBLE_BEGINNING,
                "the log begins at offset %llu, not at %llu: retention removed events, and this "
                "view has not folded any yet",
                (unsigned long long)offset, (unsigned long long)task_needs(feed->tasks[i]));
}

/* Does the log begin later than was asked for? Of a recorded log, a record says from where on it
 * accounts for all. */
static bool begins_later(struct feed *feed, uint64_t from, uint64_t *first)
{
    struct stream_ends ends = {.first = from, .empty = false};
    if (from <= feed->start)
        return false;
    if (!feed->is_recorded && (probe_gap(feed, feed->start, &ends) || feed->closed.kind))
        return false;
    *first = ends.empty ? from : ends.first;
    return true;
}

/* The first delivery: later than asked for is either a gap, or retention has cut into what a task
 * needs: its cursor, or the window by which duplicates are known. */
static void check_start(struct feed *feed, uint64_t from)
{
    check_beginning(feed, from);
    if (feed->task_count == 0 || !begins_later(feed, from, &feed->start))
        return;
    for (size_t i = feed->task_count; i-- > 0;) {
        struct task *task = feed->tasks[i];
        if (task_start(task) < feed->start)
            task_stop(
                task, TROUBLE_RETENTION,
                "retention removed events that this view needs: it stands at offset %llu and reads "
                "its duplicate window from %llu on, but the log now begins at %llu",
                (unsigned long long)task->committed.offset, (unsigned long long)task_start(task),
                (unsigned long long)feed->start);
    }
}

/* A jump larger than a segment roll takes: a slow reader overtaken by retention is not told. */
static void check_gap(struct feed *feed, uint64_t offset)
{
    struct stream_ends ends;
    uint64_t expected = feed->last_offset + 1;
    if (offset < expected) {
        error_set(&feed->closed, ERROR_UNAVAILABLE,
                  "the broker delivered offset %llu of %s after offset %llu",
                  (unsigned long long)offset, feed->partition,
                  (unsigned long long)feed->last_offset);
        host_wake(feed->host);
        return;
    }
    if (offset <= expected + 1 || probe_gap(feed, expected, &ends) || feed->closed.kind)
        return;
    stop_all(feed, expected, ends.empty ? offset : ends.first);
}

/* Message `seen` passes the window. False: the feed is over. */
static bool see(struct feed *feed)
{
    struct ring_entry *entry = ring_at(&feed->ring, feed->seen);
    uint64_t offset = entry->message->offset;
    if (feed->seen == 0)
        check_start(feed, feed->is_recorded ? feed->chain.from : offset);
    else if (!feed->is_recorded)
        check_gap(feed, offset);
    if (feed_is_over(feed))
        return false;

    decode(feed, feed->seen);
    struct hash128 key = cloudevent_key(&feed->event);
    uint64_t content = cloudevent_content(&feed->event);
    if (feed->decode_ok)
        entry->duplicate = window_see(feed->window, offset, key, content);
    else
        content = hash128(entry->message->body).lo;
    feed->digests[feed->seen % FINGERPRINT_EVENTS] =
        hash_mix(hash_mix(key.lo, content), hash_mix(offset, 1));
    feed->offsets[feed->seen % FINGERPRINT_EVENTS] = feed->last_offset = offset;
    entry->fingerprint = fingerprint(feed, ++feed->seen);
    return true;
}

/* --- hand out -------------------------------------------------------------------------- */

static void hand_out(struct feed *feed, struct task *task, uint64_t index)
{
    const struct ring_entry *entry = ring_at(&feed->ring, index);
    decode(feed, index);
    struct delivery delivery = {.offset = entry->message->offset,
                                .record = feed->is_recorded ? entry->message->record : 0,
                                .message = entry->message,
                                .fingerprint = entry->fingerprint,
                                .duplicate = entry->duplicate,
                                .event = &feed->event,
                                .decode_fault = feed->decode_ok ? NULL : feed->decode_error.text,
                                .body = entry->message->body};
    task_take(task, &delivery);
}

static uint64_t lowest_next(const struct feed *feed)
{
    uint64_t lowest = feed->seen;
    for (size_t i = 0; i < feed->task_count; i++)
        if (task_takes(feed->tasks[i]) && feed->tasks[i]->next < lowest)
            lowest = feed->tasks[i]->next;
    return lowest;
}

static bool all_past(const struct feed *feed, uint64_t offset)
{
    for (size_t i = 0; i < feed->task_count; i++)
        if (!task_is_past(feed->tasks[i], offset))
            return false;
    return true;
}

static void hold(struct host *host, ptrdiff_t change)
{
    host->held += (size_t)change;
    if (host->held > host->held_most)
        host->held_most = host->held;
}

/* The ring's size was `before`: the host's sum follows. */
static void count_held(struct feed *feed, size_t before)
{
    hold(feed->host, (ptrdiff_t)(feed->ring.bytes - before));
}

/* How many of the first deliveries. */
static uint64_t done_with(const struct feed *feed)
{
    const struct ring *ring = &feed->ring;
    return ring->head == ring->tail ? feed->delivered : ring_at(ring, ring->head)->number - 1;
}

/* Gives back what every task has committed, and the credit for it. */
static void release(struct feed *feed)
{
    size_t before = feed->ring.bytes;
    while (feed->ring.head < feed->seen) {
        struct ring_entry *oldest = ring_at(&feed->ring, feed->ring.head);
        uint64_t offset = oldest->message->offset;
        if (!all_past(feed, offset))
            break;
        feed->released_any = true;
        feed->released_offset = offset;
        feed->released_fingerprint = oldest->fingerprint;
        ring_pop(&feed->ring);
    }
    count_held(feed, before);
    for (size_t i = 0; i < feed->task_count; i++)
        if (feed->tasks[i]->next < feed->ring.head)
            feed->tasks[i]->next = feed->ring.head;
    if (feed->reader && !feed->closed.kind)
        stream_ahead_acknowledge(feed->reader, done_with(feed));
}

/* Can anybody take a new message? Else the window waits too, and the ring fills up to the budget.
 */
static bool anybody_takes(const struct feed *feed)
{
    for (size_t i = 0; i < feed->task_count; i++)
        if (task_takes(feed->tasks[i]))
            return true;
    return false;
}

void feed_turn(struct feed *feed)
{
    for (uint64_t i = lowest_next(feed); i < feed->ring.tail && !feed_is_over(feed); i++) {
        if (i == feed->seen && (!anybody_takes(feed) || !see(feed)))
            break;
        for (size_t t = feed->task_count; t-- > 0;) {
            struct task *task = feed->tasks[t];
            if (task->next == i && task_takes(task))
                hand_out(feed, task, i);
        }
    }
    for (size_t t = feed->task_count; t-- > 0;)
        task_turn(feed->tasks[t]);
    release(feed);
    feed_balance(feed);
}

/* --- the reader's callbacks ------------------------------------------------------------ */

/* What the chain lacks may lie before where reading began. Else the recorder will append it again,
 * as it does after a refusal; and if retention took it, the next reading says so (check_start). */
static void break_chain(struct feed *feed)
{
    for (size_t i = 0; i < feed->task_count; i++)
        feed->tasks[i]->reads_all = true;
    error_set(&feed->closed, ERROR_UNAVAILABLE, "%s: what lies between offset %llu and %llu %s",
              feed->partition, (unsigned long long)feed->chain.taken,
              (unsigned long long)feed->chain.beyond,
              feed->chain.whole ? "is not there yet: waiting for the recorder to append it"
                                : "may stand further back: reading all");
    host_wake(feed->host);
}

static void refuse(struct feed *feed, const struct message *message)
{
    error_set(
        &feed->closed, ERROR_CONFIG,
        "%s holds a message at %llu that no recorder wrote; only `fanfold recorder` may write "
        "there",
        feed->partition, (unsigned long long)message->record);
    host_wake(feed->host);
}

static void take_entry(struct feed *feed, struct message *entry)
{
    if (chain_take(&feed->chain, entry))
        ring_push(&feed->ring, entry, feed->delivered);
    else
        message_free(entry);
}

static void take_record(struct feed *feed, const struct message *record)
{
    struct record_reading reading = record_open(record);
    struct message *entry;
    while (!feed_is_over(feed) && (entry = record_next(&reading)))
        take_entry(feed, entry);
    if (feed_is_over(feed))
        return;
    if (!reading.ok)
        refuse(feed, record);
    else if (chain_is_broken(&feed->chain, record->record))
        break_chain(feed);
}

static void on_message(void *arg, struct message *message)
{
    struct feed *feed = arg;
    feed->delivered++;
    size_t before = feed->ring.bytes;
    if (feed->is_recorded) {
        take_record(feed, message);
        message_free(message);
    } else {
        ring_push(&feed->ring, message, feed->delivered);
    }
    count_held(feed, before);
}

static void on_turn(void *arg)
{
    feed_turn(arg);
}

/* What waits out of order may take half of the budget; the rest is for what can be folded. */
static bool on_waits(void *arg, ptrdiff_t change)
{
    struct host *host = ((struct feed *)arg)->host;
    hold(host, change);
    return host->held <= host->budget / 2;
}

static void on_closed(void *arg, const struct error *why)
{
    struct feed *feed = arg;
    feed->closed = *why;
    if (!feed->closed.kind)
        feed->closed.kind = ERROR_UNAVAILABLE;
    host_wake(feed->host);
}

/* --- open, join, close ----------------------------------------------------------------- */

static void attach(struct feed *feed, struct task *task, uint64_t next)
{
    feed->tasks = must_realloc(feed->tasks, (feed->task_count + 1) * sizeof *feed->tasks);
    feed->tasks[feed->task_count++] = task;
    task_attached(task, feed, next);
}

/* Where a task's last event is in the partition. */
static uint64_t stands_at(const struct task *task)
{
    return log_is_recorded(task->log) ? task->record : task->committed.offset;
}

/* Stops the tasks that stand beyond the end of the log; returns how many are left (in `left`). */
static size_t stop_beyond_end(struct task *const *tasks, size_t count,
                              const struct stream_ends *ends, struct task **left)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const struct position *at = &tasks[i]->committed;
        if (at->epoch[0] && (ends->empty || ends->last_record < stands_at(tasks[i]))) {
            char end[40] = "is empty";
            if (!ends->empty)
                snprintf(end, sizeof end, "ends at offset %llu", (unsigned long long)ends->last);
            task_stop(
                tasks[i], TROUBLE_LOG_ENDS,
                "the log %s, before offset %llu where this view stands: the log lost its end, or "
                "was deleted and made again",
                end, (unsigned long long)at->offset);
        } else {
            left[kept++] = tasks[i];
        }
    }
    return kept;
}

static struct feed *feed_new(struct host *host, const struct task *task)
{
    struct feed *feed = must_calloc(1, sizeof *feed);
    feed->host = host;
    feed->definition = definition_use(task->definition);
    feed->log = task->log;
    feed->partition = must_strdup(task->partition);
    feed->intake = log_intake(task->log);
    feed->is_recorded = log_is_recorded(task->log);
    feed->window = window_new(task->log->dedupe_window);
    feed->decoder = (struct decoder){
        .partition = feed->intake, .read = &task->log->read, .upcast = &task->log->upcast};
    return feed;
}

struct extent {
    uint64_t start;    /* the first offset that some task needs */
    uint64_t record;   /* where that is in the partition, or before */
    uint64_t furthest; /* the end of the partition is looked for as far as this */
};

static struct extent extent_of(struct task *const *tasks, size_t count)
{
    struct extent extent = {UINT64_MAX, UINT64_MAX, 0};
    for (size_t i = 0; i < count; i++) {
        if (task_start(tasks[i]) < extent.start)
            extent.start = task_start(tasks[i]);
        if (task_start_record(tasks[i]) < extent.record)
            extent.record = task_start_record(tasks[i]);
        if (stands_at(tasks[i]) > extent.furthest)
            extent.furthest = stands_at(tasks[i]);
    }
    if (log_is_recorded(tasks[0]->log))
        extent.furthest = UINT64_MAX; /* a hole may close as late as that */
    return extent;
}

struct feed *feed_open(struct host *host, struct task *const *tasks, size_t count,
                       struct error *error)
{
    const char *partition = tasks[0]->partition;
    const struct extent extent = extent_of(tasks, count);
    struct stream_ends ends;
    if (!stream_probe_last(host->amqp, partition, extent.furthest, &ends, error))
        return NULL;
    struct task **left = must_alloc(count * sizeof *left);
    count = stop_beyond_end(tasks, count, &ends, left);
    error->kind = ERROR_NONE;
    struct feed *feed = NULL;
    if (count) {
        static const struct stream_ahead_hooks hooks = {{on_message, on_turn, on_closed}, on_waits};
        feed = feed_new(host, left[0]);
        feed->start = extent.start;
        feed->chain = (struct chain){
            .start = extent.start, .end = ends.last_record, .whole = extent.record == 0};
        const struct stream_range range = {
            .start = extent.record, .last = ends.last_record, .room = host->budget / 2};
        feed->reader =
            stream_ahead_open(host->base, host->amqp, partition, range, &hooks, feed, error);
        if (!feed->reader) {
            feed_close(feed);
            feed = NULL;
        }
    }
    for (size_t i = 0; feed && i < count; i++)
        attach(feed, left[i], 0);
    free(left);
    return feed;
}

/* Has the window all that the task needs, and is the feed not too far behind it? */
static bool is_near(const struct feed *feed, const struct task *task)
{
    uint64_t stands = feed->seen ? feed->last_offset : feed->start, start = task_start(task);
    return start >= feed->start && start <= stands + FEED_SHARE_MAX;
}

bool feed_join(struct feed *feed, struct task *task)
{
    if (feed->closed.kind || strcmp(feed->partition, task->partition) != 0 ||
        log_digest(feed->log) != log_digest(task->log) || !is_near(feed, task))
        return false;
    const struct position *at = &task->committed;
    if (!at->epoch[0]) {
        if (feed->released_any)
            return false;
    } else if (feed->released_any) {
        if (at->offset < feed->released_offset)
            return false;
        if (at->offset == feed->released_offset) {
            if (at->fingerprint != feed->released_fingerprint)
                return false;
            task->verified = true;
        }
    }
    attach(feed, task, feed->ring.head);
    return true;
}

void feed_leave(struct feed *feed, struct task *task)
{
    for (size_t i = 0; i < feed->task_count; i++) {
        if (feed->tasks[i] == task) {
            feed->tasks[i] = feed->tasks[--feed->task_count];
            break;
        }
    }
    if (feed->task_count == 0)
        host_wake(feed->host);
}

enum feed_look feed_look(const struct feed *feed, uint64_t index, struct arena *arena,
                         struct cloudevent *event)
{
    struct error ignored;
    if (index < feed->ring.head || index >= feed->ring.tail)
        return FEED_END;
    return cloudevent_decode(&feed->decoder, ring_at(&feed->ring, index)->message, arena, event,
                             &ignored)
               ? FEED_EVENT
               : FEED_NO_EVENT;
}

bool feed_is_shared(const struct feed *feed)
{
    return feed->task_count > 1;
}

bool feed_has_reached(const struct feed *feed, uint64_t offset)
{
    return feed->seen > 0 && feed->last_offset >= offset;
}

bool feed_is_over(const struct feed *feed)
{
    return feed->closed.kind != ERROR_NONE || feed->task_count == 0;
}

/* Less than the parts-th part of what it may. A feed that holds nothing may always read: what is
 * held may be another one's for long. */
static bool has_room(const struct feed *feed, unsigned parts)
{
    const struct host *host = feed->host;
    uint64_t events = feed->ring.tail - feed->ring.head;
    bool few = !feed->is_recorded || events <= EVENTS_MAX / parts;
    return events == 0 || (few && host->held <= host->budget / parts);
}

void feed_balance(struct feed *feed)
{
    if (!feed->reader || feed->closed.kind)
        return;
    if (!feed->paused && !has_room(feed, 1)) {
        feed->paused = true;
        stream_ahead_pause(feed->reader);
    } else if (feed->paused && has_room(feed, 2)) {
        feed->paused = false;
        stream_ahead_resume(feed->reader);
    }
}

void feed_close(struct feed *feed)
{
    for (size_t i = feed->task_count; i-- > 0;)
        task_lost_feed(feed->tasks[i], &feed->closed);
    stream_ahead_close(feed->reader);
    feed->host->held -= feed->ring.bytes;
    ring_release(&feed->ring);
    window_free(feed->window);
    arena_release(&feed->arena);
    free(feed->tasks);
    definition_drop(feed->definition);
    free(feed->partition);
    free(feed->intake);
    free(feed);
}
