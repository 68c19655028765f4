/*
 * topology.h: what `fanfold setup` declares on the broker.
 *
 * For a log: the exchange as it is, or a durable fanout when there is none; the stream queue
 * "<exchange>.log.0" with x-queue-type=stream (and x-max-age); the binding. For a recorded log
 * besides: the direct exchange, the queue and the partitions that base/partitions.h names, each
 * partition a stream like the log. Idempotent. What exists with other arguments or of another type
 * is an error, never a repair.
 */
#ifndef FANFOLD_TOPOLOGY_H
#define FANFOLD_TOPOLOGY_H

#include "base/config.h"
#include "base/error.h"

struct topology_result {
    bool exchange_declared; /* false: it was there, and is used as it is */
    bool queue_declared;    /* false: it was there */
    size_t parts_declared;  /* of a recorded log's partitions; the others were there */
    /* "topic" or "direct": the exchange is one and `bind` is "", so the log gets only messages with
     * an empty routing key. Else NULL. */
    const char *narrow;
};

bool topology_setup(const struct uri *uri, const struct log_config *log,
                    struct topology_result *result, struct error *error);

/* How many consumers a classic queue has; false also when it is not there. */
bool topology_consumers(const struct uri *uri, const char *queue, uint32_t *count,
                        struct error *error);

/* Is the partition there? ERROR_CONFIG with "run `fanfold setup`" when not. */
bool topology_check(const struct uri *uri, const char *partition, struct error *error);

#endif
