/*
 * status_builds.h: the part of `fanfold status` about generations that are being built.
 */
#ifndef FANFOLD_CLI_STATUS_BUILDS_H
#define FANFOLD_CLI_STATUS_BUILDS_H

#include "worker/views.h"
#include <fanfold/generation.h>

struct build_status {
    const char *view; /* the view set's */
    struct build build;
    uint64_t folded, all; /* offsets: of the build, and up to where the live view stands */
    double rate;          /* events per second, as its workers say; 0: not known */
};

struct builds_status {
    struct build_status *at;
    size_t count;
};

/* workers: as redis_reader_workers() gives it. */
bool builds_status_read(struct builds_status *builds, struct redis_reader *reader,
                        const struct view_set *views, const cJSON *workers, struct error *error);
/* before: what each line begins with. */
void builds_status_print(const struct builds_status *builds, const char *before);
/* [{"view", "generation", "state", "verify", "folded", "all", "percent", "rate", "seconds_left"}]
 */
cJSON *builds_status_json(const struct builds_status *builds);
void builds_status_release(struct builds_status *builds);

#endif
