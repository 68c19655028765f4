/*
 * status_builds.c: how far each generation in the making is.
 */
#include "cli/status_builds.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const states[] = {"building", "switching", "ending"};

/* The sum over its tasks, in all workers. */
static double rate_of(const cJSON *workers, const char *name)
{
    const cJSON *worker, *task;
    double rate = 0;
    cJSON_ArrayForEach(worker, workers)
    {
        cJSON_ArrayForEach(task, cJSON_GetObjectItemCaseSensitive(worker, "tasks"))
        {
            const char *view = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(task, "view"));
            const cJSON *number = cJSON_GetObjectItemCaseSensitive(task, "rate");
            if (view && strcmp(view, name) == 0 && cJSON_IsNumber(number))
                rate += cJSON_GetNumberValue(number);
        }
    }
    return rate;
}

static bool measure(struct build_status *status, struct redis_reader *reader, struct error *error)
{
    const struct build *build = &status->build;
    struct generation_position *at = must_calloc(build->partition_count + 1, sizeof *at);
    bool good = generation_positions(reader, status->view, build, at, error);
    for (size_t i = 0; good && i < build->partition_count; i++) {
        status->folded += at[i].build_has ? at[i].build + 1 : 0;
        status->all += at[i].live_has ? at[i].live + 1 : 0;
    }
    free(at);
    return good || error->kind == ERROR_NO; /* it has just ended */
}

static bool read_one(struct builds_status *builds, struct redis_reader *reader, const char *view,
                     const cJSON *workers, struct error *error)
{
    struct build_status status = {.view = view};
    bool found;
    if (!generation_find(reader, view, &status.build, &found, error))
        return false;
    if (!found)
        return true;
    char *name = generation_name(view, status.build.generation);
    status.rate = rate_of(workers, name);
    free(name);
    bool good = measure(&status, reader, error);
    builds->at = must_realloc(builds->at, (builds->count + 1) * sizeof *builds->at);
    builds->at[builds->count++] = status;
    return good;
}

bool builds_status_read(struct builds_status *builds, struct redis_reader *reader,
                        const struct view_set *views, const cJSON *workers, struct error *error)
{
    for (size_t i = 0; i < views->count; i++)
        if (!read_one(builds, reader, view_name(views->at[i]), workers, error))
            return false;
    return true;
}

static double percent_of(const struct build_status *status)
{
    if (status->folded >= status->all)
        return 100;
    return (double)status->folded * 100 / (double)status->all;
}

static double left_of(const struct build_status *status)
{
    if (status->folded >= status->all)
        return 0;
    return status->rate > 0 ? (double)(status->all - status->folded) / status->rate : -1;
}

void builds_status_print(const struct builds_status *builds, const char *before)
{
    for (size_t i = 0; i < builds->count; i++) {
        const struct build_status *status = &builds->at[i];
        double left = left_of(status);
        printf("%sgeneration %llu of %s: %s%s, %.0f%% (offset %llu of %llu)", before,
               (unsigned long long)status->build.generation, status->view,
               states[status->build.state], status->build.verify ? " to verify" : "",
               percent_of(status), (unsigned long long)status->folded,
               (unsigned long long)status->all);
        if (left > 0)
            printf(", %.0f events/s, %.0f s left", status->rate, left);
        putchar('\n');
    }
}

cJSON *builds_status_json(const struct builds_status *builds)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < builds->count; i++) {
        const struct build_status *status = &builds->at[i];
        double left = left_of(status);
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "view", status->view);
        cJSON_AddNumberToObject(object, "generation", (double)status->build.generation);
        cJSON_AddStringToObject(object, "state", states[status->build.state]);
        cJSON_AddBoolToObject(object, "verify", status->build.verify);
        cJSON_AddNumberToObject(object, "folded", (double)status->folded);
        cJSON_AddNumberToObject(object, "all", (double)status->all);
        cJSON_AddNumberToObject(object, "percent", percent_of(status));
        cJSON_AddNumberToObject(object, "rate", status->rate);
        cJSON_AddItemToObject(object, "seconds_left",
                              left < 0 ? cJSON_CreateNull() : cJSON_CreateNumber(left));
        cJSON_AddItemToArray(list, object);
    }
    return list;
}

void builds_status_release(struct builds_status *builds)
{
    for (size_t i = 0; i < builds->count; i++)
        build_release(&builds->at[i].build);
    free(builds->at);
    *builds = (struct builds_status){0};
}
