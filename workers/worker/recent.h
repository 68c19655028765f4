/*
 * recent.h: do so many of a task's recent events fail that it should stop rather than park the
 * world?
 *
 *     struct recent recent = {0};
 *     recent_note(&recent, offset, failed);      each event that was folded, failed, or waits
 *     if (recent_is_bad(&recent)) …
 *
 * An event that is folded again (after a conflict, or when the script refused it) counts once, with
 * its last outcome.
 */
#ifndef FANFOLD_WORKER_RECENT_H
#define FANFOLD_WORKER_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECENT_EVENTS 200 /* looked at */
#define RECENT_MIN    100 /* before this many were seen, nothing is said */

struct recent {
    struct recent_event {
        uint64_t offset;
        bool failed;
    } events[RECENT_EVENTS]; /* a ring: number n is at n % RECENT_EVENTS */
    uint64_t count;          /* all that were noted */
    size_t failed;           /* of those in the ring */
};

void recent_note(struct recent *recent, uint64_t offset, bool failed);
/* Half or more of them failed. */
bool recent_is_bad(const struct recent *recent);
/* How many the ring holds, and the offset of the oldest of them that failed. */
size_t recent_held(const struct recent *recent);
uint64_t recent_first_failed(const struct recent *recent);

#endif
