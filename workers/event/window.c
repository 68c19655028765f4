/*
 * window.c: two tables, of (source, id) and of (source, id, content), each holding the last offset
 * at which that was seen, and a queue of what was put in, oldest first, by which both forget.
 */
#include "event/window.h"
#include "base/error.h"
#include <assert.h>
#include <stdlib.h>

struct seen {
    struct hash128 key;
    uint64_t offset_1; /* last offset + 1; 0: the slot is free */
};

/* Open addressing, linear probing, at most half full, deletion by shifting back. */
struct seen_table {
    struct seen *slots;
    size_t count, cap; /* cap: 0 or a power of two */
};

struct put {
    uint64_t offset;
    struct hash128 id, exact;
};

struct window {
    uint64_t width;
    struct seen_table ids, exacts;
    struct put *queue; /* circular */
    size_t head, count, cap;
};

struct window *window_new(uint64_t width)
{
    struct window *window = must_calloc(1, sizeof *window);
    window->width = width;
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

static bool same(struct hash128 a, struct hash128 b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

/* The slot of key, or the free slot where it would go. cap > 0. */
static struct seen *find(const struct seen_table *table, struct hash128 key)
{
    size_t mask = table->cap - 1, i = key.lo & mask;
    while (table->slots[i].offset_1 && !same(table->slots[i].key, key))
        i = (i + 1) & mask;
    return &table->slots[i];
}

static void grow(struct seen_table *table)
{
    struct seen_table bigger = {.cap = table->cap ? table->cap * 2 : 64, .count = table->count};
    bigger.slots = must_calloc(bigger.cap, sizeof *bigger.slots);
    for (size_t i = 0; i < table->cap; i++)
        if (table->slots[i].offset_1)
            *find(&bigger, table->slots[i].key) = table->slots[i];
    free(table->slots);
    *table = bigger;
}

/* Remembers key at offset; returns whether it was there. */
static bool put(struct seen_table *table, struct hash128 key, uint64_t offset)
{
    if (table->count * 2 >= table->cap)
        grow(table);
    struct seen *slot = find(table, key);
    bool was_there = slot->offset_1 != 0;
    table->count += !was_there;
    *slot = (struct seen){key, offset + 1};
    return was_there;
}

/* Forgets key if offset is still the last that it was seen at. */
static void forget(struct seen_table *table, struct hash128 key, uint64_t offset)
{
    struct seen *slot = find(table, key);
    if (slot->offset_1 != offset + 1)
        return;
    size_t mask = table->cap - 1, hole = (size_t)(slot - table->slots), i = hole;
    for (;;) {
        i = (i + 1) & mask;
        if (!table->slots[i].offset_1)
            break;
        size_t home = table->slots[i].key.lo & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            table->slots[hole] = table->slots[i];
            hole = i;
        }
    }
    table->slots[hole].offset_1 = 0;
    table->count--;
}

static void enqueue(struct window *window, struct put entry)
{
    if (window->count == window->cap) {
        size_t cap = window->cap ? window->cap * 2 : 64;
        struct put *queue = must_alloc(cap * sizeof *queue);
        for (size_t i = 0; i < window->count; i++)
            queue[i] = window->queue[(window->head + i) & (window->cap - 1)];
        free(window->queue);
        window->queue = queue;
        window->cap = cap;
        window->head = 0;
    }
    window->queue[(window->head + window->count++) & (window->cap - 1)] = entry;
}

/* Everything below the offset leaves the window. */
static void expire(struct window *window, uint64_t below)
{
    while (window->count && window->queue[window->head].offset < below) {
        struct put *old = &window->queue[window->head];
        forget(&window->ids, old->id, old->offset);
        forget(&window->exacts, old->exact, old->offset);
        window->head = (window->head + 1) & (window->cap - 1);
        window->count--;
    }
}

enum window_answer window_see(struct window *window, uint64_t offset, struct hash128 key,
                              uint64_t content)
{
    if (window->width == 0)
        return WINDOW_NEW;
    expire(window, offset > window->width ? offset - window->width : 0);
    assert(window->count == 0 ||
           window->queue[(window->head + window->count - 1) & (window->cap - 1)].offset < offset);

    struct hash128 exact = {hash_mix(key.lo, content), hash_mix(key.hi, ~content)};
    enqueue(window, (struct put){offset, key, exact});
    bool id_seen = put(&window->ids, key, offset);
    bool exact_seen = put(&window->exacts, exact, offset);
    return exact_seen ? WINDOW_DUPLICATE : id_seen ? WINDOW_REUSED : WINDOW_NEW;
}
