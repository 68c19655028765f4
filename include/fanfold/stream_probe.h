/*
 * stream_probe.h: short questions to a partition, each over a connection of its own; blocking, for
 * at most about 10 s (connecting 5 s, then waiting).
 */
#ifndef FANFOLD_STREAM_PROBE_H
#define FANFOLD_STREAM_PROBE_H

#include "base/error.h"
#include "base/uri.h"

struct stream_ends {
    bool empty; /* no message; of a partition of a recorded log: no event, as far as can be seen */
    uint64_t first, last; /* the oldest and the newest offset; valid unless empty */
    /* Where they are in a partition of a recorded log, whose offsets are those of the intake
     * (first: from there on it accounts for all); else the same. Valid if there is any message. */
    uint64_t first_record, last_record;
    uint64_t covered; /* one more than the last offset that it accounts for; 0: none */
};

/* The oldest offset (probe `first`). */
bool stream_probe_first(const struct uri *uri, const char *partition, struct stream_ends *ends,
                        struct error *error);

/* The newest offset: attaches at `last`, which is the last *chunk* (FACTS 1.2), and reads until
 * nothing more comes. Returns as soon as an offset (record) >= enough is seen (UINT64_MAX: read to
 * the end). */
bool stream_probe_last(const struct uri *uri, const char *partition, uint64_t enough,
                       struct stream_ends *ends, struct error *error);

#endif
