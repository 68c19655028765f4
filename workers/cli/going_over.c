/*
 * going_over.c: the definition in force, with other partitions.
 */
#include "cli/going_over.h"
#include "base/partitions.h"
#include "cli/adopting.h"
#include "cli/in_force.h"
#include "cli/say.h"

#include <stdlib.h>
#include <string.h>

static struct definition *with_partitions(const struct definition *live,
                                          const struct config *config)
{
    struct log_config *logs = must_calloc(live->log_count + 1, sizeof *logs);
    for (size_t i = 0; i < live->log_count; i++) {
        const struct log_config *log = config_log(config, live->logs[i].exchange);
        logs[i] = live->logs[i]; /* borrowed */
        if (log) {
            logs[i].partitions = log->partitions;
            logs[i].partition_by = log->partition_by;
        }
    }
    const struct config other = {.logs = logs, .log_count = live->log_count};
    struct definition *next = definition_of(live->view, &other);
    free(logs);
    return next;
}

static bool moves(const struct definition *live, const struct definition *next)
{
    for (size_t i = 0; i < live->log_count; i++)
        if (adopting_moves(&live->logs[i], &next->logs[i]))
            return true;
    return false;
}

static const char *count_of(char text[32], int partitions)
{
    snprintf(text, 32, "%d partition%s", partitions, partitions == 1 ? "" : "s");
    return text;
}

static void tell(const char *view, const struct definition *live, const struct definition *next)
{
    char from[32], to[32];
    for (size_t i = 0; i < live->log_count; i++)
        if (adopting_moves(&live->logs[i], &next->logs[i]))
            say("view %s: goes over from %s of %s to %s", view,
                count_of(from, live->logs[i].partitions), live->logs[i].exchange,
                count_of(to, next->logs[i].partitions));
}

/* What is in force may be another file than that which was checked. */
static bool may_be_divided(const struct definition *next, struct error *error)
{
    struct faults faults = {0};
    for (size_t i = 0; i < next->log_count; i++)
        view_check_log(next->view, &next->logs[i], &faults);
    bool good = !faults.errors;
    if (!good)
        error_set(error, ERROR_CONFIG, "view %s stays where it is: %s", view_name(next->view),
                  faults.at[0].text);
    faults_release(&faults);
    return good;
}

static bool view_goes_over(struct redis_reader *reader, const struct view *view,
                           const struct config *config, struct error *error)
{
    char epoch[EPOCH_MAX];
    struct definition *live = in_force(reader, view, config, epoch, error);
    if (!live)
        return false;
    struct definition *next = with_partitions(live, config);
    bool good = true;
    if (epoch[0] && moves(live, next)) {
        good = may_be_divided(next, error) &&
               adopting_commit(reader, view_name(view), epoch, live, next, error);
        if (good)
            tell(view_name(view), live, next);
    }
    definition_drop(live);
    definition_drop(next);
    return good;
}

static bool has_recorded(const struct config *config)
{
    for (size_t i = 0; i < config->log_count; i++)
        if (log_is_recorded(&config->logs[i]))
            return true;
    return false;
}

int going_over(const struct config *config, const struct view_set *views)
{
    struct error error;
    int code = 0;
    struct redis_reader *reader = views->count ? redis_reader_open(&config->redis, &error) : NULL;
    if (!views->count || (!reader && !has_recorded(config)))
        return 0; /* direct logs are declared without Redis, too */
    if (!reader) {
        say("the logs are declared, but whether views are to go over to other partitions cannot be "
            "told; run setup again when Redis is there");
        return say_error(&error);
    }
    for (size_t i = 0; i < views->count; i++) {
        const struct view *view = views->at[i];
        if ((config->target && !view_is_in(view, config->target)) ||
            view_goes_over(reader, view, config, &error))
            continue;
        code = code ? code : say_error(&error);
        if (error.kind != ERROR_NO && error.kind != ERROR_CONFIG)
            break; /* the others are in the same Redis */
    }
    redis_reader_close(reader);
    return code;
}
