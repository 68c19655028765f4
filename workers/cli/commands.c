/*
 * commands.c: the table of commands, and the help that is made from it.
 */
#include "base/faults.h"
#include "cli/command.h"

#define COMMANDS_MAX 64

const struct command *const commands[] = {
    &command_try,        &command_test,     &command_check,
    &command_setup,      &command_publish,  &command_tail,
    &command_get,        &command_parked,   &command_rebuild,
    &command_adopt,      &command_verify,   &command_status,
    &command_worker,     &command_recorder, &command_help_entry,
    &command_completion, &command_version,  NULL,
};

const struct option command_options[] = {
    {0, "config", "FILE",
     "the configuration; without it $FANFOLD_CONFIG, ./fanfold.json, /etc/fanfold/fanfold.json",
     COMPLETE_FILE},
    {'h', "help", NULL, "print this help", NULL},
    {0},
};

const struct option leading_options[] = {
    {0, "config", "FILE", "the configuration", COMPLETE_FILE},
    {'h', "help", NULL, "print this help", NULL},
    {'V', "version", NULL, "print the version", NULL},
    {0},
};

static const char *const group_titles[GROUP_COUNT] = {
    [GROUP_FILES] = "Files (no server is needed)",
    [GROUP_LOG] = "The log (RabbitMQ)",
    [GROUP_ROWS] = "Rows (Redis)",
    [GROUP_SERVERS] = "Servers",
    [GROUP_ITSELF] = "Fanfold itself",
};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

int command_unknown(const char *name)
{
    const char *names[COMMANDS_MAX];
    size_t count = 0;
    for (; commands[count] && count < COMMANDS_MAX; count++)
        names[count] = commands[count]->name;
    const char *near = suggest(name, names, count);
    fprintf(stderr, "fanfold: unknown command \"%s\"", name);
    if (near)
        fprintf(stderr, "; did you mean \"%s\"?\n", near);
    else
        fprintf(stderr, "; `fanfold --help` lists them\n");
    return ERROR_USAGE;
}

void command_help(FILE *out, const struct command *command)
{
    fprintf(out, "Usage: fanfold %s%s%s\n\n%s\n", command->name, command->synopsis[0] ? " " : "",
            command->synopsis, command->about);
    if (command->options->name) {
        fprintf(out, "\nOptions:\n");
        options_help(out, command->options);
    }
    fprintf(out, "\nFor every command:\n");
    options_help(out, command_options);
    fprintf(out, "\nExamples:\n%s\n", command->examples);
}

void command_overview(FILE *out)
{
    fprintf(out, "Usage: fanfold [--config FILE] COMMAND [OPTION…]\n\n"
                 "Keeps Redis views up to date from RabbitMQ events.\n");
    for (int group = 0; group < GROUP_COUNT; group++) {
        fprintf(out, "\n%s:\n", group_titles[group]);
        for (size_t i = 0; commands[i]; i++)
            if ((int)commands[i]->group == group)
                fprintf(out, "  %-12s%s\n", commands[i]->name, commands[i]->summary);
    }
    fprintf(out, "\n`fanfold COMMAND --help` explains a command and shows examples.\n"
                 "A first step without any server:\n"
                 "  fanfold try views/stock.json < events.ndjson\n\n"
                 "Exit codes: 0 done; 1 the answer is no; 2 usage; 69 a server cannot be reached;\n"
                 "77 login or permission refused; 78 configuration, view file or topology.\n");
}
