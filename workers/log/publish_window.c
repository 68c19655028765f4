/*
 * publish_window.c: the messages that are not confirmed yet, in order.
 */
#include "log/publish_window.h"

#include "base/error.h"

#include <stdlib.h>

static struct pending *place(const struct publish_window *window, size_t i)
{
    size_t at = window->head + i;
    return &window->ring[at < window->cap ? at : at - window->cap];
}

void publish_window_init(struct publish_window *window, size_t cap)
{
    *window = (struct publish_window){.cap = cap, .first = 1};
    window->ring = must_calloc(cap, sizeof *window->ring);
}

static void forget(struct pending *pending)
{
    message_free(pending->message);
    free(pending->returned);
    *pending = (struct pending){0};
}

void publish_window_release(struct publish_window *window)
{
    for (size_t i = 0; i < window->count; i++)
        forget(place(window, i));
    free(window->ring);
    *window = (struct publish_window){0};
}

bool publish_window_has_room(const struct publish_window *window, size_t size, size_t bytes_max)
{
    if (window->count == 0)
        return true;
    return window->count < window->cap &&
           (window->bytes + size <= bytes_max || window->unsettled == 0);
}

void publish_window_push(struct publish_window *window, struct message *message, uint64_t tag)
{
    *place(window, window->count++) = (struct pending){.message = message, .tag = tag};
    window->unsettled++;
    window->bytes += message->size;
}

const struct message *publish_window_next(const struct publish_window *window)
{
    return window->sent < window->count ? place(window, window->sent)->message : NULL;
}

void publish_window_sent(struct publish_window *window)
{
    window->sent++;
}

bool publish_window_oldest(const struct publish_window *window, uint64_t *tag)
{
    if (window->count)
        *tag = place(window, 0)->tag; /* a settled one does not stay at the head */
    return window->count;
}

size_t publish_window_restart(struct publish_window *window)
{
    size_t kept = 0, again = 0;
    for (size_t i = 0; i < window->count; i++) {
        struct pending pending = *place(window, i);
        *place(window, i) = (struct pending){0};
        if (pending.settled)
            continue;
        again += i < window->sent;
        free(pending.returned);
        pending.returned = NULL;
        *place(window, kept++) = pending;
    }
    window->count = kept;
    window->sent = 0;
    window->first = 1;
    return again;
}

void publish_window_returned(struct publish_window *window, const struct message *message,
                             const char *reason)
{
    for (size_t i = 0; i < window->sent; i++) {
        struct pending *pending = place(window, i);
        if (pending->settled || pending->returned ||
            !str_eq(pending->message->message_id, message->message_id) ||
            !str_eq(pending->message->routing_key, message->routing_key))
            continue;
        pending->returned = must_strdup(reason);
        return;
    }
}

static void settle_one(struct publish_window *window, struct pending *pending,
                       publish_settle_fn *settle, void *arg)
{
    if (pending->settled)
        return;
    pending->settled = true;
    window->unsettled--;
    window->bytes -= pending->message->size;
    settle(arg, pending);
    forget(pending);
    pending->settled = true;
}

bool publish_window_settle(struct publish_window *window, uint64_t delivery, bool multiple,
                           publish_settle_fn *settle, void *arg)
{
    if (multiple && delivery == 0) /* "all so far" in AMQP */
        delivery = window->first + window->sent - 1;
    if (delivery < window->first)
        return multiple; /* all of them are settled already */
    uint64_t last = delivery - window->first;
    if (last >= window->sent)
        return false;
    for (size_t i = multiple ? 0 : (size_t)last; i <= last; i++)
        settle_one(window, place(window, i), settle, arg);
    while (window->sent && place(window, 0)->settled) {
        *place(window, 0) = (struct pending){0};
        window->head = window->head + 1 < window->cap ? window->head + 1 : 0;
        window->count--;
        window->sent--;
        window->first++;
    }
    return true;
}
