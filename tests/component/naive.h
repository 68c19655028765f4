/*
 * naive.h: what the views of the crash tests must hold, by a fold written by hand: plain loops
 * over the script, nothing of the worker's, the view compiler's or the store's code.
 *
 *     naive_picture(&out, NAIVE_SUMS, &script, count);      after the first `count` events
 *     store_picture(&out, store, NAIVE_SUMS, &state);       what a RAM store holds, in the same
 * words
 *
 * A picture is a text: offset, tally, time, waiting counts, parked events, rows. Equal texts: equal
 * states.
 *
 * The views: `sums` has only verbs that commute, so nothing waits; in `last` the order counts, and
 * events wait behind a parked one of the same subject. `join` reads rows (`with`): a note releases
 * what is held under its subject; a visit moves its subject from where it is to the latest note's.
 */
#ifndef FANFOLD_TESTS_NAIVE_H
#define FANFOLD_TESTS_NAIVE_H

#include "base/buf.h"
#include "script.h"
#include <fanfold/store.h>

enum naive_view { NAIVE_SUMS, NAIVE_LAST, NAIVE_JOIN, NAIVE_VIEWS };

extern const char *const naive_names[NAIVE_VIEWS];
/* The same, for the view compiler. */
extern const char *const naive_files[NAIVE_VIEWS];

void naive_picture(struct buf *out, enum naive_view view, const struct script *script,
                   size_t count);
/* state: of that view, as store_load gives it. */
void store_picture(struct buf *out, struct store *ram, enum naive_view view,
                   const struct task_state *state);

#endif
