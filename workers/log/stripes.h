/*
 * stripes.h: puts what several subscriptions read of a log back in order. No I/O.
 *
 * The log is cut into stripes of offsets, each read by one subscription. What comes of the lowest
 * stripe can be handed on; what comes of a later one waits.
 *
 *     struct stripe *stripe = stripes_add(&stripes, end);    above all others; STRIPES_MAX at most
 *     stripe_keep(&stripes, stripe, message);                the stripe owns it
 *     stripe->whole = true;                                  nothing more comes below its end
 *     while ((message = stripes_take(&stripes))) …           in order; yours
 *
 * stripes_take() drops a lowest stripe that is whole and empty, and goes on with the next: then the
 * pointer that stripes_add() gave is not valid any more.
 */
#ifndef FANFOLD_LOG_STRIPES_H
#define FANFOLD_LOG_STRIPES_H

#include <fanfold/message.h>

#define STRIPES_MAX 16

struct stripe {
    uint64_t end; /* the first offset that is not in it; UINT64_MAX: it has none */
    bool whole;
    struct message **waiting; /* [head, count) */
    size_t head, count, cap;
};

struct stripes {
    struct stripe ring[STRIPES_MAX];
    unsigned first, count;
    uint64_t dropped; /* how many stripes were */
    size_t bytes;     /* of memory that waiting messages take */
};

struct stripe *stripes_add(struct stripes *stripes, uint64_t end);
/* NULL when there is none. */
struct stripe *stripes_lowest(struct stripes *stripes);
/* Can what is of this stripe be handed on as it comes? */
bool stripes_may_pass(struct stripes *stripes, const struct stripe *stripe);
/* Would stripes_take() get further? */
bool stripes_ready(struct stripes *stripes);
void stripe_keep(struct stripes *stripes, struct stripe *stripe, struct message *message);
struct message *stripes_take(struct stripes *stripes);
void stripes_release(struct stripes *stripes);

#endif
