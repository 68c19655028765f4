/*
 * in_force.c: what stands in Redis, compiled.
 */
#include "cli/in_force.h"

static struct definition *read_stored(const struct view *view, const char *epoch, struct str text,
                                      struct error *error)
{
    struct faults faults = {0};
    struct definition *definition = definition_parse(view_file(view), text, &faults);
    if (definition && strcmp(definition->digest, epoch_digest(epoch)) != 0) {
        definition_drop(definition);
        definition = NULL;
    }
    if (!definition)
        error_set(
            error, ERROR_CONFIG,
            "view %s: the definition in force (epoch %s) cannot be folded by this Fanfold%s%s",
            view_name(view), epoch, faults.count ? ": " : "",
            faults.count ? faults.at[0].text : "");
    faults_release(&faults);
    return definition;
}

struct definition *in_force(struct redis_reader *reader, const struct view *view,
                            const struct config *config, char epoch[EPOCH_MAX], struct error *error)
{
    struct buf text = {0};
    struct definition *definition = NULL;
    if (redis_reader_definition(reader, view_name(view), epoch, &text, error)) {
        struct definition *files = definition_of(view, config);
        bool same = !epoch[0] || strcmp(files->digest, epoch_digest(epoch)) == 0;
        definition = same ? definition_use(files) : read_stored(view, epoch, buf_str(&text), error);
        definition_drop(files);
    }
    buf_release(&text);
    return definition;
}

static void of_files(const struct view *view, const struct config *config,
                     struct partition_list *list)
{
    for (size_t i = 0; i < view_exchange_count(view); i++) {
        const struct log_config *log = config_log(config, view_exchange(view, i));
        if (log)
            partition_list_add(list, log);
    }
}

static bool has_logs(const struct view *view, const struct config *config)
{
    for (size_t i = 0; i < view_exchange_count(view); i++)
        if (!config_log(config, view_exchange(view, i)))
            return false;
    return true;
}

void in_force_partitions(struct redis_reader *reader, const struct view *view,
                         const struct config *config, struct partition_list *list)
{
    char epoch[EPOCH_MAX];
    struct error ignored;
    struct definition *definition =
        reader && has_logs(view, config) ? in_force(reader, view, config, epoch, &ignored) : NULL;
    if (definition)
        partition_list_add_all(list, definition->logs, definition->log_count);
    else
        of_files(view, config, list);
    definition_drop(definition);
}
