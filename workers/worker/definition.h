/*
 * definition.h: everything that decides what the events of a view's logs fold to: the view file,
 * how each log is read (`read`, `upcast`, `dedupe_window`, its partitions), and the version of the
 * fold's semantics (DESIGN section 2, epoch).
 *
 *     definition = definition_of(view, &config);                       from the files
 *     definition = definition_parse(file, text, &faults);              from Redis
 *     definition_epoch(definition, 1, epoch);
 *     definition_free(definition);             or, where several hold it, definition_use / _drop
 *
 * Its text is stored with the first position of a view, so every worker folds by the definition
 * that is in force, whatever its own files say by now: a JSON object {"logs": [{"exchange", "read",
 * "dedupe_window", "upcast" if there are rules, "partitions" if there are several, "partition_by"
 * if it is set}, …], "semantics": 1, "view": the view file without comments and "about"}.
 */
#ifndef FANFOLD_WORKER_DEFINITION_H
#define FANFOLD_WORKER_DEFINITION_H

#include "base/config.h"
#include "base/hash.h"
#include <fanfold/position.h>
#include <fanfold/view.h>

struct definition {
    struct view *view;
    struct log_config *logs; /* one for each exchange of the view, in its order */
    size_t log_count;
    char *text;
    char digest[HASH_HEX_LEN + 1];
    size_t users;
};

/* Each exchange of the view must have a log in the configuration (views_check sees to it). */
struct definition *definition_of(const struct view *view, const struct config *config);
/* NULL: it is none, or one of another version of Fanfold; faults say why. file: of the view, for
 * messages and for what it names beside itself. One user. */
struct definition *definition_parse(const char *file, struct str text, struct faults *faults);
struct definition *definition_use(struct definition *definition);
/* One user less; the last one frees it. NULL is nothing. */
void definition_drop(struct definition *definition);

void definition_epoch(const struct definition *definition, uint64_t generation,
                      char out[EPOCH_MAX]);
/* The parts of "<generation>.<digest>". */
uint64_t epoch_generation(const char *epoch);
const char *epoch_digest(const char *epoch);

/* Of how a log is read: equal: the same events in the same way. */
uint64_t log_digest(const struct log_config *log);

#endif
