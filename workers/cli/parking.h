/*
 * parking.h: what the verbs of `fanfold parked` share: the view, its tasks, and which of the parked
 * events are meant.
 */
#ifndef FANFOLD_CLI_PARKING_H
#define FANFOLD_CLI_PARKING_H

#include "base/config.h"
#include "cli/options.h"
#include "worker/views.h"
#include <fanfold/parked.h>

struct parking_task {
    const struct log_config *log;
    char *partition;
};

struct parking {
    struct config config;
    struct view_set views;
    const struct view *view;
    struct redis_reader *reader;
    struct parking_task *tasks; /* of the view; only that of --partition, if it is given */
    size_t task_count;

    struct str key;    /* --key; {NULL,0}: any */
    struct str reason; /* --reason: for drop, why; else a part of the reason */
    bool has_offset;
    uint64_t offset;
    uint64_t limit; /* UINT64_MAX: none */
    bool waiting;   /* drop --key: also the events that only wait */
    bool json, dry_run;
};

/* Is the event one of --key and --offset? */
bool parking_is_meant(const struct parking *parking, const struct parked_event *event);
/* Does its reason contain --reason (or is there none)? */
bool parking_has_reason(const struct parking *parking, const struct parked_event *event);
/* Appends the event as a JSON object, without its closing brace. */
void parking_json(struct buf *out, const char *partition, const struct parked_event *event);

/* The verbs; each returns the exit code. */
int parking_list(const struct parking *parking);
int parking_show(const struct parking *parking);
int parking_retry(const struct parking *parking);
int parking_drop(const struct parking *parking);

#endif
