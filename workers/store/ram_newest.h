/*
 * ram_newest.h: changes that go by the time of their events, in the RAM twin (private to store/).
 *
 * What they mean: change.h. `stamps` is a row that is no row of any view: its cells are the stamps
 * of one view, under their names (stamp.h). The stamp of the change at hand is row->stamp.
 */
#ifndef FANFOLD_STORE_RAM_NEWEST_H
#define FANFOLD_STORE_RAM_NEWEST_H

#include "store/ram_rows.h"

/* Does the change count? Then its stamp stands from now on. True for one that goes by no stamp. */
bool ram_newest_counts(struct ram_journal *journal, struct ram_row *stamps,
                       const struct ram_row *row, const struct change *change);

/* Removes what a DELETE that counts removes. */
void ram_newest_delete(struct ram_journal *journal, struct ram_row *stamps, struct ram_row *row);

#endif
