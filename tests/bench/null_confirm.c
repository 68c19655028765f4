/*
 * null_confirm.c: see null_confirm.h.
 */
#include "null_confirm.h"

void null_confirm_select(amqp_connection_state_t link)
{
    amqp_confirm_select(link, NULL_CHANNEL);
    null_check(link, "confirm.select");
}

static uint64_t confirmed_by(const amqp_frame_t *frame)
{
    if (frame->frame_type != AMQP_FRAME_METHOD || frame->payload.method.id != AMQP_BASIC_ACK_METHOD)
        null_fail("a message was refused or returned");
    return ((amqp_basic_ack_t *)frame->payload.method.decoded)->delivery_tag;
}

uint64_t null_confirm_await(amqp_connection_state_t link)
{
    amqp_frame_t frame;
    amqp_maybe_release_buffers(link);
    null_frame(link, &frame);
    return confirmed_by(&frame);
}

void null_confirm_take(amqp_connection_state_t link, uint64_t *confirmed)
{
    amqp_frame_t frame;
    amqp_maybe_release_buffers(link);
    while (null_frame_ready(link, &frame))
        *confirmed = confirmed_by(&frame);
}
