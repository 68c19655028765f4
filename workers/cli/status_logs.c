/*
 * status_logs.c: the end of the intake against the ends of its partitions.
 */
#include "cli/status_logs.h"
#include "base/partitions.h"
#include <fanfold/topology.h>

#include <stdio.h>
#include <stdlib.h>

/* The partition that is furthest tells how far the recorder is: it goes through the log in order.
 */
static bool find_recorded(struct log_status *status, struct probes *probes)
{
    bool known = true;
    for (size_t i = 0; known && i < (size_t)status->log->partitions; i++) {
        char *partition = log_partition(status->log, i);
        const struct probe *probe = probes_ask(probes, partition);
        known = probe->known;
        if (probe->ends.covered > status->recorded)
            status->recorded = probe->ends.covered;
        free(partition);
    }
    return known;
}

static bool find_end(struct log_status *status, struct probes *probes)
{
    char *intake = log_intake(status->log);
    const struct probe *probe = probes_ask(probes, intake);
    status->end = probe->ends.covered;
    free(intake);
    return probe->known;
}

static bool find_recorder(struct log_status *status, const struct uri *uri)
{
    char *queue = log_recorder_queue(status->log);
    uint32_t consumers = 0;
    struct error ignored;
    bool known = topology_consumers(uri, queue, &consumers, &ignored);
    status->has_recorder = consumers > 0;
    free(queue);
    return known;
}

void logs_status_read(struct logs_status *logs, const struct config *config, struct probes *probes)
{
    logs->at = must_calloc(config->log_count + 1, sizeof *logs->at);
    for (size_t i = 0; i < config->log_count; i++) {
        if (!log_is_recorded(&config->logs[i]))
            continue;
        struct log_status *status = &logs->at[logs->count++];
        status->log = &config->logs[i];
        status->known = find_end(status, probes) && find_recorded(status, probes) &&
                        find_recorder(status, probes->uri);
    }
}

static uint64_t lag_of(const struct log_status *status)
{
    return status->end > status->recorded ? status->end - status->recorded : 0;
}

void logs_status_print(const struct logs_status *logs)
{
    for (size_t i = 0; i < logs->count; i++) {
        const struct log_status *status = &logs->at[i];
        printf("log %s: %d partitions, ", status->log->exchange, status->log->partitions);
        if (!status->known)
            printf("how far it is recorded is not known");
        else if (lag_of(status))
            printf("%llu events are not recorded yet", (unsigned long long)lag_of(status));
        else
            printf("recorded up to its end");
        puts(status->known && !status->has_recorder
                 ? "; no recorder is at work: every `fanfold worker` runs one"
                 : "");
    }
}

static void add_number(cJSON *object, const char *name, bool known, uint64_t value)
{
    cJSON_AddItemToObject(object, name,
                          known ? cJSON_CreateNumber((double)value) : cJSON_CreateNull());
}

cJSON *logs_status_json(const struct logs_status *logs)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < logs->count; i++) {
        const struct log_status *status = &logs->at[i];
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "exchange", status->log->exchange);
        cJSON_AddNumberToObject(object, "partitions", status->log->partitions);
        add_number(object, "recorded", status->known && status->recorded, status->recorded - 1);
        add_number(object, "end", status->known && status->end, status->end - 1);
        add_number(object, "lag", status->known, lag_of(status));
        cJSON_AddItemToObject(object, "recorder",
                              status->known ? cJSON_CreateBool(status->has_recorder)
                                            : cJSON_CreateNull());
        cJSON_AddItemToArray(list, object);
    }
    return list;
}

void logs_status_release(struct logs_status *logs)
{
    free(logs->at);
}
