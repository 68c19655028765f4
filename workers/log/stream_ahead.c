/*
 * stream_ahead.c: see stream_ahead.h.
 *
 * It is alone or wide, and which of them is one fact: does the last stripe have an end?
 *
 *     alone   one subscription, whose stripe has none; judge() looks whether it is slow, and then
 *             gives it one: what its credit still allows
 *     wide    subscriptions that have read their stripes take the next ones; further ones are
 *             opened. Where the next stripe would reach beyond the end of the log it has no end:
 *             then the subscriptions that have read theirs are closed until one is left
 *
 * A stripe with an end gets credit for as many messages as it has offsets and no more, so that the
 * broker reads little beyond it. That it is whole shows by its last offset, or the first one
 * beyond, which is there: no stripe with an end reaches beyond an offset that the log is known to
 * hold. What came of it is acknowledged as it comes, not when it has been committed: what bounds it
 * is its end, the room for what waits, and that none is begun while the caller lags behind. The
 * stripe without end is acknowledged as the caller says, once it is the lowest; until then its
 * credit bounds it.
 *
 * Callbacks of the readers record; work() does the rest at the end of the turn. on_tick() also
 * takes care of subscriptions that the broker has forgotten: nudge() says when.
 */
#include <fanfold/stream_ahead.h>

#include "log/stripes.h"

#include "base/clock.h"
#include <event2/event.h>
#include <fanfold/stream_probe.h>
#include <stdlib.h>

#define SUBSCRIPTIONS_MAX 8
/* Offsets. The broker searches its index from the beginning of a segment for each stripe: so they
 * are large; but small where the end is near, or the last of them would be waited for. */
#define STRIPE_MAX 4096
#define STRIPE_MIN 256
/* Messages of it that may be on their way. Before 4.0 the broker's work for each grows with it:
 * with 2000, a seventh more than with 1000. */
#define STRIPE_CREDIT 1000
#define BURST_BYTES   (1024 * 1024)

/* One subscription is slow when it delivers too little in two intervals in a row. To be wrong costs
 * little: several are as fast where one would be, too. */
#define SLOW_MS 400
#define TICK_MS 200
/* So many intervals without a message, where there must be one: it subscribes anew. */
#define QUIET_TICKS 25
/* As many offsets at least have to be left. */
#define BACKLOG_MIN 4000

static const struct timeval at_once = {0, 0};
static const struct timeval tick_interval = {0, TICK_MS * 1000};

struct subscription {
    struct stream_ahead *ahead;
    struct stream_reader *reader;
    struct stripe *stripe; /* that it reads; NULL: it has read it */
    uint64_t next;         /* offset after the last that came of it */
    unsigned quiet;        /* intervals in which none came */
    uint64_t received;     /* messages of it, on this subscription */
    uint64_t credit;       /* to be had by acknowledging them */
    bool paused;
};

struct stream_ahead {
    struct event_base *base;
    const struct uri *uri;
    char *partition;
    struct stream_ahead_hooks hooks;
    void *arg;
    struct event *again, *tick;

    struct subscription *subscriptions[SUBSCRIPTIONS_MAX];
    size_t count, most;
    struct stripes stripes;
    bool wide;
    uint64_t next;   /* the first offset that no stripe has; when wide */
    uint64_t last;   /* the log is known to hold it */
    uint64_t stripe; /* offsets of one at most */
    size_t room;

    bool paused, full; /* the caller says so; waits() said so */
    bool turn_due;     /* something was handed on */
    uint64_t expected; /* offset after the last that was handed on */
    uint64_t delivered, acknowledged;
    uint64_t before; /* delivered before the lowest stripe */
    uint64_t bytes;  /* of the messages that were handed on */

    int64_t judged_ms; /* last, and what was delivered by then */
    uint64_t judged;
    uint64_t slow;   /* deliveries a second below which one subscription is */
    int64_t slow_ms; /* for how long it has been slow */
    bool was_paused; /* since it was judged */
};

static void wake(struct stream_ahead *ahead)
{
    event_add(ahead->again, &at_once);
}

static uint64_t unacknowledged(const struct stream_ahead *ahead)
{
    return ahead->delivered - ahead->acknowledged;
}

/* --- what comes ------------------------------------------------------------------------ */

static void count_waiting(struct stream_ahead *ahead, size_t before)
{
    ptrdiff_t change = (ptrdiff_t)ahead->stripes.bytes - (ptrdiff_t)before;
    ahead->full = !ahead->hooks.waits(ahead->arg, change);
}

static void hand_on(struct stream_ahead *ahead, struct message *message)
{
    ahead->expected = message->offset + 1;
    ahead->delivered++;
    ahead->bytes += message->size;
    ahead->turn_due = true;
    ahead->hooks.reader.message(ahead->arg, message);
}

/* A subscription is paused at once: one more message may be large. */
static void balance_one(struct subscription *subscription)
{
    struct stream_ahead *ahead = subscription->ahead;
    bool ahead_of_turn =
        subscription->stripe && subscription->stripe != stripes_lowest(&ahead->stripes);
    bool pause = ahead->paused || (ahead->full && ahead_of_turn);
    if (pause == subscription->paused)
        return;
    subscription->paused = pause;
    if (pause)
        stream_reader_pause(subscription->reader);
    else
        stream_reader_resume(subscription->reader);
}

static void keep(struct subscription *subscription, struct message *message)
{
    struct stream_ahead *ahead = subscription->ahead;
    size_t before = ahead->stripes.bytes;
    stripe_keep(&ahead->stripes, subscription->stripe, message);
    count_waiting(ahead, before);
    balance_one(subscription);
}

/* The log has nothing from the stripe's end to just before `offset`. */
static void finish(struct subscription *subscription, uint64_t offset)
{
    struct stream_ahead *ahead = subscription->ahead;
    subscription->stripe->whole = true;
    subscription->stripe = NULL;
    if (ahead->next < offset)
        ahead->next = offset;
}

static void on_message(void *arg, struct message *message)
{
    struct subscription *subscription = arg;
    struct stream_ahead *ahead = subscription->ahead;
    struct stripe *stripe = subscription->stripe;
    if (!stripe || message->offset >= stripe->end) {
        if (stripe)
            finish(subscription, message->offset);
        message_free(message);
        return;
    }
    uint64_t after = message->offset + 1;
    subscription->next = after;
    subscription->quiet = 0;
    subscription->received++;
    if (!ahead->paused && stripes_may_pass(&ahead->stripes, stripe))
        hand_on(ahead, message);
    else
        keep(subscription, message);
    if (after == stripe->end)
        finish(subscription, after);
}

/* --- the turn -------------------------------------------------------------------------- */

/* Hands on the next one that waited; false: it is not there yet. */
static bool hand_on_next(struct stream_ahead *ahead)
{
    uint64_t dropped = ahead->stripes.dropped;
    struct message *message = stripes_take(&ahead->stripes);
    if (ahead->stripes.dropped != dropped)
        ahead->before = ahead->delivered;
    if (message)
        hand_on(ahead, message);
    return message;
}

/* A burst of it; if one has come in this turn already, in the next one. */
static void hand_on_waiting(struct stream_ahead *ahead)
{
    size_t before = ahead->stripes.bytes;
    int left = ahead->turn_due ? 0 : STREAM_READER_BURST;
    while (left && !ahead->paused && before - ahead->stripes.bytes < BURST_BYTES)
        left = hand_on_next(ahead) ? left - 1 : 0;
    count_waiting(ahead, before); /* also when nothing changed here: the caller's memory may have */
    if (!ahead->paused && stripes_ready(&ahead->stripes))
        wake(ahead);
}

/* May another stripe be begun? Not while the caller lags behind, nor for want of memory, unless
 * there is none that could be handed on. */
static bool may_begin(const struct stream_ahead *ahead)
{
    const struct stripes *stripes = &ahead->stripes;
    return ahead->wide && unacknowledged(ahead) <= STREAM_READER_PREFETCH &&
           (stripes->count == 0 || (!ahead->full && stripes->count < STRIPES_MAX));
}

/* Its share of what is left, twice over. */
static uint64_t next_stripe(const struct stream_ahead *ahead)
{
    uint64_t left = ahead->last > ahead->next ? ahead->last - ahead->next : 0;
    uint64_t share = left / (2 * SUBSCRIPTIONS_MAX);
    uint64_t size = share < STRIPE_MIN ? STRIPE_MIN : share;
    return size < ahead->stripe ? size : ahead->stripe;
}

/* Is the known end near? Then where is it by now? */
static void look_for_end(struct stream_ahead *ahead)
{
    struct stream_ends ends;
    struct error ignored; /* what was known is true still */
    if (ahead->next + next_stripe(ahead) > ahead->last &&
        stream_probe_last(ahead->uri, ahead->partition, UINT64_MAX, &ends, &ignored) &&
        ends.covered && ends.last_record > ahead->last)
        ahead->last = ends.last_record;
}

static void move(struct subscription *subscription, uint64_t start, uint64_t credit, uint64_t size)
{
    subscription->next = start;
    subscription->quiet = 0;
    subscription->received = 0;
    subscription->credit = size - credit;
    stream_reader_move(subscription->reader, start, (uint16_t)credit);
    wake(subscription->ahead); /* for others that have nothing to read, or might be opened */
}

static void move_with_end(struct subscription *subscription, uint64_t start, uint64_t end)
{
    uint64_t size = end - start;
    move(subscription, start, size < STRIPE_CREDIT ? size : STRIPE_CREDIT, size);
}

static void move_without_end(struct subscription *subscription, uint64_t start)
{
    move(subscription, start, STREAM_READER_PREFETCH, STREAM_READER_PREFETCH);
}

static void begin_stripe(struct subscription *subscription)
{
    struct stream_ahead *ahead = subscription->ahead;
    look_for_end(ahead);
    uint64_t start = ahead->next, size = next_stripe(ahead);
    ahead->wide = start + size <= ahead->last;
    ahead->next = ahead->wide ? start + size : UINT64_MAX;
    subscription->stripe = stripes_add(&ahead->stripes, ahead->next);
    if (ahead->wide)
        move_with_end(subscription, start, ahead->next);
    else
        move_without_end(subscription, start);
}

/* What has come of a stripe with an end is credit for the rest of it. */
static void claim_credit(struct subscription *subscription)
{
    uint64_t count = subscription->received;
    if (subscription->stripe)
        stream_reader_acknowledge(subscription->reader,
                                  count < subscription->credit ? count : subscription->credit);
}

static void subscription_close(struct subscription *subscription)
{
    stream_reader_close(subscription->reader);
    free(subscription);
}

/* Those that have read their stripes get others, or go when there will be none. */
static void assign(struct stream_ahead *ahead)
{
    size_t kept = 0;
    for (size_t i = 0; i < ahead->count; i++) {
        struct subscription *subscription = ahead->subscriptions[i];
        if (!subscription->stripe && may_begin(ahead))
            begin_stripe(subscription);
        if (!subscription->stripe && !ahead->wide)
            subscription_close(subscription);
        else
            ahead->subscriptions[kept++] = subscription;
    }
    ahead->count = kept;
}

static const struct stream_reader_hooks reader_hooks;

static struct subscription *subscription_new(struct stream_ahead *ahead)
{
    struct subscription *subscription = must_calloc(1, sizeof *subscription);
    subscription->ahead = ahead;
    return subscription;
}

/* One more, if there is something for it to read. A broker that refuses it is taken at its word. */
static void grow(struct stream_ahead *ahead)
{
    struct error ignored;
    if (ahead->count >= ahead->most || !may_begin(ahead) ||
        ahead->next + next_stripe(ahead) > ahead->last)
        return;
    struct subscription *subscription = subscription_new(ahead);
    subscription->reader = stream_reader_open_idle(ahead->base, ahead->uri, ahead->partition,
                                                   &reader_hooks, subscription, &ignored);
    if (!subscription->reader) {
        free(subscription);
        ahead->most = ahead->count;
        return;
    }
    ahead->subscriptions[ahead->count++] = subscription;
    begin_stripe(subscription);
}

static void balance(struct stream_ahead *ahead)
{
    for (size_t i = 0; i < ahead->count; i++)
        balance_one(ahead->subscriptions[i]);
}

/* The caller may close it in turn(), which is therefore the last. */
static void work(struct stream_ahead *ahead)
{
    hand_on_waiting(ahead);
    assign(ahead);
    grow(ahead);
    balance(ahead);
    if (!ahead->turn_due)
        return;
    ahead->turn_due = false;
    ahead->hooks.reader.turn(ahead->arg);
}

static void on_turn(void *arg)
{
    struct subscription *subscription = arg;
    claim_credit(subscription);
    work(subscription->ahead);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    work(arg);
}

static void close_all(struct stream_ahead *ahead)
{
    event_del(ahead->again);
    event_del(ahead->tick);
    while (ahead->count)
        subscription_close(ahead->subscriptions[--ahead->count]);
    size_t before = ahead->stripes.bytes;
    stripes_release(&ahead->stripes);
    count_waiting(ahead, before);
}

static void on_closed(void *arg, const struct error *why)
{
    struct subscription *subscription = arg;
    struct stream_ahead *ahead = subscription->ahead;
    close_all(ahead);
    ahead->hooks.reader.closed(ahead->arg, why);
}

static const struct stream_reader_hooks reader_hooks = {on_message, on_turn, on_closed};

/* --- the tick -------------------------------------------------------------------------- */

static bool has_backlog(const struct stream_ahead *ahead)
{
    return ahead->last > ahead->expected + BACKLOG_MIN;
}

/* So that a stripe for each subscription fits into the room. */
static uint64_t stripe_size(const struct stream_ahead *ahead)
{
    uint64_t mean = ahead->bytes / ahead->delivered;
    uint64_t fits = ahead->room / SUBSCRIPTIONS_MAX / (mean ? mean : 1);
    return fits > STRIPE_MAX ? STRIPE_MAX : fits < STRIPE_MIN ? STRIPE_MIN : fits;
}

/* The one stripe gets an end where its credit ends, and is not acknowledged any more. */
static void widen(struct stream_ahead *ahead)
{
    ahead->wide = true;
    ahead->stripe = stripe_size(ahead);
    ahead->next = ahead->expected + STREAM_READER_PREFETCH - unacknowledged(ahead);
    stripes_lowest(&ahead->stripes)->end = ahead->next;
    wake(ahead);
}

static bool is_behind(const struct stream_ahead *ahead)
{
    for (size_t i = 0; i < ahead->count; i++)
        if (stream_reader_is_behind(ahead->subscriptions[i]->reader))
            return true;
    return false;
}

/* Slow, and not because of the caller: the broker has credit, and what it sent was taken in. */
static bool is_slow(const struct stream_ahead *ahead, int64_t elapsed_ms)
{
    uint64_t came = ahead->delivered - ahead->judged;
    return !ahead->was_paused && !is_behind(ahead) &&
           unacknowledged(ahead) < STREAM_READER_PREFETCH / 2 &&
           came * 1000 < (uint64_t)elapsed_ms * ahead->slow;
}

/* Not while nothing comes: the broker may be reading what it then sends all at once. */
static void judge(struct stream_ahead *ahead)
{
    int64_t now = clock_monotonic_ms(), elapsed = now - ahead->judged_ms;
    if (ahead->delivered == ahead->judged)
        return;
    ahead->slow_ms = is_slow(ahead, elapsed) ? ahead->slow_ms + elapsed : 0;
    ahead->judged_ms = now;
    ahead->judged = ahead->delivered;
    ahead->was_paused = ahead->paused;
    if (ahead->slow_ms >= SLOW_MS && has_backlog(ahead))
        widen(ahead);
}

/* It has credit, and the log holds more for it: the broker owes it a message. */
static bool is_owed(const struct subscription *subscription)
{
    const struct stream_ahead *ahead = subscription->ahead;
    if (!subscription->stripe || subscription->paused)
        return false;
    return subscription->stripe->end != UINT64_MAX ||
           (ahead->stripes.count == 1 && unacknowledged(ahead) == 0 &&
            ahead->last >= subscription->next);
}

/* Seen on RabbitMQ 3.10: nothing more comes to a subscription that has credit, but came to the end
 * of a segment just when retention removed the next one. */
static void nudge(struct subscription *subscription)
{
    struct stream_ahead *ahead = subscription->ahead;
    if (!is_owed(subscription) || ++subscription->quiet < QUIET_TICKS)
        return;
    if (subscription->stripe->end != UINT64_MAX) {
        move_with_end(subscription, subscription->next, subscription->stripe->end);
        return;
    }
    ahead->before = ahead->delivered;
    move_without_end(subscription, subscription->next);
}

/* One subscription has handed on all that the log was known to hold. */
static bool is_done(const struct stream_ahead *ahead)
{
    return !ahead->wide && ahead->stripes.count == 1 && ahead->expected > ahead->last;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct stream_ahead *ahead = arg;
    for (size_t i = 0; i < ahead->count; i++)
        nudge(ahead->subscriptions[i]);
    if (!ahead->wide && ahead->stripes.count == 1)
        judge(ahead);
    if (is_done(ahead))
        event_del(ahead->tick);
}

/* --- the interface --------------------------------------------------------------------- */

static void watch(struct stream_ahead *ahead)
{
    ahead->again = evtimer_new(ahead->base, on_again, ahead);
    ahead->tick = event_new(ahead->base, -1, EV_PERSIST, on_tick, ahead);
    if (!ahead->again || !ahead->tick)
        abort(); /* out of memory */
    ahead->judged_ms = clock_monotonic_ms();
    if (ahead->last > ahead->expected)
        event_add(ahead->tick, &tick_interval);
}

struct stream_ahead *stream_ahead_open(struct event_base *base, const struct uri *uri,
                                       const char *partition, struct stream_range range,
                                       const struct stream_ahead_hooks *hooks, void *arg,
                                       struct error *error)
{
    struct stream_ahead *ahead = must_calloc(1, sizeof *ahead);
    struct subscription *first = subscription_new(ahead);
    struct stream_start start = {.kind = STREAM_OFFSET, .value = range.start};
    first->reader = stream_reader_open(base, uri, partition, start, &reader_hooks, first, error);
    if (!first->reader) {
        free(first);
        free(ahead);
        return NULL;
    }
    ahead->base = base;
    ahead->uri = uri;
    ahead->partition = must_strdup(partition);
    ahead->hooks = *hooks;
    ahead->arg = arg;
    ahead->expected = range.start;
    ahead->last = range.last;
    ahead->room = range.room;
    ahead->slow = range.slow ? range.slow : STREAM_AHEAD_SLOW;
    ahead->most = SUBSCRIPTIONS_MAX;
    ahead->subscriptions[ahead->count++] = first;
    first->stripe = stripes_add(&ahead->stripes, UINT64_MAX);
    first->next = range.start;
    watch(ahead);
    return ahead;
}

static struct stream_reader *reader_of(struct stream_ahead *ahead, const struct stripe *stripe)
{
    size_t i = 0;
    while (ahead->subscriptions[i]->stripe != stripe)
        i++;
    return ahead->subscriptions[i]->reader;
}

void stream_ahead_acknowledge(struct stream_ahead *ahead, uint64_t count)
{
    if (count <= ahead->acknowledged || !ahead->count)
        return;
    ahead->acknowledged = count;
    struct stripe *lowest = stripes_lowest(&ahead->stripes);
    if (ahead->wide || lowest->end != UINT64_MAX)
        wake(ahead);
    else if (count > ahead->before)
        stream_reader_acknowledge(reader_of(ahead, lowest), count - ahead->before);
}

void stream_ahead_pause(struct stream_ahead *ahead)
{
    ahead->paused = ahead->was_paused = true;
    balance(ahead);
}

void stream_ahead_resume(struct stream_ahead *ahead)
{
    if (!ahead->paused || !ahead->count)
        return;
    ahead->paused = false;
    balance(ahead);
    wake(ahead);
}

size_t stream_ahead_subscriptions(const struct stream_ahead *ahead)
{
    return ahead->count;
}

void stream_ahead_close(struct stream_ahead *ahead)
{
    if (!ahead)
        return;
    close_all(ahead);
    event_free(ahead->again);
    event_free(ahead->tick);
    free(ahead->partition);
    free(ahead);
}
