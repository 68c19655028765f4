/*
 * targets.h: "targets" of a view file: in which Redis servers the view is kept. They say where it
 * is folded to, not what: they are no part of its definition, so a view goes on when they change.
 */
#ifndef FANFOLD_VIEW_TARGETS_H
#define FANFOLD_VIEW_TARGETS_H

#include "base/config.h"
#include "view/compile.h"

/* Takes "targets" out of the tree. */
void targets_compile(struct compiler *c, cJSON *tree);
/* Each is one of the configuration's. */
void targets_check(const struct view *view, const struct config *config, struct faults *faults);

#endif
