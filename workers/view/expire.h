/*
 * expire.h: which "expire" a view may have (DESIGN section 7, expire).
 */
#ifndef FANFOLD_VIEW_EXPIRE_H
#define FANFOLD_VIEW_EXPIRE_H

#include "view/compile.h"

void expire_check(struct compiler *c, const struct action *row);

#endif
