/*
 * uri.h: server addresses. A struct uri owns its texts.
 *
 *     amqp://user:password@host:port/vhost        vhost percent-encoded; none or "/" alone means
 * "/" redis://user:password@host:port/db redis+unix:///path/to/socket?db=0
 *
 * amqps:// and rediss:// parse with tls = true; who cannot speak TLS refuses them.
 * Passwords are never printed: uri_safe() leaves them out.
 */
#ifndef FANFOLD_BASE_URI_H
#define FANFOLD_BASE_URI_H

#include "base/error.h"
#include <stdint.h>

struct uri {
    bool tls;
    char *host;            /* NULL when path is set; IPv6 without its brackets */
    int port;              /* defaults: 5672, 5671, 6379, 6380 */
    char *user, *password; /* percent-decoded; NULL when absent */
    char *vhost;           /* AMQP only */
    char *path;            /* Unix socket, Redis only */
    int db;                /* Redis only */
};

bool uri_parse_amqp(const char *text, struct uri *uri, struct error *error);
bool uri_parse_redis(const char *text, struct uri *uri, struct error *error);
/* The same, but refuses TLS: found when the address is read, it is no matter of waiting. */
bool uri_parse_redis_plain(const char *text, struct uri *uri, struct error *error);
/* "amqp://user@host:5672/vhost", without the password; the caller frees it. scheme is "amqp" or
 * "redis"; the s of TLS and +unix are added. */
char *uri_safe(const struct uri *uri, const char *scheme);
/* Says that no TLS is spoken to this Redis, and what to use instead; returns false. */
bool uri_refuse_redis_tls(const struct uri *uri, struct error *error);
/* Do they name the same keys, as far as the addresses tell? The login does not matter. */
bool uri_is_same_redis(const struct uri *a, const struct uri *b);
struct uri uri_copy(const struct uri *uri);
void uri_release(struct uri *uri);

#endif
