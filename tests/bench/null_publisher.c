/*
 * null_publisher.c: the limit of every publisher with confirms: sends the messages of
 * null_message.h one after another by rabbitmq-c, with a bounded window of unconfirmed ones, and
 * does nothing else.
 *
 *     null_publisher URL EXCHANGE EVENTS [WINDOW [ROWS]]      ends when all are confirmed
 *
 * WINDOW 1 sends the next when the one before is confirmed: a log in which each is a chunk alone.
 */
#include "null_confirm.h"
#include "null_message.h"

#define WINDOW 2000
#define ROWS   1000

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 6)
        null_fail("usage: null_publisher URL EXCHANGE EVENTS [WINDOW [ROWS]]");
    uint64_t events = null_count(argv[3]), confirmed = 0;
    uint64_t window = argc > 4 ? null_count(argv[4]) : WINDOW;
    struct null_message message;
    null_message_init(&message, argc > 5 ? null_count(argv[5]) : ROWS);
    amqp_connection_state_t link = null_connect(argv[1]);
    null_confirm_select(link);
    for (uint64_t sent = 0; sent < events; sent++) {
        while (sent - confirmed >= window)
            confirmed = null_confirm_await(link);
        null_message_send(&message, link, argv[2], sent);
    }
    while (confirmed < events)
        confirmed = null_confirm_await(link);
    null_close(link);
    return 0;
}
