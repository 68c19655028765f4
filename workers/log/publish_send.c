/*
 * publish_send.c: one message to the socket.
 */
#include "log/publish_send.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

/* Linux doubles it and calls a socket writable when a third is free: more than one frame. */
#define SEND_BUFFER (256 * 1024)
/* So much is sent before the kernel is asked again. */
#define UNCHECKED_MAX (32 * 1024)
/* Larger bodies go frame by frame. */
#define SMALL_BODY (32 * 1024)
#define IDLE_MS    100

/* What is in the kernel when an alarm stops the broker from reading stays there as long as the
 * alarm, so the kernel must not give up on it; that the broker is gone is found by heartbeats. */
void publish_tune_socket(struct amqp_link *link)
{
    int fd = amqp_get_sockfd(link->state), size = SEND_BUFFER;
    unsigned never = 0;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &never, sizeof never);
}

static bool await_room(struct publish_sender *sender, size_t size, struct error *error)
{
    sender->unchecked += size;
    if (sender->unchecked < UNCHECKED_MAX)
        return true;
    sender->unchecked = size;
    for (;;) {
        int fd = amqp_get_sockfd(sender->link->state);
        struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
        if (poll(&poll_fd, 1, 0) > 0)
            return true; /* also when it failed: sending will say how */
        poll_fd.events = POLLIN | POLLOUT;
        poll(&poll_fd, 1, IDLE_MS);
        if (!sender->idle(sender->arg, error))
            return false;
    }
}

static bool send_frame(struct publish_sender *sender, const amqp_frame_t *frame, size_t size,
                       struct error *error)
{
    if (!await_room(sender, size, error)) {
        sender->link->healthy = false; /* in the middle of a message */
        return false;
    }
    int status = amqp_send_frame(sender->link->state, frame);
    return status == AMQP_STATUS_OK || amqp_link_failed(sender->link, status, error);
}

static bool send_large(struct publish_sender *sender, amqp_basic_publish_t *publish,
                       amqp_basic_properties_t *properties, struct str body, struct error *error)
{
    amqp_frame_t frame = {.frame_type = AMQP_FRAME_METHOD, .channel = AMQP_LINK_CHANNEL};
    frame.payload.method.id = AMQP_BASIC_PUBLISH_METHOD;
    frame.payload.method.decoded = publish;
    if (!send_frame(sender, &frame, UNCHECKED_MAX, error))
        return false;

    frame.frame_type = AMQP_FRAME_HEADER;
    frame.payload.properties.class_id = AMQP_BASIC_CLASS;
    frame.payload.properties.body_size = body.len;
    frame.payload.properties.decoded = properties;
    if (!send_frame(sender, &frame, UNCHECKED_MAX, error))
        return false;

    frame.frame_type = AMQP_FRAME_BODY;
    size_t part = (size_t)amqp_get_frame_max(sender->link->state) - 8; /* header and end octet */
    for (size_t at = 0; at < body.len; at += part) {
        struct str rest = str_from(body, at);
        if (rest.len > part)
            rest.len = part;
        frame.payload.body_fragment = amqp_bytes_of(rest);
        if (!send_frame(sender, &frame, UNCHECKED_MAX, error))
            return false;
    }
    return true;
}

bool publish_send(struct publish_sender *sender, const char *exchange,
                  const struct message *message, struct error *error)
{
    amqp_basic_properties_t properties;
    properties_write(message, &sender->headers, &properties);
    amqp_basic_publish_t publish = {
        .exchange = amqp_cstring_bytes(exchange),
        .routing_key = amqp_bytes_of(message->routing_key),
        .mandatory = 1,
    };
    if (message->body.len > SMALL_BODY ||
        message->body.len + 8 >= (size_t)amqp_get_frame_max(sender->link->state))
        return send_large(sender, &publish, &properties, message->body, error);

    if (!await_room(sender, message->size, error))
        return false;
    int status =
        amqp_basic_publish(sender->link->state, AMQP_LINK_CHANNEL, publish.exchange,
                           publish.routing_key, 1, 0, &properties, amqp_bytes_of(message->body));
    return status == AMQP_STATUS_OK || amqp_link_failed(sender->link, status, error);
}
