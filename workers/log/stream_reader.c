/*
 * stream_reader.c: one consumer in the event loop.
 *
 * Two things wake a reader: the socket is readable, or there is more without the socket saying so:
 * rabbitmq-c holds frames that came with an earlier read or during a request, and a burst ends
 * before all is taken. The second is a timer of 0 s rather than event_active(): libevent runs an
 * activated event before it looks at other sockets again, so a full log would starve them.
 *
 * The owner may close the reader in turn() and closed(); so each of them is the last thing that a
 * callback does, and an error behind some messages waits for the next one.
 *
 * rabbitmq-c declares a peer dead only after a read that found nothing, so a paused reader, which
 * reads nothing, is safe from that, and only has to be heard itself: the timer sends heartbeats.
 */
#include <fanfold/stream_reader.h>

#include "log/frames.h"
#include "log/stream_attach.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#define BURST_BYTES (1024 * 1024)
/* In the socket; less may just have come. */
#define BEHIND_BYTES (16 * 1024)

static const struct timeval at_once = {0, 0};
static const struct timeval beat_interval = {5, 0};

struct stream_reader {
    struct amqp_link link;
    struct frames frames;
    char *partition;
    struct stream_reader_hooks hooks;
    void *arg;
    struct event *readable, *again, *beat;
    bool paused;
    struct error failed;  /* kind is ERROR_NONE: all is well */
    bool attached;        /* a subscription was asked for: this one */
    unsigned number;      /* of the subscription */
    unsigned moving;      /* how many that were cancelled may still deliver */
    uint64_t tag, before; /* last delivery tag of the channel; that before the subscription */
    uint64_t delivered, acknowledged;
};

/* The owner is told at the next wake-up, and not from here: this may run inside its own call. */
static void wake(struct stream_reader *reader)
{
    event_add(reader->again, &at_once);
}

static void take_method(struct stream_reader *reader, const amqp_method_t *method)
{
    if (method->id == AMQP_BASIC_CANCEL_OK_METHOD && --reader->moving == 0)
        reader->before = reader->tag;
    if (method->id == AMQP_BASIC_CANCEL_METHOD)
        error_set(&reader->failed, ERROR_CONFIG, "%s: the log \"%s\" was deleted",
                  reader->link.where, reader->partition);
}

static bool take_message(struct stream_reader *reader, struct message *message)
{
    if (!reader->frames.has_offset) {
        message_free(message);
        return error_set(&reader->failed, ERROR_CONFIG,
                         "%s: the queue \"%s\" is not a stream: its messages have no offsets",
                         reader->link.where, reader->partition);
    }
    reader->tag++;
    if (reader->moving) {
        message_free(message);
        return true;
    }
    reader->delivered++;
    reader->hooks.message(reader->arg, message);
    return true;
}

/* True when the socket is the next to know of more; false when the burst was cut. */
static bool take_burst(struct stream_reader *reader)
{
    size_t bytes = 0;
    for (int count = 0; count < STREAM_READER_BURST && bytes < BURST_BYTES; count++) {
        if (reader->paused || reader->failed.kind != ERROR_NONE)
            return false;
        switch (frames_next(&reader->frames, 0, &reader->failed)) {
        case FRAMES_NONE:
            return true;
        case FRAMES_METHOD:
            take_method(reader, &reader->frames.method);
            break;
        case FRAMES_MESSAGE:
            bytes += reader->frames.message->size;
            take_message(reader, reader->frames.message);
            break;
        case FRAMES_FAILED:
            return false;
        }
    }
    return false;
}

static void report_failure(struct stream_reader *reader)
{
    event_del(reader->again);
    event_del(reader->beat);
    struct error why = reader->failed;
    reader->hooks.closed(reader->arg, &why);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct stream_reader *reader = arg;
    uint64_t before = reader->delivered;
    bool drained = take_burst(reader);
    bool failed = reader->failed.kind != ERROR_NONE;
    if (failed)
        event_del(reader->readable); /* rabbitmq-c may have closed the descriptor */
    if (failed || (!drained && !reader->paused))
        wake(reader);
    if (reader->delivered != before)
        reader->hooks.turn(reader->arg);
    else if (failed)
        report_failure(reader);
}

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
    struct stream_reader *reader = arg;
    amqp_frame_t heartbeat = {.frame_type = AMQP_FRAME_HEARTBEAT};
    if (reader->failed.kind == ERROR_NONE) {
        int status = amqp_send_frame(reader->link.state, &heartbeat);
        if (status != AMQP_STATUS_OK)
            amqp_link_failed(&reader->link, status, &reader->failed);
    }
    /* Reading notices when the other side has gone silent. */
    on_wake(fd, what, arg);
}

static void watch(struct stream_reader *reader, struct event_base *base)
{
    int fd = amqp_get_sockfd(reader->link.state);
    reader->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_wake, reader);
    reader->again = evtimer_new(base, on_wake, reader);
    reader->beat = event_new(base, -1, EV_PERSIST, on_beat, reader);
    if (!reader->readable || !reader->again || !reader->beat)
        abort(); /* out of memory */
    event_add(reader->readable, NULL);
    event_add(reader->beat, &beat_interval);
    wake(reader); /* for what came with the answers to our requests */
}

struct stream_reader *stream_reader_open_idle(struct event_base *base, const struct uri *uri,
                                              const char *partition,
                                              const struct stream_reader_hooks *hooks, void *arg,
                                              struct error *error)
{
    char purpose[256];
    snprintf(purpose, sizeof purpose, "reader %s", partition);
    struct amqp_link link;
    if (!amqp_link_open(&link, uri, purpose, error))
        return NULL;
    struct stream_reader *reader = must_calloc(1, sizeof *reader);
    reader->link = link;
    reader->frames.link = &reader->link;
    reader->partition = must_strdup(partition);
    reader->hooks = *hooks;
    reader->arg = arg;
    watch(reader, base);
    return reader;
}

struct stream_reader *stream_reader_open(struct event_base *base, const struct uri *uri,
                                         const char *partition, struct stream_start start,
                                         const struct stream_reader_hooks *hooks, void *arg,
                                         struct error *error)
{
    struct stream_reader *reader = stream_reader_open_idle(base, uri, partition, hooks, arg, error);
    if (!reader)
        return NULL;
    reader->attached = true;
    if (stream_attach(&reader->link, partition, start, STREAM_READER_PREFETCH, error))
        return reader;
    stream_reader_close(reader);
    return NULL;
}

/* A status of rabbitmq-c, which may mean that the connection is lost. */
static void check(struct stream_reader *reader, int status)
{
    if (status == AMQP_STATUS_OK)
        return;
    amqp_link_failed(&reader->link, status, &reader->failed);
    wake(reader);
}

void stream_reader_move(struct stream_reader *reader, uint64_t offset, uint16_t credit)
{
    struct stream_start start = {.kind = STREAM_OFFSET, .value = offset};
    if (reader->failed.kind != ERROR_NONE)
        return;
    bool sent = true;
    if (reader->attached) {
        sent = stream_cancel_send(&reader->link, reader->number++, reader->tag, &reader->failed);
        reader->moving++;
    }
    reader->attached = true;
    reader->delivered = reader->acknowledged = 0;
    if (!sent || !stream_consume_send(&reader->link, reader->partition, reader->number, start,
                                      credit, &reader->failed))
        wake(reader);
}

void stream_reader_acknowledge(struct stream_reader *reader, uint64_t count)
{
    if (count <= reader->acknowledged || reader->failed.kind != ERROR_NONE)
        return;
    reader->acknowledged = count;
    /* Delivery tags count from 1 on each channel. */
    check(reader, amqp_basic_ack(reader->link.state, AMQP_LINK_CHANNEL, reader->before + count, 1));
}

bool stream_reader_is_behind(const struct stream_reader *reader)
{
    int unread = 0;
    return reader->failed.kind == ERROR_NONE &&
           ioctl(amqp_get_sockfd(reader->link.state), FIONREAD, &unread) == 0 &&
           unread > BEHIND_BYTES;
}

void stream_reader_pause(struct stream_reader *reader)
{
    reader->paused = true;
    event_del(reader->readable);
}

void stream_reader_resume(struct stream_reader *reader)
{
    if (!reader->paused)
        return;
    reader->paused = false;
    if (reader->failed.kind != ERROR_NONE)
        return; /* the end is on its way */
    event_add(reader->readable, NULL);
    wake(reader);
}

/* Does not wait for the answer: rabbitmq-c would keep in memory all that streams in before it, and
 * a chunk can have 100 MB. */
static void say_goodbye(struct stream_reader *reader)
{
    amqp_connection_close_t close = {.reply_code = AMQP_REPLY_SUCCESS};
    if (reader->link.healthy && reader->failed.kind == ERROR_NONE)
        amqp_send_method(reader->link.state, 0, AMQP_CONNECTION_CLOSE_METHOD, &close);
    reader->link.healthy = false;
}

void stream_reader_close(struct stream_reader *reader)
{
    if (!reader)
        return;
    event_free(reader->readable);
    event_free(reader->again);
    event_free(reader->beat);
    frames_release(&reader->frames);
    say_goodbye(reader);
    amqp_link_close(&reader->link);
    free(reader->partition);
    free(reader);
}
