/*
 * publish_send.h: hands one message to the socket without getting stuck there.
 *
 * amqp_basic_publish() waits for room in the socket without limit. So nothing is sent before the
 * kernel has room for it. An event loop waits for that by itself:
 *
 *     switch (publish_try(&sender, exchange, message, &error))
 *     PUBLISH_WAITS: again with the same message, once the socket is writable
 *
 * For programs that do nothing else there is publish_send(), which waits; meanwhile `idle` is
 * called at least every 100 ms: it takes in what the broker sends, and its false ends the attempt.
 *
 * A message that is cut in its middle leaves the connection fit only for closing.
 */
#ifndef FANFOLD_LOG_PUBLISH_SEND_H
#define FANFOLD_LOG_PUBLISH_SEND_H

#include "log/amqp_link.h"
#include "log/properties.h"

typedef bool publish_idle_fn(void *arg, struct error *error);

enum publish_stage { PUBLISH_METHOD, PUBLISH_HEADER, PUBLISH_BODY };

/* Zeroed but for link, and idle with its arg where publish_send() is used. */
struct publish_sender {
    struct amqp_link *link;
    publish_idle_fn *idle;
    void *arg;
    struct entry_room headers;
    size_t unchecked; /* bytes sent since the kernel was asked for room */
    /* How far a large message has come. */
    enum publish_stage stage;
    size_t body_sent;
};

enum publish_progress { PUBLISH_DONE, PUBLISH_WAITS, PUBLISH_FAILED };

/* For a connection that publishes: see the .c file. */
void publish_tune_socket(struct amqp_link *link);

enum publish_progress publish_try(struct publish_sender *sender, const char *exchange,
                                  const struct message *message, struct error *error);

bool publish_send(struct publish_sender *sender, const char *exchange,
                  const struct message *message, struct error *error);

/* The connection is another one, on which nothing was sent. */
void publish_sender_restart(struct publish_sender *sender);

#endif
