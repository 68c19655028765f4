/*
 * going_over.h: views go over to the partitions that their logs have in the configuration now:
 * the second half of `fanfold setup`.
 */
#ifndef FANFOLD_CLI_GOING_OVER_H
#define FANFOLD_CLI_GOING_OVER_H

#include "worker/views.h"

/* In the Redis that was chosen (config_choose): each view that is folded by other partitions goes
 * on, from exactly where it stands, by these. All else of the definition in force stays. Says what
 * it does; returns the exit code. */
int going_over(const struct config *config, const struct view_set *views);

#endif
