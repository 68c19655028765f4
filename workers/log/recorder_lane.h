/*
 * recorder_lane.h: one partition's writer: a connection with one channel, on which records are
 * published in order and confirmed.
 *
 *     lane_init(&lane, &log, i, wake, arg);
 *     lane.next = lane.sent = …;                  where its chain goes on (record_tail.h)
 *     if (!lane_open(&lane, base, &uri, &error)) …
 *     lane_push(&lane, message, tag);             message is the lane's now
 *     lane_send(&lane);                           what there is room for; again after each wake()
 *     lane_oldest(&lane, &tag)                    of what is not confirmed yet
 *     lane.failed.kind                            not ERROR_NONE: only to be closed; wake() was
 * called lane_release(&lane);
 *
 * One stream per channel, because of FACTS 0.2. A nack, a return or a lost connection is the end of
 * the lane: what was sent behind the message that is missing now may be in the partition already,
 * so only who reads that again knows how to go on. Therefore what is unconfirmed is bounded: at
 * most LANE_WINDOW records of LANE_BYTES together, or one record; and the first record of an empty
 * partition goes alone, since nothing before it would show that it is missing.
 *
 * What waits goes into one record, RECORD_EVENTS messages or RECORD_BYTES of them at most: the
 * broker's work is for each record, and most of it for each chunk, of which it makes as many as it
 * can. Fewer wait for more as long as a record is on its way (as Nagle's algorithm does, RFC 896):
 * nothing is late where little happens, and where much does, records are full.
 *
 * Never blocks but in lane_open(), for 5 s at most.
 */
#ifndef FANFOLD_LOG_RECORDER_LANE_H
#define FANFOLD_LOG_RECORDER_LANE_H

#include "base/buf.h"
#include "base/config.h"
#include "log/frames.h"
#include "log/publish_send.h"
#include "log/publish_window.h"

#define LANE_WINDOW 64
#define LANE_BYTES  ((size_t)8 * 1024 * 1024)
/* A worker that begins reads back as many records as its window has events (worker/task.c): the
 * more a record may hold, the more it reads in vain. */
#define RECORD_EVENTS 16
#define RECORD_BYTES  ((size_t)32 * 1024)

struct event;
struct event_base;

struct lane_waiting {
    struct message *message;
    uint64_t tag;
};

struct lane {
    char *exchange, *partition, *key;
    void (*wake)(void *arg);
    void *arg;

    uint64_t next;    /* intake offsets below it are in the partition, or on their way there */
    uint64_t sent;    /* the same, of what is in records */
    uint64_t quiet;   /* no event is from here on, up to `sent` */
    bool fresh;       /* nothing is known to be in the partition */
    int64_t moved_ms; /* monotonic: when `next` last moved */
    /* The last record that was found: the intake must have the same event there. */
    bool has_last;
    uint64_t last_offset, last_print;

    struct amqp_link link;
    struct frames frames;
    struct event *readable, *writable, *beat;
    bool open, blocked; /* blocked: by the broker's alarm */
    int64_t answers_ms; /* monotonic: when the broker's answers were last taken in */
    struct error failed;

    struct lane_waiting *waiting; /* a ring */
    size_t waiting_cap, waiting_head, waiting_count;
    struct publish_window window; /* records: being sent, or not confirmed */
    struct publish_sender sender;
    struct buf body; /* of the next record */
    size_t held;     /* bytes of memory that its messages and records take */
};

void lane_init(struct lane *lane, const struct log_config *log, size_t i, void (*wake)(void *arg),
               void *arg);
bool lane_open(struct lane *lane, struct event_base *base, const struct uri *uri,
               struct error *error);
/* A mark is a message with `mark` set. tags rise. */
void lane_push(struct lane *lane, struct message *message, uint64_t tag);
void lane_send(struct lane *lane);
/* False: nothing is left. */
bool lane_oldest(const struct lane *lane, uint64_t *tag);
void lane_release(struct lane *lane);

#endif
