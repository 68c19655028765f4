/*
 * ring.h: the messages of a feed that some task has not committed yet, by index: message 0 is the
 * first that the feed delivered, and indices never change.
 *
 *     ring_push(&ring, message, number);         the ring owns it
 *     struct ring_entry *entry = ring_at(&ring, i);   ring.head <= i < ring.tail
 *     ring_pop(&ring);                           frees the oldest
 *     ring_release(&ring);
 */
#ifndef FANFOLD_WORKER_RING_H
#define FANFOLD_WORKER_RING_H

#include "event/window.h"
#include <fanfold/message.h>

struct ring_entry {
    struct message *message;
    uint64_t number;              /* of the reader's deliveries, from 1 */
    uint64_t fingerprint;         /* known once it was seen */
    enum window_answer duplicate; /* likewise */
};

struct ring {
    struct ring_entry *entries;
    uint64_t head, tail; /* indices */
    size_t cap;          /* 0 or a power of two */
    size_t bytes;        /* of memory that the messages take */
};

struct ring_entry *ring_push(struct ring *ring, struct message *message, uint64_t number);
struct ring_entry *ring_at(const struct ring *ring, uint64_t index);
void ring_pop(struct ring *ring);
void ring_release(struct ring *ring);

#endif
