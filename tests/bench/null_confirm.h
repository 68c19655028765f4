/*
 * null_confirm.h: how many of the messages that a null publisher has sent are confirmed. One stream
 * confirms in order, so the latest says it, single or multiple.
 */
#ifndef FANFOLD_BENCH_NULL_CONFIRM_H
#define FANFOLD_BENCH_NULL_CONFIRM_H

#include "null_link.h"

void null_confirm_select(amqp_connection_state_t link);
/* Waits for the next; returns how many are confirmed in all. */
uint64_t null_confirm_await(amqp_connection_state_t link);
/* Takes those that are there, without waiting. */
void null_confirm_take(amqp_connection_state_t link, uint64_t *confirmed);

#endif
