/*
 * log_level.h: --log-level of the commands that run until they are stopped.
 */
#ifndef FANFOLD_CLI_LOG_LEVEL_H
#define FANFOLD_CLI_LOG_LEVEL_H

#include "cli/options.h"

#define LOG_LEVEL_OPTION                                                    \
    {                                                                       \
        0, "log-level", "LEVEL", "error, warning, info (default) or debug", \
            "error warning info debug"                                      \
    }

/* ERROR_USAGE says what would be right. */
bool log_level_set(const struct options *options, struct error *error);

#endif
