/*
 * status.c: who runs what, and how far it is.
 */
#include "cli/status.h"
#include "base/buf.h"
#include "base/partitions.h"
#include "cli/in_force.h"
#include <fanfold/parked.h>

#include <stdlib.h>

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text ? text : "";
}

/* The entry of a report's list ("tasks", "refused") for this task. */
static const cJSON *find_entry(const cJSON *worker, const char *list, const char *view,
                               const char *partition)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(worker, list))
    {
        if (strcmp(text_of(entry, "view"), view) == 0 &&
            strcmp(text_of(entry, "partition"), partition) == 0)
            return entry;
    }
    return NULL;
}

/* Would the worker run the task? Its entry lists those as "<view> <partition>" (pool.h). */
static bool takes(const cJSON *worker, const char *lease)
{
    const cJSON *name;
    cJSON_ArrayForEach(name, cJSON_GetObjectItemCaseSensitive(worker, "takes"))
    {
        const char *text = cJSON_GetStringValue(name);
        if (text && strcmp(text, lease) == 0)
            return true;
    }
    return false;
}

/* The report of the lease's owner counts; without one, any report (a worker that drains it). */
static const cJSON *find_report(const struct status *status, const struct task_status *task,
                                const char **worker)
{
    const cJSON *entry;
    if (task->owner) {
        *worker = task->owner;
        return find_entry(cJSON_GetObjectItemCaseSensitive(status->workers, task->owner), "tasks",
                          task->view, task->partition);
    }
    cJSON_ArrayForEach(entry, status->workers)
    {
        const cJSON *found = find_entry(entry, "tasks", task->view, task->partition);
        if (found) {
            *worker = entry->string;
            return found;
        }
    }
    return NULL;
}

/* Why nobody runs the task. */
static enum trouble why_waiting(const struct status *status, const struct task_status *task,
                                const char *lease)
{
    if (task->owner)
        return TROUBLE_NOT_TAKEN;
    const cJSON *worker;
    bool taken = false;
    cJSON_ArrayForEach(worker, status->workers)
    {
        if (find_entry(worker, "refused", task->view, task->partition))
            return TROUBLE_DEFINITION;
        taken = taken || takes(worker, lease);
    }
    if (!status->workers || !status->workers->child)
        return TROUBLE_NO_WORKER;
    return taken ? TROUBLE_NOT_TAKEN : TROUBLE_NOT_SERVED;
}

static const char *waiting_reason(enum trouble why)
{
    return why == TROUBLE_NO_WORKER    ? "no worker runs"
           : why == TROUBLE_NOT_TAKEN  ? "no worker has taken it yet"
           : why == TROUBLE_NOT_SERVED ? "no worker that runs would take it"
                                       : "refused by a worker, see below";
}

static void find_state(const struct status *status, struct task_status *task)
{
    struct buf lease = {0};
    buf_printf(&lease, "%s %s", task->view, task->partition);
    task->owner =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(status->leases, buf_text(&lease)));

    const char *worker = NULL;
    const cJSON *report = find_report(status, task, &worker);
    if (report) {
        task->owner = worker;
        task->state = text_of(report, "state");
        task->reason = text_of(report, "reason");
        task->way_out = text_of(report, "way_out");
        const cJSON *since = cJSON_GetObjectItemCaseSensitive(report, "since");
        task->since_ms = cJSON_IsNumber(since) ? (int64_t)cJSON_GetNumberValue(since) : 0;
        const cJSON *rate = cJSON_GetObjectItemCaseSensitive(report, "rate");
        task->rate_known = cJSON_IsNumber(rate);
        task->rate = cJSON_GetNumberValue(rate);
        const cJSON *tries = cJSON_GetObjectItemCaseSensitive(report, "tries");
        task->tries = cJSON_IsNumber(tries) ? (uint64_t)cJSON_GetNumberValue(tries) : 0;
    } else {
        task->state = STATUS_WAITING;
        enum trouble why = why_waiting(status, task, buf_text(&lease));
        task->reason = task->owner ? "its owner has not reported it yet" : waiting_reason(why);
        task->way_out = trouble_way_out(why);
    }
    buf_release(&lease);
}

/* Looks at what is parked, when something is. */
static bool count_parked(struct task_status *task, struct redis_reader *reader, struct error *error)
{
    struct parked_index index;
    if (!task->fresh.state.tally.parked)
        return true;
    if (!redis_reader_parked_index(reader, task->view, task->partition, &index, error))
        return false;
    for (size_t i = 0; i < index.count; i++) {
        const struct parked_mark *event = &index.at[i];
        ++*(event->waits ? &task->waiting : &task->failing);
        if (!task->oldest_ms || event->parked_at_ms < task->oldest_ms)
            task->oldest_ms = event->parked_at_ms;
    }
    parked_index_release(&index);
    return true;
}

static void append(struct status *status, const struct task_status *task)
{
    status->tasks = must_realloc(status->tasks, (status->count + 1) * sizeof *status->tasks);
    status->tasks[status->count++] = *task;
}

/* partition is taken. */
static bool add_task(struct status *status, const char *view, char *partition,
                     struct redis_reader *reader, struct probes *probes, struct error *error)
{
    struct task_status task = {.view = view, .partition = partition, .known = true};
    if (!freshness_read(&task.fresh, task.view, task.partition, reader, probes, error) ||
        !count_parked(&task, reader, error)) {
        free(task.partition);
        return false;
    }
    find_state(status, &task);
    append(status, &task);
    return true;
}

static bool is_here(const struct view *view, const struct config *config)
{
    return !config->target || view_is_in(view, config->target);
}

static bool add_tasks(struct status *status, struct redis_reader *reader,
                      const struct config *config, const struct view_set *views,
                      struct probes *probes, struct error *error)
{
    for (size_t i = 0; i < views->count; i++) {
        const struct view *view = views->at[i];
        struct partition_list list = {0};
        bool good = true;
        if (is_here(view, config))
            in_force_partitions(reader, view, config, &list);
        for (size_t k = 0; good && k < list.count; k++)
            good =
                add_task(status, view_name(view), must_strdup(list.at[k]), reader, probes, error);
        partition_list_release(&list);
        if (!good)
            return false;
    }
    return true;
}

static bool is_listed(const struct status *status, const char *view, const char *partition)
{
    for (size_t i = 0; i < status->count; i++)
        if (strcmp(status->tasks[i].view, view) == 0 &&
            strcmp(status->tasks[i].partition, partition) == 0)
            return true;
    return false;
}

/* Is it of a log of this configuration? Others may use the same Redis. */
static bool is_ours(const struct config *config, const char *partition)
{
    for (size_t i = 0; i < config->log_count; i++)
        if (log_has_partition(&config->logs[i], partition))
            return true;
    return false;
}

static bool add_others(struct status *status, struct redis_reader *reader,
                       const struct config *config, struct probes *probes, struct error *error)
{
    const cJSON *worker, *entry;
    cJSON_ArrayForEach(worker, status->workers)
    {
        cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(worker, "tasks"))
        {
            const char *view = text_of(entry, "view"), *partition = text_of(entry, "partition");
            if (is_ours(config, partition) && !is_listed(status, view, partition) &&
                !add_task(status, view, must_strdup(partition), reader, probes, error))
                return false;
        }
    }
    return true;
}

bool status_read(struct status *status, struct redis_reader *reader, const struct config *config,
                 const struct view_set *views, bool others, struct probes *probes,
                 struct error *error)
{
    struct status result = {0};
    result.workers = redis_reader_workers(reader, error);
    result.leases = result.workers ? redis_reader_leases(reader, error) : NULL;
    if (!result.leases || !add_tasks(&result, reader, config, views, probes, error) ||
        (others && !add_others(&result, reader, config, probes, error))) {
        status_release(&result);
        return false;
    }
    *status = result;
    return true;
}

void status_unreachable(struct status *status, const struct config *config,
                        const struct view_set *views, const struct error *why)
{
    for (size_t i = 0; i < views->count; i++) {
        const struct view *view = views->at[i];
        struct partition_list list = {0};
        if (is_here(view, config))
            in_force_partitions(NULL, view, config, &list);
        for (size_t k = 0; k < list.count; k++)
            append(status, &(struct task_status){.view = view_name(view),
                                                 .partition = must_strdup(list.at[k]),
                                                 .state = STATUS_UNREACHABLE,
                                                 .reason = why->text,
                                                 .way_out = ""});
        partition_list_release(&list);
    }
}

bool status_read_generation(struct status *status, struct redis_reader *reader, const char *name,
                            const struct build *build, struct probes *probes, struct error *error)
{
    struct status result = {0};
    result.workers = redis_reader_workers(reader, error);
    result.leases = result.workers ? redis_reader_leases(reader, error) : NULL;
    bool good = result.leases;
    for (size_t i = 0; good && i < build->partition_count; i++)
        good = add_task(&result, name, must_strdup(build->partitions[i]), reader, probes, error);
    if (good)
        *status = result;
    else
        status_release(&result);
    return good;
}

void status_each_report(const struct status *status, const char *list, status_report_fn *call,
                        void *arg)
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

void status_release(struct status *status)
{
    for (size_t i = 0; i < status->count; i++)
        free(status->tasks[i].partition);
    free(status->tasks);
    cJSON_Delete(status->workers);
    cJSON_Delete(status->leases);
    *status = (struct status){0};
}
