/*
 * partitions.h: the names of a log's parts on the broker.
 *
 * A direct log (partitions: 1) is one stream, its intake "<exchange>.log.0", bound to the exchange.
 * A recorded log has P partitions besides, "<exchange>.part.<set>.<i>", to which the recorder
 * copies the intake (DESIGN section 6, Recorded log; log/recorder.h). They are a set, named after
 * what decides which event is in which: P, and unless the key is the plain subject, a digest of the
 * rule for it. So another P is another set, and no set's keys ever move.
 *
 *     <exchange>.log.0               stream   the intake
 *     <exchange>.part                exchange (direct), to which the recorder publishes
 *     <exchange>.part.<set>.<i>      stream   bound to it by the key "<set>.<i>"
 *     <exchange>.recorder.<set>      queue    never holds a message: who consumes it, records
 *
 * All names are the caller's to free.
 */
#ifndef FANFOLD_BASE_PARTITIONS_H
#define FANFOLD_BASE_PARTITIONS_H

#include "base/config.h"

#define PARTITIONS_MAX 256

/* What divides the events of a log: a JSON pointer into the event as it was published. */
#define PARTITION_BY_DEFAULT "/subject"

bool log_is_recorded(const struct log_config *log);
const char *log_partition_by(const struct log_config *log);
char *log_intake(const struct log_config *log);
/* i-th of log->partitions; of a direct log the intake. */
char *log_partition(const struct log_config *log, size_t i);
/* Of a recorded log. */
char *log_part_exchange(const struct log_config *log);
char *log_part_key(const struct log_config *log, size_t i);
char *log_recorder_queue(const struct log_config *log);

/* Does a stream of that name hold records? */
bool partition_is_recorded(const char *name);
/* Is it a stream of this log, also of a former set? */
bool log_has_partition(const struct log_config *log, const char *name);

/* Do both divide events by the same key? */
bool log_same_key(const struct log_config *a, const struct log_config *b);

/* Zeroed memory is an empty list. */
struct partition_list {
    char **at;
    size_t count;
};

/* All partitions of the log, in their order. */
void partition_list_add(struct partition_list *list, const struct log_config *log);
void partition_list_add_all(struct partition_list *list, const struct log_config *logs,
                            size_t count);
void partition_list_release(struct partition_list *list);

#endif
