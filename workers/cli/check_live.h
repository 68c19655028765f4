/*
 * check_live.h: `fanfold check --against-live`: which changed view files need a replay.
 */
#ifndef FANFOLD_CLI_CHECK_LIVE_H
#define FANFOLD_CLI_CHECK_LIVE_H

#include "worker/views.h"

/* Prints a line for each view; returns the exit code: 0: none needs `fanfold rebuild`; 1: some do.
 */
int check_live(const struct config *config, const struct view_set *views);

#endif
