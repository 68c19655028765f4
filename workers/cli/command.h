/*
 * command.h: one command is one file with one const entry; commands.c lists them.
 */
#ifndef FANFOLD_CLI_COMMAND_H
#define FANFOLD_CLI_COMMAND_H

#include "cli/options.h"

/* What a command looks at: `fanfold --help` groups by it. */
enum command_group { GROUP_FILES, GROUP_LOG, GROUP_ROWS, GROUP_SERVERS, GROUP_ITSELF, GROUP_COUNT };

struct command {
    const char *name;
    enum command_group group;
    const char *summary;          /* one line */
    const char *synopsis;         /* what stands behind "fanfold NAME " */
    const char *about;            /* paragraphs for --help, lines broken */
    const char *examples;         /* for --help, indented by two */
    const struct option *options; /* its own */
    size_t args_min, args_max;    /* plain arguments */
    const char *complete;         /* of the plain arguments: as in struct option */
    int (*run)(const struct options *options);
};

#define ARGS_ANY ((size_t)-1)

/* In the order of --help; NULL-terminated. */
extern const struct command *const commands[];
/* What every command takes: --config, --help. */
extern const struct option command_options[];
/* What may stand before a command: --config, --help, --version. */
extern const struct option leading_options[];

const struct command *command_find(const char *name);
/* Says that there is no such command, and the nearest; returns the exit code. */
int command_unknown(const char *name);
void command_help(FILE *out, const struct command *command);
void command_overview(FILE *out);

extern const struct command command_try, command_check, command_setup, command_publish,
    command_tail, command_get, command_parked, command_rebuild, command_adopt, command_verify,
    command_status, command_test, command_worker, command_recorder, command_help_entry,
    command_completion, command_version;

#endif
