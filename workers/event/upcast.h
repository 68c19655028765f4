/*
 * upcast.h: makes of an event, as it was published, what views are to see of it: the rules of its
 * log are applied to its type, dataschema and data (base/upcast_rules.h says what they do). Pure.
 *
 *     upcast_apply(&log->upcast, &event, &arena);
 *     if (str_is(event.upcast_fault)) …the view fold parks it, with this reason
 *
 * id, source, subject, time, data_bytes and published_type stay as they were published, so that
 * duplicates and fingerprints do not depend on the rules.
 *
 * An event that a rule cannot be applied to still gets the type that it would have, so that who
 * asks whether it concerns a view gets the right answer; and what else could be applied is, so that
 * its `park_by` is found as far as possible.
 *
 * The event then points into the rules and the arena too: both must outlive it. The nodes that the
 * event had are not changed.
 */
#ifndef FANFOLD_EVENT_UPCAST_H
#define FANFOLD_EVENT_UPCAST_H

#include "base/upcast_rules.h"
#include <fanfold/cloudevent.h>

void upcast_apply(const struct upcast_rules *rules, struct cloudevent *event, struct arena *arena);

/* The type alone, of an event that could not be decoded. */
void upcast_type(const struct upcast_rules *rules, struct cloudevent *event);

#endif
