/*
 * chain.h: which messages of a partition of a recorded log are its events (event/record.h).
 *
 * A recorder that died, or was believed dead, leaves records that repeat earlier ones; one whose
 * records were refused in their middle appends the lost ones again, behind those that came after.
 * So what does not follow is passed over, and the chain may close further on: at the latest where
 * the partition ended when reading began. If it does not, more must be read, or awaited.
 *
 *     struct chain chain = {.start = …, .end = …, .whole = …};
 *     for each entry of a record:  if (chain_take(&chain, entry)) …;     it is the next event
 *     if (chain_is_broken(&chain, record)) …;                            after the last of them
 */
#ifndef FANFOLD_WORKER_CHAIN_H
#define FANFOLD_WORKER_CHAIN_H

#include "event/record.h"

struct chain {
    uint64_t start; /* the offset of the intake from which on nothing may be missing */
    uint64_t end;   /* of the partition, when reading began: its last record; 0 when empty */
    bool whole;     /* it is read from its first record that there is */
    bool begun;
    bool open;       /* what lies between was not seen yet */
    uint64_t from;   /* what the first one accounts for begins here */
    uint64_t taken;  /* the next offset that is not accounted for */
    uint64_t beyond; /* what was seen behind the gap begins here */
};

bool chain_take(struct chain *chain, const struct message *entry);
/* record: where the record is whose entries were taken. What lies from `taken` to `beyond` was not
 * found, and will not be. */
bool chain_is_broken(const struct chain *chain, uint64_t record);

#endif
