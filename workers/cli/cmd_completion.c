/*
 * cmd_completion.c: fanfold completion, made from the same tables as --help.
 */
#include "cli/command.h"
#include "cli/say.h"

static void print_commands(void)
{
    for (size_t i = 0; commands[i]; i++)
        printf("%s%s", i ? " " : "", commands[i]->name);
}

/* The shell words that complete what is described by `complete`. */
static void print_reply(const char *complete)
{
    if (!complete)
        printf("COMPREPLY=()");
    else if (strcmp(complete, COMPLETE_FILE) == 0)
        printf("compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))");
    else if (strcmp(complete, COMPLETE_COMMAND) == 0)
        printf("COMPREPLY=($(compgen -W \"$commands\" -- \"$cur\"))");
    else
        printf("COMPREPLY=($(compgen -W '%s' -- \"$cur\"))", complete);
}

/* case "$command $prev" in …: the values of options. */
static void print_values(const char *command, const struct option *table)
{
    for (const struct option *o = table; o->name; o++) {
        if (!o->value)
            continue;
        printf("    \"%s --%s\"", command, o->name);
        if (o->letter)
            printf(" | \"%s -%c\"", command, o->letter);
        printf(")\n        ");
        print_reply(o->complete);
        printf("\n        return\n        ;;\n");
    }
}

static void print_names(const struct option *table)
{
    for (const struct option *o = table; o->name; o++)
        printf(" --%s", o->name);
}

static void print_command(const struct command *command)
{
    printf("    %s)\n        if [[ $cur == -* ]]; then\n            COMPREPLY=($(compgen -W '",
           command->name);
    print_names(command->options);
    print_names(command_options);
    printf("' -- \"$cur\"))\n        else\n            ");
    print_reply(command->complete);
    printf("\n        fi\n        ;;\n");
}

static void print_bash(void)
{
    printf("# fanfold: completion for bash. Load it with:  source <(fanfold completion bash)\n"
           "_fanfold() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= i\n"
           "    local commands='");
    print_commands();
    printf("'\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        case ${COMP_WORDS[i]} in\n"
           "        --config) ((i++)) ;;\n"
           "        -*) ;;\n"
           "        *) command=${COMP_WORDS[i]}; break ;;\n"
           "        esac\n"
           "    done\n"
           "    case \"$command $prev\" in\n");
    print_values("", leading_options);
    for (size_t i = 0; commands[i]; i++) {
        print_values(commands[i]->name, commands[i]->options);
        print_values(commands[i]->name, command_options);
    }
    printf("    esac\n"
           "    case $command in\n"
           "    '')\n"
           "        if [[ $cur == -* ]]; then\n"
           "            COMPREPLY=($(compgen -W '");
    print_names(leading_options);
    printf("' -- \"$cur\"))\n"
           "        else\n"
           "            COMPREPLY=($(compgen -W \"$commands\" -- \"$cur\"))\n"
           "        fi\n"
           "        ;;\n");
    for (size_t i = 0; commands[i]; i++)
        print_command(commands[i]);
    printf("    esac\n}\ncomplete -F _fanfold fanfold\n");
}

static int run(const struct options *options)
{
    if (strcmp(options->args[0], "bash") != 0) {
        say("completion is made for bash, not for \"%s\"", options->args[0]);
        return ERROR_USAGE;
    }
    print_bash();
    return 0;
}

static const struct option own_options[] = {{0}};

const struct command command_completion = {
    .name = "completion",
    .group = GROUP_ITSELF,
    .summary = "print a shell's completion script",
    .synopsis = "bash",
    .about = "Prints a script that teaches the shell to complete commands and options.",
    .examples = "  source <(fanfold completion bash)\n"
                "  fanfold completion bash > /etc/bash_completion.d/fanfold",
    .options = own_options,
    .args_min = 1,
    .args_max = 1,
    .complete = "bash",
    .run = run,
};
