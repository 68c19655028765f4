/*
 * main.c: finds the command and runs it.
 */
#include "cli/command.h"
#include "cli/say.h"

#include <signal.h>
#include <sys/resource.h>

/* fanfold --help, --version, or nothing at all. */
static int run_without_command(const struct options *options)
{
    if (options_has(options, "version"))
        return command_version.run(options);
    bool asked = options_has(options, "help");
    command_overview(asked ? stdout : stderr);
    return asked ? 0 : ERROR_USAGE;
}

static bool check_arguments(const struct command *command, const struct options *options,
                            struct error *error)
{
    if (options->arg_count > command->args_max)
        return error_set(error, ERROR_USAGE, "\"%s\" is one argument too many for `fanfold %s`",
                         options->args[command->args_max], command->name);
    if (options->arg_count < command->args_min)
        return error_set(error, ERROR_USAGE, "an argument is missing: fanfold %s %s", command->name,
                         command->synopsis);
    return true;
}

static int run_command(const struct command *command, struct options *options, int argc,
                       const char *const *argv)
{
    const struct option *const tables[] = {command->options, command_options, NULL};
    struct error error;
    if (!options_parse(options, tables, argc, argv, &error))
        return say_usage(command->name, &error);
    if (options_has(options, "help")) {
        command_help(stdout, command);
        return 0;
    }
    if (!check_arguments(command, options, &error))
        return say_usage(command->name, &error);
    return command->run(options);
}

static int run(struct options *options, int argc, const char *const *argv)
{
    const struct option *const tables[] = {leading_options, NULL};
    struct error error;
    int used;
    if (!options_parse_leading(options, tables, argc, argv, &used, &error)) {
        say("%s; see `fanfold --help`", error.text);
        return ERROR_USAGE;
    }
    argc -= used;
    argv += used;
    if (argc == 0 || options_has(options, "version"))
        return run_without_command(options);
    const struct command *command = command_find(argv[0]);
    return command ? run_command(command, options, argc - 1, argv + 1) : command_unknown(argv[0]);
}

/* A core file would hold passwords and events. 0 would forbid the file only; 1 is what the kernel
 * takes for "no core" also where one is piped to a program (its fs/coredump.c). Who wants one can
 * raise the limit of the running process: prlimit --core=unlimited. */
static void forbid_core(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_max == 0)
        return;
    limit.rlim_cur = 1;
    setrlimit(RLIMIT_CORE, &limit);
}

int main(int argc, char **argv)
{
    forbid_core();
    /* A reader that goes away (`| head`) or a server that does is an error of the write. */
    signal(SIGPIPE, SIG_IGN);
    struct options options = {0};
    int code = run(&options, argc - 1, (const char *const *)argv + 1);
    options_release(&options);
    int lost = output_close();
    return code ? code : lost;
}
