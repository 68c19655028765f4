/*
 * publisher.h: publishes with confirms, a bounded window, reconnects and resends. Blocking; for
 * programs that do nothing else.
 *
 *     struct publisher *p = publisher_open(&uri, &options, &error);
 *     publisher_send(p, &message, line, &error)      copies; blocks while the window is full
 *     publisher_flush(p, &error)                     until every message has its outcome
 *     publisher_close(p);
 *
 * Messages are persistent and mandatory. A lost connection is reported through options.notice once,
 * retried with jittered back-off for options.patience_ms (<= 0: for ever), and all that was not
 * confirmed is sent again in order, with the same ids (the log's duplicate window takes care of
 * copies). connection.blocked (a broker's alarm) is waited for and reported.
 *
 * The URI and the options' texts must outlive the publisher. A caller that has nothing to send for
 * more than some seconds calls publisher_flush() now and then: it keeps the connection alive.
 */
#ifndef FANFOLD_PUBLISHER_H
#define FANFOLD_PUBLISHER_H

#include "base/error.h"
#include "base/uri.h"
#include <fanfold/message.h>

enum publish_outcome {
    PUBLISH_CONFIRMED,
    PUBLISH_UNROUTABLE, /* returned: no queue took it */
    PUBLISH_REFUSED, /* nack; or AMQP cannot carry it: a text over 255 bytes, headers over a frame,
                        … */
};

struct publisher_options {
    const char *exchange;
    const char *partition; /* the log that must be there ("run `fanfold setup`"), checked at every
                              connect; NULL: none */
    size_t window; /* unconfirmed messages at most; 0: 2000. Bytes: PUBLISHER_WINDOW_BYTES */
    int patience_ms;
    const volatile int
        *stop; /* becomes non-zero (signal handler): calls return ERROR_NO soon; may be NULL */
    /* Called for each message once, in the order of confirms. tag: as given to publisher_send. */
    void (*outcome)(void *arg, uint64_t tag, enum publish_outcome outcome, const char *text);
    /* "lost the connection to …; trying again", "connected again; 120 messages are sent again", …
     */
    void (*notice)(void *arg, const char *text);
    void *arg;
};

#define PUBLISHER_WINDOW_BYTES (16 * 1024 * 1024)

struct publisher;

struct publisher *publisher_open(const struct uri *uri, const struct publisher_options *options,
                                 struct error *error);
bool publisher_send(struct publisher *publisher, const struct message *message, uint64_t tag,
                    struct error *error);
bool publisher_flush(struct publisher *publisher, struct error *error);
uint64_t publisher_resent(const struct publisher *publisher);
size_t publisher_unconfirmed(const struct publisher *publisher);
void publisher_close(struct publisher *publisher);

#endif
