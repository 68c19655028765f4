/*
 * upcast_change.h: what the upcast rules of a log make of the types that it holds, and whether
 * other rules would make the same of them.
 *
 * Only the type of the events is known here, not their dataschema: so all that there could be are
 * looked at.
 */
#ifndef FANFOLD_CLI_UPCAST_CHANGE_H
#define FANFOLD_CLI_UPCAST_CHANGE_H

#include "base/buf.h"
#include "base/map.h"
#include "base/upcast_rules.h"

/* Do both make the same of every event that was published with this type? */
bool upcast_is_same(const struct upcast_rules *before, const struct upcast_rules *after,
                    struct str type);

/* Can an event that was published with this type become one that the pattern matches? */
bool upcast_may_match(const struct upcast_rules *rules, struct str type, const char *pattern);

/* Adds the first of the types, published type → events, of which the rules make something else. */
void upcast_change(const struct upcast_rules *before, const struct upcast_rules *after,
                   const struct map *types, struct buf *change);

#endif
