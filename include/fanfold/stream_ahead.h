/*
 * stream_ahead.h: deliver, with read-ahead. Reads one partition from an offset on as a
 * stream_reader does, and with several of them where one is slow.
 *
 *     ahead = stream_ahead_open(base, &uri, "shop.events.log.0", range, &hooks, arg, &error);
 *     …hooks.message(arg, message) for each; hooks.turn(arg) when the burst has been taken in…
 *     stream_ahead_acknowledge(ahead, n);     the first n messages are done with
 *     stream_ahead_pause(ahead);              hand on nothing more (byte budget full)
 *     stream_ahead_resume(ahead);
 *     stream_ahead_close(ahead);              also after hooks.closed; never inside message()
 *
 * Why: before 4.2, RabbitMQ goes to the disk once for each chunk that it sends to a subscription,
 * and in a log that was written one event at a time every event is a chunk. The broker waits for
 * most of that time, so several subscriptions together are faster; each is a connection.
 *
 * It begins with one subscription. When that delivers slowly, although it may, and much of the log
 * is still to come, others read the stripes of offsets behind it. Each that has read its stripe
 * takes the next that nobody has. Where the log ends, the last stripe has no end: its subscription
 * is the only one again, and goes on with what is published. So the offsets that are handed on rise
 * strictly, whoever read them, and as with a reader none is left out but those that the broker does
 * not have. Nobody attaches beyond the end of the log, where the broker drops what comes below.
 *
 * What comes before its turn waits, and takes memory. hooks.waits() is told of every change of it
 * and answers whether more may wait; if not, all subscriptions but the lowest leave their sockets
 * unread. The lowest goes on, so a budget that is full holds nobody up for ever.
 *
 * A subscription to which nothing comes for 5 s, although the log is known to hold more for it, is
 * made anew.
 *
 * If any of its connections is lost, all are closed, and closed() tells it. Opening blocks as a
 * reader's does; so does each further subscription, at most one in a turn of the loop, and finding
 * out where the log ends by now, when the known end is reached.
 */
#ifndef FANFOLD_STREAM_AHEAD_H
#define FANFOLD_STREAM_AHEAD_H

#include <fanfold/stream_reader.h>
#include <stddef.h>

struct stream_ahead;

/* Measured with one event in each chunk: 4,500 to 11,000 a second; with many: 60,000 and more. */
#define STREAM_AHEAD_SLOW 15000

struct stream_range {
    uint64_t start; /* where to begin */
    uint64_t last;  /* an offset that the log is known to hold, the later the better; or 0 */
    size_t room;    /* bytes that may wait when nothing else needs memory */
    uint64_t slow;  /* one subscription is slow when it delivers fewer messages a second; 0:
                       STREAM_AHEAD_SLOW */
};

struct stream_ahead_hooks {
    struct stream_reader_hooks reader;
    /* So many bytes more, or fewer, wait out of order. May further ones? */
    bool (*waits)(void *arg, ptrdiff_t change);
};

/* NULL on failure, as stream_reader_open(). */
struct stream_ahead *stream_ahead_open(struct event_base *base, const struct uri *uri,
                                       const char *partition, struct stream_range range,
                                       const struct stream_ahead_hooks *hooks, void *arg,
                                       struct error *error);
/* All of the first `count` messages that were handed on are done with. */
void stream_ahead_acknowledge(struct stream_ahead *ahead, uint64_t count);
void stream_ahead_pause(struct stream_ahead *ahead);
void stream_ahead_resume(struct stream_ahead *ahead);
/* How many there are now. */
size_t stream_ahead_subscriptions(const struct stream_ahead *ahead);
void stream_ahead_close(struct stream_ahead *ahead);

#endif
