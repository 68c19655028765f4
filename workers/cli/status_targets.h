/*
 * status_targets.h: the status of each Redis that views are kept in.
 *
 *     struct targets_status targets = {0};
 *     targets_status_read(&targets, &config, &views, others, &probes);
 *     …
 *     targets_status_release(&targets);
 */
#ifndef FANFOLD_CLI_STATUS_TARGETS_H
#define FANFOLD_CLI_STATUS_TARGETS_H

#include "cli/status.h"
#include "cli/status_builds.h"

struct target_status {
    const char *name;     /* the configuration's; NULL: its only Redis has none */
    struct error fault;   /* why it could not be read; kind ERROR_NONE: it was */
    struct status status; /* then all its tasks are unreachable */
    struct builds_status builds;
};

struct targets_status {
    struct target_status *at;
    size_t count;
};

/* Of the target that was chosen (config_choose), else of all: then each is chosen for a while. One
 * that cannot be read does not keep the others from being read. */
void targets_status_read(struct targets_status *targets, struct config *config,
                         const struct view_set *views, bool others, struct probes *probes);
void targets_status_release(struct targets_status *targets);

#endif
