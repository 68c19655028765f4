/*
 * paced_publisher.c: sends the messages of null_message.h at a fixed rate, whatever becomes of
 * those before (an open loop): the first at once, each next one its time later. Confirms are taken
 * as they come. A message that is late is sent at once; none is left out.
 *
 *     paced_publisher URL EXCHANGE EVENTS PER_SECOND FILE
 *
 * FILE: when each was sent, that is, when it was about to be given to rabbitmq-c. Says when the
 * first was to be sent, in nanoseconds, and ends when all are confirmed.
 */
#include "null_confirm.h"
#include "null_message.h"
#include "times.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>

#define SECOND INT64_C(1000000000)

static void sleep_until(int64_t ns)
{
    struct timespec at = {.tv_sec = ns / SECOND, .tv_nsec = ns % SECOND};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        ;
}

/* Returns when the first was to be sent. */
static int64_t publish(amqp_connection_state_t link, const char *exchange, int64_t interval,
                       struct times *sent)
{
    struct null_message message;
    null_message_init(&message, sent->count);
    uint64_t confirmed = 0;
    int64_t began = times_now();
    for (uint64_t number = 0; number < sent->count; number++) {
        sleep_until(began + (int64_t)number * interval);
        times_note(sent, number, times_now());
        null_message_send(&message, link, exchange, number);
        null_confirm_take(link, &confirmed);
    }
    while (confirmed < sent->count)
        confirmed = null_confirm_await(link);
    return began;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        null_fail("usage: paced_publisher URL EXCHANGE EVENTS PER_SECOND FILE");
    struct times sent;
    times_init(&sent, null_count(argv[3]));
    int64_t interval = SECOND / (int64_t)null_count(argv[4]);
    amqp_connection_state_t link = null_connect(argv[1]);
    null_confirm_select(link);
    prctl(PR_SET_TIMERSLACK, 1UL); /* else the kernel may wake it 50 us late */
    printf("%" PRId64 "\n", publish(link, argv[2], interval, &sent));
    null_close(link);
    times_write(&sent, argv[5]);
    times_release(&sent);
    return 0;
}
