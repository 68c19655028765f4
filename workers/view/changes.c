/* changes.c: a growing list of changes. */
#include <fanfold/change.h>

#include "base/error.h"
#include <stdlib.h>

#define FIRST_CAP 64

void changes_add(struct changes *changes, uint8_t op, uint8_t flags, enum structure structure,
                 struct str key, struct str field, struct str value)
{
    if (changes->count == changes->cap) {
        changes->cap = changes->cap ? changes->cap * 2 : FIRST_CAP;
        changes->at = must_realloc(changes->at, changes->cap * sizeof(*changes->at));
    }
    changes->at[changes->count++] = (struct change){.op = op,
                                                    .flags = flags,
                                                    .structure = (uint8_t)structure,
                                                    .event = changes->event,
                                                    .key = key,
                                                    .field = field,
                                                    .value = value};
}

bool change_goes_by_stamp(enum change_op op)
{
    switch (op) {
    case CHANGE_HASH_SET:
    case CHANGE_HASH_REMOVE:
    case CHANGE_ZSET_SCORE:
    case CHANGE_ZSET_REMOVE:
    case CHANGE_SET_INCLUDE:
    case CHANGE_SET_EXCLUDE:
    case CHANGE_JSON_PUT:
    case CHANGE_DELETE:
        return true;
    default:
        return false;
    }
}

void changes_cut(struct changes *changes, size_t count)
{
    if (count < changes->count)
        changes->count = count;
}

void changes_clear(struct changes *changes)
{
    changes->count = 0;
    changes->event = 0;
    arena_clear(&changes->arena);
}

void changes_release(struct changes *changes)
{
    free(changes->at);
    arena_release(&changes->arena);
    *changes = (struct changes){0};
}
