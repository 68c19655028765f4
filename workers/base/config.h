/*
 * config.h: fanfold.json (DESIGN section 8).
 *
 *     struct config config;
 *     struct faults faults = {0};
 *     if (!config_load(path_or_NULL, &config, &faults)) …;   all faults of the file at once
 *     config_release(&config);
 *
 * Which file: path, else $FANFOLD_CONFIG, ./fanfold.json, /etc/fanfold/fanfold.json; the first that
 * exists. FANFOLD_AMQP_URL and FANFOLD_REDIS_URL win over the file. Passwords may stand in files
 * named amqp-password and redis-password in $CREDENTIALS_DIRECTORY (one line, its end of line cut);
 * they win over a password in the URI. A relative `views`, or `upcast` that names a file, is
 * relative to the file.
 *
 * "redis" is one server; "targets" (targets.h), in its place, names several. Then redis-password is
 * for all of them, unless there is a redis-password-NAME. Who works with a Redis says which:
 *
 *     if (!config_choose(&config, name_or_NULL, &error)) …;     from then on, config.redis is it
 */
#ifndef FANFOLD_BASE_CONFIG_H
#define FANFOLD_BASE_CONFIG_H

#include "base/faults.h"
#include "base/targets.h"
#include "base/upcast_rules.h"
#include "base/uri.h"

#define CONFIG_DEDUPE_WINDOW_DEFAULT 65536
#define CONFIG_DEDUPE_WINDOW_MAX     (16 * 1024 * 1024)

/* Where an attribute of a plain AMQP event is read from: RFC 6901 pointers into the event
 * ("/data/uuid", or "/x-github-event" for a header), or NULL. */
struct read_rules {
    char *type, *id, *source, *subject, *time, *correlationid;
};

struct log_config {
    char *exchange;
    int partitions;         /* 1: a direct log; more: a recorded one (partitions.h) */
    char *partition_by;     /* pointer to what divides a recorded log; NULL: /subject */
    char *max_age;          /* "30D" (RabbitMQ's x-max-age), or NULL: for ever */
    char *bind;             /* binding key; "" unless the exchange is a topic or direct one */
    uint64_t dedupe_window; /* offsets; 0: no duplicate detection */
    struct read_rules read;
    struct upcast_rules upcast; /* in the file, or in one that it names */
};

struct config {
    char *path; /* the file used */
    struct uri amqp;
    struct targets targets; /* none: "redis" has no name */
    const char *target;     /* the one that was chosen; NULL: none was, or it has no name */
    struct uri redis;       /* that one; empty while none of several was chosen */
    struct log_config *logs;
    size_t log_count;
    char *views; /* folder */
};

/* False when there is no file or it has faults; nothing to release then. */
bool config_load(const char *path, struct config *config, struct faults *faults);
/* The folder of views, also of a file that has faults elsewhere; NULL when that cannot be told. The
 * caller frees it. */
char *config_views_folder(const char *path);
/* name: of a target; NULL: the only one. ERROR_USAGE when it is not there, or not the only one. */
bool config_choose(struct config *config, const char *name, struct error *error);
const struct log_config *config_log(const struct config *config, const char *exchange);
/* An entry of "logs". file: for the faults. False when it has any; nothing to release then. */
bool config_log_parse(const char *file, struct str text, struct log_config *log,
                      struct faults *faults);
void config_log_release(struct log_config *log);
void config_release(struct config *config);

#endif
