/*
 * fuzz_fold.h: what must hold of every fold, whatever the view and the event.
 */
#ifndef FANFOLD_TEST_FUZZ_FOLD_H
#define FANFOLD_TEST_FUZZ_FOLD_H

#include <fanfold/view.h>

/* Is the key one that the view may write: that of a row without {…}, or one that goes on behind the
 * literal start of a row that has them? structure: the row's. */
bool fuzz_owns(const struct view *view, enum structure structure, struct str key);

/* Folds the event twice, and asserts that
 *   - both folds give the same;
 *   - every change writes a key that is the view's own, one that Redis and people can bear, and
 *     values that its operation can take;
 *   - an event that parks leaves nothing, and a reason that can be shown. */
void fuzz_fold(const struct view *view, const struct cloudevent *event, struct changes *changes);

#endif
