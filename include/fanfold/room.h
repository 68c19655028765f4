/*
 * room.h: would a second generation of some rows fit into Redis?
 */
#ifndef FANFOLD_ROOM_H
#define FANFOLD_ROOM_H

#include <fanfold/redis_reader.h>

struct room {
    bool known;            /* false: the user may not ask (INFO, MEMORY USAGE) */
    uint64_t needed, left; /* bytes */
    uint64_t maxmemory;    /* 0: none; then what its host has is the limit */
};

/* needed: of the rows whose keys begin so: their number times the mean of a sample (MEMORY USAGE).
 * A margin of a tenth of the limit is not counted as left. */
bool redis_reader_room(struct redis_reader *reader, const char *const *starts, size_t count,
                       struct room *room, struct error *error);

#endif
