/*
 * null_link.h: what the null readers and publishers share: a connection with one channel, by
 * rabbitmq-c as it is. Whatever goes wrong ends the program with a message and exit code 1.
 */
#ifndef FANFOLD_BENCH_NULL_LINK_H
#define FANFOLD_BENCH_NULL_LINK_H

#include "log/amqp_compat.h"

#include <stdbool.h>
#include <stdint.h>

#define NULL_CHANNEL 1

/* url: amqp://user:password@host:port/vhost; it is cut into pieces. */
amqp_connection_state_t null_connect(char *url);
/* Ends the program unless the last call of the library that waits for an answer was successful. */
void null_check(amqp_connection_state_t link, const char *what);
_Noreturn void null_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Waits for the next frame of the channel. */
void null_frame(amqp_connection_state_t link, amqp_frame_t *frame);
/* The same without waiting. False: none is there. */
bool null_frame_ready(amqp_connection_state_t link, amqp_frame_t *frame);
uint64_t null_count(const char *text);
void null_close(amqp_connection_state_t link);

#endif
