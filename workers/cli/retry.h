/*
 * retry.h: a retry of the parked events of one task (private to parking_retry.c, which decides what
 * is tried, retry_steps.c, which folds and commits it, retry_rows.c: what a fold reads, and
 * retry_hold.c: rows that do not stand still).
 */
#ifndef FANFOLD_CLI_RETRY_H
#define FANFOLD_CLI_RETRY_H

#include "cli/in_force.h"
#include "cli/parking.h"
#include "cli/progress.h"
#include "cli/unparking.h"
#include "worker/row_cache.h"
#include <fanfold/cloudevent.h>

struct event_base;
struct reread;

/* Events in a step, at most. */
#define RETRY_STEP_MAX 500

/* Over all tasks of the view. */
struct retry_counts {
    uint64_t folded, failed, still_parked;
    struct buf failures; /* JSON objects, with commas between */
    struct progress progress;
};

/* An event of the step that collects. */
struct attempt {
    const struct parked_event *event; /* in retry->list */
    struct message *message;          /* NULL: it fails without being read */
    bool skipped;                     /* an earlier one of its key fails in this step */
    bool failed, settled;             /* settled: it fails for good, whatever the fold says */
    struct str reason;                /* in retry->reasons */
    uint32_t entry;                   /* in step.entries, when it is folded */
};

struct retry {
    const struct parking *parking;
    const struct parking_task *task;
    struct retry_counts *counts;
    struct definition *definition; /* in force */
    const struct log_config *log;  /* of it */
    char epoch[EPOCH_MAX];
    char *intake; /* of that log: there the events stand at their offsets */
    struct decoder decoder;
    struct event_base *base;
    struct redis_reader *reader;
    struct unparking *unparking; /* NULL until there is something to do */

    struct parked_list list; /* as of the last load */
    struct map chosen;       /* sequences (a key, or an offset of an event without one) */
    struct map blocked;      /* sequences whose head still fails */
    uint64_t *wanted;
    size_t wanted_count;

    struct unpark step;
    struct attempt *attempts;
    size_t attempt_count, attempt_cap;
    size_t bytes;          /* of the messages held */
    size_t step_max;       /* events in a step; fewer when rows change under it */
    unsigned stale;        /* how often they did so in a row, for a step of one event */
    bool held;             /* the view was asked to stand still, a while ago */
    struct row_cache rows; /* read for this step, if the view reads some */
    struct row_source source;
    struct map step_blocked; /* sequences that a failure of this step blocks */
    struct arena reasons, decoded, scratch;

    struct parked_event *unsure; /* folded in a step whose answer was lost; only offset is set */
    size_t unsure_count;
};

enum retry_end {
    RETRY_DONE,     /* all that was wanted was tried */
    RETRY_CUT,      /* the step changes a row that the next event reads: commit it first */
    RETRY_CONFLICT, /* the parked set, or a row that was read, has changed: load it again */
    RETRY_UNKNOWN,  /* no answer from Redis: it may be in */
    RETRY_FAILED,   /* error says why */
};

/* Folds and commits what is wanted, in bounded steps. */
enum retry_end retry_pass(struct retry *retry, struct error *error);
void retry_release(struct retry *retry);

void retry_rows_init(struct retry *retry);
void retry_rows_release(struct retry *retry);
/* The step begins (anew): nothing is read or changed yet. */
void retry_rows_clear(struct retry *retry);
/* The step's changes from that index on are those of an event that is in it. */
void retry_rows_change(struct retry *retry, size_t from);
/* Does the step change what the fold wants to read? */
bool retry_rows_are_changed(const struct retry *retry);
/* Reads what it wants, and notes it for the step. */
enum retry_end retry_rows_read(struct retry *retry, struct error *error);

/* Tries of a step of one event before the view is held. */
#define RETRY_HELD_AFTER 10

/* No live event is committed to the view for a moment, which ends by itself. */
bool retry_hold(struct retry *retry, struct error *error);
/* Ends it at once, if there is one. */
void retry_let_go(struct retry *retry);

bool retry_is_blocked(const struct map *blocked, const struct parked_event *event);
void retry_block(struct map *blocked, const struct parked_event *event);
/* Counts and tells what has come of an event for good. */
void retry_report(struct retry *retry, const struct parked_event *event, bool failed,
                  struct str reason);

#endif
