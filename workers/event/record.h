/*
 * record.h: what the recorder of a log with several partitions writes, and what readers make of it.
 *
 * A record is a message of the intake with some headers of ours beside its own:
 *
 *     fanfold-offset     integer: the offset that the message has in the intake
 *     fanfold-from       integer: one more than the fanfold-offset of the record before it in this
 *                        partition; of the first: where the recording began
 *     fanfold-key        text: the routing key that the message had in the intake
 *     fanfold-exchange   text: the exchange, where that is not the log's
 *     fanfold-mark       boolean, true: no event, only these bounds: nothing of this partition lies
 *                        between fanfold-from and fanfold-offset, the latter included;
 *                        fanfold-from is one more than the offset of the last *event* before it
 *
 * The broker sorts headers by their names, so a header of the message whose name begins with
 * "fanfold-" stands in the record as "fanfold-own-<name>": no name occurs twice.
 *
 * So the offsets from fanfold-from to fanfold-offset are accounted for by one record, and records
 * that follow each other make a chain without a hole. What a recorder that was believed dead still
 * appends repeats what is there; a reader takes a record if it begins where the last one that it
 * took ended, and drops it if it ends no later.
 *
 *     record_write(&record, message, log_exchange, from, &arena);
 *     if (record_read(message, log_exchange)) …;  message is as it came from the intake again
 */
#ifndef FANFOLD_EVENT_RECORD_H
#define FANFOLD_EVENT_RECORD_H

#include "base/arena.h"
#include <fanfold/message.h>

/* The record points into the message and the arena; its routing_key is the caller's to set. */
void record_write(struct message *record, const struct message *message, struct str exchange,
                  uint64_t from, struct arena *arena);
/* Nothing of the partition lies from `from` to `offset`. */
void record_mark(struct message *record, uint64_t from, uint64_t offset, struct arena *arena);

/* As delivered (its headers are rearranged where they are): message->offset becomes that of the
 * intake, message->record is the one in the partition. False: it is not a record, and is unchanged.
 */
bool record_read(struct message *message, struct str exchange);

enum record_place {
    RECORD_NEXT, /* it follows: take it */
    RECORD_OLD,  /* its offsets were taken already: drop it */
    RECORD_GAP,  /* what lies between was not seen */
};

/* taken: the next offset that is not accounted for yet. */
enum record_place record_place(const struct message *message, uint64_t taken);

#endif
