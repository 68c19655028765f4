/*
 * definition.c: view and logs as one text, and back.
 */
#include "worker/definition.h"
#include "base/buf.h"
#include "base/jsonfile.h"
#include "base/partitions.h"

#include <stdio.h>
#include <stdlib.h>

/* --- text ------------------------------------------------------------------------------ */

static void add_rule(struct buf *out, const char *name, const char *pointer, const char **comma)
{
    if (!pointer)
        return;
    buf_printf(out, "%s\"%s\":", *comma, name);
    buf_add_json_string(out, str_of(pointer));
    *comma = ",";
}

static void add_log(struct buf *out, const struct log_config *log)
{
    const struct read_rules *read = &log->read;
    const char *comma = "";
    buf_printf(out,
               "{\"dedupe_window\":%llu,\"exchange\":", (unsigned long long)log->dedupe_window);
    buf_add_json_string(out, str_of(log->exchange));
    if (log->partition_by) {
        buf_add(out, STR(",\"partition_by\":"));
        buf_add_json_string(out, str_of(log->partition_by));
    }
    if (log_is_recorded(log))
        buf_printf(out, ",\"partitions\":%d", log->partitions);
    buf_add(out, STR(",\"read\":{"));
    add_rule(out, "correlationid", read->correlationid, &comma);
    add_rule(out, "id", read->id, &comma);
    add_rule(out, "source", read->source, &comma);
    add_rule(out, "subject", read->subject, &comma);
    add_rule(out, "time", read->time, &comma);
    add_rule(out, "type", read->type, &comma);
    buf_add_byte(out, '}');
    if (log->upcast.count) {
        buf_add(out, STR(",\"upcast\":"));
        buf_add(out, log->upcast.text);
    }
    buf_add_byte(out, '}');
}

static void write_text(struct buf *out, const struct view *view, const struct config *config)
{
    buf_add(out, STR("{\"logs\":["));
    for (size_t i = 0; i < view_exchange_count(view); i++) {
        if (i)
            buf_add_byte(out, ',');
        add_log(out, config_log(config, view_exchange(view, i)));
    }
    buf_printf(out, "],\"semantics\":%d,\"view\":", VIEW_SEMANTICS);
    buf_add(out, view_text(view));
    buf_add_byte(out, '}');
}

struct definition *definition_of(const struct view *view, const struct config *config)
{
    struct buf text = {0};
    struct faults faults = {0};
    write_text(&text, view, config);
    struct definition *definition = definition_parse(view_file(view), buf_str(&text), &faults);
    if (!definition) /* the compiler took the view, so it must take what the view was made from */
        faults_print(&faults, stderr), abort();
    faults_release(&faults);
    buf_release(&text);
    return definition;
}

/* --- parse ----------------------------------------------------------------------------- */

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(member(object, name));
    return text ? must_strdup(text) : NULL;
}

static bool read_log(const char *file, const cJSON *object, struct log_config *log,
                     struct faults *faults)
{
    const cJSON *read = member(object, "read"), *window = member(object, "dedupe_window"),
                *upcast = member(object, "upcast"), *partitions = member(object, "partitions");
    log->exchange = text_of(object, "exchange");
    log->partitions = cJSON_IsNumber(partitions) ? partitions->valueint : 1;
    log->partition_by = text_of(object, "partition_by");
    log->bind = must_strdup("");
    log->read = (struct read_rules){.type = text_of(read, "type"),
                                    .id = text_of(read, "id"),
                                    .source = text_of(read, "source"),
                                    .subject = text_of(read, "subject"),
                                    .time = text_of(read, "time"),
                                    .correlationid = text_of(read, "correlationid")};
    if (!cJSON_IsNumber(window) || window->valuedouble < 0 ||
        window->valuedouble > CONFIG_DEDUPE_WINDOW_MAX || log->partitions < 1 ||
        log->partitions > PARTITIONS_MAX)
        return false;
    log->dedupe_window = (uint64_t)window->valuedouble;
    return log->exchange &&
           (!upcast || upcast_rules_read(upcast, file, "/upcast", &log->upcast, faults));
}

/* One log for each exchange, in the order of the view. */
static bool read_logs(const char *file, const cJSON *logs, struct definition *definition,
                      struct faults *faults)
{
    size_t count = view_exchange_count(definition->view);
    const cJSON *log;
    if (!cJSON_IsArray(logs) || (size_t)cJSON_GetArraySize(logs) != count)
        return false;
    definition->logs = must_calloc(count + 1, sizeof *definition->logs);
    cJSON_ArrayForEach(log, logs)
    {
        struct log_config *to = &definition->logs[definition->log_count];
        if (!read_log(file, log, to, faults))
            return config_log_release(to), false;
        definition->log_count++;
        if (strcmp(to->exchange, view_exchange(definition->view, definition->log_count - 1)) != 0)
            return false;
    }
    return true;
}

static void write_digest(struct definition *definition)
{
    uint64_t hash = hash_mix(VIEW_SEMANTICS, view_digest(definition->view));
    for (size_t i = 0; i < definition->log_count; i++)
        hash = hash_mix(hash, log_digest(&definition->logs[i]));
    hash_hex(hash, definition->digest);
}

static bool read_root(const char *file, const cJSON *root, struct definition *definition,
                      struct faults *faults)
{
    const cJSON *semantics = member(root, "semantics");
    if (!cJSON_IsObject(root) || !cJSON_IsObject(member(root, "view")) ||
        !cJSON_IsNumber(semantics)) {
        faults_add(faults, file, "", "what is stored is not a definition");
        return false;
    }
    if (semantics->valuedouble != VIEW_SEMANTICS) {
        faults_add(
            faults, file, "",
            "the definition in force is folded by semantics %g, and this Fanfold has %d: run "
            "the version that made it, or `fanfold rebuild` the view with this one",
            semantics->valuedouble, VIEW_SEMANTICS);
        return false;
    }
    char *text = cJSON_PrintUnformatted(member(root, "view"));
    definition->view = view_restore(file, str_of(text), faults);
    cJSON_free(text);
    if (definition->view && !read_logs(file, member(root, "logs"), definition, faults)) {
        faults_add(faults, file, "/logs", "what is stored does not say how the logs are read");
        return false;
    }
    return definition->view;
}

struct definition *definition_parse(const char *file, struct str text, struct faults *faults)
{
    struct definition *definition = must_calloc(1, sizeof *definition);
    definition->users = 1;
    definition->text = must_strndup(text.at, text.len);
    cJSON *root = jsonfile_parse(file, text, faults);
    if (root && read_root(file, root, definition, faults)) {
        write_digest(definition);
    } else {
        definition_drop(definition);
        definition = NULL;
    }
    cJSON_Delete(root);
    return definition;
}

struct definition *definition_use(struct definition *definition)
{
    definition->users++;
    return definition;
}

void definition_drop(struct definition *definition)
{
    if (!definition || --definition->users)
        return;
    view_free(definition->view);
    for (size_t i = 0; i < definition->log_count; i++)
        config_log_release(&definition->logs[i]);
    free(definition->logs);
    free(definition->text);
    free(definition);
}

/* --- epoch ----------------------------------------------------------------------------- */

/* A rule that is not set differs from an empty one. */
static struct str rule(const char *text)
{
    return text ? str_of(text) : STR("\x01");
}

uint64_t log_digest(const struct log_config *log)
{
    char window[32];
    snprintf(window, sizeof window, "%llu", (unsigned long long)log->dedupe_window);
    const struct read_rules *read = &log->read;
    struct str parts[] = {str_of(window),           rule(read->type),    rule(read->id),
                          rule(read->source),       rule(read->subject), rule(read->time),
                          rule(read->correlationid)};
    uint64_t digest = hash128_of(parts, sizeof parts / sizeof *parts).lo;
    if (log->partition_by)
        digest = hash_mix(digest, hash128(str_of(log->partition_by)).lo);
    if (log_is_recorded(log))
        digest = hash_mix(digest, (uint64_t)log->partitions);
    return log->upcast.count ? hash_mix(digest, log->upcast.digest) : digest;
}

void definition_epoch(const struct definition *definition, uint64_t generation, char out[EPOCH_MAX])
{
    snprintf(out, EPOCH_MAX, "%llu.%s", (unsigned long long)generation, definition->digest);
}

uint64_t epoch_generation(const char *epoch)
{
    return strtoull(epoch, NULL, 10);
}

const char *epoch_digest(const char *epoch)
{
    const char *dot = strchr(epoch, '.');
    return dot ? dot + 1 : "";
}
