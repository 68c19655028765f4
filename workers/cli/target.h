/*
 * target.h: the exchange and the log that a command works on, from -e, the configuration, or both.
 *
 *     struct target target;
 *     int code = target_open(options, "tail", &target);      says what is wrong
 *     if (code) return code;
 *     target_release(&target);
 *
 * With -e EXCHANGE no configuration is needed: FANFOLD_AMQP_URL, or RabbitMQ on this machine.
 */
#ifndef FANFOLD_CLI_TARGET_H
#define FANFOLD_CLI_TARGET_H

#include "base/config.h"
#include "cli/options.h"
#include "worker/views.h"

#define TARGET_OPTION_EXCHANGE                                                  \
    {                                                                           \
        'e', "exchange", "EXCHANGE",                                            \
            "the exchange; not needed when the configuration has one log", NULL \
    }

#define TARGET_OPTION_REDIS                                                             \
    {                                                                                   \
        0, "target", "NAME",                                                            \
            "the Redis, by its name in \"targets\"; not needed when there is one", NULL \
    }

struct target {
    bool has_config;
    struct config config; /* when has_config */
    struct uri uri;       /* of the broker, when not has_config */
    const char *exchange;
    const struct log_config *log; /* NULL: the configuration has no log of this exchange */
    char *partition;
};

int target_open(const struct options *options, const char *command, struct target *target);
const struct uri *target_uri(const struct target *target);
void target_release(struct target *target);

/* Loads the configuration, or says its faults and returns false: exit code ERROR_CONFIG. */
bool target_config(const struct options *options, struct config *config);
/* Loads the configuration, and chooses the Redis that --target says (TARGET_OPTION_REDIS). Says
 * what is wrong; returns the exit code, and when it is not 0 there is nothing to release. */
int target_redis(const struct options *options, const char *command, struct config *config);
/* Loads the views that the arguments name (none: all). Faults of files are said, and the rest goes
 * on. A view that is not there: says the nearest. Returns the exit code. */
int target_views(const struct options *options, const struct config *config,
                 struct view_set *views);
/* The view of that name, with the set that it is in; says the faults of the files, that there is
 * none and the nearest, or that it is not kept in the target that was chosen. Returns the exit
 * code. */
int target_view(const char *name, const struct config *config, struct view_set *views,
                const struct view **view);
/* Is the view kept in that target (NULL: in the only Redis)? Else says in which it is. Returns the
 * exit code. */
int target_has(const struct view *view, const char *target);
/* Is there a configuration file, asked for by name, or readable at its usual place? */
bool target_config_exists(const struct options *options);

#endif
