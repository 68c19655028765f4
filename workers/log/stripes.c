/*
 * stripes.c: see stripes.h.
 */
#include "log/stripes.h"
#include "base/error.h"
#include <assert.h>
#include <stdlib.h>

struct stripe *stripes_add(struct stripes *stripes, uint64_t end)
{
    assert(stripes->count < STRIPES_MAX);
    struct stripe *stripe = &stripes->ring[(stripes->first + stripes->count++) % STRIPES_MAX];
    *stripe = (struct stripe){.end = end};
    return stripe;
}

struct stripe *stripes_lowest(struct stripes *stripes)
{
    return stripes->count ? &stripes->ring[stripes->first] : NULL;
}

bool stripes_may_pass(struct stripes *stripes, const struct stripe *stripe)
{
    return stripe->head == stripe->count && stripe == stripes_lowest(stripes);
}

bool stripes_ready(struct stripes *stripes)
{
    const struct stripe *lowest = stripes_lowest(stripes);
    return lowest && (lowest->whole || lowest->head < lowest->count);
}

/* Its block, malloc's bookkeeping, and its place in an array half full. */
static size_t cost(const struct message *message)
{
    return message->size + 2 * sizeof(void *) + 2 * sizeof(struct message *);
}

void stripe_keep(struct stripes *stripes, struct stripe *stripe, struct message *message)
{
    if (stripe->count == stripe->cap) {
        stripe->cap = stripe->cap ? 2 * stripe->cap : 64;
        stripe->waiting = must_realloc(stripe->waiting, stripe->cap * sizeof(struct message *));
    }
    stripe->waiting[stripe->count++] = message;
    stripes->bytes += cost(message);
}

static void drop_lowest(struct stripes *stripes)
{
    free(stripes_lowest(stripes)->waiting);
    stripes->first = (stripes->first + 1) % STRIPES_MAX;
    stripes->count--;
    stripes->dropped++;
}

struct message *stripes_take(struct stripes *stripes)
{
    struct stripe *lowest;
    while ((lowest = stripes_lowest(stripes))) {
        if (lowest->head < lowest->count) {
            struct message *message = lowest->waiting[lowest->head++];
            stripes->bytes -= cost(message);
            return message;
        }
        lowest->head = lowest->count = 0;
        if (!lowest->whole)
            break;
        drop_lowest(stripes);
    }
    return NULL;
}

void stripes_release(struct stripes *stripes)
{
    for (; stripes->count; drop_lowest(stripes)) {
        struct stripe *lowest = stripes_lowest(stripes);
        while (lowest->head < lowest->count)
            message_free(lowest->waiting[lowest->head++]);
    }
    stripes->bytes = 0;
}
