/*
 * recorder.h: copies a log to its partitions, in a libevent loop that does nothing else.
 *
 *     recorder = recorder_new(base, &uri, &log, &hooks, arg);      log_is_recorded(&log)
 *     event_base_dispatch(base);
 *     recorder_free(recorder);
 *
 * It never ends by itself: whatever fails is tried again, after a jittered back-off, from what the
 * partitions have by then. The URI and the log must outlive it.
 *
 * What it does, in this order (event/record.h says what a record is, and why it is exact):
 *
 * 1. takes the lock (log/recorder_lock.h); who does not get it stands by, and asks every second;
 * 2. reads the end of every partition: how far does its chain of records go?
 * 3. reads the intake from the lowest of these offsets on, and appends each event to the partition
 *    of its key (event/partition_key.h) unless that one has it: one connection for each partition,
 *    in order, confirmed, mandatory.
 *
 * A nack, a return, a lost connection or the loss of the lock ends all of it at once, and it begins
 * again at 1. So does a fault of the log, with a text that says the way out: retention has taken
 * events before they were recorded; the intake is not what was recorded; a partition holds what no
 * recorder wrote; an event is so large that a record of it would be larger than a message may be.
 *
 * Connecting blocks, for 10 s at most each time; nothing else does. Memory: RECORDING_BUDGET
 * (log/recording.h), what one burst of the reader brings (stream_reader.h), and the largest event
 * once more while its record is made.
 */
#ifndef FANFOLD_RECORDER_H
#define FANFOLD_RECORDER_H

#include "base/config.h"
#include "base/error.h"

struct event_base;
struct recorder;

enum recorder_state {
    RECORDER_STARTING,
    RECORDER_STANDBY,   /* another one records */
    RECORDER_RECORDING, /* said once it works: the text says from where */
    RECORDER_BLOCKED,   /* the broker takes no messages for now: an alarm */
    RECORDER_FAILED,    /* it tries again; said once an outage, and when the reason is another */
};

struct recorder_hooks {
    void (*changed)(void *arg, enum recorder_state state, const char *text);
};

/* Since the start. */
struct recorder_totals {
    uint64_t recorded; /* events handed to a partition */
    uint64_t skipped;  /* events of the intake that their partition had already */
    uint64_t marks;
    uint64_t begun; /* how often it began to record */
};

struct recorder *recorder_new(struct event_base *base, const struct uri *uri,
                              const struct log_config *log, const struct recorder_hooks *hooks,
                              void *arg);
struct recorder_totals recorder_totals(const struct recorder *recorder);
void recorder_free(struct recorder *recorder);

#endif
