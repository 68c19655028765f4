/*
 * commute.h: does the order of events matter to a view? (DESIGN section 4, Determinism)
 */
#ifndef FANFOLD_VIEW_COMMUTE_H
#define FANFOLD_VIEW_COMMUTE_H

#include "view/compile.h"

/* Sets view->commutes, and order_why when it does not; over several exchanges, whose events have no
 * common order, a view that does not commute is a fault. */
void commute_check(struct compiler *c);

#endif
