/*
 * cmd_help.c: fanfold help.
 */
#include "cli/command.h"

static int run(const struct options *options)
{
    if (options->arg_count == 0) {
        command_overview(stdout);
        return 0;
    }
    const struct command *command = command_find(options->args[0]);
    if (!command)
        return command_unknown(options->args[0]);
    command_help(stdout, command);
    return 0;
}

static const struct option own_options[] = {{0}};

const struct command command_help_entry = {
    .name = "help",
    .group = GROUP_ITSELF,
    .summary = "explain a command",
    .synopsis = "[COMMAND]",
    .about = "Without COMMAND lists the commands; with it explains that command, as\n"
             "`fanfold COMMAND --help` does.",
    .examples = "  fanfold help publish",
    .options = own_options,
    .args_max = 1,
    .complete = COMPLETE_COMMAND,
    .run = run,
};
