/*
 * moved.h: what of a log was folded before its view moved to other partitions (`fanfold setup`,
 * generation_move).
 *
 * Offsets are those of the intake in all sets of partitions, so an event was folded before if, in
 * the set that the view was folded by, its partition had come past it. That stands with each new
 * partition, as a text: for each former set its number of partitions, and for each of them the
 * first offset that was not folded,
 *     "1 12346;4 20011 19999 0 20125"
 * the oldest set first.
 *
 *     struct moved moved;
 *     if (moved_read(text, &moved)) …;
 *     if (offset < moved.high && moved_has(&moved, offset, partition_keys_hash(&keys, message))) …;
 *     moved_release(&moved);
 */
#ifndef FANFOLD_MOVED_H
#define FANFOLD_MOVED_H

#include "base/str.h"

struct moved_set {
    size_t partitions;
    uint64_t *next; /* the first offset of each that was not folded */
};

/* Zeroed memory: the view has not moved. */
struct moved {
    struct moved_set *sets;
    size_t count;
    uint64_t low, high; /* all before low was folded, and nothing from high on */
};

/* False: it is not of that form; then nothing is to be released. */
bool moved_read(struct str text, struct moved *moved);
/* hash: of the event's key (event/partition_key.h). */
bool moved_has(const struct moved *moved, uint64_t offset, uint64_t hash);
void moved_release(struct moved *moved);

#endif
