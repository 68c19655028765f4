/*
 * stream_attach.h: becoming a consumer of a stream queue.
 */
#ifndef FANFOLD_LOG_STREAM_ATTACH_H
#define FANFOLD_LOG_STREAM_ATTACH_H

#include "log/amqp_link.h"
#include <fanfold/stream_reader.h>

/* ERROR_CONFIG when there is no such queue. Waits until it is attached; its number is 0. */
bool stream_attach(struct amqp_link *link, const char *partition, struct stream_start start,
                   uint16_t prefetch, struct error *error);

/* From one subscription of a channel to the next, without waiting: what the broker answers comes
 * among the deliveries. AMQP says that those before basic.cancel-ok are of the former, and those
 * after it are not. Each has a number of its own, hence a fresh tag (FACTS 1.3). `delivered`: the
 * last delivery tag of the channel, or 0. */
bool stream_cancel_send(struct amqp_link *link, unsigned number, uint64_t delivered,
                        struct error *error);
bool stream_consume_send(struct amqp_link *link, const char *partition, unsigned number,
                         struct stream_start start, uint16_t prefetch, struct error *error);

/* The text for a log that is not there; returns false. */
bool stream_missing(const struct amqp_link *link, const char *partition, struct error *error);

#endif
