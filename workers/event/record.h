/*
 * record.h: what the recorder of a log with several partitions writes, and what readers make of it.
 *
 * A record is a message whose body holds messages of the intake, all of each. To the broker it is
 * bytes: it translates the properties and headers of a message between AMQP 1.0, in which it stores
 * them, and AMQP 0-9-1, and that, and the message itself, cost it more than all else (README, "How
 * fast it is"). The body, all numbers unsigned, the most significant octet first:
 *
 *     8 octets    "fanfold" and the number of this form, 1
 *
 * and then one entry or more:
 *
 *     1           0: an event; 1: a mark, which ends behind `from`
 *     8           offset: the one that the message has in the intake
 *     8           from: one more than the offset of the entry before it in this partition; of the
 *                 first: where the recording began
 *     8 texts     exchange, routing key, content type, content encoding, message id, type, app id,
 *                 correlation id; a text is its length in 4 octets, all bits set: there is none,
 *                 and its octets
 *     1, 8        1: there is a timestamp, 0: there is none; seconds since 1970
 *     4           how many headers there are; of each:
 *       1, text     its kind, by the letters of AMQP 0-9-1 (S text, l integer, d double, t boolean,
 *                   T timestamp), and its name
 *       text or 8   its value: S a text, d an IEEE 754 double, else an integer in two's complement
 *     text        the body
 *
 * A mark is no event, it says only: nothing of this partition lies between from and offset, the
 * latter included. Its from is one more than the offset of the last *event* before it.
 *
 * So the offsets from `from` to `offset` are accounted for by one entry, and entries that follow
 * each other make a chain without a hole. What a recorder that was believed dead still appends
 * repeats what is there; a reader takes an entry if it begins where the last one that it took
 * ended, and drops it if it ends no later. How entries are spread over records says nothing.
 *
 *     record_begin(&body); record_add(&body, message, from); …
 *     struct record_reading reading = record_open(delivered);
 *     while ((message = record_next(&reading))) …;        as it came from the intake
 *     if (!reading.ok) …;                                 it is no record
 */
#ifndef FANFOLD_EVENT_RECORD_H
#define FANFOLD_EVENT_RECORD_H

#include "base/buf.h"
#include <fanfold/message.h>

void record_begin(struct buf *body);
void record_add(struct buf *body, const struct message *message, uint64_t from);
/* Nothing of the partition lies from `from` to `offset`. */
void record_add_mark(struct buf *body, uint64_t from, uint64_t offset);

struct record_reading {
    const struct message *delivered;
    struct str left; /* entries that were not read yet */
    bool ok;         /* false: it is no record, or ends too early, or says what cannot be */
};

struct record_reading record_open(const struct message *delivered);
/* The next message of the intake: its offset is the one there, its record that of the delivered
 * message. The caller's; it does not point into what was delivered. NULL: there is no more. */
struct message *record_next(struct record_reading *reading);

enum record_place {
    RECORD_NEXT, /* it follows: take it */
    RECORD_OLD,  /* its offsets were taken already: drop it */
    RECORD_GAP,  /* what lies between was not seen */
};

/* taken: the next offset that is not accounted for yet. */
enum record_place record_place(const struct message *message, uint64_t taken);

#endif
