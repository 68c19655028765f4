/*
 * position.h: how far a task, one (view, partition), has folded its log, and what stands beside
 * that.
 *
 * In Redis (an interface; README "Fanfold's own keys"): the hash fanfold:cursor:<view> has for each
 * partition the fields
 *     <partition>          "<epoch> <offset> <fingerprint> <park revision>"
 *     <partition>/time     the event time it stands at, "2026-01-31T09:05:07.000Z" or ""
 *     <partition>/tally    "folded=12 ignored=0 duplicates=1 parked=0 skipped=0"
 *     <partition>/reordered    how many events a retry folded out of turn: of a view whose verbs
 *                              commute, those that failed at their turn; not there: none
 *     <partition>/begins       the first offset that is folded in; not there: 0
 *     <partition>/record       of a recorded log, whose offsets are those of its intake: the offset
 *                              that the last event has in the partition itself
 *     <partition>/moved        of a view that came here from other partitions: how far those were
 *                              folded (moved.h)
 *     <partition>/hold         "<until ms> <offset>": commits wait that would pass the offset
 *                              ("": all), until Redis' clock says so; with " retry" behind it: only
 *                              live ones do
 * and, of the view as a whole,
 *     epoch                    "<generation>.<digest>", the one in all its positions
 *     definition               what it folds by, as JSON (definition.h)
 *     building                 the generation that is being built beside it; not there: none
 *     switching                the same, while it is switched to
 */
#ifndef FANFOLD_POSITION_H
#define FANFOLD_POSITION_H

#include "base/buf.h"
#include "base/map.h"
#include "base/str.h"
#include <fanfold/moved.h>

#define EPOCH_MAX 64

struct position {
    char epoch[EPOCH_MAX]; /* "<generation>.<digest>"; "" means: no position is stored */
    uint64_t offset;       /* the last event that is folded in */
    uint64_t fingerprint;  /* of the last 16 events up to it, as the log had them */
    /* Raised by every change of the parked set and by every skipped event, by an amount that
     * depends on which event it is: equal revisions, equal sets. */
    uint64_t park_revision;
};

/* Since the epoch began. Each event of the log is counted in exactly one of folded, ignored,
 * duplicates, skipped, or in parked as long as it is parked. */
struct tally {
    uint64_t folded, ignored, duplicates, parked, skipped;
};

/* What a store knows of a task. */
struct task_state {
    struct position position;
    char epoch[EPOCH_MAX]; /* of the view: also of partitions without a position yet; "": none */
    uint64_t
        begins; /* the first offset that is folded in; 0, unless it was rebuilt from a cut log */
    uint64_t record;    /* of a recorded log: where its event is in the partition; else 0 */
    struct moved moved; /* what was folded of the log before the view came to this partition */
    bool has_time;
    int64_t time_ms; /* of the last event that had a time */
    struct tally tally;
    uint64_t reordered; /* only redis_reader_task reads it */
    struct map waiting; /* park_by key → number of events parked under it; later ones wait behind */
};

/* The text form above; "" for no position. The epoch has no blanks. */
void position_write(struct buf *out, const struct position *position);
bool position_read(struct str text, struct position *position);
bool position_eq(const struct position *a, const struct position *b);
void tally_write(struct buf *out, const struct tally *tally);
bool tally_read(struct str text, struct tally *tally);
void task_state_release(struct task_state *state);

#endif
