/*
 * case_json.c: the result of a case as JSON.
 */
#include "cli/case_report.h"

#include <stdlib.h>

static void add_text(cJSON *object, const char *name, struct str text)
{
    char *copy = must_strndup(text.at, text.len);
    cJSON_AddStringToObject(object, name, copy);
    free(copy);
}

/* JSON text as it is; null: there is none. */
static void add_json(cJSON *object, const char *name, struct str json)
{
    if (json.len) {
        char *copy = must_strndup(json.at, json.len);
        cJSON_AddRawToObject(object, name, copy);
        free(copy);
    } else {
        cJSON_AddNullToObject(object, name);
    }
}

static cJSON *difference_json(const struct case_difference *difference)
{
    static const char *const names[] = {[CASE_ROW] = "row",
                                        [CASE_PARKED] = "parked",
                                        [CASE_EXPIRE] = "expire",
                                        [CASE_STOPS] = "stops"};
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "what", names[difference->what]);
    if (difference->what == CASE_ROW)
        add_text(object, "key", difference->key);
    add_json(object, "expected", difference->expected);
    add_json(object, "found", difference->found);
    return object;
}

static cJSON *finding_json(const char *kind, const struct case_finding *finding)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "kind", kind);
    cJSON_AddNumberToObject(object, "runs", (double)finding->runs);
    cJSON_AddNumberToObject(object, "failed", (double)finding->failed);
    if (finding->not_run)
        cJSON_AddStringToObject(object, "not_run", finding->not_run);
    if (!finding->failed)
        return object;
    cJSON_AddStringToObject(object, "how", finding->how);
    cJSON *list = cJSON_AddArrayToObject(object, "differences");
    for (size_t i = 0; i < finding->differences.count; i++)
        cJSON_AddItemToArray(list, difference_json(&finding->differences.at[i]));
    return object;
}

cJSON *case_result_json(const struct case_result *result)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", result->test->name);
    cJSON_AddBoolToObject(object, "good", result->good);
    cJSON *runs = cJSON_AddArrayToObject(object, "runs");
    for (int kind = 0; kind < CASE_KIND_COUNT; kind++)
        cJSON_AddItemToArray(runs, finding_json(case_kind_names[kind], &result->findings[kind]));
    return object;
}
