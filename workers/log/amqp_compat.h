/*
 * amqp_compat.h: rabbitmq-c's headers moved in 0.12; the old names warn there, which is an error
 * here.
 */
#ifndef FANFOLD_LOG_AMQP_COMPAT_H
#define FANFOLD_LOG_AMQP_COMPAT_H

#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#include <rabbitmq-c/ssl_socket.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#endif

#include "base/str.h"

static inline amqp_bytes_t amqp_bytes_of(struct str text)
{
    return (amqp_bytes_t){text.len, (void *)(uintptr_t)text.at};
}

/* Never {NULL, 0}: what the broker sent is a text, if an empty one. */
static inline struct str str_of_amqp(amqp_bytes_t bytes)
{
    return bytes.len ? (struct str){bytes.bytes, bytes.len} : STR("");
}

#endif
