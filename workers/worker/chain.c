/*
 * chain.c: record after record.
 */
#include "worker/chain.h"

/* Attached in the middle, it must be before what is needed. */
static bool begins(struct chain *chain, const struct message *message)
{
    chain->taken = chain->start;
    if (message->from > chain->start && !chain->whole)
        return false;
    chain->from = chain->taken = message->from;
    return chain->begun = true;
}

enum chain_answer chain_take(struct chain *chain, const struct message *message)
{
    if (!chain->begun && !begins(chain, message))
        return CHAIN_BROKEN;
    switch (record_place(message, chain->taken)) {
    case RECORD_NEXT:
        chain->taken = message->offset + 1;
        chain->open = false;
        return message->mark ? CHAIN_PASS : CHAIN_EVENT;
    case RECORD_GAP:
        chain->open = true;
        break;
    case RECORD_OLD:
        break;
    }
    return chain->open && message->record >= chain->end ? CHAIN_BROKEN : CHAIN_PASS;
}
