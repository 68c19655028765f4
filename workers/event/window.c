/*
 * window.c: a queue of what was put in, oldest first, and two tables that lead into it: from
 * (source, id), and from (source, id, content), to the last event where that was seen.
 *
 * A table has a place in the queue and a few bits of the hash for each, not the hash itself, which
 * the queue has: with the usual window that is 4 MiB in all, and every feed has one. The bits tell
 * nearly all keys apart, so that the queue is seldom looked at; to forget, the place is enough.
 */
#include "event/window.h"
#include "base/error.h"
#include <assert.h>
#include <stdlib.h>

#define QUEUE_MIN 64

struct put {
    uint64_t offset;
    struct hash128 id;
    uint64_t content;
};

struct slot {
    uint32_t place_1; /* in the queue, + 1; 0: the slot is free */
    uint32_t print;   /* low bits of the key's hash */
};

/* Open addressing, linear probing, hardly more than half full, deletion by shifting back. */
struct table {
    struct slot *slots;
    bool with_content;
};

struct window {
    uint64_t width;
    struct table ids, exacts;
    uint32_t mask;     /* of both tables */
    struct put *queue; /* circular */
    uint32_t head, count, cap;
};

struct window *window_new(uint64_t width)
{
    assert(width < UINT32_MAX / 4);
    struct window *window = must_calloc(1, sizeof *window);
    window->width = width;
    window->exacts.with_content = true;
    return window;
}

void window_free(struct window *window)
{
    if (!window)
        return;
    free(window->ids.slots);
    free(window->exacts.slots);
    free(window->queue);
    free(window);
}

static uint32_t print_of(const struct table *table, const struct put *put)
{
    return (uint32_t)(table->with_content ? hash_mix(put->id.lo, put->content) : put->id.lo);
}

static bool is_same(const struct table *table, const struct put *a, const struct put *b)
{
    return a->id.lo == b->id.lo && a->id.hi == b->id.hi &&
           (!table->with_content || a->content == b->content);
}

/* The last of its key is what stands at the place; returns whether there was one before. */
static bool point(struct window *window, struct table *table, uint32_t place)
{
    const struct put *put = &window->queue[place];
    uint32_t print = print_of(table, put), i = print & window->mask;
    struct slot *slot = &table->slots[i];
    while (slot->place_1 &&
           (slot->print != print || !is_same(table, &window->queue[slot->place_1 - 1], put))) {
        i = (i + 1) & window->mask;
        slot = &table->slots[i];
    }
    bool was_there = slot->place_1 != 0;
    *slot = (struct slot){place + 1, print};
    return was_there;
}

/* Closes the gap, so that whoever looks for a key behind it finds it. */
static void shift_back(struct window *window, struct slot *slots, uint32_t hole)
{
    uint32_t mask = window->mask;
    for (uint32_t i = (hole + 1) & mask; slots[i].place_1; i = (i + 1) & mask) {
        if (((i - slots[i].print) & mask) >= ((i - hole) & mask)) {
            slots[hole] = slots[i];
            hole = i;
        }
    }
    slots[hole].place_1 = 0;
}

/* What stands at the place goes, if it is still the last of its key. */
static void forget(struct window *window, struct table *table, uint32_t place)
{
    uint32_t i = print_of(table, &window->queue[place]) & window->mask;
    while (table->slots[i].place_1 != place + 1) {
        if (!table->slots[i].place_1)
            return;
        i = (i + 1) & window->mask;
    }
    shift_back(window, table->slots, i);
}

/* Everything below the offset leaves the window. */
static void expire(struct window *window, uint64_t below)
{
    while (window->count && window->queue[window->head].offset < below) {
        forget(window, &window->ids, window->head);
        forget(window, &window->exacts, window->head);
        if (++window->head == window->cap)
            window->head = 0;
        window->count--;
    }
}

static uint32_t place_of(const struct window *window, uint32_t number)
{
    uint32_t room = window->cap - window->head;
    return number < room ? window->head + number : number - room;
}

static void new_table(struct window *window, struct table *table)
{
    free(table->slots);
    table->slots = must_calloc((size_t)window->mask + 1, sizeof *table->slots);
    for (uint32_t place = 0; place < window->count; place++)
        point(window, table, place);
}

/* Doubles, up to what the width can need: all before an event, and the event. */
static void grow(struct window *window)
{
    uint32_t cap = window->cap ? window->cap * 2 : QUEUE_MIN, slots = 2 * QUEUE_MIN;
    if (cap >= window->width)
        cap = (uint32_t)window->width + 1;
    while (slots < 2 * (cap - 1))
        slots *= 2;
    struct put *queue = must_alloc(cap * sizeof *queue);
    for (uint32_t i = 0; i < window->count; i++)
        queue[i] = window->queue[place_of(window, i)];
    free(window->queue);
    window->queue = queue;
    window->cap = cap;
    window->head = 0;
    window->mask = slots - 1;
    new_table(window, &window->ids);
    new_table(window, &window->exacts);
}

enum window_answer window_see(struct window *window, uint64_t offset, struct hash128 key,
                              uint64_t content)
{
    if (window->width == 0)
        return WINDOW_NEW;
    expire(window, offset > window->width ? offset - window->width : 0);
    if (window->count == window->cap)
        grow(window);
    assert(window->count == 0 ||
           window->queue[place_of(window, window->count - 1)].offset < offset);

    uint32_t place = place_of(window, window->count++);
    window->queue[place] = (struct put){offset, key, content};
    bool id_seen = point(window, &window->ids, place);
    bool exact_seen = point(window, &window->exacts, place);
    return exact_seen ? WINDOW_DUPLICATE : id_seen ? WINDOW_REUSED : WINDOW_NEW;
}
