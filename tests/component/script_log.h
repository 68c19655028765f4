/*
 * script_log.h: a log that a script wrote. script_log.c has the functions of stream_ahead.h and
 * stream_probe.h and is linked in place of workers/log's: what it delivers, when, and when it fails
 * is for the test to say.
 *
 *     struct script_log log = {.script = &script, .visible = 5};
 *     process.host.amqp = &log.uri;              by which an opened reader finds its log,
 *     process.host.base = (void *)worker;        and the test its readers
 *     script_log_deliver(&log, worker, 3);       up to 3 messages to each of that worker's readers
 *     script_log_cut(&log, worker);              its connections are lost; told at the next deliver
 *
 * Like the broker it clamps silently: beyond the end nothing comes. Credit is counted: no more than
 * SCRIPT_LOG_PREFETCH messages are on their way unacknowledged.
 */
#ifndef FANFOLD_TESTS_SCRIPT_LOG_H
#define FANFOLD_TESTS_SCRIPT_LOG_H

#include "base/uri.h"
#include "script.h"
#include <fanfold/stream_ahead.h>

#define SCRIPT_LOG_PREFETCH 64

struct script_log {
    struct uri uri; /* first: what a reader is opened with */
    const struct script *script;
    const struct script_records *records; /* of a recorded log, else NULL */
    bool ahead;       /* records that are there before their time come before the next event */
    size_t visible;   /* how many of the events are in the log by now */
    unsigned refuses; /* this many openings and probes fail */
    /* feed: the arg that the reader was opened with; offset: the last message acknowledged */
    void (*acknowledged)(void *arg, void *worker, void *feed, uint64_t offset);
    void *arg;
    struct stream_ahead *readers;
    unsigned opened, refused, cut, probed_first, starved, paused, in_the_middle; /* how often */
};

/* Returns whether there was anything to tell. */
bool script_log_deliver(struct script_log *log, const void *worker, size_t burst);
/* False: it had no reader. */
bool script_log_cut(struct script_log *log, const void *worker);

#endif
