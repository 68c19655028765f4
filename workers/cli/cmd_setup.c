/*
 * cmd_setup.c: fanfold setup: the logs of the configuration, declared on the broker.
 */
#include "base/partitions.h"
#include "cli/command.h"
#include "cli/going_over.h"
#include "cli/say.h"
#include "cli/target.h"
#include <fanfold/topology.h>

#include <stdlib.h>

static void say_parts(const struct log_config *log, size_t declared)
{
    size_t count = (size_t)log->partitions;
    char *first = log_partition(log, 0), *last = log_partition(log, count - 1);
    if (declared && declared < count)
        say("partitions %s to %s: %zu declared and bound, %zu were there", first, last, declared,
            count - declared);
    else
        say("partitions %s to %s: %s", first, last, declared ? "declared and bound" : "were there");
    free(first);
    free(last);
}

static int setup_log(const struct config *config, const struct log_config *log)
{
    struct topology_result result;
    struct error error;
    if (!topology_setup(&config->amqp, log, &result, &error)) {
        say("%s: %s", log->exchange, error.text);
        return (int)error.kind;
    }
    char *partition = log_intake(log);
    say("exchange %s: %s; log %s: %s", log->exchange,
        result.exchange_declared ? "declared (a durable fanout)" : "was there, used as it is",
        partition, result.queue_declared ? "declared and bound" : "was there");
    if (log_is_recorded(log))
        say_parts(log, result.parts_declared);
    if (result.narrow)
        say("warning: %s is a %s exchange and its log has no \"bind\", so the log gets only events "
            "with an empty routing key. %s, and run setup again",
            log->exchange, result.narrow,
            strcmp(result.narrow, "topic") == 0 ? "Set \"bind\": \"#\" for all events"
                                                : "Set \"bind\" to their routing key");
    free(partition);
    return 0;
}

/* In each Redis that views are kept in. */
static int setup_views(struct config *config)
{
    struct view_set views = {0};
    struct faults faults = {0}; /* `fanfold check` says them */
    struct error error;
    view_set_load(config, &views, &faults);
    int code = config->targets.count ? 0 : going_over(config, &views);
    for (size_t i = 0; i < config->targets.count; i++) {
        int failed = config_choose(config, config->targets.at[i].name, &error)
                         ? going_over(config, &views)
                         : say_error(&error);
        code = code ? code : failed;
    }
    faults_release(&faults);
    view_set_release(&views);
    return code;
}

static int run(const struct options *options)
{
    struct config config;
    if (!target_config(options, &config))
        return ERROR_CONFIG;
    char *broker = uri_safe(&config.amqp, "amqp");
    say("%s: %zu log%s on %s", config.path, config.log_count, config.log_count == 1 ? "" : "s",
        broker);
    free(broker);
    int code = 0;
    for (size_t i = 0; i < config.log_count; i++) {
        int failed = setup_log(&config, &config.logs[i]);
        code = code ? code : failed;
        if (failed == ERROR_UNAVAILABLE || failed == ERROR_PERMISSION)
            break; /* the other logs are on the same broker */
    }
    if (!code)
        code = setup_views(&config);
    config_release(&config);
    return code;
}

static const struct option own_options[] = {{0}};

const struct command command_setup = {
    .name = "setup",
    .group = GROUP_LOG,
    .summary = "declare the logs of the configuration on the broker",
    .synopsis = "",
    .about =
        "Declares, for each entry of \"logs\" in the configuration, the log behind the exchange: "
        "the\n"
        "stream queue EXCHANGE.log.0 and its binding. An exchange that exists is used as it is, "
        "of\n"
        "any type (\"bind\" gives the binding key of a topic exchange); otherwise a durable fanout "
        "is\n"
        "declared. Running it again changes nothing. What exists with other properties is an "
        "error,\n"
        "never repaired.\n"
        "\n"
        "For a log with several \"partitions\" (P) it also declares the streams "
        "EXCHANGE.part.SET.0 "
        "to\n"
        "P-1, the direct exchange EXCHANGE.part that leads to them, and the queue "
        "EXCHANGE.recorder.SET,\n"
        "by which recorders agree on who copies the log to the partitions. SET is P, and a digest "
        "of\n"
        "\"partition_by\" where that is set. Another P is another set beside the former one.\n"
        "\n"
        "Then each view that is folded by other partitions of its log than these goes over to "
        "them, "
        "from\n"
        "where it stands and without a replay. One whose events are parked stays: retry or drop "
        "them\n"
        "first.\n"
        "\n"
        "Exit code 0; 1: a view could not go over; 69: the broker cannot be reached, or Redis "
        "where "
        "a log\n"
        "has partitions; 77: login or permission refused; 78: the configuration has faults, or "
        "what "
        "exists\n"
        "does not match it.",
    .examples = "  fanfold setup\n"
                "  fanfold setup --config /etc/fanfold/fanfold.json",
    .options = own_options,
    .run = run,
};
