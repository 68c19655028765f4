/*
 * change.h: what a fold gives and a commit takes: a list of changes to Redis rows, in event order.
 *
 * A change names a row (its Redis key) and one operation. Texts live in the list's arena.
 *
 * Operation semantics, the same in the Redis script and in the RAM twin (DESIGN sections 4 and 7):
 *   - a row that does not exist reads as empty; a field that does not exist as nothing;
 *   - ADD: `value` is an integer text (negative for subtract); nothing counts as 0. The total must
 *     stay within ±2^53, else the event is refused. What is stored must be an integer text, else it
 * is foreign data (flag CHANGE_OWN_INTEGER: only adds write this place) or refused (without it);
 *   - MAX, MIN: absent: set. Both numbers (number_is): compare as numbers; both not: as bytes; a
 * mix is refused. Equal: what is stored stays;
 *   - a row of another Redis type than the structure is foreign data, whatever the operation;
 *   - KEEP and KEEP_AGE hold for the row at the end of the batch (`check` sees to it that all
 *     actions on one row say the same); EXPIRE likewise: the last one counts;
 *   - DELETE removes the row; later changes start from an absent row.
 *
 * Newest (DESIGN section 7): a STAMP holds for the row's changes behind it, up to its next STAMP.
 * Under a stamp those that go by it (change_goes_by_stamp) count only if their place, a field, a
 * member or the document, has no later stamp; the one that counts leaves its stamp there. A place
 * that was removed keeps its stamp. DELETE under a stamp removes what has no later one, and leaves
 * its stamp to the row: it stands for the stamps of all places that have none or an earlier one.
 * Other changes take no notice of a STAMP.
 *
 * A stamp is the text "<ms since 1970> <offset> <partition>", compared by time, then partition (in
 * byte order), then offset. So no two events have the same; of equal stamps, which are of one
 * event, the later change counts. Where stamps are kept: README, "Fanfold's own keys".
 */
#ifndef FANFOLD_CHANGE_H
#define FANFOLD_CHANGE_H

#include "base/arena.h"
#include "base/str.h"

/* The numbers are the wire format between worker and script: never reuse one. */
enum change_op {
    CHANGE_HASH_SET = 1,      /* field, value */
    CHANGE_HASH_SET_ONCE = 2, /* field, value: only if the field is absent */
    CHANGE_HASH_ADD = 3,      /* field, value: integer */
    CHANGE_HASH_MAX = 4,      /* field, value */
    CHANGE_HASH_MIN = 5,      /* field, value */
    CHANGE_HASH_REMOVE = 6,   /* field */
    CHANGE_COUNTER_ADD = 7,   /* value: integer */
    CHANGE_ZSET_SCORE = 8,    /* field: member, value: score, a number_format text */
    CHANGE_ZSET_ADD = 9,      /* field: member, value: integer */
    CHANGE_ZSET_MAX = 10,     /* field: member, value: number */
    CHANGE_ZSET_MIN = 11,     /* field: member, value: number */
    CHANGE_ZSET_REMOVE = 12,  /* field: member */
    CHANGE_ZSET_KEEP =
        13, /* value: n; the n highest stay (equal scores: the later member in byte order) */
    CHANGE_ZSET_KEEP_AGE = 14, /* value: ms; members with score < highest − ms go */
    CHANGE_SET_INCLUDE = 15,   /* field: member */
    CHANGE_SET_EXCLUDE = 16,   /* field: member */
    CHANGE_LIST_PUSH = 17,     /* value: becomes index 0 */
    CHANGE_LIST_KEEP = 18,     /* value: n; the n newest stay */
    CHANGE_HLL_COUNT = 19,     /* field: element */
    CHANGE_JSON_PUT = 20,      /* value: JSON text */
    CHANGE_DELETE = 21,
    CHANGE_EXPIRE = 22, /* value: Unix milliseconds at which the row goes */
    CHANGE_STAMP = 23,  /* value: a stamp */
};

enum change_flag {
    CHANGE_OWN_INTEGER =
        1, /* only ADD writes this place: anything but an integer there is foreign */
};

/* Which Redis structure a row is; in the order of DESIGN section 7. */
enum structure {
    STRUCTURE_HASH,
    STRUCTURE_COUNTER,
    STRUCTURE_ZSET,
    STRUCTURE_SET,
    STRUCTURE_LIST,
    STRUCTURE_HLL,
    STRUCTURE_JSON,
    STRUCTURE_COUNT
};

struct change {
    uint8_t op;        /* enum change_op */
    uint8_t flags;     /* enum change_flag */
    uint8_t structure; /* enum structure: also for DELETE and EXPIRE */
    uint32_t event; /* index of the event in its batch; the caller of the fold sets changes.event */
    struct str key, field, value;
};

struct changes {
    struct change *at;
    size_t count, cap;
    uint32_t event;        /* given to every change that is added */
    const char *partition; /* of that event, and its offset: for stamps; NULL: "" */
    uint64_t offset;
    struct arena arena; /* holds the texts */
};

/* Appends; the texts must already live in changes->arena (or be literals). */
void changes_add(struct changes *changes, uint8_t op, uint8_t flags, enum structure structure,
                 struct str key, struct str field, struct str value);
/* Is it one of the changes that a STAMP can guard? They write a place as a whole, whatever it held.
 */
bool change_goes_by_stamp(enum change_op op);
/* Forgets changes from index `count` on: an event that parks takes back what it had given. */
void changes_cut(struct changes *changes, size_t count);
void changes_clear(struct changes *changes);
void changes_release(struct changes *changes);

#endif
