/*
 * status_json.c: see status_json.h.
 */
#include "cli/status_json.h"
#include "base/clock.h"
#include "base/timestamp.h"
#include "cli/age.h"

#include <stdio.h>
#include <stdlib.h>

static void add_text(cJSON *object, const char *name, bool known, const char *text)
{
    cJSON_AddItemToObject(object, name, known ? cJSON_CreateString(text) : cJSON_CreateNull());
}

static void add_count(cJSON *object, const char *name, bool known, uint64_t count)
{
    cJSON_AddItemToObject(object, name,
                          known ? cJSON_CreateNumber((double)count) : cJSON_CreateNull());
}

static cJSON *task_json(const struct task_status *task)
{
    const struct tally *tally = &task->fresh.state.tally;
    char since[TIMESTAMP_TEXT_MAX];
    bool known = task->known;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "view", task->view);
    cJSON_AddStringToObject(object, "partition", task->partition);
    cJSON_AddStringToObject(object, "state", task->state);
    cJSON_AddStringToObject(object, "reason", task->reason);
    timestamp_format(task->since_ms, since);
    add_text(object, "since", task->since_ms, since);
    cJSON_AddStringToObject(object, "way_out", task->way_out);
    freshness_json(&task->fresh, object);
    add_text(object, "owner", task->owner, task->owner);
    cJSON_AddItemToObject(object, "rate",
                          task->rate_known ? cJSON_CreateNumber(task->rate) : cJSON_CreateNull());
    add_text(object, "epoch", known, task->fresh.state.position.epoch);
    add_count(object, "folded", known, tally->folded);
    add_count(object, "ignored", known, tally->ignored);
    add_count(object, "duplicates", known, tally->duplicates);
    add_count(object, "parked", known, tally->parked);
    add_count(object, "skipped", known, tally->skipped);
    add_count(object, "parked_failing", known, task->failing);
    add_count(object, "parked_waiting", known, task->waiting);
    cJSON_AddItemToObject(object, "parked_seconds",
                          task->oldest_ms
                              ? cJSON_CreateNumber(age_seconds(task->oldest_ms, clock_wall_ms()))
                              : cJSON_CreateNull());
    add_count(object, "reordered", known, task->fresh.state.reordered);
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
                                          "budget", "held", "held_most", "views",   "recorders"};
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", worker->string);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const cJSON *member = cJSON_GetObjectItemCaseSensitive(worker, members[i]);
        if (member)
            cJSON_AddItemToObject(object, members[i], cJSON_Duplicate(member, true));
    }
    return object;
}

static cJSON *tasks_json(const struct status *status)
{
    cJSON *items = cJSON_CreateArray();
    for (size_t i = 0; i < status->count; i++)
        cJSON_AddItemToArray(items, task_json(&status->tasks[i]));
    return items;
}

static cJSON *workers_json(const struct status *status)
{
    cJSON *items = cJSON_CreateArray();
    const cJSON *worker;
    cJSON_ArrayForEach(worker, status->workers)
    {
        cJSON_AddItemToArray(items, worker_json(worker));
    }
    return items;
}

/* Moves the items to the list; each gets the name of the target that it is about, if it has one. */
static void move_items(cJSON *items, cJSON *list, const char *target)
{
    while (items->child) {
        cJSON *item = cJSON_DetachItemFromArray(items, 0);
        if (target)
            cJSON_AddStringToObject(item, "target", target);
        cJSON_AddItemToArray(list, item);
    }
    cJSON_Delete(items);
}

static cJSON *reports_json(const struct status *status, const char *list)
{
    cJSON *items = cJSON_CreateArray();
    status_each_report(status, list, collect_report, items);
    return items;
}

static void add_target(cJSON *root, const struct target_status *target)
{
    const struct status *status = &target->status;
    const struct {
        const char *name;
        cJSON *items;
    } lists[] = {
        {"tasks", tasks_json(status)},
        {"rebuilds", builds_status_json(&target->builds)},
        {"workers", workers_json(status)},
        {"refused", reports_json(status, "refused")},
        {"files", reports_json(status, "files")},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        cJSON *list = cJSON_GetObjectItemCaseSensitive(root, lists[i].name);
        move_items(lists[i].items, list ? list : cJSON_AddArrayToObject(root, lists[i].name),
                   target->name);
    }
}

/* [{"name", "fault"}], where they have names. */
static cJSON *targets_json(const struct targets_status *targets)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < targets->count; i++) {
        const struct target_status *target = &targets->at[i];
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "name", target->name);
        add_text(object, "fault", target->fault.kind, target->fault.text);
        cJSON_AddItemToArray(list, object);
    }
    return list;
}

void status_json_print(const struct targets_status *targets, const struct logs_status *logs,
                       const struct probes *probes)
{
    char now[TIMESTAMP_TEXT_MAX];
    timestamp_format(clock_wall_ms(), now);
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "at", now);
    add_text(root, "broker_fault", probes->error.kind, probes->error.text);
    if (targets->at[0].name)
        cJSON_AddItemToObject(root, "targets", targets_json(targets));
    if (logs->count)
        cJSON_AddItemToObject(root, "logs", logs_status_json(logs));
    for (size_t i = 0; i < targets->count; i++)
        add_target(root, &targets->at[i]);
    char *text = cJSON_Print(root);
    puts(text);
    free(text);
    cJSON_Delete(root);
}
