/*
 * frames.h: from frames to whole messages, without waiting for the rest of one: what has come of it
 * is kept until the next call.
 *
 *     struct frames frames = {.link = &link};
 *     while ((result = frames_next(&frames, 0, &error)) != FRAMES_NONE) …
 *     frames_release(&frames);
 *
 * rabbitmq-c's own amqp_consume_message() waits without limit for header and body (FACTS 2.1).
 */
#ifndef FANFOLD_LOG_FRAMES_H
#define FANFOLD_LOG_FRAMES_H

#include "log/amqp_link.h"
#include "log/properties.h"

/* RabbitMQ's own limit on a body is 128 MiB or less. */
#define FRAMES_BODY_MAX (128 * 1024 * 1024)

/* The second subscription of a probe (stream_probe.c). */
#define BARRIER_TAG "fanfold-barrier"

enum frames_result {
    FRAMES_NONE,    /* nothing more is there now */
    FRAMES_METHOD,  /* a method without content: frames.method, valid until the next call */
    FRAMES_MESSAGE, /* a message was delivered, or returned; frames.message is the caller's now */
    FRAMES_FAILED,  /* the error is set; the connection can only be closed */
};

enum frames_stage { FRAMES_IDLE, FRAMES_HEADER, FRAMES_BODY };

struct frames {
    struct amqp_link *link;
    amqp_method_t method;
    struct message *message;
    bool has_offset; /* of the message: the broker gave one, it comes from a stream */
    bool is_barrier; /* it was delivered to the subscription BARRIER_TAG */

    /* What has come of a message. Until `partial`, it lies in the memory of the connection. */
    enum frames_stage stage;
    struct message head;
    struct header_room headers;
    size_t body_size, body_got;
    struct message *partial;
};

/* Waits for wait_ms at most for the next frame; 0: takes what is there. */
enum frames_result frames_next(struct frames *frames, int wait_ms, struct error *error);
void frames_release(struct frames *frames);

#endif
