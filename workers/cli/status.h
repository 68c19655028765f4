/*
 * status.h: what the pool is doing: for each view and partition its state, position and owner, put
 * together from the positions, the workers' reports and the leases in Redis, and the ends of the
 * logs.
 *
 *     struct status status;
 *     status_read(&status, reader, &config, &views, &probes, &error)
 *     status_release(&status);
 */
#ifndef FANFOLD_CLI_STATUS_H
#define FANFOLD_CLI_STATUS_H

#include "cli/freshness.h"
#include "worker/trouble.h"
#include "worker/views.h"
#include <fanfold/generation.h>

#define STATUS_STREAMING   "streaming"
#define STATUS_WAITING     "waiting"     /* no worker runs the task */
#define STATUS_UNREACHABLE "unreachable" /* its Redis did not say */

struct task_status {
    const char *view; /* the view set's, or of a report */
    char *partition;
    bool known;                 /* false: unreachable, so nothing behind the reason is known */
    const char *state, *reason; /* reason: "" when there is none */
    const char *way_out;        /* "" when there is none */
    const char *owner;          /* NULL: none */
    int64_t since_ms;           /* wall clock of its worker: state and reason; 0: not known */
    bool rate_known;
    double rate;    /* events per second */
    uint64_t tries; /* of a generation that is built: which call of it this is about; 0: unknown */
    struct freshness fresh;
    uint64_t failing, waiting; /* parked events: those that fail, and those behind them */
    int64_t oldest_ms;         /* when the oldest of them was parked; 0: none is */
};

struct status {
    struct task_status *tasks;
    size_t count;
    cJSON *workers, *leases; /* as redis_reader gives them; texts above point into them */
};

/* The tasks of the views in the set that are kept in this Redis, in its order; with `others` also
 * those that workers run on its logs of views that are not in it (their files have a fault now, or
 * are gone). */
bool status_read(struct status *status, struct redis_reader *reader, const struct config *config,
                 const struct view_set *views, bool others, struct probes *probes,
                 struct error *error);
/* The same tasks, as they are shown when their Redis did not say; why is used as long as status. */
void status_unreachable(struct status *status, const struct config *config,
                        const struct view_set *views, const struct error *why);
/* The tasks of a generation that is being built; name: "<view>@<g>". */
bool status_read_generation(struct status *status, struct redis_reader *reader, const char *name,
                            const struct build *build, struct probes *probes, struct error *error);
typedef void status_report_fn(const char *worker, const cJSON *entry, void *arg);
/* Each entry of that list ("refused", "files") in the reports of all workers. */
void status_each_report(const struct status *status, const char *list, status_report_fn *call,
                        void *arg);
void status_release(struct status *status);

#endif
