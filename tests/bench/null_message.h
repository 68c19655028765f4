/*
 * null_message.h: the messages of the null publishers: like those that `fanfold publish` makes of
 * the benchmark's events (workloads.py, Sums), persistent, with the same properties and headers.
 * Each has a number, from which its id, its subject and what it adds follow:
 *
 *     id "sums-0000042", subject "article-0000598" (42 * 7919 % rows), /data/n 1 (42 % 7 + 1)
 *
 *     struct null_message message;
 *     null_message_init(&message, 1000);           it holds pointers into itself: not to be copied
 *     null_message_send(&message, link, exchange, number);
 */
#ifndef FANFOLD_BENCH_NULL_MESSAGE_H
#define FANFOLD_BENCH_NULL_MESSAGE_H

#include "null_link.h"

#define NULL_DIGITS     7
#define NULL_NUMBER_MAX UINT64_C(9999999)

struct null_message {
    uint64_t rows; /* how many subjects there are */
    char id[16], subject[16], body[256];
    char *n; /* in the body */
    amqp_table_entry_t headers[6];
    amqp_basic_properties_t properties;
};

void null_message_init(struct null_message *message, uint64_t rows);
/* number: at most NULL_NUMBER_MAX. Does not wait for the confirm. */
void null_message_send(struct null_message *message, amqp_connection_state_t link,
                       const char *exchange, uint64_t number);
/* The number in an id, or in a key that ends with one. Ends the program when there is none. */
uint64_t null_message_number(const char *id, size_t length);

#endif
