/*
 * stream_reader.h: deliver. Reads one partition (a RabbitMQ stream queue) from an offset on, in a
 * libevent loop.
 *
 *     reader = stream_reader_open(base, &uri, "shop.events.log.0", start, &hooks, arg, &error);
 *     …hooks.message(arg, message) for each; hooks.turn(arg) when the burst has been taken in…
 *     stream_reader_acknowledge(reader, n);      credit for the first n messages of this reader
 *     stream_reader_pause(reader);               stop reading the socket (byte budget full)
 *     stream_reader_resume(reader);
 *     stream_reader_move(reader, offset, credit);     goes on elsewhere, on the same connection
 *     stream_reader_close(reader);               also after hooks.closed; never inside message()
 *
 * Opening blocks for at most CONNECT_TIMEOUT (5 s) all told: rabbitmq-c has no other way.
 * Everything after that does not block. One connection with one channel each (FACTS 2.1).
 *
 * "It is attached" says nothing about where: the broker clamps silently (FACTS 0.3). The caller
 * compares the first offsets with what it asked for.
 */
#ifndef FANFOLD_STREAM_READER_H
#define FANFOLD_STREAM_READER_H

#include "base/error.h"
#include "base/uri.h"
#include <fanfold/message.h>

struct event_base;
struct stream_reader;

/* Messages that may be on their way unacknowledged; a soft limit, whole chunks arrive (FACTS 0.5).
 */
#define STREAM_READER_PREFETCH 2000

enum stream_start_kind { STREAM_FIRST, STREAM_NEXT, STREAM_LAST, STREAM_OFFSET, STREAM_TIME };

struct stream_start {
    enum stream_start_kind kind;
    uint64_t value; /* STREAM_OFFSET: the offset; STREAM_TIME: Unix seconds (chunk-granular: earlier
                       ones may come) */
};

struct stream_reader_hooks {
    /* The callee owns the message (message_free). Called only from the loop. */
    void (*message)(void *arg, struct message *message);
    /* After each burst of message() calls (at most STREAM_READER_BURST or 1 MiB). */
    void (*turn)(void *arg);
    /* Once, and nothing after it: the connection is lost, the broker cancelled (queue deleted), …
     * Close the reader in or after it. */
    void (*closed)(void *arg, const struct error *why);
};

#define STREAM_READER_BURST 512

/* NULL on failure: ERROR_UNAVAILABLE (try again), ERROR_PERMISSION, ERROR_CONFIG (no such queue;
 * the text says to run `fanfold setup`). */
struct stream_reader *stream_reader_open(struct event_base *base, const struct uri *uri,
                                         const char *partition, struct stream_start start,
                                         const struct stream_reader_hooks *hooks, void *arg,
                                         struct error *error);
/* A connection that waits to be moved to its first offset. */
struct stream_reader *stream_reader_open_idle(struct event_base *base, const struct uri *uri,
                                              const char *partition,
                                              const struct stream_reader_hooks *hooks, void *arg,
                                              struct error *error);
/* Goes on from another offset, with that many messages unacknowledged at most. Nothing more comes
 * of where it was, and counting begins anew. Does not block: whether it could be done is told by
 * what comes, or by closed(). Once in a turn, and not in message(). */
void stream_reader_move(struct stream_reader *reader, uint64_t offset, uint16_t credit);
/* Multiple: all of the first `count` messages that this reader delivered (since it was moved) are
 * done with. Cheap when nothing is new. */
void stream_reader_acknowledge(struct stream_reader *reader, uint64_t count);
/* Has much come that was not taken in yet? Then it is not the broker that is slow. */
bool stream_reader_is_behind(const struct stream_reader *reader);
void stream_reader_pause(struct stream_reader *reader);
void stream_reader_resume(struct stream_reader *reader);
void stream_reader_close(struct stream_reader *reader);

#endif
