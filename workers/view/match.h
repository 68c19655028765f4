/*
 * match.h: the rules that an event type matches, in the order in which they run: the exact type,
 * then prefixes from the longest on, then "*" (DESIGN section 7, Matching).
 */
#ifndef FANFOLD_VIEW_MATCH_H
#define FANFOLD_VIEW_MATCH_H

#include "view/model.h"

/* cursor starts at 0. NULL: no more. */
const struct rule *match_next(const struct view *view, struct str type, size_t *cursor);

#endif
