/*
 * amqp_socket.h: the TCP or TLS socket under a connection.
 */
#ifndef FANFOLD_LOG_AMQP_SOCKET_H
#define FANFOLD_LOG_AMQP_SOCKET_H

#include "base/error.h"
#include "base/uri.h"
#include "log/amqp_compat.h"

struct timeval;

/* Connects within `limit` (looking up a host name apart, which the C library alone decides).
 * amqps:// verifies the broker's certificate and name against $FANFOLD_AMQP_CA, a PEM file, or the
 * system's authorities. */
bool amqp_socket_connect(amqp_connection_state_t state, const struct uri *uri,
                         const struct timeval *limit, struct error *error);

#endif
