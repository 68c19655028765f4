/*
 * cmd_status.c: fanfold status.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/timestamp.h"
#include "cli/age.h"
#include "cli/command.h"
#include "cli/say.h"
#include "cli/status_json.h"
#include "cli/table.h"
#include "cli/target.h"

#include <stdlib.h>

static const char *const titles[] = {"TARGET",  "VIEW",        "PARTITION",    "STATE", ">CURSOR",
                                     ">END",    ">LAG",        ">LAG_SECONDS", "OWNER", ">RATE",
                                     ">PARKED", ">DUPLICATES", ">IGNORED"};

static void number_cell(struct table *table, bool known, uint64_t value, const char *unknown)
{
    if (known)
        table_cell(table, "%llu", (unsigned long long)value);
    else
        table_cell(table, "%s", unknown);
}

static void rate_cell(struct table *table, const struct task_status *task)
{
    if (!task->rate_known)
        table_cell(table, "-");
    else
        table_cell(table, "%.*f", task->rate > 0 && task->rate < 10 ? 1 : 0, task->rate);
}

static const char *since_text(const struct task_status *task, char out[TIMESTAMP_TEXT_MAX])
{
    timestamp_format(task->since_ms, out);
    return out;
}

/* What stands below the row: the reason of its state, what is parked, what was folded out of turn.
 */
static void add_note(struct table *table, const struct task_status *task)
{
    struct buf note = {0};
    char age[AGE_TEXT_MAX], since[TIMESTAMP_TEXT_MAX];
    uint64_t reordered = task->fresh.state.reordered;
    if (task->reason[0])
        buf_printf(&note, "; %s", task->reason);
    if (task->reason[0] && task->since_ms)
        buf_printf(&note, "; since %s (%s)", since_text(task, since),
                   age_text(task->since_ms, clock_wall_ms(), age));
    if (task->way_out[0])
        buf_printf(&note, "; way out: %s", task->way_out);
    if (task->failing || task->waiting)
        buf_printf(&note, "; parked: %llu failing, %llu waiting, the oldest for %s",
                   (unsigned long long)task->failing, (unsigned long long)task->waiting,
                   age_text(task->oldest_ms, clock_wall_ms(), age));
    if (reordered)
        buf_printf(&note, "; reordered: %llu event%s folded out of turn by `parked retry`",
                   (unsigned long long)reordered, reordered == 1 ? " was" : "s were");
    if (note.len)
        table_note(table, "^ %s", buf_text(&note) + 2);
    buf_release(&note);
}

/* target: NULL when its Redis has no name. */
static void add_row(struct table *table, const char *target, const struct task_status *task)
{
    const struct freshness *fresh = &task->fresh;
    const struct tally *tally = &fresh->state.tally;
    if (target)
        table_cell(table, "%s", target);
    table_cell(table, "%s", task->view);
    table_cell(table, "%s", task->partition);
    table_cell(table, "%s", task->state);
    number_cell(table, fresh->has_position, fresh->state.position.offset, task->known ? "-" : "?");
    number_cell(table, fresh->end_known && !fresh->log_empty, fresh->end,
                fresh->log_empty ? "-" : "?");
    number_cell(table, fresh->lag_known, fresh->lag, "?");
    if (fresh->seconds_known)
        table_cell(table, "%.*f", fresh->lag_seconds > 0 && fresh->lag_seconds < 10 ? 1 : 0,
                   fresh->lag_seconds);
    else
        table_cell(table, "?");
    table_cell(table, "%s", task->owner ? task->owner : task->known ? "-" : "?");
    rate_cell(table, task);
    number_cell(table, task->known, tally->parked, "?");
    number_cell(table, task->known, tally->duplicates, "?");
    number_cell(table, task->known, tally->ignored, "?");
    add_note(table, task);
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text ? text : "";
}

static void print_refused(const char *worker, const cJSON *entry, void *before)
{
    printf("%sworker %s refuses %s %s: %s\n", buf_text(before), worker, text_of(entry, "view"),
           text_of(entry, "partition"), text_of(entry, "reason"));
}

static void print_file(const char *worker, const cJSON *entry, void *before)
{
    const char *pointer = text_of(entry, "pointer");
    printf("%sworker %s leaves out %s:%s%s %s\n", buf_text(before), worker, text_of(entry, "file"),
           pointer, pointer[0] ? ":" : "", text_of(entry, "reason"));
}

static double mebibytes(const cJSON *worker, const char *name)
{
    const cJSON *bytes = cJSON_GetObjectItemCaseSensitive(worker, name);
    return cJSON_IsNumber(bytes) ? cJSON_GetNumberValue(bytes) / (1024 * 1024) : 0;
}

/* What it keeps in memory of events that are not committed yet. */
static void print_budget(const cJSON *worker, const char *before)
{
    printf("%sworker %s: holds %.1f of %.1f MiB of events (at most %.1f since its start)\n", before,
           worker->string, mebibytes(worker, "held"), mebibytes(worker, "budget"),
           mebibytes(worker, "held_most"));
}

/* What stands below the table. */
static void print_rest(const struct target_status *target)
{
    struct buf before = {0};
    const cJSON *worker;
    if (target->name)
        buf_printf(&before, "%s: ", target->name);
    builds_status_print(&target->builds, buf_text(&before));
    cJSON_ArrayForEach(worker, target->status.workers)
    {
        print_budget(worker, buf_text(&before));
    }
    status_each_report(&target->status, "refused", print_refused, &before);
    status_each_report(&target->status, "files", print_file, &before);
    buf_release(&before);
}

static void print_table(const struct targets_status *targets)
{
    struct table table;
    size_t columns = sizeof titles / sizeof *titles, left_out = targets->at[0].name ? 0 : 1;
    table_init(&table, titles + left_out, columns - left_out);
    for (size_t i = 0; i < targets->count; i++)
        for (size_t j = 0; j < targets->at[i].status.count; j++)
            add_row(&table, targets->at[i].name, &targets->at[i].status.tasks[j]);
    table_print(&table, stdout);
    table_release(&table);
    for (size_t i = 0; i < targets->count; i++)
        print_rest(&targets->at[i]);
}

static bool all_streaming(const struct targets_status *targets)
{
    for (size_t i = 0; i < targets->count; i++)
        for (size_t j = 0; j < targets->at[i].status.count; j++)
            if (strcmp(targets->at[i].status.tasks[j].state, STATUS_STREAMING) != 0)
                return false;
    return true;
}

/* Says which could not be read; the exit code is that of the first. */
static int say_faults(const struct targets_status *targets)
{
    int code = 0;
    for (size_t i = 0; i < targets->count; i++) {
        const struct target_status *target = &targets->at[i];
        if (target->fault.kind == ERROR_NONE)
            continue;
        if (target->name)
            say("target %s: %s", target->name, target->fault.text);
        else
            say_error(&target->fault);
        code = code ? code : (int)target->fault.kind;
    }
    return code;
}

static int show(const struct options *options, struct config *config, const struct view_set *views)
{
    struct probes probes = {.uri = &config->amqp};
    struct targets_status targets;
    struct logs_status logs = {0};
    targets_status_read(&targets, config, views, options->arg_count == 0, &probes);
    logs_status_read(&logs, config, &probes);
    if (options_has(options, "json")) {
        status_json_print(&targets, &logs, &probes);
    } else {
        print_table(&targets);
        logs_status_print(&logs);
    }
    fflush(stdout);
    int code = say_faults(&targets);
    if (probes.error.kind != ERROR_NONE)
        say("the ends of the logs are not known: %s", probes.error.text);
    if (!code && options_has(options, "check") && !all_streaming(&targets))
        code = ERROR_NO;
    targets_status_release(&targets);
    logs_status_release(&logs);
    probes_release(&probes);
    return code;
}

static int run(const struct options *options)
{
    struct config config;
    struct view_set views = {0};
    struct error error;
    if (!target_config(options, &config))
        return ERROR_CONFIG;
    const char *target = options_text(options, "target");
    int code = target && !config_choose(&config, target, &error) ? say_usage("status", &error) : 0;
    if (code == 0)
        code = target_views(options, &config, &views);
    if (code == 0)
        code = show(options, &config, &views);
    view_set_release(&views);
    config_release(&config);
    return code;
}

static const struct option own_options[] = {
    {0, "target", "NAME", "only this Redis of the configuration's \"targets\"", NULL},
    {0, "check", NULL, "exit code 1 when some task is not streaming", NULL},
    {0, "json", NULL, "print one JSON object instead of a table", NULL},
    {0},
};

const struct command command_status = {
    .name = "status",
    .group = GROUP_ROWS,
    .summary = "show how far each view is, and who keeps it",
    .synopsis = "[VIEW…] [--target NAME] [--check] [--json]",
    .about =
        "Shows a line for each view and partition: its state (\"waiting\": no worker runs it), "
        "the\n"
        "cursor (offset of the last event that is folded in), the end of the log, the lag in "
        "events\n"
        "and in seconds, the worker that owns it, its events per second, and how many events are\n"
        "parked, were duplicates, or were ignored because no pattern matches. Below a task that "
        "is\n"
        "not streaming stands the reason, since when its worker has found it so, the way out, and "
        "what is\n"
        "parked: the events that fail, and those that only wait behind them. \"?\" is what the "
        "broker would know but cannot be "
        "asked:\n"
        "the rest is shown also while it is down. A generation that is being built (`fanfold "
        "rebuild`)\n"
        "is a view of its own, \"stock@2\", and has a line that says how far it is. Where the "
        "configuration\n"
        "names several targets, all are shown; the tasks of one that cannot be asked are "
        "\"unreachable\".\n"
        "\n"
        "Exit code 0: the state could be read; 1: with --check, some task is not streaming, or "
        "there\n"
        "is no such view; 69: Redis, or one of the targets, cannot be reached; 77; 78.\n"
        "\n"
        "--json prints {\"at\", \"broker_fault\": null or the reason, \"tasks\": [{\"view\", "
        "\"partition\",\n"
        "\"state\", \"reason\", \"since\", \"way_out\", \"cursor\", \"end\", \"lag\", "
        "\"lag_seconds\", \"time\" (of the "
        "last event folded),\n"
        "\"owner\", \"rate\", \"epoch\", \"folded\", \"ignored\", \"duplicates\", \"parked\", "
        "\"skipped\",\n"
        "\"parked_failing\", \"parked_waiting\", \"parked_seconds\" (age of the "
        "oldest),\n"
        "\"reordered\"}],\n"
        "\"rebuilds\": [{\"view\", \"generation\", \"state\", \"verify\", \"folded\", \"all\", "
        "\"percent\",\n"
        "\"rate\", \"seconds_left\"}], \"workers\": [{\"name\", \"host\", \"pid\", \"version\", "
        "\"started\" (Unix milliseconds), "
        "\"rss\",\n"
        "\"budget\", \"held\", \"held_most\" (bytes), \"views\"}], \"refused\": [{\"worker\", "
        "\"view\", "
        "\"partition\",\n"
        "\"reason\"}], \"files\": [{\"worker\", \"file\", \"pointer\", \"reason\"}]}; null is what "
        "is not known.\n"
        "With logs of several partitions it also has \"logs\": [{\"exchange\", \"partitions\", "
        "\"recorded\",\n"
        "\"end\", \"lag\" (offsets of the log that are not copied yet), \"recorder\" (is one at "
        "work)}].\n"
        "With named targets it also has \"targets\": [{\"name\", \"fault\": null or why it cannot "
        "be asked}],\n"
        "and each of the others a \"target\".",
    .examples = "  fanfold status\n"
                "  fanfold status stock --json\n"
                "  fanfold status --check > /dev/null || echo 'something stands still'",
    .options = own_options,
    .args_max = ARGS_ANY,
    .run = run,
};
