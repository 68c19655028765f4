/*
 * slow_log.c: for slow_log_test.py: writes a log, one event at a time or as fast as it goes, and
 * measures how fast it is read, by one reader or with read-ahead.
 *
 *     slow_log write URL EXCHANGE EVENTS single|bulk    event n is of type t, with the key n % 50
 *     slow_log read URL QUEUE EVENTS reader|ahead       prints events/s, and the most subscriptions
 */
#include "base/clock.h"
#include <event2/event.h>
#include <fanfold/publisher.h>
#include <fanfold/stream_ahead.h>
#include <fanfold/stream_probe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM (6 * 1024 * 1024) /* half of a worker's budget */

struct reading {
    struct event_base *base;
    struct stream_reader *reader; /* this one */
    struct stream_ahead *ahead;   /* or this one */
    uint64_t wanted, count, offset;
    size_t subscriptions, waiting;
};

static void die(const char *text)
{
    fprintf(stderr, "slow_log: %s\n", text);
    exit(1);
}

/* ---- write ---- */

static void on_outcome(void *arg, uint64_t tag, enum publish_outcome outcome, const char *text)
{
    (void)arg, (void)tag;
    if (outcome != PUBLISH_CONFIRMED)
        die(text);
}

static bool write_one(struct publisher *publisher, uint64_t n, struct error *error)
{
    char id[32], key[32], body[64];
    snprintf(id, sizeof id, "%llu", (unsigned long long)n);
    snprintf(key, sizeof key, "k%llu", (unsigned long long)(n % 50));
    snprintf(body, sizeof body, "{\"n\":%llu}", (unsigned long long)n);
    struct message message = {.routing_key = str_of(key),
                              .message_id = str_of(id),
                              .type = STR("t"),
                              .content_type = STR("application/json"),
                              .body = str_of(body)};
    return publisher_send(publisher, &message, n, error);
}

static void write_log(const struct uri *uri, const char *exchange, uint64_t events, bool single)
{
    struct error error;
    struct publisher_options options = {.exchange = exchange, .outcome = on_outcome};
    struct publisher *publisher = publisher_open(uri, &options, &error);
    if (!publisher)
        die(error.text);
    for (uint64_t n = 0; n < events; n++)
        if (!write_one(publisher, n, &error) || (single && !publisher_flush(publisher, &error)))
            die(error.text);
    if (!publisher_flush(publisher, &error))
        die(error.text);
    publisher_close(publisher);
}

/* ---- read ---- */

static void on_message(void *arg, struct message *message)
{
    struct reading *reading = arg;
    if (reading->count++ && message->offset <= reading->offset)
        die("the offsets do not rise");
    reading->offset = message->offset;
    message_free(message);
}

static void on_turn(void *arg)
{
    struct reading *reading = arg;
    size_t subscriptions = 1;
    if (reading->ahead) {
        stream_ahead_acknowledge(reading->ahead, reading->count);
        subscriptions = stream_ahead_subscriptions(reading->ahead);
    } else {
        stream_reader_acknowledge(reading->reader, reading->count);
    }
    if (subscriptions > reading->subscriptions)
        reading->subscriptions = subscriptions;
    if (reading->count >= reading->wanted)
        event_base_loopbreak(reading->base);
}

static void on_closed(void *arg, const struct error *why)
{
    (void)arg;
    die(why->text);
}

static bool on_waits(void *arg, ptrdiff_t change)
{
    struct reading *reading = arg;
    reading->waiting += (size_t)change;
    return reading->waiting <= ROOM;
}

static const struct stream_ahead_hooks hooks = {{on_message, on_turn, on_closed}, on_waits};

static void open_reading(struct reading *reading, const struct uri *uri, const char *queue,
                         bool ahead, struct error *error)
{
    struct stream_ends ends;
    struct stream_start start = {.kind = STREAM_OFFSET};
    if (!stream_probe_last(uri, queue, UINT64_MAX, &ends, error))
        die(error->text);
    struct stream_range range = {.last = ends.last, .room = ROOM};
    if (ahead)
        reading->ahead =
            stream_ahead_open(reading->base, uri, queue, range, &hooks, reading, error);
    else
        reading->reader =
            stream_reader_open(reading->base, uri, queue, start, &hooks.reader, reading, error);
    if (!reading->ahead && !reading->reader)
        die(error->text);
}

static void read_log(const struct uri *uri, const char *queue, uint64_t events, bool ahead)
{
    struct error error;
    struct reading reading = {.base = event_base_new(), .wanted = events};
    int64_t begin = clock_monotonic_ms();
    open_reading(&reading, uri, queue, ahead, &error);
    event_base_dispatch(reading.base);
    int64_t ms = clock_monotonic_ms() - begin;
    printf("%.0f %zu\n", (double)events * 1000 / (double)(ms ? ms : 1), reading.subscriptions);
    stream_ahead_close(reading.ahead);
    stream_reader_close(reading.reader);
    event_base_free(reading.base);
}

int main(int argc, char **argv)
{
    struct uri uri;
    struct error error;
    if (argc != 6)
        die("usage: see the head of slow_log.c");
    if (!uri_parse_amqp(argv[2], &uri, &error))
        die(error.text);
    uint64_t events = strtoull(argv[4], NULL, 10);
    if (strcmp(argv[1], "write") == 0)
        write_log(&uri, argv[3], events, strcmp(argv[5], "single") == 0);
    else
        read_log(&uri, argv[3], events, strcmp(argv[5], "ahead") == 0);
    uri_release(&uri);
    return 0;
}
