/*
 * null_reader.c: the limit of every worker on one stream: reads it from its first event on by
 * rabbitmq-c, acknowledges, and does nothing else.
 *
 *     null_reader URL QUEUE EVENTS [FILE]      says "attached", and ends when so many are in
 *
 * FILE: when each of the events of null_message.h was in, with its last frame.
 */
#include "null_link.h"
#include "null_message.h"
#include "times.h"

#include <stdio.h>

/* Prefetch as the workers have it (stream_reader.h); 1000 is as fast, 5000 is slower. */
#define PREFETCH  2000
#define ACK_EVERY 500

static void attach(amqp_connection_state_t link, const char *queue)
{
    amqp_basic_qos(link, NULL_CHANNEL, 0, PREFETCH, 0);
    null_check(link, "basic.qos");
    amqp_table_entry_t offset = {.key = amqp_cstring_bytes("x-stream-offset")};
    offset.value.kind = AMQP_FIELD_KIND_UTF8;
    offset.value.value.bytes = amqp_cstring_bytes("first");
    amqp_basic_consume(link, NULL_CHANNEL, amqp_cstring_bytes(queue), amqp_empty_bytes, 0, 0, 0,
                       (amqp_table_t){1, &offset});
    null_check(link, "basic.consume");
    puts("attached");
    fflush(stdout);
}

static uint64_t await_delivery(amqp_connection_state_t link)
{
    amqp_frame_t frame;
    do {
        amqp_maybe_release_buffers(link);
        null_frame(link, &frame);
    } while (frame.frame_type != AMQP_FRAME_METHOD ||
             frame.payload.method.id != AMQP_BASIC_DELIVER_METHOD);
    return ((amqp_basic_deliver_t *)frame.payload.method.decoded)->delivery_tag;
}

/* The frames of one message after its first. Notes when it was complete, if somebody wants that. */
static void read_message(amqp_connection_state_t link, struct times *seen)
{
    amqp_frame_t frame;
    null_frame(link, &frame);
    if (frame.frame_type != AMQP_FRAME_HEADER)
        null_fail("a delivery without its header");
    amqp_bytes_t id = {0};
    if (seen)
        id = ((amqp_basic_properties_t *)frame.payload.properties.decoded)->message_id;
    for (uint64_t left = frame.payload.properties.body_size; left;) {
        null_frame(link, &frame);
        if (frame.frame_type != AMQP_FRAME_BODY || frame.payload.body_fragment.len > left)
            null_fail("a body that is not as long as its header says");
        left -= frame.payload.body_fragment.len;
    }
    if (seen)
        times_note(seen, null_message_number(id.bytes, id.len), times_now());
}

static void read_messages(amqp_connection_state_t link, uint64_t events, struct times *seen)
{
    for (uint64_t count = 1; count <= events; count++) {
        uint64_t tag = await_delivery(link);
        read_message(link, seen);
        if (count % ACK_EVERY == 0)
            amqp_basic_ack(link, NULL_CHANNEL, tag, 1);
    }
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 5)
        null_fail("usage: null_reader URL QUEUE EVENTS [FILE]");
    uint64_t events = null_count(argv[3]);
    struct times seen = {0};
    if (argc == 5)
        times_init(&seen, events);
    amqp_connection_state_t link = null_connect(argv[1]);
    attach(link, argv[2]);
    read_messages(link, events, argc == 5 ? &seen : NULL);
    null_close(link);
    if (argc == 5)
        times_write(&seen, argv[4]);
    times_release(&seen);
    return 0;
}
