/*
 * status_targets.c: see status_targets.h.
 */
#include "cli/status_targets.h"

#include <stdlib.h>

static bool read_all(struct target_status *target, struct redis_reader *reader,
                     const struct config *config, const struct view_set *views, bool others,
                     struct probes *probes)
{
    return status_read(&target->status, reader, config, views, others, probes, &target->fault) &&
           builds_status_read(&target->builds, reader, views, target->status.workers,
                              &target->fault);
}

static void read_target(struct target_status *target, const struct config *config,
                        const struct view_set *views, bool others, struct probes *probes)
{
    struct redis_reader *reader = redis_reader_open(&config->redis, &target->fault);
    target->name = config->target;
    if (reader && read_all(target, reader, config, views, others, probes)) {
        target->fault.kind = ERROR_NONE;
    } else {
        builds_status_release(&target->builds);
        status_release(&target->status);
        status_unreachable(&target->status, config, views, &target->fault);
    }
    redis_reader_close(reader);
}

void targets_status_read(struct targets_status *targets, struct config *config,
                         const struct view_set *views, bool others, struct probes *probes)
{
    bool all = config->targets.count && !config->target;
    struct error ignored; /* it is there: its name comes from there */
    targets->count = all ? config->targets.count : 1;
    targets->at = must_calloc(targets->count, sizeof *targets->at);
    for (size_t i = 0; i < targets->count; i++) {
        if (all)
            config_choose(config, config->targets.at[i].name, &ignored);
        read_target(&targets->at[i], config, views, others, probes);
    }
}

void targets_status_release(struct targets_status *targets)
{
    for (size_t i = 0; i < targets->count; i++) {
        builds_status_release(&targets->at[i].builds);
        status_release(&targets->at[i].status);
    }
    free(targets->at);
}
