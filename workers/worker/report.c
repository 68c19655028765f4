/*
 * report.c: what this process says of itself, kept in Redis by each tick. Its members are read by
 * `fanfold status` and are an interface (README).
 */
#include "base/clock.h"
#include "worker/process.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <unistd.h>

/* Resident memory in bytes; 0 where /proc does not tell. */
static double resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    long total = 0, resident = 0;
    int found = fscanf(file, "%ld %ld", &total, &resident);
    fclose(file);
    return found == 2 ? (double)resident * (double)sysconf(_SC_PAGESIZE) : 0;
}

static void report_task(cJSON *list, struct task *task, double seconds)
{
    if (seconds > 0)
        task->rate = (double)(task->taken - task->taken_before) / seconds;
    task->taken_before = task->taken;
    if (task_is_idle(task))
        return;
    cJSON *item = cJSON_CreateObject();
    const struct served *served = task->served;
    bool changed = served_is_changed(served);
    cJSON_AddStringToObject(item, "view", task->role->name);
    cJSON_AddStringToObject(item, "partition", task->partition);
    cJSON_AddStringToObject(item, "state", task_status_name(task->status));
    cJSON_AddStringToObject(item, "reason",
                            task->reason[0] ? task->reason
                            : changed       ? "definition changed: what is in force keeps running"
                                            : "");
    bool stands = task->trouble && (task->status == TASK_STOPPED || task->status == TASK_BACKOFF);
    cJSON_AddNumberToObject(item, "since", (double)(stands ? task->trouble_ms : task->since_ms));
    cJSON_AddStringToObject(item, "way_out",
                            trouble_way_out(stands    ? task->trouble
                                            : changed ? TROUBLE_DEFINITION
                                                      : TROUBLE_NONE));
    if (stands)
        cJSON_AddStringToObject(item, "trouble", trouble_name(task->trouble));
    if (task->committed.epoch[0])
        cJSON_AddNumberToObject(item, "cursor", (double)task->committed.offset);
    cJSON_AddNumberToObject(item, "rate", task->rate);
    cJSON_AddStringToObject(item, "epoch", task->epoch);
    if (served->tries > 0)
        cJSON_AddNumberToObject(item, "tries", served->tries);
    cJSON_AddItemToArray(list, item);
}

static void report_refused(cJSON *list, const struct task *task)
{
    if (!task->served->refused[0] || !task_is_idle(task) || task->removed)
        return;
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "view", task->role->name);
    cJSON_AddStringToObject(item, "partition", task->partition);
    cJSON_AddStringToObject(item, "reason", task->served->refused);
    cJSON_AddItemToArray(list, item);
}

static void report_files(cJSON *list, const struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->at[i];
        if (fault->warning)
            continue;
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "file", fault->file);
        cJSON_AddStringToObject(item, "pointer", fault->pointer);
        cJSON_AddStringToObject(item, "reason", fault->text);
        cJSON_AddItemToArray(list, item);
    }
}

char *report_write(struct process *process, double seconds)
{
    char host[128] = "";
    gethostname(host, sizeof host - 1);
    cJSON *report = cJSON_CreateObject();
    cJSON_AddStringToObject(report, "host", host);
    cJSON_AddNumberToObject(report, "pid", getpid());
    cJSON_AddStringToObject(report, "version", FANFOLD_VERSION);
    cJSON_AddNumberToObject(report, "started", (double)process->started_ms);
    cJSON_AddNumberToObject(report, "rss", resident_bytes());
    cJSON_AddNumberToObject(report, "budget", (double)process->host.budget);
    cJSON_AddNumberToObject(report, "held", (double)process->host.held);
    cJSON_AddNumberToObject(report, "held_most", (double)process->host.held_most);
    cJSON *tasks = cJSON_AddArrayToObject(report, "tasks");
    cJSON *refused = cJSON_AddArrayToObject(report, "refused");
    for (size_t i = 0; i < process->task_count; i++) {
        report_task(tasks, process->tasks[i], seconds);
        report_refused(refused, process->tasks[i]);
    }
    recorders_report(process, cJSON_AddArrayToObject(report, "recorders"));
    report_files(cJSON_AddArrayToObject(report, "files"), &process->faults);
    char *text = cJSON_PrintUnformatted(report);
    cJSON_Delete(report);
    return text;
}
