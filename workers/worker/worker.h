/*
 * worker.h: the process `fanfold worker` (DESIGN section 6).
 *
 *     return worker_run(&options);       runs until SIGTERM or SIGINT; returns the exit code
 *
 * SIGHUP reads the configuration and the views again. Servers that are down are waited for.
 */
#ifndef FANFOLD_WORKER_WORKER_H
#define FANFOLD_WORKER_WORKER_H

#include <stddef.h>

#define WORKER_BUDGET_DEFAULT ((size_t)12 * 1024 * 1024)

struct worker_options {
    const char *config_path;  /* NULL: where config.h looks */
    const char *target;       /* which of the configuration's; NULL: the only one */
    const char *name;         /* NULL: host:pid */
    const char *const *views; /* serve only these */
    size_t view_count;        /* 0: all */
    size_t budget;            /* bytes of messages held in memory at most */
    const char *log_level;    /* as given, for its children; NULL: the default */
};

int worker_run(const struct worker_options *options);

#endif
