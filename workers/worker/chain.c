/*
 * chain.c: record after record.
 */
#include "worker/chain.h"

static void leave_gap(struct chain *chain, const struct message *entry)
{
    chain->open = true;
    chain->beyond = entry->from;
}

/* Attached in the middle, it must be before what is needed. */
static void begin(struct chain *chain, const struct message *entry)
{
    chain->begun = entry->from <= chain->start || chain->whole;
    chain->taken = chain->start;
    if (chain->begun)
        chain->from = chain->taken = entry->from;
    else
        leave_gap(chain, entry);
}

bool chain_take(struct chain *chain, const struct message *entry)
{
    if (!chain->begun)
        begin(chain, entry);
    if (!chain->begun)
        return false;
    switch (record_place(entry, chain->taken)) {
    case RECORD_NEXT:
        chain->taken = entry->offset + 1;
        chain->open = false;
        return !entry->mark;
    case RECORD_GAP:
        leave_gap(chain, entry);
        break;
    case RECORD_OLD:
        break;
    }
    return false;
}

bool chain_is_broken(const struct chain *chain, uint64_t record)
{
    return chain->open && (!chain->begun || record >= chain->end);
}
