/*
 * recorded.h: may a view be folded from a log whose events are divided among partitions? (DESIGN
 * section 4, Determinism)
 */
#ifndef FANFOLD_VIEW_RECORDED_H
#define FANFOLD_VIEW_RECORDED_H

#include "view/model.h"

/* Events of different partitions have no common order. So where order matters, all events of a row
 * must be in one partition: its key has to contain what the log is divided by. Adds a fault for
 * each row, written or read, of which that is not so. */
void recorded_check(const struct view *view, const struct log_config *log, struct faults *faults);

#endif
