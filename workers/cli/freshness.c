/*
 * freshness.c: position against end of log.
 */
#include "cli/freshness.h"
#include "base/clock.h"
#include "base/partitions.h"
#include "base/timestamp.h"

#include <stdlib.h>

const struct probe *probes_ask(struct probes *probes, const char *partition)
{
    for (size_t i = 0; i < probes->count; i++)
        if (strcmp(probes->at[i].partition, partition) == 0)
            return &probes->at[i];
    probes->at = must_realloc(probes->at, (probes->count + 1) * sizeof *probes->at);
    struct probe *probe = &probes->at[probes->count++];
    *probe = (struct probe){.partition = must_strdup(partition)};
    struct error error = {.kind = ERROR_NONE};
    if (probes->error.kind != ERROR_UNAVAILABLE)
        probe->known = stream_probe_last(probes->uri, partition, UINT64_MAX, &probe->ends, &error);
    if (error.kind != ERROR_NONE && probes->error.kind == ERROR_NONE)
        probes->error = error;
    return probe;
}

/* Of a recorded log it is counted in the partition: some records there are no events. */
static uint64_t lag_of(const struct freshness *fresh, bool is_recorded)
{
    uint64_t end = is_recorded ? fresh->end_record : fresh->end;
    uint64_t at = is_recorded ? fresh->state.record : fresh->state.position.offset;
    if (!fresh->has_position)
        return end + 1;
    if (fresh->end == fresh->state.position.offset)
        return 0;
    return end > at ? end - at : 1;
}

/* A log that ends before the cursor has no lag that means anything. */
static void compute(struct freshness *fresh, const char *partition)
{
    uint64_t offset = fresh->state.position.offset;
    if (!fresh->end_known || (fresh->has_position && (fresh->log_empty || fresh->end < offset)))
        return;
    fresh->lag_known = true;
    if (!fresh->log_empty)
        fresh->lag = lag_of(fresh, partition_is_recorded(partition));
    fresh->seconds_known = fresh->lag == 0 || fresh->state.has_time;
    if (fresh->lag && fresh->state.has_time) {
        double seconds = (double)(clock_wall_ms() - fresh->state.time_ms) / 1000;
        fresh->lag_seconds = seconds > 0 ? seconds : 0;
    }
}

bool freshness_read(struct freshness *fresh, const char *view, const char *partition,
                    struct redis_reader *reader, struct probes *probes, struct error *error)
{
    struct task_state state = {0};
    if (!redis_reader_task(reader, view, partition, &state, error))
        return false;
    *fresh = (struct freshness){.state = state, .has_position = state.position.epoch[0] != '\0'};
    const struct probe *probe = probes_ask(probes, partition);
    fresh->end_known = probe->known;
    fresh->log_empty = probe->known && probe->ends.empty;
    fresh->end = probe->ends.last;
    fresh->end_record = probe->ends.last_record;
    compute(fresh, partition);
    return true;
}

static void add_number(cJSON *object, const char *name, bool known, double value)
{
    cJSON_AddItemToObject(object, name, known ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

void freshness_json(const struct freshness *fresh, cJSON *object)
{
    char time[TIMESTAMP_TEXT_MAX];
    add_number(object, "cursor", fresh->has_position, (double)fresh->state.position.offset);
    add_number(object, "end", fresh->end_known && !fresh->log_empty, (double)fresh->end);
    add_number(object, "lag", fresh->lag_known, (double)fresh->lag);
    add_number(object, "lag_seconds", fresh->seconds_known, fresh->lag_seconds);
    if (fresh->state.has_time) {
        timestamp_format(fresh->state.time_ms, time);
        cJSON_AddStringToObject(object, "time", time);
    } else {
        cJSON_AddNullToObject(object, "time");
    }
}

void probes_release(struct probes *probes)
{
    for (size_t i = 0; i < probes->count; i++)
        free(probes->at[i].partition);
    free(probes->at);
}
