/*
 * partition_key.h: which partition of a recorded log an event belongs to.
 *
 * The key is what the log's `partition_by` (default /subject) finds in the event as it was
 * published, before any upcast: the text of a text, RFC 8785 JSON of anything else; where there is
 * nothing, the key is empty. Its partition is
 *
 *     mix(FNV-1a 64 of the key's bytes) mod P
 *
 * FNV-1a: offset basis 14695981039346656037, prime 1099511628211 (draft-eastlake-fnv section 2).
 * mix is the finaliser of MurmurHash3: x ^= x >> 33; x *= 0xff51afd7ed558ccd; x ^= x >> 33;
 * x *= 0xc4ceb9fe1a85ec53; x ^= x >> 33; all modulo 2^64. It is fixed for ever: a key never moves.
 * tests/support/partitions.py is the same in Python.
 */
#ifndef FANFOLD_EVENT_PARTITION_KEY_H
#define FANFOLD_EVENT_PARTITION_KEY_H

#include <fanfold/cloudevent.h>

uint64_t partition_hash(struct str key);

struct partition_keys {
    const struct log_config *log;
    char *intake;
    struct arena arena;
    struct buf text;
};

/* The log must stay as long. */
void partition_keys_init(struct partition_keys *keys, const struct log_config *log);
void partition_keys_release(struct partition_keys *keys);
/* The hash of the message's key; message: as the intake has it. */
uint64_t partition_keys_hash(struct partition_keys *keys, const struct message *message);

#endif
