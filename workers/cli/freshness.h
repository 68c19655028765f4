/*
 * freshness.h: how far the tasks of a view are behind their logs: what Redis says of the positions,
 * and what the broker says of the ends. `status` and `get` share it.
 *
 *     struct probes probes = {.uri = &config.amqp};
 *     freshness_read(&fresh, view, partition, reader, &probes, &error)
 *     …
 *     probes_release(&probes);
 */
#ifndef FANFOLD_CLI_FRESHNESS_H
#define FANFOLD_CLI_FRESHNESS_H

#include "base/uri.h"
#include <fanfold/redis_reader.h>
#include <fanfold/stream_probe.h>

struct probe {
    char *partition;
    bool known;
    struct stream_ends ends;
};

/* Each partition is asked once. A broker that cannot be reached is not asked again. */
struct probes {
    const struct uri *uri;
    struct probe *at;
    size_t count;
    struct error error; /* the first; kind ERROR_NONE: none */
};

/* Valid until the next is asked. */
const struct probe *probes_ask(struct probes *probes, const char *partition);

struct freshness {
    struct task_state state; /* waiting is empty */
    bool has_position;
    bool end_known; /* false: the broker did not say */
    bool log_empty;
    uint64_t end;
    uint64_t end_record; /* of a recorded log: where that is in the partition */
    bool lag_known;
    uint64_t lag; /* offsets between cursor and end: about as many events */
    bool seconds_known;
    double lag_seconds;
};

bool freshness_read(struct freshness *fresh, const char *view, const char *partition,
                    struct redis_reader *reader, struct probes *probes, struct error *error);
/* The members cursor, end, lag, lag_seconds, time; null where it is not known. */
void freshness_json(const struct freshness *fresh, cJSON *object);
void probes_release(struct probes *probes);

#endif
