/*
 * targets.h: the Redis servers that a configuration names, for views that are kept in several.
 *
 *     "targets": { "paris": "redis://paris.example:6379/0", "rome": "redis://rome.example:6379/0" }
 *
 * Each is a Redis of its own, with its own positions, workers and generations, as if there were no
 * other. Two names of one server are refused, as far as their addresses tell; where they do not
 * (localhost and 127.0.0.1), both names are served by one pool of workers, which does no harm.
 */
#ifndef FANFOLD_BASE_TARGETS_H
#define FANFOLD_BASE_TARGETS_H

#include "base/buf.h"
#include "base/faults.h"
#include "base/uri.h"
#include <cjson/cJSON.h>

#define TARGETS_MAX     16
#define TARGET_NAME_MAX 64
#define TARGET_NAME_RULE                                                              \
    "the name of a target has 1 to 64 characters of a-z 0-9 . _ - and begins with a " \
    "letter or digit"

struct redis_target {
    char *name;
    struct uri uri;
};

/* In the order of the file. */
struct targets {
    struct redis_target *at;
    size_t count;
};

/* Reads "targets" of the file, and adds a fault for everything that is wrong with it. False: there
 * is no such member. */
bool targets_read(const cJSON *root, const char *file, struct targets *targets,
                  struct faults *faults);
/* NULL: there is none of that name. */
const struct redis_target *targets_find(const struct targets *targets, const char *name);
/* "did you mean paris?", or "it is one of paris, rome". */
void targets_suggest(const struct targets *targets, const char *name, struct buf *out);
/* "paris, rome" */
void targets_list(const struct targets *targets, struct buf *out);
bool target_is_name(const char *name);
void targets_release(struct targets *targets);

#endif
