/*
 * ring.c: a circular array that doubles.
 */
#include "worker/ring.h"
#include "base/error.h"
#include <assert.h>
#include <stdlib.h>

struct ring_entry *ring_at(const struct ring *ring, uint64_t index)
{
    assert(index >= ring->head && index < ring->tail);
    return &ring->entries[index & (ring->cap - 1)];
}

/* What a message takes: its block, malloc's bookkeeping, and its entry in an array half full. */
static size_t cost(const struct message *message)
{
    return message->size + 2 * sizeof(void *) + 2 * sizeof(struct ring_entry);
}

static void grow(struct ring *ring)
{
    struct ring bigger = {.cap = ring->cap ? ring->cap * 2 : 256};
    bigger.entries = must_alloc(bigger.cap * sizeof *bigger.entries);
    for (uint64_t i = ring->head; i < ring->tail; i++)
        bigger.entries[i & (bigger.cap - 1)] = *ring_at(ring, i);
    free(ring->entries);
    ring->entries = bigger.entries;
    ring->cap = bigger.cap;
}

struct ring_entry *ring_push(struct ring *ring, struct message *message, uint64_t number)
{
    if (ring->tail - ring->head == ring->cap)
        grow(ring);
    ring->tail++;
    ring->bytes += cost(message);
    struct ring_entry *entry = ring_at(ring, ring->tail - 1);
    *entry = (struct ring_entry){.message = message, .number = number};
    return entry;
}

void ring_pop(struct ring *ring)
{
    struct ring_entry *oldest = ring_at(ring, ring->head);
    ring->bytes -= cost(oldest->message);
    message_free(oldest->message);
    ring->head++;
}

void ring_release(struct ring *ring)
{
    while (ring->head < ring->tail)
        ring_pop(ring);
    free(ring->entries);
    *ring = (struct ring){0};
}
