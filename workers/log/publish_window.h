/*
 * publish_window.h: the messages that are not confirmed yet, in order. No I/O.
 *
 * A ring: [settled out of turn, or waiting for its confirm][not sent on this connection yet].
 * Delivery tags count from 1 on each channel, in the order of sending, so a tag names a place in
 * the ring.
 */
#ifndef FANFOLD_LOG_PUBLISH_WINDOW_H
#define FANFOLD_LOG_PUBLISH_WINDOW_H

#include <fanfold/message.h>

struct pending {
    struct message *message;
    uint64_t tag;   /* the caller's */
    char *returned; /* the broker's reason why it could not be routed, or NULL */
    bool settled;
};

struct publish_window {
    struct pending *ring;
    size_t cap, head, count;
    size_t sent;      /* of count, on this connection */
    size_t unsettled; /* of count */
    size_t bytes;     /* of the messages that are unsettled */
    uint64_t first;   /* delivery tag of the head on this connection */
};

typedef void publish_settle_fn(void *arg, const struct pending *pending);

void publish_window_init(struct publish_window *window, size_t cap);
void publish_window_release(struct publish_window *window);

/* A message alone always has room. */
bool publish_window_has_room(const struct publish_window *window, size_t size, size_t bytes_max);
/* The window owns the message from now on. */
void publish_window_push(struct publish_window *window, struct message *message, uint64_t tag);
/* The next message to be sent, or NULL; and that it has been. */
const struct message *publish_window_next(const struct publish_window *window);
void publish_window_sent(struct publish_window *window);
/* The caller's tag of the first message that is not settled. False: there is none. */
bool publish_window_oldest(const struct publish_window *window, uint64_t *tag);
/* A new channel: nothing has been sent on it. Returns how many messages will be sent again. */
size_t publish_window_restart(struct publish_window *window);

/* A message came back: the oldest sent one with its id and routing key that has not. */
void publish_window_returned(struct publish_window *window, const struct message *message,
                             const char *reason);
/* An ack or nack: calls settle for each message that it settles, in order. False: no message of
 * this channel has that tag. */
bool publish_window_settle(struct publish_window *window, uint64_t delivery, bool multiple,
                           publish_settle_fn *settle, void *arg);

#endif
