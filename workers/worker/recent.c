/*
 * recent.c: the outcomes of the last events, in a ring.
 */
#include "worker/recent.h"

size_t recent_held(const struct recent *recent)
{
    return recent->count < RECENT_EVENTS ? (size_t)recent->count : RECENT_EVENTS;
}

/* Offsets rise along the ring, so one that is not above the newest was seen before. */
static struct recent_event *find(struct recent *recent, uint64_t offset)
{
    for (size_t i = 0; i < recent_held(recent); i++)
        if (recent->events[i].offset == offset)
            return &recent->events[i];
    return NULL;
}

static void add(struct recent *recent, uint64_t offset, bool failed)
{
    struct recent_event *event = &recent->events[recent->count % RECENT_EVENTS];
    if (recent->count >= RECENT_EVENTS)
        recent->failed -= event->failed;
    *event = (struct recent_event){offset, failed};
    recent->failed += failed;
    recent->count++;
}

void recent_note(struct recent *recent, uint64_t offset, bool failed)
{
    bool is_new =
        !recent->count || offset > recent->events[(recent->count - 1) % RECENT_EVENTS].offset;
    if (is_new) {
        add(recent, offset, failed);
        return;
    }
    struct recent_event *event = find(recent, offset);
    if (!event)
        return; /* it has left the ring */
    recent->failed += failed;
    recent->failed -= event->failed;
    event->failed = failed;
}

bool recent_is_bad(const struct recent *recent)
{
    size_t held = recent_held(recent);
    return held >= RECENT_MIN && recent->failed * 2 >= held;
}

uint64_t recent_first_failed(const struct recent *recent)
{
    for (uint64_t n = recent->count - recent_held(recent); n < recent->count; n++)
        if (recent->events[n % RECENT_EVENTS].failed)
            return recent->events[n % RECENT_EVENTS].offset;
    return 0;
}
