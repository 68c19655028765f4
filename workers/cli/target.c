/*
 * target.c: which exchange, which log, which broker.
 */
#include "cli/target.h"
#include "base/buf.h"
#include "base/partitions.h"
#include "cli/say.h"

#include <stdlib.h>
#include <unistd.h>

#define AMQP_DEFAULT "amqp://guest@127.0.0.1:5672/%2f"
#define NAMES_MAX    100

bool target_config_exists(const struct options *options)
{
    const char *named = getenv("FANFOLD_CONFIG");
    return options_has(options, "config") || (named && named[0]) ||
           access("fanfold.json", R_OK) == 0 || access("/etc/fanfold/fanfold.json", R_OK) == 0;
}

bool target_config(const struct options *options, struct config *config)
{
    struct faults faults = {0};
    bool loaded = config_load(options_text(options, "config"), config, &faults);
    faults_print(&faults, stderr);
    faults_release(&faults);
    return loaded;
}

static int no_view(const char *name, const struct config *config, const struct view_set *views,
                   bool has_faults)
{
    const char **names = must_calloc(views->count, sizeof *names);
    for (size_t i = 0; i < views->count; i++)
        names[i] = view_name(views->at[i]);
    const char *near = suggest(name, names, views->count);
    if (near)
        say("no view \"%s\" in %s; did you mean %s?", name, config->views, near);
    else
        say("no view \"%s\" in %s", name, config->views);
    free(names);
    return has_faults ? ERROR_CONFIG : ERROR_NO;
}

int target_redis(const struct options *options, const char *command, struct config *config)
{
    struct error error;
    if (!target_config(options, config))
        return ERROR_CONFIG;
    if (config_choose(config, options_text(options, "target"), &error))
        return 0;
    config_release(config);
    return say_usage(command, &error);
}

static int not_in_target(const struct view *view, const char *target)
{
    struct buf names = {0};
    for (size_t i = 0; i < view_target_count(view); i++)
        buf_printf(&names, "%s%s", i ? ", " : "", view_target(view, i));
    say("view \"%s\" is not kept in target %s; its \"targets\" are %s", view_name(view), target,
        buf_text(&names));
    buf_release(&names);
    return ERROR_NO;
}

int target_has(const struct view *view, const char *target)
{
    return !target || view_is_in(view, target) ? 0 : not_in_target(view, target);
}

/* Says the faults of the files. Returns whether there are none. */
static bool load_views(const struct config *config, struct view_set *views)
{
    struct faults faults = {0};
    bool good = view_set_load(config, views, &faults);
    faults_print(&faults, stderr);
    faults_release(&faults);
    return good;
}

int target_views(const struct options *options, const struct config *config, struct view_set *views)
{
    bool good = load_views(config, views);
    for (size_t i = 0; i < options->arg_count; i++) {
        const struct view *view = view_set_find(views, options->args[i]);
        int code = view ? target_has(view, config->target)
                        : no_view(options->args[i], config, views, !good);
        if (code)
            return code;
    }
    if (options->arg_count)
        view_set_keep(views, options->args, options->arg_count);
    return 0;
}

int target_view(const char *name, const struct config *config, struct view_set *views,
                const struct view **view)
{
    bool good = load_views(config, views);
    *view = view_set_find(views, name);
    return *view ? target_has(*view, config->target) : no_view(name, config, views, !good);
}

static char *partition_of(const char *exchange)
{
    struct buf name = {0};
    buf_printf(&name, "%s.log.0", exchange);
    char *copy = must_strdup(buf_text(&name));
    buf_release(&name);
    return copy;
}

static int open_without_config(struct target *target)
{
    struct error error;
    const char *url = getenv("FANFOLD_AMQP_URL");
    if (uri_parse_amqp(url && url[0] ? url : AMQP_DEFAULT, &target->uri, &error))
        return 0;
    error_prefix(&error, "FANFOLD_AMQP_URL");
    error.kind = ERROR_CONFIG;
    return say_error(&error);
}

/* No -e: the only log, or a usage error that lists them. */
static int choose_log(const struct config *config, const char *command, struct target *target)
{
    if (config->log_count == 1) {
        target->log = &config->logs[0];
        target->exchange = target->log->exchange;
        return 0;
    }
    struct buf names = {0};
    for (size_t i = 0; i < config->log_count && i < NAMES_MAX; i++)
        buf_printf(&names, "%s%s", i ? ", " : "", config->logs[i].exchange);
    struct error error;
    error_set(&error, ERROR_USAGE, "%s has %zu logs; say which with -e EXCHANGE: %s", config->path,
              config->log_count, buf_text(&names));
    buf_release(&names);
    return say_usage(command, &error);
}

int target_open(const struct options *options, const char *command, struct target *target)
{
    int code;
    *target = (struct target){.exchange = options_text(options, "exchange")};
    if (target->exchange && !target->exchange[0]) {
        struct error error;
        error_set(&error, ERROR_USAGE, "-e needs the name of an exchange");
        return say_usage(command, &error);
    }
    if (target->exchange && !target_config_exists(options)) {
        code = open_without_config(target);
    } else {
        target->has_config = target_config(options, &target->config);
        if (!target->has_config) {
            if (!target_config_exists(options))
                say("with -e EXCHANGE this command needs no configuration");
            return ERROR_CONFIG;
        }
        code = 0;
        if (target->exchange)
            target->log = config_log(&target->config, target->exchange);
        else
            code = choose_log(&target->config, command, target);
    }
    if (code) {
        target_release(target);
        return code;
    }
    target->partition = target->log ? log_intake(target->log) : partition_of(target->exchange);
    return 0;
}

const struct uri *target_uri(const struct target *target)
{
    return target->has_config ? &target->config.amqp : &target->uri;
}

void target_release(struct target *target)
{
    if (target->has_config)
        config_release(&target->config);
    uri_release(&target->uri);
    free(target->partition);
    *target = (struct target){0};
}
