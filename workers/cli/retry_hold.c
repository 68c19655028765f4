/*
 * retry_hold.c: live events change a row between each reading of it and the commit: they are asked
 * to wait for a moment.
 */
#include "base/partitions.h"
#include "cli/retry.h"
#include <fanfold/generation.h>

#include <stdlib.h>

/* Enough for hundreds of steps from nearby, and for some from far away. Then live events go on, at
 * least until RETRY_HELD_AFTER further tries have failed. */
#define HOLD_MS 2000

static bool hold(struct retry *retry, int64_t ms, struct error *error)
{
    struct partition_list list = {0};
    partition_list_add_all(&list, retry->definition->logs, retry->definition->log_count);
    struct str *partitions = must_calloc(list.count + 1, sizeof *partitions);
    for (size_t i = 0; i < list.count; i++)
        partitions[i] = str_of(list.at[i]);
    bool good = generation_hold_live(retry->reader, view_name(retry->parking->view), ms, partitions,
                                     list.count, error);
    free(partitions);
    partition_list_release(&list);
    return good;
}

bool retry_hold(struct retry *retry, struct error *error)
{
    retry->held = hold(retry, HOLD_MS, error);
    if (!retry->held && error->kind == ERROR_NO) /* a comparison or a switch: it ends */
        error->kind = ERROR_UNAVAILABLE;
    return retry->held;
}

void retry_let_go(struct retry *retry)
{
    struct error ignored; /* the hold ends by itself */
    if (retry->held && retry->reader)
        hold(retry, 0, &ignored);
}
