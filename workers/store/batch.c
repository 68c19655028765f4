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
