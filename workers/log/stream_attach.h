/*
 * stream_attach.h: becoming a consumer of a stream queue.
 */
#ifndef FANFOLD_LOG_STREAM_ATTACH_H
#define FANFOLD_LOG_STREAM_ATTACH_H

#include "log/amqp_link.h"
#include <fanfold/stream_reader.h>

/* ERROR_CONFIG when there is no such queue. */
bool stream_attach(struct amqp_link *link, const char *partition, struct stream_start start,
                   uint16_t prefetch, struct error *error);

/* The text for a log that is not there; returns false. */
bool stream_missing(const struct amqp_link *link, const char *partition, struct error *error);

#endif
