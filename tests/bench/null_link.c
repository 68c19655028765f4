/*
 * null_link.c: see null_link.h.
 */
#include "null_link.h"

#include <errno.h> /* program_invocation_short_name */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FRAME_MAX    131072
#define WAIT_SECONDS 60

void null_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void null_check(amqp_connection_state_t link, const char *what)
{
    amqp_rpc_reply_t reply = amqp_get_rpc_reply(link);
    if (reply.reply_type != AMQP_RESPONSE_NORMAL)
        null_fail("%s failed (%s)", what,
                  reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION
                      ? amqp_error_string2(reply.library_error)
                      : "the broker refuses it");
}

amqp_connection_state_t null_connect(char *url)
{
    struct amqp_connection_info to;
    if (amqp_parse_url(url, &to) != AMQP_STATUS_OK)
        null_fail("not an amqp:// address");
    amqp_connection_state_t link = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(link);
    int status = socket ? amqp_socket_open(socket, to.host, to.port) : AMQP_STATUS_NO_MEMORY;
    if (status != AMQP_STATUS_OK)
        null_fail("%s:%d: %s", to.host, to.port, amqp_error_string2(status));
    amqp_rpc_reply_t reply =
        amqp_login(link, to.vhost, 0, FRAME_MAX, 0, AMQP_SASL_METHOD_PLAIN, to.user, to.password);
    if (reply.reply_type != AMQP_RESPONSE_NORMAL)
        null_fail("%s:%d: the login failed", to.host, to.port);
    amqp_channel_open(link, NULL_CHANNEL);
    null_check(link, "opening the channel");
    return link;
}

static bool frame_within(amqp_connection_state_t link, amqp_frame_t *frame, int seconds)
{
    struct timeval limit = {.tv_sec = seconds};
    int status = amqp_simple_wait_frame_noblock(link, frame, &limit);
    if (status == AMQP_STATUS_TIMEOUT && seconds == 0)
        return false;
    if (status != AMQP_STATUS_OK)
        null_fail("%s", amqp_error_string2(status));
    if (frame->frame_type == AMQP_FRAME_METHOD &&
        (frame->payload.method.id == AMQP_CHANNEL_CLOSE_METHOD ||
         frame->payload.method.id == AMQP_CONNECTION_CLOSE_METHOD))
        null_fail("the broker closed the connection");
    return true;
}

void null_frame(amqp_connection_state_t link, amqp_frame_t *frame)
{
    (void)frame_within(link, frame, WAIT_SECONDS);
}

bool null_frame_ready(amqp_connection_state_t link, amqp_frame_t *frame)
{
    return frame_within(link, frame, 0);
}

uint64_t null_count(const char *text)
{
    char *end;
    unsigned long long count = strtoull(text, &end, 10);
    if (*text < '1' || *text > '9' || *end)
        null_fail("%s: not a number from 1 on", text);
    return count;
}

void null_close(amqp_connection_state_t link)
{
    amqp_connection_close(link, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(link);
}
