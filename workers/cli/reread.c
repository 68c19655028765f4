/*
 * reread.c: the reader's callbacks keep the messages that are wanted, up to a limit of bytes;
 * reread_next turns the loop until the one it is asked for is there.
 */
#include "cli/reread.h"
#include "base/clock.h"

#include <event2/event.h>
#include <fanfold/stream_probe.h>
#include <fanfold/stream_reader.h>
#include <stdlib.h>

#define FAR       20000 /* offsets: reading across them takes longer than attaching anew */
#define HELD_MAX  ((size_t)16 * 1024 * 1024)
#define WAIT_MS   30000
#define SLICE_MS  50
#define QUEUE_MIN 64

struct reread {
    struct event_base *base;
    const struct uri *uri;
    const char *partition;
    const uint64_t *offsets;
    size_t count, wanted; /* offsets[wanted]: the next one to arrive */

    struct stream_reader *reader;
    struct error closed;   /* kind is not ERROR_NONE: the connection is lost */
    uint64_t seen;         /* all before this offset have been delivered, or never will be */
    uint64_t received;     /* messages of this reader */
    struct message **held; /* the wanted ones that nobody has asked for yet */
    size_t first, held_end, held_cap;
    size_t held_bytes;
    bool paused;
};

static void hold(struct reread *reread, struct message *message)
{
    if (reread->first == reread->held_end)
        reread->first = reread->held_end = 0;
    if (reread->held_end == reread->held_cap) {
        reread->held_cap = reread->held_cap ? reread->held_cap * 2 : QUEUE_MIN;
        reread->held = must_realloc(reread->held, reread->held_cap * sizeof *reread->held);
    }
    reread->held[reread->held_end++] = message;
    reread->held_bytes += message->size;
}

static struct message *take(struct reread *reread)
{
    struct message *message = reread->held[reread->first++];
    reread->held_bytes -= message->size;
    return message;
}

static void on_message(void *arg, struct message *message)
{
    struct reread *reread = arg;
    reread->received++;
    if (message->offset < reread->seen) { /* the broker begins with a whole chunk */
        message_free(message);
        return;
    }
    reread->seen = message->offset + 1;
    while (reread->wanted < reread->count && reread->offsets[reread->wanted] < message->offset)
        reread->wanted++;
    if (reread->wanted < reread->count && reread->offsets[reread->wanted] == message->offset) {
        reread->wanted++;
        hold(reread, message);
    } else {
        message_free(message);
    }
}

static void on_turn(void *arg)
{
    struct reread *reread = arg;
    stream_reader_acknowledge(reread->reader, reread->received);
    if (!reread->paused && reread->held_bytes > HELD_MAX) {
        reread->paused = true;
        stream_reader_pause(reread->reader);
    }
}

static void on_closed(void *arg, const struct error *why)
{
    struct reread *reread = arg;
    reread->closed = *why;
    if (!reread->closed.kind)
        reread->closed.kind = ERROR_UNAVAILABLE;
}

static void detach(struct reread *reread)
{
    stream_reader_close(reread->reader);
    reread->reader = NULL;
    reread->paused = false;
    while (reread->first < reread->held_end)
        message_free(take(reread));
}

static bool attach(struct reread *reread, uint64_t offset, struct error *error)
{
    static const struct stream_reader_hooks hooks = {on_message, on_turn, on_closed};
    if (reread->reader)
        detach(reread);
    reread->received = 0;
    reread->seen = offset;
    while (reread->wanted < reread->count && reread->offsets[reread->wanted] < offset)
        reread->wanted++;
    reread->reader =
        stream_reader_open(reread->base, reread->uri, reread->partition,
                           (struct stream_start){STREAM_OFFSET, offset}, &hooks, reread, error);
    return reread->reader;
}

/* The log must reach as far as the last offset, else nothing would come, for ever. */
static bool check_end(const struct reread *reread, struct error *error)
{
    uint64_t last = reread->offsets[reread->count - 1];
    struct stream_ends ends;
    if (!stream_probe_last(reread->uri, reread->partition, last, &ends, error))
        return false;
    if (!ends.empty && ends.last >= last)
        return true;
    return error_set(error, ERROR_CONFIG,
                     "the log %s ends before offset %llu, where an event is parked: it is not the "
                     "log that the view was folded from, or it lost its end",
                     reread->partition, (unsigned long long)last);
}

struct reread *reread_open(struct event_base *base, const struct uri *uri, const char *partition,
                           const uint64_t *offsets, size_t count, struct error *error)
{
    struct reread *reread = must_calloc(1, sizeof *reread);
    *reread = (struct reread){
        .base = base, .uri = uri, .partition = partition, .offsets = offsets, .count = count};
    if (check_end(reread, error) && attach(reread, offsets[0], error))
        return reread;
    reread_close(reread);
    return NULL;
}

/* Waits until more has come, the connection is lost, or nothing happened for too long. */
static bool wait_for_more(struct reread *reread, struct error *error)
{
    int64_t deadline = clock_monotonic_ms() + WAIT_MS;
    uint64_t received = reread->received;
    if (reread->paused) {
        reread->paused = false;
        stream_reader_resume(reread->reader);
    }
    while (reread->received == received) {
        if (reread->closed.kind) {
            *error = reread->closed;
            return false;
        }
        if (clock_monotonic_ms() > deadline)
            return error_set(error, ERROR_UNAVAILABLE, "the broker delivers nothing of %s",
                             reread->partition);
        struct timeval slice = {.tv_usec = SLICE_MS * 1000};
        event_base_loopexit(reread->base, &slice);
        event_base_loop(reread->base, EVLOOP_ONCE);
    }
    return true;
}

static struct message *missing(struct reread *reread, uint64_t offset, struct error *error)
{
    struct stream_ends ends;
    if (!stream_probe_first(reread->uri, reread->partition, &ends, error))
        return NULL;
    if (ends.empty || ends.first > offset)
        error_set(error, ERROR_NO, "retention removed it from the log; it can only be dropped");
    else
        error_set(error, ERROR_CONFIG,
                  "the log %s has no event at offset %llu, where one is parked: it is not the log "
                  "that the view was folded from",
                  reread->partition, (unsigned long long)offset);
    return NULL;
}

struct message *reread_next(struct reread *reread, uint64_t offset, struct error *error)
{
    for (;;) {
        while (reread->first < reread->held_end) {
            if (reread->held[reread->first]->offset > offset)
                return missing(reread, offset, error);
            struct message *message = take(reread);
            if (message->offset == offset)
                return message;
            message_free(message);
        }
        if (reread->seen > offset)
            return missing(reread, offset, error);
        if (offset - reread->seen > FAR && !attach(reread, offset, error))
            return NULL;
        if (!wait_for_more(reread, error))
            return NULL;
    }
}

void reread_close(struct reread *reread)
{
    if (!reread)
        return;
    if (reread->reader)
        detach(reread);
    free(reread->held);
    free(reread);
}
