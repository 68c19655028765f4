/*
 * amqp_socket.c: TCP and TLS, and noticing that the other side is gone.
 *
 * rabbitmq-c sets TCP_NODELAY, keep-alive and close-on-exec, and sends with MSG_NOSIGNAL; no signal
 * handling is needed. What it lacks is a limit on sends, so the kernel is told to give up.
 */
#include "log/amqp_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

/* How long sent data may stay unacknowledged by the peer's kernel. */
#define USER_TIMEOUT_MS 30000

#define SYSTEM_AUTHORITIES "/etc/ssl/certs/ca-certificates.crt"

static const char *authorities(void)
{
    const char *file = getenv("FANFOLD_AMQP_CA");
    return file && *file ? file : SYSTEM_AUTHORITIES;
}

static amqp_socket_t *tls_socket(amqp_connection_state_t state, struct error *error)
{
    amqp_socket_t *socket = amqp_ssl_socket_new(state);
    if (!socket) {
        error_set(error, ERROR_CONFIG, "TLS cannot be used: OpenSSL refuses to start");
        return NULL;
    }
    amqp_ssl_socket_set_verify_peer(socket, 1);
    amqp_ssl_socket_set_verify_hostname(socket, 1);
    amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
    if (amqp_ssl_socket_set_cacert(socket, authorities()) != AMQP_STATUS_OK) {
        error_set(error, ERROR_CONFIG,
                  "no certificate authorities can be read from %s; set FANFOLD_AMQP_CA to a PEM "
                  "file that has the broker's",
                  authorities());
        return NULL;
    }
    return socket;
}

static bool connect_failed(int status, struct error *error)
{
    switch (status) {
    case AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED:
        return error_set(error, ERROR_UNAVAILABLE, "cannot connect: the host name is not known");
    case AMQP_STATUS_TIMEOUT:
        return error_set(error, ERROR_UNAVAILABLE, "cannot connect: no answer in time");
    case AMQP_STATUS_SSL_PEER_VERIFY_FAILED:
        return error_set(error, ERROR_CONFIG,
                         "cannot connect: the broker's certificate has expired, or is not signed "
                         "by an authority in %s; set FANFOLD_AMQP_CA to a PEM file that has the "
                         "broker's",
                         authorities());
    case AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED:
        return error_set(error, ERROR_CONFIG,
                         "cannot connect: the broker's certificate is for another host name; use "
                         "a name that stands in the certificate");
    case AMQP_STATUS_SSL_CONNECTION_FAILED:
        return error_set(error, ERROR_UNAVAILABLE,
                         "cannot connect: no TLS connection comes about; either what listens "
                         "there speaks no TLS (RabbitMQ's port for it is mostly 5671; without TLS "
                         "write amqp://), or it asks for a certificate of ours or for a version "
                         "below TLS 1.2");
    default:
        return error_set(error, ERROR_UNAVAILABLE,
                         "cannot connect: nothing accepts connections there");
    }
}

bool amqp_socket_connect(amqp_connection_state_t state, const struct uri *uri,
                         const struct timeval *limit, struct error *error)
{
    amqp_socket_t *socket = uri->tls ? tls_socket(state, error) : amqp_tcp_socket_new(state);
    if (!socket)
        return uri->tls ? false : error_set(error, ERROR_UNAVAILABLE, "cannot make a socket");
    int status = amqp_socket_open_noblock(socket, uri->host, uri->port, limit);
    if (status != AMQP_STATUS_OK)
        return connect_failed(status, error);
    unsigned timeout = USER_TIMEOUT_MS;
    setsockopt(amqp_get_sockfd(state), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
    return true;
}
