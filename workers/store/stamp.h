/*
 * stamp.h: the stamps of "newest": how they compare and under which names they stand (private to
 * store/). What they are for: change.h. The same in Lua: commit_newest.lua.
 */
#ifndef FANFOLD_STORE_STAMP_H
#define FANFOLD_STORE_STAMP_H

#include "base/buf.h"
#include "base/str.h"

/* <0, 0, >0. Both are stamps as change.h describes them. */
int stamp_cmp(struct str a, struct str b);

/* Appends the name under which the stamp of a row's place stands; {NULL,0}: of the row itself.
 * No two places, of whatever rows, have the same. The key is the row's as the view gives it: what a
 * store may put before it is cut off here, and nowhere else. */
void stamp_name(struct buf *out, struct str key, struct str place);

#endif
