/*
 * publish_send.h: hands one message to the socket without getting stuck there.
 *
 * amqp_basic_publish() waits for room in the socket without limit. So nothing is sent before the
 * kernel has room for it; waiting for that, `idle` is called at least every 100 ms: it takes in
 * what the broker sends, and its false ends the attempt. A message that is cut in its middle leaves
 * the connection fit only for closing.
 */
#ifndef FANFOLD_LOG_PUBLISH_SEND_H
#define FANFOLD_LOG_PUBLISH_SEND_H

#include "log/amqp_link.h"
#include "log/properties.h"

typedef bool publish_idle_fn(void *arg, struct error *error);

struct publish_sender {
    struct amqp_link *link;
    publish_idle_fn *idle;
    void *arg;
    struct entry_room headers;
    size_t unchecked; /* bytes sent since the kernel was asked for room */
};

/* For a connection that publishes: see the .c file. */
void publish_tune_socket(struct amqp_link *link);

bool publish_send(struct publish_sender *sender, const char *exchange,
                  const struct message *message, struct error *error);

#endif
