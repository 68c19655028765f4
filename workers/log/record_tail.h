/*
 * record_tail.h: how far does a partition's chain of records go (event/record.h)?
 *
 *     tail = record_tail_open(base, &uri, partition, wake, arg, &error);
 *     switch (record_tail_state(tail))    TAIL_READING until wake(arg) has been called
 *     record_tail_result(tail)            after TAIL_DONE
 *     record_tail_error(tail)             after TAIL_FAILED
 *     record_tail_close(tail);
 *
 * Opening blocks for about 10 s at most, as a probe does. Reads as much of the partition's end as
 * is needed to be sure (see the .c file).
 */
#ifndef FANFOLD_LOG_RECORD_TAIL_H
#define FANFOLD_LOG_RECORD_TAIL_H

#include "base/error.h"
#include "base/uri.h"
#include <fanfold/message.h>

struct event_base;
struct record_tail;

enum tail_state { TAIL_READING, TAIL_DONE, TAIL_FAILED };

struct tail_result {
    bool empty;     /* there is no record */
    uint64_t next;  /* the chain accounts for the intake's offsets below it */
    uint64_t quiet; /* there is no event from here on, up to `next` */
    /* The last event (no mark) of the chain that was read. */
    bool has_last;
    uint64_t last_offset, last_print;
    uint64_t read; /* records that were read for it */
};

struct record_tail *record_tail_open(struct event_base *base, const struct uri *uri,
                                     const char *partition, void (*wake)(void *arg), void *arg,
                                     struct error *error);
enum tail_state record_tail_state(const struct record_tail *tail);
const struct tail_result *record_tail_result(const struct record_tail *tail);
const struct error *record_tail_error(const struct record_tail *tail);
void record_tail_close(struct record_tail *tail);

/* Of what an event and its record have in common. */
uint64_t record_print(const struct message *message);

#endif
