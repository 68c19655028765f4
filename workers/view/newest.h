/*
 * newest.h: "newest": writes that count by the event's time, not by the order of the log (DESIGN
 * section 7).
 */
#ifndef FANFOLD_VIEW_NEWEST_H
#define FANFOLD_VIEW_NEWEST_H

#include "view/compile.h"

/* The action's verbs are compiled already. */
void newest_compile(struct compiler *c, const char *at, cJSON *item, struct action *action);

/* What the rows of the view must agree on. */
void newest_check(struct compiler *c, const struct action *row);

#endif
