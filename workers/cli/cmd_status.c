/*
 * cmd_status.c: fanfold status.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/timestamp.h"
#include "cli/age.h"
#include "cli/command.h"
#include "cli/say.h"
#include "cli/status.h"
#include "cli/status_builds.h"
#include "cli/table.h"
#include "cli/target.h"

#include <stdlib.h>

static const char *const titles[] = {"VIEW",  "PARTITION", "STATE",        ">CURSOR",
                                     ">END",  ">LAG",      ">LAG_SECONDS", "OWNER",
                                     ">RATE", ">PARKED",   ">DUPLICATES",  ">IGNORED"};

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

static void add_row(struct table *table, const struct task_status *task)
{
    const struct freshness *fresh = &task->fresh;
    const struct tally *tally = &fresh->state.tally;
    table_cell(table, "%s", task->view);
    table_cell(table, "%s", task->partition);
    table_cell(table, "%s", task->state);
    number_cell(table, fresh->has_position, fresh->state.position.offset, "-");
    number_cell(table, fresh->end_known && !fresh->log_empty, fresh->end,
                fresh->log_empty ? "-" : "?");
    number_cell(table, fresh->lag_known, fresh->lag, "?");
    if (fresh->seconds_known)
        table_cell(table, "%.*f", fresh->lag_seconds > 0 && fresh->lag_seconds < 10 ? 1 : 0,
                   fresh->lag_seconds);
    else
        table_cell(table, "?");
    table_cell(table, "%s", task->owner ? task->owner : "-");
    rate_cell(table, task);
    number_cell(table, true, tally->parked, "");
    number_cell(table, true, tally->duplicates, "");
    number_cell(table, true, tally->ignored, "");
    add_note(table, task);
}

typedef void report_fn(const char *worker, const cJSON *entry, void *arg);

/* Each entry of that list in all workers' reports. */
static void each_report(const struct status *status, const char *list, report_fn *call, void *arg)
{
    const cJSON *worker, *entry;
    cJSON_ArrayForEach(worker, status->workers)
    {
        cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(worker, list))
        {
            call(worker->string, entry, arg);
        }
    }
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text ? text : "";
}

static void print_refused(const char *worker, const cJSON *entry, void *arg)
{
    (void)arg;
    printf("worker %s refuses %s %s: %s\n", worker, text_of(entry, "view"),
           text_of(entry, "partition"), text_of(entry, "reason"));
}

static void print_file(const char *worker, const cJSON *entry, void *arg)
{
    (void)arg;
    const char *pointer = text_of(entry, "pointer");
    printf("worker %s leaves out %s:%s%s %s\n", worker, text_of(entry, "file"), pointer,
           pointer[0] ? ":" : "", text_of(entry, "reason"));
}

static double mebibytes(const cJSON *worker, const char *name)
{
    const cJSON *bytes = cJSON_GetObjectItemCaseSensitive(worker, name);
    return cJSON_IsNumber(bytes) ? cJSON_GetNumberValue(bytes) / (1024 * 1024) : 0;
}

/* What it keeps in memory of events that are not committed yet. */
static void print_budget(const cJSON *worker)
{
    printf("worker %s: holds %.1f of %.1f MiB of events (at most %.1f since its start)\n",
           worker->string, mebibytes(worker, "held"), mebibytes(worker, "budget"),
           mebibytes(worker, "held_most"));
}

static void print_table(const struct status *status, const struct builds_status *builds)
{
    struct table table;
    table_init(&table, titles, sizeof titles / sizeof *titles);
    for (size_t i = 0; i < status->count; i++)
        add_row(&table, &status->tasks[i]);
    table_print(&table, stdout);
    table_release(&table);
    builds_status_print(builds);
    const cJSON *worker;
    cJSON_ArrayForEach(worker, status->workers)
    {
        print_budget(worker);
    }
    each_report(status, "refused", print_refused, NULL);
    each_report(status, "files", print_file, NULL);
}

static cJSON *task_json(const struct task_status *task)
{
    const struct tally *tally = &task->fresh.state.tally;
    char since[TIMESTAMP_TEXT_MAX];
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "view", task->view);
    cJSON_AddStringToObject(object, "partition", task->partition);
    cJSON_AddStringToObject(object, "state", task->state);
    cJSON_AddStringToObject(object, "reason", task->reason);
    cJSON_AddItemToObject(object, "since",
                          task->since_ms ? cJSON_CreateString(since_text(task, since))
                                         : cJSON_CreateNull());
    cJSON_AddStringToObject(object, "way_out", task->way_out);
    freshness_json(&task->fresh, object);
    cJSON_AddItemToObject(object, "owner",
                          task->owner ? cJSON_CreateString(task->owner) : cJSON_CreateNull());
    cJSON_AddItemToObject(object, "rate",
                          task->rate_known ? cJSON_CreateNumber(task->rate) : cJSON_CreateNull());
    cJSON_AddStringToObject(object, "epoch", task->fresh.state.position.epoch);
    cJSON_AddNumberToObject(object, "folded", (double)tally->folded);
    cJSON_AddNumberToObject(object, "ignored", (double)tally->ignored);
    cJSON_AddNumberToObject(object, "duplicates", (double)tally->duplicates);
    cJSON_AddNumberToObject(object, "parked", (double)tally->parked);
    cJSON_AddNumberToObject(object, "skipped", (double)tally->skipped);
    cJSON_AddNumberToObject(object, "parked_failing", (double)task->failing);
    cJSON_AddNumberToObject(object, "parked_waiting", (double)task->waiting);
    cJSON_AddItemToObject(object, "parked_seconds",
                          task->oldest_ms
                              ? cJSON_CreateNumber(age_seconds(task->oldest_ms, clock_wall_ms()))
                              : cJSON_CreateNull());
    cJSON_AddNumberToObject(object, "reordered", (double)task->fresh.state.reordered);
    return object;
}

/* The entry with its worker's name in front. */
static void collect_report(const char *worker, const cJSON *entry, void *list)
{
    cJSON *object = cJSON_CreateObject(), *member;
    cJSON_AddStringToObject(object, "worker", worker);
    cJSON_ArrayForEach(member, entry)
    {
        cJSON_AddItemToObject(object, member->string, cJSON_Duplicate(member, true));
    }
    cJSON_AddItemToArray(list, object);
}

/* A worker's report without what stands elsewhere in the answer. */
static cJSON *worker_json(const cJSON *worker)
{
    static const char *const members[] = {"host",   "pid",  "version",   "started", "rss",
                                          "budget", "held", "held_most", "views"};
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", worker->string);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const cJSON *member = cJSON_GetObjectItemCaseSensitive(worker, members[i]);
        if (member)
            cJSON_AddItemToObject(object, members[i], cJSON_Duplicate(member, true));
    }
    return object;
}

static void print_json(const struct status *status, const struct builds_status *builds,
                       const struct probes *probes)
{
    char now[TIMESTAMP_TEXT_MAX];
    timestamp_format(clock_wall_ms(), now);
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "at", now);
    cJSON_AddItemToObject(root, "broker_fault",
                          probes->error.kind ? cJSON_CreateString(probes->error.text)
                                             : cJSON_CreateNull());
    cJSON *tasks = cJSON_AddArrayToObject(root, "tasks");
    for (size_t i = 0; i < status->count; i++)
        cJSON_AddItemToArray(tasks, task_json(&status->tasks[i]));
    cJSON_AddItemToObject(root, "rebuilds", builds_status_json(builds));
    cJSON *workers = cJSON_AddArrayToObject(root, "workers");
    const cJSON *worker;
    cJSON_ArrayForEach(worker, status->workers)
    {
        cJSON_AddItemToArray(workers, worker_json(worker));
    }
    each_report(status, "refused", collect_report, cJSON_AddArrayToObject(root, "refused"));
    each_report(status, "files", collect_report, cJSON_AddArrayToObject(root, "files"));
    char *text = cJSON_Print(root);
    puts(text);
    free(text);
    cJSON_Delete(root);
}

static bool all_streaming(const struct status *status)
{
    for (size_t i = 0; i < status->count; i++)
        if (strcmp(status->tasks[i].state, STATUS_STREAMING) != 0)
            return false;
    return true;
}

static int show(const struct options *options, const struct config *config,
                const struct view_set *views)
{
    struct error error;
    struct redis_reader *reader = redis_reader_open(&config->redis, &error);
    if (!reader)
        return say_error(&error);
    struct probes probes = {.uri = &config->amqp};
    struct status status = {0};
    struct builds_status builds = {0};
    int code = 0;
    if (!status_read(&status, reader, config, views, options->arg_count == 0, &probes, &error) ||
        !builds_status_read(&builds, reader, views, status.workers, &error)) {
        code = say_error(&error);
    } else {
        if (options_has(options, "json"))
            print_json(&status, &builds, &probes);
        else
            print_table(&status, &builds);
        if (probes.error.kind != ERROR_NONE)
            say("the ends of the logs are not known: %s", probes.error.text);
        if (options_has(options, "check") && !all_streaming(&status))
            code = ERROR_NO;
    }
    builds_status_release(&builds);
    status_release(&status);
    probes_release(&probes);
    redis_reader_close(reader);
    return code;
}

static int run(const struct options *options)
{
    struct config config;
    struct view_set views = {0};
    if (!target_config(options, &config))
        return ERROR_CONFIG;
    int code = target_views(options, &config, &views);
    if (code == 0)
        code = show(options, &config, &views);
    view_set_release(&views);
    config_release(&config);
    return code;
}

static const struct option own_options[] = {
    {0, "check", NULL, "exit code 1 when some task is not streaming", NULL},
    {0, "json", NULL, "print one JSON object instead of a table", NULL},
    {0},
};

const struct command command_status = {
    .name = "status",
    .group = GROUP_ROWS,
    .summary = "show how far each view is, and who keeps it",
    .synopsis = "[VIEW…] [--check] [--json]",
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
        "is a view of its own, \"stock@2\", and has a line that says how far it is.\n"
        "\n"
        "Exit code 0: the state could be read; 1: with --check, some task is not streaming, or "
        "there\n"
        "is no such view; 69: Redis cannot be reached; 77; 78.\n"
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
        "is not known.",
    .examples = "  fanfold status\n"
                "  fanfold status stock --json\n"
                "  fanfold status --check > /dev/null || echo 'something stands still'",
    .options = own_options,
    .args_max = ARGS_ANY,
    .run = run,
};
