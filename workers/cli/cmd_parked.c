/*
 * cmd_parked.c: fanfold parked: its command line; the verbs are in parking_*.c.
 */
#include "base/faults.h"
#include "base/partitions.h"
#include "cli/command.h"
#include "cli/in_force.h"
#include "cli/parking.h"
#include "cli/say.h"
#include "cli/target.h"

#include <stdlib.h>

/* One member of the family: `fanfold parked NAME VIEW`. */
struct verb {
    const char *name;
    const char *options[9]; /* that it takes, up to a NULL */
    int (*run)(const struct parking *parking);
};

static const struct verb verbs[] = {
    {"list", {"key", "offset", "reason", "limit", "partition", "json"}, parking_list},
    {"show", {"offset", "partition", "json"}, parking_show},
    {"retry", {"key", "reason", "limit", "partition", "dry-run", "json"}, parking_retry},
    {"drop",
     {"key", "offset", "reason", "waiting", "limit", "partition", "dry-run", "json"},
     parking_drop},
};

#define VERB_COUNT (sizeof verbs / sizeof *verbs)

static const struct verb *find_verb(const char *name, struct error *error)
{
    const char *names[VERB_COUNT];
    for (size_t i = 0; i < VERB_COUNT; i++) {
        names[i] = verbs[i].name;
        if (strcmp(name, names[i]) == 0)
            return &verbs[i];
    }
    const char *near = suggest(name, names, VERB_COUNT);
    error_set(error, ERROR_USAGE, "no verb \"%s\"; %s%s%s", name, near ? "did you mean \"" : "",
              near ? near : "it is list, show, retry or drop", near ? "\"?" : "");
    return NULL;
}

static bool takes(const struct verb *verb, const char *option)
{
    for (size_t i = 0; verb->options[i]; i++)
        if (strcmp(verb->options[i], option) == 0)
            return true;
    return false;
}

static bool check_options(const struct verb *verb, const struct options *options,
                          struct error *error)
{
    static const char *const own[] = {"key",     "offset",    "reason",  "limit",
                                      "waiting", "partition", "dry-run", "json"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (options_has(options, own[i]) && !takes(verb, own[i]))
            return error_set(error, ERROR_USAGE, "`parked %s` takes no --%s", verb->name, own[i]);
    if (verb->run == parking_show && !options_has(options, "offset"))
        return error_set(error, ERROR_USAGE,
                         "`parked show` needs --offset; `parked list` has them");
    if (verb->run != parking_drop)
        return true;
    const char *reason = options_text(options, "reason");
    if (!reason || !reason[0])
        return error_set(error, ERROR_USAGE,
                         "`parked drop` needs --reason: why the view may do without the event. It "
                         "is kept");
    if (!options_has(options, "key") && !options_has(options, "offset"))
        return error_set(error, ERROR_USAGE,
                         "`parked drop` needs --key or --offset: which events to drop");
    return true;
}

static bool read_options(struct parking *parking, const struct options *options,
                         struct error *error)
{
    parking->key = options_str(options, "key");
    parking->reason = options_str(options, "reason");
    parking->has_offset = options_has(options, "offset");
    parking->limit = UINT64_MAX;
    parking->waiting = options_has(options, "waiting");
    parking->json = options_has(options, "json");
    parking->dry_run = options_has(options, "dry-run");
    return options_count(options, "offset", 0, &parking->offset, error) &&
           options_count(options, "limit", 1, &parking->limit, error);
}

/* The view's log that has this partition. */
static const struct log_config *log_of(const struct parking *parking, const char *partition)
{
    for (size_t i = 0; i < view_exchange_count(parking->view); i++) {
        const struct log_config *log =
            config_log(&parking->config, view_exchange(parking->view, i));
        if (log && log_has_partition(log, partition))
            return log;
    }
    return NULL;
}

/* The tasks of the view, or the one that is asked for. */
static int find_tasks(struct parking *parking, const char *wanted)
{
    struct partition_list list = {0};
    in_force_partitions(parking->reader, parking->view, &parking->config, &list);
    parking->tasks = must_calloc(list.count + 1, sizeof *parking->tasks);
    for (size_t i = 0; i < list.count; i++) {
        const struct log_config *log = log_of(parking, list.at[i]);
        if (log && (!wanted || strcmp(wanted, list.at[i]) == 0))
            parking->tasks[parking->task_count++] =
                (struct parking_task){log, must_strdup(list.at[i])};
    }
    partition_list_release(&list);
    if (wanted && parking->task_count == 0) {
        say("view %s has no partition \"%s\"", view_name(parking->view), wanted);
        return ERROR_NO;
    }
    return 0;
}

static void release(struct parking *parking)
{
    for (size_t i = 0; i < parking->task_count; i++)
        free(parking->tasks[i].partition);
    free(parking->tasks);
    redis_reader_close(parking->reader);
    view_set_release(&parking->views);
    config_release(&parking->config);
}

/* The configuration is loaded. */
static int run_on(struct parking *parking, const struct verb *verb, const struct options *options)
{
    const struct options only_view = {.args = options->args + 1, .arg_count = 1};
    int code = target_views(&only_view, &parking->config, &parking->views);
    if (code)
        return code;
    parking->view = parking->views.at[0];
    struct error error;
    parking->reader = redis_reader_open(&parking->config.redis, &error);
    if (!parking->reader)
        return say_error(&error);
    code = find_tasks(parking, options_text(options, "partition"));
    return code ? code : verb->run(parking);
}

static int run(const struct options *options)
{
    struct parking parking = {0};
    struct error error;
    const struct verb *verb = find_verb(options->args[0], &error);
    if (!verb || !check_options(verb, options, &error) || !read_options(&parking, options, &error))
        return say_usage("parked", &error);
    int code = target_redis(options, "parked", &parking.config);
    if (code)
        return code;
    code = run_on(&parking, verb, options);
    release(&parking);
    return code;
}

static const struct option own_options[] = {
    TARGET_OPTION_REDIS,
    {0, "key", "K", "only events that are parked under this park_by key", NULL},
    {0, "offset", "N", "only the event at this offset", NULL},
    {0, "reason", "R", "drop: why, which is kept; otherwise: only events whose reason contains R",
     NULL},
    {0, "limit", "N", "at most N events", NULL},
    {0, "waiting", NULL, "drop --key: also the events that only wait behind the failing one", NULL},
    {0, "partition", "PARTITION", "only this partition of the view", NULL},
    {0, "dry-run", NULL, "retry, drop: say what would happen, and change nothing", NULL},
    {0, "json", NULL, "print one JSON object", NULL},
    {0},
};

const struct command command_parked = {
    .name = "parked",
    .group = GROUP_ROWS,
    .summary = "list, show, retry or drop a view's parked events",
    .synopsis = "list|show|retry|drop VIEW [OPTION…]",
    .about =
        "An event that cannot be folded is parked, with the reason; later events with the same\n"
        "park_by key wait behind it, so that their order is kept.\n"
        "\n"
        "list   shows what is parked.\n"
        "show   shows the event at --offset whole, with the body that was kept of it.\n"
        "retry  reads the parked events from the log again and folds them, key by key in the\n"
        "       order of the log; it stops each key at the first event that still fails. Workers\n"
        "       may run meanwhile, and so may another retry: each event goes in once. With\n"
        "       --reason, all sequences that hold an event with such a reason are retried. In a\n"
        "       view whose verbs do not commute, `status` says from then on how many events were\n"
        "       folded out of turn: rows that other keys write as well may differ from a "
        "rebuild's.\n"
        "drop   does without the failing events of --key, or the one at --offset, for good, and\n"
        "       keeps why. What waits behind them stays parked until `retry`.\n"
        "\n"
        "Exit code 0: done; retry: everything that was tried went in; 1: something still fails, "
        "or\n"
        "there is no such event or view; 69: a server cannot be reached; 77; 78: among others,\n"
        "another definition of the view is in force than its file has.\n"
        "\n"
        "--json prints, for list, {\"view\", \"parked\": [{\"partition\", \"offset\", \"key\", "
        "\"waits\", \"id\",\n"
        "\"source\", \"type\", \"at\" (when it was parked), \"reason\"}]}; for show, such an "
        "object "
        "with\n"
        "\"body\", null when none was kept; for retry, {\"view\", \"dry_run\", \"retried\", "
        "\"folded\",\n"
        "\"still_parked\", \"failed\": […]}, and for drop, {\"view\", \"dry_run\", \"dropped\": "
        "[…],\n"
        "\"waiting\"}, with objects as list prints them.",
    .examples = "  fanfold parked list orders\n"
                "  fanfold parked show orders --offset 4711\n"
                "  fanfold parked retry orders --dry-run\n"
                "  fanfold parked retry orders --key o-7\n"
                "  fanfold parked drop orders --key o-7 --reason 'test order, see ticket 12'",
    .options = own_options,
    .args_min = 2,
    .args_max = 2,
    .complete = "list show retry drop",
    .run = run,
};
