/*
 * cmd_worker.c: fanfold worker.
 */
#include "cli/command.h"
#include "cli/log_level.h"
#include "cli/say.h"
#include "worker/worker.h"

#include <stdlib.h>

#define BUDGET_MIN     ((uint64_t)1024 * 1024)
#define NAME_BYTES_MAX 100

/* A lease is the text "<until> <worker>": the name must be one word. */
static bool check_name(const char *name, struct error *error)
{
    if (!name)
        return true;
    size_t len = strlen(name);
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            len = 0;
    if (len == 0 || len > NAME_BYTES_MAX)
        return error_set(error, ERROR_USAGE, "--name: 1 to %d bytes without blanks",
                         NAME_BYTES_MAX);
    return true;
}

static int run(const struct options *options)
{
    struct error error;
    uint64_t budget = WORKER_BUDGET_DEFAULT;
    const char *name = options_text(options, "name");
    if (!log_level_set(options, &error) || !check_name(name, &error) ||
        !options_size(options, "budget", BUDGET_MIN, &budget, &error))
        return say_usage("worker", &error);

    const char **views = must_calloc(options->given_count, sizeof *views);
    size_t count = 0, cursor = 0;
    const char *view;
    while ((view = options_next(options, "view", &cursor)))
        views[count++] = view;
    const struct worker_options worker = {
        .config_path = options_text(options, "config"),
        .target = options_text(options, "target"),
        .name = name,
        .views = views,
        .view_count = count,
        .budget = (size_t)budget,
        .log_level = options_text(options, "log-level"),
    };
    int code = worker_run(&worker);
    free(views);
    return code;
}

static const struct option own_options[] = {
    {0, "target", "NAME", "serve this Redis of the configuration's \"targets\"", NULL},
    {0, "name", "NAME", "this worker's name in status and logs; without it host:pid", NULL},
    {0, "view", "VIEW", "serve this view only; repeatable", NULL},
    {0, "budget", "SIZE", "bytes of events held in memory at most; 12M without it", NULL},
    LOG_LEVEL_OPTION,
    {0},
};

const struct command command_worker = {
    .name = "worker",
    .group = GROUP_SERVERS,
    .summary = "keep the views up to date, until stopped",
    .synopsis = "[--target NAME] [--name NAME] [--view VIEW…]",
    .about =
        "Reads the logs, folds their events into the views of the configuration and commits the "
        "rows\n"
        "to Redis together with the position in the log. Start as many workers as you like, on "
        "any\n"
        "machine: they share the views among themselves, and take over those of a worker that "
        "dies.\n"
        "Servers that are down are waited for. For each log with several \"partitions\" it runs a\n"
        "recorder as a process of its own (`fanfold recorder --help`).\n"
        "\n"
        "Where the configuration names several targets, a worker serves one of them, so that one "
        "that\n"
        "is down or slow holds up no other: start workers for each.\n"
        "\n"
        "SIGTERM or Ctrl-C: finish what is under way and end with exit code 0. SIGHUP: read the\n"
        "configuration and the views again. It logs to standard error.",
    .examples = "  fanfold worker\n"
                "  fanfold worker --name shop-1 --view stock --view orders\n"
                "  fanfold worker --target paris\n"
                "  systemctl start fanfold-worker@1",
    .options = own_options,
    .run = run,
};
