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

static bool has_room(struct publish_sender *sender, size_t size)
{
    if (sender->unchecked + size >= UNCHECKED_MAX) {
        struct pollfd poll_fd = {.fd = amqp_get_sockfd(sender->link->state), .events = POLLOUT};
        if (poll(&poll_fd, 1, 0) == 0)
            return false; /* where it failed, sending will say how */
        sender->unchecked = 0;
    }
    sender->unchecked += size;
    return true;
}

static enum publish_progress sent(struct publish_sender *sender, int status, struct error *error)
{
    if (status == AMQP_STATUS_OK)
        return PUBLISH_DONE;
    amqp_link_failed(sender->link, status, error);
    return PUBLISH_FAILED;
}

static enum publish_progress send_frame(struct publish_sender *sender, const amqp_frame_t *frame,
                                        struct error *error)
{
    if (!has_room(sender, UNCHECKED_MAX))
        return PUBLISH_WAITS;
    return sent(sender, amqp_send_frame(sender->link->state, frame), error);
}

static enum publish_progress send_method(struct publish_sender *sender,
                                         amqp_basic_publish_t *publish, struct error *error)
{
    amqp_frame_t frame = {.frame_type = AMQP_FRAME_METHOD, .channel = AMQP_LINK_CHANNEL};
    frame.payload.method.id = AMQP_BASIC_PUBLISH_METHOD;
    frame.payload.method.decoded = publish;
    return send_frame(sender, &frame, error);
}

static enum publish_progress send_header(struct publish_sender *sender,
                                         amqp_basic_properties_t *properties, size_t body_size,
                                         struct error *error)
{
    amqp_frame_t frame = {.frame_type = AMQP_FRAME_HEADER, .channel = AMQP_LINK_CHANNEL};
    frame.payload.properties.class_id = AMQP_BASIC_CLASS;
    frame.payload.properties.body_size = body_size;
    frame.payload.properties.decoded = properties;
    return send_frame(sender, &frame, error);
}

/* The next frame of the body. */
static enum publish_progress send_body(struct publish_sender *sender, struct str body,
                                       struct error *error)
{
    size_t part = (size_t)amqp_get_frame_max(sender->link->state) - 8; /* header and end octet */
    struct str rest = str_from(body, sender->body_sent);
    if (rest.len > part)
        rest.len = part;
    amqp_frame_t frame = {.frame_type = AMQP_FRAME_BODY, .channel = AMQP_LINK_CHANNEL};
    frame.payload.body_fragment = amqp_bytes_of(rest);
    enum publish_progress progress = send_frame(sender, &frame, error);
    if (progress == PUBLISH_DONE)
        sender->body_sent += rest.len;
    return progress;
}

static enum publish_progress send_large(struct publish_sender *sender,
                                        amqp_basic_publish_t *publish,
                                        amqp_basic_properties_t *properties, struct str body,
                                        struct error *error)
{
    enum publish_progress progress = PUBLISH_DONE;
    while (progress == PUBLISH_DONE) {
        switch (sender->stage) {
        case PUBLISH_METHOD:
            if ((progress = send_method(sender, publish, error)) == PUBLISH_DONE)
                sender->stage = PUBLISH_HEADER;
            break;
        case PUBLISH_HEADER:
            sender->body_sent = 0;
            if ((progress = send_header(sender, properties, body.len, error)) == PUBLISH_DONE)
                sender->stage = PUBLISH_BODY;
            break;
        case PUBLISH_BODY:
            progress = send_body(sender, body, error);
            if (sender->body_sent == body.len) {
                sender->stage = PUBLISH_METHOD;
                return progress;
            }
            break;
        }
    }
    return progress;
}

enum publish_progress publish_try(struct publish_sender *sender, const char *exchange,
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
    if (!has_room(sender, message->size))
        return PUBLISH_WAITS;
    int status =
        amqp_basic_publish(sender->link->state, AMQP_LINK_CHANNEL, publish.exchange,
                           publish.routing_key, 1, 0, &properties, amqp_bytes_of(message->body));
    return sent(sender, status, error);
}

static void wait_for_room(const struct publish_sender *sender)
{
    struct pollfd poll_fd = {.fd = amqp_get_sockfd(sender->link->state),
                             .events = POLLIN | POLLOUT};
    poll(&poll_fd, 1, IDLE_MS);
}

bool publish_send(struct publish_sender *sender, const char *exchange,
                  const struct message *message, struct error *error)
{
    enum publish_progress progress;
    while ((progress = publish_try(sender, exchange, message, error)) == PUBLISH_WAITS) {
        wait_for_room(sender);
        if (!sender->idle(sender->arg, error)) {
            if (sender->stage != PUBLISH_METHOD)
                sender->link->healthy = false; /* in the middle of a message */
            return false;
        }
    }
    return progress == PUBLISH_DONE;
}

void publish_sender_restart(struct publish_sender *sender)
{
    sender->unchecked = 0;
    sender->stage = PUBLISH_METHOD;
}
