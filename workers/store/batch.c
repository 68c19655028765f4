/*
 * batch.c: the list of parked events of a batch, and its memory.
 */
#include "base/error.h"
#include <fanfold/store.h>
#include <stdlib.h>

struct parked_event *batch_park(struct batch *batch)
{
    if (batch->parked_count == batch->parked_cap) {
        batch->parked_cap = batch->parked_cap ? batch->parked_cap * 2 : 8;
        batch->parked = must_realloc(batch->parked, batch->parked_cap * sizeof(*batch->parked));
    }
    struct parked_event *event = &batch->parked[batch->parked_count++];
    *event = (struct parked_event){0};
    return event;
}

void set_aside_release(struct set_aside *aside)
{
    free(aside->parked);
    free(aside->dropped);
    *aside = (struct set_aside){0};
}

bool set_aside_has(const uint64_t *offsets, size_t count, uint64_t offset)
{
    while (count) {
        size_t half = count / 2;
        if (offsets[half] == offset)
            return true;
        if (offsets[half] < offset) {
            offsets += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return false;
}

void batch_clear(struct batch *batch)
{
    changes_clear(&batch->changes);
    batch->parked_count = 0;
}

void batch_release(struct batch *batch)
{
    changes_release(&batch->changes);
    free(batch->parked);
    *batch = (struct batch){0};
}
