/*
 * amqp_link.h: one connection to the broker with one channel, and request-reply calls on it.
 *
 *     struct amqp_link link;
 *     if (!amqp_link_open(&link, &uri, "reader shop.events.log.0", &error)) …
 *     amqp_link_rpc(&link, AMQP_QUEUE_BIND_METHOD, &request, AMQP_QUEUE_BIND_OK_METHOD, NULL,
 * &error) amqp_link_close(&link);
 *
 * Blocking. All calls together have until link.deadline_ms: 5 s from opening on, more when the
 * owner says so with amqp_link_allow(). One channel per connection, because rabbitmq-c can lose
 * frames of others (FACTS 2.1); no call of rabbitmq-c that keeps its result in the connection (a
 * stale one looks like success).
 */
#ifndef FANFOLD_LOG_AMQP_LINK_H
#define FANFOLD_LOG_AMQP_LINK_H

#include "base/error.h"
#include "base/uri.h"
#include "log/amqp_compat.h"

#define AMQP_LINK_CONNECT_MS 5000
#define AMQP_LINK_CHANNEL    1
#define AMQP_LINK_HEARTBEAT  20 /* seconds */

struct amqp_link {
    amqp_connection_state_t state;
    char *where;         /* the server's address without its password: errors begin with it */
    int64_t deadline_ms; /* of clock_monotonic_ms(), for the calls that block */
    int closed_by;       /* AMQP code of the broker's last close of channel or connection, or 0 */
    bool healthy;        /* false: only to be destroyed; the state of the connection is not known */
    int heartbeat;       /* seconds */
};

/* Connects, logs in, opens the channel; purpose is shown among the broker's connections. */
bool amqp_link_open(struct amqp_link *link, const struct uri *uri, const char *purpose,
                    struct error *error);
/* With another heartbeat than AMQP_LINK_HEARTBEAT, in seconds: the broker gives a silent connection
 * up after two to three of them. */
bool amqp_link_open_beating(struct amqp_link *link, const struct uri *uri, const char *purpose,
                            int heartbeat, struct error *error);
/* The calls that follow have this long, all together. */
void amqp_link_allow(struct amqp_link *link, int ms);
/* reply: where to put the decoded reply, or NULL. It is valid until the next call. When the broker
 * closes the channel for it (closed_by), the channel can be had again by amqp_link_reopen(). */
bool amqp_link_rpc(struct amqp_link *link, amqp_method_number_t request_id, void *request,
                   amqp_method_number_t reply_id, void **reply, struct error *error);
bool amqp_link_reopen(struct amqp_link *link, struct error *error);

/* Both set the error and return false. */
bool amqp_link_failed(struct amqp_link *link, int status, struct error *error);
/* The broker sent connection.close or channel.close: answers it; the error has its code's kind. */
bool amqp_link_refused(struct amqp_link *link, const amqp_method_t *close, struct error *error);

/* Says good-bye if the connection is healthy, for a second at most. */
void amqp_link_close(struct amqp_link *link);

#endif
