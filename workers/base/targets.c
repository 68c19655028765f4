/*
 * targets.c: see targets.h.
 */
#include "base/targets.h"
#include "base/jsonfile.h"

#include <stdlib.h>
#include <string.h>

bool target_is_name(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > TARGET_NAME_MAX || strchr("._-", name[0]))
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

static const char *name_of_same(const struct targets *targets, const struct uri *uri)
{
    for (size_t i = 0; i < targets->count; i++)
        if (uri_is_same_redis(&targets->at[i].uri, uri))
            return targets->at[i].name;
    return NULL;
}

static bool read_uri(const cJSON *member, const struct targets *targets, struct uri *uri,
                     struct error *error)
{
    struct uri result;
    if (!cJSON_IsString(member))
        return error_set(error, ERROR_CONFIG,
                         "must be an address in quotes, such as \"redis://host:6379/0\"");
    if (!uri_parse_redis_plain(member->valuestring, &result, error))
        return false;
    const char *same = name_of_same(targets, &result);
    if (same) {
        uri_release(&result);
        return error_set(error, ERROR_CONFIG,
                         "is the same Redis as \"%s\"; each target is a server, or a database, of "
                         "its own",
                         same);
    }
    *uri = result;
    return true;
}

static void read_target(const cJSON *member, const char *file, struct targets *targets,
                        struct faults *faults)
{
    char *place = jsonfile_pointer("/targets", member->string);
    struct error error;
    struct uri uri;
    if (!target_is_name(member->string)) {
        faults_add(faults, file, place, TARGET_NAME_RULE);
    } else if (!read_uri(member, targets, &uri, &error)) {
        faults_add(faults, file, place, "%s", error.text);
    } else {
        targets->at = must_realloc(targets->at, (targets->count + 1) * sizeof *targets->at);
        targets->at[targets->count++] = (struct redis_target){must_strdup(member->string), uri};
    }
    free(place);
}

bool targets_read(const cJSON *root, const char *file, struct targets *targets,
                  struct faults *faults)
{
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(root, "targets"), *member;
    if (!object || cJSON_IsNull(object))
        return false;
    const cJSON *about = cJSON_GetObjectItemCaseSensitive(object, "about");
    int count = cJSON_GetArraySize(object) - (about ? 1 : 0);
    if (!cJSON_IsObject(object) || count < 1) {
        faults_add(faults, file, "/targets",
                   "must be an object with a target at least: {\"paris\": \"redis://…\"}");
    } else if (count > TARGETS_MAX) {
        faults_add(faults, file, "/targets", "has %d targets; at most %d are allowed", count,
                   TARGETS_MAX);
    } else {
        cJSON_ArrayForEach(member, object)
        {
            if (member != about)
                read_target(member, file, targets, faults);
        }
    }
    return true;
}

const struct redis_target *targets_find(const struct targets *targets, const char *name)
{
    for (size_t i = 0; i < targets->count; i++)
        if (strcmp(targets->at[i].name, name) == 0)
            return &targets->at[i];
    return NULL;
}

void targets_list(const struct targets *targets, struct buf *out)
{
    for (size_t i = 0; i < targets->count; i++)
        buf_printf(out, "%s%s", i ? ", " : "", targets->at[i].name);
}

void targets_suggest(const struct targets *targets, const char *name, struct buf *out)
{
    const char *names[TARGETS_MAX];
    for (size_t i = 0; i < targets->count; i++)
        names[i] = targets->at[i].name;
    const char *near = suggest(name, names, targets->count);
    if (near) {
        buf_printf(out, "did you mean \"%s\"?", near);
    } else {
        buf_add(out, STR("it is one of "));
        targets_list(targets, out);
    }
}

void targets_release(struct targets *targets)
{
    for (size_t i = 0; i < targets->count; i++) {
        free(targets->at[i].name);
        uri_release(&targets->at[i].uri);
    }
    free(targets->at);
    *targets = (struct targets){0};
}
