/*
 * recording.h: the copying itself: the intake is read from where the lanes' chains end, each event
 * is handed to its lane, and a delivery is acknowledged once all before it are confirmed.
 *
 *     recording_init(&recording, base, &uri, &log, wake, arg);
 *     recording_found(&recording, i, &result);            for each lane: what its partition has
 *     recording_connect(&recording, &error)               again until recording_is_connected();
 *                                                         one connection a call
 *     recording_turn(&recording, &error)                  after each wake(); false: it is over
 *     recording_release(&recording);
 */
#ifndef FANFOLD_LOG_RECORDING_H
#define FANFOLD_LOG_RECORDING_H

#include "event/partition_key.h"
#include "log/record_tail.h"
#include "log/recorder_lane.h"

struct stream_reader;

/* Bytes of events in memory above which the intake is left unread, until half of it is. */
#define RECORDING_BUDGET ((size_t)32 * 1024 * 1024)

struct recording {
    struct event_base *base;
    const struct uri *uri;
    const struct log_config *log;
    void (*wake)(void *arg);
    void *arg;
    char *intake;
    struct partition_keys keys;
    struct lane *lanes;
    size_t lane_count, lanes_open;

    struct stream_reader *reader;
    uint64_t start;    /* where the reading began */
    uint64_t known;    /* some partition had events up to here when it did */
    uint64_t expected; /* the offset that comes next, or a later one */
    struct error failed;
    bool paused;
    uint64_t delivered, acknowledged; /* messages of the intake */
    uint64_t recorded, skipped, marks;
    const char *blocked; /* the partition of a lane that an alarm blocks, or NULL */
};

void recording_init(struct recording *recording, struct event_base *base, const struct uri *uri,
                    const struct log_config *log, void (*wake)(void *arg), void *arg);
void recording_found(struct recording *recording, size_t i, const struct tail_result *result);
bool recording_is_connected(const struct recording *recording);
/* Blocks for 10 s at most. */
bool recording_connect(struct recording *recording, struct error *error);
bool recording_turn(struct recording *recording, struct error *error);
void recording_release(struct recording *recording);

#endif
