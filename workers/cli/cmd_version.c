/*
 * cmd_version.c: fanfold version.
 */
#include "cli/command.h"

static int run(const struct options *options)
{
    (void)options;
    printf("fanfold %s\n", FANFOLD_VERSION);
    return 0;
}

static const struct option own_options[] = {{0}};

const struct command command_version = {
    .name = "version",
    .group = GROUP_ITSELF,
    .summary = "print the version",
    .synopsis = "",
    .about = "Prints the version.",
    .examples = "  fanfold version",
    .options = own_options,
    .run = run,
};
