/*
 * record.h: what the recorder of a log with several partitions writes, and what readers make of it.
 *
 * A record is a message whose body holds a message of the intake, all of it. To the broker it is
 * bytes: it translates each property and header of a message between AMQP 1.0, in which it stores
 * them, and AMQP 0-9-1, and that costs it more than all else (README, "How fast it is"). The body,
 * all numbers unsigned, the most significant octet first:
 *
 *     8 octets    "fanfold" and the number of this form, 1
 *     1           0: an event; 1: a mark, which ends behind `from`
 *     8           offset: the one that the message has in the intake
 *     8           from: one more than the offset of the record before it in this partition; of the
 *                 first: where the recording began
 *     8 texts     exchange, routing key, content type, content encoding, message id, type, app id,
 *                 correlation id; a text is its length in 4 octets, all bits set: there is none,
 *                 and its octets
 *     1, 8        1: there is a timestamp, 0: there is none; seconds since 1970
 *     4           how many headers there are; of each:
 *       1, text     its kind, by the letters of AMQP 0-9-1 (S text, l integer, d double, t boolean,
 *                   T timestamp), and its name
 *       text or 8   its value: S a text, d an IEEE 754 double, else an integer in two's complement
 *     the rest    the body
 *
 * A mark is no event, it says only: nothing of this partition lies between from and offset, the
 * latter included. Its from is one more than the offset of the last *event* before it.
 *
 * So the offsets from `from` to `offset` are accounted for by one record, and records that follow
 * each other make a chain without a hole. What a recorder that was believed dead still appends
 * repeats what is there; a reader takes a record if it begins where the last one that it took
 * ended, and drops it if it ends no later.
 *
 *     record_write(&record, message, from, &arena);
 *     if ((event = record_read(delivered))) …;        as it came from the intake
 */
#ifndef FANFOLD_EVENT_RECORD_H
#define FANFOLD_EVENT_RECORD_H

#include "base/arena.h"
#include <fanfold/message.h>

/* The record's body lies in the arena; its routing_key is the caller's to set. */
void record_write(struct message *record, const struct message *message, uint64_t from,
                  struct arena *arena);
/* Nothing of the partition lies from `from` to `offset`. */
void record_mark(struct message *record, uint64_t from, uint64_t offset, struct arena *arena);

/* The message of the intake: its offset is the one there, its record the one in the partition, its
 * size counts the memory that it takes now. `delivered` is gone. NULL: it is no record, and is
 * unchanged. */
struct message *record_read(struct message *delivered);

enum record_place {
    RECORD_NEXT, /* it follows: take it */
    RECORD_OLD,  /* its offsets were taken already: drop it */
    RECORD_GAP,  /* what lies between was not seen */
};

/* taken: the next offset that is not accounted for yet. */
enum record_place record_place(const struct message *message, uint64_t taken);

#endif
