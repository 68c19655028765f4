/*
 * frames.c: assembles method, header and body frames.
 *
 * Decoded frames lie in the connection's pool until it is told to recycle it. A body of one frame,
 * nearly all of them, is copied once, from the pool into the message. For a longer one the message
 * is made when its first part is there, and the pool is recycled after each part, because it never
 * gives memory back that it needed once.
 */
#include "log/frames.h"

#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

static bool violated(struct frames *frames, const char *what, struct error *error)
{
    frames->link->healthy = false;
    return error_set(error, ERROR_UNAVAILABLE, "%s: the broker broke the protocol: %s",
                     frames->link->where, what);
}

static void begin_message(struct frames *frames, const amqp_method_t *method)
{
    frames->head = (struct message){0};
    if (method->id == AMQP_BASIC_DELIVER_METHOD) {
        const amqp_basic_deliver_t *deliver = method->decoded;
        frames->head.exchange = str_of_amqp(deliver->exchange);
        frames->head.routing_key = str_of_amqp(deliver->routing_key);
        frames->is_barrier = str_eq(str_of_amqp(deliver->consumer_tag), STR(BARRIER_TAG));
    } else {
        const amqp_basic_return_t *returned = method->decoded;
        frames->head.exchange = str_of_amqp(returned->exchange);
        frames->head.routing_key = str_of_amqp(returned->routing_key);
    }
    frames->stage = FRAMES_HEADER;
}

static enum frames_result take_method(struct frames *frames, const amqp_frame_t *frame,
                                      struct error *error)
{
    const amqp_method_t *method = &frame->payload.method;
    if (method->id == AMQP_CHANNEL_CLOSE_METHOD || method->id == AMQP_CONNECTION_CLOSE_METHOD) {
        amqp_link_refused(frames->link, method, error);
        return FRAMES_FAILED;
    }
    /* Methods of channel 0 may come between the frames of a message. */
    if (frame->channel != AMQP_LINK_CHANNEL) {
        frames->method = *method;
        return FRAMES_METHOD;
    }
    if (frames->stage != FRAMES_IDLE) {
        violated(frames, "a method in the middle of a message", error);
        return FRAMES_FAILED;
    }
    if (method->id != AMQP_BASIC_DELIVER_METHOD && method->id != AMQP_BASIC_RETURN_METHOD) {
        frames->method = *method;
        return FRAMES_METHOD;
    }
    begin_message(frames, method);
    return FRAMES_NONE;
}

static enum frames_result whole(struct frames *frames, struct message *message)
{
    frames->stage = FRAMES_IDLE;
    frames->partial = NULL;
    frames->message = message;
    return FRAMES_MESSAGE;
}

static enum frames_result take_header(struct frames *frames, const amqp_frame_t *frame,
                                      struct error *error)
{
    if (frames->stage != FRAMES_HEADER || frame->payload.properties.class_id != AMQP_BASIC_CLASS) {
        violated(frames, "a content header out of place", error);
        return FRAMES_FAILED;
    }
    properties_read(frame->payload.properties.decoded, &frames->headers, &frames->head,
                    &frames->has_offset);
    uint64_t size = frame->payload.properties.body_size;
    if (size > FRAMES_BODY_MAX) {
        frames->link->healthy = false;
        error_set(error, ERROR_CONFIG,
                  "%s: the message at offset %llu has a body of %llu bytes; at most %d are taken",
                  frames->link->where, (unsigned long long)frames->head.offset,
                  (unsigned long long)size, FRAMES_BODY_MAX);
        return FRAMES_FAILED;
    }
    frames->body_size = (size_t)size;
    frames->body_got = 0;
    frames->stage = FRAMES_BODY;
    if (size)
        return FRAMES_NONE;
    frames->head.body = STR("");
    return whole(frames, message_new(&frames->head));
}

/* A message whose body is yet to be filled in. Zeroed memory of this size is not real before it is
 * written to, so the copy costs no second body. */
static struct message *message_with_room(struct message *head, size_t body_size)
{
    char *zeros = must_calloc(1, body_size);
    head->body = (struct str){zeros, body_size};
    struct message *message = message_new(head);
    free(zeros);
    return message;
}

static enum frames_result take_body(struct frames *frames, const amqp_frame_t *frame,
                                    struct error *error)
{
    struct str part = str_of_amqp(frame->payload.body_fragment);
    if (frames->stage != FRAMES_BODY || part.len > frames->body_size - frames->body_got) {
        violated(frames, "a body frame out of place or too long", error);
        return FRAMES_FAILED;
    }
    if (part.len == frames->body_size) {
        frames->head.body = part;
        return whole(frames, message_new(&frames->head));
    }
    if (!frames->partial)
        frames->partial = message_with_room(&frames->head, frames->body_size);
    char *body = (char *)(uintptr_t)frames->partial->body.at;
    memcpy(body + frames->body_got, part.at, part.len);
    frames->body_got += part.len;
    if (frames->body_got < frames->body_size)
        return FRAMES_NONE;
    return whole(frames, frames->partial);
}

/* FRAMES_NONE: taken in, and more is needed. */
static enum frames_result take_frame(struct frames *frames, const amqp_frame_t *frame,
                                     struct error *error)
{
    switch (frame->frame_type) {
    case AMQP_FRAME_METHOD:
        return take_method(frames, frame, error);
    case AMQP_FRAME_HEADER:
        return take_header(frames, frame, error);
    case AMQP_FRAME_BODY:
        return take_body(frames, frame, error);
    default:
        return FRAMES_NONE;
    }
}

enum frames_result frames_next(struct frames *frames, int wait_ms, struct error *error)
{
    amqp_connection_state_t state = frames->link->state;
    for (;;) {
        /* Not while frames are queued that an RPC has left: the call walks the whole queue. */
        if ((frames->stage == FRAMES_IDLE || frames->partial) && !amqp_frames_enqueued(state))
            amqp_maybe_release_buffers(state);
        amqp_frame_t frame;
        struct timeval limit = {wait_ms / 1000, wait_ms % 1000 * 1000};
        int status = amqp_simple_wait_frame_noblock(state, &frame, &limit);
        if (status == AMQP_STATUS_TIMEOUT)
            return FRAMES_NONE;
        if (status != AMQP_STATUS_OK) {
            amqp_link_failed(frames->link, status, error);
            return FRAMES_FAILED;
        }
        enum frames_result result = take_frame(frames, &frame, error);
        if (result != FRAMES_NONE)
            return result;
    }
}

void frames_release(struct frames *frames)
{
    message_free(frames->partial);
    free(frames->headers.at);
    *frames = (struct frames){0};
}
